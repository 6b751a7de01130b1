"""What a capture was made from: every file that changes it makes it due again."""

import json
import shutil
from pathlib import Path

from lyra_sim.scene.sources import PhotosSource, TransformsSource
from lyra_sim.scene.spec import SceneSpec
from lyra_sim.steps.capture import capture


def by_transforms(file: Path) -> tuple[Path, ...]:
    return capture.sources_of(SceneSpec(name="s", transforms=TransformsSource(file=file)))


def test_images_of_a_transforms_file_are_sources_too(tiny_room_files: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_room_files, tmp_path / "room"))
    file = folder / "transforms.json"
    assert by_transforms(file) == (file, folder / "rgb")
    facts = json.loads(file.read_text())
    for frame, file_path in zip(facts["frames"], ["beside.png", "gone.png", "rgb/0002.png", "../up/0003.png"], strict=False):
        frame["file_path"] = file_path
    facts["frames"] = facts["frames"][:4]
    file.write_text(json.dumps(facts))
    shutil.copy(next((folder / "rgb").iterdir()), folder / "beside.png")
    (tmp_path / "up").mkdir()
    assert by_transforms(file) == (file, folder / "beside.png", folder / "rgb", tmp_path / "up")


def test_a_source_names_its_files_and_folders(tmp_path: Path) -> None:
    source = PhotosSource(images=tmp_path / "photos", cameras=tmp_path / "cameras.npz")
    assert capture.sources_of(SceneSpec(name="s", photos=source)) == (tmp_path / "photos", tmp_path / "cameras.npz")
    assert by_transforms(tmp_path / "missing.json") == (tmp_path / "missing.json",)
