"""Components to convex parts: joined where that is free, cut where hulls take air, by CoACD where its pieces fit better."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lyra_sim.collision.clutter.components import mesh_of_voxels
from lyra_sim.collision.clutter.convex_decomposition import Decomposition, decompose
from lyra_sim.collision.clutter.guillotine import Lattice, partition
from lyra_sim.collision.clutter.hull_budget import Spending
from lyra_sim.collision.clutter.parts import Part, part_of_points, part_of_voxels
from lyra_sim.data.grid import FreeSpace
from lyra_sim.scene.spec import CollideConfig

MAX_FACES = 400
"""Triangles a lump is thinned to before CoACD sees it: 1500 took five times as long and intruded no less (measured).
Tuned, unrecorded."""
SMALL_VOLUME = 3e-3
"""Lumps below this aren't worth CoACD's time [m^3]. Tuned, unrecorded."""
LUMP_VOLUME = 0.3
"""Lumps with a larger hull are first taken apart by straight cuts [m^3]: given half a room, CoACD plugs it and takes minutes
(measured). Tuned, unrecorded."""
SLIVER_VOLUME = 5e-5
"""CoACD's pieces below this are dropped [m^3]: slivers between cuts that only make contacts rattle. Convention."""
MAX_LATTICES = 40
"""Lumps that an exact partition is sought for, those with most air first. Convention."""
LATTICE_SHARES = (0.3, 0.4, 0.6)
"""Shares of the hulls still to be had that each round of partitions may use up: the next lays finer planes into the pieces of
the last (in one round as many hulls took a fifth more air, measured). Tuned on the AWS worlds."""
COARSE_SHARE = 0.6
"""Share of the hulls still to be had that taking large lumps apart may use up before CoACD is asked. Tuned, unrecorded."""
MAX_COACD_LUMPS = 8
"""CoACD gets this many lumps, those whose single hull takes most air; at 1-3 CPU seconds each it is the slow part.
Convention."""


def spend_on_clutter(
    parts: Sequence[Part], free_space: FreeSpace, spending: Spending, *, config: CollideConfig, budget: int, seed: int
) -> dict[str, Any]:
    """Bring ``parts`` into ``spending``, at most ``budget`` of them, and tell how they were made.

    Lattices are taken apart first, by all the cuts at once that it takes; then other large lumps by straight cuts, the most
    hopeful ones; then CoACD gets the worst of the furniture-sized lumps, and its pieces are kept when they cost no more than as
    many straight cuts would; then what is left of the budget is spent, and trades are made.

    Args:
        parts: Loose slabs and lumps, none cut yet.
        free_space: The voxels they are made of.
        spending: What joins and cuts cost; changed in place.
        config: Concavity, and the most hulls a component may take.
        budget: Hulls that may be spent in all.
        seed: For CoACD.
    """
    spending.add(parts)
    spending.join_free()
    joined_count = spending.joins
    lattices = [_take_lattices(spending, int(share * max(budget - len(spending.parts), 0))) for share in LATTICE_SHARES]
    spending.take_apart(len(spending.parts) + int(COARSE_SHARE * max(budget - len(spending.parts), 0)), over=LUMP_VOLUME)
    lump_count = len(spending.parts)
    chosen = _for_coacd(spending, free_space)
    limits = _shares([spending.parts[number].air for number in chosen], budget - lump_count, config.max_hulls_per_component)
    found = decompose(
        [mesh_of_voxels(spending.parts[number].indices, free_space, max_faces=MAX_FACES) for number in chosen],
        limits,
        concavity=config.concavity,
        mcts_iterations=config.mcts_iterations,
        max_vertices=config.max_vertices_per_hull,
        seed=seed,
    )
    fallbacks: list[str] = []
    taken = 0
    for number, result in zip(chosen, found, strict=True):
        why = _take_oblique(number, result, spending)
        if why:
            fallbacks.append(
                f"lump {number} ({spending.parts[number].volume:.3f} m^3), cut straight instead of by CoACD: {why}"
            )
        taken += number not in spending.parts
    cuts_before = spending.cuts
    spending.fit(budget)
    return {
        "clutter_lumps": lump_count,
        "coacd_lumps": len(chosen),
        "coacd_taken": taken,
        "coacd_fallbacks": tuple(fallbacks),
        "cuts_after_coacd": spending.cuts - cuts_before,
        "components_merged": joined_count,
        "lattices": sum(lattices),
    }


