"""Loading a network that works beside the transformer from its folder, whole or not at all."""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from lyra_sim.errors import InputError

CONFIG = "config.json"


def load_companion(kind: Any, path: Path, dtype: torch.dtype) -> Any:
    """A transformers network from a local folder; nothing is fetched.

    Args:
        kind: Its class.
        path: Folder of ``config.json`` and safetensors.
        dtype: To load it in.

    Raises:
        InputError: The folder isn't there, or holds another network, or only a part of one.
    """
    if not (path / CONFIG).is_file():
        raise InputError(
            str(path),
            f"no {CONFIG} in it",
            expected=f"the folder of a {kind.__name__}",
            next_step="Write it with: lyra-sim weights convert SRC DST",
        )
    try:
        network, report = kind.from_pretrained(
            path, dtype=dtype, local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise InputError(str(path), f"no {kind.__name__} can be read from it ({error})") from error
    if lost := sorted(report["missing_keys"]):
        raise InputError(
            str(path),
            f"{len(lost)} weights are missing, the first is {lost[0]}",
            expected=f"all weights of {kind.__name__}",
            likely="The file of the weights is another network's.",
        )
    return network
