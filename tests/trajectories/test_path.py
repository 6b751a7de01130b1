"""The path as a whole: it moves with the capture's frame, repeats, and can be told of in JSON."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from lyra_sim.data.capture import Capture
from lyra_sim.errors import SpecError
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.scene.generate import GenerateConfig
from lyra_sim.trajectories.path import camera_path
from tests.rooms import Room
from tests.trajectories.rooms import capture_of

PRESETS = ("walk_through", "orbit", "look_around", "there_and_back")


@pytest.fixture(scope="module")
def elsewhere(flat: Room, tmp_path_factory: pytest.TempPathFactory) -> tuple[Similarity, Capture]:
    """The flat in a frame of another unit, turned and moved."""
    rotation = Rotation.from_euler("xyz", [35, -50, 110], degrees=True).as_matrix()
    frame_from_room = Similarity(scale=0.37, rotation=rotation, translation=np.array([3.0, -1.0, 12.0]))
    return frame_from_room, capture_of(flat, tmp_path_factory.mktemp("elsewhere") / "flat", frame_from_room=frame_from_room)


@pytest.mark.parametrize("preset", PRESETS)
def test_it_moves_with_the_frame_of_the_capture(
    flat_capture: Capture, elsewhere: tuple[Similarity, Capture], preset: str
) -> None:
    frame_from_room, capture = elsewhere
    clearance = 0.2 if preset in ("walk_through", "orbit") else 0.0
    cfg = GenerateConfig.model_validate({"path": preset, "chunks": 1, "clearance": clearance})
    here, there = camera_path(flat_capture, cfg), camera_path(capture, cfg)
    expected = here.cameras.moved(frame_from_room)
    np.testing.assert_allclose(there.cameras.c2w[:, :3, :3], expected.c2w[:, :3, :3], atol=1e-4)
    np.testing.assert_allclose(there.cameras.centres, expected.centres, atol=1e-4)
    np.testing.assert_array_equal(there.cameras.K, here.cameras.K)


def test_it_repeats_to_the_bit(flat_capture: Capture) -> None:
    cfg = GenerateConfig.model_validate({"path": "orbit", "chunks": 1, "clearance": 0.3})
    once, again = camera_path(flat_capture, cfg), camera_path(flat_capture, cfg)
    np.testing.assert_array_equal(once.cameras.c2w, again.cameras.c2w)
    assert once.facts == again.facts


def test_facts_are_plain_and_true(flat_capture: Capture) -> None:
    path = camera_path(flat_capture, GenerateConfig.model_validate({"path": "walk_through", "chunks": 1}))
    facts = json.loads(json.dumps(path.facts.to_json()))
    assert facts == path.facts.to_json() and facts["frames"] == len(path.cameras) == 81
    steps = np.linalg.norm(np.diff(path.cameras.centres, axis=0), axis=1)
    assert facts["largest_step_m"] == pytest.approx(steps.max(), abs=1e-5)
    assert facts["clearance"]["asked_m"] == 0.2 and facts["clearance"]["way_kept"] == 1.0


def test_no_path_is_an_error(flat_capture: Capture) -> None:
    with pytest.raises(SpecError, match=r"generate\.path: no camera path is given"):
        camera_path(flat_capture, GenerateConfig(path=None, clearance=0.0))


def test_bare_words_and_paths_are_short_for_mappings() -> None:
    assert GenerateConfig.model_validate({"path": "orbit"}) == GenerateConfig.model_validate({"path": {"preset": "orbit"}})
    for text in ("path.npz", "paths/walk"):
        assert GenerateConfig.model_validate({"path": text}) == GenerateConfig.model_validate({"path": {"file": Path(text)}})
    cfg = GenerateConfig.model_validate({"path": {"preset": "orbit", "radius": 2}})
    assert GenerateConfig.model_validate(cfg.model_dump()) == cfg


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("orbti", "'walk_through', 'orbit', 'look_around' or 'there_and_back'"),
        ({"preset": "orbit", "length": 3}, "no length for orbit: it belongs to walk_through and there_and_back"),
        ({"preset": "walk_through", "radius": 1}, "no radius for walk_through"),
        ({"preset": "orbit", "file": "a.npz"}, "a mapping with either preset or file"),
        ({"turn_deg": 90}, "a mapping with either preset or file"),
        (3, "a preset's name, the path of a file, or a mapping"),
    ],
)
def test_a_path_that_means_nothing_is_refused(path: object, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        GenerateConfig.model_validate({"path": path})
