"""COLMAP models, text and binary, written byte by byte: the exact cameras come back, and damage is named."""

import shutil
import struct
from pathlib import Path

import numpy as np
import pycolmap
import pytest
from scipy.spatial.transform import Rotation

from lyra_sim.capture.cameras.colmap_folder import check_model_folder
from lyra_sim.capture.cameras.colmap_model import image_files_of_colmap, posed_by_colmap
from lyra_sim.capture.intake.photo_folder import take_in_files
from lyra_sim.data.posed import PosedPhotos
from lyra_sim.errors import InputError
from lyra_sim.scene.sources import ColmapSource
from lyra_sim.scene.spec import CaptureConfig
from tests.capture.exact_cameras import assert_exact
from tests.rooms import Room


@pytest.fixture
def folder(tiny_room_files: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_room_files, tmp_path / "room"))


MODELS = {
    "SIMPLE_PINHOLE": (0, [90.0, 80.0, 60.0], [0.0, 0.0, 0.0, 0.0]),
    "PINHOLE": (1, [90.0, 90.0, 80.0, 60.0], [0.0, 0.0, 0.0, 0.0]),
    "SIMPLE_RADIAL": (2, [90.0, 80.0, 60.0, 0.05], [0.05, 0.0, 0.0, 0.0]),
    "RADIAL": (3, [90.0, 80.0, 60.0, 0.05, -0.01], [0.05, -0.01, 0.0, 0.0]),
    "OPENCV": (4, [90.0, 90.0, 80.0, 60.0, 0.05, -0.01, 0.002, 0.003], [0.05, -0.01, 0.002, 0.003]),
    "OPENCV_FISHEYE": (5, [90.0, 90.0, 80.0, 60.0, 0.0, 0.0, 0.0, 0.0], None),
}
"""COLMAP's number, its parameters in its order, and k1, k2, p1, p2."""
POINTS = np.array([[2.0, 2.5, 0.0], [3.0, 4.0, 1.2]])


def sightings(room: Room, index: int) -> list[tuple[float, float, int]]:
    """Pixels of ``POINTS`` in a pinhole camera of the room and their numbers, from 7."""
    camera = POINTS @ room.cameras.w2c[index, :3, :3].T + room.cameras.w2c[index, :3, 3]
    uv = camera[:, :2] / camera[:, 2:] * 90 + [80, 60]
    return [(*map(float, uv[k]), 7 + k) for k in range(len(POINTS)) if camera[k, 2] > 0]


def write_colmap(folder: Path, room: Room, *, binary: bool, model: str = "PINHOLE") -> Path:
    """A model byte by byte as COLMAP's documentation says: w2c, wxyz, ids from 1, names that aren't in the order of ids."""
    out = folder / "sparse"
    out.mkdir()
    number, parameters, _ = MODELS[model]
    count = len(room.cameras)
    quats = [np.roll(Rotation.from_matrix(w2c[:3, :3]).as_quat(), 1) for w2c in room.cameras.w2c]  # scalar first
    rows = [(count - k, quats[k], room.cameras.w2c[k, :3, 3], f"{k:04d}.png", sightings(room, k)) for k in range(count)]
    tracks = {7 + p: [(row[0], at) for row in rows for at, one in enumerate(row[4]) if one[2] == 7 + p] for p in (0, 1)}
    if binary:
        (out / "cameras.bin").write_bytes(struct.pack(f"<QIiQQ{len(parameters)}d", 1, 1, number, 160, 120, *parameters))
        images = struct.pack("<Q", count)
        for image, quat, translation, name, seen in rows:
            images += struct.pack("<I7dI", image, *quat, *translation, 1) + name.encode() + b"\0"
            images += struct.pack("<Q", len(seen)) + b"".join(struct.pack("<ddQ", *one) for one in seen)
        (out / "images.bin").write_bytes(images)
        points = struct.pack("<Q", 2)
        for point, track in tracks.items():
            points += struct.pack("<Q3d3BdQ", point, *POINTS[point - 7], 9, 9, 9, 0.1, len(track))
            points += b"".join(struct.pack("<II", *one) for one in track)
        (out / "points3D.bin").write_bytes(points)
        return out
    (out / "cameras.txt").write_text(f"# cameras\n1 {model} 160 120 {' '.join(map(str, parameters))}\n")
    lines = ["# images"]
    for image, quat, translation, name, seen in rows:
        lines.append(f"{image} {' '.join(f'{x:.17g}' for x in (*quat, *translation))} 1 {name}")
        lines.append(" ".join(f"{u:.17g} {v:.17g} {point}" for u, v, point in seen))
    (out / "images.txt").write_text("\n".join(lines) + "\n")
    (out / "points3D.txt").write_text(
        "".join(
            f"{point} {' '.join(map(str, POINTS[point - 7]))} 9 9 9 0.1 {' '.join(f'{i} {at}' for i, at in track)}\n"
            for point, track in tracks.items()
        )
    )
    return out


