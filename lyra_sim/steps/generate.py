"""generate: a camera path through what the photos show → a video of the world along it."""

from pathlib import Path

from lyra_sim.data.depth import PosedDepth
from lyra_sim.data.video import WorldVideo
from lyra_sim.plugins import load_plugin
from lyra_sim.scene.generate import FilePath, GenerateConfig
from lyra_sim.scene.lyra2 import WEIGHTS_RECORD, Lyra2Config
from lyra_sim.steps.step import step


def sources(generate: GenerateConfig) -> tuple[Path, ...]:
    """Files of the camera path, of the words, and of the weights: their record, which holds a digest of every part."""
    if generate.path is None:
        return ()
    path = (generate.path.file,) if isinstance(generate.path, FilePath) else ()
    return path + (() if generate.lyra2 is None else lyra2_sources(generate.lyra2))


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


def plugins(generate: GenerateConfig) -> tuple[str, ...]:
    """The backend, where anything is to be drawn, and what it is drawn with."""
    if generate.path is None:
        return ()
    depth = () if generate.lyra2 is None else (f"frame_depth:{generate.lyra2.depth}",)
    return (f"generator:{generate.backend}", *depth)


@step(version=2, sources=sources, plugins=plugins, resumable=True)
def generate(depth: PosedDepth, *, generate: GenerateConfig, seed: int, out: Path) -> WorldVideo:
    """Draw the frames along the path; none where the scene asks for no path."""
    if generate.path is None:
        video = WorldVideo(frames=None, facts={})
    else:
        from lyra_sim.generators.loop import generate_video
        from lyra_sim.generators.walkthrough import check_encoder, write_walkthrough

        check_encoder()
        generator = load_plugin("generator", generate.backend)(generate)
        video = generate_video(depth, generate, generator, seed=seed, out=out)
        if generate.lyra2 is not None:
            from lyra_sim.world_model.weights.licences import licence_record

            video.facts["weights"] = licence_record(generate.lyra2)
        assert video.frames is not None
        licence = video.facts.get("weights", {}).get("weights_licence")
        write_walkthrough(video.frames, out / "video" / "walkthrough.mp4", fps=generate.fps, licence=licence)
    video.save(out)
    return video
