"""The walk as bags of ROS 1 and ROS 2, by rosbags' own writers."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.spatial.transform import Rotation

from lyra_sim.conventions import K_to_integer_centres
from tests.rooms import Room

START, STEP = 1_700_000_000.25, 1 / 15
"""Time of the first image, and between two [s]."""
COLOUR_FRAME, DEPTH_FRAME = "camera_color_optical_frame", "camera_depth_optical_frame"
BODY_FROM_CAMERA = np.array([[0, 0, 1, 0.1], [-1, 0, 0, 0.02], [0, -1, 0, 0.3], [0, 0, 0, 1.0]])
"""The camera looks along the body's x (REP 103), ahead of it and above."""


@dataclass(kw_only=True)
class BagPlan:
    """What is recorded, and how."""

    encoding: str = "rgb8"
    """Of colour; ``jpeg``: compressed."""
    depth: str = "16UC1"
    """Or ``32FC1``; ``png``: compressedDepth."""
    poses: str = "tf"
    """``odometry`` of the body, ``camera poses``, or ``none``."""
    distortion: tuple[float, ...] = (0.0,) * 5
    static: bool = True
    """/tf_static is recorded."""
    pad: int = 0
    """Bytes behind each row."""
    aligned: bool = True
    extra: list[tuple[str, str, Callable[[Any], Any]]] = field(default_factory=list)
    """More topics: name, type, and what makes the message of the types."""
    late: float = 0.0
    """Depth behind colour [s]."""
    between: bool = False
    """Transforms are half a step before and after the images."""


def write_ros1(file: Path, room: Room, plan: BagPlan, *, compression: str | None = None) -> Path:
    from rosbags.rosbag1 import Writer
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    store = get_typestore(Stores.ROS1_NOETIC)
    store.register(get_types_from_msg("geometry_msgs/TransformStamped[] transforms", "tf2_msgs/msg/TFMessage"))
    writer = Writer(file)
    if compression:
        writer.set_compression(getattr(Writer.CompressionFormat, compression))
    with writer:
        _write(writer, store, store.serialize_ros1, room, plan, ros1=True)
    return file


def write_ros2(folder: Path, room: Room, plan: BagPlan, *, storage: str = "SQLITE3", compressed: str | None = None) -> Path:
    """``compressed``: ``STORAGE`` (chunks of MCAP), ``FILE`` or ``MESSAGE``, by zstd."""
    from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores.ROS2_HUMBLE)
    writer = Writer(folder, version=9, storage_plugin=getattr(StoragePlugin, storage))
    if compressed is not None:
        writer.set_compression(getattr(CompressionMode, compressed), CompressionFormat.ZSTD)
    with writer:
        _write(writer, store, store.serialize_cdr, room, plan, ros1=False)
    return folder


