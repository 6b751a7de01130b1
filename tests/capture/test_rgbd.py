"""Every importer reads the same analytic path; every wrong reading is named."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lyra_sim.conventions import K_to_integer_centres
from lyra_sim.data.capture import Capture
from lyra_sim.errors import FrameError, InputError
from lyra_sim.scene.sources import RgbdSource
from lyra_sim.scene.spec import CaptureConfig, SceneSpec
from tests.rooms import Room
from tests.scene_parts import captured


def spec(folder: Path, *, cameras: str = "transforms.json", capture: CaptureConfig | None = None, **source) -> SceneSpec:
    rgbd = RgbdSource(frames=folder / "rgb", depth=folder / "depth_mm", cameras=folder / cameras, **source)
    return SceneSpec(name="room", rgbd=rgbd, scale="metric", up="z", capture=capture or CaptureConfig())


@pytest.fixture
def folder(tiny_room_files: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_room_files, tmp_path / "room"))


def write_open3d_log(folder: Path, room: Room) -> None:
    lines = []
    for number, matrix in enumerate(room.cameras.c2w):
        lines.append(f"{number} {number} {number + 1}")
        lines += [" ".join(f"{x:.8f}" for x in row) for row in matrix]
    (folder / "trajectory.log").write_text("\n".join(lines) + "\n")
    K = K_to_integer_centres(room.cameras.K[0])
    lens = {
        "width": room.cameras.width,
        "height": room.cameras.height,
        "fx": K[0, 0],
        "fy": K[1, 1],
        "cx": K[0, 2],
        "cy": K[1, 2],
    }
    (folder / "intrinsics.json").write_text(json.dumps(lens))


def write_lyra_npz(folder: Path, room: Room) -> None:
    path = room.cameras
    np.savez(
        folder / "trajectory.npz",
        w2c=path.w2c.astype(np.float32),
        intrinsics=path.K.astype(np.float32),
        image_height=path.height,
        image_width=path.width,
    )


def test_all_formats_give_the_same_cameras(folder: Path, tiny_room: Room, tmp_path: Path) -> None:
    write_open3d_log(folder, tiny_room)
    write_lyra_npz(folder, tiny_room)
    specs = {
        "transforms": spec(folder),
        "open3d": spec(folder, cameras="trajectory.log", intrinsics=folder / "intrinsics.json"),
        "lyra": spec(folder, cameras="trajectory.npz"),
    }
    for name, cfg in specs.items():
        capture = captured(cfg, tmp_path / name)
        np.testing.assert_allclose(capture.cameras.c2w, tiny_room.cameras.c2w, atol=2e-6, err_msg=name)
        np.testing.assert_allclose(capture.cameras.K, tiny_room.cameras.K, atol=1e-5, err_msg=name)


def test_depth_and_colour_are_kept_exactly(folder: Path, tiny_room: Room, tmp_path: Path) -> None:
    capture = captured(spec(folder), tmp_path / "out")
    images, depths = tiny_room.rendered
    np.testing.assert_array_equal(capture.views.rgb(3), images[3])
    np.testing.assert_allclose(capture.views.z_depth(3), depths[3], atol=0.00051)
    assert capture.views.valid(0).all()


def test_save_and_load(folder: Path, tmp_path: Path) -> None:
    capture = captured(spec(folder, capture=CaptureConfig(hold_out_every=8)), tmp_path / "out")
    capture.save(tmp_path / "out")
    again = Capture.load(tmp_path / "out")
    np.testing.assert_array_equal(again.cameras.c2w, capture.cameras.c2w)
    assert again.held_out == (0, 8, 16, 24, 32) and len(again.used) == len(again.views) - 5
    assert again.scale == capture.scale


def test_depth_beyond_the_limits_is_not_measured(folder: Path, tmp_path: Path) -> None:
    capture = captured(spec(folder, capture=CaptureConfig(min_depth=0.6, max_depth=2.0)), tmp_path / "out")
    z = np.concatenate([capture.views.z_depth(i).ravel() for i in range(len(capture.views))])
    assert np.isnan(z).any() and np.nanmin(z) >= 0.6 - 1e-6 and np.nanmax(z) <= 2.0 + 1e-6


def test_flipped_axes_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FrameError) as caught:
        captured(spec(folder, axes="opencv"), tmp_path / "out")
    assert "Set rgbd.axes: opengl for scene 'room'" in str(caught.value)
    assert caught.value.expected is not None and "%" in caught.value.found


def test_inverted_matrices_are_named(folder: Path, tiny_room: Room, tmp_path: Path) -> None:
    write_lyra_npz(folder, tiny_room)
    path = tiny_room.cameras
    np.savez(folder / "inverted.npz", w2c=path.c2w, intrinsics=path.K, image_height=path.height, image_width=path.width)
    with pytest.raises(FrameError, match="Invert the matrices"):
        captured(spec(folder, cameras="inverted.npz"), tmp_path / "out")


def test_centimetre_cameras_are_named(folder: Path, tiny_room: Room, tmp_path: Path) -> None:
    w2c = tiny_room.cameras.w2c.copy()
    w2c[:, :3, 3] *= 100
    path = tiny_room.cameras
    np.savez(folder / "cm.npz", w2c=w2c, intrinsics=path.K, image_height=path.height, image_width=path.width)
    with pytest.raises(FrameError, match="unit"):
        captured(spec(folder, cameras="cm.npz"), tmp_path / "out")


def test_shuffled_cameras_are_refused_without_a_guess(folder: Path, tiny_room: Room, tmp_path: Path) -> None:
    path, order = tiny_room.cameras, np.random.default_rng(0).permutation(len(tiny_room.cameras))
    np.savez(folder / "mixed.npz", w2c=path.w2c[order], intrinsics=path.K, image_height=path.height, image_width=path.width)
    with pytest.raises(FrameError, match="out of step"):
        captured(spec(folder, cameras="mixed.npz"), tmp_path / "out")


def test_wrong_depth_unit_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises((InputError, FrameError), match="depth_unit"):
        captured(spec(folder, depth_unit="m"), tmp_path / "out")


def test_missing_depth_is_named(folder: Path, tmp_path: Path) -> None:
    (folder / "depth_mm" / "0004.png").unlink()
    with pytest.raises(InputError, match=r"0004\.png"):
        captured(spec(folder), tmp_path / "out")


def test_truncated_image_is_named(folder: Path, tmp_path: Path) -> None:
    path = folder / "rgb" / "0002.png"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match=r"0002\.png.*can't be decoded"):
        captured(spec(folder), tmp_path / "out")


def test_a_huge_image_is_refused_before_decoding(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at most 1000 pixels"):
        captured(spec(folder, capture=CaptureConfig(max_pixels=1000)), tmp_path / "out")


def test_a_colour_picture_of_depth_is_not_depth(folder: Path, tmp_path: Path) -> None:
    Image.new("RGB", (160, 120)).save(folder / "depth_mm" / "0000.png")
    with pytest.raises(InputError, match="16-bit"):
        captured(spec(folder), tmp_path / "out")


def test_frames_are_matched_by_number_when_cameras_are_more(folder: Path, tiny_room: Room, tmp_path: Path) -> None:
    """A log of all frames serves a folder that keeps only some of them."""
    write_open3d_log(folder, tiny_room)
    for index in range(len(tiny_room.cameras)):
        if index % 2:
            (folder / "rgb" / f"{index:04d}.png").unlink()
    capture = captured(spec(folder, cameras="trajectory.log", intrinsics=folder / "intrinsics.json"), tmp_path / "out")
    np.testing.assert_allclose(capture.cameras.c2w, tiny_room.cameras.c2w[::2], atol=1e-6)


def test_cameras_a_thousand_times_too_far_apart_are_named(folder: Path, tiny_room: Room, tmp_path: Path) -> None:
    """Nothing overlaps then, which is no proof that all is well."""
    w2c, path = tiny_room.cameras.w2c.copy(), tiny_room.cameras
    w2c[:, :3, 3] *= 1000
    np.savez(folder / "mm.npz", w2c=w2c, intrinsics=path.K, image_height=path.height, image_width=path.width)
    with pytest.raises(FrameError, match="a thousand times smaller"):
        captured(spec(folder, cameras="mm.npz"), tmp_path / "out")


def test_agreement_is_recorded(folder: Path, tmp_path: Path) -> None:
    capture = captured(spec(folder), tmp_path / "out")
    assert capture.frame_agreement is not None and capture.frame_agreement > 0.8


def test_a_lens_per_frame_is_refused(folder: Path, tmp_path: Path) -> None:
    facts = json.loads((folder / "transforms.json").read_text())
    facts["frames"][3]["k1"] = 0.3
    (folder / "transforms.json").write_text(json.dumps(facts))
    with pytest.raises(InputError, match="distortion of their own"):
        captured(spec(folder), tmp_path / "out")


def test_two_cameras_of_one_name_are_refused(folder: Path, tmp_path: Path) -> None:
    facts = json.loads((folder / "transforms.json").read_text())
    facts["frames"].append({**facts["frames"][0], "file_path": "right/0005.png"})
    (folder / "transforms.json").write_text(json.dumps(facts))
    with pytest.raises(InputError, match="two cameras for image '0005'"):
        captured(spec(folder), tmp_path / "out")
