"""A given mesh, read a second time by another library: a reader that loses shelves loses them in everything that follows.

trimesh reads glTF, OBJ and PLY; a USD stage is walked a second time without any of this project's code for it. Where a file
uses what the second reader is known not to read, our own reading has to do: it still is a witness of every later step.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, Int32

from lyra_sim.capture.survey.mesh_files import USD_SUFFIXES
from lyra_sim.data.report import Metric
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.quality.figures.limits import limit_of
from lyra_sim.quality.figures.metrics import measured, not_measured
from lyra_sim.quality.witness.gltf_count import drawn_triangles
from lyra_sim.quality.witness.rays import Witness
from lyra_sim.rendering.ray_casting import RayCaster
from lyra_sim.usd.any_mesh import read_any_mesh
from lyra_sim.usd.plain_walk import plain_walk, unknown_to_plain_walk

RAYS = 300_000
"""In all. Convention."""
UNKNOWN_TO_TRIMESH = frozenset(
    {
        "EXT_mesh_gpu_instancing",
        "EXT_meshopt_compression",
        "KHR_draco_mesh_compression",
        "KHR_mesh_quantization",
        "KHR_meshopt_compression",
        "KHR_node_visibility",
    }
)
"""Of glTF, what moves, hides or packs triangles and isn't followed."""
GLTF_SUFFIXES = (".glb", ".gltf")
"""Convention."""
SLAB_M = 1.0
"""Area is compared in slabs of this height [m]. Convention."""
OFFSETS = (0.37, 0.87)
"""Where slabs begin [m]: of two series the one counts that agrees better, for a floor may lie on a border. Convention."""
MOST_SLABS = 200
"""Higher places are cut into this many. Convention."""
LEAST_SHARE = 0.02
"""A slab with less of all area counts as having this much. Convention."""


@dataclass(frozen=True, kw_only=True)
class Surface:
    """Triangles in the file's own frame and unit."""

    vertices: Float64[np.ndarray, "v 3"]
    faces: Int32[np.ndarray, "f 3"]

    def moved(self, new_from_frame: Similarity) -> "Surface":
        """The same in another frame."""
        return Surface(vertices=new_from_frame.apply(self.vertices), faces=self.faces)


@dataclass(frozen=True, kw_only=True)
class SecondReading:
    """What another library makes of the files, beside what ours does."""

    own: Surface
    other: Surface | None
    """None where no second reading serves."""
    why: str
    """That is so; or what read it."""
    counted: int | None = None
    """Triangles that the files say they draw, where no second reading serves and they do say it."""

    def moved(self, new_from_frame: Similarity) -> "SecondReading":
        """Both in another frame."""
        other = None if self.other is None else self.other.moved(new_from_frame)
        return replace(self, own=self.own.moved(new_from_frame), other=other)


def read_again(files: Sequence[Path]) -> SecondReading:
    """Both readings of a scene's mesh files.

    Raises:
        InputError: Our own reading fails.
    """
    own = _joined([(part.mesh.vertices, part.mesh.faces) for part in map(read_any_mesh, files)])
    others, readers = [], []
    for file in files:
        is_usd = file.suffix.lower() in USD_SUFFIXES
        unknown = unknown_to_plain_walk(file) if is_usd else _unknown_to_trimesh(file)
        if unknown:
            why = f"{file.name}: no second reader here follows {', '.join(unknown)}"
            return SecondReading(own=own, other=None, why=why, counted=_counted(files))
        try:
            others.append(plain_walk(file) if is_usd else _by_trimesh(file))
        except Exception as error:  # noqa: BLE001 - a second reader raises whatever it likes; ours has read the file
            return SecondReading(own=own, other=None, why=f"{file.name}: the second reader fails ({type(error).__name__})")
        readers.append("a plain walk of the stage" if is_usd else "trimesh")
    return SecondReading(own=own, other=_joined(others), why="read again by " + ", ".join(dict.fromkeys(readers)))


