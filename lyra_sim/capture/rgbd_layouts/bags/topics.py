"""Which topics of a bag hold colour, depth and what the lenses are."""

from dataclasses import dataclass
from typing import Any

from lyra_sim.capture.rgbd_layouts.bags.bag import Bag
from lyra_sim.capture.rgbd_layouts.bags.images import COLOURS, DEPTHS, folder_subject, is_compressed
from lyra_sim.capture.rgbd_layouts.bags.lens import BagLens, lens_of_info
from lyra_sim.errors import InputError

IMAGES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
INFO = "sensor_msgs/msg/CameraInfo"
LISTED = 12
"""Topics that a message names. Convention."""
SDK_PREFIX = "/device_0/"
"""Of every topic that the RealSense SDK records. Convention."""


@dataclass(frozen=True, kw_only=True)
class Stream:
    """One camera's images."""

    topic: str
    compressed: bool
    lens: BagLens
    remarks: tuple[str, ...] = ()


def check_recorder(bag: Bag) -> None:
    """Refuse what the RealSense SDK records: no poses, and depth of a camera of its own.

    Raises:
        InputError: It is such a recording.
    """
    if any(topic.startswith(SDK_PREFIX) for topic in bag.topics):
        raise InputError(
            str(bag.path),
            "a RealSense SDK recording (rs-record, the Viewer): it has no poses, and its depth isn't aligned to colour",
            expected="a bag of the ROS driver with poses",
            next_step="rs-convert -i FILE.bag -p frames/ writes its pictures: give the colour ones as 'photos:', which finds "
            "cameras. Or run realsense2_camera with rosbag_filename and align_depth beside a SLAM node, and record that.",
        )


def colour_stream(bag: Bag) -> Stream:
    """Colour of the one camera that has it.

    Raises:
        InputError: There is none, or several.
    """
    found = [topic for topic, first in _images(bag).items() if _is_colour(topic, first)]
    named = [topic for topic in found if any(word in topic.lower() for word in ("color", "colour", "rgb"))] or found
    return _stream(bag, _one(bag, named, "colour", prefer=()))


def depth_stream(bag: Bag, colour: Stream) -> Stream:
    """Depth that belongs to the colour, aligned to it where the bag has both.

    Raises:
        InputError: There is none, or several that nothing tells apart.
    """
    images = _images(bag)
    found = [topic for topic, first in images.items() if _is_depth(topic, first)]
    frame = {topic: images[topic].header.frame_id.lstrip("/") for topic in found}
    aligned = [topic for topic in found if frame[topic] == colour.lens.frame_id]
    return _stream(bag, _one(bag, aligned or found, "depth", prefer=("aligned", "registered", "to_rgb", "rect")))


def _images(bag: Bag) -> dict[str, Any]:
    """First message of every topic with images."""
    kinds = {topic: kind for topic, kind in bag.topics.items() if kind in IMAGES}
    first: dict[str, Any] = {}
    for topic, kind, content in bag.raw(sorted(kinds)):
        if topic not in first:
            first[topic] = bag.decode(kind, content)
        if len(first) == len(kinds):
            break
    return dict(sorted(first.items()))


def _is_depth(topic: str, first: Any) -> bool:
    if hasattr(first, "encoding"):
        return first.encoding in DEPTHS and (first.encoding != "mono16" or "depth" in topic.lower())
    return "compressedDepth" in first.format


def _is_colour(topic: str, first: Any) -> bool:
    if hasattr(first, "encoding"):
        return first.encoding in COLOURS or first.encoding.startswith(("bayer", "yuv"))
    return "compressedDepth" not in first.format and not first.format.startswith(("16UC1", "32FC1", "mono"))


def _one(bag: Bag, topics: list[str], what: str, *, prefer: tuple[str, ...]) -> str:
    """Of several, the raw one before its compressed copy, and the one with a word that says it belongs to colour."""
    bases: dict[str, str] = {}
    for topic in sorted(topics, key=lambda name: (is_compressed(bag.topics[name]), name)):
        bases.setdefault(_base(topic), topic)
    left = list(bases.values())
    for word in prefer:
        if len(left) > 1 and any(word in topic for topic in left):
            left = [topic for topic in left if word in topic]
    if len(left) == 1:
        return left[0]
    listed = ", ".join(f"{topic} ({kind})" for topic, kind in sorted(bag.topics.items())[:LISTED])
    if not left:
        raise InputError(
            str(bag.path), f"no {what} among its topics: {listed}", expected="colour and depth images, camera_info and /tf"
        )
    raise InputError(
        str(bag.path),
        f"{len(left)} topics of {what}: {', '.join(sorted(left)[:LISTED])}",
        expected="one camera",
        next_step="Keep one: ros2 bag convert, or rosbag filter FILE.bag OUT.bag \"topic in ('/camera/…', '/tf')\".",
    )


def _base(topic: str) -> str:
    """A topic without what image_transport puts behind it."""
    for ending in ("/compressedDepth", "/compressed"):
        if topic.endswith(ending):
            return topic[: -len(ending)]
    return topic


def _stream(bag: Bag, topic: str) -> Stream:
    """With the lens that the camera_info beside it tells, the same in every message."""
    base = _base(topic)
    info = base.rsplit("/", 1)[0] + "/camera_info"
    subject = folder_subject(bag.path, info)
    if bag.topics.get(info) != INFO:
        raise InputError(
            str(bag.path), f"no {info} for {topic}", expected="the camera_info of each camera", next_step="Record it too."
        )
    rectified = "rect" in base.rsplit("/", 1)[1]
    first = None
    for _, message in bag.decoded([info]):
        lens = lens_of_info(message, subject, rectified=rectified)
        if first is None:
            first = lens
        elif (lens.K != first.K).any() or (lens.width, lens.height) != (first.width, first.height):
            raise InputError(
                subject, "intrinsics that change on the way", expected="one lens", next_step="Lock the focus; cut the bag."
            )
    assert first is not None
    return Stream(topic=topic, compressed=is_compressed(bag.topics[topic]), lens=first)
