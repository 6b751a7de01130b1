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
from lyra_sim.data.posed import PosedPhotos
from lyra_sim.data.scale import (
    ASSUMED_SIGMA,
    METRIC_SIGMA,
    MarkedLength,
    ScaleEstimate,
    ScaleEvidence,
    assumed_height_source,
    camera_height_source,
    combine,
)
from lyra_sim.data.sparse import SparsePoints
from lyra_sim.errors import SpecError
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.geometry.gravity import blend_directions, up_from_cameras
from lyra_sim.geometry.rigid import Similarity, rotation_between
from lyra_sim.geometry.sparse_floor import SparseFloor, find_sparse_floor
from lyra_sim.scene.sources import CameraHeightScale, KnownDistanceScale, MetricScale, ScaleSource
from lyra_sim.scene.spec import SceneSpec

FLOOR_LEVEL_DEG = 1.0
"""A floor is level to about this; a street less so, which its residual tells. Convention."""
_AXES = {"x": [1, 0, 0], "y": [0, 1, 0], "z": [0, 0, 1], "-x": [-1, 0, 0], "-y": [0, -1, 0], "-z": [0, 0, -1]}
_Z = np.array([0.0, 0.0, 1.0])
"""Up of a z-up world. Convention."""


def provisional_frame(cfg: SceneSpec, cameras: CameraPath) -> tuple[Similarity, ScaleEstimate, str]:
    """``world_from_capture``, the scale behind it and where up comes from, for RGB-D.

    A camera height tells the scale only once the floor is known: until align finds it, one input unit counts
    as one metre and the estimate says so.
    """
    scale = _provisional_scale(cfg)
    if cfg.up == "auto":
        up, up_source = -cameras.c2w[:, :3, 1].mean(axis=0), "mean camera up"
        if np.linalg.norm(up) < 0.2:  # cameras look every way: no common up
            up, up_source = np.array([0.0, 0.0, 1.0]), "assumed z"
    else:
        up, up_source = np.array(_AXES[cfg.up], np.float64), f"declared {cfg.up}"
    rotation = rotation_between(up, _Z)
    return Similarity(scale=scale.metres_per_unit, rotation=rotation, translation=np.zeros(3)), scale, up_source


def provisional_frame_of_photos(
    cfg: SceneSpec,
    cameras: CameraPath,
    sparse: SparsePoints | None,
    geo: Float64[np.ndarray, "n 3"] | None,
    posed: PosedPhotos,
) -> tuple[Similarity, ScaleEstimate, str]:
    """``world_from_capture``, the scale behind it and where up comes from, for photos.

    The unit of found cameras is anything, and depth, paths and distances must mean metres from here on, so the floor is
    looked for among the feature points already. Align measures it again in dense depth.

    Args:
        cfg: The scene.
        cameras: Undistorted views, in the frame of ``posed``.
        sparse: Feature points in the same frame.
        geo: East, north, up of every view [m], NaN without a fix.
        posed: The same cameras with their lenses: pixels in the scene file count in photos as taken.
    """
    up, floor, up_source = _up_and_floor(cfg, cameras, sparse)
    scale = _scale_of_photos(cfg, posed, sparse, geo, floor, up)
    turn = rotation_between(up, _Z)
    drop = 0.0 if floor is None else -floor.height * scale.metres_per_unit
    return Similarity(scale=scale.metres_per_unit, rotation=turn, translation=np.array([0.0, 0.0, drop])), scale, up_source


def check_stated_scale(cfg: SceneSpec, names: Sequence[str]) -> None:
    """Refuse a scale that can't hold whatever the cameras turn out to be: finding them takes minutes.

    Args:
        cfg: The scene.
        names: Photos that may end up with a camera.
    """
    for source in stated_sources(cfg):
        if isinstance(source, MetricScale):
            _refuse_unit_of_found_cameras(cfg, "metres_per_unit")
        elif isinstance(source, KnownDistanceScale):
            check_marked_photos(source, names)
    if cfg.scale == "metric":
        _refuse_unit_of_found_cameras(cfg, "metric")


def _up_and_floor(
    cfg: SceneSpec, cameras: CameraPath, sparse: SparsePoints | None
) -> tuple[Float64[np.ndarray, "3"], SparseFloor | None, str]:
    declared = cfg.up != "auto"
    if declared:
        up, sigma_deg, source = np.array(_AXES[cfg.up], np.float64), 1.0, f"declared {cfg.up}"
    else:
        up, sigma_deg = up_from_cameras(cameras.c2w)
        source = f"level cameras (± {sigma_deg:.1f}°)"
    if sparse is None or not len(sparse.points):
        return up, None, source
    floor = find_sparse_floor(sparse.points, cameras.centres, up=up, up_sigma_deg=sigma_deg, seed=cfg.seed)
    if floor is not None and not declared:
        floor_sigma = float(np.hypot(floor.tilt_sigma_deg, FLOOR_LEVEL_DEG))
        up, sigma_deg = blend_directions(up, sigma_deg, floor.normal, floor_sigma)
        source = f"level cameras and the floor's feature points (± {sigma_deg:.1f}°)"
    return up, floor, source


