"""The scale once floor and ceiling are known: what capture had weighed, measured again where depth tells better."""

import numpy as np
from jaxtyping import Float64

from lyra_sim.alignment.usual_rooms import customs, weigh_customs
from lyra_sim.data.capture import Capture
from lyra_sim.data.scale import MarkedLength, ScaleEstimate, ScaleEvidence, camera_height_source, combine
from lyra_sim.errors import GeometryError
from lyra_sim.geometry.depth_noise import off_edges
from lyra_sim.geometry.floor import Floor
from lyra_sim.scene.sources import CameraHeightScale, KnownDistanceScale, Scale, ScaleSource, stated_scales

DENSE_FLOOR_SIGMA = 0.01
"""Estimated floors are off by about this fraction of the camera height, however many samples they have. Tuned, unrecorded."""
UNEVEN = 4
"""Heights over estimated ground that is no plane err together: they count as this many at most. Tuned, unrecorded."""
MARK_WIDTHS = 100
"""Depth at a mark is the median over a window this fraction of the image wide, on either side. Convention."""
MARK_PX = 2.0
"""Error granted to a mark, in pixels of the view. Convention."""


def settle_scale(
    capture: Capture,
    stated: Scale,
    floor: Floor,
    centres: Float64[np.ndarray, "n 3"],
    *,
    scene: str,
    assumed_camera_height: float,
    ceiling_height: float | None = None,
) -> ScaleEstimate:
    """Camera heights over the dense floor and lengths between dense points take the place of capture's first measurements.

    What they add up to is then held against what rooms and people are usually like; a guess about a room is no evidence of it.

    Args:
        capture: With the evidence weighed so far.
        stated: What the scene file says of the scale.
        floor: The main floor, in the reconstruction's frame, which is the capture's.
        centres: Camera centres in the same frame.
        scene: Its name, for messages.
        assumed_camera_height: Taken where nothing tells the scale [m].
        ceiling_height: Above the floor, in the same frame; None without a ceiling.
    """
    scale = _settled(capture, stated_scales(stated), floor, centres, f"scene '{scene}'", assumed_camera_height)
    camera_height = None if capture.given else float(np.median(centres @ floor.normal - floor.height))
    return weigh_customs(scale, customs(ceiling_height=ceiling_height, camera_height=camera_height))


def _settled(
    capture: Capture,
    stated: tuple[ScaleSource, ...],
    floor: Floor,
    centres: np.ndarray,
    subject: str,
    assumed_camera_height: float,
) -> ScaleEstimate:
    known = capture.scale
    heights = [source for source in stated if isinstance(source, CameraHeightScale)]
    measured = [_camera_height(source, floor, centres, subject, estimated=capture.views.estimated) for source in heights]
    measured += [piece for length in known.lengths if (piece := _length(length, capture)) is not None]
    if not measured and not known.assumed:
        return known
    again = {piece.source for piece in measured}
    evidence = [piece for piece in known.evidence if piece.source not in again] + measured
    if evidence:
        estimate = combine(evidence, subject=f"{subject}: scale")
        return ScaleEstimate(**{**vars(estimate), "lengths": known.lengths})
    if any(isinstance(source, KnownDistanceScale) for source in stated):
        raise GeometryError(
            subject,
            "no depth at the ends of any known distance",
            expected="both ends on surfaces that the depth step could measure",
            likely="An end lies on a blank wall, on glass, or in a photo that is held out.",
            next_step="Mark textured points, state camera_height, or put a marker of known size into the scene.",
        )
    assumed = CameraHeightScale(camera_height=assumed_camera_height, sigma_relative=known.sigma_relative)
    guess = _camera_height(assumed, floor, centres, subject, estimated=False)
    return ScaleEstimate(
        metres_per_unit=guess.metres_per_unit, sigma_relative=guess.sigma_relative, source=known.source, lengths=known.lengths
    )


def _camera_height(
    stated: CameraHeightScale, floor: Floor, centres: np.ndarray, subject: str, *, estimated: bool
) -> ScaleEvidence:
    heights = centres @ floor.normal - floor.height
    if np.median(heights) <= 0:
        raise GeometryError(subject, "the cameras lie below the floor", expected="cameras above it", likely="Up is wrong.")
    alike = min(len(heights), UNEVEN) if estimated else len(heights)
    spread = float(heights.std() / np.median(heights) / np.sqrt(alike))
    sigma = float(np.hypot(stated.sigma_relative, spread))
    return ScaleEvidence(
        metres_per_unit=float(stated.camera_height / np.median(heights)),
        sigma_relative=float(np.hypot(sigma, DENSE_FLOOR_SIGMA)) if estimated else sigma,
        source=camera_height_source(stated.camera_height),
    )


def _length(length: MarkedLength, capture: Capture) -> ScaleEvidence | None:
    """The length between both ends at the depth there; None where one has none."""
    sigma = capture.depth.sigma_relative if capture.depth is not None else 0.0
    ends, errors = [], []
    for view, ray in zip(length.views, length.rays, strict=True):
        K, c2w = capture.cameras.K[view], capture.cameras.c2w[view]
        if view in capture.held_out:
            return None
        z_depth = off_edges(capture.views.z_depth(view))
        u, v = (int(np.floor(K[axis, axis] * ray[axis] + K[axis, 2])) for axis in (0, 1))
        if not (0 <= u < z_depth.shape[1] and 0 <= v < z_depth.shape[0]):  # undistorting cut the photo's rim off
            return None
        reach = max(1, z_depth.shape[1] // MARK_WIDTHS)
        window = z_depth[max(v - reach, 0) : v + reach + 1, max(u - reach, 0) : u + reach + 1]
        if not np.isfinite(window).any():
            return None
        depth = float(np.nanmedian(window))
        ends.append(c2w[:3, :3] @ (depth * np.array([*ray, 1.0])) + c2w[:3, 3])
        errors.append(depth * np.hypot(sigma, MARK_PX / K[0, 0]))
    apart = float(np.linalg.norm(ends[0] - ends[1]))
    if apart <= 0:
        return None
    return ScaleEvidence(
        metres_per_unit=length.metres / apart,
        sigma_relative=float(np.hypot(length.sigma_relative, np.hypot(*errors) / apart)),
        source=length.source,
    )
