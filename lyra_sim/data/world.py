"""Before align a Reconstruction in its own frame and scale, after it a MetricWorld: two types, so nothing can mix them up."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lyra_sim.data.capture import ScaleEstimate
from lyra_sim.data.files import read_json, write_json
from lyra_sim.data.splats import Splats
from lyra_sim.data.views import Views
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.geometry.rigid import Similarity


@dataclass(frozen=True, kw_only=True)
class Reconstruction:
    """Splats plus depth in the reconstructor's own frame and scale."""

    splats: Splats
    views: Views
    """Images and z-depth the geometry rests on; depth in this frame's units."""
    cameras: CameraPath
    backend: str
    """Name of the reconstructor plug-in."""

    def save(self, folder: Path) -> None:
        """Only the splats are new; views and cameras stay where capture put them."""
        self.splats.save_ply(folder / "splats.ply")
        write_json(folder / "reconstruction.json", {"backend": self.backend, "splat_count": len(self.splats)})

    @classmethod
    def load(cls, folder: Path, *, views: Views, cameras: CameraPath) -> "Reconstruction":
        backend = read_json(folder / "reconstruction.json")["backend"]
        return cls(splats=Splats.load_ply(folder / "splats.ply"), views=views, cameras=cameras, backend=backend)


@dataclass(frozen=True, kw_only=True)
class MetricWorld:
    """Metres, z-up, gravity true, main floor at z = 0."""

    splats: Splats
    views: Views
    """Depth still in reconstruction units: multiply by ``metres_per_depth`` (see :meth:`z_depth`)."""
    cameras: CameraPath
    """``c2w`` in the metric world [m]."""
    world_from_input: Similarity
    """Takes coordinates of the user's input files to this world."""
    scale: ScaleEstimate
    evidence: dict[str, Any]
    """What gravity, floor and origin rest on, with residuals."""

    def z_depth(self, index: int) -> np.ndarray:
        """Depth along the optical axis [m]; NaN where invalid."""
        return self.views.z_depth(index) * np.float32(self.world_from_input.scale)

    def save(self, folder: Path) -> None:
        facts = {
            "world_from_input": self.world_from_input.matrix.tolist(),
            "scale": self.scale.to_json(),
            "evidence": self.evidence,
        }
        write_json(folder / "world.json", facts)

    @classmethod
    def load(cls, folder: Path, *, reconstruction: Reconstruction) -> "MetricWorld":
        facts = read_json(folder / "world.json")
        world_from_input = Similarity.from_matrix(np.array(facts["world_from_input"]))
        return cls(
            splats=reconstruction.splats.moved(world_from_input),
            views=reconstruction.views,
            cameras=reconstruction.cameras.moved(world_from_input),
            world_from_input=world_from_input,
            scale=ScaleEstimate(**facts["scale"]),
            evidence=facts["evidence"],
        )
