"""What mesh hands on: the voxels that were decided free or solid, and the closed surface between them."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from lyra_sim.data.files import from_row, read_json, to_row, write_json
from lyra_sim.data.grid import FreeSpace
from lyra_sim.data.mesh import Texture, TriMesh


@dataclass(frozen=True, kw_only=True)
class CarveFacts:
    """How the voxels were decided."""

    voxels: int
    free_voxels: int
    solid_voxels: int
    pocket_voxels_closed: int
    """Air that no camera could have been in."""
    speck_voxels_dropped: int
    """Matter too small to be any, floating in air."""
    camera_voxels_in_matter: int
    """Voxels at a camera that depth calls matter."""
    free_components: int
    drawn_air_voxels: int | None = None
    """Opened by drawn frames alone; None without any."""


@dataclass(frozen=True, kw_only=True)
class SurfaceFacts:
    """How the closed surface was made."""

    faces_marching_cubes: int
    faces: int
    kept: str
    """Which stage of thinning."""
    matter_change_m3: float
    """What thinning moved."""


@dataclass(frozen=True, kw_only=True)
class SolidFacts:
    """Figures of the making."""

    texel_size_m: float | None
    """None without a texture."""
    voxel_size_m: float
    voxel_size_wanted_m: float
    depth_noise_m: float | None = None
    """What estimated depth errs by; None where it was measured."""
    extent_m: tuple[float, float, float]
    seen_area_share: float
    carve: CarveFacts
    surface: SurfaceFacts

    def to_json(self) -> dict[str, Any]:
        """One flat object."""
        own = to_row(self, optional=("depth_noise_m",))
        del own["carve"], own["surface"]
        return {**own, **to_row(self.carve, optional=("drawn_air_voxels",)), **to_row(self.surface)}

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> "SolidFacts":
        parts: dict[str, Any] = {"carve": CarveFacts, "surface": SurfaceFacts}
        names = {part: {field.name for field in fields(kind)} & row.keys() for part, kind in parts.items()}
        own = {name: value for name, value in row.items() if not any(name in found for found in names.values())}
        made = {part: from_row(kind, {name: row[name] for name in names[part]}) for part, kind in parts.items()}
        return from_row(cls, {**own, **made})


@dataclass(frozen=True, kw_only=True)
class Solid:
    """A closed surface and the voxel grid it was taken from, in the metric world."""

    mesh: TriMesh
    free_space: FreeSpace
    texture: Texture | None
    """Photos over the seen faces; None when nothing was seen."""
    facts: SolidFacts

    def save(self, folder: Path) -> None:
        self.mesh.save(folder)
        self.free_space.save(folder)
        if self.texture is not None:
            self.texture.save(folder)
        write_json(folder / "solid.json", self.facts.to_json())

    @classmethod
    def load(cls, folder: Path) -> "Solid":
        texture = Texture.load(folder) if (folder / "texture.npz").is_file() else None
        facts = SolidFacts.from_json(read_json(folder / "solid.json"))
        return cls(mesh=TriMesh.load(folder), free_space=FreeSpace.load(folder), texture=texture, facts=facts)
