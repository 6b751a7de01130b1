"""generate: a camera path through what the photos show → a video of the world along it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lyra_sim.data.video import WorldVideo
from lyra_sim.plugins import load_plugin
from lyra_sim.spec import SceneSpec
from lyra_sim.spec_generate import FilePath
from lyra_sim.steps.step import Step


def run(inputs: Mapping[str, Any], cfg: SceneSpec, *, out: Path) -> WorldVideo:
    if cfg.generate.path is None:
        video = WorldVideo(frames=None, facts={})
    else:
        from lyra_sim.generators.loop import generate_video
        from lyra_sim.generators.walkthrough import check_encoder, write_walkthrough

        check_encoder()
        generator = load_plugin("generator", cfg.generate.backend)(cfg.generate)
        video = generate_video(inputs["depth"], cfg.generate, generator, seed=cfg.seed, out=out)
        assert video.frames is not None
        write_walkthrough(video.frames, out / "video" / "walkthrough.mp4", fps=cfg.generate.fps)
    video.save(out)
    return video


def load(folder: Path, inputs: Mapping[str, Any]) -> WorldVideo:
    return WorldVideo.load(folder)


def sources(cfg: SceneSpec) -> tuple[Path, ...]:
    """The camera file, if the path is one."""
    return (cfg.generate.path.file,) if isinstance(cfg.generate.path, FilePath) else ()


def plugins(cfg: SceneSpec) -> tuple[str, ...]:
    """The backend, where anything is to be drawn."""
    return () if cfg.generate.path is None else (f"generator:{cfg.generate.backend}",)


STEP = Step(
    name="generate",
    version=1,
    needs=("depth",),
    reads=("generate",),
    run=run,
    load=load,
    sources=sources,
    plugins=plugins,
    resumable=True,
)
