"""Photos that were stored turned: their cameras mean the pixels as stored, all of them or some."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lyra_sim.capture.trust.photos_as_stored import _turned
from lyra_sim.data.posed import Lens
from lyra_sim.scene.spec import SceneSpec
from tests.photo_rooms import photo_room
from tests.scene_parts import captured

ORIENTATION = 0x0112


def written(folder: Path, turned: set[int], *, orientation: int) -> SceneSpec:
    """Photos of a round, those in ``turned`` stored half round, with cameras as stored; ``orientation`` is EXIF's."""
    photo_room(every=2).write(folder)
    facts = json.loads((folder / "transforms.json").read_text(encoding="utf-8"))
    for index, frame in enumerate(facts["frames"]):
        if index in turned:
            file = folder / frame["file_path"]
            image = Image.open(file).transpose(Image.Transpose.ROTATE_180)
            exif = Image.Exif()
            exif[ORIENTATION] = orientation
            image.save(file, quality=95, subsampling=0, exif=exif)
            frame["transform_matrix"] = (np.array(frame["transform_matrix"]) @ np.diag([-1.0, -1, 1, 1])).tolist()
    (folder / "transforms.json").write_text(json.dumps(facts), encoding="utf-8")
    return SceneSpec.model_validate(
        {"name": "s", "transforms": str(folder / "transforms.json"), "scale": "metric", "poses": {"features": 1000}}
    )


def test_photos_stored_half_round_are_read_as_stored_and_said_to_be(tmp_path: Path) -> None:
    capture = captured(written(tmp_path / "room", {1, 3, 5, 7, 9, 11}, orientation=3), tmp_path / "out")
    assert len(capture.views) == 12
    assert capture.poses.read_as_stored == tuple(f"{index:04d}" for index in (1, 3, 5, 7, 9, 11))
    np.testing.assert_allclose(capture.cameras.c2w, photo_room(every=2).cameras.c2w, atol=1e-6)
    assert any("6 photos were stored turned" in note for note in capture.told)


def test_a_photo_whose_camera_does_not_fit_is_left_out_by_name(tmp_path: Path) -> None:
    cfg = written(tmp_path / "room", set(), orientation=1)
    path = tmp_path / "room" / "transforms.json"
    facts = json.loads(path.read_text(encoding="utf-8"))
    frame = facts["frames"][4]
    frame["transform_matrix"] = (np.array(frame["transform_matrix"]) @ np.diag([-1.0, -1, 1, 1])).tolist()
    path.write_text(json.dumps(facts), encoding="utf-8")
    capture = captured(cfg, tmp_path / "out")
    assert [name for name, _ in capture.poses.dropped] == ["0004"]
    assert any("left out: 0004 (" in note for note in capture.told)


@pytest.mark.parametrize(
    "turn", [np.diag([-1.0, -1.0]), np.array([[0.0, -1], [1, 0]]), np.array([[0.0, 1], [-1, 0]])], ids=["half", "right", "left"]
)
def test_a_turned_lens_sees_the_turned_image(turn: np.ndarray) -> None:
    lens = Lens(
        K=np.array([[90.0, 0, 41], [0, 95, 37], [0, 0, 1]]),
        distortion=np.array([0.1, -0.02, 0.003, -0.004]),
        width=80,
        height=80,
    )
    other = _turned(lens, turn)

    def pixel(of: Lens, x: np.ndarray) -> np.ndarray:
        (k1, k2, p1, p2), r2 = of.distortion, float(x @ x)
        tangent = np.array([2 * p1 * x[0] * x[1] + p2 * (r2 + 2 * x[0] ** 2), p1 * (r2 + 2 * x[1] ** 2) + 2 * p2 * x[0] * x[1]])
        bent = x * (1 + k1 * r2 + k2 * r2**2) + tangent
        return of.K[[0, 1], [0, 1]] * bent + of.K[:2, 2]

    x = np.array([0.2, -0.31])
    np.testing.assert_allclose(pixel(other, turn @ x) - 40, turn @ (pixel(lens, x) - 40), atol=1e-9)
