"""What the generator's declaration says of a scene's options: which files and which other plug-ins its frames depend on."""

from pathlib import Path

from lyra_sim.scene.lyra2 import WEIGHTS_RECORD, Lyra2Config


def sources(options: Lyra2Config) -> tuple[Path, ...]:
    """Files of the words and of the weights: their record, which holds a digest of every part, or all of an older folder."""
    record = options.weights / WEIGHTS_RECORD
    if not record.is_file():
        return (options.weights, *(file for file in (options.captions, options.depth_weights, options.negative_file) if file))
    # What may have been put into the folder since the record was written.
    later = [options.weights / "tokenizer", options.weights / "negative_prompt.safetensors"]
    files = [record, options.captions, options.depth_weights, options.negative_file]
    files += [file for file in (*later, *(file for file, _ in options.lora_files())) if file.exists()]
    return tuple(dict.fromkeys(file for file in files if file is not None))


def uses(options: Lyra2Config) -> tuple[str, ...]:
    """Who tells the depth of drawn frames."""
    return (f"frame_depth:{options.depth}",)
