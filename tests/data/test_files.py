import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml

from lyra_sim.data.colliders import Colliders, Hull
from lyra_sim.data.files import read_arrays, read_json, write_arrays, write_json
from lyra_sim.data.grid import FREE, FreeSpace
from lyra_sim.data.occupancy import FREE_CELL, OCCUPIED, UNKNOWN, OccupancyMap
from lyra_sim.errors import InputError
from tests.facts import COLLIDERS


def test_equal_arrays_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a.npz", "b.npz"):
        write_arrays(tmp_path / name, x=np.arange(5), y=np.eye(3))
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_pickled_arrays_are_never_loaded(tmp_path: Path) -> None:
    np.savez(tmp_path / "evil.npz", x=np.array([{"a": 1}], dtype=object))
    with pytest.raises(InputError, match="pickled"):
        read_arrays(tmp_path / "evil.npz")


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", b"\0" * 5_000_000)
    with pytest.raises(InputError, match="unpacks to"):
        read_arrays(tmp_path / "bomb.npz", max_bytes=1_000_000)


def test_nan_never_reaches_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        write_json(tmp_path / "x.json", {"value": float("nan")})


def test_json_nested_without_end_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "deep.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match="not JSON"):
        read_json(tmp_path / "deep.json")


def test_map_round_trip_keeps_orientation(tmp_path: Path) -> None:
    """x runs right, y runs up in the image: the low corner of the world is the bottom left pixel."""
    cells = np.full((4, 3), UNKNOWN, np.uint8)
    cells[0, 0], cells[3, 0], cells[0, 2] = OCCUPIED, FREE_CELL, FREE_CELL
    occupancy = OccupancyMap(cells=cells, origin=np.array([-1.0, 2.0]), resolution=0.05)
    occupancy.save(tmp_path)
    from PIL import Image

    with Image.open(tmp_path / "map.png") as image:
        picture = np.asarray(image)
    assert picture.shape == (3, 4)
    assert (picture[2, 0], picture[2, 3], picture[0, 0]) == (OCCUPIED, FREE_CELL, FREE_CELL)
    again = OccupancyMap.load(tmp_path)
    np.testing.assert_array_equal(again.cells, cells)
    np.testing.assert_array_equal(again.origin, occupancy.origin)
    assert again.sample(np.array([[-0.98, 2.02], [-0.82, 2.02], [9.0, 9.0]])).tolist() == [OCCUPIED, FREE_CELL, UNKNOWN]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("origin: [0, 0, 0.3]", "turns its image by 0.3 rad"),
        ("origin: [0, 0]", "no readable map.yaml"),
        ("origin: here", "no readable map.yaml"),
        ("origin: [.nan, 0, 0]", "origin nan"),
        ("resolution: -0.05", "resolution -0.05"),
        ("resolution: [", "no readable map.yaml"),
        ("free_thresh: null", "no readable map.yaml"),
        ("image: junk.png", "no readable map.yaml"),
        ("image: nowhere.png", "no readable map.yaml"),
        ("mode: scale", "mode scale"),
    ],
)
def test_a_broken_map_is_one_input_error(line: str, words: str, tmp_path: Path) -> None:
    OccupancyMap(cells=np.full((4, 3), FREE_CELL, np.uint8), origin=np.zeros(2), resolution=0.05).save(tmp_path)
    (tmp_path / "junk.png").write_bytes(b"\x89PNG\r\n\x1a\nbut not really")
    key = line.split(":")[0]
    fields = yaml.safe_load((tmp_path / "map.yaml").read_text(encoding="utf-8"))
    rest = yaml.safe_dump({name: value for name, value in fields.items() if name != key})
    (tmp_path / "map.yaml").write_text(f"{rest}{line}\n", encoding="utf-8")
    with pytest.raises(InputError, match=words):
        OccupancyMap.load(tmp_path)


@pytest.mark.parametrize("key", ["image", "resolution", "origin", "occupied_thresh", "free_thresh"])
def test_a_map_without_a_key_is_one_input_error(key: str, tmp_path: Path) -> None:
    OccupancyMap(cells=np.full((4, 3), FREE_CELL, np.uint8), origin=np.zeros(2), resolution=0.05).save(tmp_path)
    fields = yaml.safe_load((tmp_path / "map.yaml").read_text(encoding="utf-8"))
    (tmp_path / "map.yaml").write_text(yaml.safe_dump({k: v for k, v in fields.items() if k != key}), encoding="utf-8")
    with pytest.raises(InputError, match=f"KeyError: '{key}'"):
        OccupancyMap.load(tmp_path)


def test_grid_sample_and_centres_agree() -> None:
    states = np.random.default_rng(0).integers(0, 3, (4, 5, 6)).astype(np.uint8)
    grid = FreeSpace(states=states, origin=np.array([1.0, -2, 0]), voxel_size=0.1)
    index = np.argwhere(states == FREE)
    assert (grid.sample(grid.centres(index)) == FREE).all()


def test_colliders_round_trip(tmp_path: Path) -> None:
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.int32)
    hull = Hull(name="clutter_000", label="clutter", vertices=vertices, faces=faces, seen=0.5)
    Colliders(hulls=(hull,), face_labels=np.array([3], np.uint8), facts=COLLIDERS).save(tmp_path)
    again = Colliders.load(tmp_path)
    np.testing.assert_array_equal(again.hulls[0].vertices, vertices)
    assert again.hulls[0].name == "clutter_000" and again.facts == COLLIDERS
    planes = again.hulls[0].planes()
    assert (planes[:, :3] @ [0.1, 0.1, 0.1] + planes[:, 3] < 0).all()  # inside
    assert (planes[:, :3] @ [0.5, 0.5, 0.5] + planes[:, 3]).max() > 0  # outside
