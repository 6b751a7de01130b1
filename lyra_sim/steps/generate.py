"""generate: a camera path through what the photos show → a video of the world along it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lyra_sim.data.video import WorldVideo
from lyra_sim.plugins import find_plugin, load_plugin
from lyra_sim.scene.generate import FilePath
from lyra_sim.scene.spec import SceneSpec
from lyra_sim.steps.step import Step


def run(inputs: Mapping[str, Any], cfg: SceneSpec, *, out: Path) -> WorldVideo:
    if cfg.generate.path is None:
        video = WorldVideo(frames=None, facts=None)
    else:
        from lyra_sim.generators.loop import generate_video
        from lyra_sim.generators.walkthrough import check_encoder, write_walkthrough

        check_encoder()
        generator = load_plugin("generator", cfg.generate.backend)(cfg.generate)
        video = generate_video(inputs["depth"], cfg.generate, generator, seed=cfg.seed, out=out)
        frames = video.frames
        assert frames is not None and video.facts is not None
        licence = None
        weights = find_plugin("generator", cfg.generate.backend).weights_recorded(cfg.generate.options_of_backend)
        if weights is not None:
            licence = weights.get("weights_licence")
            video = replace(video, facts=replace(video.facts, weights=weights))
        write_walkthrough(frames, out / "video" / "walkthrough.mp4", fps=cfg.generate.fps, licence=licence)
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
