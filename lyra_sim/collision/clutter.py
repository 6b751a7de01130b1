"""Components to convex pieces: one hull where that plugs nothing, CoACD elsewhere, and cuts where pieces still intrude."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lyra_sim.collision.components import Component, mesh_of_voxels
from lyra_sim.collision.decompose import decompose
from lyra_sim.collision.pieces import Piece
from lyra_sim.collision.voxel_split import Part, merged, part_of_points, part_of_voxels, refine
from lyra_sim.data.grid import FreeSpace

MAX_FACES = 400
"""Triangles a lump is thinned to before CoACD sees it: 1500 took five times as long and intruded no less (measured)."""
SMALL_VOLUME = 3e-3
"""Lumps below this aren't worth CoACD's time [m^3]."""
LUMP_VOLUME = 0.3
"""Intruding lumps with a larger hull are first taken apart along the grid [m^3]: given half a room, CoACD plugs it and takes
minutes (measured)."""
SLIVER_VOLUME = 5e-5
"""CoACD's pieces below this are dropped [m^3]: slivers between cuts that only make contacts rattle."""
WHOLE_SHARE = 0.5
"""Share of the budget that components may take before any is cut: the smallest beyond it are left out, because a hull is worth
more where half a room would be plugged without it."""
COARSE_SHARE = 0.6
"""Share of what is left then that taking lumps apart may use up."""
MAX_COACD_LUMPS = 16
"""CoACD gets this many lumps, those whose single hull would plug most air; at 1-3 CPU seconds each it is the slow part."""


def make_clutter(
    components: Sequence[Component],
    free_space: FreeSpace,
    *,
    concavity: float,
    max_hulls_per_component: int,
    max_vertices: int,
    mcts_iterations: int,
    budget: int,
    seed: int,
) -> tuple[list[Piece], dict[str, Any]]:
    """At most ``budget`` pieces for all components, in component order, and how they were made.

    A component becomes a single hull when that hull holds no air that was measured free deeper than ``concavity`` [m]
    (or a voxel, if that is more). The worst of the others go to CoACD; its pieces are taken when they plug no more air than
    as many straight cuts would. What still intrudes is cut along voxels, worst first, as far as the budget goes.
    """
    depth = max(concavity, free_space.voxel_size)
    wholes = merged(
        [part_of_voxels(component.indices, free_space, depth=depth) for component in components], free_space, depth=depth
    )
    over = len(wholes) - max(int(WHOLE_SHARE * budget), 1)
    by_size = sorted(range(len(wholes)), key=lambda number: (-len(wholes[number].indices), number))
    wholes = [wholes[number] for number in sorted(by_size[: len(wholes) - max(over, 0)])]
    coarse = len(wholes) + int(COARSE_SHARE * max(budget - len(wholes), 0))
    lumps = refine(wholes, free_space, depth=depth, budget=coarse, min_volume=LUMP_VOLUME)
    chosen = _for_coacd(lumps, free_space)
    hard = [lumps[i] for i in sorted(chosen)]
    limits = _shares([lump.intrusion for lump in hard], budget - len(lumps) + len(hard), max_hulls_per_component)
    found = decompose(
        [mesh_of_voxels(lump.indices, free_space, max_faces=MAX_FACES) for lump in hard],
        limits,
        concavity=concavity,
        mcts_iterations=mcts_iterations,
        max_vertices=max_vertices,
        seed=seed,
    )
    parts: list[Part] = []
    fallbacks: list[str] = []
    taken = 0
    results = iter(found)
    for number, lump in enumerate(lumps):
        if number not in chosen:
            parts.append(lump)
            continue
        result = next(results)
        pieces = [part_of_points(points, lump.indices, free_space, depth=depth) for points in result.pieces]
        oblique = [piece for piece in pieces if piece is not None and piece.volume >= SLIVER_VOLUME]
        if not oblique:
            why = result.failure or "it gave slivers only"
            fallbacks.append(f"lump {number} ({lump.volume:.3f} m^3), cut along voxels instead of by CoACD: {why}")
            parts.append(lump)
            continue
        straight = refine([lump], free_space, depth=depth, budget=len(oblique))
        coacd_wins = sum(part.intrusion for part in oblique) <= sum(part.intrusion for part in straight)
        parts += oblique if coacd_wins else straight
        taken += coacd_wins
    mended = refine(parts, free_space, depth=depth, budget=budget)
    facts = {
        "clutter_hulls": len(mended),
        "clutter_lumps": len(lumps),
        "coacd_lumps": len(hard),
        "coacd_taken": taken,
        "coacd_fallbacks": fallbacks,
        "cuts_after_coacd": len(mended) - len(parts),
        "components_merged": len(components) - len(wholes) - max(over, 0),
        "components_over_budget": max(over, 0),
    }
    return [Piece(label="clutter", points=part.points) for part in mended], facts


def _for_coacd(lumps: Sequence[Part], free_space: FreeSpace) -> set[int]:
    """Numbers of the lumps CoACD gets: furniture-sized, intruding, the worst first."""
    voxel = free_space.voxel_size
    worthy = [
        i
        for i, lump in enumerate(lumps)
        if lump.intrudes(voxel) and lump.volume <= LUMP_VOLUME and len(lump.indices) * voxel**3 >= SMALL_VOLUME
    ]
    return set(sorted(worthy, key=lambda i: (-lumps[i].intrusion, i))[:MAX_COACD_LUMPS])


def _shares(intrusions: Sequence[int], budget: int, most: int) -> list[int]:
    """Hull limits per lump: at least 2, at most ``most``, growing with the square root of the air a single hull would plug."""
    if not intrusions:
        return []
    weights = np.sqrt(np.asarray(intrusions, np.float64))
    spare = max(budget - 2 * len(weights), 0)
    return [int(x) for x in np.clip(2 + np.floor(spare * weights / weights.sum()), 2, most)]
