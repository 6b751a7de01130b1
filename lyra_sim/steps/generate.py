"""generate: a camera path through what the photos show → a video of the world along it."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lyra_sim.data.video import WorldVideo
from lyra_sim.plugins import find_plugin, load_plugin
from lyra_sim.scene.generate import FilePath
from lyra_sim.scene.spec import SceneSpec
from lyra_sim.steps.step import Step

if TYPE_CHECKING:
    from lyra_sim.generators.generator import GeneratorPlugin


def run(inputs: Mapping[str, Any], cfg: SceneSpec, *, out: Path) -> WorldVideo:
    if cfg.generate.path is None:
        video = WorldVideo(frames=None, facts={})
    else:
        from lyra_sim.generators.loop import generate_video
        from lyra_sim.generators.walkthrough import check_encoder, write_walkthrough

        check_encoder()
        make: GeneratorPlugin = load_plugin("generator", cfg.generate.backend)
        video = generate_video(inputs["depth"], cfg.generate, make(cfg.generate), seed=cfg.seed, out=out)
        declared = find_plugin("generator", cfg.generate.backend)
        if (weights := declared.weights_recorded(cfg.generate.options_of_backend)) is not None:
            video.facts["weights"] = weights
        assert video.frames is not None
        licence = video.facts.get("weights", {}).get("weights_licence")
        write_walkthrough(video.frames, out / "video" / "walkthrough.mp4", fps=cfg.generate.fps, licence=licence)
    video.save(out)
    return video


def load(folder: Path, inputs: Mapping[str, Any]) -> WorldVideo:
    return WorldVideo.load(folder)


def sources(cfg: SceneSpec) -> tuple[Path, ...]:
    """Files of the camera path, and those that the generator's declaration names."""
    chosen = cfg.generate
    if chosen.path is None:
        return ()
    path = (chosen.path.file,) if isinstance(chosen.path, FilePath) else ()
    return path + find_plugin("generator", chosen.backend).sources_of(chosen.options_of_backend)


def plugins(cfg: SceneSpec) -> tuple[str, ...]:
    """The backend, where anything is to be drawn, and what it is drawn with."""
    chosen = cfg.generate
    if chosen.path is None:
        return ()
    return (f"generator:{chosen.backend}", *find_plugin("generator", chosen.backend).used_with(chosen.options_of_backend))


STEP = Step(
    name="generate",
    version=2,
    needs=("depth",),
    reads=("generate",),
    run=run,
    load=load,
    sources=sources,
    plugins=plugins,
    resumable=True,
)
