"""Before align a Reconstruction in its own frame and scale, after it a MetricWorld: two types, so nothing can mix them up."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lyra_sim.data.capture import DepthKind
from lyra_sim.data.depth import PosedDepth
from lyra_sim.data.files import from_row, read_arrays, read_json, to_row, write_arrays, write_json
from lyra_sim.data.scale import ScaleEstimate
from lyra_sim.data.splats import Splats
from lyra_sim.data.views import Views
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.geometry.up_evidence import UpEstimate


@dataclass(frozen=True, kw_only=True)
class TrainingFacts:
    """How splats were trained."""

    iterations: int
    loss: float | None
    """Mean over the last tenth."""
    seeds: int
    splats: int
    exposures: tuple[dict[str, tuple[float, ...]], ...]
    """Of every photo, in their order: ``gain`` and ``offset`` by channel."""


@dataclass(frozen=True, kw_only=True)
class KeptFacts:
    """Splats that were given and kept."""

    given: tuple[str, ...]
    """Their files."""


@dataclass(frozen=True, kw_only=True)
class AlignEvidence:
    """What floor and origin rest on, with residuals."""

    up: str
    frame: str
    """What became of the input's own frame."""
    floor_area_m2: float
    floor_rms_m: float
    provisional_up_error_deg: float
    """Of what capture took for up, against the floor's normal."""
    floor_height_in_input: float
    """[input units]"""
    floor_slope_deg: float
    """Against the up that was chosen."""
    wall_tilt_deg: float | None
    """Median lean of walls over the floor; None without enough of them."""
    camera_height_m: float
    """Median over the floor."""
    ceiling_height_m: float | None
    """None where none was found."""


@dataclass(frozen=True, kw_only=True)
class Reconstruction:
    """Splats plus depth in the reconstructor's own frame and scale; with generated frames that has to be the capture's."""

    splats: Splats
    views: Views
    """Images and z-depth the geometry rests on; depth in this frame's units."""
    cameras: CameraPath
    backend: str
    """Name of the reconstructor plug-in."""
    surface: Splats | None = None
    """One splat a cell of the measured surface, which gravity and floor are found in, where ``splats`` hold more or were
    moved by training; None: ``splats`` are that surface."""
    facts: TrainingFacts | KeptFacts | None = None
    """How the splats came about; None: fused from depth."""

    def save(self, folder: Path) -> None:
        """Splats, cameras and the depth unit are the reconstructor's own; image and depth files stay where capture put them."""
        self.splats.save_ply(folder / "splats.ply")
        if self.surface is not None:
            self.surface.save_ply(folder / "surface.ply")
        write_arrays(folder / "cameras.npz", c2w=self.cameras.c2w, K=self.cameras.K)
        facts = {
            "backend": self.backend,
            "splat_count": len(self.splats),
            "names": list(self.views.names),
            "width": self.cameras.width,
            "height": self.cameras.height,
            "units_per_depth_count": self.views.units_per_depth_count,
            "facts": {} if self.facts is None else to_row(self.facts),
        }
        write_json(folder / "reconstruction.json", facts)

    @classmethod
    def load(cls, folder: Path, *, depth: PosedDepth) -> "Reconstruction":
        """``depth``: all views of the capture, of which this one uses some."""
        facts, arrays = read_json(folder / "reconstruction.json"), read_arrays(folder / "cameras.npz")
        return cls(
            splats=Splats.load_ply(folder / "splats.ply"),
            views=replace(depth.views, names=tuple(facts["names"]), units_per_depth_count=facts["units_per_depth_count"]),
            cameras=CameraPath(c2w=arrays["c2w"], K=arrays["K"], width=facts["width"], height=facts["height"]),
            backend=facts["backend"],
            surface=Splats.load_ply(folder / "surface.ply") if (folder / "surface.ply").is_file() else None,
            facts=_made(facts["facts"]),
        )


def _made(row: dict[str, Any]) -> TrainingFacts | KeptFacts | None:
    if not row or "given" in row:
        return from_row(KeptFacts, row) if row else None
    exposures = tuple({name: tuple(values) for name, values in one.items()} for one in row.get("exposures", ()))
    return from_row(TrainingFacts, {**row, "exposures": exposures})


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """Views that no geometry rests on."""

    names: tuple[str, ...]
    cameras: CameraPath
    """``c2w`` in the metric world [m]."""


@dataclass(frozen=True, kw_only=True)
class MetricWorld:
    """Metres, z-up, gravity true, main floor at z = 0."""

    splats: Splats
    views: Views
    """Depth still in the reconstruction's units: :meth:`z_depth` brings it to metres."""
    cameras: CameraPath
    """``c2w`` in the metric world [m]."""
    world_from_input: Similarity
    """Takes coordinates of the user's input files to this world."""
    scale: ScaleEstimate
    depth_kind: DepthKind
    """What its surface rests on: travels into everything that is exported."""
    evidence: AlignEvidence
    gravity: UpEstimate | None = None
    """What tells the vertical and how sure it is, as directions in this world; None where nothing was weighed."""
    held_out: HeldOut | None = None
    """Told to exporters alone, so that others can look from there too; not stored, and None in every other step."""

    def z_depth(self, index: int) -> np.ndarray:
        """Depth along the optical axis [m]; NaN where invalid."""
        return self.views.z_depth(index) * np.float32(self.world_from_input.scale)

    def save(self, folder: Path) -> None:
        facts = {
            "world_from_input": self.world_from_input.matrix.tolist(),
            "scale": self.scale.to_json(),
            "depth_kind": self.depth_kind,
            "evidence": to_row(self.evidence),
            "gravity": None if self.gravity is None else self.gravity.to_json(),
        }
        write_json(folder / "world.json", facts)

    @classmethod
    def load(cls, folder: Path, *, reconstruct: Reconstruction) -> "MetricWorld":
        facts = read_json(folder / "world.json")
        world_from_input = Similarity.from_matrix(np.array(facts["world_from_input"]))
        return cls(
            splats=reconstruct.splats.moved(world_from_input),
            views=reconstruct.views,
            cameras=reconstruct.cameras.moved(world_from_input),
            world_from_input=world_from_input,
            scale=ScaleEstimate.from_json(facts["scale"]),
            depth_kind=facts["depth_kind"],
            evidence=from_row(AlignEvidence, facts["evidence"]),
            gravity=UpEstimate.from_json(facts["gravity"]) if facts.get("gravity") else None,
        )
