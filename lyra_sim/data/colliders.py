"""What physics sees: named convex hulls with labels, how much of each was ever seen, and where a robot can go among them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float32, Float64, Int32, UInt8

from lyra_sim.data.files import from_row, read_arrays, read_json, to_row, write_arrays, write_json
from lyra_sim.data.navigation import Navigation
from lyra_sim.errors import GeometryError

OpeningKind = Literal["door", "window", "passage"]
Label = Literal["floor", "wall", "ceiling", "clutter", "unseen"]
LABELS: tuple[Label, ...] = ("floor", "wall", "ceiling", "clutter", "unseen")
"""``unseen`` blocks space nobody looked into, so that a robot can't leave the known world; it is never called measured."""


@dataclass(frozen=True, kw_only=True)
class Hull:
    """One convex piece, wound outward.

    Raises:
        GeometryError: It has too few corners or faces to be a solid.
    """

    name: str
    """``<label>_<running number>``, a valid USD prim name, unique in its world."""
    label: Label
    vertices: Float32[np.ndarray, "v 3"]
    """Corners in the metric world [m]."""
    faces: Int32[np.ndarray, "f 3"]
    seen: float
    """Fraction of the piece's free-facing surface that was measured, 0..1."""

    def __post_init__(self) -> None:
        if len(self.vertices) < 4 or len(self.faces) < 4 or not np.isfinite(self.vertices).all():
            raise GeometryError(
                f"hull {self.name}", f"{len(self.vertices)} corners, {len(self.faces)} faces", expected="a solid"
            )

    def planes(self) -> np.ndarray:
        """Outward half-spaces (f, 4): inside where ``n . x + d <= 0`` [m]."""
        t = self.vertices[self.faces].astype(np.float64)
        normals = np.cross(t[:, 1] - t[:, 0], t[:, 2] - t[:, 0])
        length = np.linalg.norm(normals, axis=1)
        keep = length > 1e-12
        normals = normals[keep] / length[keep, None]
        return np.concatenate([normals, -np.einsum("fi,fi->f", normals, t[keep, 0])[:, None]], axis=1)


@dataclass(frozen=True, kw_only=True)
class Opening:
    """A hole through a wall, as seen: free air on both sides and in between. It is a place, never a hull."""

    kind: OpeningKind
    """A door reaches down to the floor and has a lintel; a passage has none, or is too wide for a door; a window has a sill."""
    centre: Float64[np.ndarray, "3"]
    """Middle of the hole, half-way through the wall [m]."""
    normal: Float64[np.ndarray, "3"]
    """Horizontal unit vector across the wall, towards the room it was found from."""
    width: float
    """Clear width along the wall [m]."""
    height: float
    """From sill to lintel, or to the ceiling where there is no lintel [m]."""
    sill: float
    """Lower edge above the floor [m]; 0 for doors and passages."""
    depth: float
    """How thick the wall is there [m]."""

    def corners(self, *, reach: float = 0.0) -> Float64[np.ndarray, "8 3"]:
        """Corners of the hole's box, ``reach`` [m] deeper than the wall on either side."""
        along = np.array([-self.normal[1], self.normal[0], 0.0]) * self.width / 2
        across, up = self.normal * (self.depth / 2 + reach), np.array([0.0, 0.0, self.height / 2])
        signs = [(a, b, c) for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)]
        return np.array([self.centre + a * along + b * across + c * up for a, b, c in signs])

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "centre": [round(float(x), 4) for x in self.centre],
            "normal": [round(float(x), 6) for x in self.normal],
            "width": round(self.width, 4),
            "height": round(self.height, 4),
            "sill": round(self.sill, 4),
            "depth": round(self.depth, 4),
        }

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> "Opening":
        return cls(**{**row, "centre": np.array(row["centre"], np.float64), "normal": np.array(row["normal"], np.float64)})


@dataclass(frozen=True, kw_only=True)
class PlaneFacts:
    """A plane that was found in the surface: ``normal . x = offset``."""

    kind: Literal["floor", "ceiling", "wall"]
    role: Literal["ramp", "step"] | None = None
    """Of a floor; None: level."""
    normal: tuple[float, float, float]
    offset: float
    """[m]"""
    area: float
    """Seen [m^2]."""
    rms: float
    """Of its samples [m]."""


@dataclass(frozen=True, kw_only=True)
class StructureFacts:
    """Pieces of slabs that are kept whatever happens, and those that compete for the budget."""

    lasting: int
    loose: int


