"""Depth of posed views: estimated, on its way from a provider to a step folder, and what the depth step hands on."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

from lyra_sim.data.capture import Capture, DepthFacts
from lyra_sim.data.files import read_json, write_json
from lyra_sim.errors import GeometryError, InputError

MEASURED_CONFIDENCE = 0.75
"""Confidence from here on: several views measured this very pixel. Below: inferred from its surroundings (a planar prior).
Convention."""


@dataclass(frozen=True, kw_only=True)
class DepthMap:
    """Depth of one view, at the resolution of that view."""

    z_depth: Float32[np.ndarray, "h w"]
    """Along the optical axis [capture units]; NaN where nothing is known."""
    confidence: Float32[np.ndarray, "h w"]
    """0..1, 0 where ``z_depth`` is NaN; :data:`MEASURED_CONFIDENCE` parts measured from inferred."""
    mask: UInt8[np.ndarray, "h w"]
    """``STATIC``, ``SKY`` or ``MOVING`` of :mod:`lyra_sim.data.views`."""


@dataclass(frozen=True, kw_only=True)
class DepthEstimate:
    """What a depth provider returns: one map a view, in the order of the views, and facts about all of them."""

    maps: tuple[DepthMap, ...]
    facts: DepthFacts


@dataclass(frozen=True, kw_only=True)
class PosedDepth(Capture):
    """A capture whose every view has depth, measured or estimated: what all later steps work from."""

    depth: DepthFacts
    backend: str | None = None
    """Depth provider that estimated it; None: it came with the capture."""

    @classmethod
    def of(cls, capture: Capture) -> "PosedDepth":
        """A capture that came with its depth.

        Raises:
            InputError: It didn't.
        """
        if capture.depth is None or not capture.views.has_depth:
            raise InputError("capture", "its views have no depth", expected="measured depth, or the depth step's result")
        return cls(**vars(capture))

    @classmethod
    def estimated(
        cls, capture: Capture, facts: DepthFacts, *, backend: str, folder: Path, units_per_depth_count: float
    ) -> "PosedDepth":
        """A capture with the depth maps that :func:`write_depth_maps` wrote to ``folder``."""
        views = replace(capture.views, depth_folder=folder, units_per_depth_count=units_per_depth_count)
        return cls(**{**vars(capture), "views": views, "depth": facts, "backend": backend})

    def save(self, folder: Path) -> None:
        """What isn't the capture's own: nothing where depth came with it; maps are already in ``folder``."""
        stored: dict[str, Any] = {"passed_through": self.backend is None}
        if self.backend is not None:
            per_count = self.views.units_per_depth_count
            stored |= {"backend": self.backend, "units_per_depth_count": per_count, "facts": asdict(self.depth)}
        write_json(folder / "depth.json", stored)

    @classmethod
    def load(cls, folder: Path, capture: Capture) -> "PosedDepth":  # type: ignore[override]  # a constructor, from more
        """``capture``: the views it is the depth of."""
        stored = read_json(folder / "depth.json")
        if stored["passed_through"]:
            return cls.of(capture)
        return cls.estimated(
            capture,
            DepthFacts(**stored["facts"]),
            backend=stored["backend"],
            folder=folder,
            units_per_depth_count=stored["units_per_depth_count"],
        )


def write_depth_maps(folder: Path, names: Sequence[str], maps: Sequence[DepthMap]) -> float:
    """Write ``z_depth/``, ``confidence/`` and ``mask/``; the length of one count of the depth images [capture units].

    16 bit over the deepest value keep a relative step of at most 1e-4 from a sixth of the range on.

    Raises:
        GeometryError: No view has any depth.
    """
    for part in ("z_depth", "confidence", "mask"):
        (folder / part).mkdir(parents=True)
    deepest = max((float(np.nanmax(depth.z_depth)) for depth in maps if np.isfinite(depth.z_depth).any()), default=0.0)
    if deepest <= 0:
        raise GeometryError(
            "depth",
            f"no depth in any of {len(maps)} views",
            expected="surfaces that several views share",
            likely="The photos hardly overlap, were taken from one spot, or show nothing but blank walls.",
            next_step="Take photos that overlap by 60 % while walking sideways.",
        )
    per_count = deepest / 65000
    for name, depth in zip(names, maps, strict=True):
        known = np.isfinite(depth.z_depth)
        counts = np.where(known, np.clip(np.round(np.where(known, depth.z_depth, 0) / per_count), 1, 65535), 0)
        Image.fromarray(counts.astype(np.uint16)).save(folder / "z_depth" / f"{name}.png", compress_level=3)
        confidence = np.round(np.where(known, depth.confidence, 0) * 255).astype(np.uint8)
        Image.fromarray(confidence).save(folder / "confidence" / f"{name}.png", compress_level=3)
        Image.fromarray(depth.mask).save(folder / "mask" / f"{name}.png", compress_level=3)
    return per_count
