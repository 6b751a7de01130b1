"""Features of photos and what they share, found once: a COLMAP database that every later attempt starts from a copy of.

Repeatable on any number of threads: features and matches of a photo or pair don't depend on the others, RANSAC is seeded
pair by pair, and the database is written anew in the order of the photos.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from lyra_sim.capture.cameras.colmap_calls import colmap_call
from lyra_sim.capture.cameras.photo_pairs import photo_pairs
from lyra_sim.data.posed import Photo
from lyra_sim.errors import InputError
from lyra_sim.scene.spec import PosesConfig

FREE_FOCAL = 1.2
"""Focal length that a photo without a prior starts from, in longer sides (COLMAP's own default). Convention."""
NEAR_FRAMES = 2
"""Frames of a rig before and after of which every pair of photos is compared, in sets too large to compare all. Convention."""
_DATABASE = "matches.db"


@dataclass(frozen=True, kw_only=True)
class Rig:
    """Cameras that are held together: photos of one frame were taken at one moment, each by another camera."""

    frames: tuple[int, ...]
    """Of every photo, counted from 0."""
    write: Callable[[Any, list[Any]], None]
    """Writes the rig, number 1, of cameras into a database."""


@dataclass(frozen=True, kw_only=True)
class PhotoMatches:
    """Photos with their features and verified matches in a database; image ``i + 1`` is photo ``i``."""

    database: Path
    photos: tuple[Photo, ...]
    features: Int64[np.ndarray, "n"]
    """Found in every photo."""
    pair_index: Int64[np.ndarray, "p 2"]
    """Photos (i < j) that verifiably show something in common, sorted."""
    pair_matches: Int64[np.ndarray, "p"]
    """Matches of each that agree on one relative pose."""

    @property
    def partners(self) -> Int64[np.ndarray, "n"]:
        """Photos that each photo shares something with."""
        return np.bincount(self.pair_index.ravel(), minlength=len(self.photos))

    def copy(self, to: Path) -> Path:
        """A database to work in."""
        to.parent.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copyfile(self.database, to))


def match_photos(
    photos: tuple[Photo, ...],
    cfg: PosesConfig,
    *,
    work: Path,
    seed: int,
    cameras: Callable[[], tuple[list[Any], list[int]]],
    rig: Rig | None = None,
) -> PhotoMatches:
    """SIFT features (Lowe 2004) of every photo, none where its mask is black, matched and verified with a fundamental or
    essential matrix.

    Args:
        photos: At least two.
        cfg: ``features`` and ``image_side``.
        work: Folder for databases.
        seed: Of RANSAC.
        cameras: Gives pycolmap cameras with ids, and the camera id of every photo. Called once COLMAP is loaded.
        rig: Holds cameras together; None: each photo stands by itself.
    """
    import pycolmap

    work.mkdir(parents=True, exist_ok=True)
    found, database = work / "features.db", work / _DATABASE
    for old in (found, database):
        old.unlink(missing_ok=True)
    root = Path(os.path.commonpath([photo.file.parent.absolute() for photo in photos]))
    paths = [photo.file.absolute().relative_to(root).as_posix() for photo in photos]
    with colmap_call(f"{len(photos)} photos", "features couldn't be found and matched"):
        pycolmap.set_random_seed(seed)
        pycolmap.extract_features(
            found,
            root,
            image_names=paths,
            camera_mode=pycolmap.CameraMode.PER_IMAGE,
            reader_options=_reading(photos, paths, work / "masks"),
            extraction_options=_extraction(cfg),
            device=pycolmap.Device.cpu,
        )
        descriptors, scales = _write_in_order(found, database, paths, *cameras(), rig)
        found.unlink()
        frames = range(len(photos)) if rig is None else rig.frames
        near = [
            (i, j)
            for i in range(len(photos))
            for j in range(i + 1, len(photos))
            if rig and frames[j] - frames[i] <= NEAR_FRAMES
        ]
        pairs = sorted({(i, j) for i, j in (*photo_pairs(descriptors, scales), *near) if frames[i] != frames[j]})
        _match(database, pairs, seed=seed)
        return _read(database, photos, descriptors)


def cameras_of_equal_photos(photos: tuple[Photo, ...], *, exif: bool) -> tuple[list[Any], list[int]]:
    """One SIMPLE_RADIAL camera for all photos of the same size and EXIF focal length, in order of first appearance.

    Args:
        photos: In order.
        exif: Start from the EXIF focal length where there is one, and say so; else from ``FREE_FOCAL``.
    """
    import pycolmap

    keys = [(photo.width, photo.height, photo.focal_px) for photo in photos]
    distinct = list(dict.fromkeys(keys))
    cameras = []
    for number, (width, height, focal) in enumerate(distinct, start=1):
        prior = focal if exif else None
        start = FREE_FOCAL * max(width, height) if prior is None else prior
        camera = pycolmap.Camera.create_from_model_name(number, "SIMPLE_RADIAL", start, width, height)
        camera.has_prior_focal_length = prior is not None
        cameras.append(camera)
    return cameras, [distinct.index(key) + 1 for key in keys]


def _reading(photos: tuple[Photo, ...], paths: list[str], folder: Path) -> Any:
    """With the photos' masks laid out in ``folder`` as COLMAP looks for them."""
    import pycolmap

    options = pycolmap.ImageReaderOptions()
    if not any(photo.mask for photo in photos):
        return options
    for photo, path in zip(photos, paths, strict=True):
        target = folder / f"{path}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        if photo.mask is not None:
            shutil.copyfile(photo.mask, target)
    options.mask_path = folder
    return options