def by_colmap(folder: Path, tmp_path: Path, model: Path) -> PosedPhotos:
    source = ColmapSource(model=model, images=folder / "rgb")
    photos = take_in_files(image_files_of_colmap(source), unreadable="skip", limits=CaptureConfig(), work=tmp_path / "taken")
    return posed_by_colmap(source, photos)


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_colmap_models_give_the_same_cameras_and_points(
    binary: bool, folder: Path, tiny_room: Room, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    posed = by_colmap(folder, tmp_path, write_colmap(folder, tiny_room, binary=binary))
    assert_exact(posed, tiny_room)
    np.testing.assert_allclose(posed.sparse.points, POINTS, atol=1e-9)
    assert len(posed.sparse.xy) == sum(len(sightings(tiny_room, k)) for k in range(36))
    camera = np.einsum("nij,nj->ni", tiny_room.cameras.w2c[posed.sparse.view_index, :3, :3], POINTS[posed.sparse.point_index])
    camera += tiny_room.cameras.w2c[posed.sparse.view_index, :3, 3]
    np.testing.assert_allclose(posed.sparse.xy, camera[:, :2] / camera[:, 2:], atol=1e-9)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("model", MODELS)
def test_colmap_lenses(model: str, folder: Path, tiny_room: Room, tmp_path: Path) -> None:
    written = write_colmap(folder, tiny_room, binary=True, model=model)
    if MODELS[model][2] is None:
        with pytest.raises(InputError, match=r"camera 1 is OPENCV_FISHEYE[\s\S]*image_undistorter"):
            by_colmap(folder, tmp_path, written)
        return
    posed = by_colmap(folder, tmp_path, written)
    np.testing.assert_array_equal(posed.lenses[0].distortion, MODELS[model][2])
    assert_exact(posed, tiny_room)


def test_a_rig_of_two_cameras_is_composed(folder: Path, tiny_room: Room, tmp_path: Path) -> None:
    """COLMAP 4 stores where the rig is and where each sensor sits on it; together they are the camera."""
    path = tiny_room.cameras
    second_from_first = np.array(path.w2c[1] @ path.c2w[0])
    model = pycolmap.Reconstruction()
    rig = pycolmap.Rig(rig_id=1)
    for number in (1, 2, 3):  # the third was never posed, which a rig may leave open
        camera = pycolmap.Camera(camera_id=number, model="PINHOLE", width=160, height=120, params=[90, 90, 80, 60])
        model.add_camera(camera)
        if number == 1:
            rig.add_ref_sensor(camera.sensor_id)
        else:
            rig.add_sensor(camera.sensor_id, pycolmap.Rigid3d(second_from_first[:3]) if number == 2 else None)
    model.add_rig(rig)
    frame = pycolmap.Frame(frame_id=1, rig_id=1, rig_from_world=pycolmap.Rigid3d(np.array(path.w2c[0, :3])))
    images = [pycolmap.Image(name=f"{k:04d}.png", camera_id=k + 1, image_id=k + 1) for k in (0, 1)]
    for image in images:
        frame.add_data_id(image.data_id)
        image.frame_id = 1
    model.add_frame(frame)
    for image in images:
        model.add_image(image)
    model.register_frame(1)
    (folder / "rig").mkdir()
    model.write_binary(folder / "rig")
    posed = by_colmap(folder, tmp_path, folder / "rig")
    assert_exact(posed, tiny_room, [0, 1])
    assert len(posed.lenses) == 1  # the two sensors have equal lenses


def test_images_that_are_gone_are_skipped_by_name(folder: Path, tiny_room: Room, tmp_path: Path) -> None:
    model = write_colmap(folder, tiny_room, binary=True)
    (folder / "rgb" / "0003.png").unlink()
    source = ColmapSource(model=model, images=folder / "rgb")
    files = image_files_of_colmap(source)
    photos = take_in_files(files, unreadable="skip", limits=CaptureConfig(), work=tmp_path / "taken")
    assert [name for name, _ in photos.skipped] == ["0003.png"]
    posed = posed_by_colmap(source, photos)
    assert_exact(posed, tiny_room, [index for index in range(36) if index != 3])
    with pytest.raises(InputError, match=r"'0000\.png' and the 35 other images of the model are missing"):
        image_files_of_colmap(ColmapSource(model=model, images=folder / "depth_mm" / ".."))


@pytest.mark.parametrize("name", ["cameras.bin", "images.bin", "points3D.bin"])
@pytest.mark.parametrize("cut", [0.5, 0.0, -1.0], ids=["half", "empty", "longer"])
def test_damaged_binary_models_are_named(name: str, cut: float, folder: Path, tiny_room: Room, tmp_path: Path) -> None:
    """COLMAP itself reads on for ever in a cut points3D.bin."""
    model = write_colmap(folder, tiny_room, binary=True)
    stored = (model / name).read_bytes()
    (model / name).write_bytes(stored + b"\0" * 9 if cut < 0 else stored[: int(len(stored) * cut)])
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        by_colmap(folder, tmp_path, model)


def test_a_damaged_text_model_is_one_input_error(folder: Path, tiny_room: Room, tmp_path: Path) -> None:
    model = write_colmap(folder, tiny_room, binary=False)
    (model / "images.txt").write_text("1 one two three\n")
    with pytest.raises(InputError, match="not a readable COLMAP model"):
        by_colmap(folder, tmp_path, model)


def test_a_folder_above_the_model_is_told_from_it(folder: Path, tiny_room: Room) -> None:
    write_colmap(folder, tiny_room, binary=True)
    with pytest.raises(InputError, match=r"no COLMAP model[\s\S]*Set colmap\.model to its subfolder sparse"):
        image_files_of_colmap(ColmapSource(model=folder, images=folder / "rgb"))


def test_image_names_dont_reach_out_of_the_folder(folder: Path, tiny_room: Room) -> None:
    model = write_colmap(folder, tiny_room, binary=False)
    (model / "images.txt").write_text((model / "images.txt").read_text().replace("0004.png", "../../secret.png"))
    with pytest.raises(InputError, match="leads out of the photo folder"):
        image_files_of_colmap(ColmapSource(model=model, images=folder / "rgb"))


def test_every_model_inside_is_named_with_its_photos_and_the_largest_proposed(tmp_path):
    for name, count in (("0", 2), ("1", 3)):
        folder = tmp_path / "sparse" / name
        folder.mkdir(parents=True)
        (folder / "cameras.txt").write_text("1 PINHOLE 16 12 10 10 8 6\n", encoding="utf-8")
        lines = "".join(f"{k} 1 0 0 0 0 0 0 1 {k}.jpg\n\n" for k in range(1, count + 1))
        (folder / "images.txt").write_text("# two lines an image\n" + lines, encoding="utf-8")
        (folder / "points3D.txt").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="'1' with 3 photos, '0' with 2 photos") as caught:
        check_model_folder(tmp_path / "sparse")
    assert caught.value.next_step is not None and "its subfolder 1, the one with most photos" in caught.value.next_step


