"""Bags that rosbags' own writers made are read as ROS means them; what lacks something or is damaged is refused by name."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from lyra_sim.capture.rgbd_layouts.bags import bag
from lyra_sim.data.capture import Capture
from lyra_sim.errors import EnvironmentNotReady, InputError
from lyra_sim.scene.sources import RgbdSource
from lyra_sim.scene.spec import CaptureConfig, SceneSpec
from tests.capture.bag_writer import BagPlan, write_ros1, write_ros2
from tests.capture.recorded_layouts import walk
from tests.rooms import Room
from tests.scene_parts import captured

needs_rosbags = pytest.mark.skipif(
    importlib.util.find_spec("rosbags") is None, reason="rosbags (the extra rosbag) isn't installed"
)


@pytest.fixture(scope="module")
def room() -> Room:
    return walk()


def read(path: Path, tmp_path: Path, **limits) -> Capture:
    scene = SceneSpec(name="room", rgbd=RgbdSource(folder=path), scale="metric", up="z", capture=CaptureConfig(**limits))
    return captured(scene, tmp_path / "out")


def refused(path: Path, tmp_path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read(path, tmp_path)
    assert path.name in str(caught.value)
    return str(caught.value)


def agrees(capture: Capture, room: Room, *, near: float = 0.999, known: float = 0.97) -> None:
    np.testing.assert_allclose(capture.cameras.c2w, room.cameras.c2w, atol=1e-5)
    np.testing.assert_allclose(capture.cameras.K, room.cameras.K, atol=1e-6)
    for index, truth in enumerate(room.rendered[1]):
        z = capture.views.z_depth(index)
        assert np.abs(capture.views.rgb(index).astype(int) - room.rendered[0][index]).mean() < 3
        assert np.isfinite(z).mean() > known
        assert (np.abs(z - truth) < 0.02 * truth)[np.isfinite(z)].mean() > near


@needs_rosbags
@pytest.mark.parametrize("compression", [None, "LZ4", "BZ2"])
def test_a_ros_1_bag_is_read(compression: str | None, room: Room, tmp_path: Path) -> None:
    capture = read(write_ros1(tmp_path / "walk.bag", room, BagPlan(), compression=compression), tmp_path)
    agrees(capture, room)
    assert {
        "walk.bag: read as ROS 1 bag",
        "walk.bag: cameras from /tf: odom ← base_link ← camera_color_optical_frame",
        "walk.bag: a depth count read as 1 mm",
        "walk.bag: colour from /camera/color/image_raw, depth from /camera/aligned_depth_to_color/image_raw",
    } <= set(capture.told)


@needs_rosbags
@pytest.mark.parametrize("storage", ["SQLITE3", "MCAP"])
def test_a_ros_2_bag_is_read_as_folder_and_as_file(storage: str, room: Room, tmp_path: Path) -> None:
    folder = write_ros2(tmp_path / "walk", room, BagPlan(), storage=storage)
    agrees(read(folder, tmp_path), room)
    if storage == "MCAP":
        (file,) = folder.glob("*.mcap")
        agrees(read(file, tmp_path / "file"), room)


@needs_rosbags
@pytest.mark.parametrize(
    "plan",
    [
        BagPlan(encoding="bgr8", depth="32FC1", pad=8),
        BagPlan(encoding="jpeg", depth="png"),
        BagPlan(poses="odometry"),
        BagPlan(poses="camera poses", static=False),
        BagPlan(between=True, late=0.011),
        BagPlan(distortion=(0.0, 0.0, 0.0, 0.0, 0.001)),
    ],
    ids=["bgr and metres", "compressed", "odometry", "poses of the camera", "between two transforms", "k3 of nothing"],
)
def test_other_encodings_poses_and_times(plan: BagPlan, room: Room, tmp_path: Path) -> None:
    capture = read(write_ros2(tmp_path / "walk", room, plan), tmp_path)
    agrees(capture, room)
    if plan.poses == "camera poses":
        assert any("/slam/pose, taken as poses of the colour camera itself" in line for line in capture.told)
    if plan.poses == "odometry":
        assert any("cameras from /odom: odom ← base_link" in line for line in capture.told)


@needs_rosbags
def test_depth_of_a_camera_beside_colour_is_carried_over(room: Room, tmp_path: Path) -> None:
    """4 cm beside and turned by 2 degrees. Taken as aligned a fifth of it would be wrong, carried the wrong way half."""
    capture = read(write_ros1(tmp_path / "walk.bag", room, BagPlan(aligned=False)), tmp_path)
    agrees(capture, room, near=0.92, known=0.9)
    assert any("carried over to the colour camera, 40.1 mm beside it" in line for line in capture.told)
    said = refused(write_ros1(tmp_path / "b.bag", room, BagPlan(aligned=False, static=False, poses="camera poses")), tmp_path)
    assert "depth isn't aligned to colour" in said and "/tf_static" in said


@needs_rosbags
def test_more_frames_than_are_wanted_are_thinned_and_told(room: Room, tmp_path: Path) -> None:
    capture = read(write_ros1(tmp_path / "walk.bag", room, BagPlan()), tmp_path, max_views=3)
    np.testing.assert_allclose(capture.cameras.c2w, room.cameras.c2w[::2], atol=1e-5)
    assert "walk.bag: 3 of 6 frames are read, one of 2: capture.max_views is 3" in capture.told


def string(types):
    return types["std_msgs/msg/String"]("hello")


@needs_rosbags
def test_what_a_bag_lacks_is_named(room: Room, tmp_path: Path) -> None:
    assert "no poses" in refused(write_ros1(tmp_path / "a.bag", room, BagPlan(poses="none")), tmp_path)
    sdk = BagPlan(extra=[("/device_0/info", "std_msgs/msg/String", string)])
    assert "RealSense SDK recording" in (said := refused(write_ros1(tmp_path / "b.bag", room, sdk), tmp_path))
    assert "rs-convert" in said
    wide = BagPlan(distortion=(-0.3, 0.1, 0.0, 0.0, -0.2))
    assert "plumb_bob" in refused(write_ros1(tmp_path / "c.bag", room, wide), tmp_path)
    bayer = BagPlan(encoding="bayer_rggb8")
    assert "encoding bayer_rggb8" in refused(write_ros1(tmp_path / "d.bag", room, bayer), tmp_path)


@needs_rosbags
@pytest.mark.parametrize("kind", ["cut", "zeros", "header"])
def test_damaged_bags_are_refused(kind: str, room: Room, tmp_path: Path) -> None:
    file = write_ros1(tmp_path / "walk.bag", room, BagPlan(), compression="LZ4")
    content = bytearray(file.read_bytes())
    if kind == "cut":
        content = content[: len(content) // 2]
    elif kind == "zeros":
        content[9000:12000] = bytes(3000)
    else:
        content = content[:13]
    file.write_bytes(content)
    assert "not a readable bag" in refused(file, tmp_path)


@needs_rosbags
def test_random_damage_never_raises_anything_else(room: Room, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    files = [
        write_ros1(tmp_path / "walk.bag", room, BagPlan()),
        next(write_ros2(tmp_path / "walk", room, BagPlan(), storage="MCAP").glob("*.mcap")),
    ]
    for file in files:
        whole = np.frombuffer(file.read_bytes(), np.uint8)
        for number in range(25):
            broken = whole.copy()
            places = rng.integers(0, len(whole), 20) if number % 2 else rng.integers(max(0, len(whole) - 3000), len(whole), 5)
            broken[places] = rng.integers(0, 256, len(places))
            (tmp_path / file.name).write_bytes(broken.tobytes())
            try:
                read(tmp_path / file.name, tmp_path / str(number) / file.suffix)
            except InputError as error:
                assert file.name in str(error) or "video_frames" in str(error)


@needs_rosbags
def test_a_chunk_that_unpacks_to_too_much_is_refused(room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_ros1(tmp_path / "walk.bag", room, BagPlan(), compression="BZ2")
    monkeypatch.setattr(bag, "LARGEST_CHUNK", 10_000)
    assert "unpacks to more than 10000" in refused(file, tmp_path)


@needs_rosbags
def test_chunks_of_mcap_are_read_and_bounded(room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_ros2(tmp_path / "walk", room, BagPlan(), storage="MCAP", compressed="STORAGE")
    agrees(read(folder, tmp_path), room)
    monkeypatch.setattr(bag, "LARGEST_CHUNK", 10_000)
    assert "unpacks to more than 10000" in refused(folder, tmp_path / "bounded")


@needs_rosbags
@pytest.mark.parametrize("mode", ["FILE", "MESSAGE"])
def test_what_is_compressed_one_by_one_is_named_with_the_command(mode: str, room: Room, tmp_path: Path) -> None:
    """Nothing bounds what such a file or message unpacks to."""
    folder = write_ros2(tmp_path / "walk", room, BagPlan(), compressed=mode)
    assert "ros2 bag convert" in refused(folder, tmp_path)


def test_without_rosbags_the_way_out_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "walk.bag").write_bytes(b"#ROSBAG V2.0\n" + bytes(100))
    monkeypatch.setattr(bag.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EnvironmentNotReady, match=r"walk\.bag[\s\S]*lyra-sim\[rosbag\]"):
        read(tmp_path / "walk.bag", tmp_path)
