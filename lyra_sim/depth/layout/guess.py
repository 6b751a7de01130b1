"""A guess about the shape of a room or a street from one photo, called a guess wherever it goes.

One photo doesn't tell depth. What is written here is the floor, at the height the camera is said to have, and upright walls
where edges and colours make a box plausible; all of it below the confidence that parts measured from inferred.
"""

import numpy as np
from jaxtyping import Bool, Float32, Float64
from PIL import Image
from scipy import ndimage

from lyra_sim.data.capture import Capture, DepthFacts
from lyra_sim.data.depth import MEASURED_CONFIDENCE, DepthEstimate, DepthMap
from lyra_sim.data.views import SKY, STATIC
from lyra_sim.depth.layout.box import CEILING, FLOOR, NOTHING, Box, Evidence, axis_edges, fit_box, lines_of
from lyra_sim.depth.sky import sky_masks
from lyra_sim.errors import GeometryError
from lyra_sim.geometry.cameras import pixel_rays
from lyra_sim.geometry.vanishing import find_segments, in_frame
from lyra_sim.scene.spec import CaptureConfig, DepthConfig

LINES_SIDE, FIT_SIDE = 640, 160
"""Longer side of the photo when straight edges are sought, and when boxes are compared [px]. Convention."""
CONFIDENCE_BOX, CONFIDENCE_FLOOR = 0.25, 0.15
"""Trust in a guess with a box behind it, and in a bare floor; both far below what counts as measured. Convention."""
SIGMA = 0.5
"""Relative error of the depth: the distance to a wall rests on where one edge was believed to be. Convention."""
FLOOR_REACH = 8.0
"""A bare floor is guessed this far, in camera heights: beyond, a degree of tilt doubles the distance. Convention."""
LEAST_SUPPORT = 0.3
"""Mean edge strength under its boundaries (0..1) that a box needs; noise reaches about 0.2. Tuned, unrecorded."""
assert max(CONFIDENCE_BOX, CONFIDENCE_FLOOR) < MEASURED_CONFIDENCE


def estimate(capture: Capture, cfg: DepthConfig, *, limits: CaptureConfig) -> DepthEstimate:
    """Floor-and-box layout prior of a single view (plug-in ``depth:layout``).

    The world frame of the capture is upright and has its floor at z = 0, as :mod:`lyra_sim.capture.one_photo` leaves it.

    Raises:
        GeometryError: There are several photos, or the camera lies below its floor.
    """
    if len(capture.views) != 1:
        raise GeometryError(
            "depth.backend",
            f"layout for {len(capture.views)} photos",
            expected="one photo",
            likely="A guess from each photo on its own doesn't fit together.",
            next_step="Leave depth.backend at auto, or give one photo.",
        )
    cameras = capture.cameras
    camera_height = float(capture.world_from_capture.apply(cameras.centres)[0, 2]) / capture.world_from_capture.scale
    if camera_height <= 0:
        raise GeometryError(
            "depth.backend",
            "the camera lies below the floor of its frame",
            expected="a camera above z = 0",
            likely="Up is wrong.",
        )
    sky = np.zeros((cameras.height, cameras.width), bool)
    if cfg.masks == "auto":
        sky = sky_masks(capture, width=cameras.width, height=cameras.height)[0]
    box = fit(capture, sky)
    rays = pixel_rays(cameras.K[0], cameras.width, cameras.height).astype(np.float64) @ _world_from_camera(capture).T
    reach, surface = (box or Box(ahead=np.inf, left=np.inf, right=np.inf, ceiling=np.inf)).meet(rays)
    known = (surface != NOTHING) & ~sky & capture.views.valid(0)
    if box is None:
        known &= reach <= FLOOR_REACH
    z = reach * camera_height
    if limits.max_depth != "auto":
        known &= z * capture.world_from_capture.scale <= limits.max_depth
    known &= z * capture.world_from_capture.scale >= limits.min_depth
    trust = CONFIDENCE_FLOOR if box is None else CONFIDENCE_BOX
    depth = DepthMap(
        z_depth=np.where(known, z, np.nan).astype(np.float32),
        confidence=np.where(known, trust, 0).astype(np.float32),
        mask=np.where(sky, SKY, STATIC).astype(np.uint8),
    )
    figures = {
        "measured": 0.0,
        "layout_floor": float((known & (surface == FLOOR)).mean()),
        "layout_walls": float((known & (surface != FLOOR) & (surface != CEILING)).mean()),
        "layout_ceiling": float((known & (surface == CEILING)).mean()),
        "sky": float(sky.mean()),
    }
    return DepthEstimate(maps=(depth,), facts=DepthFacts(kind="layout prior", sigma_relative=SIGMA, figures=figures))


def fit(capture: Capture, sky: Bool[np.ndarray, "h w"]) -> Box | None:
    """The box along the axes of the capture's world that explains the photo; None when its edges tell of none."""
    rgb = capture.views.rgb(0)
    fine, small = _resized(rgb, LINES_SIDE), _resized(rgb, FIT_SIDE)
    segments = find_segments(_grey(fine))
    camera_from_world = _world_from_camera(capture).T
    angles = in_frame(segments, capture.cameras.resized(fine.shape[1], fine.shape[0]).K[0], camera_from_world)
    if not angles.believed:
        return None
    height, width = small.shape[:2]
    K = capture.cameras.resized(width, height).K[0]
    evidence = Evidence(
        rays=pixel_rays(K, width, height).astype(np.float64) @ camera_from_world,
        colours=ndimage.gaussian_filter(small / 255.0, (1.5, 1.5, 0)),
        edges=axis_edges(_grey(small), K, camera_from_world),
        **lines_of(segments, angles.along, width / fine.shape[1], height, width),
        sky=bool(sky.any()),
        ignored=np.asarray(Image.fromarray(sky).resize((width, height), Image.Resampling.NEAREST)),
    )
    box, support = fit_box(evidence)
    return box if support >= LEAST_SUPPORT else None


def _world_from_camera(capture: Capture) -> Float64[np.ndarray, "3 3"]:
    return capture.world_from_capture.rotation @ capture.cameras.c2w[0, :3, :3]


def _resized(rgb: np.ndarray, side: int) -> np.ndarray:
    scale = min(1.0, side / max(rgb.shape[:2]))
    size = max(2, round(rgb.shape[1] * scale)), max(2, round(rgb.shape[0] * scale))
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BOX))


def _grey(rgb: np.ndarray) -> Float32[np.ndarray, "h w"]:
    return (rgb @ np.array([0.299, 0.587, 0.114]) / 255).astype(np.float32)
