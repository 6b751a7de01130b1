"""Are given cameras those of the photos? What two photos share must lie where their cameras say it can lie."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64, Int64

from lyra_sim.capture.cameras.colmap_model import camera_of_lens
from lyra_sim.capture.cameras.photo_matches import matched_pixels
from lyra_sim.conventions import c2w_opencv_from_opengl, c2w_opengl_from_opencv
from lyra_sim.data.posed import PhotoSet, PosedPhotos
from lyra_sim.errors import FrameError
from lyra_sim.geometry.rigid import invert_rigid

NEAR_PX = 4.0
"""A match agrees with the cameras within this, in a photo of ``LONGER_SIDE`` [px]. Tuned on the photo sets."""
LONGER_SIDE = 1000
"""Of a photo, in which ``NEAR_PX`` is counted [px]. Convention."""
ENOUGH = 0.5
"""Exact cameras reach 90 % on a rendered house, matches through a wrong wall being the rest; read wrongly they reach 6 %.
Right ones that are off by 0.3 degrees and 2 cm reach 40 %: below this, other readings are tried, but right ones pass.
Tuned on the photo sets."""
HOPELESS = 0.05
"""Below this cameras and photos don't belong together, whatever the reading; 0.6 degrees and 5 cm off still reach 12 %.
Tuned on the photo sets."""
CLEARLY = 1.5
"""Another reading is named when it agrees this many times as often. Tuned on the photo sets."""


def photo_agreement(posed: PosedPhotos, *, work: Path) -> tuple[Float64[np.ndarray, "n"], Int64[np.ndarray, "n"]]:
    """The same photo by photo, over the matches that each takes part in (NaN without any), and how many those are.

    Args:
        posed: Cameras.
        work: Folder that :func:`lyra_sim.capture.cameras.structure_from_motion.triangulate` left its matches in.
    """
    rays = _matched_rays(posed, work)
    count = np.bincount(rays.views.ravel(), minlength=len(posed)).astype(np.int64)
    fitting = np.repeat(_fits(posed.c2w, rays), 2)
    with np.errstate(invalid="ignore"):
        return np.bincount(rays.views.ravel(), fitting, minlength=len(posed)) / count, count


def check_given_cameras(posed: PosedPhotos, photos: PhotoSet, *, work: Path, scene: str) -> float:
    """Agreement of the cameras as read; a FrameError that names the reading that fits better if they don't fit.

    Other readings tried: OpenGL/OpenCV axes swapped, world-to-camera taken for camera-to-world, and both. A COLMAP model
    can be read one way only.

    Args:
        posed: Given cameras, as read; ``recipe`` tells the axes they were read in, as the importers write it.
        photos: For the message.
        work: Folder that :func:`lyra_sim.capture.cameras.structure_from_motion.triangulate` left its matches in.
        scene: For the message.

    Raises:
        FrameError: What photos share doesn't lie where their cameras say; the reading that fits better is named.
    """
    rays = _matched_rays(posed, work)
    read = _agreement(posed.c2w, rays)
    if not read < ENOUGH:
        return read
    other = "opencv" if "opengl axes" in posed.recipe else "opengl"
    swapped = c2w_opengl_from_opencv(posed.c2w)
    inverted = invert_rigid(posed.c2w if other == "opengl" else swapped)  # of the file's own matrices
    in_opengl = c2w_opencv_from_opengl(inverted)
    readings = {
        f"{other} axes": swapped,
        "world-to-camera matrices": inverted if other == "opengl" else in_opengl,
        f"world-to-camera matrices in {other} axes": in_opengl if other == "opengl" else inverted,
    }
    if posed.recipe.startswith("COLMAP"):
        readings = {}
    shares = {"none": 0.0} | {reading: _agreement(c2w, rays) for reading, c2w in readings.items()}
    best = max(shares, key=lambda reading: shares[reading])
    found = f"{read:.0%} of what two photos share lies where their cameras ({posed.recipe}) allow it"
    expected = f"> {ENOUGH:.0%} within {NEAR_PX:g} px of a {LONGER_SIDE} px photo"
    if shares[best] >= max(ENOUGH, CLEARLY * read):
        source = "transforms" if posed.recipe.startswith("transforms") else "photos"
        raise FrameError(
            f"scene '{scene}'",
            found,
            expected=expected,
            likely=f"Read as {best}, {shares[best]:.0%} would.",
            next_step=f"Set {source}.axes: {other} for scene '{scene}'."
            if best == f"{other} axes"
            else f"Invert the matrices of the camera file of scene '{scene}'"
            + (f" and set {source}.axes: {other}." if "axes" in best else "."),
        )
    if read < HOPELESS:
        raise FrameError(
            f"scene '{scene}'",
            found,
            expected=expected,
            likely=(f"No other reading fits either (best: {best}, {shares[best]:.0%}): c" if readings else "C")
            + "ameras and photos may be out of step, or from different recordings, or the intrinsics belong to another size.",
            next_step=f"Check that camera k belongs to photo k, of {len(photos.photos)}, or leave the cameras out and have "
            "them found.",
        )
    return read


@dataclass(frozen=True, kw_only=True)
class _MatchedRays:
    """Every verified match, as its two cameras see it; OpenCV axes."""

    first: Float64[np.ndarray, "m 3"]
    second: Float64[np.ndarray, "m 3"]
    """Unit directions in either camera."""
    views: Int64[np.ndarray, "m 2"]
    pixels_per_radian: Float64[np.ndarray, "m"]
    """In a photo of ``LONGER_SIDE``."""


def _matched_rays(posed: PosedPhotos, work: Path) -> _MatchedRays:
    cameras = [camera_of_lens(lens, number) for number, lens in enumerate(posed.lenses, start=1)]
    scale = [LONGER_SIDE / max(lens.width, lens.height) * lens.K[0, 0] for lens in posed.lenses]
    first, second, views, per_radian = [np.empty((0, 3))], [np.empty((0, 3))], [np.empty((0, 2), np.int64)], [np.empty(0)]
    for (i, j), (pixels_i, pixels_j) in matched_pixels(work):
        lens_i, lens_j = int(posed.lens_index[i]), int(posed.lens_index[j])
        ray_i, ray_j = _rays(cameras[lens_i], pixels_i), _rays(cameras[lens_j], pixels_j)
        sound = np.isfinite(ray_i).all(axis=1) & np.isfinite(ray_j).all(axis=1)
        first.append(ray_i[sound])
        second.append(ray_j[sound])
        views.append(np.tile([i, j], (int(sound.sum()), 1)))
        per_radian.append(np.full(int(sound.sum()), scale[lens_j]))
    return _MatchedRays(
        first=np.concatenate(first),
        second=np.concatenate(second),
        views=np.concatenate(views),
        pixels_per_radian=np.concatenate(per_radian),
    )


def _rays(camera: object, pixels: Float64[np.ndarray, "m 2"]) -> Float64[np.ndarray, "m 3"]:
    xy = np.asarray(camera.cam_from_img(pixels), np.float64)  # type: ignore[attr-defined]
    rays = np.column_stack([xy, np.ones(len(xy))])
    return rays / np.linalg.norm(rays, axis=1, keepdims=True)


def _agreement(c2w: Float64[np.ndarray, "n 4 4"], rays: _MatchedRays) -> float:
    """Share of verified matches that the cameras allow within 4 px of a 1000 px photo, 0..1; NaN without any match.

    Matches were verified by a fundamental or essential matrix of their own, not by these cameras.
    """
    return float(_fits(c2w, rays).mean()) if len(rays.views) else float("nan")


def _fits(c2w: Float64[np.ndarray, "n 4 4"], rays: _MatchedRays) -> Bool[np.ndarray, "m"]:
    """Which matches the cameras allow.

    A match is allowed where a point before both cameras could cause it: on the arc from the direction of the other camera to
    that of the point at infinity (Hartley & Zisserman 2004, 9.1 and 21). So a turn on the spot is checked too, and a point
    behind a camera is not allowed. The cameras' scale and world frame don't matter.
    """
    first, second = c2w[rays.views[:, 0]], c2w[rays.views[:, 1]]
    second_from_world = np.swapaxes(second[:, :3, :3], 1, 2)
    at_infinity = np.einsum("nij,njk,nk->ni", second_from_world, first[:, :3, :3], rays.first)
    baseline = np.einsum("nij,nj->ni", second_from_world, first[:, :3, 3] - second[:, :3, 3])
    other_camera = baseline / np.maximum(np.linalg.norm(baseline, axis=1, keepdims=True), 1e-12)
    off = _angle_to_arc(rays.second, other_camera, at_infinity) * rays.pixels_per_radian
    return np.asarray(off < NEAR_PX)


def _angle_to_arc(
    rays: Float64[np.ndarray, "m 3"], start: Float64[np.ndarray, "m 3"], end: Float64[np.ndarray, "m 3"]
) -> Float64[np.ndarray, "m"]:
    """Angle between unit directions and the shorter great arc from start to end [rad]; an arc without length is a point."""
    normal = np.cross(start, end)
    length = np.linalg.norm(normal, axis=1)
    within = (np.einsum("mi,mi->m", np.cross(start, rays), normal) >= 0) & (
        np.einsum("mi,mi->m", np.cross(rays, end), normal) >= 0
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        to_plane = np.arcsin(np.clip(np.abs(np.einsum("mi,mi->m", rays, normal)) / length, 0, 1))
    to_ends = np.minimum(_angle(rays, end), np.where(length > 0, _angle(rays, start), np.inf))
    return np.where(within & (length > 1e-9), to_plane, to_ends)


def _angle(a: Float64[np.ndarray, "m 3"], b: Float64[np.ndarray, "m 3"]) -> Float64[np.ndarray, "m"]:
    return np.arctan2(np.linalg.norm(np.cross(a, b), axis=1), np.einsum("mi,mi->m", a, b))