# -- COLMAP 4: poses told twice --------------------------------------------------------------------------------------------


def rewritten(folder: Path, room: Room, kind: str) -> Path:
    """The model as COLMAP 4 itself writes it, with rigs and frames."""
    model = pycolmap.Reconstruction(write_colmap(folder, room, binary=False))
    out = folder / "colmap4"
    out.mkdir()
    (model.write_binary if kind == "bin" else model.write_text)(out)
    assert (out / f"frames.{kind}").is_file() and (out / f"rigs.{kind}").is_file()
    return out


def raise_cameras(model: Path, kind: str, *, by: float) -> None:
    """What a script does that moves the model along its third camera axis in ``images`` alone, once a camera."""
    file = model / f"images.{kind}"
    if kind == "txt":
        lines = file.read_text().splitlines()
        for number in range(sum(line.startswith("#") for line in lines), len(lines), 2):
            words = lines[number].split()
            words[7] = repr(float(words[7]) + by)
            lines[number] = " ".join(words)
        file.write_text("\n".join(lines) + "\n")
        return
    stored = bytearray(file.read_bytes())
    at = 8
    for _ in range(struct.unpack_from("<Q", stored)[0]):
        struct.pack_into("<d", stored, at + 52, struct.unpack_from("<d", stored, at + 52)[0] + by)
        at = stored.index(b"\0", at + 64) + 1
        at += 8 + 24 * struct.unpack_from("<Q", stored, at)[0]
    file.write_bytes(stored)


