"""The slot of kind ``exporter``: a finished world to the files others open."""

from pathlib import Path
from typing import Protocol

from lyra_sim.data.colliders import Colliders
from lyra_sim.data.mesh import Texture, TriMesh
from lyra_sim.data.navigation import Navigation
from lyra_sim.data.stage import StageBundle
from lyra_sim.data.video import WalkFacts
from lyra_sim.data.world import MetricWorld


class Exporter(Protocol):
    """A function. Equal inputs give equal bytes."""

    def __call__(
        self,
        world: MetricWorld,
        mesh: TriMesh,
        colliders: Colliders,
        navigation: Navigation,
        *,
        name: str,
        out: Path,
        texture: Texture | None = None,
        half_splats: bool = False,
        usdz: bool = False,
        drawn: WalkFacts | None = None,
    ) -> StageBundle:
        """Write ``out/world/`` with ``world.usda``, which the gate loads and the assessment reads, and ``out/exports/``.

        Args:
            world: In metres, z up, as is everything else.
            mesh: The closed surface.
            colliders: What physics feels.
            navigation: The map, routes and probes.
            name: Of the scene.
            out: The step's folder.
            texture: Of the surface, where photos painted it.
            half_splats: Also store splats in half precision.
            usdz: Also write the world as one file.
            drawn: Facts of the video whose frames were added, licences of weights among them; to be written down.
        """
        ...
