"""The slot of kind ``reconstructor``: posed depth to splats."""

from typing import Protocol

from lyra_sim.data.capture import Capture
from lyra_sim.data.video import WorldVideo
from lyra_sim.data.world import Reconstruction
from lyra_sim.scene.spec import ReconstructConfig


class Reconstructor(Protocol):
    """A function. Equal inputs and seeds give equal splats; nothing that is given is changed."""

    def __call__(
        self, capture: Capture, cfg: ReconstructConfig, *, video: WorldVideo | None = None, seed: int = 0
    ) -> Reconstruction:
        """Splats, and the views and cameras that the surface will be made from.

        Args:
            capture: Posed views with depth. The result's views are those of ``capture.used``, with their depth as it is, and
                its frame is the capture's wherever frames were drawn.
            cfg: The section ``reconstruct`` of the scene file.
            video: Drawn frames; they add what no photo measured.
            seed: For those that draw lots.
        """
        ...