def _take_lattices(spending: Spending, room: int) -> int:
    """Put the pieces of the cheapest partition in the place of every lump that is better off in them; how many lumps.

    At most ``room`` pieces are added. Slabs aren't asked: they keep their thickness.
    """
    numbers, lattices = [], []
    for number in sorted(spending.parts, key=lambda key: (-spending.parts[key].air, key))[:MAX_LATTICES]:
        part = spending.parts[number]
        if part.label != "clutter" or part.air <= 2 * spending.price or not part.worth.any():
            continue
        lattice = Lattice.of(part.indices, part.worth > 0, spending.air, spending.heading)
        if lattice is not None:
            numbers.append(number)
            lattices.append(lattice)
    taken = 0
    for number, groups in zip(numbers, partition(lattices, budget=room + len(numbers), price=spending.price), strict=True):
        if len(groups) < 2:
            continue
        part = spending.parts[number]
        pieces = [part_of_voxels(part.indices[group], part.worth[group], spending.air) for group in groups]
        if sum(piece.air for piece in pieces) + (len(pieces) - 1) * spending.price < part.air:
            spending.remove(number)
            spending.add(pieces)
            taken += 1
    return taken


def _for_coacd(spending: Spending, free_space: FreeSpace) -> list[int]:
    """Numbers of the lumps CoACD gets: furniture-sized, taking air, the worst first."""
    voxel = free_space.voxel_size
    worthy = [
        number
        for number, part in spending.parts.items()
        if part.air > 2 * spending.price and part.volume <= LUMP_VOLUME and len(part.indices) * voxel**3 >= SMALL_VOLUME
    ]
    return sorted(worthy, key=lambda number: (-spending.parts[number].air, number))[:MAX_COACD_LUMPS]


def _take_oblique(number: int, result: Decomposition, spending: Spending) -> str:
    """Put CoACD's pieces in a lump's place if they beat straight cuts; why there are none to try, or nothing."""
    lump = spending.parts[number]
    pieces = [part_of_points(points, lump.indices, lump.worth, spending.air, label=lump.label) for points in result.pieces]
    oblique = [piece for piece in pieces if piece is not None and piece.volume >= SLIVER_VOLUME]
    if not oblique:
        return result.failure or "it gave slivers only"
    straight = replace(spending, parts={}, dropped=[], joins=0, cuts=0, _boxes={}, _savings=[], _halves={}, _next=0)
    straight.add([lump])
    straight.fit(len(oblique))
    _, first = np.unique(np.concatenate([piece.indices for piece in oblique]), axis=0, return_index=True)
    bare = float(lump.worth.sum() - np.concatenate([piece.worth for piece in oblique])[first].sum())
    bare_straight = sum(float(part.worth.sum()) for part in straight.dropped)
    cost = sum(part.air for part in oblique) + spending.surface_price * bare
    if cost <= sum(part.air for part in straight.parts.values()) + spending.surface_price * bare_straight:
        spending.remove(number)
        spending.add(oblique)
    return ""


def _shares(airs: Sequence[int], budget: int, most: int) -> list[int]:
    """Hull limits per lump: at least 2, at most ``most``, growing with the square root of the air a single hull would take."""
    if not airs:
        return []
    weights = np.sqrt(np.asarray(airs, np.float64))
    spare = max(budget - len(weights), 0)
    return [int(x) for x in np.clip(2 + np.floor(spare * weights / weights.sum()), 2, most)]
