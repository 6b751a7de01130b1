"""What posed photos themselves tell of the scale: GPS, the height of the cameras, lengths marked in them."""

from collections.abc import Sequence
from difflib import get_close_matches

import numpy as np
from jaxtyping import Float64

from lyra_sim.capture.intake.photo_names import safe_name
from lyra_sim.data.posed import Lens, PosedPhotos
from lyra_sim.data.scale import MarkedLength, ScaleEvidence, camera_height_source
from lyra_sim.data.sparse import SparsePoints
from lyra_sim.errors import InputError, SpecError
from lyra_sim.geometry.rigid import rotation_between
from lyra_sim.geometry.sparse_floor import SparseFloor
from lyra_sim.scene.sources import CameraHeightScale, KnownDistanceScale, PhotoPoint

GPS_ACCURACY = 5.0
"""A phone's fix is good to about this [m]. Convention."""
MIN_FIXES = 4
"""Fewer GPS fixes tell no scale. Convention."""
MIN_GPS_REACH = 2.0
"""Fixes must spread by this many times their accuracy (root mean square), or they tell nothing. Tuned, unrecorded."""
MAX_GPS_SIGMA = 0.25
"""A scale from GPS that is no surer than this isn't used. Tuned, unrecorded."""
SPARSE_FLOOR_SIGMA = 0.02
"""The floor that feature points lie on isn't quite the floor: rugs, thresholds, mismatches. Tuned, unrecorded."""
UNEVEN = 4
"""Heights over a plane that isn't the ground everywhere err together: they count as this many at most. Tuned, unrecorded."""
LOWEST_SIGMA = 0.3
"""Relative 1-sigma of a camera height over the lowest points, where they form no floor. Tuned, unrecorded."""
NEAR_PX = 12.0
"""A feature point within this of a marked pixel is taken for what was marked. Convention."""
POINT_PX = 3.0
"""Error granted to a point marked by hand [px]. Convention."""
WIDEST = 1e3
"""No ray lies so many focal lengths from the axis: where the iteration goes there, it has lost its way. Convention."""


def gps_evidence(
    centres: Float64[np.ndarray, "n 3"], geo: Float64[np.ndarray, "n 3"] | None, up: Float64[np.ndarray, "3"]
) -> ScaleEvidence | None:
    """Scale of the similarity between camera centres and GPS fixes, on the ground plane; None when they don't tell.

    Altitudes of phones are off by more than their places, so up comes from elsewhere and two dimensions remain, where
    the similarity is one complex factor. Fixes that fit badly lose weight (Cauchy). Errors of fixes one after the other are
    alike, which the sigma allows for through their correlation.
    """
    if geo is None:
        return None
    fixed = np.isfinite(geo[:, :2]).all(axis=1)
    if fixed.sum() < MIN_FIXES:
        return None
    level = centres[fixed] @ rotation_between(up, np.array([0.0, 0.0, 1.0])).T
    z, e = level[:, 0] + 1j * level[:, 1], geo[fixed, 0] + 1j * geo[fixed, 1]
    weight = np.ones(len(z))
    for _ in range(30):
        total = weight.sum()
        from_z, from_e = z - (weight * z).sum() / total, e - (weight * e).sum() / total
        information = float((weight * np.abs(from_z) ** 2).sum())
        if information <= 0:
            return None
        turn = complex((weight * np.conj(from_z) * from_e).sum() / information)
        residual = from_e - turn * from_z
        spread = max(GPS_ACCURACY, 1.48 * float(np.median(np.abs(residual))))
        weight = 1 / (1 + (np.abs(residual) / (2 * spread)) ** 2)
    reach = float(np.sqrt((weight * np.abs(from_e) ** 2).sum() / weight.sum()))
    error = max(GPS_ACCURACY / 2, float(np.sqrt((weight * np.abs(residual) ** 2).sum() / weight.sum() / 2)))
    power = max(float((np.abs(residual) ** 2).sum()), 1e-12)
    alike = float(np.clip((residual[1:] * np.conj(residual[:-1])).real.sum() / power, 0, 0.9))
    scale = abs(turn)
    sigma = error * np.sqrt((1 + alike) / (1 - alike)) / np.sqrt(information) / max(scale, 1e-12)
    if reach < MIN_GPS_REACH * GPS_ACCURACY or not sigma <= MAX_GPS_SIGMA:
        return None
    return ScaleEvidence(metres_per_unit=scale, sigma_relative=float(sigma), source=f"GPS, {int(fixed.sum())} fixes")


def camera_height_evidence(
    stated: CameraHeightScale,
    centres: Float64[np.ndarray, "n 3"],
    sparse: SparsePoints | None,
    floor: SparseFloor | None,
    up: Float64[np.ndarray, "3"],
) -> ScaleEvidence | None:
    """Scale from the cameras' median height above the sparse floor, or above the lowest points where there is no floor."""
    if floor is not None:
        heights = centres @ floor.normal - floor.height
        measured = float(np.median(heights))
        own = np.hypot(floor.rms / np.sqrt(floor.support), heights.std() / np.sqrt(min(len(heights), UNEVEN))) / measured
        sigma = float(np.hypot(own, SPARSE_FLOOR_SIGMA))
    elif sparse is not None and len(sparse.points) >= 10:
        measured = float(np.median(centres @ up) - np.quantile(sparse.points @ up, 0.02))
        sigma = LOWEST_SIGMA
    else:
        return None
    if measured <= 0:
        return None
    return ScaleEvidence(
        metres_per_unit=stated.camera_height / measured,
        sigma_relative=float(np.hypot(sigma, stated.sigma_relative)),
        source=camera_height_source(stated.camera_height),
    )


