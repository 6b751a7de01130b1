"""One short walk through the tiny room, written as recorders and data sets lay their folders out."""

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image
from scipy.spatial.transform import Rotation

from lyra_sim.conventions import K_to_integer_centres, c2w_opengl_from_opencv
from tests.rooms import Room, camera_path, furnished_room, look

START, STEP = 1305031102.175304, 1 / 30
"""Time of the first image, and between two [s]."""


def walk(count: int = 6) -> Room:
    """A few steps sideways through the first room; 80 x 60 px."""
    room = furnished_room(views=2)
    poses = [look(np.array([1.2 + 0.12 * index, 2.6, 1.3]), -1.1 + 0.04 * index, -0.25) for index in range(count)]
    path = camera_path(poses, width=80, height=60, focal=60.0)
    return Room(air_low=room.air_low, air_high=room.air_high, boxes=room.boxes, cameras=path)


def save_depth(path: Path, z: np.ndarray, unit: float = 0.001) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.round(z / unit).astype(np.uint16)).save(path)


def save_colour(path: Path, rgb: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rgb).save(path, **({"quality": 95, "subsampling": 0} if path.suffix == ".jpg" else {}))


def coarse(z: np.ndarray, by: int = 2) -> np.ndarray:
    """Depth as a sensor of half the pixels a side and the same field of view has it."""
    return z[by // 2 :: by, by // 2 :: by]


def intrinsics(room: Room) -> dict[str, float]:
    K = K_to_integer_centres(room.cameras.K[0])
    size = {"width": room.cameras.width, "height": room.cameras.height}
    return {**size, "fx": K[0, 0], "fy": K[1, 1], "cx": K[0, 2], "cy": K[1, 2]}


def tum_line(time: float, c2w: np.ndarray) -> str:
    quat = Rotation.from_matrix(c2w[:3, :3]).as_quat()
    return f"{time:.6f} " + " ".join(f"{x:.8f}" for x in [*c2w[:3, 3], *quat])


def tum(folder: Path, room: Room, *, late: float = 0.009) -> None:
    """Depth ``late`` [s] after colour; poses at the images' own moments and half way between."""
    lines = ["# timestamp tx ty tz qx qy qz qw"]
    for index, (rgb, z) in enumerate(zip(*room.rendered, strict=True)):
        time = START + index * STEP
        save_colour(folder / "rgb" / f"{time:.6f}.png", rgb)
        save_depth(folder / "depth" / f"{time + late:.6f}.png", z, 1 / 5000)
        lines.append(tum_line(time, room.cameras.c2w[index]))
    (folder / "groundtruth.txt").write_text("\n".join(lines) + "\n")
    (folder / "intrinsics.json").write_text(json.dumps(intrinsics(room)))


def scannet(folder: Path, room: Room) -> None:
    """Depth of half the size, with intrinsics of its own."""
    for index, (rgb, z) in enumerate(zip(*room.rendered, strict=True)):
        save_colour(folder / "color" / f"{index + 7}.jpg", rgb)
        save_depth(folder / "depth" / f"{index + 7}.png", coarse(z))
        (folder / "pose").mkdir(exist_ok=True)
        np.savetxt(folder / "pose" / f"{index + 7}.txt", room.cameras.c2w[index], fmt="%.8f")
    (folder / "intrinsic").mkdir()
    K = np.eye(4)
    K[:3, :3] = K_to_integer_centres(room.cameras.K[0])
    np.savetxt(folder / "intrinsic" / "intrinsic_color.txt", K)
    half = np.eye(4)  # pixel k of the coarse image is pixel 2 k + 1 of the fine one
    half[:3, :3] = K[:3, :3]
    half[:2] /= 2
    half[:2, 2] = (K[:2, 2] - 1) / 2
    np.savetxt(folder / "intrinsic" / "intrinsic_depth.txt", half)


def replica(folder: Path, room: Room) -> None:
    for index, (rgb, z) in enumerate(zip(*room.rendered, strict=True)):
        save_colour(folder / "results" / f"frame{index:06d}.jpg", rgb)
        save_depth(folder / "results" / f"depth{index:06d}.png", z, 1 / 6553.5)
    lines = [" ".join(f"{x:.9e}" for x in c2w.ravel()) for c2w in room.cameras.c2w]
    (folder / "traj.txt").write_text("\n".join(lines) + "\n")
    own = intrinsics(room)
    camera = {"w": own.pop("width"), "h": own.pop("height"), **own, "scale": 6553.5}
    (folder.parent / "cam_params.json").write_text(json.dumps({"camera": camera}))


def open3d(folder: Path, room: Room) -> None:
    K = K_to_integer_centres(room.cameras.K[0])
    lens = {"width": room.cameras.width, "height": room.cameras.height, "intrinsic_matrix": K.T.ravel().tolist()}
    cameras = []
    for index, (rgb, z) in enumerate(zip(*room.rendered, strict=True)):
        save_colour(folder / "image" / f"{index:05d}.png", rgb)
        save_depth(folder / "depth" / f"{index:05d}.png", z)
        extrinsic = np.linalg.inv(room.cameras.c2w[index]).T.ravel().tolist()
        cameras.append({"class_name": "PinholeCameraParameters", "extrinsic": extrinsic, "intrinsic": lens})
    facts = {"class_name": "PinholeCameraTrajectory", "parameters": cameras, "version_major": 1, "version_minor": 0}
    (folder / "trajectory.json").write_text(json.dumps(facts))


def polycam(folder: Path, room: Room) -> None:
    """Coarse depth, the left half of it of low confidence."""
    K, base = room.cameras.K[0], folder / "keyframes"
    for index, (rgb, z) in enumerate(zip(*room.rendered, strict=True)):
        name = f"{83147253 + index * 333}"
        save_colour(base / "images" / f"{name}.jpg", rgb)
        save_depth(base / "depth" / f"{name}.png", coarse(z))
        levels = np.full(coarse(z).shape, 255, np.uint8)
        levels[:, : levels.shape[1] // 2] = 0
        save_colour(base / "confidence" / f"{name}.png", levels)
        matrix = c2w_opengl_from_opencv(room.cameras.c2w[index])
        camera = {f"t_{row}{column}": matrix[row, column] for row in range(3) for column in range(4)}
        camera |= {"fx": K[0, 0], "fy": K[1, 1], "cx": K[0, 2], "cy": K[1, 2], "width": 80, "height": 60}
        (base / "cameras").mkdir(exist_ok=True)
        (base / "cameras" / f"{name}.json").write_text(json.dumps(camera))


def stray(folder: Path, room: Room) -> None:
    """A video without losses; the first frame has no depth."""
    images, depths = room.rendered
    folder.mkdir(exist_ok=True)
    with av.open(folder / "rgb.mp4", "w") as video:
        stream = video.add_stream("libx264", rate=Fraction(30), options={"crf": "1", "preset": "ultrafast"})
        stream.height, stream.width, stream.pix_fmt = 60, 80, "yuv444p"
        for rgb in images:
            video.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        video.mux(stream.encode())
    lines = ["timestamp, frame, x, y, z, qx, qy, qz, qw"]
    for index, c2w in enumerate(room.cameras.c2w):
        quat = Rotation.from_matrix(c2w[:3, :3]).as_quat()
        lines.append(f"{index / 30:.5f}, {index:06d}, " + ", ".join(f"{x:.8f}" for x in [*c2w[:3, 3], *quat]))
        if index:
            save_depth(folder / "depth" / f"{index:06d}.png", coarse(depths[index]))
    (folder / "odometry.csv").write_text("\n".join(lines) + "\n")
    np.savetxt(folder / "camera_matrix.csv", room.cameras.K[0], delimiter=",")


def transforms(folder: Path, room: Room, *, kind: str = ".npy") -> None:
    """Depth in metres, named by the frames."""
    frames, K = [], room.cameras.K[0]
    for index, (rgb, z) in enumerate(zip(*room.rendered, strict=True)):
        save_colour(folder / "images" / f"{index:03d}.png", rgb)
        (folder / "depth").mkdir(exist_ok=True)
        depth = folder / "depth" / f"d{index:03d}{kind}"
        np.save(depth, z) if kind == ".npy" else Image.fromarray(z).save(depth)
        matrix = c2w_opengl_from_opencv(room.cameras.c2w[index]).tolist()
        names = {"file_path": f"images/{index:03d}.png", "depth_file_path": f"depth/{depth.name}"}
        frames.append({**names, "transform_matrix": matrix})
    facts = {"w": 80, "h": 60, "fl_x": K[0, 0], "fl_y": K[1, 1], "cx": K[0, 2], "cy": K[1, 2], "frames": frames}
    (folder / "transforms.json").write_text(json.dumps(facts))


WRITERS: dict[str, Callable[[Path, Room], None]] = {
    "tum": tum,
    "scannet": scannet,
    "replica": replica,
    "open3d": open3d,
    "polycam": polycam,
    "stray": stray,
    "transforms": transforms,
}
