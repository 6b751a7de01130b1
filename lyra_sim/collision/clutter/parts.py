"""Convex parts of measured matter while it is still open which of them become hulls: voxels, corners, and the air they take."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64
from scipy.spatial import ConvexHull, QhullError

from lyra_sim.collision.convex.slender import stouter
from lyra_sim.collision.measured.free_air import DEPTH_VOXELS, MOST_COLUMNS, AirField
from lyra_sim.data.colliders import Label

CUTS_PER_AXIS = 9
"""Evenly spaced cut positions ranked along each axis. Convention."""
CUTS_AT_CHANGES = 4
"""Further ones at the layers where a board or a leg begins or ends. Convention."""
TIGHT = 0.2
"""Half the edge a voxel has in a tight hull, in voxels; a hull of one layer keeps some thickness. Tuned on the AWS worlds."""
EXACT_CUTS = 2
"""The best-ranked cuts whose true hulls are then compared. Convention."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """Voxels, a convex point set that covers them, and what its hull would cost."""

    label: Label
    indices: Int64[np.ndarray, "n 3"]
    """Its voxels: measured matter, and body grown behind it."""
    worth: Float64[np.ndarray, "n"]
    """Weighted measured surface of each voxel: what is lost without a hull."""
    points: Float64[np.ndarray, "m 3"]
    """Corners of its hull [m]; a sliver is thickened here already, so that the air it then takes is in the account."""
    volume: float
    """Of the hull [m^3]."""
    air: int
    """Weighted free air the hull takes, see :class:`lyra_sim.collision.measured.free_air.AirField`."""
    depth: float = DEPTH_VOXELS
    """How deep a free centre must lie in the hull to count [voxels]. For a tight hull it is less, by as much as it is drawn in:
    else no centre would lie deep enough in a plate of two voxels, and to close a passage by one would cost nothing."""


def part_of_voxels(indices: np.ndarray, worth: np.ndarray, field: AirField, *, label: Label = "clutter") -> Part:
    """The hull of whole voxels; where it takes air, a tighter one is tried.

    That one leaves out the body grown behind the skin, and shrinks voxels towards their centres: every centre stays inside, so
    the surface stays within a voxel of the hull, and noise of single voxels no longer props it up.
    """
    indices = np.asarray(indices, np.int64)
    part = _part(indices, worth, _corners(indices, field, 0.5), field, label)
    if part.air == 0:
        return part
    skin = indices[worth > 0]
    corners = _corners(skin if len(skin) else indices, field, TIGHT)
    tight = _part(indices, worth, corners, field, label, depth=DEPTH_VOXELS - (0.5 - TIGHT))
    part = min(part, tight, key=lambda one: one.air)
    return part


def part_of_points(points: np.ndarray, indices: np.ndarray, worth: np.ndarray, field: AirField, *, label: Label) -> Part | None:
    """The hull of given points, with those of the voxels that lie in it; None if the points span no volume."""
    try:
        hull = ConvexHull(points)
    except (QhullError, ValueError):
        return None
    centres = field.origin + (indices + 0.5) * field.voxel_size
    inside = (centres @ hull.equations[:, :3].T + hull.equations[:, 3] <= field.voxel_size / 2).all(axis=1)
    return _part(indices[inside], worth[inside], np.asarray(points, np.float64), field, label)


def joined(a: Part, b: Part, field: AirField) -> Part:
    """One hull around two parts. Of different kinds of things it is clutter."""
    return _part(
        np.concatenate([a.indices, b.indices]),
        np.concatenate([a.worth, b.worth]),
        np.concatenate([a.points, b.points]),
        field,
        a.label if a.label == b.label else "clutter",
        depth=min(a.depth, b.depth),
    )


def cut(part: Part, field: AirField, heading: float) -> tuple[Part, Part] | None:
    """The straight cut whose two hulls take the least air, or None if the part is one voxel thick everywhere.

    Cuts are tried across the building's axes, their diagonals and z (in the spirit of approximate convex decomposition,
    Lien and Amato 2004, with known-free air as the concavity).
    """
    from lyra_sim.collision.measured.air_kernels import cut_costs

    if len(part.indices) < 2:
        return None
    axes, directions = _axes(heading)
    skin = part.indices[part.worth > 0]
    asked = skin if len(skin) >= 2 else part.indices
    thresholds = np.array([_thresholds(asked @ axis) for axis in axes])
    extents, volumes = cut_costs(field.prefix, asked, axes, directions, thresholds, DEPTH_VOXELS, MOST_COLUMNS)
    possible = np.argwhere(extents >= 0)
    if not len(possible):
        return None
    rank = extents[tuple(possible.T)] + 1e-3 * volumes[tuple(possible.T)]
    best: tuple[float, tuple[Part, Part]] | None = None
    for axis, position in possible[np.argsort(rank, kind="stable")[:EXACT_CUTS]]:
        below = part.indices @ axes[axis] < thresholds[axis, position]
        if below.all() or not below.any():
            continue
        halves = tuple(
            part_of_voxels(part.indices[side], part.worth[side], field, label=part.label) for side in (below, ~below)
        )
        score = sum(half.air for half in halves) + 1e-3 * sum(half.volume for half in halves) / field.voxel_size**3
        if best is None or score < best[0] - 1e-9:
            best = score, (halves[0], halves[1])
    return None if best is None else best[1]


def _thresholds(along: np.ndarray) -> Float64[np.ndarray, "p"]:
    """Where to cut: evenly spaced between the first and the last layer, and where the count of voxels a layer changes most."""
    start, end = along.min(), along.max()
    even = start + (end - start) * np.arange(1, CUTS_PER_AXIS + 1) / (CUTS_PER_AXIS + 1)
    layers = np.bincount(np.floor(along - start + 1e-9).astype(np.int64))
    changes = np.full(CUTS_AT_CHANGES, -1)  # before the first layer there is nothing to cut off
    strongest = np.argsort(-np.abs(np.diff(layers)), kind="stable")[:CUTS_AT_CHANGES]
    changes[: len(strongest)] = strongest
    return np.sort(np.concatenate([np.floor(even * 2) / 2, np.floor((start + changes) * 2) / 2 + 0.5])) + 0.25


def _axes(heading: float) -> tuple[np.ndarray, np.ndarray]:
    """Cut axes (5) and bounding directions (17) of a building that is turned by ``heading`` [rad] about z."""
    turn = np.array([[np.cos(heading), np.sin(heading), 0.0], [-np.sin(heading), np.cos(heading), 0.0], [0.0, 0.0, 1.0]])
    level = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [1, -1, 0]], np.float64)
    finer = np.array([[2, 1, 0], [1, 2, 0], [2, -1, 0], [1, -2, 0]], np.float64)
    rising = np.array([[x, y, 1] for x in (-1, 0, 1) for y in (-1, 0, 1)], np.float64)
    cuts = np.concatenate([level, [[0, 0, 1]]])
    bounds = np.concatenate([level, finer, rising])
    cuts, bounds = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (cuts, bounds))
    return cuts @ turn, bounds @ turn


def _corners(indices: np.ndarray, field: AirField, half: float) -> Float64[np.ndarray, "n 3"]:
    """Points that span the hull of voxels with so long a half edge [voxels], in the world [m]."""
    from lyra_sim.collision.measured.air_kernels import spanning_centres, spanning_corners

    low, high = indices.min(axis=0), indices.max(axis=0)
    if half == 0.5:
        corners = spanning_corners(indices - low, high - low + 1) + low
    else:
        centres = spanning_centres(indices - low, high - low + 1) + low + 0.5
        signs = np.array([[a, b, c] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)]) * half
        corners = (centres[:, None] + signs).reshape(-1, 3)
    return field.origin + corners * field.voxel_size


def _part(
    indices: np.ndarray,
    worth: np.ndarray,
    points: np.ndarray,
    field: AirField,
    label: Label,
    *,
    depth: float = DEPTH_VOXELS,
) -> Part:
    hull = ConvexHull(points)
    corners = points[np.sort(hull.vertices)]
    if (stout := stouter(corners, hull.equations)) is not None:
        hull, corners = ConvexHull(stout), stout
    return Part(
        label=label,
        indices=indices,
        worth=worth,
        points=corners,
        volume=float(hull.volume),
        air=field.taken(hull.equations, corners, depth=depth),
        depth=depth,
    )
