"""The generator with a network, on random weights: what it draws means nothing, so only its ways are tested."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from lyra_sim.data.capture import Capture
from lyra_sim.data.video import KNOWN, WorldVideo
from lyra_sim.errors import EnvironmentNotReady, InputError, SpecError
from lyra_sim.generators.generator import Condition, Generated
from lyra_sim.generators.loop import generate_video
from lyra_sim.generators.memory import SpatialMemory
from lyra_sim.scene.generate import GenerateConfig
from lyra_sim_lyra2 import models as lyra2_models
from lyra_sim_lyra2.generator import Lyra2
from lyra_sim_lyra2.weights.random_folder import write_random
from tests.lyra2.tiny_network import write_tiny_network

DEPTH = {"depth": "transformers"}
"""Sure of itself whatever it sees, unlike a comparison of frames that show noise."""


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights") / "tiny"
    write_random(folder, size="tiny", seed=3)
    write_tiny_network(folder / "depth")
    return folder


def config(weights: Path, *, chunks: int = 2, **options: object) -> GenerateConfig:
    lyra2 = {"weights": weights, "sampler": "distilled", "caption": "a room", **DEPTH, **options}
    lyra2 |= {"depth_weights": weights / "depth"} if lyra2["depth"] == "transformers" else {}
    return GenerateConfig.model_validate(
        {"path": "there_and_back", "backend": "lyra2", "side": 64, "chunks": chunks, "lyra2": lyra2}
    )


class Watched:
    """A generator that notes what it was told."""

    def __init__(self, cfg: GenerateConfig) -> None:
        self.drawer, self.told = Lyra2(cfg), []

    def generate(self, condition: Condition) -> Generated:
        self.told.append(condition)
        return self.drawer.generate(condition)


@pytest.fixture(scope="module")
def drawn(room_capture: Capture, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[WorldVideo, Path]:
    out = tmp_path_factory.mktemp("lyra2") / "out"
    out.mkdir()
    cfg = config(weights)
    return generate_video(room_capture, cfg, Lyra2(cfg), seed=5, out=out), out


def test_a_walk_is_drawn_chunk_after_chunk(drawn: tuple[WorldVideo, Path]) -> None:
    video, out = drawn
    assert video.frames is not None and len(video.frames) == 161
    first, later = video.frames.rgb(40), video.frames.rgb(120)
    assert first.shape == (48, 64, 3) and first.std() > 1 and not np.array_equal(first, later)
    assert sorted(path.name for path in (out / "generator").iterdir()) == [
        "latents_00000.safetensors",
        "latents_00001.safetensors",
        "profile.txt",
    ]


def test_key_frames_alone_have_depth_and_photos_vouch_for_pixels(drawn: tuple[WorldVideo, Path]) -> None:
    frames = drawn[0].frames
    assert frames is not None
    assert [bool(np.isfinite(frames.z_depth(n)).any()) for n in (79, 80, 81, 88)] == [False, True, False, True]
    share = np.mean([(frames.origin(n) == KNOWN).mean() for n in range(1, 161, 16)])
    assert 0.01 < share < 0.9, "frames this small leave few pixels off all jumps of depth; those are the photos' own"


def test_an_interrupted_video_goes_on_with_the_same_frames(
    drawn: tuple[WorldVideo, Path], room_capture: Capture, weights: Path, tmp_path: Path
) -> None:
    """The record of the second chunk is gone, as after a kill: a new process plays the first one's latents again."""
    out = Path(shutil.copytree(drawn[1], tmp_path / "out"))
    (out / "chunks" / "00001.json").unlink()
    for frame in (out / "rgb").glob("*.png"):
        if int(frame.stem) > 80:
            frame.unlink()
    cfg = config(weights)
    again = Watched(cfg)
    video = generate_video(room_capture, cfg, again, seed=5, out=out)
    assert [condition.chunk for condition in again.told] == [1]
    assert video.frames is not None and drawn[0].frames is not None
    for index in range(161):
        assert np.array_equal(video.frames.rgb(index), drawn[0].frames.rgb(index)), index
        assert np.array_equal(video.frames.z_depth(index), drawn[0].frames.z_depth(index), equal_nan=True), index
    assert video.facts == drawn[0].facts


@pytest.mark.parametrize(
    "change", [{"sampler": "guided", "steps": 2}, {"caption": "a garden"}, {"loras": [{"name": "realism_boost"}]}]
)
def test_what_is_asked_for_changes_what_is_drawn(
    change: dict[str, object], drawn: tuple[WorldVideo, Path], room_capture: Capture, weights: Path, tmp_path: Path
) -> None:
    cfg = config(weights, chunks=1, **change)
    video = generate_video(room_capture, cfg, Lyra2(cfg), seed=5, out=tmp_path)
    assert video.frames is not None and drawn[0].frames is not None
    assert not np.array_equal(video.frames.rgb(60), drawn[0].frames.rgb(60))


def test_a_folder_without_the_samplers_lora_is_refused(weights: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(weights, tmp_path / "weights"))
    record = folder / "lyra_sim_weights.json"
    record.unlink()
    (folder / "lora" / "dmd_distillation.safetensors").unlink()
    with pytest.raises(SpecError, match=r"(?s)no LoRA dmd_distillation.*draw in four steps"):
        Lyra2(config(folder))


def test_missing_weights_are_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"(?s)no such folder.*lyra-sim weights convert"):
        Lyra2(config(tmp_path / "none"))


def test_backend_and_section_go_together(weights: Path) -> None:
    with pytest.raises(ValidationError, match="backend: lyra2 together with a section lyra2"):
        GenerateConfig.model_validate({"path": "orbit", "lyra2": {"weights": weights}})
    with pytest.raises(ValidationError, match="either caption or captions"):
        config(weights, captions=Path("captions.json"))


def test_another_memory_profile_does_not_go_on_with_a_video(
    drawn: tuple[WorldVideo, Path], room_capture: Capture, weights: Path, tmp_path: Path
) -> None:
    out = Path(shutil.copytree(drawn[1], tmp_path / "out"))
    (out / "chunks" / "00001.json").unlink()
    (out / "generator" / "profile.txt").write_text("80gb")
    cfg = config(weights)
    with pytest.raises(EnvironmentNotReady, match=r"profile cpu \(expected 80gb, with which this video was begun"):
        generate_video(room_capture, cfg, Lyra2(cfg), seed=5, out=out)


def test_a_large_network_never_falls_to_the_cpu_unasked(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lyra2_models, "LARGEST_FOR_CPU", 1000)
    monkeypatch.setattr(lyra2_models, "gpu_gb", lambda: 0.0)
    with pytest.raises(EnvironmentNotReady, match=r"(?s)no GPU that torch can use.*set memory to cpu"):
        Lyra2(config(weights))
    Lyra2(config(weights, memory="cpu"))


def test_the_photo_a_path_starts_at_is_not_retrieved_for_its_first_chunk(
    room_capture: Capture, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first frame shows it already, as in the published loop, whose first chunk retrieves nothing from one photo."""
    asked: list[int | None] = []
    retrieve = SpatialMemory.retrieve

    def noted(self: SpatialMemory, targets: object, **options: object) -> object:
        if "covered_by" in options:
            asked.append(options["covered_by"])  # type: ignore[arg-type]
        return retrieve(self, targets, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(SpatialMemory, "retrieve", noted)
    cfg = config(weights, chunks=1)
    generate_video(room_capture, cfg, Lyra2(cfg), seed=5, out=tmp_path)
    assert asked[-1] is not None and asked[-1] < 0
