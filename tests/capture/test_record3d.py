"""Record3D's file is read as the app meant it; what is damaged, lies or lacks something is refused by the part's name.

``walk.r3d`` holds three frames of the walk; its depth and confidence were compressed by pyliblzfse 0.4.1, another build of
Apple's reference than the one that reads them here.
"""

import importlib.util
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.transform import Rotation

from lyra_sim.capture.rgbd_layouts import lzfse_blocks
from lyra_sim.conventions import c2w_opengl_from_opencv
from lyra_sim.data.capture import Capture
from lyra_sim.errors import EnvironmentNotReady, InputError
from lyra_sim.scene.sources import RgbdSource
from lyra_sim.scene.spec import CaptureConfig, SceneSpec
from lyra_sim.steps.capture import sources
from tests.capture.recorded_layouts import coarse, save_colour, walk
from tests.rooms import Room
from tests.scene_parts import captured

WALK = Path(__file__).with_name("walk.r3d")
needs_lzfse = pytest.mark.skipif(importlib.util.find_spec("lzfse") is None, reason="lzfse (the extra record3d) isn't installed")


def stored(content: bytes) -> bytes:
    """LZFSE without compression: one block of the bytes as they are."""
    return b"bvx-" + len(content).to_bytes(4, "little") + content + b"bvx$"