def _write(writer: Any, store: Any, serialize: Callable, room: Room, plan: BagPlan, *, ros1: bool) -> None:
    types = store.types
    connections: dict[str, Any] = {}

    def say(topic: str, kind: str, message: Any, at: float) -> None:
        if topic not in connections:
            connections[topic] = writer.add_connection(topic, kind, typestore=store)
        writer.write(connections[topic], round(at * 1e9), serialize(message, kind))

    def header(at: float, frame: str) -> Any:
        nanoseconds = round(at * 1e9)
        stamp = types["builtin_interfaces/msg/Time"](sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)
        return types["std_msgs/msg/Header"](**({"seq": 0} if ros1 else {}), stamp=stamp, frame_id=frame)

    def transform(at: float, parent: str, child: str, matrix: np.ndarray) -> Any:
        quat = Rotation.from_matrix(matrix[:3, :3]).as_quat()
        move = types["geometry_msgs/msg/Transform"](
            translation=types["geometry_msgs/msg/Vector3"](*matrix[:3, 3]),
            rotation=types["geometry_msgs/msg/Quaternion"](*quat),
        )
        return types["geometry_msgs/msg/TransformStamped"](header=header(at, parent), child_frame_id=child, transform=move)

    def pose(matrix: np.ndarray) -> Any:
        quat = Rotation.from_matrix(matrix[:3, :3]).as_quat()
        return types["geometry_msgs/msg/Pose"](
            position=types["geometry_msgs/msg/Point"](*matrix[:3, 3]),
            orientation=types["geometry_msgs/msg/Quaternion"](*quat),
        )

    def info(at: float, frame: str, K: np.ndarray, size: tuple[int, int], D: tuple[float, ...]) -> Any:
        own = K_to_integer_centres(K)
        P = np.zeros((3, 4))
        P[:, :3] = own
        names = {"D": np.array(D), "K": own.ravel(), "R": np.eye(3).ravel(), "P": P.ravel()}
        names = names if ros1 else {name.lower(): value for name, value in names.items()}
        region = types["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False)
        return types["sensor_msgs/msg/CameraInfo"](
            header=header(at, frame),
            height=size[1],
            width=size[0],
            distortion_model="plumb_bob",
            **names,
            binning_x=0,
            binning_y=0,
            roi=region,
        )

    def image(at: float, frame: str, pixels: np.ndarray, encoding: str) -> Any:
        rows = pixels.reshape(len(pixels), -1).view(np.uint8)
        rows = np.pad(rows, ((0, 0), (0, plan.pad)))
        return types["sensor_msgs/msg/Image"](
            header=header(at, frame),
            height=pixels.shape[0],
            width=pixels.shape[1],
            encoding=encoding,
            is_bigendian=0,
            step=rows.shape[1],
            data=rows.ravel(),
        )

    def compressed(at: float, frame: str, fmt: str, content: bytes) -> Any:
        data = np.frombuffer(content, np.uint8)
        return types["sensor_msgs/msg/CompressedImage"](header=header(at, frame), format=fmt, data=data)

    cameras = room.cameras
    size = cameras.width, cameras.height
    camera_from_body = np.linalg.inv(BODY_FROM_CAMERA)
    if plan.static:
        static = [transform(0.0, "base_link", COLOUR_FRAME, BODY_FROM_CAMERA)]
        if not plan.aligned:
            static.append(transform(0.0, COLOUR_FRAME, DEPTH_FRAME, depth_place()))
        say("/tf_static", "tf2_msgs/msg/TFMessage", types["tf2_msgs/msg/TFMessage"](static), START - 1)
    for topic, kind, make in plan.extra:
        say(topic, kind, make(types), START - 1)
    depth_frame = COLOUR_FRAME if plan.aligned else DEPTH_FRAME
    depths, depth_K, depth_size = seen_by_depth(room, plan.aligned)
    base = "/camera/aligned_depth_to_color" if plan.aligned else "/camera/depth"
    moves = {}
    for index, c2w in enumerate(cameras.c2w):
        at = START + index * STEP
        world_from_body = c2w @ camera_from_body
        for early in (-STEP / 4, STEP / 4) if plan.between else (0.0,):
            moved = world_from_body.copy()
            moved[0, 3] += 0.04 * early / (STEP / 4)
            moves[at + early] = moved
    for at, matrix in moves.items() if plan.poses == "tf" else ():
        message = types["tf2_msgs/msg/TFMessage"]([transform(at, "odom", "base_link", matrix)])
        say("/tf", "tf2_msgs/msg/TFMessage", message, at)
    for index, (rgb, z) in enumerate(zip(room.rendered[0], depths, strict=True)):
        at = START + index * STEP
        if plan.poses == "odometry":
            covariance = np.zeros(36)
            twist = types["geometry_msgs/msg/Twist"](
                linear=types["geometry_msgs/msg/Vector3"](0, 0, 0), angular=types["geometry_msgs/msg/Vector3"](0, 0, 0)
            )
            message = types["nav_msgs/msg/Odometry"](
                header=header(at, "odom"),
                child_frame_id="base_link",
                pose=types["geometry_msgs/msg/PoseWithCovariance"](pose(cameras.c2w[index] @ camera_from_body), covariance),
                twist=types["geometry_msgs/msg/TwistWithCovariance"](twist, covariance),
            )
            say("/odom", "nav_msgs/msg/Odometry", message, at)
        elif plan.poses == "camera poses":
            message = types["geometry_msgs/msg/PoseStamped"](header=header(at, "map"), pose=pose(cameras.c2w[index]))
            say("/slam/pose", "geometry_msgs/msg/PoseStamped", message, at)
        say(
            "/camera/color/camera_info",
            "sensor_msgs/msg/CameraInfo",
            info(at, COLOUR_FRAME, cameras.K[0], size, plan.distortion),
            at,
        )
        if plan.encoding == "jpeg":
            content = io.BytesIO()
            Image.fromarray(rgb).save(content, "JPEG", quality=95, subsampling=0)
            message = compressed(at, COLOUR_FRAME, "rgb8; jpeg compressed bgr8", content.getvalue())
            say("/camera/color/image_raw/compressed", "sensor_msgs/msg/CompressedImage", message, at)
        else:
            pixels = rgb[..., ::-1] if plan.encoding == "bgr8" else rgb
            say(
                "/camera/color/image_raw",
                "sensor_msgs/msg/Image",
                image(at, COLOUR_FRAME, np.ascontiguousarray(pixels), plan.encoding),
                at,
            )
        late = at + plan.late
        say(f"{base}/camera_info", "sensor_msgs/msg/CameraInfo", info(late, depth_frame, depth_K, depth_size, (0.0,) * 5), late)
        counts = np.round(z * 1000).astype(np.uint16)
        if plan.depth == "png":
            content = io.BytesIO()
            Image.fromarray(counts).save(content, "PNG")
            message = compressed(late, depth_frame, "16UC1; compressedDepth png", bytes(12) + content.getvalue())
            say(f"{base}/image_raw/compressedDepth", "sensor_msgs/msg/CompressedImage", message, late)
        else:
            pixels = z.astype(np.float32) if plan.depth == "32FC1" else counts
            say(f"{base}/image_raw", "sensor_msgs/msg/Image", image(late, depth_frame, pixels, plan.depth), late)


def depth_place() -> np.ndarray:
    """Colour from depth: 4 cm to the left and turned a little, wider than a RealSense's so that it shows."""
    place = np.eye(4)
    place[:3, :3] = Rotation.from_euler("y", 2, degrees=True).as_matrix()
    place[:3, 3] = [-0.04, 0.003, 0.001]
    return place


def seen_by_depth(room: Room, aligned: bool) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """z-depth, its intrinsics and its size."""
    if aligned:
        return room.rendered[1], room.cameras.K[0], (room.cameras.width, room.cameras.height)
    from dataclasses import replace

    from lyra_sim.geometry.cameras import CameraPath

    K = np.array([[45.0, 0, 48], [0, 45.0, 30], [0, 0, 1]])
    c2w = room.cameras.c2w @ depth_place()
    path = CameraPath(c2w=c2w, K=np.tile(K, (len(c2w), 1, 1)), width=96, height=60)
    return replace(room, cameras=path).rendered[1], K, (96, 60)
