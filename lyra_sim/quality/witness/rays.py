"""What a witness says: straight lines through free space, and matter at the end of each."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float64

from lyra_sim.geometry.rigid import Similarity

WitnessKind = Literal["held-out depth", "kept-back points", "second reading", "own reading"]


@dataclass(frozen=True, kw_only=True)
class Witness:
    """Rays from where something was seen to the matter that was seen there; all between is free."""

    kind: WitnessKind
    origins: Float64[np.ndarray, "n 3"]
    """Where cameras were."""
    ends: Float64[np.ndarray, "n 3"]
    """What they saw."""
    sigma: Float64[np.ndarray, "n"]
    """1σ of an end along its ray, in the unit of the frame."""
    note: str = ""
    """What it rests on, for the report."""

    def __len__(self) -> int:
        return len(self.ends)

    def places(self, of: Bool[np.ndarray, "n"]) -> int:
        """How many different ends some of the rays have: many photos that show one point are one witness of it."""
        if self.kind != "kept-back points":
            return int(of.sum())
        return len(np.unique(self.ends[of], axis=0))

    def moved(self, new_from_frame: Similarity) -> "Witness":
        """The same in another frame."""
        return replace(
            self,
            origins=new_from_frame.apply(self.origins),
            ends=new_from_frame.apply(self.ends),
            sigma=self.sigma * new_from_frame.scale,
        )

    def where(self, kept: Bool[np.ndarray, "n"]) -> "Witness":
        """Some of the rays."""
        return replace(self, origins=self.origins[kept], ends=self.ends[kept], sigma=self.sigma[kept])
