"""From a reconstruction's own frame to the metric world: gravity, main floor, scale and origin, each with its evidence."""

import numpy as np
from jaxtyping import Float64
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from lyra_sim.alignment.scale import settle_scale
from lyra_sim.alignment.vertical import Level, level_with, up_evidence
from lyra_sim.data.capture import Capture
from lyra_sim.data.depth import PosedDepth
from lyra_sim.data.scale import ScaleEstimate
from lyra_sim.data.world import AlignEvidence, MetricWorld, Reconstruction
from lyra_sim.geometry.ceiling import find_ceiling
from lyra_sim.geometry.floor import BAND, CONE_DEG, MIN_AREA, Floor, find_floor, plane_tilt_sigma_deg
from lyra_sim.geometry.heading import heading_of_walls
from lyra_sim.geometry.rigid import Similarity, rotation_between
from lyra_sim.geometry.sparse_floor import find_sparse_floor
from lyra_sim.geometry.up_evidence import angle_deg
from lyra_sim.scene.sources import Scale
from lyra_sim.scene.spec import AlignConfig

CLEAR_RADIUS, CLEAR_LOW, CLEAR_HIGH = 0.3, 0.08, 1.0
"""A floor point is free for the origin when nothing stands within this disc and height band [m]. Convention."""
FLOOR_SIGHT = 2.0
"""Estimated floor is seen from this many camera heights away. Tuned, unrecorded."""
PROVISIONAL_UP_SIGMA_DEG = 1.5
"""What capture knows of up before there is depth. Convention."""


def to_metric_world(
    capture: PosedDepth,
    reconstruction: Reconstruction,
    *,
    scale: Scale,
    config: AlignConfig,
    assumed_camera_height: float,
    scene: str,
) -> MetricWorld:
    """Find floor and gravity, settle the scale, and move everything to metres, z-up, main floor at z = 0.

    An input declared z-up whose floor already lies level at z = 0 keeps its frame exactly. Otherwise gravity is
    the floor's normal, unless what else tells the vertical outvotes it; x and y follow the walls where those share a
    heading, and the origin is put on free floor.

    Args:
        capture: The views, with depth.
        reconstruction: Splats or surface in the capture's frame and unit.
        scale: What the scene file says of the scale.
        config: When an input's own frame is kept.
        assumed_camera_height: Taken where nothing tells the scale [m].
        scene: Its name, for messages.
    """
    subject = f"scene '{scene}'"
    splats, cameras = reconstruction.splats, reconstruction.cameras
    surface = splats if reconstruction.surface is None else reconstruction.surface
    points = surface.means.astype(np.float64)
    normals = Rotation.from_quat(surface.quats_wxyz, scalar_first=True).as_matrix()[:, :, 2]
    provisional = capture.world_from_capture
    up = provisional.rotation.T @ np.array([0.0, 0.0, 1.0])
    cell = _spacing(points)
    working_scale = _working_scale(capture, points, up, assumed_camera_height)
    noise = _noise(capture, points, up, working_scale)
    floor = _estimated_floor(capture, points, normals, up, cell, working_scale) or find_floor(
        points,
        normals,
        up=up,
        cameras=cameras.centres,
        cell=cell,
        metres_per_unit=working_scale,
        subject=subject,
        noise=noise,
    )
    guessed = capture.depth.guessed
    ceiling = (
        None
        if guessed
        else find_ceiling(points, normals, floor, cameras=cameras.centres, metres_per_unit=working_scale, noise=noise)
    )
    ceiling_height = None if ceiling is None else ceiling.height
    settled = settle_scale(
        capture,
        scale,
        floor,
        cameras.centres,
        scene=scene,
        assumed_camera_height=assumed_camera_height,
        ceiling_height=ceiling_height,
    )
    declared = up if capture.up_source.startswith("declared") else None
    pieces = up_evidence(
        floor,
        normals,
        None if capture.given else cameras.c2w,
        declared=declared,
        source=capture.up_source,
        estimated=capture.views.estimated,
    )
    level = level_with(pieces, floor.normal, declared=declared, max_tilt_deg=config.max_tilt_deg, subject=subject)
    offset = floor.height * settled.metres_per_unit
    world_from_input, frame = _placement(config, level, floor, offset, settled, points, normals, cameras.centres)
    evidence = AlignEvidence(
        up=f"floor plane ({floor.support} samples), from {capture.up_source}",
        frame=frame,
        floor_area_m2=round(floor.area, 3),
        floor_rms_m=round(floor.rms, 5),
        provisional_up_error_deg=round(angle_deg(floor.normal, up), 4),
        floor_height_in_input=round(floor.height, 5),
        floor_slope_deg=round(angle_deg(floor.normal, level.up), 3),
        wall_tilt_deg=None if floor.wall_tilt_deg is None else round(floor.wall_tilt_deg, 3),
        camera_height_m=round(float(np.median(cameras.centres @ floor.normal - floor.height)) * settled.metres_per_unit, 4),
        ceiling_height_m=None if ceiling is None else round(ceiling.height * settled.metres_per_unit, 4),
    )
    return MetricWorld(
        splats=splats.moved(world_from_input),
        views=reconstruction.views,
        cameras=cameras.moved(world_from_input),
        world_from_input=world_from_input,
        scale=settled,
        depth_kind=capture.depth.kind,
        evidence=evidence,
        gravity=level.moved(world_from_input.rotation),
    )


