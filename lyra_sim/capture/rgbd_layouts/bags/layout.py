"""A bag's frames: colour with the depth of its moment and the camera that the transforms put it at."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from lyra_sim.capture.cameras.frame_times import pair_by_time
from lyra_sim.capture.rgbd_layouts.bags.bag import Bag, is_bag, opened_bag
from lyra_sim.capture.rgbd_layouts.bags.images import colour_of, depth_of, folder_subject, size_of, suffix_of
from lyra_sim.capture.rgbd_layouts.bags.registering import registered
from lyra_sim.capture.rgbd_layouts.bags.tf_tree import TfTree
from lyra_sim.capture.rgbd_layouts.bags.topics import Stream, check_recorder, colour_stream, depth_stream
from lyra_sim.capture.rgbd_layouts.folders import Inside
from lyra_sim.capture.rgbd_layouts.recording import Parts
from lyra_sim.capture.rgbd_layouts.unpacked import Cameras, Unpacked, thinned
from lyra_sim.errors import InputError

HOLDS = "a ROS 1 bag (*.bag), or a ROS 2 bag (its folder, *.mcap or *.db3), of colour, depth, camera_info and /tf"
ONE_PLACE_M = 1e-4
"""Cameras nearer than this look from one place [m]. Convention."""

_TF = ("tf2_msgs/msg/TFMessage", "tf/msg/tfMessage")
_ODOMETRY = "nav_msgs/msg/Odometry"
_POSES = ("geometry_msgs/msg/PoseStamped", "geometry_msgs/msg/PoseWithCovarianceStamped")


@dataclass(frozen=True, kw_only=True)
class _Cameras:
    """Where the colour camera stood."""

    c2w: Float64[np.ndarray, "n 4 4"]
    covered: np.ndarray
    said: str


def fits(path: Path) -> bool:
    """Whether a file or folder is a bag."""
    return is_bag(path)


def parts(inside: Inside) -> Parts:
    """What lies in it, unpacked into ``inside.scratch``.

    Raises:
        EnvironmentNotReady: rosbags isn't installed.
        InputError: It is damaged, or lacks colour, depth, lenses or poses.
    """
    with opened_bag(inside.folder) as bag:
        check_recorder(bag)
        colour = colour_stream(bag)
        depth = depth_stream(bag, colour)
        tree, others = _tree(bag)
        times = _times(bag, colour.topic)
        cameras = _cameras(bag, tree, others, colour, times)
        return _unpack(bag, inside, colour, depth, times, cameras, _colour_from_depth(bag, tree, colour, depth))


def _tree(bag: Bag) -> tuple[TfTree, dict[str, list[Any]]]:
    """Transforms, and messages of poses that are no transforms, by topic."""
    tree = TfTree()
    others: dict[str, list[Any]] = {}
    topics = [topic for topic, kind in bag.topics.items() if kind in (*_TF, _ODOMETRY, *_POSES)]
    for topic, message in bag.decoded(topics):
        if not hasattr(message, "transforms"):
            others.setdefault(topic, []).append(message)
            continue
        for one in message.transforms:
            move = one.transform
            _put(tree, one.child_frame_id, one.header, move.translation, move.rotation, fixed="static" in topic)
    return tree, others


def _put(tree: TfTree, child: str, header: Any, position: Any, quat: Any, *, fixed: bool) -> None:
    tree.add(
        child,
        header.frame_id,
        seconds=_seconds(header.stamp),
        position=(position.x, position.y, position.z),
        quat_xyzw=(quat.x, quat.y, quat.z, quat.w),
        fixed=fixed,
    )


def _seconds(stamp: Any) -> float:
    return float(stamp.sec + stamp.nanosec * 1e-9)


def _times(bag: Bag, topic: str) -> Float64[np.ndarray, "n"]:
    """Of every image, by its header [s]."""
    return np.array([bag.stamp(content) for _, _, content in bag.raw([topic])], np.float64)


def _cameras(bag: Bag, tree: TfTree, others: dict[str, list[Any]], colour: Stream, times: Float64[np.ndarray, "n"]) -> _Cameras:
    """By /tf; where that doesn't move, by odometry of a frame that the camera hangs on; else by the one topic of poses.

    Raises:
        InputError: Nothing tells where the camera stood, or not at the images' times.
    """
    frame = colour.lens.frame_id
    said = "/tf"
    if not tree.moves(frame):
        said = _other_poses(tree, others, frame)
    if not tree.moves(frame):
        told = ", ".join(sorted(others)) or "none"
        raise InputError(
            str(bag.path),
            f"no poses: no transform between '{frame}' and a world changes (chain {' → '.join(tree.chain(frame))}; odometry or "
            f"poses: {told})",
            expected="/tf from a SLAM or odometry node, nav_msgs/Odometry, or geometry_msgs/PoseStamped",
            next_step="Record /tf and /tf_static too; or give the colour images as 'photos:', which finds cameras.",
        )
    c2w, covered = tree.world_from(frame, times)
    if not covered.any():
        raise InputError(
            str(bag.path),
            f"poses of other times than the {len(times)} images, {times.min():.3f} to {times.max():.3f} s",
            expected="poses at most 0.1 s apart around each image",
            likely="They are of another clock.",
        )
    return _Cameras(c2w=c2w, covered=covered, said=f"cameras from {said}: {' ← '.join(reversed(tree.chain(frame)))}")


def _other_poses(tree: TfTree, others: dict[str, list[Any]], frame: str) -> str:
    """Put odometry into the tree, else poses of the camera itself; which they were."""
    for topic in sorted(others):
        for message in others[topic]:
            if not hasattr(message, "child_frame_id"):
                break
            child = message.child_frame_id.lstrip("/")
            if child in tree.edges and tree.edges[child].source != topic:
                break  # /tf has it already
            tree.add(
                child,
                message.header.frame_id,
                seconds=_seconds(message.header.stamp),
                position=_xyz(message.pose.pose.position),
                quat_xyzw=_xyzw(message.pose.pose.orientation),
                fixed=False,
                source=topic,
            )
        if tree.moves(frame):
            return topic
    posed = [topic for topic, messages in others.items() if not hasattr(messages[0], "child_frame_id")]
    if len(posed) != 1:
        return ""
    tree.edges.pop(frame, None)
    for message in others[posed[0]]:
        pose = getattr(message.pose, "pose", message.pose)
        tree.add(
            frame,
            message.header.frame_id,
            seconds=_seconds(message.header.stamp),
            position=_xyz(pose.position),
            quat_xyzw=_xyzw(pose.orientation),
            fixed=False,
        )
    return f"{posed[0]}, taken as poses of the colour camera itself"


def _xyz(point: Any) -> tuple[float, float, float]:
    return point.x, point.y, point.z


def _xyzw(quat: Any) -> tuple[float, float, float, float]:
    return quat.x, quat.y, quat.z, quat.w


def _colour_from_depth(bag: Bag, tree: TfTree, colour: Stream, depth: Stream) -> Float64[np.ndarray, "4 4"] | None:
    """Where depth was taken from; None where it is aligned to colour.

    Raises:
        InputError: It has a frame of its own, and nothing tells where.
    """
    ours, theirs = colour.lens, depth.lens
    same = ours.frame_id == theirs.frame_id
    if same and (ours.width, ours.height) == (theirs.width, theirs.height) and np.allclose(ours.K, theirs.K, atol=0.5):
        return None
    if theirs.distortion.any():
        raise InputError(
            folder_subject(bag.path, depth.topic),
            "depth of a distorted camera of its own",
            expected="depth aligned to colour, or rectified",
            next_step="Record the aligned topic (align_depth.enable of realsense2_camera, depth_image_proc/register).",
        )
    found = np.eye(4) if same else tree.fixed_from(ours.frame_id, theirs.frame_id)
    if found is None:
        raise InputError(
            str(bag.path),
            f"depth isn't aligned to colour: it is of '{theirs.frame_id}', colour of '{ours.frame_id}', no transform between",
            expected="/tf_static between the two, or depth aligned to colour",
            next_step="Record /tf_static too, or the aligned topic (align_depth.enable of realsense2_camera).",
        )
    return found


def _unpack(
    bag: Bag,
    inside: Inside,
    colour: Stream,
    depth: Stream,
    times: Float64[np.ndarray, "n"],
    cameras: _Cameras,
    colour_from_depth: Float64[np.ndarray, "4 4"] | None,
) -> Parts:
    depth_times = _times(bag, depth.topic)
    pairs = pair_by_time(times, depth_times)
    usable = [index for index, pair in enumerate(pairs) if pair is not None and cameras.covered[index]]
    usable.sort(key=lambda index: (times[index], index))
    if not usable:
        raise InputError(str(bag.path), f"no depth within 20 ms of one of {len(times)} images", expected="one clock for both")
    kept, said = thinned(len(usable), inside.limits.max_views)
    wanted = {usable[index]: f"{place:06d}" for place, index in enumerate(kept)}
    own = colour.lens
    written = Cameras(width=own.width, height=own.height, distortion=own.distortion)
    out = Unpacked(folder=inside.scratch_folder, cameras=written)
    metres = colour_from_depth is not None
    for index, pixels, z in _moments(bag, inside, colour, depth, wanted, pairs):
        if colour_from_depth is not None:
            z_metres = z.astype(np.float32) / (1000 if z.dtype.kind == "u" else 1)
            z = registered(z_metres, depth.lens.K, colour_from_depth, own.K, (own.height, own.width))
        metres |= z.dtype.kind == "f"
        out.add(wanted[index], colour=pixels, suffix=suffix_of(pixels), depth=z, c2w=cameras.c2w[index], K=own.K)
    said = (f"colour from {colour.topic}, depth from {depth.topic}", *said)
    lonely, unposed = sum(pair is None for pair in pairs), int((~cameras.covered).sum())
    if lonely:
        said += (f"{lonely} images left out: no depth was taken within 20 ms of them",)
    if unposed:
        said += (f"{unposed} images left out: no pose is near enough in time",)
    if colour_from_depth is not None:
        apart = float(np.linalg.norm(colour_from_depth[:3, 3]))
        said += (f"depth was carried over to the colour camera, {1000 * apart:.1f} mm beside it",)
    return replace(
        out.parts("ROS 1 bag" if bag.ros1 else "ROS 2 bag", unit="m" if metres else "mm", cameras_said=cameras.said),
        remarks=said,
    )


def _moments(
    bag: Bag, inside: Inside, colour: Stream, depth: Stream, wanted: dict[int, str], pairs: list[int | None]
) -> Iterator[tuple[int, Any, Any]]:
    """Image, colour and depth of each moment that is wanted, as both have come."""
    most = inside.limits.max_pixels
    places: dict[int, list[int]] = {}
    for index in wanted:
        pair = pairs[index]
        assert pair is not None
        places.setdefault(pair, []).append(index)
    colours: dict[int, Any] = {}
    depths: dict[int, Any] = {}
    at = {colour.topic: -1, depth.topic: -1}
    for topic, kind, content in bag.raw([colour.topic, depth.topic]):
        at[topic] += 1
        number = at[topic]
        if topic == colour.topic and number in wanted:
            pixels = colour_of(bag.decode(kind, content), folder_subject(bag.path, topic), max_pixels=most)
            _check_size(size_of(pixels, folder_subject(bag.path, topic), max_pixels=most), colour, bag)
            colours[number], due = pixels, [number]
        elif topic == depth.topic and number in places:
            z = depth_of(bag.decode(kind, content), folder_subject(bag.path, topic), max_pixels=most)
            _check_size((z.shape[1], z.shape[0]), depth, bag)
            depths[number], due = z, places[number]
        else:
            continue
        for index in due:
            pair = pairs[index]
            if index in colours and pair in depths:
                yield index, colours.pop(index), depths[pair]
                places[pair].remove(index)
                if not places[pair]:
                    del depths[pair]


def _check_size(size: tuple[int, int], stream: Stream, bag: Bag) -> None:
    if size != (stream.lens.width, stream.lens.height):
        raise InputError(
            folder_subject(bag.path, stream.topic),
            f"{size[0]}x{size[1]} pixels",
            expected=f"{stream.lens.width}x{stream.lens.height} as its camera_info says",
        )