def given_witness(reading: SecondReading, centres: Float64[np.ndarray, "c 3"], *, reach: float, seed: int) -> Witness:
    """Rays all round from where the survey stood, against the second reading, or ours where there is none.

    Args:
        reading: Its surfaces in the metric world.
        centres: Of the survey's cameras [m].
        reach: Matter farther from a camera was never captured [m].
        seed: Of the directions.
    """
    surface = reading.other or reading.own
    each = max(1, RAYS // len(centres))
    directions = np.random.default_rng(seed).normal(size=(len(centres), each, 3))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    t = RayCaster(surface.vertices, surface.faces).cast(centres[:, None], directions).t.astype(np.float64)
    with np.errstate(invalid="ignore"):
        kept = t <= reach
    ends = centres[:, None] + t[..., None] * directions
    return Witness(
        kind="own reading" if reading.other is None else "second reading",
        origins=np.broadcast_to(centres[:, None], ends.shape)[kept],
        ends=ends[kept],
        sigma=np.zeros(int(kept.sum())),
        note=reading.why,
    )


def reading_metric(reading: SecondReading) -> Metric:
    """How far the two readings differ in triangle area at any height; both are z-up and in metres."""
    name = "witness.reading_difference"
    if reading.other is None and reading.counted is not None:
        lost = abs(reading.counted - len(reading.own.faces)) / max(reading.counted, len(reading.own.faces), 1)
        told = f"{len(reading.own.faces)} triangles read, {reading.counted} drawn by the file; {reading.why}"
        return measured(name, lost, n=max(reading.counted, 1), note=told)
    if reading.other is None:
        return not_measured(name, limit_of(name).unit, reading.why)
    worst = min(_difference(reading.own, reading.other, offset) for offset in OFFSETS)
    return measured(name, worst, n=len(reading.own.faces), note=reading.why)


def _difference(first: Surface, second: Surface, offset: float) -> float:
    """Largest difference of a slab's area, as a share of the larger of the two."""
    low = min(first.vertices[:, 2].min(), second.vertices[:, 2].min())
    high = max(first.vertices[:, 2].max(), second.vertices[:, 2].max())
    start = np.floor((low - offset) / SLAB_M) * SLAB_M + offset
    edges = np.linspace(start, start + SLAB_M * np.ceil((high - start) / SLAB_M), _slabs(high - start) + 1)
    a, b = (np.diff([_area_below(surface, edge) for edge in [*edges, np.inf]]) for surface in (first, second))
    least = LEAST_SHARE * max(float(a.sum()), float(b.sum()))
    return float((np.abs(a - b) / np.maximum(np.maximum(a, b), least)).max())


def _slabs(height: float) -> int:
    return int(min(max(np.ceil(height / SLAB_M), 1), MOST_SLABS))


def _area_below(surface: Surface, height: float) -> float:
    """Triangle area below a height [m^2]."""
    corners = surface.vertices[surface.faces]
    areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
    z0, z1, z2 = np.sort(corners[..., 2], axis=1).T
    with np.errstate(divide="ignore", invalid="ignore"):
        lower = (height - z0) ** 2 / ((z1 - z0) * (z2 - z0))
        upper = 1 - (z2 - height) ** 2 / ((z2 - z1) * (z2 - z0))
    share = np.where(height >= z2, 1.0, np.where(height <= z0, 0.0, np.where(height < z1, lower, upper)))
    return float((areas * share).sum())


def _joined(parts: list[tuple[np.ndarray, np.ndarray]]) -> Surface:
    starts = np.cumsum([0] + [len(vertices) for vertices, _ in parts[:-1]])
    return Surface(
        vertices=np.concatenate([vertices for vertices, _ in parts]).astype(np.float64),
        faces=np.concatenate([faces + start for (_, faces), start in zip(parts, starts, strict=True)]).astype(np.int32),
    )


def _unknown_to_trimesh(file: Path) -> list[str]:
    """Extensions, skins and morphs of a glTF that trimesh loads as if they weren't there."""
    from lyra_sim.capture.survey.gltf.file import GltfFile

    if file.suffix.lower() not in GLTF_SUFFIXES:
        return []
    tree = GltfFile(file).tree
    unknown = sorted(UNKNOWN_TO_TRIMESH & set(tree.get("extensionsUsed", [])))
    morphs = '"targets"' in json.dumps(tree.get("meshes", []))
    return unknown + ["skins"] * bool(tree.get("skins")) + ["morph targets"] * morphs


def _counted(files: Sequence[Path]) -> int | None:
    """Triangles that glTF files say they draw; None where another kind is among them."""
    from lyra_sim.capture.survey.gltf.file import GltfFile

    if not all(file.suffix.lower() in GLTF_SUFFIXES for file in files):
        return None
    return sum(drawn_triangles(GltfFile(file).tree) for file in files)


def _by_trimesh(file: Path) -> tuple[np.ndarray, np.ndarray]:
    import trimesh

    part: Any = trimesh.load_scene(file, process=False, skip_materials=True).to_geometry()
    return np.asarray(part.vertices, np.float64), np.asarray(part.faces, np.int32)
