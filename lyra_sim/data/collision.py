"""What the collide step hands on: hulls for physics, and where a robot can go among them."""

from dataclasses import dataclass
from pathlib import Path

from lyra_sim.data.colliders import Colliders
from lyra_sim.data.navigation import Navigation


@dataclass(frozen=True, kw_only=True)
class Collision:
    """Colliders and navigation of one world, in the metric world."""

    colliders: Colliders
    navigation: Navigation

    def save(self, folder: Path) -> None:
        self.colliders.save(folder)
        self.navigation.save(folder)

    @classmethod
    def load(cls, folder: Path) -> "Collision":
        return cls(colliders=Colliders.load(folder), navigation=Navigation.load(folder))