def _spacing(points: Float64[np.ndarray, "n 3"]) -> float:
    """Typical distance between neighbouring samples: the edge of the cell each one stands for."""
    sample = points[:: max(1, len(points) // 20_000)]
    distances, _ = cKDTree(points).query(sample, k=5)
    return float(np.median(distances[:, 1:].mean(axis=1)))


def _working_scale(capture: Capture, points: Float64[np.ndarray, "n 3"], up: np.ndarray, assumed_camera_height: float) -> float:
    """Metres per unit to look for the floor with: the provisional one, or, where nothing stood behind that, what the
    assumed camera height gives over the lowest samples."""
    if not (capture.views.estimated and capture.scale.assumed):
        return capture.world_from_capture.scale
    drop = _drop(capture, points, up)
    return assumed_camera_height / drop if drop > 0 else capture.world_from_capture.scale


def _drop(capture: Capture, points: np.ndarray, up: np.ndarray) -> float:
    """From the cameras' median height down to the lowest samples near them [frame units]."""
    centres = capture.cameras.centres
    distance = cKDTree(centres).query(points)[0]
    near = points[distance <= np.median(distance)]
    return float(np.median(centres @ up) - np.quantile(near @ up, 0.02))


def _noise(capture: PosedDepth, points: np.ndarray, up: np.ndarray, metres_per_unit: float) -> float:
    """Expected error of floor samples across the floor [m]: floors are seen at a slant, some camera heights away."""
    if not capture.views.estimated:
        return 0.0
    return FLOOR_SIGHT * capture.depth.noise * max(_drop(capture, points, up), 0.0) * metres_per_unit


def _estimated_floor(
    capture: PosedDepth, points: np.ndarray, normals: np.ndarray, up: np.ndarray, cell: float, metres_per_unit: float
) -> Floor | None:
    """The floor among level samples of estimated depth; None for measured depth, or where they form none.

    Estimates have strays below the floor and, over a long walk, ground that is no plane to the centimetre: a plane is
    chosen by what lies in it against what lies below, near the cameras and in layers as thick as the noise.
    """
    if not capture.views.estimated:
        return None
    level = normals @ up > np.cos(np.radians(CONE_DEG))
    centres = capture.cameras.centres
    found = find_sparse_floor(points[level], centres, up=up, up_sigma_deg=PROVISIONAL_UP_SIGMA_DEG)
    if found is None:
        return None
    over = points @ found.normal - found.height
    band = float(np.hypot(BAND, _noise(capture, points, up, metres_per_unit))) / metres_per_unit
    on_floor = (np.abs(over) < band) & (normals @ found.normal > np.cos(np.radians(20.0)))
    area = float(on_floor.sum() * (cell * metres_per_unit) ** 2)
    if area < MIN_AREA:
        return None
    rms = float(np.sqrt(np.mean(over[on_floor] ** 2)))
    walls = np.abs(normals @ found.normal) < np.sin(np.radians(10.0))
    lean = np.degrees(np.abs(np.arcsin(np.clip(normals[walls] @ found.normal, -1, 1))))
    return Floor(
        normal=found.normal,
        height=found.height,
        support=int(on_floor.sum()),
        area=area,
        rms=rms * metres_per_unit,
        tilt_sigma_deg=plane_tilt_sigma_deg(points[on_floor], rms),
        wall_tilt_deg=float(np.median(lean)) if walls.sum() > 200 else None,
        on_floor=on_floor,
    )


def _placement(
    cfg: AlignConfig,
    level: Level,
    floor: Floor,
    offset: float,
    scale: ScaleEstimate,
    points: np.ndarray,
    normals: np.ndarray,
    centres: np.ndarray,
) -> tuple[Similarity, str]:
    s, z = scale.metres_per_unit, np.array([0.0, 0.0, 1.0])
    if level.follows == "declared" and np.allclose(level.up, z) and level.estimate.used("floor"):
        if abs(offset) <= cfg.max_floor_offset:
            return Similarity(scale=s, rotation=np.eye(3), translation=np.zeros(3)), "kept: z-up with its floor at z = 0"
        return Similarity(
            scale=s, rotation=np.eye(3), translation=np.array([0, 0, -offset])
        ), "kept but for height: floor moved to z = 0"
    rotation = rotation_between(level.up, z)
    heading = heading_of_walls(normals @ rotation.T)
    if heading is not None:
        rotation = Rotation.from_euler("z", heading).as_matrix() @ rotation
    turned = Similarity(scale=s, rotation=rotation, translation=np.zeros(3))
    origin = _free_floor_point(turned.apply(points), floor.on_floor, turned.apply(centres))
    source = {"floor": "the floor plane", "declared": "the declared axis", "others": "what else tells it: the floor slopes"}
    along = "axes along the walls" if heading is not None else "x keeps its heading"
    return (
        Similarity(scale=s, rotation=rotation, translation=-origin),
        f"gravity from {source[level.follows]}, {along}, origin on free floor",
    )


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
