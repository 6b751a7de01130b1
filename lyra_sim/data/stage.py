"""Where the files of an authored world are."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class StageBundle:
    """A step folder holding ``world/`` (the USD package) and ``exports/`` (the same world in plain formats)."""

    folder: Path

    @classmethod
    def load(cls, folder: Path) -> "StageBundle":
        """What author wrote stays on disk: a stage is opened where it is needed."""
        return cls(folder=folder)

    @property
    def world(self) -> Path:
        """The package folder that is handed to users."""
        return self.folder / "world"

    @property
    def exports(self) -> Path:
        """``splats.ply``, ``mesh.glb``, ``hulls.glb``."""
        return self.folder / "exports"

    @property
    def stage(self) -> Path:
        """Entry layer; opens with ``visual=mesh``."""
        return self.world / "world.usda"

    @property
    def splat_stage(self) -> Path:
        """Wrapper layer; opens with ``visual=splat``."""
        return self.world / "world_splat.usda"

    @property
    def both_stage(self) -> Path:
        """Wrapper layer; opens with ``visual=both``."""
        return self.world / "world_both.usda"

    @property
    def packed(self) -> Path:
        """The world in one file; there only if it was asked for."""
        return self.world / "world.usdz"