def _scale_of_photos(
    cfg: SceneSpec,
    posed: PosedPhotos,
    sparse: SparsePoints | None,
    geo: np.ndarray | None,
    floor: SparseFloor | None,
    up: np.ndarray,
) -> ScaleEstimate:
    check_stated_scale(cfg, posed.names)
    stated = stated_sources(cfg)
    evidence: list[ScaleEvidence] = _declared_metric(cfg)
    lengths: list[MarkedLength] = []
    for source in stated:
        match source:
            case MetricScale():
                evidence.append(declared_evidence(source))
            case CameraHeightScale():
                evidence += _if_any(camera_height_evidence(source, posed.centres, sparse, floor, up))
            case KnownDistanceScale():
                lengths.append(marked_length(source, posed))
                evidence += _if_any(length_evidence(lengths[-1], posed, sparse))
    if cfg.scale != "unknown":
        evidence += _if_any(gps_evidence(posed.centres, geo, up))
    if evidence:
        estimate = combine(evidence, subject=f"scene '{cfg.name}': scale")
        return ScaleEstimate(**{**vars(estimate), "lengths": tuple(lengths)})
    return _assumed(cfg, posed, sparse, floor, up, tuple(lengths))


def _assumed(
    cfg: SceneSpec,
    posed: PosedPhotos,
    sparse: SparsePoints | None,
    floor: SparseFloor | None,
    up: np.ndarray,
    lengths: tuple[MarkedLength, ...],
) -> ScaleEstimate:
    """A camera height taken for granted; where not even a lowest point is known, one unit counts as one metre until align."""
    height = cfg.capture.assumed_camera_height
    guess = camera_height_evidence(CameraHeightScale(camera_height=height), posed.centres, sparse, floor, up)
    return ScaleEstimate(
        metres_per_unit=1.0 if guess is None else guess.metres_per_unit,
        sigma_relative=ASSUMED_SIGMA,
        source=assumed_height_source(height),
        lengths=lengths,
    )


def _if_any(piece: ScaleEvidence | None) -> list[ScaleEvidence]:
    return [] if piece is None else [piece]


def stated_sources(cfg: SceneSpec) -> tuple[ScaleSource, ...]:
    """What the scene file says of the scale, one by one; empty for a word."""
    if isinstance(cfg.scale, str):
        return ()
    return cfg.scale if isinstance(cfg.scale, tuple) else (cfg.scale,)


def declared_evidence(stated: MetricScale) -> ScaleEvidence:
    """A stated unit as a piece of evidence."""
    value = stated.metres_per_unit
    return ScaleEvidence(metres_per_unit=value, sigma_relative=stated.sigma_relative, source=f"declared {value:g} m per unit")


def _refuse_unit_of_found_cameras(cfg: SceneSpec, what: str) -> None:
    if cfg.video is None and (cfg.photos is None or cfg.photos.cameras is not None):
        return
    raise SpecError(
        f"scene '{cfg.name}': scale",
        f"'{what}' states the unit of cameras that are found from the photos and have none",
        expected="auto, camera_height or known_distance",
        next_step="State camera_height, or a known_distance between two points seen in the photos.",
    )


def _declared_metric(cfg: SceneSpec) -> list[ScaleEvidence]:
    """``scale: metric`` as a piece of evidence."""
    declared = ScaleEvidence(metres_per_unit=1.0, sigma_relative=METRIC_SIGMA, source="declared metric")
    return [declared] if cfg.scale == "metric" else []


def _provisional_scale(cfg: SceneSpec) -> ScaleEstimate:
    """For RGB-D: what is declared, else the depth camera's own unit; a camera height has its say in align, beside either."""
    stated = stated_sources(cfg)
    if any(isinstance(source, KnownDistanceScale) for source in stated):
        raise SpecError(
            f"scene '{cfg.name}': scale",
            "known_distance with RGB-D",
            expected="metric, metres_per_unit or camera_height: depth images have a unit",
        )
    evidence = _declared_metric(cfg) + [declared_evidence(source) for source in stated if isinstance(source, MetricScale)]
    if not evidence and cfg.scale != "unknown":
        evidence = _depth_unit(cfg)
    if evidence:
        return combine(evidence, subject=f"scene '{cfg.name}': scale")
    heights = [source for source in stated if isinstance(source, CameraHeightScale)]
    if heights:
        return ScaleEstimate(
            metres_per_unit=1.0,
            sigma_relative=min(source.sigma_relative for source in heights),
            source=camera_height_source(heights[0].camera_height),
        )
    height = cfg.capture.assumed_camera_height
    return ScaleEstimate(metres_per_unit=1.0, sigma_relative=ASSUMED_SIGMA, source=assumed_height_source(height))


def _depth_unit(cfg: SceneSpec) -> list[ScaleEvidence]:
    """That a depth camera measures metres; nothing where its unit is said to be anybody's."""
    if cfg.rgbd is None or cfg.rgbd.depth_unit_sigma is None:
        return []
    source = f"depth unit {cfg.rgbd.depth_unit}"
    return [ScaleEvidence(metres_per_unit=1.0, sigma_relative=cfg.rgbd.depth_unit_sigma, source=source)]
