"""Nav-Environment rules NE.4xx that hold the occupancy map against what physics sees."""

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64

from lyra_sim.data.occupancy import FREE_CELL, OCCUPIED, OccupancyMap
from lyra_sim.errors import InputError
from lyra_sim.usd.rules.nav_package import MAP_FOLDER
from lyra_sim.usd.rules.stage_view import ColliderMesh, Finding, View

DEFAULT_BAND = (0.1, 0.62)
"""MobilityGen's height band, where the manifest tells none [m]. Convention."""
MOST_BLOCKED, MOST_BARE = 0.01, 0.05
"""Share of the free cells that may lie in a hull, and of the occupied cells that may have none: hulls and cells are coarse.
Convention."""


def map_agrees(view: View) -> Iterator[Finding]:
    hulls = [collider for collider in view.collider_meshes if collider.is_hull and len(collider.points)]
    occupancy = _map(view)
    if occupancy is None or not hulls or len(hulls) < len(view.colliders):
        return  # only hulls tell cheaply what is inside
    low, high = _band(view)
    free, occupied = np.argwhere(occupancy.free), np.argwhere(occupancy.cells == OCCUPIED)
    cell = occupancy.resolution
    blocked = _touched(hulls, occupancy, free, low + 0.25 * (high - low), high - 0.25 * (high - low), margin=-cell)
    if blocked.mean() > MOST_BLOCKED:
        yield (
            MAP_FOLDER,
            f"{blocked.mean():.0%} of the free cells lie inside a hull {_near(occupancy, free[blocked])}: a robot would bump",
        )
    bare = ~_touched(hulls, occupancy, occupied, low, high, margin=1.5 * cell)
    if len(occupied) and bare.mean() > MOST_BARE:
        yield (
            MAP_FOLDER,
            f"{bare.mean():.0%} of the occupied cells have no hull {_near(occupancy, occupied[bare])}",
        )


def routes_free(view: View) -> Iterator[Finding]:
    occupancy = _map(view)
    if occupancy is None:
        return
    for route in _manifest(view).get("routes", []):
        way = np.array(route["waypoints"], np.float64).reshape(-1, 2)
        points = np.concatenate([_along(a, b, occupancy.resolution) for a, b in pairwise(way)])
        off = occupancy.sample(points) != FREE_CELL
        if off.any():
            x, y = points[off][0]
            yield (
                "manifest.json",
                f"{route['name']} leaves the free cells at ({x:.2f}, {y:.2f}) m, and {off.mean():.0%} of it does",
            )


def _along(a: Float64[np.ndarray, "2"], b: Float64[np.ndarray, "2"], step: float) -> Float64[np.ndarray, "m 2"]:
    return np.linspace(a, b, max(int(np.linalg.norm(b - a) / step), 1) + 1)


def _touched(
    hulls: list[ColliderMesh],
    occupancy: OccupancyMap,
    cells: Int64[np.ndarray, "n 2"],
    low: float,
    high: float,
    *,
    margin: float,
) -> Bool[np.ndarray, "n"]:
    """Cells whose centre, anywhere between two heights, lies within ``margin`` of a hull; negative: that deep inside [m]."""
    xy = occupancy.centres(cells)
    touched = np.zeros(len(xy), bool)
    for hull in hulls:
        bottom, top = max(float(hull.points[:, 2].min()), low), min(float(hull.points[:, 2].max()), high)
        if bottom > top:
            continue
        reach = max(margin, 0.0)
        outline = hull.points[:, :2]
        near = ~touched & ((xy > outline.min(axis=0) - reach) & (xy < outline.max(axis=0) + reach)).all(axis=1)
        planes = hull.planes() * (1 if hull.volume >= 0 else -1)
        for z in np.unique([bottom, (bottom + top) / 2, top]):
            near &= ~touched
            # planes that face up or down bound the hull's own height, which the interval keeps to already
            depth = np.c_[xy[near], np.full(int(near.sum()), z)] @ planes[:, :3].T + planes[:, 3]
            sideways = margin * np.linalg.norm(planes[:, :2], axis=1) + 1e-6
            touched[np.flatnonzero(near)[(depth <= sideways).all(axis=1)]] = True
    return touched


def _near(occupancy: OccupancyMap, cells: Int64[np.ndarray, "n 2"]) -> str:
    x, y = np.median(occupancy.centres(cells), axis=0)
    return f"(around {x:.1f}, {y:.1f} m)"


def _map(view: View) -> OccupancyMap | None:
    """None where there is none that reads, which NE.403 tells."""
    try:
        occupancy = OccupancyMap.load(view.path.parent / MAP_FOLDER)
    except InputError:
        return None
    return occupancy if occupancy.free.any() else None


def _manifest(view: View) -> dict[str, Any]:
    """Empty where there is none, or one that NE.405 has said isn't readable."""
    file = view.path.parent / "manifest.json"
    try:
        facts = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    except ValueError:
        facts = {}
    return facts if isinstance(facts, dict) else {}


def _band(view: View) -> tuple[float, float]:
    low, high = _manifest(view).get("robot_band", DEFAULT_BAND)
    return float(low), float(high)
