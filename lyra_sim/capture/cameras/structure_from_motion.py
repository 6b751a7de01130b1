"""Cameras of photos by COLMAP (Schönberger & Frahm 2016) and GLOMAP (Pan et al. 2024), in several ways; others choose.

One run proves little: on 64 photos of a house with blank walls the same mapper gives 3 cm or 90 cm of error with nothing
changed but its seed, at 0.5 px either way. So every combination of start focal length and mapper is run more than once on
the same matches, and every model is handed on, whatever it looks like: focal lengths far from the image size and wild
distortions too. :mod:`lyra_sim.capture.trust.pose_choice` tells which can be trusted.

Mappers run on one thread, one after the other: on several threads sums are taken in changing order, and two runs at once
draw from one source of random numbers; either way the same seed gives other models. One thread costs nothing measurable at
30 to 64 photos. Features and matches use all cores (see :mod:`lyra_sim.capture.cameras.photo_matches`).
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lyra_sim.capture.cameras.colmap_calls import colmap_call
from lyra_sim.capture.cameras.colmap_model import camera_of_lens, posed_from_reconstruction, reconstruction_of_cameras
from lyra_sim.capture.cameras.photo_matches import PhotoMatches, cameras_of_equal_photos, match_photos
from lyra_sim.data.posed import PhotoSet, PosedPhotos
from lyra_sim.errors import GeometryError, InputError
from lyra_sim.scene.spec import PosesConfig

TRIES = 2
"""Runs of every mapper from every start focal length, with different seeds. A run takes 2 to 5 s at 30 to 64 photos.
Convention."""
SMALLEST_MODEL = 3
"""Photos of a model that is handed on; two, when the set has hardly more. Convention."""
MOST_MODELS = 10
"""Models the incremental mapper may leave. Convention."""
FEW_FEATURES = 300
"""In a typical photo; below, the photos are blank rather than too far apart. Tuned, unrecorded."""
ONE_VIEW = 0.8
"""Where this share of all pairs shows the same, overlap isn't what is missing. Tuned, unrecorded."""
_LONELIEST = 5
"""Photos that are named, those that share something with the fewest others. Convention."""


def pose_candidates(photos: PhotoSet, cfg: PosesConfig, *, work: Path, seed: int) -> tuple[PosedPhotos, ...]:
    """Every model of the photos that COLMAP finds: start focal lengths × mappers × seeds, on the same matches.

    Focal lengths start from EXIF (``focal from EXIF``), from 1.2 longer sides (``free focal``) and from what fits the
    fundamental matrices of all pairs best (``calibrated focal``; Sweeney et al. 2015). They are refined in all cases.

    Args:
        photos: At least two.
        cfg: Features, mappers, and which focal lengths to start from.
        work: Folder for databases and models.
        seed: Of everything random.

    Raises:
        GeometryError: No three photos (two, of a small set) could be joined; it says why, photo by photo.
        InputError: There is one photo alone.
    """
    if len(photos.photos) < 2:
        raise InputError(f"{len(photos.photos)} photo", "cameras can't be found from it", expected="at least two photos")
    matches = match_photos(
        photos.photos, cfg, work=work, seed=seed, cameras=lambda: cameras_of_equal_photos(photos.photos, exif=False)
    )
    if len(matches.pair_index) == 0:
        raise nothing_joined(matches)
    candidates = []
    for start, database in _start_databases(matches, cfg, work=work, seed=seed).items():
        for mapper in cfg.mappers:
            for attempt in range(TRIES):
                recipe = f"{mapper} mapper, {start}" + (f", try {attempt + 1}" if attempt else "")
                candidates += _map(mapper, database, matches, work=work, seed=(seed + attempt) % 2**31, recipe=recipe)
    if not candidates:
        raise nothing_joined(matches)
    return tuple(candidates)


def _start_databases(matches: PhotoMatches, cfg: PosesConfig, *, work: Path, seed: int) -> dict[str, Path]:
    """Database of every way to start the focal lengths, by its name."""
    import pycolmap

    databases = {}
    if cfg.focal in ("auto", "exif") and any(photo.focal_px is not None for photo in matches.photos):
        databases["focal from EXIF"] = path = matches.copy(work / "exif.db")
        with colmap_call("photos", "EXIF focal lengths couldn't be set"), pycolmap.Database.open(path) as database:
            for camera in cameras_of_equal_photos(matches.photos, exif=True)[0]:
                database.update_camera(camera)
    elif cfg.focal == "exif":
        raise InputError(
            "poses.focal",
            f"exif, but none of the {len(matches.photos)} photos tells its focal length",
            expected="an EXIF focal length in at least one photo",
            next_step="Set poses.focal: auto.",
        )
    if cfg.focal in ("auto", "free"):
        databases["free focal"] = matches.database
        path = matches.copy(work / "calibrated.db")
        options = pycolmap.ViewGraphCalibrationOptions()
        options.random_seed = seed
        with colmap_call("photos", "the focal length couldn't be calibrated from pairs of photos"):
            if pycolmap.calibrate_view_graph(path, options):
                databases["calibrated focal"] = path
    return databases


