"""Mesh and free space to labelled hulls: structure first, then clutter, then fences at the edge of the known floor."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lyra_sim.collision.clutter import make_clutter
from lyra_sim.collision.components import find_components
from lyra_sim.collision.containment import HullSet
from lyra_sim.collision.frontier import KnownFloor, make_fences
from lyra_sim.collision.labels import face_labels
from lyra_sim.collision.pieces import Piece, named
from lyra_sim.collision.planes import Plane, find_planes
from lyra_sim.collision.seen import with_seen
from lyra_sim.collision.slabs import make_slabs
from lyra_sim.collision.slender import without_slivers
from lyra_sim.data.colliders import Colliders, Hull
from lyra_sim.data.grid import FreeSpace
from lyra_sim.data.mesh import TriMesh
from lyra_sim.spec import CollideConfig

STRUCTURE_SHARE = 0.45
FRONTIER_SHARE = 0.2
"""Of the hull budget, at most; clutter gets what the structure leaves."""

FloorPlan = Callable[[Sequence[Hull], Plane], KnownFloor]
"""Makes the floor plan that fences are drawn on, from the measured hulls and the main floor."""


def build_colliders(
    mesh: TriMesh,
    free_space: FreeSpace,
    camera_centres: np.ndarray,
    *,
    config: CollideConfig,
    band_high: float,
    floor_plan: FloorPlan,
    seed: int,
) -> tuple[Colliders, Plane]:
    """All hulls of a world, at most ``config.max_hulls``, and its main floor.

    Args:
        mesh: Closed surface with seen faces.
        free_space: The voxels it came from.
        camera_centres: World positions [m].
        config: Thickness, concavity and budgets.
        band_high: Top of the robot's height band above the floor [m].
        floor_plan: Where the floor is known to be free, given the measured hulls.
        seed: For CoACD.
    """
    planes = find_planes(mesh, free_space, camera_centres)
    limit, corners = config.max_hulls, config.max_vertices_per_hull
    most = max(int(STRUCTURE_SHARE * limit), 1)
    slabs = without_slivers(make_slabs(planes, free_space, thickness=config.slab_thickness, max_count=most))
    components, component_facts = find_components(free_space, HullSet.of(named(slabs)))
    fence_budget = int(FRONTIER_SHARE * limit)
    clutter, clutter_facts = make_clutter(
        components,
        free_space,
        concavity=config.concavity,
        max_hulls_per_component=config.max_hulls_per_component,
        max_vertices=corners,
        mcts_iterations=config.mcts_iterations,
        budget=limit - len(slabs) - fence_budget,
        seed=seed,
    )
    measured: list[Piece] = [*slabs, *without_slivers(clutter)]
    hulls = named(measured, max_vertices=corners)
    fences, fence_facts = make_fences(
        floor_plan(hulls, planes[0]), free_space, band_high=band_high, budget=min(fence_budget, limit - len(measured))
    )
    hulls = with_seen(named([*measured, *fences], max_vertices=corners), free_space)
    facts: dict[str, Any] = {
        "planes": [plane.to_json() for plane in planes],
        "main_floor": planes[0].to_json(),
        "clutter": {**component_facts, **clutter_facts},
        "frontier": fence_facts,
        "hulls": {label: sum(hull.label == label for hull in hulls) for label in sorted({hull.label for hull in hulls})},
    }
    labels = face_labels(mesh, hulls, tolerance=free_space.voxel_size)
    return Colliders(hulls=hulls, face_labels=labels, facts=facts), planes[0]
