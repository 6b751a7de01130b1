"""Cameras are found once for the same photos, whatever is stated of the scale afterwards."""

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from lyra_sim.capture import photos as photos_room
from lyra_sim.data.capture import Capture
from lyra_sim.runner import build
from lyra_sim.scene.spec import SceneSpec
from lyra_sim.steps import STEP_MODULES
from lyra_sim.store import read_manifest
from tests.photo_rooms import photo_room

POSES = {"features": 800, "mappers": ["global"], "focal": "free"}


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one with every search for cameras."""
    made: list[int] = []
    search = photos_room.pose_candidates

    def counted(photos, poses, **how):
        made.append(len(photos.photos))
        return search(photos, poses, **how)

    monkeypatch.setattr(photos_room, "pose_candidates", counted)
    return made


def captured(scene: SceneSpec, out: Path, **how) -> Capture:
    result = build([scene], out, until="capture", isolate=False, **how)
    assert result.exit_code == 0, result.scenes[0].error
    return Capture.load(out / scene.name / "steps" / "01_capture")


def scene_of(source: dict, **said) -> SceneSpec:
    return SceneSpec.model_validate({"name": "room", **source, "poses": POSES, **said})


@pytest.fixture(params=["photos", "video"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> dict:
    room = photo_room(every=2)
    if request.param == "photos":
        room.write(tmp_path / "in")
        return {"photos": {"images": tmp_path / "in" / "photos"}}
    with av.open(tmp_path / "walk.mkv", "w") as film:
        stream = film.add_stream("ffv1", rate=2)
        stream.height, stream.width, stream.pix_fmt = (*room.photos[0].shape[:2], "bgr0")
        for photo in room.photos:
            film.mux(stream.encode(av.VideoFrame.from_ndarray(photo, format="rgb24").reformat(format="bgr0")))
        film.mux(stream.encode())
    return {"video": {"file": tmp_path / "walk.mkv", "frames": 40}}


def test_another_scale_finds_no_cameras_again(source: dict, searches: list[int], tmp_path: Path) -> None:
    assumed = captured(scene_of(source), tmp_path / "out")
    stated = captured(scene_of(source, scale={"camera_height": 1.3}), tmp_path / "out")
    assert searches == [12]
    assert assumed.scale.assumed and not stated.scale.assumed
    assert np.array_equal(assumed.cameras.c2w, stated.cameras.c2w) and assumed.poses == stated.poses
    captured(scene_of(source, scale={"camera_height": 1.3}), tmp_path / "elsewhere")
    one, other = (read_manifest(tmp_path / place / "room" / "steps" / "01_capture") for place in ("out", "elsewhere"))
    assert one.output_digest == other.output_digest and len(searches) == 2, "as if they had been found again"


def test_other_photos_and_other_ways_of_finding_do(searches: list[int], tmp_path: Path) -> None:
    photo_room(every=2).write(tmp_path / "in")
    source = {"photos": {"images": tmp_path / "in" / "photos"}}
    captured(scene_of(source), tmp_path / "out")
    captured(scene_of(source, seed=8), tmp_path / "out")
    first = tmp_path / "in" / "photos" / "0000.jpg"
    pixels = np.asarray(Image.open(first)).copy()
    pixels[0, 0] ^= 255
    Image.fromarray(pixels).save(first, quality=95, subsampling=0)
    captured(scene_of(source, seed=8), tmp_path / "out")
    assert len(searches) == 3
    captured(scene_of(source, seed=8), tmp_path / "out", force=["capture"])
    assert len(searches) == 4, "whoever forces a step wants all of it again"


def test_a_damaged_file_costs_a_search_and_nothing_else(searches: list[int], tmp_path: Path) -> None:
    photo_room(every=2).write(tmp_path / "in")
    source = {"photos": {"images": tmp_path / "in" / "photos"}}
    before = captured(scene_of(source), tmp_path / "out")
    (kept,) = (tmp_path / "out" / "room" / "steps" / ".01_capture.kept").iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(whole[: len(whole) // 2])
    after = captured(scene_of(source, up="z"), tmp_path / "out")
    assert len(searches) == 2 and np.array_equal(before.cameras.c2w, after.cameras.c2w)
    assert kept.read_bytes() == whole


def test_the_real_steps_keep_beside_the_first_alone() -> None:
    from lyra_sim.runner import step_table

    assert [step.name for step in step_table(STEP_MODULES) if step.contract.keeps] == ["capture"]
