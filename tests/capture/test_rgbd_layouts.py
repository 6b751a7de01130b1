"""A folder is read as the recorder meant it, what is guessed or left out is told, and what isn't understood is refused."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lyra_sim.capture.cameras.frame_times import cameras_at, pair_by_time
from lyra_sim.data.capture import Capture
from lyra_sim.errors import InputError, LyraSimError
from lyra_sim.geometry.cameras import pixel_rays
from lyra_sim.scene.sources import RgbdSource
from lyra_sim.scene.spec import SceneSpec
from lyra_sim.steps.capture import sources
from tests.capture.recorded_layouts import START, STEP, WRITERS, coarse, intrinsics, save_depth, tum, tum_line, walk
from tests.rooms import Room
from tests.scene_parts import captured


@pytest.fixture(scope="module")
def room() -> Room:
    return walk()


@pytest.fixture(scope="module")
def recorded(room: Room, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same walk in every layout, a folder each."""
    base = tmp_path_factory.mktemp("recorded")
    for name, write in WRITERS.items():
        (base / name / "scan").mkdir(parents=True)
        write(base / name / "scan", room)
    return {name: base / name / "scan" for name in WRITERS}


@pytest.fixture
def folder(recorded: dict[str, Path], tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A copy of the layout that the test asks for, to be damaged."""
    return Path(shutil.copytree(recorded[request.param].parent, tmp_path / "copy")) / "scan"


def read(tmp_path: Path, **rgbd) -> Capture:
    return captured(SceneSpec(name="room", rgbd=RgbdSource(**rgbd), scale="metric", up="z"), tmp_path / "out")


def refused(tmp_path: Path, **rgbd) -> str:
    with pytest.raises(InputError) as caught:
        read(tmp_path, **rgbd)
    return str(caught.value)


WORDS = {
    "tum": "TUM RGB-D",
    "scannet": "ScanNet export",
    "replica": "Replica",
    "open3d": "Open3D reconstruction system",
    "polycam": "Polycam raw data",
    "stray": "Stray Scanner",
    "transforms": "transforms.json with depth",
}


UNITS = {
    "tum": "a depth count read as 1/5000 m",
    "scannet": "a depth count read as 1 mm",
    "replica": "a depth count read as 1/6553.5 m, from cam_params.json",
    "open3d": "a depth count read as 1 mm",
    "polycam": "a depth count read as 1 mm",
    "stray": "a depth count read as 1 mm",
    "transforms": "depth read as metres: it has fractions",
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_folder_is_told_by_what_lies_in_it(name: str, recorded: dict[str, Path], room: Room, tmp_path: Path) -> None:
    capture = read(tmp_path, folder=recorded[name])
    first = 1 if name == "stray" else 0
    np.testing.assert_allclose(capture.cameras.c2w, room.cameras.c2w[first:], atol=1e-5)
    np.testing.assert_allclose(capture.cameras.K, room.cameras.K[first:], atol=1e-6)
    assert {f"scan: read as {WORDS[name]}", f"scan: {UNITS[name]}"} <= set(capture.told)
    for index in range(len(capture.views)):
        rgb, z = capture.views.rgb(index), capture.views.z_depth(index)
        assert np.abs(rgb.astype(int) - room.rendered[0][first + index]).mean() < 8
        truth = room.rendered[1][first + index]
        near = np.abs(z - truth) < 0.02 * truth
        assert near[np.isfinite(z)].mean() > (0.8 if name in ("scannet", "polycam", "stray") else 0.999)
        assert np.isfinite(z).mean() > (0.49 if name == "polycam" else 0.97)
    assert Capture.load(tmp_path / "out").told == capture.told
    assert not (tmp_path / "out" / "video_frames").exists()


@pytest.mark.parametrize("folder", ["polycam"], indirect=True)
def test_depth_of_low_confidence_is_dropped_and_told(folder: Path, tmp_path: Path) -> None:
    capture = read(tmp_path, folder=folder)
    z = capture.views.z_depth(0)
    assert np.isnan(z[:, :40]).all() and np.isfinite(z[:, 40:]).all()
    assert "scan: 50.0% of the depth was dropped for its low confidence" in capture.told
    assert any("40x30 pixels was taken to the colour's 80x60" in line for line in capture.told)


@pytest.mark.parametrize("folder", ["tum"], indirect=True)
def test_colour_and_depth_pair_by_time_and_the_camera_stands_between_its_neighbours(
    folder: Path, room: Room, tmp_path: Path
) -> None:
    """Poses 12 ms before and after every image; one image has no depth within 20 ms."""
    lines = []
    for index, c2w in enumerate(room.cameras.c2w):
        before, after = c2w.copy(), c2w.copy()
        before[0, 3] -= 0.03
        after[0, 3] += 0.03
        lines += [tum_line(START + index * STEP + late, pose) for late, pose in ((-0.012, before), (0.012, after))]
    (folder / "groundtruth.txt").write_text("\n".join(lines))
    sorted((folder / "depth").iterdir())[2].unlink()
    capture = read(tmp_path, folder=folder)
    np.testing.assert_allclose(capture.cameras.c2w, np.delete(room.cameras.c2w, 2, axis=0), atol=1e-5)
    assert "scan: 1 images left out: no depth was taken within 20 ms of them" in capture.told


@pytest.mark.parametrize("folder", ["tum"], indirect=True)
def test_frames_between_key_frames_are_left_out_and_counted(folder: Path, room: Room, tmp_path: Path) -> None:
    (folder / "groundtruth.txt").unlink()
    lines = [tum_line(START + index * STEP, room.cameras.c2w[index]) for index in (0, 2, 4)]
    (folder / "KeyFrameTrajectory.txt").write_text("\n".join(lines))
    for rgbd in (
        {"folder": folder},
        {
            "frames": folder / "rgb",
            "depth": folder / "depth",
            "depth_unit": 0.0002,
            "cameras": folder / "KeyFrameTrajectory.txt",
            "intrinsics": folder / "intrinsics.json",
        },
    ):
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        capture = read(tmp_path, **rgbd)
        np.testing.assert_allclose(capture.cameras.c2w, room.cameras.c2w[[0, 2, 4]], atol=1e-5)
        assert any("3 frames left out: KeyFrameTrajectory.txt has no camera" in line for line in capture.told)


@pytest.mark.parametrize("folder", ["scannet"], indirect=True)
def test_lost_tracking_is_a_frame_without_a_camera(folder: Path, room: Room, tmp_path: Path) -> None:
    """Frames are numbered 7 to 12: as numbers, not as words, 9 comes before 10."""
    np.savetxt(folder / "pose" / "8.txt", np.full((4, 4), -np.inf))
    capture = read(tmp_path, folder=folder)
    assert capture.views.names == ("7", "9", "10", "11", "12")
    assert "scan: 1 frames left out: pose has no camera for them" in capture.told
    for file in (folder / "pose").iterdir():
        np.savetxt(file, np.full((4, 4), np.nan))
    shutil.rmtree(tmp_path / "out")
    assert "no finite camera in 6 files" in refused(tmp_path, folder=folder)


@pytest.mark.parametrize("kind", [".npy", ".tiff"])
def test_floats_are_metres_and_a_stated_unit_counts(kind: str, room: Room, tmp_path: Path) -> None:
    (tmp_path / "scan").mkdir()
    WRITERS["transforms"](tmp_path / "scan", room)
    for index, z in enumerate(room.rendered[1]):
        (tmp_path / "scan" / "depth" / f"d{index:03d}.npy").unlink()
        holes = z.copy()
        holes[:5] = [[np.nan], [np.inf], [-1.0], [0.0], [99.0]]
        for unit, factor in (("m", 1), ("cm", 100)):
            path = tmp_path / unit / f"{index:03d}{kind}"
            path.parent.mkdir(exist_ok=True)
            values = holes * np.float32(factor)
            np.save(path, values) if kind == ".npy" else Image.fromarray(values).save(path)
    for unit, rgbd in (("m", {}), ("cm", {"depth_unit": "cm"})):
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        scan = tmp_path / "scan"
        capture = read(tmp_path, frames=scan / "images", depth=tmp_path / unit, cameras=scan / "transforms.json", **rgbd)
        z = capture.views.z_depth(0)
        assert np.isnan(z[:5]).all()
        np.testing.assert_allclose(z[5:], room.rendered[1][0][5:], atol=1e-4)


@pytest.mark.parametrize("folder", ["transforms"], indirect=True)
def test_floats_along_the_ray_are_brought_to_the_axis(folder: Path, room: Room, tmp_path: Path) -> None:
    """Up to the farthest depth that counts: along the ray that is farther."""
    rays = np.linalg.norm(pixel_rays(room.cameras.K[0], 80, 60).astype(np.float64), axis=-1)
    for index, z in enumerate(room.rendered[1]):
        z = z.copy()
        z[:3] = 7.99
        np.save(folder / "depth" / f"d{index:03d}.npy", (z * rays).astype(np.float32))
    capture = read(tmp_path, folder=folder, depth_kind="ray")
    z = capture.views.z_depth(0)
    np.testing.assert_allclose(z[:3], 7.99, atol=2e-4)
    np.testing.assert_allclose(z[3:], room.rendered[1][0][3:], atol=2e-4)


@pytest.mark.parametrize("folder", ["replica"], indirect=True)
def test_one_folder_of_both_and_16_numbers_a_line_may_be_named_too(folder: Path, room: Room, tmp_path: Path) -> None:
    results = folder / "results"
    for path in results.glob("*.jpg"):  # both of one suffix: only names tell them apart
        Image.open(path).save(path.with_suffix(".png"))
        path.unlink()
    lens = folder / "intrinsics.json"
    lens.write_text(json.dumps(intrinsics(room)))
    capture = read(tmp_path, frames=results, depth=results, depth_unit=1 / 6553.5, cameras=folder / "traj.txt", intrinsics=lens)
    np.testing.assert_allclose(capture.cameras.c2w, room.cameras.c2w, atol=1e-6)


def test_the_shared_camera_of_replica_is_an_input_of_the_step(recorded: dict[str, Path]) -> None:
    folder = recorded["replica"]
    assert sources(RgbdSource(folder=folder)) == (folder, folder.parent / "cam_params.json")
    assert sources(RgbdSource(folder=recorded["tum"])) == (recorded["tum"],)


def test_pairs_are_made_nearest_first_and_each_depth_once() -> None:
    colour, depth = np.array([0.0, 0.03, 0.06]), np.array([0.015, 0.031, 0.2])
    assert pair_by_time(colour, depth) == [0, 1, None]


def test_a_camera_far_from_both_neighbours_is_none() -> None:
    moments, c2w = np.array([1.0, 2.0]), np.tile(np.eye(4), (2, 1, 1))
    c2w[1, 0, 3] = 1.0
    kept, cameras = cameras_at(np.array([0.9, 1.01, 1.5, 1.985]), moments, c2w)
    assert kept == [1, 3]
    np.testing.assert_array_equal(cameras[:, 0, 3], [0, 1])


def test_what_is_no_layout_is_refused_by_what_was_found(recorded: dict[str, Path], tmp_path: Path) -> None:
    strange = tmp_path / "strange"
    (strange / "pictures").mkdir(parents=True)
    said = refused(tmp_path, folder=strange)
    assert "it holds pictures/" in said and all(name in said for name in WRITERS)
    assert "Its subfolder 'scan' is laid out as tum" in refused(tmp_path, folder=recorded["tum"].parent)
    assert "laid out as tum" in refused(tmp_path, folder=recorded["tum"], layout="scannet")
    assert "missing" in refused(tmp_path, folder=tmp_path / "nowhere")
    for name, words in (("a_Color_1.png", "rs-convert"), ("walk.bag", "Give the bag itself"), ("scene.sens", "SensReader")):
        unread = tmp_path / name.replace(".", "_")
        unread.mkdir()
        (unread / name).touch()
        assert words in refused(tmp_path, folder=unread)


@pytest.mark.parametrize("folder", ["tum"], indirect=True)
def test_what_is_stated_counts_before_the_layout(folder: Path, room: Room, tmp_path: Path) -> None:
    """Depth in millimetres, and other cameras than the folder's; nothing is told of guesses that weren't made."""
    for path, z in zip(sorted((folder / "depth").iterdir()), room.rendered[1], strict=True):
        save_depth(path, z)
    own = folder.parent / "mine.txt"
    (folder / "groundtruth.txt").rename(own)
    lines = [tum_line(START + index * STEP, np.eye(4)) for index in range(6)]
    (folder / "groundtruth.txt").write_text("\n".join(lines))
    capture = read(tmp_path, folder=folder, cameras=own, depth_unit="mm")
    np.testing.assert_allclose(capture.cameras.c2w, room.cameras.c2w, atol=1e-5)
    np.testing.assert_allclose(capture.views.z_depth(0), room.rendered[1][0], atol=0.00051)
    assert capture.told == ("scan: read as TUM RGB-D", "scan: cameras from mine.txt", "scan: intrinsics from intrinsics.json")


@pytest.mark.parametrize("folder", ["polycam"], indirect=True)
def test_stated_intrinsics_that_nothing_needs_are_told(folder: Path, room: Room, tmp_path: Path) -> None:
    (folder / "lens.json").write_text(json.dumps(intrinsics(room)))
    capture = read(tmp_path, folder=folder, intrinsics=folder / "lens.json")
    assert "scan: rgbd.intrinsics isn't used: cameras has its own" in capture.told


@pytest.mark.parametrize("folder", ["tum"], indirect=True)
def test_a_folder_that_fits_two_layouts_is_refused_by_both_names(folder: Path, tmp_path: Path) -> None:
    (folder / "trajectory.log").write_text("")
    assert "tum or open3d" in refused(tmp_path, folder=folder)


@pytest.mark.parametrize("folder", ["tum"], indirect=True)
def test_unknown_intrinsics_are_asked_for(folder: Path, tmp_path: Path) -> None:
    (folder / "intrinsics.json").rename(tmp_path / "lens.json")
    assert "Set rgbd.intrinsics" in refused(tmp_path, folder=folder)
    assert len(read(tmp_path, folder=folder, intrinsics=tmp_path / "lens.json").views) == 6


def damage_depth(folder: Path, content: bytes) -> None:
    (folder / "depth" / "d003.npy").write_bytes(content)


def lying_header(shape: str) -> bytes:
    head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head


@pytest.mark.parametrize("folder", ["transforms"], indirect=True)
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not a readable array"),
        (lying_header("(60, 80)") + b"\0" * 100, "not a readable array"),
        (lying_header("(1000000, 1000000)"), "not a readable array"),
        (lying_header("(60, 80, 3)") + b"\0" * 57600, "float32 of shape (60, 80, 3)"),
        (lying_header("(60, 90)") + b"\0" * 21600, "another shape of view"),
    ],
)
def test_broken_arrays_are_refused(folder: Path, content: bytes, said: str, tmp_path: Path) -> None:
    damage_depth(folder, content)
    message = refused(tmp_path, folder=folder)
    assert said in message and "d003.npy" in message


@pytest.mark.parametrize("folder", ["transforms"], indirect=True)
def test_a_pickle_under_an_arrays_name_is_never_loaded(folder: Path, tmp_path: Path) -> None:
    np.save(folder / "depth" / "d003.npy", np.array([[{"a": 1}]], object), allow_pickle=True)
    assert "never loaded" in refused(tmp_path, folder=folder)


@pytest.mark.parametrize("folder", ["transforms"], indirect=True)
def test_counts_among_fractions_are_refused(folder: Path, room: Room, tmp_path: Path) -> None:
    np.save(folder / "depth" / "d003.npy", (room.rendered[1][3] * 1000).astype(np.uint16))
    assert "whole numbers in it" in refused(tmp_path, folder=folder)


@pytest.mark.parametrize("folder", ["transforms"], indirect=True)
@pytest.mark.parametrize("key", ["file_path", "depth_file_path"])
@pytest.mark.parametrize("path", ["../private.npy", "../../private.npy", "/etc/hostname"])
def test_paths_that_lead_out_of_the_folder_are_refused(folder: Path, key: str, path: str, tmp_path: Path) -> None:
    (folder.parent / "private.npy").touch()
    facts = json.loads((folder / "transforms.json").read_text())
    facts["frames"][2][key] = path
    (folder / "transforms.json").write_text(json.dumps(facts))
    assert "out" in refused(tmp_path, folder=folder)


@pytest.mark.parametrize("folder", ["replica"], indirect=True)
@pytest.mark.parametrize(
    ("line", "said"),
    [("1 0 0 0 0 1", "6 numbers for camera 3"), ("nan " * 16, "NaN or infinite"), ("x " * 16, "not a trajectory")],
)
def test_broken_trajectories_are_refused(folder: Path, line: str, said: str, tmp_path: Path) -> None:
    lines = (folder / "traj.txt").read_text().splitlines()
    lines[3] = line
    (folder / "traj.txt").write_text("\n".join(lines))
    message = refused(tmp_path, folder=folder)
    assert said in message and "traj.txt" in message


@pytest.mark.parametrize("folder", ["replica"], indirect=True)
def test_a_trajectory_larger_than_any_is_not_parsed(folder: Path, tmp_path: Path) -> None:
    with (folder / "traj.txt").open("r+b") as stream:
        stream.truncate(300_000_000)  # a hole: takes no disk
    assert "300 MB" in refused(tmp_path, folder=folder)


@pytest.mark.parametrize("folder", ["scannet"], indirect=True)
def test_a_truncated_pose_file_is_named(folder: Path, tmp_path: Path) -> None:
    np.savetxt(folder / "pose" / "9.txt", np.eye(4)[:2])
    message = refused(tmp_path, folder=folder)
    assert "numbers of shape (2, 4)" in message and "9.txt" in message


@pytest.mark.parametrize("folder", ["polycam"], indirect=True)
def test_a_camera_without_a_number_is_named(folder: Path, tmp_path: Path) -> None:
    camera = sorted((folder / "keyframes" / "cameras").iterdir())[2]
    facts = json.loads(camera.read_text())
    del facts["t_23"]
    camera.write_text(json.dumps(facts))
    message = refused(tmp_path, folder=folder)
    assert "t_23" in message and camera.name in message


@pytest.mark.parametrize("folder", ["stray"], indirect=True)
def test_a_truncated_video_is_refused_and_a_short_one_told(folder: Path, room: Room, tmp_path: Path) -> None:
    save_depth(folder / "depth" / "000099.png", coarse(room.rendered[1][0]))
    told = read(tmp_path, folder=folder).told
    assert "scan: 1 depth images lie beyond the end of rgb.mp4, and were left out" in told
    video = folder / "rgb.mp4"
    video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    shutil.rmtree(tmp_path / "out")
    assert "rgb.mp4" in refused(tmp_path, folder=folder)


@pytest.mark.parametrize("folder", ["tum"], indirect=True)
def test_depth_that_is_not_read_is_named(folder: Path, room: Room, tmp_path: Path) -> None:
    for index, path in enumerate(sorted((folder / "depth").iterdir())):
        path.rename(path.with_suffix(".pfm"))
        if index == 0:
            save_depth(folder / "both" / f"{path.stem}.png", room.rendered[1][0])
            np.save(folder / "both" / f"{START + STEP:.6f}.npy", room.rendered[1][1])
    assert "depth in .pfm files, which aren't read" in refused(tmp_path, folder=folder)
    named = {"frames": folder / "rgb", "cameras": folder / "groundtruth.txt", "intrinsics": folder / "intrinsics.json"}
    assert "several formats: 1 .npy, 1 .png" in refused(tmp_path, depth=folder / "both", **named)


def test_depth_of_another_shape_of_view_is_refused(room: Room, tmp_path: Path) -> None:
    tum(tmp_path / "scan", room)
    for path, z in zip(sorted((tmp_path / "scan" / "depth").iterdir()), room.rendered[1], strict=True):
        save_depth(path, coarse(z)[4:-4], 1 / 5000)
    assert "another shape of view" in refused(tmp_path, folder=tmp_path / "scan")


@pytest.mark.parametrize(
    ("rgbd", "said"),
    [
        ({"frames": "rgb", "depth": "d"}, "cameras not given"),
        ({"frames": "rgb", "folder": "d"}, "both given"),
        ({"frames": "rgb", "depth": "d", "cameras": "c", "layout": "tum"}, "a folder beside layout"),
    ],
)
def test_a_source_names_a_folder_or_its_parts(rgbd: dict[str, str], said: str) -> None:
    with pytest.raises((LyraSimError, ValueError), match=said):
        RgbdSource(**rgbd)


@pytest.mark.parametrize("folder", ["stray"], indirect=True)
def test_a_phone_that_focuses_has_a_lens_of_its_own_for_each_frame(folder: Path, room: Room, tmp_path: Path) -> None:
    """Columns and empty cells as the app's newer versions write them; a stated file counts before them."""
    lines = (folder / "odometry.csv").read_text().splitlines()
    focal = [60.0 + 0.1 * index for index in range(len(lines) - 1)]
    head = "timestamp, frame, x, y, z, qx, qy, qz, qw, fx, fy, cx, cy, distortion_center_x, distortion_center_y"
    rows = [f"{line}, {fx}, {fx}, 40.25, 30.5, , " for line, fx in zip(lines[1:], focal, strict=True)]
    (folder / "odometry.csv").write_text("\n".join([head, *rows]) + "\n")
    K = read(tmp_path, folder=folder).cameras.K
    np.testing.assert_allclose(K[:, 0, 0], focal[1:])
    np.testing.assert_allclose(K[:, :2, 2], np.tile([40.25, 30.5], (len(K), 1)))
    shutil.rmtree(tmp_path / "out")
    (tmp_path / "lens.json").write_text(json.dumps(intrinsics(room)))
    stated = read(tmp_path, folder=folder, intrinsics=tmp_path / "lens.json").cameras.K
    assert (stated[:, 0, 0] == 60.0).all()
    shutil.rmtree(tmp_path / "out")
    (folder / "odometry.csv").write_text("\n".join([head, rows[0].replace("60.0", " "), *rows[1:]]) + "\n")
    assert (read(tmp_path, folder=folder).cameras.K[:, 0, 0] == 60.0).all(), "a matrix for all where a row has none"
