"""COLMAP reconstructions to posed photos: what our own runs leave, and models that others made."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int32

from lyra_sim.capture.cameras.colmap_calls import colmap_call
from lyra_sim.capture.cameras.colmap_folder import check_model_folder
from lyra_sim.capture.cameras.lenses import Lenses
from lyra_sim.capture.cameras.photo_matches import image_name
from lyra_sim.capture.intake.photo_names import photo_names
from lyra_sim.data.posed import Lens, PhotoSet, PosedPhotos
from lyra_sim.data.sparse import SparsePoints
from lyra_sim.errors import GeometryError, InputError
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.geometry.rigid import invert_rigid
from lyra_sim.scene.sources import ColmapSource

_LENS_PARAMETERS = {
    "SIMPLE_PINHOLE": "f cx cy",
    "PINHOLE": "fx fy cx cy",
    "SIMPLE_RADIAL": "f cx cy k1",
    "RADIAL": "f cx cy k1 k2",
    "OPENCV": "fx fy cx cy k1 k2 p1 p2",
}
"""Camera models that are a pinhole with k1, k2, p1, p2, and the order of their parameters."""


def posed_from_reconstruction(reconstruction: Any, names: Mapping[int, str], *, recipe: str) -> PosedPhotos:
    """Registered images of a ``pycolmap.Reconstruction`` as posed photos, in the order of ``names``.

    Sightings that the lens can't be undone for, and points that fewer than two photos are left to see, are dropped: a wild
    distortion has no inverse near the image's corners.

    Args:
        reconstruction: May hold cameras with wild focal lengths or distortions; they are handed on as they are.
        names: Photo name of every image id that is wanted; registered images outside it are left out.
        recipe: How it was made.
    """
    posed = set(reconstruction.reg_image_ids())
    kept = [image_id for image_id in names if image_id in posed]
    images = [reconstruction.images[image_id] for image_id in kept]
    w2c = np.tile(np.eye(4), (len(images), 1, 1))
    w2c[:, :3] = [image.cam_from_world().matrix() for image in images]
    camera_ids = sorted({image.camera_id for image in images})
    row = {camera_id: index for index, camera_id in enumerate(camera_ids)}
    sparse = _sparse(reconstruction, images)
    errors = reconstruction.compute_mean_reprojection_error() if len(sparse.points) else np.nan
    return PosedPhotos(
        names=tuple(names[image_id] for image_id in kept),
        c2w=invert_rigid(w2c),
        lens_index=np.array([row[image.camera_id] for image in images], np.int32),
        lenses=tuple(lens_of_camera(reconstruction.cameras[camera_id]) for camera_id in camera_ids),
        sparse=sparse,
        recipe=recipe,
        reprojection_px=float(errors),
    )


def lens_of_camera(camera: Any, *, subject: str = "COLMAP model") -> Lens:
    """A ``pycolmap.Camera`` as a lens; COLMAP counts pixel centres as we do.

    Raises:
        InputError: The camera model is none that Brown-Conrady covers.
    """
    model = camera.model.name
    if model not in _LENS_PARAMETERS:
        raise InputError(
            subject,
            f"camera {camera.camera_id} is {model}",
            expected=" or ".join(_LENS_PARAMETERS),
            likely="A fisheye or higher-order lens, which a pinhole with k1, k2, p1, p2 can't stand for.",
            next_step="Undistort the photos with COLMAP's image_undistorter and give its model.",
        )
    value = dict(zip(_LENS_PARAMETERS[model].split(), np.asarray(camera.params, np.float64), strict=True))
    fx, fy = value.get("fx", value.get("f")), value.get("fy", value.get("f"))
    return Lens(
        K=np.array([[fx, 0, value["cx"]], [0, fy, value["cy"]], [0, 0, 1]], np.float64),
        distortion=np.array([value.get(name, 0.0) for name in ("k1", "k2", "p1", "p2")]),
        width=int(camera.width),
        height=int(camera.height),
    )


def camera_of_lens(lens: Lens, camera_id: int) -> Any:
    """The inverse of :func:`lens_of_camera`, as OPENCV, for calls into COLMAP with a known lens."""
    import pycolmap

    camera = pycolmap.Camera.create_from_model_name(camera_id, "OPENCV", float(lens.K[0, 0]), lens.width, lens.height)
    camera.params = [lens.K[0, 0], lens.K[1, 1], lens.K[0, 2], lens.K[1, 2], *lens.distortion]
    camera.has_prior_focal_length = True
    return camera


def _sparse(reconstruction: Any, images: list[Any]) -> SparsePoints:
    point_ids = np.array(sorted(reconstruction.point3D_ids()), np.uint64)
    points = np.array([reconstruction.points3D[int(point)].xyz for point in point_ids], np.float64).reshape(-1, 3)
    rows, views, seen_at = [np.empty(0, np.int64)], [np.empty(0, np.int32)], [np.empty((0, 2))]
    for view, image in enumerate(images):
        sightings = image.get_observation_points2D()
        if not sightings:
            continue
        xy = reconstruction.cameras[image.camera_id].cam_from_img(np.array([one.xy for one in sightings], np.float64))
        rows.append(np.searchsorted(point_ids, np.array([one.point3D_id for one in sightings], np.uint64)))
        views.append(np.full(len(sightings), view, np.int32))
        seen_at.append(np.asarray(xy, np.float64))
    xy = np.concatenate(seen_at)
    point_index, finite = np.concatenate(rows), np.asarray(np.isfinite(points).all(axis=1))
    sound = np.asarray(np.isfinite(xy).all(axis=1)) & finite[point_index]
    return _seen_twice(points, point_index, np.concatenate(views), xy, sound)


def _seen_twice(
    points: Float64[np.ndarray, "p 3"],
    point_index: np.ndarray,
    view_index: Int32[np.ndarray, "o"],
    xy: Float64[np.ndarray, "o 2"],
    sound: Bool[np.ndarray, "o"],
) -> SparsePoints:
    all_of_it = SparsePoints(
        points=points, point_index=point_index[sound].astype(np.int32), view_index=view_index[sound], xy=xy[sound]
    )
    return all_of_it.of_views(tuple(range(int(view_index.max(initial=-1)) + 1)))


def reconstruction_of_cameras(cameras: list[Any], camera_ids: list[int], c2w: Float64[np.ndarray, "n 4 4"]) -> Any:
    """A ``pycolmap.Reconstruction`` of posed images without points; image ``i + 1`` is camera ``i``, as in our databases."""
    import pycolmap

    reconstruction = pycolmap.Reconstruction()
    for camera in cameras:
        reconstruction.add_camera_with_trivial_rig(camera)
    for index, (camera_id, w2c) in enumerate(zip(camera_ids, invert_rigid(c2w), strict=True)):
        image = pycolmap.Image(name=image_name(index), camera_id=camera_id, image_id=index + 1)
        reconstruction.add_image_with_trivial_frame(image, pycolmap.Rigid3d(np.ascontiguousarray(w2c[:3])))
    return reconstruction


def posed_by_colmap(source: ColmapSource, photos: PhotoSet) -> PosedPhotos:
    """Photos taken in from :func:`image_files_of_colmap`, with cameras and points of the model.

    Images the model doesn't register, and photos that couldn't be read, are left out.

    Raises:
        InputError: None of the model's images is among the photos.
    """
    model = _read_model(source.model)
    files, image_ids = _files_and_images(source, model)
    subject = str(source.model)
    image_of = dict(zip(photo_names(files), image_ids, strict=True))
    names = {image_of[photo.name]: photo.name for photo in photos.photos if photo.name in image_of}
    if not names:
        raise InputError(
            subject,
            f"none of its {len(files)} images is among the {len(photos.photos)} photos",
            likely="colmap.images isn't the folder that the model's image names are relative to.",
        )
    for camera_id in sorted({model.images[image_id].camera_id for image_id in names}):
        lens_of_camera(model.cameras[camera_id], subject=subject)  # refuse before anything is computed from it
    posed = posed_from_reconstruction(model, names, recipe="COLMAP model")
    lenses = Lenses()
    lens_index = [
        lenses.add(posed.lenses[lens], photos.by_name[name], subject=subject)
        for name, lens in zip(posed.names, posed.lens_index, strict=True)
    ]
    for lens in lenses.distinct:  # finite, proper, positive: or a FrameError here rather than nonsense later
        CameraPath(c2w=posed.c2w, K=np.tile(lens.K, (len(posed), 1, 1)), width=lens.width, height=lens.height)
    return replace(posed, lens_index=np.array(lens_index, np.int32), lenses=tuple(lenses.distinct))


def image_files_of_colmap(source: ColmapSource) -> list[Path]:
    """Files of the registered images of a model, sorted, whether they exist or not."""
    return _files_and_images(source, _read_model(source.model))[0]


def _read_model(folder: Path) -> Any:
    import pycolmap

    check_model_folder(folder)
    try:
        with colmap_call(str(folder), "not a readable COLMAP model"):
            return pycolmap.Reconstruction(folder)
    except GeometryError as error:
        raise InputError(
            str(folder),
            error.found,
            expected="cameras, images and points3D as COLMAP writes them",
            likely="A file is damaged, or files of different models are mixed.",
        ) from error


def _files_and_images(source: ColmapSource, model: Any) -> tuple[list[Path], list[int]]:
    """File and image id of every registered image, sorted by file."""
    folder = Path(os.path.abspath(source.images))
    if not folder.is_dir():
        raise InputError(str(source.images), "not a folder", expected="the folder the model's image names are relative to")
    found = []
    for image_id in sorted(model.reg_image_ids()):
        name = Path(model.images[image_id].name.replace("\\", "/"))
        file = Path(os.path.normpath(folder / name))
        if name.is_absolute() or not file.is_relative_to(folder) or file == folder:
            raise InputError(
                str(source.model),
                f"image name '{name}' leads out of the photo folder",
                expected="names relative to colmap.images",
            )
        found.append((file, int(image_id)))
    if not found:
        raise InputError(str(source.model), "it registers no image", expected="a model with cameras")
    found.sort()
    if not any(file.is_file() for file, _ in found):
        raise InputError(
            str(source.images),
            f"'{found[0][0].relative_to(folder)}' and the {len(found) - 1} other images of the model are missing",
            expected="the folder the model's image names are relative to",
            next_step="Set colmap.images to that folder.",
        )
    return [file for file, _ in found], [image_id for _, image_id in found]
