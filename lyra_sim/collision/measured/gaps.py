"""Holes in the hulls: measured surface without one, patch by patch."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from lyra_sim.collision.convex.containment import HullSet
from lyra_sim.collision.measured.surface_samples import sample_seen
from lyra_sim.data.mesh import TriMesh

REACH = 1.0
"""Robots drive into what is lower than this above the main floor, and fall through it [m]. Convention."""
JOINED = 2.0
"""Samples this many times their spacing apart belong to one patch. Convention."""


@dataclass(frozen=True, kw_only=True)
class Gap:
    """One patch of measured surface that no hull stands behind."""

    area: float
    """[m^2]"""
    middle: Float64[np.ndarray, "3"]
    """[m]"""


def largest_gap(
    hulls: HullSet, mesh: TriMesh, floor: Float64[np.ndarray, "3"], *, tolerance: float, area: float, below: float = REACH
) -> Gap | None:
    """The largest connected patch of measured surface farther than ``tolerance`` [m] from every hull; None without any.

    A share over the whole surface can't see one: a square metre of open wall is a percent of a flat, and it is where robots
    are that it matters.

    Args:
        hulls: All colliders.
        mesh: The surface; only its seen faces count.
        floor: Main floor, z = floor[0] + floor[1] x + floor[2] y [m].
        tolerance: As for coverage [m].
        area: One sample stands for so much surface [m^2].
        below: Only surface lower than this above the main floor counts [m].
    """
    points = sample_seen(mesh, area=area).points
    points = points[points[:, 2] - (floor[0] + points[:, :2] @ floor[1:]) < below]
    bare = points[~hulls.contains(points, margin=tolerance)] if len(points) else points
    if not len(bare):
        return None
    pairs = cKDTree(bare).query_pairs(JOINED * np.sqrt(area), output_type="ndarray")
    links = coo_matrix((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(len(bare), len(bare)))
    _, patch = connected_components(links, directed=False)
    counts = np.bincount(patch)
    largest = int(np.argmax(counts))
    return Gap(area=float(counts[largest] * area), middle=np.median(bare[patch == largest], axis=0))
