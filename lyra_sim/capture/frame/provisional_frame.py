"""The provisional metric frame: what the input itself says of scale and up, before align looks at the geometry."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from lyra_sim.capture.frame.scale_evidence import (
    camera_height_evidence,
    check_marked_photos,
    gps_evidence,
    length_evidence,
    marked_length,
)
from lyra_sim.capture.frame.stated import Stated
from lyra_sim.data.posed import PosedPhotos
from lyra_sim.data.scale import (
    ASSUMED_SIGMA,
    METRIC_SIGMA,
    MarkedLength,
    MarkerReading,
    ScaleEstimate,
    ScaleEvidence,
    assumed_height_source,
    camera_height_source,
    combine,
)
from lyra_sim.data.sparse import SparsePoints
from lyra_sim.errors import FrameError, SpecError
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.geometry.gravity import blend_directions, up_from_cameras
from lyra_sim.geometry.rigid import Similarity, rotation_between
from lyra_sim.geometry.sparse_floor import SparseFloor, find_sparse_floor
from lyra_sim.scene.sources import CameraHeightScale, KnownDistanceScale, MarkersScale, MetricScale, RgbdSource

FLOOR_LEVEL_DEG = 1.0
"""A floor is level to about this; a street less so, which its residual tells. Convention."""
NO_MARKERS = MarkerReading()
"""Where none were asked for. Convention."""
_AXES = {"x": [1, 0, 0], "y": [0, 1, 0], "z": [0, 0, 1], "-x": [-1, 0, 0], "-y": [0, -1, 0], "-z": [0, 0, -1]}
_Z = np.array([0.0, 0.0, 1.0])
"""Up of a z-up world. Convention."""


def provisional_frame(source: RgbdSource, stated: Stated, cameras: CameraPath) -> tuple[Similarity, ScaleEstimate, str]:
    """``world_from_capture``, the scale behind it and where up comes from, for RGB-D.

    A camera height tells the scale only once the floor is known: until align finds it, one input unit counts
    as one metre and the estimate says so.
    """
    scale = _provisional_scale(source, stated)
    if stated.up == "auto":
        up, up_source = -cameras.c2w[:, :3, 1].mean(axis=0), "mean camera up"
        if np.linalg.norm(up) < 0.2:  # cameras look every way: no common up
            up, up_source = np.array([0.0, 0.0, 1.0]), "assumed z"
    else:
        up, up_source = np.array(_AXES[stated.up], np.float64), f"declared {stated.up}"
    rotation = rotation_between(up, _Z)
    return Similarity(scale=scale.metres_per_unit, rotation=rotation, translation=np.zeros(3)), scale, up_source


def provisional_frame_of_photos(
    stated: Stated,
    cameras: CameraPath,
    sparse: SparsePoints | None,
    geo: Float64[np.ndarray, "n 3"] | None,
    posed: PosedPhotos,
    *,
    found: bool,
    seed: int,
    markers: MarkerReading = NO_MARKERS,
) -> tuple[Similarity, ScaleEstimate, str]:
    """``world_from_capture``, the scale behind it and where up comes from, for photos.

    The unit of found cameras is anything, and depth, paths and distances must mean metres from here on, so the floor is
    looked for among the feature points already. Align measures it again in dense depth.

    Args:
        stated: What the scene file says of scale and up.
        cameras: Undistorted views, in the frame of ``posed``.
        sparse: Feature points in the same frame.
        geo: East, north, up of every view [m], NaN without a fix.
        posed: The same cameras with their lenses: pixels in the scene file count in photos as taken.
        found: The cameras were found from the photos, in a unit of their own.
        seed: The scene's.
        markers: What they told of the scale.

    Raises:
        FrameError: Markers were stated, and neither they nor anything else tells the scale.
    """
    up, floor, up_source = _up_and_floor(stated, cameras, sparse, seed=seed)
    check_stated_scale(stated, posed.names, found=found)
    scale = _scale_of_photos(stated, posed, sparse, geo, floor, up, markers)
    turn = rotation_between(up, _Z)
    drop = 0.0 if floor is None else -floor.height * scale.metres_per_unit
    return Similarity(scale=scale.metres_per_unit, rotation=turn, translation=np.array([0.0, 0.0, drop])), scale, up_source


def check_stated_scale(stated: Stated, names: Sequence[str], *, found: bool) -> None:
    """Refuse a scale that can't hold whatever the cameras turn out to be: finding them takes minutes.

    Args:
        stated: What the scene file says of the scale.
        names: Photos that may end up with a camera.
        found: The cameras are found from the photos, in a unit of their own.
    """
    for source in stated.scales:
        if isinstance(source, MetricScale) and found:
            raise _unit_of_found_cameras(stated, "metres_per_unit")
        if isinstance(source, KnownDistanceScale):
            check_marked_photos(source, names)
    if stated.scale == "metric" and found:
        raise _unit_of_found_cameras(stated, "metric")


def _up_and_floor(
    stated: Stated, cameras: CameraPath, sparse: SparsePoints | None, *, seed: int
) -> tuple[Float64[np.ndarray, "3"], SparseFloor | None, str]:
    declared = stated.up != "auto"
    if declared:
        up, sigma_deg, source = np.array(_AXES[stated.up], np.float64), 1.0, f"declared {stated.up}"
    else:
        up, sigma_deg = up_from_cameras(cameras.c2w)
        source = f"level cameras (± {sigma_deg:.1f}°)"
    if sparse is None or not len(sparse.points):
        return up, None, source
    floor = find_sparse_floor(sparse.points, cameras.centres, up=up, up_sigma_deg=sigma_deg, seed=seed)
    if floor is not None and not declared:
        floor_sigma = float(np.hypot(floor.tilt_sigma_deg, FLOOR_LEVEL_DEG))
        up, sigma_deg = blend_directions(up, sigma_deg, floor.normal, floor_sigma)
        source = f"level cameras and the floor's feature points (± {sigma_deg:.1f}°)"
    return up, floor, source


def _scale_of_photos(
    stated: Stated,
    posed: PosedPhotos,
    sparse: SparsePoints | None,
    geo: np.ndarray | None,
    floor: SparseFloor | None,
    up: np.ndarray,
    markers: MarkerReading,
) -> ScaleEstimate:
    evidence: list[ScaleEvidence] = [*_declared_metric(stated), *markers.evidence]
    lengths: list[MarkedLength] = []
    for source in stated.scales:
        match source:
            case MetricScale():
                evidence.append(declared_evidence(source))
            case CameraHeightScale():
                evidence += _if_any(camera_height_evidence(source, posed.centres, sparse, floor, up))
            case KnownDistanceScale():
                lengths.append(marked_length(source, posed))
                evidence += _if_any(length_evidence(lengths[-1], posed, sparse))
    if stated.scale != "unknown":
        evidence += _if_any(gps_evidence(posed.centres, geo, up))
    if evidence:
        estimate = combine(evidence, subject=stated.subject("scale"))
        return ScaleEstimate(**{**vars(estimate), "lengths": tuple(lengths)})
    if stated.scales and all(isinstance(source, MarkersScale) for source in stated.scales):
        raise FrameError(
            stated.subject("scale"),
            f"no marker tells it: {'; '.join(markers.notes)}",
            expected="a marker of the stated dictionary in two photos that were taken some steps apart",
            likely="It is too small in the photos or too blurred, its white rim is cut off, or 'dictionary' is another one.",
            next_step="Photograph it nearer and from several sides (lyra-sim marker prints one), or state camera_height.",
        )
    return _assumed(stated, posed, sparse, floor, up, tuple(lengths))


def _assumed(
    stated: Stated,
    posed: PosedPhotos,
    sparse: SparsePoints | None,
    floor: SparseFloor | None,
    up: np.ndarray,
    lengths: tuple[MarkedLength, ...],
) -> ScaleEstimate:
    """A camera height taken for granted; where not even a lowest point is known, one unit counts as one metre until align."""
    height = stated.assumed_camera_height
    guess = camera_height_evidence(CameraHeightScale(camera_height=height), posed.centres, sparse, floor, up)
    return ScaleEstimate(
        metres_per_unit=1.0 if guess is None else guess.metres_per_unit,
        sigma_relative=ASSUMED_SIGMA,
        source=assumed_height_source(height),
        lengths=lengths,
    )


def _if_any(piece: ScaleEvidence | None) -> list[ScaleEvidence]:
    return [] if piece is None else [piece]


def declared_evidence(stated: MetricScale) -> ScaleEvidence:
    """A stated unit as a piece of evidence."""
    value = stated.metres_per_unit
    return ScaleEvidence(metres_per_unit=value, sigma_relative=stated.sigma_relative, source=f"declared {value:g} m per unit")


def _unit_of_found_cameras(stated: Stated, what: str) -> SpecError:
    return SpecError(
        stated.subject("scale"),
        f"'{what}' states the unit of cameras that are found from the photos and have none",
        expected="auto, camera_height, known_distance or markers",
        next_step="State camera_height, a known_distance between two points of the photos, or the size of markers in them.",
    )


def _declared_metric(stated: Stated) -> list[ScaleEvidence]:
    """``scale: metric`` as a piece of evidence."""
    declared = ScaleEvidence(metres_per_unit=1.0, sigma_relative=METRIC_SIGMA, source="declared metric")
    return [declared] if stated.scale == "metric" else []


def _provisional_scale(source: RgbdSource, stated: Stated) -> ScaleEstimate:
    """For RGB-D: what is declared, else the depth camera's own unit; a camera height has its say in align, beside either."""
    lengths = {KnownDistanceScale: "known_distance", MarkersScale: "markers"}
    if unfit := [name for kind, name in lengths.items() if any(isinstance(piece, kind) for piece in stated.scales)]:
        raise SpecError(
            stated.subject("scale"),
            f"{' and '.join(unfit)} with RGB-D",
            expected="metric, metres_per_unit or camera_height: depth images have a unit",
        )
    evidence = _declared_metric(stated) + [
        declared_evidence(piece) for piece in stated.scales if isinstance(piece, MetricScale)
    ]
    if not evidence and stated.scale != "unknown":
        evidence = _depth_unit(source)
    if evidence:
        return combine(evidence, subject=stated.subject("scale"))
    heights = [piece for piece in stated.scales if isinstance(piece, CameraHeightScale)]
    if heights:
        return ScaleEstimate(
            metres_per_unit=1.0,
            sigma_relative=min(piece.sigma_relative for piece in heights),
            source=camera_height_source(heights[0].camera_height),
        )
    height = stated.assumed_camera_height
    return ScaleEstimate(metres_per_unit=1.0, sigma_relative=ASSUMED_SIGMA, source=assumed_height_source(height))


def _depth_unit(source: RgbdSource) -> list[ScaleEvidence]:
    """That a depth camera measures metres; nothing where its unit is said to be anybody's."""
    if source.depth_unit_sigma is None:
        return []
    said = f"depth unit {source.depth_unit}"
    return [ScaleEvidence(metres_per_unit=1.0, sigma_relative=source.depth_unit_sigma, source=said)]