def _map(mapper: str, database: Path, matches: PhotoMatches, *, work: Path, seed: int, recipe: str) -> list[PosedPhotos]:
    """Models of one run, the largest first."""
    import pycolmap

    models, at = work / "models", work / "mapping.db"
    models.mkdir(parents=True, exist_ok=True)
    at.write_bytes(database.read_bytes())  # mappers may write to it
    least = SMALLEST_MODEL if len(matches.photos) > SMALLEST_MODEL else 2
    options: Any
    run: Any
    if mapper == "global":
        options, run = pycolmap.GlobalPipelineOptions(), pycolmap.global_mapping
    else:
        options, run = pycolmap.IncrementalPipelineOptions(), pycolmap.incremental_mapping
        options.extract_colors = False
        options.max_num_models = MOST_MODELS
    options.min_model_size, options.random_seed, options.num_threads = least, seed, 1
    with colmap_call(f"{len(matches.photos)} photos", f"{recipe} failed"):
        pycolmap.set_random_seed(seed)
        found = run(at, models, models, options)
    names = {index + 1: photo.name for index, photo in enumerate(matches.photos)}
    large = [found[key] for key in sorted(found) if found[key].num_reg_images() >= least]
    large.sort(key=lambda model: -model.num_reg_images())
    return [posed_from_reconstruction(model, names, recipe=recipe) for model in large]


def triangulate(posed: PosedPhotos, photos: PhotoSet, cfg: PosesConfig, *, work: Path, seed: int) -> PosedPhotos:
    """The same cameras, untouched, with points triangulated from them.

    Matches are verified by what the photos show alone, before any camera is looked at, so points tell whether cameras and
    photos fit. Leaves the matches in ``work`` for :func:`lyra_sim.capture.trust.epipolar_check.check_given_cameras`.

    Args:
        posed: Cameras; sparse points it brings are replaced.
        photos: The files behind the names.
        cfg: Features.
        work: Folder for databases.
        seed: Of RANSAC.

    Raises:
        InputError: There is one photo alone.
        GeometryError: No photos share enough; it says why, photo by photo.
    """
    import pycolmap

    if len(posed) < 2:
        raise InputError(f"{len(posed)} photo with a camera", "nothing can be triangulated", expected="at least two")
    chosen = tuple(photos.by_name[name] for name in posed.names)
    cameras = [camera_of_lens(lens, number) for number, lens in enumerate(posed.lenses, start=1)]
    camera_ids = [int(lens) + 1 for lens in posed.lens_index]
    matches = match_photos(chosen, cfg, work=work, seed=seed, cameras=lambda: (cameras, camera_ids))
    if len(matches.pair_index) == 0:
        raise nothing_joined(matches, given=True)
    with colmap_call(f"{len(posed)} photos with cameras", "points couldn't be triangulated"):
        known = reconstruction_of_cameras(cameras, camera_ids, posed.c2w)
        options = pycolmap.IncrementalPipelineOptions()
        options.random_seed, options.num_threads, options.extract_colors = seed, 1, False
        options.triangulation.ignore_two_view_tracks = len(posed) > 2
        models = work / "triangulated"
        models.mkdir(parents=True, exist_ok=True)
        pycolmap.set_random_seed(seed)
        model = pycolmap.triangulate_points(known, matches.database, models, models, options=options)
    names = {index + 1: name for index, name in enumerate(posed.names)}
    found = posed_from_reconstruction(model, names, recipe=posed.recipe)
    place = np.array([posed.names.index(name) for name in found.names], np.int32)
    sparse = replace(found.sparse, view_index=place[found.sparse.view_index])
    return replace(posed, sparse=sparse, reprojection_px=found.reprojection_px)


def nothing_joined(matches: PhotoMatches, *, given: bool = False) -> GeometryError:
    """No model at all, of blank photos, of photos too far apart, or of one view over and over; the loneliest by name."""
    photos, partners = matches.photos, matches.partners
    joined, pairs = len(matches.pair_index), len(photos) * (len(photos) - 1) // 2
    what = "given cameras can't be checked by the photos" if given else "no cameras could be found"
    found = (
        f"{what}: {joined} of {pairs} pairs verifiably show the same, with {int(np.median(matches.features))} features "
        "in a typical photo"
    )
    if 0 < joined < pairs:
        order = np.lexsort((np.arange(len(partners)), matches.features, partners))[:_LONELIEST]
        named = (f"'{photos[row].name}' ({matches.features[row]} features, {partners[row]} partners)" for row in order)
        found += f"; loneliest: {', '.join(named)}"
    expected = "every photo to share dozens of features with two others or more"
    if np.median(matches.features) < FEW_FEATURES:
        likely = "Blank walls, blur or darkness leave too few features."
        next_step = "Take them again in more light, from further back, with furniture, edges or posters in every photo"
    elif joined >= ONE_VIEW * pairs:
        expected = "points that shift from photo to photo, which is what shows depth"
        likely = "The photos were taken from one spot, or of one flat thing."
        next_step = "Take every photo a step to the side of the one before"
    else:
        likely = "Neighbouring photos overlap too little, or were taken turning on the spot, which shows no depth."
        next_step = "Take photos a step apart that share two thirds of what they show"
    if given:
        next_step = "Take photos with more texture in them; depth couldn't be found from these either."
    else:
        next_step += ", or give the cameras (photos.cameras)."
    return GeometryError(f"{len(photos)} photos", found, expected=expected, likely=likely, next_step=next_step)
