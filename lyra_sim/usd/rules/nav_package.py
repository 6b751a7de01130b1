"""Nav-Environment rules NE.4xx: the folder around the stage."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pxr import UsdUtils

from lyra_sim.data.occupancy import FREE_CELL, OccupancyMap
from lyra_sim.errors import InputError
from lyra_sim.usd.rules.stage_view import Finding, View

MAP_FOLDER = "occupancy_map"

MAX_FILE_BYTES = (1 << 32) - 1
"""What sizes and offsets of 32 bits can tell; a .usdz is such an archive. Derived."""

_BUILT_IN_SHADER = re.compile(r"(?:[A-Za-z0-9_]+|gltf/pbr)\.mdl")
"""A shader named without a folder: Kit brings those and finds them on a path of its own."""


def unresolved(view: View) -> Iterator[Finding]:
    _, _, missing = UsdUtils.ComputeAllDependencies(str(view.path))
    for asset in sorted(set(missing)):
        if not _BUILT_IN_SHADER.fullmatch(str(asset)):
            yield str(asset), "the asset isn't there"


def outside(view: View) -> Iterator[Finding]:
    layers, assets, _ = UsdUtils.ComputeAllDependencies(str(view.path))
    home = view.path.resolve().parent
    for file in sorted({layer.realPath for layer in layers} | {str(asset) for asset in assets}):
        if file and not _on_disk(file).resolve().is_relative_to(home):
            yield file, "the asset lies outside the package and will be missing on another machine"
    for layer in layers:
        for reference in layer.GetCompositionAssetDependencies():
            if Path(reference).is_absolute():
                yield reference, f"an absolute path in {Path(layer.realPath).name}"


def too_large(view: View) -> Iterator[Finding]:
    layers, assets, _ = UsdUtils.ComputeAllDependencies(str(view.path))
    for file in sorted({_on_disk(file) for file in (*(layer.realPath for layer in layers), *map(str, assets)) if file}):
        if file.is_file() and file.stat().st_size > MAX_FILE_BYTES:
            size = file.stat().st_size / (1 << 30)
            yield file.name, f"the file has {size:.2f} GiB; no .usdz can hold it, nor can many disks and tools"


def map_present(view: View) -> Iterator[Finding]:
    try:
        occupancy = _map(view)
    except InputError as error:
        yield MAP_FOLDER, f"no readable occupancy map: {error.found}"
        return
    if not occupancy.free.any():
        yield MAP_FOLDER, "the map has no free cell"


def map_fits(view: View) -> Iterator[Finding]:
    colliders = view.collider_meshes
    try:
        occupancy = _map(view)
    except InputError:
        return
    if not colliders or len(colliders) < len(view.colliders) or not occupancy.free.any():
        return  # how far a plane or a capsule reaches isn't compared
    points = np.concatenate([collider.points[:, :2] for collider in colliders])
    free = occupancy.centres(np.argwhere(occupancy.free))
    low, high = points.min(axis=0) - occupancy.resolution, points.max(axis=0) + occupancy.resolution
    if (free < low).any() or (free > high).any():
        yield (
            MAP_FOLDER,
            (f"free cells span {_span(free)} but colliders {_span(points)}: resolution, origin or size of the map is wrong"),
        )


def spawns_free(view: View) -> Iterator[Finding]:
    manifest = view.path.parent / "manifest.json"
    if not manifest.is_file():
        return
    try:
        rows = json.loads(manifest.read_text(encoding="utf-8")).get("spawns", [])
        spawns = np.array([[row["x"], row["y"]] for row in rows], np.float64).reshape(-1, 2)
        occupancy = _map(view)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        yield manifest.name, f"not a readable manifest ({error})"
        return
    except InputError:
        return
    blocked = int((occupancy.sample(spawns) != FREE_CELL).sum())
    if blocked:
        yield manifest.name, f"{blocked} of {len(spawns)} spawn poses aren't on free cells of the map"


def _on_disk(asset: str) -> Path:
    """The file that an asset is or, inside a package (``world.usdz[payload/splat.usdc]``), lies in."""
    return Path(asset.split("[")[0])


def _map(view: View) -> OccupancyMap:
    return OccupancyMap.load(view.path.parent / MAP_FOLDER)


def _span(points: np.ndarray) -> str:
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    return f"x {x0:.2f}..{x1:.2f}, y {y0:.2f}..{y1:.2f} m"
