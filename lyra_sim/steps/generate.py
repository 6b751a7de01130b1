"""generate: a camera path through what the photos show → a video of the world along it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lyra_sim.data.video import WorldVideo
from lyra_sim.plugins import load_plugin
from lyra_sim.scene.generate import FilePath
from lyra_sim.scene.lyra2 import WEIGHTS_RECORD, Lyra2Config
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
        if cfg.generate.lyra2 is not None:
            from lyra_sim.world_model.weights.folder import licence_record

            weights = licence_record(cfg.generate.lyra2)
            licence = weights["weights_licence"]
            video = replace(video, facts=replace(video.facts, weights=weights))
        write_walkthrough(frames, out / "video" / "walkthrough.mp4", fps=cfg.generate.fps, licence=licence)
    video.save(out)
    return video


def load(folder: Path, inputs: Mapping[str, Any]) -> WorldVideo:
    return WorldVideo.load(folder)


def sources(cfg: SceneSpec) -> tuple[Path, ...]:
    """Files of the camera path, of the words, and of the weights: their record, which holds a digest of every part."""
    if cfg.generate.path is None:
        return ()
    path = (cfg.generate.path.file,) if isinstance(cfg.generate.path, FilePath) else ()
    return path + (() if cfg.generate.lyra2 is None else lyra2_sources(cfg.generate.lyra2))


def lyra2_sources(options: Lyra2Config) -> tuple[Path, ...]:
    """What the network's frames depend on beside the scene."""
    record = options.weights / WEIGHTS_RECORD
    if not record.is_file():
        return (options.weights, *(file for file in (options.captions, options.depth_weights, options.negative_file) if file))
    # What may have been put into the folder since the record was written.
    later = [options.weights / "tokenizer", options.weights / "negative_prompt.safetensors"]
    files = [record, options.captions, options.depth_weights, options.negative_file]
    files += [file for file in (*later, *(file for file, _ in options.lora_files())) if file.exists()]
    return tuple(dict.fromkeys(file for file in files if file is not None))


def plugins(cfg: SceneSpec) -> tuple[str, ...]:
    """The backend, where anything is to be drawn, and what it is drawn with."""
    if cfg.generate.path is None:
        return ()
    depth = () if cfg.generate.lyra2 is None else (f"frame_depth:{cfg.generate.lyra2.depth}",)
    return (f"generator:{cfg.generate.backend}", *depth)


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