def _extraction(cfg: PosesConfig) -> Any:
    import pycolmap

    options = pycolmap.FeatureExtractionOptions()
    options.use_gpu = False
    options.max_image_size = cfg.image_side
    options.sift.max_num_features = cfg.features
    return options


def _write_in_order(
    found: Path, database: Path, paths: list[str], cameras: list[Any], camera_ids: list[int], held: Rig | None
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The features with our cameras and ids; descriptors and scales of every photo."""
    import pycolmap

    descriptors, scales = [], []
    with pycolmap.Database.open(found) as source, pycolmap.Database.open(database) as target:
        for camera in cameras:
            target.write_camera(camera, use_camera_id=True)
            if held is not None:
                continue
            rig = pycolmap.Rig(rig_id=camera.camera_id)
            rig.add_ref_sensor(camera.sensor_id)
            target.write_rig(rig, use_rig_id=True)
        if held is not None:
            held.write(target, cameras)
            _write_frames(target, held, camera_ids)
        ids = {image.name: image.image_id for image in source.read_all_images()}
        unread = [path for path in paths if path not in ids]
        if unread:
            raise InputError(unread[0], f"it and {len(unread) - 1} more can't be read by COLMAP", expected="a JPEG or PNG")
        for number, (path, camera_id) in enumerate(zip(paths, camera_ids, strict=True), start=1):
            image = pycolmap.Image(name=image_name(number - 1), camera_id=camera_id, image_id=number)
            image.frame_id = number if held is None else held.frames[number - 1] + 1
            if held is None:
                frame = pycolmap.Frame(frame_id=number, rig_id=camera_id)
                frame.add_data_id(image.data_id)
                target.write_frame(frame, use_frame_id=True)
            target.write_image(image, use_image_id=True)
            keypoints = source.read_keypoints(ids[path])
            features = source.read_descriptors(ids[path])
            target.write_keypoints(number, keypoints)
            target.write_descriptors(number, features)
            descriptors.append(np.asarray(features.data, np.uint8).reshape(-1, 128))
            scales.append(_scales(keypoints))
    return descriptors, scales


def _write_frames(database: Any, held: Rig, camera_ids: list[int]) -> None:
    """Of a rig: each with all of its images."""
    import pycolmap

    for number in sorted(set(held.frames)):
        frame = pycolmap.Frame(frame_id=number + 1, rig_id=1)
        for index, camera_id in enumerate(camera_ids):
            if held.frames[index] == number:
                frame.add_data_id(pycolmap.Image(name=image_name(index), camera_id=camera_id, image_id=index + 1).data_id)
        database.write_frame(frame, use_frame_id=True)


def image_name(index: int) -> str:
    """Name of photo ``index`` in our databases: no file is ever opened by it, so it needn't be one."""
    return f"{index:06d}"


def _scales(keypoints: np.ndarray) -> np.ndarray:
    """Size of features given as x, y and a 2x2 affine shape [px]."""
    if keypoints.shape[1] < 6:
        return np.ones(len(keypoints), np.float32)
    a11, a12, a21, a22 = keypoints[:, 2:6].T
    return np.sqrt(np.abs(a11 * a22 - a12 * a21)).astype(np.float32)


def _match(database: Path, pairs: list[tuple[int, int]], *, seed: int) -> None:
    import pycolmap

    matching, verification = pycolmap.FeatureMatchingOptions(), pycolmap.TwoViewGeometryOptions()
    matching.use_gpu = False
    verification.ransac.random_seed = seed
    pairing = pycolmap.ImportedPairingOptions()
    pairing.match_list_path = database.with_name("pairs.txt")
    lines = [f"{image_name(i)} {image_name(j)}\n" for i, j in pairs]
    pairing.match_list_path.write_text("".join(lines), encoding="ascii")
    pycolmap.match_image_pairs(
        database,
        matching_options=matching,
        pairing_options=pairing,
        verification_options=verification,
        device=pycolmap.Device.cpu,
    )


def _read(database: Path, photos: tuple[Photo, ...], descriptors: list[np.ndarray]) -> PhotoMatches:
    import pycolmap

    with pycolmap.Database.open(database) as stored:
        ids, geometries = stored.read_two_view_geometries()
    count = {
        tuple(sorted(image - 1 for image in pycolmap.pair_id_to_image_pair(pair))): len(geometry.inlier_matches)
        for pair, geometry in zip(ids, geometries, strict=True)
    }
    kept = sorted(pair for pair, matches in count.items() if matches > 0)
    return PhotoMatches(
        database=database,
        photos=photos,
        features=np.array([len(rows) for rows in descriptors], np.int64),
        pair_index=np.array(kept, np.int64).reshape(-1, 2),
        pair_matches=np.array([count[pair] for pair in kept], np.int64),
    )


def matched_pixels(
    work: Path,
) -> Iterator[tuple[tuple[int, int], tuple[Float64[np.ndarray, "m 2"], Float64[np.ndarray, "m 2"]]]]:
    """Photos i, j and the pixels of their verified matches in each, for every pair that :func:`match_photos` left there."""
    import pycolmap

    path = work / _DATABASE
    with colmap_call(str(path), "matches couldn't be read"), pycolmap.Database.open(path) as stored:
        ids, geometries = stored.read_two_view_geometries()
        images = sorted(image.image_id for image in stored.read_all_images())
        pixels = {image: stored.read_keypoints(image)[:, :2].astype(np.float64) for image in images}
    for pair, geometry in sorted(zip(ids, geometries, strict=True), key=lambda entry: entry[0]):
        i, j = pycolmap.pair_id_to_image_pair(pair)
        at = geometry.inlier_matches
        if len(at):
            yield (i - 1, j - 1), (pixels[i][at[:, 0]], pixels[j][at[:, 1]])
