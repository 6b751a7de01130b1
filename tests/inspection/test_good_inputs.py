"""Good inputs of every kind, counted: a doubt or a refusal that grows too wide turns sound files away, and shows here."""

import importlib.util
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lyra_sim.inspection.looking import inspect_path
from lyra_sim.splat_files.writing import write_splats
from tests.capture.bag_writer import BagPlan, write_ros1, write_ros2
from tests.capture.cameras.test_colmap_models import write_colmap
from tests.capture.given_rooms import mesh_of, splats_of, write_spz
from tests.capture.intake.test_video import film
from tests.capture.intake.test_video import write as write_video
from tests.capture.recorded_layouts import WRITERS, transforms, walk
from tests.capture.test_record3d import WALK, write_export
from tests.photo_rooms import photo_room
from tests.rooms import furnished_room

UP_Z = ("up=z", "scale=metric")
HEIC = Path(__file__).parents[1] / "capture" / "intake" / "quarters.heic"


def recording(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / "scan").mkdir()
        WRITERS[name](folder / "scan", walk())
        return folder / "scan"

    return make


def tiff(folder: Path) -> Path:
    transforms(folder / "scan", walk(), kind=".tiff")
    return folder / "scan"


def masked(folder: Path) -> Path:
    transforms(folder / "scan", walk())
    file = folder / "scan" / "transforms.json"
    facts = json.loads(file.read_text())
    kept = np.full((60, 80), 255, np.uint8)
    kept[20:40, 20:40] = 0
    for index, frame in enumerate(facts["frames"]):
        frame["mask_path"] = f"masks/{index}.png"
        (folder / "scan" / "masks").mkdir(exist_ok=True)
        Image.fromarray(kept).save(folder / "scan" / f"masks/{index}.png")
    file.write_text(json.dumps(facts))
    return folder / "scan"


def mesh(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        mesh_of(furnished_room(views=2)).export(folder / f"room.{name}")
        return folder / f"room.{name}"

    return make


def splats(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        write_splats(splats_of(furnished_room(views=2)), folder / f"room{name}")
        return folder / f"room{name}"

    return make


def old_spz(folder: Path) -> Path:
    write_spz(folder / "room.spz", splats_of(furnished_room(views=2)), version=2)
    return folder / "room.spz"


def photos(kind: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        for index, photo in enumerate(photo_room(every=4).photos):
            Image.fromarray(photo).save(folder / f"{index}.{kind}")
        return folder

    return make


def one_photo(folder: Path) -> Path:
    Image.fromarray(photo_room(every=4).photos[0]).save(folder / "a.jpg")
    return folder / "a.jpg"


def heic(folder: Path) -> Path:
    return Path(shutil.copyfile(HEIC, folder / "IMG.HEIC"))


def posed(folder: Path) -> Path:
    return photo_room(every=4).write(folder / "room") / "transforms.json"


def colmap(folder: Path) -> Path:
    room = furnished_room(views=6)
    room.write_rgbd(folder / "set")
    write_colmap(folder / "set", room, binary=True)
    return folder / "set" / "sparse"


def video(name: str, codec: str) -> Callable[[Path], Path]:
    return lambda folder: write_video(folder / name, film(12), codec=codec)


GOOD: dict[str, tuple[Callable[[Path], Path], tuple[str, ...], str]] = {
    **{f"rgbd {name}": (recording(name), (), "") for name in WRITERS},
    "rgbd .tiff": (tiff, (), ""),
    "rgbd with masks": (masked, (), ""),
    "rgbd .r3d": (lambda folder: WALK, (), "lzfse"),
    "rgbd export of Record3D": (lambda folder: write_export(folder / "export", walk(), lost=2), (), ""),
    "rgbd ROS 1": (lambda folder: write_ros1(folder / "a.bag", walk(), BagPlan()), (), "rosbags"),
    "rgbd ROS 2": (lambda folder: write_ros2(folder / "bag", walk(), BagPlan()), (), "rosbags"),
    **{f"mesh .{name}": (mesh(name), UP_Z, "") for name in ("glb", "obj", "ply")},
    **{f"splats {name}": (splats(name), UP_Z, "") for name in (".ply", ".compressed.ply", ".spz", ".sog", ".splat")},
    "splats SPZ 2": (old_spz, UP_Z, ""),
    **{f"photos {kind}": (photos(kind), (), "") for kind in ("jpg", "png", "webp")},
    "one photo": (one_photo, (), ""),
    "one HEIC": (heic, (), "pi_heif"),
    "transforms.json": (posed, (), ""),
    "COLMAP": (colmap, (), ""),
    "video .mp4": (video("a.mp4", "libx264"), (), "av"),
    "video .mkv": (video("a.mkv", "libx264"), (), "av"),
    "video .avi": (video("a.avi", "mpeg4"), (), "av"),
}
"""What makes each, what its scene states, and the package that an extra brings for it."""
REFUSED: set[str] = set()
"""Of these. It may only shrink."""


@pytest.mark.parametrize("name", GOOD)
def test_a_good_input_is_read(name: str, tmp_path: Path) -> None:
    make, stated, needs = GOOD[name]
    if needs and importlib.util.find_spec(needs) is None:
        pytest.skip(f"{needs}, which an extra brings, isn't installed")
    found = inspect_path(make(tmp_path), overrides=stated)
    assert (found.verdict == "refused") == (name in REFUSED), found.refusal and found.refusal.text


def test_they_are_counted() -> None:
    assert (len(GOOD), len(REFUSED)) == (32, 0)
