"""Captures of the analytic flat as the depth step hands them on, in any frame, and camera files for it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from lyra_sim.conventions import c2w_opengl_from_opencv
from lyra_sim.data.capture import Capture, DepthFacts
from lyra_sim.data.scale import ScaleEstimate
from lyra_sim.data.views import Views
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.geometry.rigid import Similarity
from tests.rooms import Room

MM = 0.001


def capture_of(
    room: Room, folder: Path, *, frame_from_room: Similarity | None = None, held_out: tuple[int, ...] = ()
) -> Capture:
    """The room with measured depth; the provisional frame is the room's own."""
    frame_from_room = frame_from_room or Similarity.identity()
    images, depths = room.rendered
    for part in ("rgb", "z_depth"):
        (folder / part).mkdir(parents=True)
    names = tuple(f"{index:04d}" for index in range(len(images)))
    for name, rgb, z in zip(names, images, depths, strict=True):
        Image.fromarray(rgb).save(folder / "rgb" / f"{name}.png", compress_level=1)
        Image.fromarray(np.round(z / MM).astype(np.uint16)).save(folder / "z_depth" / f"{name}.png", compress_level=1)
    Image.fromarray(np.full(images.shape[1:3], 255, np.uint8)).save(folder / "valid.png")
    return Capture(
        views=Views(folder=folder, names=names, rgb_suffix=".png", units_per_depth_count=MM * frame_from_room.scale),
        cameras=room.cameras.moved(frame_from_room),
        world_from_capture=frame_from_room.inverse,
        scale=ScaleEstimate(metres_per_unit=1 / frame_from_room.scale, sigma_relative=0.0, source="declared metric"),
        held_out=held_out,
        frame_agreement=None,
        up_source="declared z",
        depth=DepthFacts(kind="measured", sigma_relative=0.0, figures={}),
    )


def of_views(capture: Capture, *indices: int) -> Capture:
    """The same capture with some of its views, in the order given."""
    return replace(capture, views=capture.views.select(indices), cameras=capture.cameras.select(np.array(indices)), held_out=())


def in_world(capture: Capture, cameras: CameraPath) -> CameraPath:
    """Cameras in the provisional frame."""
    return cameras.moved(capture.world_from_capture)


def write_lyra(path: Path, c2w: np.ndarray, *, width: int = 1280, height: int = 720, focal: float = 800.0) -> Path:
    """A trajectory as Lyra stores it."""
    K = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]], np.float32)
    np.savez(
        path,
        w2c=np.linalg.inv(c2w).astype(np.float32),
        intrinsics=np.tile(K, (len(c2w), 1, 1)),
        image_height=height,
        image_width=width,
    )
    return path


def write_transforms(path: Path, c2w: np.ndarray, *, width: int = 1280, height: int = 720, focal: float = 800.0) -> Path:
    """The same as nerfstudio's JSON, in OpenGL axes."""
    frames = [
        {"file_path": f"{index:05d}.png", "transform_matrix": matrix.tolist()}
        for index, matrix in enumerate(c2w_opengl_from_opencv(c2w))
    ]
    lens = {"w": width, "h": height, "fl_x": focal, "fl_y": focal, "cx": width / 2, "cy": height / 2}
    path.write_text(json.dumps({**lens, "frames": frames}), encoding="utf-8")
    return path
