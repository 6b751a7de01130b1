"""What mesh hands on: the voxels that were decided free or solid, and the closed surface between them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lyra_sim.data.files import read_json, write_json
from lyra_sim.data.grid import FreeSpace
from lyra_sim.data.mesh import Texture, TriMesh


@dataclass(frozen=True, kw_only=True)
class Solid:
    """A closed surface and the voxel grid it was taken from, in the metric world."""

    mesh: TriMesh
    free_space: FreeSpace
    texture: Texture | None
    """Photos over the seen faces; None when nothing was seen."""
    facts: dict[str, Any]
    """Figures of the making: voxel size and why, counts by state, what was dropped, faces before and after."""

    def save(self, folder: Path) -> None:
        self.mesh.save(folder)
        self.free_space.save(folder)
        if self.texture is not None:
            self.texture.save(folder)
        write_json(folder / "solid.json", self.facts)

    @classmethod
    def load(cls, folder: Path) -> "Solid":
        texture = Texture.load(folder) if (folder / "texture.npz").is_file() else None
        facts = read_json(folder / "solid.json")
        return cls(mesh=TriMesh.load(folder), free_space=FreeSpace.load(folder), texture=texture, facts=facts)
