"""The hulls of a stage as half-spaces, and where rays go in and out of them: what shots are aimed by."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from pxr import Usd, UsdGeom, UsdPhysics
from scipy.spatial import ConvexHull, QhullError

GAP = 0.005
"""Solids nearer to each other than this along a ray count as one [m]. Convention."""


@dataclass(frozen=True, kw_only=True)
class Solid:
    """One convex collider in world coordinates."""

    name: str
    """Of its prim."""
    planes: Float64[np.ndarray, "f 4"]
    """Outward half-spaces: inside where ``n . x + d <= 0`` [m]."""
    top: float
    """Its highest point [m]."""
    bottom: float
    """Its lowest point [m]."""


def read_solids(stage: Usd.Stage, root: str) -> tuple[Solid, ...]:
    """Every collider mesh under ``root`` as the convex hull of its points: what both engines make of it."""
    cache = UsdGeom.XformCache()
    solids = []
    for prim in Usd.PrimRange(stage.GetPrimAtPath(root)):
        if not (prim.IsA(UsdGeom.Mesh) and prim.HasAPI(UsdPhysics.CollisionAPI)):
            continue
        points = np.array(UsdGeom.Mesh(prim).GetPointsAttr().Get(), np.float64)
        world_from_mesh = np.array(cache.GetLocalToWorldTransform(prim))  # row vectors
        points = points @ world_from_mesh[:3, :3] + world_from_mesh[3, :3]
        try:
            hull = ConvexHull(points)
        except (QhullError, ValueError):
            continue  # flat: nothing to aim at, whatever an engine makes of it
        low, high = float(points[:, 2].min()), float(points[:, 2].max())
        solids.append(Solid(name=prim.GetName(), planes=np.unique(hull.equations, axis=0), top=high, bottom=low))
    return tuple(solids)


def crossings(
    solids: tuple[Solid, ...], starts: Float64[np.ndarray, "n 3"], directions: Float64[np.ndarray, "n 3"]
) -> tuple[Float64[np.ndarray, "n s"], Float64[np.ndarray, "n s"]]:
    """Distances at which each ray enters and leaves each solid [m]; infinite where it misses or has the solid behind it."""
    entry, leave = np.full((len(starts), len(solids)), np.inf), np.full((len(starts), len(solids)), np.inf)
    for column, solid in enumerate(solids):
        along = directions @ solid.planes[:, :3].T
        height = starts @ solid.planes[:, :3].T + solid.planes[:, 3]
        with np.errstate(divide="ignore", invalid="ignore"):
            at = -height / along
        near = np.where(along < -1e-12, at, -np.inf).max(axis=1)
        far = np.where(along > 1e-12, at, np.inf).min(axis=1)
        beside = ((np.abs(along) <= 1e-12) & (height > 0)).any(axis=1)
        hit = (near < far) & (far > 0) & ~beside
        entry[hit, column], leave[hit, column] = np.maximum(near[hit], 0.0), far[hit]
    return entry, leave


def first_met(
    solids: tuple[Solid, ...], starts: Float64[np.ndarray, "n 3"], directions: Float64[np.ndarray, "n 3"]
) -> tuple[np.ndarray, Float64[np.ndarray, "n"], Float64[np.ndarray, "n"]]:
    """For each ray the index of the solid it meets first (-1: none), where it goes in, and where it is in the open again [m].

    Solids that touch or overlap one another along the ray are one: a ball that comes out of one into the next is still held.
    """
    if not solids:
        return np.full(len(starts), -1), np.full(len(starts), np.inf), np.full(len(starts), np.inf)
    entry, leave = crossings(solids, starts, directions)
    first = np.where(np.isfinite(entry).any(axis=1), np.argmin(entry, axis=1), -1)
    near = entry.min(axis=1)
    far = np.where(first >= 0, leave[np.arange(len(starts)), first], np.inf)
    for _ in range(len(solids)):
        reach = np.where((entry <= far[:, None] + GAP) & np.isfinite(leave), leave, -np.inf).max(axis=1)
        if not (reach > far).any():
            break
        far = np.maximum(far, np.where(first >= 0, reach, far))
    return first, near, far
