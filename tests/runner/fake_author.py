"""Third step: a world folder and its export."""

from dataclasses import dataclass
from pathlib import Path

from fake_scale import Scaled

from lyra_sim.steps.step import step


@dataclass(frozen=True)
class World:
    folder: Path

    @classmethod
    def load(cls, folder: Path) -> "World":
        return cls(folder)


@step(version=1)
def author(scale: Scaled, *, out: Path) -> World:
    for folder in ("world", "exports"):
        (out / folder).mkdir()
    (out / "world" / "world.usda").write_text(f"#usda 1.0\n# {scale}\n")
    (out / "exports" / "mesh.glb").write_text("glb")
    return World(out)
