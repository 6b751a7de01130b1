from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lyra_sim.capture.one_photo import capture_one_photo
from lyra_sim.data.capture import Capture
from lyra_sim.data.posed import Photo
from lyra_sim.errors import SpecError
from lyra_sim.scene.spec import SceneSpec
from tests.depth.plain_room import PlainRoom
from tests.scene_parts import stated


def _taken(image: np.ndarray, folder: Path, *, focal: float | None = None, **scene: Any) -> Capture:
    Image.fromarray(image).save(folder / "in.png")
    cfg = SceneSpec.model_validate({"name": "a", "photos": str(folder / "in.png"), **scene})
    photo = Photo(name="in", file=folder / "in.png", width=image.shape[1], height=image.shape[0], focal_px=focal)
    return capture_one_photo(photo, stated(cfg), view_side=cfg.capture.view_side, out=folder / "out")


def test_gravity_of_a_room_from_its_edges(tmp_path: Path) -> None:
    room = PlainRoom(pitch=-0.2)
    capture = _taken(room.render()[0], tmp_path, focal=room.focal, scale={"camera_height": 1.4})
    assert capture.up_source == "vanishing points"
    off = np.degrees(np.arccos(min(1.0, capture.cameras.c2w[0, 2, :3] @ room.c2w[2, :3])))
    assert off < 0.5
    assert abs(capture.poses.tilt_deg - np.degrees(-0.2)) < 0.5
    np.testing.assert_allclose(capture.cameras.centres[0], [0, 0, 1.4])
    assert capture.scale.source == "camera height 1.4 m"
    assert not capture.scale.assumed


def test_nothing_to_go_by_is_said(tmp_path: Path) -> None:
    capture = _taken(np.full((90, 160, 3), 128, np.uint8), tmp_path)
    assert capture.up_source == "assumed level camera"
    assert capture.scale.assumed
    assert capture.poses.one_photo is True
    assert "guess" in capture.poses.finding
    assert capture.poses.focal_source.startswith("assumed")
    np.testing.assert_allclose(np.degrees(2 * np.arctan(80 / capture.cameras.K[0, 0, 0])), 60)
    np.testing.assert_allclose(capture.cameras.c2w[0, :3, 2], [1, 0, 0], atol=1e-12)  # looks along x
    np.testing.assert_allclose(capture.cameras.c2w[0, :3, 1], [0, 0, -1], atol=1e-12)  # y is down


def test_a_large_photo_is_brought_to_view_size_with_its_lens(tmp_path: Path) -> None:
    capture = _taken(np.full((600, 1500, 3), 128, np.uint8), tmp_path, focal=1200.0, capture={"view_side": 500})
    assert (capture.cameras.width, capture.cameras.height) == (500, 200)
    np.testing.assert_allclose(capture.cameras.K[0], [[400, 0, 250], [0, 400, 100], [0, 0, 1]])
    capture.save(tmp_path / "out")
    again = Capture.load(tmp_path / "out")
    assert again.views.rgb(0).shape == (200, 500, 3)
    assert again.views.valid(0).all()
    assert again.poses == capture.poses


@pytest.mark.parametrize(
    "scene",
    [{"scale": "metric"}, {"scale": {"metres_per_unit": 2.0}}, {"up": "y"}],
    ids=["metric", "unit", "up"],
)
def test_what_one_photo_cannot_be_held_against_is_refused(scene: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="one photo"):
        _taken(np.full((90, 160, 3), 128, np.uint8), tmp_path, **scene)