def marked_length(stated: KnownDistanceScale, posed: PosedPhotos) -> MarkedLength:
    """The two marked pixels as rays of the photos' cameras; :func:`check_marked_photos` first."""
    known = stated.known_distance
    ends = [_marked(point, posed) for point in (known.a, known.b)]
    return MarkedLength(
        views=(ends[0][0], ends[1][0]),
        rays=(ends[0][1], ends[1][1]),
        metres=known.metres,
        sigma_relative=stated.sigma_relative,
        source=f"known distance {known.metres:g} m ({known.a.photo}, {known.b.photo})",
    )


def check_marked_photos(stated: KnownDistanceScale, names: Sequence[str]) -> None:
    """An InputError unless both points are marked in photos of these names, which can be told before any camera is found.

    Raises:
        InputError: No photo is named so.
    """
    for point in (stated.known_distance.a, stated.known_distance.b):
        if _name_of(point, names) is not None:
            continue
        close = get_close_matches(point.photo, names, n=1)
        raise InputError(
            "scale.known_distance",
            f"no photo '{point.photo}' among the {len(names)} that can be used",
            expected="the file stem of one of them" + (f", like '{names[0]}'" if names and not close else ""),
            likely=f"Did you mean '{close[0]}'?" if close else "It is named otherwise, was skipped, or got no camera.",
            next_step=None if close else "Mark the point in another photo.",
        )


def _name_of(point: PhotoPoint, names: Sequence[str]) -> str | None:
    """The photo a point is marked in: people write the stem of their file, which may not be safe as a name of ours."""
    return next((name for name in (point.photo, safe_name(point.photo)) if name in names), None)


def _marked(point: PhotoPoint, posed: PosedPhotos) -> tuple[int, tuple[float, float]]:
    name = _name_of(point, posed.names)
    if name is None:
        raise InputError("scale.known_distance", f"no camera for photo '{point.photo}'", expected="check_marked_photos first")
    index = posed.names.index(name)
    lens = posed.lenses[int(posed.lens_index[index])]
    u, v = point.pixel
    if not (0 <= u <= lens.width and 0 <= v <= lens.height):
        raise SpecError(
            "scale.known_distance",
            f"pixel ({u:g}, {v:g}) lies outside '{point.photo}'",
            expected=f"0..{lens.width} and 0..{lens.height}, in the upright photo",
        )
    return index, undistorted_ray(lens, u, v)


def undistorted_ray(lens: Lens, u: float, v: float) -> tuple[float, float]:
    """(x/z, y/z) of the ray a distorted pixel saw, by fixed-point iteration of Brown's model.

    Raises:
        InputError: The model has no inverse there: a strong distortion folds back on itself before the image's corners.
    """
    xd, yd = (u - lens.K[0, 2]) / lens.K[0, 0], (v - lens.K[1, 2]) / lens.K[1, 1]
    k1, k2, p1, p2 = lens.distortion
    x, y = xd, yd
    for _ in range(50):
        r2 = x * x + y * y
        radial = 1 + k1 * r2 + k2 * r2 * r2
        x, y = (
            (xd - 2 * p1 * x * y - p2 * (r2 + 2 * x * x)) / radial,
            (yd - p1 * (r2 + 2 * y * y) - 2 * p2 * x * y) / radial,
        )
        if not abs(x) + abs(y) < WIDEST:
            break
    r2 = x * x + y * y
    radial = 1 + k1 * r2 + k2 * r2 * r2
    off_x = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x) - xd
    off_y = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y - yd
    if not np.hypot(off_x * lens.K[0, 0], off_y * lens.K[1, 1]) < 0.5:
        raise InputError(
            "scale.known_distance",
            f"pixel ({u:g}, {v:g}) lies where the lens's distortion (k1 {k1:+.3g}, k2 {k2:+.3g}) can't be undone",
            expected="a pixel nearer to the photo's middle",
            next_step="Mark the point in another photo, where it lies further from the corners.",
        )
    return float(x), float(y)


def length_evidence(length: MarkedLength, posed: PosedPhotos, sparse: SparsePoints | None) -> ScaleEvidence | None:
    """Scale from the feature points nearest to both marks; None when there is none near enough, until there is depth."""
    if sparse is None:
        return None
    ends, errors = [], []
    for view, ray in zip(length.views, length.rays, strict=True):
        focal = float(posed.lenses[int(posed.lens_index[view])].K[0, 0])
        mine = sparse.view_index == view
        off = np.linalg.norm(sparse.xy[mine] - ray, axis=1) * focal
        if not len(off) or off.min() > NEAR_PX:
            return None
        point = sparse.points[sparse.point_index[mine][np.argmin(off)]]
        depth = float((point - posed.c2w[view, :3, 3]) @ posed.c2w[view, :3, 2])
        along = np.array([*ray, 1.0]) * depth  # where the mark itself lies, at the feature's depth
        ends.append(posed.c2w[view, :3, :3] @ along + posed.c2w[view, :3, 3])
        errors.append(depth * (0.02 + np.hypot(POINT_PX, off.min() / 2) / focal))
    apart = float(np.linalg.norm(ends[0] - ends[1]))
    if apart <= 0:
        return None
    sigma = float(np.hypot(length.sigma_relative, np.hypot(*errors) / apart))
    if sigma > MAX_GPS_SIGMA:
        return None
    return ScaleEvidence(metres_per_unit=length.metres / apart, sigma_relative=sigma, source=length.source)
