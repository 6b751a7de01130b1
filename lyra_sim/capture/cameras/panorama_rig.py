"""Cameras of panoramas: COLMAP's mappers over rigs of views whose place in each panorama is known.

Every view's pinhole is exact, and so are the rotations among the views of one panorama: only where each panorama stood is
searched for. That leaves the mappers no focal length to trade against depth.
"""

from pathlib import Path
from typing import Any

import numpy as np

from lyra_sim.capture.cameras.colmap_calls import colmap_call
from lyra_sim.capture.cameras.colmap_model import posed_from_reconstruction
from lyra_sim.capture.cameras.photo_matches import PhotoMatches, Rig, match_photos
from lyra_sim.capture.cameras.structure_from_motion import SMALLEST_MODEL, TRIES, nothing_joined
from lyra_sim.capture.intake.panorama_cuts import views_from_panorama
from lyra_sim.data.posed import Photo, PhotoSet, PosedPhotos
from lyra_sim.scene.spec import PosesConfig


def panorama_candidates(photos: PhotoSet, cfg: PosesConfig, *, work: Path, seed: int) -> tuple[PosedPhotos, ...]:
    """Every model that the mappers find of panoramas that were cut into views.

    Args:
        photos: Views, whole panoramas of them.
        cfg: Features and mappers; there is no focal length to start from.
        work: Folder for databases and models.
        seed: Of everything random.

    Raises:
        GeometryError: No panoramas could be joined.
    """
    matches = match_photos(
        photos.photos,
        cfg,
        work=work,
        seed=seed,
        cameras=lambda: _cameras(photos.photos),
        rig=Rig(frames=_frames(photos.photos), write=_write_rig),
    )
    found = [
        model
        for mapper in cfg.mappers
        for attempt in range(TRIES)
        for model in _map(mapper, matches, work=work, seed=(seed + attempt) % 2**31, attempt=attempt)
    ]
    if not found:
        raise nothing_joined(matches)
    return tuple(found)


def _frames(photos: tuple[Photo, ...]) -> tuple[int, ...]:
    """Panorama of each photo, counted from 0."""
    order = {name: index for index, name in enumerate(dict.fromkeys(photo.cut_from for photo in photos))}
    return tuple(order[photo.cut_from] for photo in photos)


def _cameras(photos: tuple[Photo, ...]) -> tuple[list[Any], list[int]]:
    """One pinhole for each view of the rig."""
    import pycolmap

    numbers = sorted({photo.cut_number for photo in photos})
    cameras = []
    for number in numbers:
        photo = next(one for one in photos if one.cut_number == number)
        camera = pycolmap.Camera.create_from_model_name(
            number + 1, "SIMPLE_PINHOLE", photo.width / 2, photo.width, photo.height
        )
        camera.has_prior_focal_length = True
        cameras.append(camera)
    return cameras, [photo.cut_number + 1 for photo in photos]


def _write_rig(database: Any, cameras: list[Any]) -> None:
    """The one rig of all panoramas; the first view is its reference."""
    import pycolmap

    rotations = views_from_panorama()
    rig = pycolmap.Rig(rig_id=1)
    rig.add_ref_sensor(cameras[0].sensor_id)
    first = rotations[cameras[0].camera_id - 1]
    for camera in cameras[1:]:
        view_from_first = rotations[camera.camera_id - 1] @ first.T
        rig.add_sensor(camera.sensor_id, pycolmap.Rigid3d(pycolmap.Rotation3d(view_from_first), np.zeros(3)))
    database.write_rig(rig, use_rig_id=True)


def _map(mapper: str, matches: PhotoMatches, *, work: Path, seed: int, attempt: int) -> list[PosedPhotos]:
    import pycolmap

    models, at = work / "models", work / "mapping.db"
    models.mkdir(parents=True, exist_ok=True)
    at.write_bytes(matches.database.read_bytes())  # mappers may write to it
    options: Any
    run: Any
    if mapper == "global":
        options, run = pycolmap.GlobalPipelineOptions(), pycolmap.global_mapping
        options.mapper.refine_sensor_from_rig = False
        for part in (options.mapper.rotation_averaging, options.mapper.global_positioning, options.mapper.bundle_adjustment):
            part.refine_sensor_from_rig = False
        adjustment = options.mapper.bundle_adjustment
        adjustment.refine_focal_length = adjustment.refine_extra_params = False
    else:
        options, run = pycolmap.IncrementalPipelineOptions(), pycolmap.incremental_mapping
        options.ba_refine_focal_length = options.ba_refine_extra_params = options.ba_refine_sensor_from_rig = False
        options.extract_colors = False
    options.min_model_size, options.random_seed, options.num_threads = SMALLEST_MODEL, seed, 1
    recipe = f"{mapper} mapper, rig of panoramas" + (f", try {attempt + 1}" if attempt else "")
    with colmap_call(f"{len(matches.photos)} views", f"{recipe} failed"):
        pycolmap.set_random_seed(seed)
        found = run(at, models, models, options)
    names = {index + 1: photo.name for index, photo in enumerate(matches.photos)}
    large = [found[key] for key in sorted(found) if found[key].num_reg_images() >= SMALLEST_MODEL]
    large.sort(key=lambda model: -model.num_reg_images())
    return [posed_from_reconstruction(model, names, recipe=recipe) for model in large]
