"""Splats as a file holds them, before anybody has looked whether the numbers are any good."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float32

from lyra_sim.data.given import LeftOut

Kind = Literal["3DGS PLY", "compressed PLY", "SPZ", "SOG", ".splat"]
"""What is read and written, by the name that messages use."""
COMMAND = "npx @playcanvas/splat-transform"
"""A tool of others (MIT) that reads some kinds that aren't read here; messages name the one command that converts."""


@dataclass(frozen=True, kw_only=True)
class RawSplats:
    """Unactivated parameters as :class:`lyra_sim.data.splats.Splats` has them, with the file's NaN and infinities."""

    means: Float32[np.ndarray, "n 3"]
    quats_wxyz: Float32[np.ndarray, "n 4"]
    """Of any length."""
    log_scales: Float32[np.ndarray, "n 3"]
    opacity_logits: Float32[np.ndarray, "n"]
    sh_coeffs: Float32[np.ndarray, "n k 3"]
    """Degree 0 to 3."""
    kind: Kind
    version: str = ""
    """Of the format, where it has one: ``4``."""
    antialiased: bool | None = None
    """Trained with a screen-space filter that keeps what is smaller than a pixel as faint as it should be (Yu et al. 2024,
    Mip-Splatting); None: the file doesn't say."""
    properties: tuple[int, int] | None = None
    """Of a PLY's vertex element: how many there are, how many were taken."""
    left_out: tuple[LeftOut, ...] = ()
    remarks: tuple[str, ...] = ()