def write_r3d(
    file: Path,
    room: Room,
    *,
    count: int = 6,
    compress: Callable[[bytes], bytes] = stored,
    change: Callable[[dict[str, object]], None] = lambda facts: None,
    members: dict[str, bytes | None] | None = None,
) -> Path:
    """Coarse depth, the left half of it of low confidence; intrinsics of each frame.

    Args:
        file: To write.
        room: With the walk.
        count: Frames.
        compress: Depth and confidence.
        change: Of the metadata.
        members: That are written instead of the right ones; None: left out.
    """
    cameras, poses, content = room.cameras, [], {}
    for index in range(count):
        matrix = c2w_opengl_from_opencv(cameras.c2w[index])
        poses.append([*Rotation.from_matrix(matrix[:3, :3]).as_quat().tolist(), *matrix[:3, 3].tolist()])
        image = file.with_name("frame.jpg")
        save_colour(image, room.rendered[0][index])
        content[f"rgbd/{index}.jpg"] = image.read_bytes()
        image.unlink()
        z = coarse(room.rendered[1][index]).astype("<f4")
        levels = np.full(z.shape, 2, np.uint8)
        levels[:, : z.shape[1] // 2] = 0
        content[f"rgbd/{index}.depth"], content[f"rgbd/{index}.conf"] = compress(z.tobytes()), compress(levels.tobytes())
    K = cameras.K[0]
    facts = {
        "w": 80,
        "h": 60,
        "dw": 40,
        "dh": 30,
        "fps": 60,
        "K": K.T.ravel().tolist(),
        "poses": poses,
        "perFrameIntrinsicCoeffs": [[K[0, 0], K[1, 1], K[0, 2], K[1, 2]]] * count,
    }
    change(facts)
    content["metadata"] = json.dumps(facts).encode()
    for name, own in (members or {}).items():
        content.pop(name, None)
        if own is not None:
            content[name] = own
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return file


@pytest.fixture(scope="module")
def room() -> Room:
    return walk()


def read(folder: Path, tmp_path: Path, **limits) -> Capture:
    scene = SceneSpec(name="room", rgbd=RgbdSource(folder=folder), scale="metric", up="z", capture=CaptureConfig(**limits))
    return captured(scene, tmp_path / "out")


def agrees(capture: Capture, room: Room, at: list[int]) -> None:
    np.testing.assert_allclose(capture.cameras.c2w, room.cameras.c2w[at], atol=1e-5)
    np.testing.assert_allclose(capture.cameras.K, room.cameras.K[at], atol=1e-6)
    for index, truth in enumerate(at):
        z = capture.views.z_depth(index)
        assert np.isnan(z[:, :40]).all() and np.isfinite(z[:, 40:]).all()
        near = np.abs(z - room.rendered[1][truth]) < 0.02 * room.rendered[1][truth]
        assert near[:, 40:].mean() > 0.8
        assert np.abs(capture.views.rgb(index).astype(int) - room.rendered[0][truth]).mean() < 8


@needs_lzfse
def test_a_recording_is_read_as_the_app_meant_it(room: Room, tmp_path: Path) -> None:
    capture = read(WALK, tmp_path)
    agrees(capture, room, [0, 1, 2])
    assert {
        "walk.r3d: read as Record3D",
        "walk.r3d: depth read as metres: it has fractions",
        "walk.r3d: 50.0% of the depth was dropped for its low confidence",
    } <= set(capture.told)
    assert not (tmp_path / "out" / "video_frames").exists()
    assert sources(RgbdSource(folder=WALK)) == (WALK,)


@needs_lzfse
def test_more_frames_than_are_wanted_are_thinned_and_told(room: Room, tmp_path: Path) -> None:
    capture = read(write_r3d(tmp_path / "a.r3d", room), tmp_path, max_views=3)
    agrees(capture, room, [0, 2, 4])
    assert "a.r3d: 3 of 6 frames are read, one of 2: capture.max_views is 3" in capture.told


@needs_lzfse
def test_images_larger_than_the_intrinsics_say_and_one_lens_for_all(room: Room, tmp_path: Path) -> None:
    def half(facts: dict) -> None:
        facts.pop("perFrameIntrinsicCoeffs")
        facts["w"], facts["h"] = 40, 30
        facts["K"] = (np.array(facts["K"]).reshape(3, 3) * [0.5, 0.5, 1]).ravel().tolist()

    capture = read(write_r3d(tmp_path / "a.r3d", room, change=half), tmp_path)
    agrees(capture, room, list(range(6)))
    assert any("intrinsics are of 40x30 pixels, and were scaled" in line for line in capture.told)
    assert any("one set of intrinsics for all frames" in line for line in capture.told)


def cut(facts: dict) -> None:
    facts["poses"][2] = facts["poses"][2][:5]


def set_to(name: str, value: object) -> Callable[[dict], None]:
    return lambda facts: facts.__setitem__(name, value)


@needs_lzfse
@pytest.mark.parametrize(
    ("change", "members", "said"),
    [
        (set_to("poses", []), {}, "no poses in its metadata"),
        (cut, {}, "missing or malformed"),
        (set_to("poses", [[1, 1, 1, 1, 0, 0, 0]] * 6), {}, "the quaternion of pose 0 has length 2"),
        (set_to("poses", [[0, 0, 0, 1, float("nan"), 0, 0]] * 6), {}, "finite"),
        (set_to("dw", 10**9), {}, "sizes 80x60 and 1000000000x30"),
        (set_to("dw", -1), {}, "sizes 80x60 and -1x30"),
        (set_to("dw", 41), {}, "'rgbd/0.depth' can't be unpacked: 4800 bytes by its own account (expected 4920 bytes)"),
        (set_to("K", [1, 2]), {}, "missing or malformed"),
        (set_to("w", 60), {}, "images of 80x60 pixels, and intrinsics for 60x60"),
        (set_to("perFrameIntrinsicCoeffs", [[1, 2, 3, 4]]), {}, "perFrameIntrinsicCoeffs of shape (1, 4) for 6 poses"),
        (lambda facts: None, {"metadata": b"[1, 2"}, "missing or malformed"),
        (lambda facts: None, {"metadata": b"[" * 100_000}, "missing or malformed"),
        (lambda facts: None, {"rgbd/3.depth": b""}, "'rgbd/3.depth' can't be unpacked: no whole LZFSE stream"),
        (lambda facts: None, {"rgbd/3.depth": stored(bytes(4800))[:-9]}, "'rgbd/3.depth' can't be unpacked"),
        (lambda facts: None, {"rgbd/3.depth": b"bvxn" + (1 << 31).to_bytes(4, "little") + bytes(8)}, "can't be unpacked"),
        (lambda facts: None, {"rgbd/3.conf": stored(bytes(7))}, "7 bytes by its own account (expected 1200 bytes)"),
        (lambda facts: None, {"rgbd/0.jpg": b"\xff\xd8\xff"}, "not a readable image"),
        (lambda facts: None, {f"rgbd/{index}.depth": None for index in range(6)}, "6 poses, 6 images, none with depth"),
    ],
)
def test_what_is_damaged_or_lies_is_refused_by_its_part(change, members, said: str, room: Room, tmp_path: Path) -> None:
    file = write_r3d(tmp_path / "a.r3d", room, change=change, members=members)
    with pytest.raises(InputError) as caught:
        read(file, tmp_path)
    assert said in str(caught.value) and "a.r3d" in str(caught.value)


@needs_lzfse
def test_a_member_that_unpacks_to_more_than_it_may_is_not_unpacked(room: Room, tmp_path: Path) -> None:
    file = tmp_path / "a.r3d"
    write_r3d(file, room, members={"rgbd/0.jpg": None})
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rgbd/0.jpg", bytes(300_000))
    with pytest.raises(InputError, match=r"'rgbd/0\.jpg' has 300000 bytes"):
        read(file, tmp_path, max_bytes=100_000)


@needs_lzfse
def test_a_cut_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.r3d").write_bytes(WALK.read_bytes()[:-400])
    with pytest.raises(InputError, match=r"a\.r3d"):
        read(tmp_path / "a.r3d", tmp_path)
    broken = bytearray(WALK.read_bytes())
    broken[2000:2400] = bytes(400)
    (tmp_path / "b.r3d").write_bytes(broken)
    with pytest.raises(InputError, match=r"b\.r3d"):
        read(tmp_path / "b.r3d", tmp_path)


def test_without_the_decoder_the_way_out_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lzfse_blocks.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EnvironmentNotReady, match=r"walk\.r3d[\s\S]*lyra-sim\[record3d\]"):
        read(WALK, tmp_path)