@pytest.mark.written_by("pycolmap")
@pytest.mark.parametrize("kind", ["txt", "bin"])
def test_a_model_of_colmap_4_is_read(kind: str, folder: Path, tiny_room: Room, tmp_path: Path) -> None:
    assert_exact(by_colmap(folder, tmp_path, rewritten(folder, tiny_room, kind)), tiny_room)


@pytest.mark.parametrize("kind", ["txt", "bin"])
def test_an_edit_of_images_that_colmap_would_drop_is_told(kind: str, folder: Path, tiny_room: Room, tmp_path: Path) -> None:
    """And what it says to do gives the edited cameras."""
    model = rewritten(folder, tiny_room, kind)
    raise_cameras(model, kind, by=0.5)
    said = rf"images\.{kind} and frames\.{kind} place 36 of 36 cameras differently, '\d+\.png' by 0\.5 units"
    with pytest.raises(InputError, match=said + rf"[\s\S]*remove frames\.{kind} and rigs\.{kind}"):
        by_colmap(folder, tmp_path, model)
    (model / f"frames.{kind}").unlink()
    (model / f"rigs.{kind}").unlink()
    posed = by_colmap(folder, tmp_path, model)
    np.testing.assert_allclose(np.linalg.norm(posed.c2w[:, :3, 3] - tiny_room.cameras.c2w[:, :3, 3], axis=1), 0.5)


def test_rounding_in_text_is_no_edit(folder: Path, tiny_room: Room, tmp_path: Path) -> None:
    model = rewritten(folder, tiny_room, "txt")
    raise_cameras(model, "txt", by=1e-4)
    assert_exact(by_colmap(folder, tmp_path, model), tiny_room)


def test_an_edited_text_beside_the_binary_model_is_told(folder: Path, tiny_room: Room, tmp_path: Path) -> None:
    """COLMAP reads the binary files and never looks at the text."""
    model = write_colmap(folder, tiny_room, binary=True)
    (folder / "as_text").mkdir()
    pycolmap.Reconstruction(model).write_text(folder / "as_text")
    for name in ("cameras", "images", "points3D"):
        shutil.copyfile(folder / "as_text" / f"{name}.txt", model / f"{name}.txt")
    assert_exact(by_colmap(folder, tmp_path, model), tiny_room)
    raise_cameras(model, "txt", by=0.5)
    with pytest.raises(InputError, match=r"images\.txt and images\.bin place 36 of 36[\s\S]*keep the \.txt files alone"):
        by_colmap(folder, tmp_path, model)


@pytest.mark.parametrize("kind", ["txt", "bin"])
@pytest.mark.parametrize(("gone", "left"), [("frames", "rigs"), ("rigs", "frames")])
def test_rigs_and_frames_come_together(gone: str, left: str, kind: str, folder: Path, tiny_room: Room, tmp_path: Path) -> None:
    """COLMAP itself says "unordered_map::at"."""
    model = rewritten(folder, tiny_room, kind)
    (model / f"{gone}.{kind}").unlink()
    with pytest.raises(InputError, match=rf"{left}\.{kind} without {gone}\.{kind}[\s\S]*Remove {left}\.{kind} too"):
        by_colmap(folder, tmp_path, model)
    (model / f"{left}.{kind}").unlink()
    assert_exact(by_colmap(folder, tmp_path, model), tiny_room)


@pytest.mark.parametrize("name", ["rigs.bin", "frames.bin"])
@pytest.mark.parametrize("cut", [0.5, 0.0, -1.0], ids=["half", "empty", "longer"])
def test_damaged_rigs_and_frames_are_named(name: str, cut: float, folder: Path, tiny_room: Room, tmp_path: Path) -> None:
    model = rewritten(folder, tiny_room, "bin")
    stored = (model / name).read_bytes()
    (model / name).write_bytes(stored + b"\0" * 9 if cut < 0 else stored[: int(len(stored) * cut)])
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        by_colmap(folder, tmp_path, model)


def test_a_pose_that_is_none_differs(folder: Path, tiny_room: Room, tmp_path: Path) -> None:
    model = rewritten(folder, tiny_room, "txt")
    lines = (model / "images.txt").read_text().splitlines()
    at = next(number for number, line in enumerate(lines) if line.endswith("0004.png"))
    words = lines[at].split()
    lines[at] = " ".join([words[0], "0", "0", "0", "0", *words[5:]])
    (model / "images.txt").write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError, match=r"1 of 36 cameras differently, '0004\.png'"):
        by_colmap(folder, tmp_path, model)
