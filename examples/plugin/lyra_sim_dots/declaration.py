"""What lyra-sim reads before anything is built: quick to import, and nothing of the work is in it."""

from pydantic import Field

from lyra_sim.plugins import PluginSpec
from lyra_sim.scene.sources import Model


class DotsOptions(Model):
    """What a scene file may write under ``reconstruct.options``."""

    every: int = Field(default=4, ge=1, le=64)
    """A splat at every n-th pixel of every n-th row."""
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Factors on red, green and blue."""


SPEC = PluginSpec(
    kind="reconstructor",
    name="dots",
    target="lyra_sim_dots.reconstruct:reconstruct",
    version="1",
    needs={"numpy": "numpy>=2.4"},
    options=DotsOptions,
)