def test_a_folder_around_the_file_and_other_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "scan").mkdir()
    (tmp_path / "scan" / "a.r3d").touch()
    with pytest.raises(InputError, match="Give the file itself"):
        read(tmp_path / "scan", tmp_path)
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="a file of no recorder that is known"):
        read(tmp_path / "a.png", tmp_path)


def write_export(folder: Path, room: Room, *, lost: int) -> Path:
    """As the app exports images and float depth: the metadata of the archive, a pose more than there are images."""
    write_r3d(folder.with_suffix(".r3d"), room)
    with zipfile.ZipFile(folder.with_suffix(".r3d")) as archive:
        facts = json.loads(archive.read("metadata"))
    (folder / "depth").mkdir(parents=True)
    (folder / "metadata.json").write_text(json.dumps(facts))
    for index in range(6):
        if index != lost:
            save_colour(folder / "rgb" / f"{index}.jpg", room.rendered[0][index])
            np.save(folder / "depth" / f"{index}.npy", coarse(room.rendered[1][index]).astype(np.float32))
    return folder


def test_its_export_is_read_as_a_folder(room: Room, tmp_path: Path) -> None:
    capture = read(write_export(tmp_path / "export", room, lost=2), tmp_path)
    assert capture.views.names == ("0", "1", "3", "4", "5")
    np.testing.assert_allclose(capture.cameras.c2w, room.cameras.c2w[[0, 1, 3, 4, 5]], atol=1e-6)
    np.testing.assert_allclose(capture.cameras.K[:, 0, 0], room.cameras.K[0, 0, 0])
    assert any("read as Record3D" in line for line in capture.told)
    z, true = capture.views.z_depth(2), room.rendered[1][3]
    assert (np.abs(z / true - 1) < 0.05)[np.isfinite(z)].mean() > 0.8


def test_an_export_whose_metadata_is_none_is_no_such_layout(room: Room, tmp_path: Path) -> None:
    folder = write_export(tmp_path / "export", room, lost=2)
    for content in ("[1, 2]", "{", '{"poses": []}', "[" * 100000):
        (folder / "metadata.json").write_text(content)
        with pytest.raises(InputError, match="no layout that is known"):
            read(folder, tmp_path)
