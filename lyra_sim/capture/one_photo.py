"""One photo as a capture: gravity from its vanishing points, scale from the camera's height, and no claim beyond that."""

from pathlib import Path

import numpy as np
from jaxtyping import Float64
from PIL import Image

from lyra_sim.capture.frame.stated import Stated
from lyra_sim.data.capture import Capture
from lyra_sim.data.posed import OnePhotoFacts, Photo
from lyra_sim.data.scale import ASSUMED_SIGMA, ScaleEstimate, assumed_height_source, camera_height_source
from lyra_sim.data.views import Views
from lyra_sim.errors import SpecError
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.geometry.vanishing import find_right_angles, find_segments
from lyra_sim.scene.sources import CameraHeightScale

ASSUMED_VIEW_DEG = 60.0
"""Angle of view over the longer side when the photo says nothing: a phone's main camera has 60 to 70. Convention."""
LINES_SIDE = 640
"""Longer side of the photo when straight edges are sought [px]. Tuned, unrecorded."""
JPEG_QUALITY = 95
"""Of the photo as it is handed on. Convention."""


def capture_one_photo(photo: Photo, stated: Stated, *, view_side: int, out: Path) -> Capture:
    """A view taken as a pinhole without distortion, in an upright frame with the floor below it at z = 0 [m].

    The frame's x runs along the horizontal direction of the photo's edges that is nearest to the viewing direction. Where
    edges tell no vertical, the camera is taken to be level. ``poses`` says which, and that there was one photo.

    Raises:
        SpecError: The scene states an up axis, which one photo hasn't.
    """
    height_m, scale = _camera_height(stated)
    if stated.up != "auto":
        raise SpecError(
            stated.subject("up"),
            f"'{stated.up}' for one photo, which has no axes of its own",
            expected="auto",
            next_step="Leave 'up' out.",
        )
    rgb, K, focal_source = _view(photo, view_side)
    out_rgb = out / "rgb"
    out_rgb.mkdir(parents=True)
    Image.fromarray(rgb).save(out_rgb / f"{photo.name}.jpg", quality=JPEG_QUALITY, subsampling=0)
    height, width = rgb.shape[:2]
    Image.fromarray(np.full((height, width), 255, np.uint8)).save(out / "valid.png")
    camera = CameraPath(c2w=np.eye(4)[None], K=K[None], width=width, height=height)
    camera_from_world, told = _upright(rgb, camera)
    c2w = np.eye(4)
    c2w[:3, :3] = camera_from_world.T
    c2w[2, 3] = height_m
    tilt_deg = round(float(np.degrees(np.arcsin(np.clip(camera_from_world[2, 2], -1, 1)))), 2)
    up_source = "vanishing points" if told else "assumed level camera"
    poses = OnePhotoFacts(
        finding="one photo: its depth is a guess about the room's shape (layout prior), nothing in it was measured",
        focal_px=round(float(K[0, 0]), 2),
        focal_source=focal_source,
        tilt_deg=tilt_deg,
    )
    return Capture(
        views=Views(folder=out, names=(photo.name,), rgb_suffix=".jpg", units_per_depth_count=None),
        cameras=CameraPath(c2w=c2w[None], K=K[None], width=width, height=height),
        world_from_capture=Similarity.identity(),
        scale=scale,
        held_out=(),
        frame_agreement=None,
        up_source=up_source,
        depth=None,
        sparse=None,
        poses=poses,
    )


def _camera_height(stated: Stated) -> tuple[float, ScaleEstimate]:
    """How high the camera stood [m]: nothing else gives one photo a scale."""
    match stated.scale:
        case CameraHeightScale(camera_height=height, sigma_relative=sigma) | (
            CameraHeightScale(camera_height=height, sigma_relative=sigma),
        ):
            return height, ScaleEstimate(metres_per_unit=1.0, sigma_relative=sigma, source=camera_height_source(height))
        case "auto" | "unknown":
            height = stated.assumed_camera_height
            source = assumed_height_source(height)
            return height, ScaleEstimate(metres_per_unit=1.0, sigma_relative=ASSUMED_SIGMA, source=source)
    raise SpecError(
        stated.subject("scale"),
        "a length, markers or a unit for one photo, in which nothing is measured that they could be held against",
        expected="camera_height",
        next_step="State camera_height, or leave 'scale' out and have one assumed.",
    )


def _view(photo: Photo, view_side: int) -> tuple[np.ndarray, Float64[np.ndarray, "3 3"], str]:
    """The photo at no more than the size of a view, its pinhole, and where the focal length is from."""
    with Image.open(photo.file) as image:
        scale = min(1.0, view_side / max(image.size))
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        rgb = np.asarray(image.convert("RGB").resize(size, Image.Resampling.LANCZOS))
    width, height = size
    if photo.focal_px is not None:
        focal, source = photo.focal_px * width / photo.width, "EXIF"
    else:
        focal = max(width, height) / 2 / np.tan(np.radians(ASSUMED_VIEW_DEG / 2))
        source = f"assumed {ASSUMED_VIEW_DEG:g}° angle of view"
    return rgb, np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]]), source


def _upright(rgb: np.ndarray, camera: CameraPath) -> tuple[Float64[np.ndarray, "3 3"], bool]:
    """Rotation from the upright frame to the camera, and whether the photo's edges told it."""
    scale = min(1.0, LINES_SIDE / max(rgb.shape[:2]))
    size = max(2, round(rgb.shape[1] * scale)), max(2, round(rgb.shape[0] * scale))
    grey = np.asarray(Image.fromarray(rgb).convert("L").resize(size, Image.Resampling.BOX)).astype(np.float32) / 255
    angles = find_right_angles(find_segments(grey), camera.resized(*size).K[0])
    if angles.believed:
        return angles.camera_from_frame, True
    return np.array([[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]]), False
