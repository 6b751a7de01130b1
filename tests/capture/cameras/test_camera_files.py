"""The same exact cameras in every format give the same posed photos; what doesn't fit is named."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.transform import Rotation

from lyra_sim.capture.cameras.camera_files import (
    cameras_of,
    image_files_of_transforms,
    posed_by_file,
    posed_by_transforms,
    read_cameras,
)
from lyra_sim.capture.intake.photo_folder import take_in_files, take_in_folder
from lyra_sim.conventions import K_to_integer_centres, c2w_opengl_from_opencv
from lyra_sim.data.posed import PhotoSet, PosedPhotos
from lyra_sim.errors import FrameError, InputError
from lyra_sim.scene.sources import TransformsSource
from lyra_sim.scene.spec import CaptureConfig
from tests.capture.exact_cameras import assert_exact
from tests.rooms import Room

AUTO = {"intrinsics": None, "axes": "auto", "pixel_centres": "auto"}


@pytest.fixture
def folder(tiny_room_files: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_room_files, tmp_path / "room"))


@pytest.fixture
def photos(folder: Path, tmp_path: Path) -> PhotoSet:
    return take_in_folder(folder / "rgb", unreadable="refuse", limits=CaptureConfig(), work=tmp_path / "photos")


def write_intrinsics(folder: Path, room: Room, **distortion: float) -> Path:
    K = K_to_integer_centres(room.cameras.K[0])
    lens = {"width": 160, "height": 120, "fx": K[0, 0], "fy": K[1, 1], "cx": K[0, 2], "cy": K[1, 2], **distortion}
    (folder / "intrinsics.json").write_text(json.dumps(lens))
    return folder / "intrinsics.json"


def write_log(folder: Path, room: Room) -> Path:
    lines = []
    for number, matrix in enumerate(room.cameras.c2w):
        lines += [f"{number} {number} {number + 1}", *(" ".join(f"{x:.9f}" for x in row) for row in matrix)]
    (folder / "trajectory.log").write_text("\n".join(lines) + "\n")
    return folder / "trajectory.log"


def tum_line(time: str, c2w: np.ndarray) -> str:
    x, y, z, w = Rotation.from_matrix(c2w[:3, :3]).as_quat()
    return f"{time} " + " ".join(f"{value:.9f}" for value in (*c2w[:3, 3], x, y, z, w))


def write_tum(folder: Path, room: Room, *, times: list[str] | None = None) -> Path:
    times = times or [f"{number}.0000" for number in range(len(room.cameras))]
    lines = ["# ground truth trajectory", "# timestamp tx ty tz qx qy qz qw"]
    lines += [tum_line(time, c2w) for time, c2w in zip(times, room.cameras.c2w, strict=True)]
    (folder / "trajectory.txt").write_text("\n".join(lines) + "\n")
    return folder / "trajectory.txt"


def write_lyra(folder: Path, room: Room) -> Path:
    path = room.cameras
    np.savez(folder / "cameras.npz", w2c=path.w2c, intrinsics=path.K, image_height=120, image_width=160)
    return folder / "cameras.npz"


@pytest.mark.parametrize("kind", ["transforms", "log", "npz", "tum"])
def test_every_camera_file_gives_the_same_cameras(kind: str, folder: Path, photos: PhotoSet, tiny_room: Room) -> None:
    intrinsics = write_intrinsics(folder, tiny_room) if kind in ("log", "tum") else None
    writers = {"log": write_log, "npz": write_lyra, "tum": write_tum}
    path = writers[kind](folder, tiny_room) if kind in writers else folder / "transforms.json"
    posed = posed_by_file(path, photos, intrinsics=intrinsics, axes="auto", pixel_centres="auto")
    assert_exact(posed, tiny_room)
    assert len(posed.lenses) == 1 and len(posed.sparse.points) == 0 and path.name in posed.recipe


def test_a_distorted_lens_comes_with_the_intrinsics(folder: Path, photos: PhotoSet, tiny_room: Room) -> None:
    intrinsics = write_intrinsics(folder, tiny_room, k1=0.1, k2=-0.02, p1=0.001, p2=-0.002)
    posed = posed_by_file(write_tum(folder, tiny_room), photos, **{**AUTO, "intrinsics": intrinsics})
    np.testing.assert_array_equal(posed.lenses[0].distortion, [0.1, -0.02, 0.001, -0.002])


def test_a_format_without_intrinsics_asks_for_them(folder: Path, photos: PhotoSet, tiny_room: Room) -> None:
    for path in (write_tum(folder, tiny_room), write_log(folder, tiny_room)):
        with pytest.raises(InputError, match="carries no intrinsics"):
            posed_by_file(path, photos, **AUTO)


def test_photos_without_a_camera_are_left_out(folder: Path, photos: PhotoSet, tiny_room: Room) -> None:
    facts = json.loads((folder / "transforms.json").read_text())
    facts["frames"] = facts["frames"][:5] + facts["frames"][9:]
    (folder / "transforms.json").write_text(json.dumps(facts))
    kept = [*range(5), *range(9, len(tiny_room.cameras))]
    assert_exact(posed_by_file(folder / "transforms.json", photos, **AUTO), tiny_room, kept)
    numbered = (folder / "some.txt", write_intrinsics(folder, tiny_room))
    numbered[0].write_text("\n".join(tum_line(f"{index}", tiny_room.cameras.c2w[index]) for index in kept))
    assert_exact(posed_by_file(numbered[0], photos, **{**AUTO, "intrinsics": numbered[1]}), tiny_room, kept)


def test_cameras_of_other_photos_are_refused(folder: Path, photos: PhotoSet) -> None:
    facts = json.loads((folder / "transforms.json").read_text())
    for frame in facts["frames"]:
        frame["file_path"] = frame["file_path"].replace("rgb/", "rgb/other_")
    (folder / "transforms.json").write_text(json.dumps(facts))
    with pytest.raises(InputError, match="none of its 36 cameras belongs to one of the 36 photos"):
        posed_by_file(folder / "transforms.json", photos, **AUTO)


def test_tum_cameras_are_found_by_time(folder: Path, tiny_room: Room, tmp_path: Path) -> None:
    """The trajectory is from another clock tick than the images, and longer; one image lies in a gap of it."""
    (tmp_path / "timed").mkdir()
    for index in range(6):
        shutil.copyfile(folder / "rgb" / f"{index:04d}.png", tmp_path / "timed" / f"1305031{100 + index}.175304.png")
    times = [f"{1305031100 + index + (0.181 if index != 3 else 0.3):.6f}" for index in range(len(tiny_room.cameras))]
    photos = take_in_folder(tmp_path / "timed", unreadable="refuse", limits=CaptureConfig(), work=tmp_path / "w")
    cameras, intrinsics = write_tum(folder, tiny_room, times=times), write_intrinsics(folder, tiny_room)
    posed = posed_by_file(cameras, photos, **{**AUTO, "intrinsics": intrinsics})
    assert posed.names == tuple(f"1305031{100 + index}.175304" for index in (0, 1, 2, 4, 5))
    np.testing.assert_allclose(posed.c2w, tiny_room.cameras.c2w[[0, 1, 2, 4, 5]], atol=1e-6)
    late = write_tum(folder, tiny_room, times=[f"{1400000000 + index}.5" for index in range(len(tiny_room.cameras))])
    with pytest.raises(InputError, match="another recording"):
        posed_by_file(late, photos, **{**AUTO, "intrinsics": intrinsics})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1.0 0 0 0 0 0 0 0.5\n", "quaternion at 1.0 has length 0.5"),
        ("1.0 0 0 0 0 0 1\n", "1 lines, 7 numbers"),
        ("1.0 zero 0 0 0 0 0 1\n", "not a TUM trajectory"),
        ("# nothing\n", "0 lines"),
        ("1.0 nan 0 0 0 0 0 1\n", "NaN or infinite"),
    ],
)
def test_a_broken_tum_file_is_named(text: str, message: str, folder: Path, photos: PhotoSet, tiny_room: Room) -> None:
    (folder / "bad.txt").write_text(text)
    one = PhotoSet(photos=photos.photos[:1], skipped=())
    with pytest.raises((InputError, FrameError), match=message):
        posed_by_file(folder / "bad.txt", one, **{**AUTO, "intrinsics": write_intrinsics(folder, tiny_room)})


def test_photos_in_a_smaller_copy_get_a_smaller_lens(folder: Path, tiny_room: Room, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    for path in sorted((folder / "rgb").iterdir())[:3]:
        Image.open(path).resize((80, 60)).save(small / path.name)
    photos = take_in_folder(small, unreadable="refuse", limits=CaptureConfig(), work=tmp_path / "w")
    lens = posed_by_file(folder / "transforms.json", photos, **AUTO).lenses[0]
    np.testing.assert_allclose(lens.K, np.diag([0.5, 0.5, 1]) @ tiny_room.cameras.K[0])
    assert (lens.width, lens.height) == (80, 60)


def test_photos_turned_upright_are_refused(folder: Path, tmp_path: Path) -> None:
    turned = tmp_path / "turned"
    turned.mkdir()
    Image.open(folder / "rgb" / "0000.png").rotate(90, expand=True).save(turned / "0000.png")
    photos = take_in_folder(turned, unreadable="refuse", limits=CaptureConfig(), work=tmp_path / "w")
    with pytest.raises(InputError, match=r"160x120 pixels for photo '0000' of 120x160[\s\S]*EXIF"):
        posed_by_file(folder / "transforms.json", photos, **AUTO)


# -- transforms.json as a source of its own ------------------------------------------------------------------------------


def by_transforms(path: Path, tmp_path: Path) -> PosedPhotos:
    photos = take_in_files(image_files_of_transforms(path), unreadable="skip", limits=CaptureConfig(), work=tmp_path / "taken")
    return posed_by_transforms(TransformsSource(file=path), photos)


def test_each_frame_may_have_a_lens_and_a_size_of_its_own(folder: Path, tiny_room: Room, tmp_path: Path) -> None:
    """As nerfstudio writes sets of several cameras: what a frame states counts before what the file does."""
    facts = json.loads((folder / "transforms.json").read_text())
    facts |= {"k1": 0.01, "p2": 0.002}
    facts["frames"][1] |= {"k1": -0.2, "k2": 0.05}
    facts["frames"][2] |= {"w": 80, "h": 60, "fl_x": 51.0, "fl_y": 52.0, "cx": 41.0, "cy": 29.0, "k1": 0.0}
    third = folder / facts["frames"][2]["file_path"]
    with Image.open(third) as image:
        image.resize((80, 60)).save(third)
    (folder / "transforms.json").write_text(json.dumps(facts))
    posed = by_transforms(folder / "transforms.json", tmp_path)
    lenses = [posed.lenses[posed.lens_index[index]] for index in range(4)]
    assert [(lens.width, lens.height) for lens in lenses] == [(160, 120), (160, 120), (80, 60), (160, 120)]
    np.testing.assert_array_equal(lenses[0].distortion, [0.01, 0, 0, 0.002])
    np.testing.assert_array_equal(lenses[1].distortion, [-0.2, 0.05, 0, 0.002])
    np.testing.assert_array_equal(lenses[2].distortion, [0, 0, 0, 0.002])
    np.testing.assert_array_equal(lenses[2].K, [[51, 0, 41], [0, 52, 29], [0, 0, 1]])
    assert len(posed.lenses) == 3
    with pytest.raises(InputError, match="frames of 2 sizes, 80x60 and 160x120"):
        read_cameras(folder / "transforms.json", **AUTO)
    del facts["frames"][2]
    (folder / "transforms.json").write_text(json.dumps(facts))
    with pytest.raises(InputError, match="distortion of their own: 2 different"):
        read_cameras(folder / "transforms.json", **AUTO)


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ({"k3": 0.1}, "camera model OPENCV"),
        ({"camera_model": "OPENCV_FISHEYE"}, "camera model OPENCV_FISHEYE"),
        ({"camera_model": "EQUIRECTANGULAR"}, "camera model EQUIRECTANGULAR"),
        ({"w": 0}, "without pixels"),
        ({"k1": 1e999}, "isn't finite"),
        ({"k1": "wide"}, "missing or malformed"),
    ],
)
def test_a_frame_with_a_lens_that_is_none_is_refused(frame: dict, said: str, folder: Path, tmp_path: Path) -> None:
    facts = json.loads((folder / "transforms.json").read_text())
    facts["frames"][5] |= frame
    (folder / "transforms.json").write_text(json.dumps(facts))
    with pytest.raises(InputError, match=said):
        by_transforms(folder / "transforms.json", tmp_path)


def test_transforms_find_their_own_photos(folder: Path, tiny_room: Room, tmp_path: Path) -> None:
    """Frames out of order, suffixes missing, the file in a folder of its own, one image gone."""
    facts = json.loads((folder / "transforms.json").read_text())
    facts["frames"] = [{**frame, "file_path": f"../{frame['file_path'][:-4]}"} for frame in facts["frames"][::-1]]
    (folder / "nerf").mkdir()
    (folder / "nerf" / "transforms.json").write_text(json.dumps(facts))
    (folder / "rgb" / "0007.png").unlink()
    posed = by_transforms(folder / "nerf" / "transforms.json", tmp_path)
    assert_exact(posed, tiny_room, [index for index in range(36) if index != 7])
    assert "opengl axes" in posed.recipe


def test_frames_of_several_folders_may_share_their_names(folder: Path, tiny_room: Room, tmp_path: Path) -> None:
    facts = json.loads((folder / "transforms.json").read_text())
    for index, frame in enumerate(facts["frames"]):
        side = ("left", "right")[index % 2]
        (folder / side).mkdir(exist_ok=True)
        shutil.copyfile(folder / frame["file_path"], folder / side / f"{index // 2:04d}.png")
        frame["file_path"] = f"{side}/{index // 2:04d}.png"
    (folder / "transforms.json").write_text(json.dumps(facts))
    posed = by_transforms(folder / "transforms.json", tmp_path)
    assert posed.names[0] == "left_0000" and posed.names[-1] == "right_0017"
    np.testing.assert_allclose(posed.c2w, tiny_room.cameras.c2w[[*range(0, 36, 2), *range(1, 36, 2)]], atol=1e-6)


def test_frames_may_have_a_pinhole_of_their_own(folder: Path, tmp_path: Path) -> None:
    facts = json.loads((folder / "transforms.json").read_text())
    for index, frame in enumerate(facts["frames"]):
        frame |= {"fl_x": 90.0 + index, "fl_y": 91.0 + index, "cx": 79.0, "cy": 61.0}
    (folder / "transforms.json").write_text(json.dumps(facts))
    posed = by_transforms(folder / "transforms.json", tmp_path)
    focal = np.array([np.diag(posed.lenses[lens].K)[:2] for lens in posed.lens_index])
    np.testing.assert_array_equal(focal, np.arange(36)[:, None] + [90.0, 91.0])


SPARSE = {
    "camera_angle_x": {"camera_angle_x": 2 * np.arctan(80 / 90)},
    "x_fov": {"x_fov": 2 * np.degrees(np.arctan(80 / 90))},
    "camera_angle_y": {"camera_angle_y": 2 * np.arctan(60 / 90)},
    "both angles": {"camera_angle_x": 2 * np.arctan(80 / 90), "camera_angle_y": 2 * np.arctan(60 / 90)},
}
"""A pinhole of 90 px for 160x120, as instant-ngp, NeRF-synthetic and BlenderNeRF spell it."""


def write_sparse(folder: Path, pinhole: dict[str, float], *, each: bool = False, **more: object) -> Path:
    """transforms_train.json with an angle, matrices and names without suffix; ``each``: the right angle in every frame."""
    facts = json.loads((folder / "transforms.json").read_text())
    frames = [
        {
            "file_path": f"./{frame['file_path'][:-4]}",
            "rotation": 0.1,
            "transform_matrix": frame["transform_matrix"],
            **(pinhole if each else {}),
        }
        for frame in facts["frames"]
    ]
    written = {"frames": frames, **(dict.fromkeys(pinhole, 0.5) if each else pinhole), **more}
    (folder / "transforms_train.json").write_text(json.dumps(written))
    return folder / "transforms_train.json"


@pytest.mark.parametrize("each", [False, True], ids=["file", "frames"])
@pytest.mark.parametrize("spelling", SPARSE)
def test_an_angle_of_view_is_a_pinhole(spelling: str, each: bool, folder: Path, tiny_room: Room, tmp_path: Path) -> None:
    """A frame's own angle goes before the file's, whatever either is called; sizes come from the images."""
    path = write_sparse(folder, SPARSE[spelling], each=each)
    assert_exact(by_transforms(path, tmp_path), tiny_room)


def test_a_sparse_file_with_an_image_gone_keeps_the_size_of_the_others(folder: Path, tiny_room: Room, tmp_path: Path) -> None:
    path = write_sparse(folder, SPARSE["camera_angle_x"])
    (folder / "rgb" / "0000.png").unlink()
    (folder / "rgb" / "0003.png").write_bytes(b"no image")
    assert_exact(by_transforms(path, tmp_path), tiny_room, [index for index in range(36) if index not in (0, 3)])


def test_a_stated_size_goes_before_the_images(folder: Path, tiny_room: Room, tmp_path: Path) -> None:
    """The file is of photos twice as large; the copies beside it are scaled, the angle stays."""
    path = write_sparse(folder, SPARSE["camera_angle_x"], w=320, h=240)
    assert read_cameras(path, **AUTO).K[0, 0, 0] == pytest.approx(180)
    assert_exact(by_transforms(path, tmp_path), tiny_room)


@pytest.mark.parametrize(
    ("pinhole", "message"),
    [
        ({"camera_angle_x": 83.3}, r"camera_angle_x is 83\.3[\s\S]*It is in degrees"),
        ({"camera_angle_x": 0.0}, "camera_angle_x is 0"),
        ({"x_fov": 180}, "x_fov is 180"),
        ({"camera_angle_x": "wide"}, "missing or malformed"),
        ({}, "missing or malformed 'fl_x'"),
    ],
)
def test_no_angle_of_view_is_named(pinhole: dict, message: str, folder: Path) -> None:
    with pytest.raises(InputError, match=message):
        read_cameras(write_sparse(folder, pinhole), **AUTO)


def test_a_size_that_nothing_tells_is_asked_for(folder: Path) -> None:
    shutil.rmtree(folder / "rgb")
    with pytest.raises(InputError, match=r"no w and h, and no image '\./rgb/0000'[\s\S]*Add w and h"):
        read_cameras(write_sparse(folder, SPARSE["camera_angle_x"]), **AUTO)


@pytest.mark.parametrize("file_path", ["/etc/passwd", "../../secret.png", "rgb/../../../secret.png", "..", "."])
def test_frames_dont_reach_out_of_their_folder(file_path: str, folder: Path) -> None:
    facts = json.loads((folder / "transforms.json").read_text())
    facts["frames"][4]["file_path"] = file_path
    (folder / "transforms.json").write_text(json.dumps(facts))
    with pytest.raises(InputError, match="leads out of the folder"):
        image_files_of_transforms(folder / "transforms.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"camera_model": "OPENCV_FISHEYE"}, "camera model OPENCV_FISHEYE"),
        ({"is_fisheye": True}, "camera model fisheye"),
        ({"k3": 0.01}, "k3"),
        ({"w": None}, "missing or malformed"),
    ],
)
def test_lenses_we_cant_undo_are_refused(change: dict, message: str, folder: Path, tmp_path: Path) -> None:
    facts = json.loads((folder / "transforms.json").read_text()) | change
    (folder / "transforms.json").write_text(json.dumps(facts))
    with pytest.raises(InputError, match=message):
        by_transforms(folder / "transforms.json", tmp_path)


def test_one_image_in_two_frames_is_refused(folder: Path) -> None:
    facts = json.loads((folder / "transforms.json").read_text())
    facts["frames"].append(facts["frames"][0])
    (folder / "transforms.json").write_text(json.dumps(facts))
    with pytest.raises(InputError, match=r"two frames for image '0000\.png'"):
        image_files_of_transforms(folder / "transforms.json")


def test_posed_photos_of_a_file_read_wrongly_still_say_how(folder: Path, photos: PhotoSet, tiny_room: Room) -> None:
    posed = posed_by_file(folder / "transforms.json", photos, **{**AUTO, "axes": "opencv"})
    assert posed.recipe == "photos: transforms.json in opencv axes"
    np.testing.assert_allclose(posed.c2w, c2w_opengl_from_opencv(tiny_room.cameras.c2w), atol=1e-6)


@pytest.mark.parametrize("cameras", [2, 4, 5])
def test_a_number_that_two_images_end_in_names_no_camera(cameras: int, folder: Path, tiny_room: Room) -> None:
    """left_0, left_1, right_0, right_1: by number either camera would serve two photos."""
    room_log = write_log(folder, tiny_room)
    lines = room_log.read_text().splitlines()[: 5 * cameras]
    room_log.write_text("\n".join(lines) + "\n")
    table = read_cameras(room_log, **AUTO | {"intrinsics": write_intrinsics(folder, tiny_room)})
    stems = ["left_0", "left_1", "right_0", "right_1"]
    if cameras == len(stems):
        assert cameras_of(table, stems, subject="trajectory.log") == [0, 1, 2, 3]
    else:
        with pytest.raises(InputError, match="the images' numbers don't name cameras"):
            cameras_of(table, stems, subject="trajectory.log")


@pytest.mark.parametrize("suffix", ["", ".png"])
def test_frames_named_by_their_time_keep_it_without_a_suffix(suffix: str, folder: Path) -> None:
    facts = json.loads((folder / "transforms.json").read_text())
    for number, frame in enumerate(facts["frames"]):
        frame["file_path"] = f"rgb/1305031102.17{number:02d}{suffix}"
    (folder / "transforms.json").write_text(json.dumps(facts))
    assert read_cameras(folder / "transforms.json", **AUTO).keys[1] == "1305031102.1701"


def test_a_mirrored_camera_is_not_made_a_rotation(tmp_path: Path) -> None:
    """Determinant -1 in the file reaches the check that refuses it, whatever the text's rounding."""
    c2w = np.eye(4)
    c2w[0, 0] = -1
    lens = {"w": 64, "h": 48, "fl_x": 50.0, "fl_y": 50.0, "cx": 32.0, "cy": 24.0}
    frames = [{"file_path": "0000.jpg", "transform_matrix": c2w.tolist()}]
    (tmp_path / "transforms.json").write_text(json.dumps({**lens, "frames": frames}), encoding="utf-8")
    table = read_cameras(tmp_path / "transforms.json", intrinsics=None, axes="auto", pixel_centres="auto")
    assert np.linalg.det(table.c2w[0][:3, :3]) == pytest.approx(-1)
