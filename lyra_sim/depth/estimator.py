"""The slot of kind ``depth``: depth of a whole capture, for the step of that name."""

from typing import Protocol

from lyra_sim.data.capture import Capture
from lyra_sim.data.depth import DepthEstimate
from lyra_sim.scene.spec import CaptureConfig, DepthConfig


class DepthEstimator(Protocol):
    """A function. Equal inputs give equal depth; nothing that is given is changed."""

    def __call__(self, capture: Capture, cfg: DepthConfig, *, limits: CaptureConfig) -> DepthEstimate:
        """One map a view, in the order of the views, in the capture's units.

        Args:
            capture: Posed views without depth. Held-out ones get a map that claims nothing, and confirm none.
            cfg: The section ``depth`` of the scene file.
            limits: The section ``capture``: depth beyond what it trusts isn't claimed.
        """
        ...
