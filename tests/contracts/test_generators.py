"""What every plug-in of kind ``generator`` keeps (:mod:`lyra_sim.generators.generator`), as the loop sees it.

Those with networks run on random weights: what they draw means nothing, their ways do.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lyra_sim.data.capture import Capture
from lyra_sim.data.video import INVENTED, KNOWN, NEW
from lyra_sim.generators.generator import Condition, Generated, Generator
from lyra_sim.generators.loop import generate_video
from lyra_sim.plugins import PluginSpec, load_plugin
from lyra_sim.scene.generate import GenerateConfig
from tests.contracts.declared import declared, must_run
from tests.lyra2.tiny_network import write_tiny_network


def lyra2_options(folder: Path) -> dict[str, Any]:
    from lyra_sim_lyra2.weights.random_folder import write_random

    write_random(folder / "tiny", size="tiny", seed=3)
    depth = write_tiny_network(folder / "depth")
    return {
        "weights": folder / "tiny", "sampler": "distilled", "caption": "a room", "depth": "transformers", "depth_weights": depth
    }  # fmt: skip


OPTIONS: dict[str, Callable[[Path], dict[str, Any]]] = {"lyra2": lyra2_options}
"""By name, what a generator that has to be told something is told here."""


@pytest.fixture(scope="module", params=declared("generator"))
def spec(request: pytest.FixtureRequest) -> PluginSpec:
    must_run(request.param)
    return request.param


@pytest.fixture(scope="module")
def cfg(spec: PluginSpec, tmp_path_factory: pytest.TempPathFactory) -> GenerateConfig:
    told = OPTIONS[spec.name](tmp_path_factory.mktemp("options")) if spec.name in OPTIONS else None
    section = {"path": "there_and_back", "backend": spec.name, "side": 64, "chunks": 1}
    return GenerateConfig.model_validate(section if told is None else {**section, spec.name: told})


class Watched:
    """Keeps what a generator was told and what it returned."""

    def __init__(self, made: Generator) -> None:
        self.made, self.seen = made, []

    def generate(self, condition: Condition) -> Generated:
        self.seen.append((condition, self.made.generate(condition)))
        return self.seen[-1][1]


@pytest.fixture(scope="module")
def drawn(spec: PluginSpec, cfg: GenerateConfig, room_capture: Capture, tmp_path_factory: pytest.TempPathFactory):
    made = load_plugin("generator", spec.name)(cfg)
    assert isinstance(made, Generator)
    watched = Watched(made)
    video = generate_video(room_capture, cfg, watched, seed=5, out=tmp_path_factory.mktemp("drawn"))
    return video, watched


def test_one_frame_a_camera_with_depth_along_the_axis_or_none(drawn) -> None:
    ((condition, found),) = drawn[1].seen
    shape = (len(condition.cameras), condition.cameras.height, condition.cameras.width)
    assert found.rgb.shape == (*shape, 3) and found.rgb.dtype == np.uint8
    assert found.invented.shape == shape and found.invented.dtype == bool
    assert found.z_depth.shape == shape and found.z_depth.dtype == np.float32
    known = np.isfinite(found.z_depth)
    assert known.any() and (found.z_depth[known] > 0).all() and np.isnan(found.z_depth[~known]).all()
    assert found.in_scale in (True, False)


def test_the_loop_makes_a_video_of_it(drawn, spec: PluginSpec) -> None:
    video, _ = drawn
    assert video.frames is not None and len(video.frames) == 81 and video.facts["backend"] == spec.name
    assert set(np.unique(video.frames.origin(40))) <= {KNOWN, INVENTED, NEW}


def test_the_same_seed_draws_the_same_frames(drawn, spec: PluginSpec, cfg: GenerateConfig, room_capture, tmp_path) -> None:
    again = generate_video(room_capture, cfg, load_plugin("generator", spec.name)(cfg), seed=5, out=tmp_path)
    for index in (1, 40, 80):
        np.testing.assert_array_equal(again.frames.rgb(index), drawn[0].frames.rgb(index))
        np.testing.assert_array_equal(again.frames.z_depth(index), drawn[0].frames.z_depth(index))