@dataclass(frozen=True, kw_only=True)
class ClutterFacts:
    """How what isn't structure became hulls."""

    components: int
    dropped_specks: int
    dropped_specks_litres: float
    dropped_hidden: int
    """Behind the surfaces of slabs."""
    dropped_hidden_litres: float
    speck_limit_litres: float
    clutter_lumps: int
    """Before CoACD."""
    coacd_lumps: int
    coacd_taken: int
    coacd_fallbacks: tuple[str, ...]
    """Why its pieces weren't taken, one line a lump."""
    cuts_after_coacd: int
    components_merged: int
    lattices: int
    clutter_hulls: int
    components_over_budget: int
    area_over_budget: float
    """[m^2]"""
    joins: int
    cuts: int


@dataclass(frozen=True, kw_only=True)
class FrontierFacts:
    """The edge of the known floor."""

    frontier_length: float | int
    """[m]; a plain 0 where nothing is open."""
    frontier_stretches: int
    frontier_fenced: float
    """Share of the length, 0..1."""
    fences: int
    fences_cut: int
    """For the cameras' way."""


@dataclass(frozen=True, kw_only=True)
class ColliderFacts:
    """Figures of the making."""

    planes: tuple[PlaneFacts, ...]
    main_floor: PlaneFacts
    structure: StructureFacts
    clutter: ClutterFacts
    frontier: FrontierFacts
    cut_for_camera_path: int
    hulls: dict[str, int]
    """By label."""

    def to_json(self) -> dict[str, Any]:
        planes = [to_row(plane, optional=("role",)) for plane in (self.main_floor, *self.planes)]
        return {**to_row(self), "main_floor": planes[0], "planes": planes[1:]}

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> "ColliderFacts":
        kinds: dict[str, Any] = {"structure": StructureFacts, "clutter": ClutterFacts, "frontier": FrontierFacts}
        parts = {name: from_row(kind, row.get(name, {})) for name, kind in kinds.items()}
        main, planes = row.get("main_floor", {}), row.get("planes", ())
        return from_row(
            cls,
            {
                **row,
                **parts,
                "main_floor": from_row(PlaneFacts, main),
                "planes": tuple(from_row(PlaneFacts, plane) for plane in planes),
            },
        )


@dataclass(frozen=True, kw_only=True)
class Colliders:
    """All hulls of a world, and how they were made.

    Raises:
        GeometryError: Two hulls share a name.
    """

    hulls: tuple[Hull, ...]
    face_labels: UInt8[np.ndarray, "f"]
    """Index into LABELS for every face of the mesh the hulls were made from."""
    facts: ColliderFacts | None
    """None where nobody kept a record: their making is then not measured."""
    openings: tuple[Opening, ...] = ()
    """Doors, windows and passages that were found in walls; no hull stands in them."""

    def __post_init__(self) -> None:
        names = [hull.name for hull in self.hulls]
        if len(set(names)) != len(names):
            raise GeometryError("colliders", "two hulls share a name", expected="unique names")

    def by_label(self, label: Label) -> tuple[Hull, ...]:
        return tuple(hull for hull in self.hulls if hull.label == label)

    def save(self, folder: Path) -> None:
        arrays: dict[str, np.ndarray] = {"face_labels": self.face_labels}
        for hull in self.hulls:
            arrays[f"{hull.name}.vertices"], arrays[f"{hull.name}.faces"] = hull.vertices, hull.faces
        write_arrays(folder / "hulls.npz", **arrays)
        rows = [{"name": hull.name, "label": hull.label, "seen": hull.seen} for hull in self.hulls]
        openings = [opening.to_json() for opening in self.openings]
        facts = {} if self.facts is None else self.facts.to_json()
        write_json(folder / "colliders.json", {"hulls": rows, "openings": openings, "facts": facts})

    @classmethod
    def load(cls, folder: Path) -> "Colliders":
        table, arrays = read_json(folder / "colliders.json"), read_arrays(folder / "hulls.npz")
        hulls = tuple(
            Hull(**row, vertices=arrays[f"{row['name']}.vertices"], faces=arrays[f"{row['name']}.faces"])
            for row in table["hulls"]
        )
        openings = tuple(Opening.from_json(row) for row in table.get("openings", ()))
        facts = ColliderFacts.from_json(table["facts"]) if table["facts"] else None
        return cls(hulls=hulls, face_labels=arrays["face_labels"], facts=facts, openings=openings)


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
