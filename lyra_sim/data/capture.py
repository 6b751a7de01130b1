"""What capture hands on: undistorted views with cameras in a provisional frame, and what is known of its scale."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lyra_sim.data.files import read_arrays, read_json, write_arrays, write_json
from lyra_sim.data.views import Views
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.geometry.rigid import Similarity

UpAxis = Literal["x", "y", "z", "-x", "-y", "-z"]


@dataclass(frozen=True, kw_only=True)
class ScaleEstimate:
    """Metres per unit of a frame, with where it comes from and how sure it is."""

    metres_per_unit: float
    sigma_relative: float
    """One standard deviation as a fraction of the value; 0 means exact by declaration."""
    source: str
    """What the estimate rests on: ``declared metric``, ``camera height 1.25 m``, ``assumed camera height 1.5 m`` …"""

    @property
    def assumed(self) -> bool:
        """True when no evidence stands behind the value."""
        return self.source.startswith("assumed")

    def to_json(self) -> dict[str, Any]:
        return {"metres_per_unit": self.metres_per_unit, "sigma_relative": self.sigma_relative, "source": self.source}


@dataclass(frozen=True, kw_only=True)
class Capture:
    """Posed views in the capture frame (the input file's own world, in its own units)."""

    views: Views
    cameras: CameraPath
    """One camera per view; ``c2w`` is in the capture frame and units."""
    world_from_capture: Similarity
    """Provisional metric frame: metres and z-up as far as the input tells; align refines it."""
    scale: ScaleEstimate
    held_out: tuple[int, ...]
    """Indices of views that no geometry may use; they are there to measure it."""
    frame_agreement: float | None
    """Share of depth that lands on the depth of neighbouring views, 0..1; None for a single view."""
    up_source: str
    """Evidence for the provisional up direction (``declared z``, ``mean camera up``)."""

    @property
    def used(self) -> tuple[int, ...]:
        """Indices of the views geometry is made from."""
        return tuple(sorted(set(range(len(self.views))) - set(self.held_out)))

    def save(self, folder: Path) -> None:
        """Write cameras and facts; the images are already in ``folder``."""
        write_arrays(folder / "cameras.npz", c2w=self.cameras.c2w, K=self.cameras.K)
        write_json(
            folder / "capture.json",
            {
                "names": list(self.views.names),
                "rgb_suffix": self.views.rgb_suffix,
                "units_per_depth_count": self.views.units_per_depth_count,
                "width": self.cameras.width,
                "height": self.cameras.height,
                "world_from_capture": self.world_from_capture.matrix.tolist(),
                "scale": self.scale.to_json(),
                "held_out": list(self.held_out),
                "frame_agreement": None if self.frame_agreement is None else round(self.frame_agreement, 5),
                "up_source": self.up_source,
            },
        )

    @classmethod
    def load(cls, folder: Path) -> "Capture":
        facts, arrays = read_json(folder / "capture.json"), read_arrays(folder / "cameras.npz")
        return cls(
            views=Views(
                folder=folder,
                names=tuple(facts["names"]),
                rgb_suffix=facts["rgb_suffix"],
                units_per_depth_count=facts["units_per_depth_count"],
            ),
            cameras=CameraPath(c2w=arrays["c2w"], K=arrays["K"], width=facts["width"], height=facts["height"]),
            world_from_capture=Similarity.from_matrix(np.array(facts["world_from_capture"])),
            scale=ScaleEstimate(**facts["scale"]),
            held_out=tuple(facts["held_out"]),
            frame_agreement=facts["frame_agreement"],
            up_source=facts["up_source"],
        )
