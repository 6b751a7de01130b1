"""From a reconstruction's own frame to the metric world: gravity, main floor, scale and origin, each with its evidence."""

from typing import Any

import numpy as np
from jaxtyping import Float64
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from lyra_sim.data.capture import Capture, ScaleEstimate
from lyra_sim.data.world import MetricWorld, Reconstruction
from lyra_sim.errors import GeometryError
from lyra_sim.geometry.floor import Floor, find_floor
from lyra_sim.geometry.rigid import Similarity, rotation_between
from lyra_sim.spec import AlignConfig, CameraHeightScale, SceneSpec

CLEAR_RADIUS, CLEAR_LOW, CLEAR_HIGH = 0.3, 0.08, 1.0
"""A floor point is free for the origin when nothing stands within this disc and height band [m]."""


def to_metric_world(capture: Capture, reconstruction: Reconstruction, cfg: SceneSpec) -> MetricWorld:
    """Find floor and gravity, settle the scale, and move everything to metres, z-up, main floor at z = 0.

    An input declared z-up whose floor already lies level at z = 0 keeps its frame exactly. Otherwise gravity is
    the floor's normal, and the origin is put on free floor; x keeps its heading.
    """
    splats, cameras = reconstruction.splats, reconstruction.cameras
    points = splats.means.astype(np.float64)
    normals = Rotation.from_quat(splats.quats_wxyz, scalar_first=True).as_matrix()[:, :, 2]
    provisional = capture.world_from_capture
    up = provisional.rotation.T @ np.array([0.0, 0.0, 1.0])
    cell = _spacing(points)
    floor = find_floor(
        points,
        normals,
        up=up,
        cameras=cameras.centres,
        cell=cell,
        metres_per_unit=provisional.scale,
        subject=f"scene '{cfg.name}'",
    )
    scale = _scale(capture, cfg, floor, cameras.centres)
    declared = capture.up_source.startswith("declared")
    tilt_deg = float(np.degrees(np.arccos(np.clip(floor.normal @ up, -1, 1))))
    offset = floor.height * scale.metres_per_unit
    evidence: dict[str, Any] = {
        "up": f"floor plane ({floor.support} samples), from {capture.up_source}",
        "floor_area_m2": round(floor.area, 3),
        "floor_rms_m": round(floor.rms, 5),
        "provisional_up_error_deg": round(tilt_deg, 4),
        "floor_height_in_input": round(floor.height, 5),
        "wall_tilt_deg": None if floor.wall_tilt_deg is None else round(floor.wall_tilt_deg, 3),
        "camera_height_m": round(float(np.median(cameras.centres @ floor.normal - floor.height)) * scale.metres_per_unit, 4),
    }
    world_from_input, evidence["frame"] = _placement(
        cfg.align, declared, up, floor, tilt_deg, offset, scale, points, cameras.centres
    )
    return MetricWorld(
        splats=splats.moved(world_from_input),
        views=reconstruction.views,
        cameras=cameras.moved(world_from_input),
        world_from_input=world_from_input,
        scale=scale,
        evidence=evidence,
    )


def _spacing(points: Float64[np.ndarray, "n 3"]) -> float:
    """Typical distance between neighbouring samples: the edge of the cell each one stands for."""
    sample = points[:: max(1, len(points) // 20_000)]
    distances, _ = cKDTree(points).query(sample, k=5)
    return float(np.median(distances[:, 1:].mean(axis=1)))


def _scale(capture: Capture, cfg: SceneSpec, floor: Floor, centres: Float64[np.ndarray, "n 3"]) -> ScaleEstimate:
    known = capture.scale
    if not isinstance(cfg.scale, CameraHeightScale) and not known.assumed:
        return known
    wanted = cfg.scale.camera_height if isinstance(cfg.scale, CameraHeightScale) else cfg.capture.assumed_camera_height
    heights = centres @ floor.normal - floor.height
    if np.median(heights) <= 0:
        raise GeometryError(
            f"scene '{cfg.name}'", "the cameras lie below the floor", expected="cameras above it", likely="Up is wrong."
        )
    spread = float(heights.std() / np.median(heights) / np.sqrt(len(heights)))
    return ScaleEstimate(
        metres_per_unit=float(wanted / np.median(heights)),
        sigma_relative=float(np.hypot(known.sigma_relative, spread)),
        source=known.source,
    )


def _placement(
    cfg: AlignConfig,
    declared: bool,
    up: np.ndarray,
    floor: Floor,
    tilt_deg: float,
    offset: float,
    scale: ScaleEstimate,
    points: np.ndarray,
    centres: np.ndarray,
) -> tuple[Similarity, str]:
    s, z = scale.metres_per_unit, np.array([0.0, 0.0, 1.0])
    if declared and np.allclose(up, z) and tilt_deg <= cfg.max_tilt_deg:
        if abs(offset) <= cfg.max_floor_offset:
            return Similarity(scale=s, rotation=np.eye(3), translation=np.zeros(3)), "kept: z-up with its floor at z = 0"
        return Similarity(
            scale=s, rotation=np.eye(3), translation=np.array([0, 0, -offset])
        ), "kept but for height: floor moved to z = 0"
    gravity = floor.normal if not declared or tilt_deg > cfg.max_tilt_deg else up
    rotation = rotation_between(gravity, z)
    turned = Similarity(scale=s, rotation=rotation, translation=np.zeros(3))
    origin = _free_floor_point(turned.apply(points), floor.on_floor, turned.apply(centres))
    return Similarity(scale=s, rotation=rotation, translation=-origin), "gravity from the floor plane, origin on free floor"


def _free_floor_point(points: np.ndarray, on_floor: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """The floor sample nearest the middle of the camera path that nothing stands on."""
    ground = points[on_floor]
    height = float(np.median(ground[:, 2]))
    above = points[(points[:, 2] > height + CLEAR_LOW) & (points[:, 2] < height + CLEAR_HIGH)]
    clearance = cKDTree(above[:, :2]).query(ground[:, :2])[0] if len(above) else np.full(len(ground), np.inf)
    far = np.linalg.norm(ground[:, :2] - np.median(centres[:, :2], axis=0), axis=1)
    free = clearance >= CLEAR_RADIUS
    best = int(np.argmin(np.where(free, far, np.inf))) if free.any() else int(np.argmax(clearance))
    return np.array([ground[best, 0], ground[best, 1], height])
