"""Photos with cameras of their own, through the whole capture: names people give, and photos the file doesn't know."""

import json
from pathlib import Path

import pytest

from lyra_sim.errors import InputError
from lyra_sim.scene.sources import PhotosSource
from lyra_sim.scene.spec import PosesConfig, SceneSpec
from tests.photo_rooms import photo_room
from tests.scene_parts import captured


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """Eight photos, ``Küche 0.jpg`` …, of which the camera file knows all but the last."""
    folder = photo_room(every=3).write(tmp_path / "room")
    facts = json.loads((folder / "transforms.json").read_text(encoding="utf-8"))
    for number, (photo, frame) in enumerate(zip(sorted((folder / "photos").iterdir()), facts["frames"], strict=True)):
        frame["file_path"] = f"photos/Küche {number}.jpg"
        photo.rename(folder / frame["file_path"])
    facts["frames"].pop()
    (folder / "transforms.json").write_text(json.dumps(facts), encoding="utf-8")
    return folder


def test_photos_find_their_cameras_by_stem_and_one_without_is_named(room: Path, tmp_path: Path) -> None:
    cfg = SceneSpec(
        name="s",
        photos=PhotosSource(images=room / "photos", cameras=room / "transforms.json"),
        scale="metric",
        poses=PosesConfig(features=800),
    )
    capture = captured(cfg, tmp_path / "out")
    assert capture.views.names == tuple(f"Kuche_{number}" for number in range(7))
    assert capture.poses.dropped == (("Kuche_7", "no camera was given for it"),)
    assert (capture.poses.photos, capture.poses.posed) == (8, 7)


def test_one_photo_with_a_camera_is_an_error(room: Path, tmp_path: Path) -> None:
    source = PhotosSource(images=room / "photos" / "Küche 1.jpg", cameras=room / "transforms.json")
    with pytest.raises(InputError, match="1 photo with a camera"):
        captured(SceneSpec(name="s", photos=source), tmp_path / "out")
