"""generate: a camera path through what the photos show → a video of the world along it."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lyra_sim.data.depth import PosedDepth
from lyra_sim.data.video import WorldVideo
from lyra_sim.plugins import find_plugin, load_plugin
from lyra_sim.scene.generate import FilePath, GenerateConfig
from lyra_sim.steps.step import step

if TYPE_CHECKING:
    from lyra_sim.generators.generator import GeneratorPlugin


def sources(generate: GenerateConfig) -> tuple[Path, ...]:
    """Files of the camera path, and those that the generator's declaration names."""
    if generate.path is None:
        return ()
    path = (generate.path.file,) if isinstance(generate.path, FilePath) else ()
    return path + find_plugin("generator", generate.backend).sources_of(generate.options)


def plugins(generate: GenerateConfig) -> tuple[str, ...]:
    """The backend, where anything is to be drawn, and what it is drawn with."""
    if generate.path is None:
        return ()
    return find_plugin("generator", generate.backend).keyed_with(generate.options)


@step(version=4, sources=sources, plugins=plugins, resumable=True)
def generate(depth: PosedDepth, *, generate: GenerateConfig, seed: int, out: Path) -> WorldVideo:
    """Draw the frames along the path; none where the scene asks for no path."""
    if generate.path is None:
        video = WorldVideo(frames=None, facts=None)
    else:
        from lyra_sim.generators.loop import generate_video
        from lyra_sim.generators.walkthrough import check_encoder, write_walkthrough

        check_encoder()
        make: GeneratorPlugin = load_plugin("generator", generate.backend)
        video = generate_video(depth, generate, make(generate), seed=seed, out=out)
        frames = video.frames
        assert frames is not None and video.facts is not None
        licence = None
        weights = find_plugin("generator", generate.backend).weights_recorded(generate.options)
        if weights is not None:
            licence = weights.get("weights_licence")
            video = replace(video, facts=replace(video.facts, weights=weights))
        write_walkthrough(frames, out / "video" / "walkthrough.mp4", fps=generate.fps, licence=licence)
    video.save(out)
    return video
