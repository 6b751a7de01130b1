"""Mesh and free space to labelled hulls: large slabs first, then all that competes for the budget, then fences at the edge.

Which of them every face of the mesh belongs to is told last.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from jaxtyping import UInt8

from lyra_sim.collision.camera_way import cut_free
from lyra_sim.collision.clutter.clutter_hulls import spend_on_clutter
from lyra_sim.collision.clutter.components import find_components
from lyra_sim.collision.clutter.hull_budget import Spending
from lyra_sim.collision.clutter.lasting_slabs import lasting_and_loose, skin_of, surface_worth
from lyra_sim.collision.clutter.parts import Part, part_of_voxels
from lyra_sim.collision.convex.containment import HullSet
from lyra_sim.collision.convex.engine_limits import Known, few_faced
from lyra_sim.collision.convex.pieces import Piece, named
from lyra_sim.collision.convex.slender import without_slivers
from lyra_sim.collision.fences import KnownFloor, make_fences
from lyra_sim.collision.measured.free_air import AirField
from lyra_sim.collision.measured.measured_voxels import with_seen, with_surface
from lyra_sim.collision.overhang import drawn_up
from lyra_sim.collision.planes.openings import find_openings
from lyra_sim.collision.planes.plane import Plane
from lyra_sim.collision.planes.plane_finding import find_planes
from lyra_sim.collision.planes.slabs import heading_of, make_slabs
from lyra_sim.data.colliders import LABELS, ClutterFacts, ColliderFacts, Colliders, FrontierFacts, Hull, StructureFacts
from lyra_sim.data.grid import FreeSpace
from lyra_sim.data.mesh import TriMesh
from lyra_sim.scene.spec import CollideConfig

FRONTIER_SHARE = 0.2
"""Of the hull budget, at most; what fences don't use goes back to the rest. Tuned, unrecorded."""
PRICE = 2.5e-4
"""A hull that gives back less air than this isn't worth having [m^3]. Tuned on the AWS worlds."""
AIR_BAR, SURFACE_BAR = 0.01, 0.02
"""Shares of plugged air and of uncovered surface that weigh the same: the bars of the gates for both. Derived."""

SPARE = 0.01
"""The cameras' way is kept this much wider than it has to be [m]. Convention."""

SHAVED = 0.5
"""Corners that are left out of a hull to have fewer faces are at most this many voxels outside of it: what the gate forgives in
air, too. Derived."""

Shape = Callable[[Part], np.ndarray]
"""Corners of a part's hull [m]."""
Sound = Callable[[Sequence[Piece]], tuple[list[Piece], int]]
"""Makes pieces fit for engines, and counts the cut ones."""
FloorPlan = Callable[[Sequence[Hull], Plane], KnownFloor]
"""Makes the floor plan that fences are drawn on, from the measured hulls and the main floor."""

FLAT = 0.7
"""A floor or ceiling face points this much up or down at least; what stands in a slab but faces sideways is clutter.
Convention."""


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
    """All hulls of a world, at most ``config.max_hulls`` (floors and treads come whatever the budget), and its main floor.

    Args:
        mesh: Closed surface with seen faces.
        free_space: The voxels it came from.
        camera_centres: World positions [m], in walking order.
        config: Thickness, concavity and budgets.
        band_high: Top of the robot's height band above the floor [m].
        floor_plan: Where the floor is known to be free, given the measured hulls.
        seed: For CoACD.
    """
    limit, corners, voxel = config.max_hulls, config.max_vertices_per_hull, free_space.voxel_size
    free_space, surface = with_surface(free_space, mesh)
    planes = find_planes(mesh, free_space, camera_centres)
    floor = planes[0].normal, planes[0].offset
    openings = find_openings(planes, free_space)
    field = AirField.of(free_space, camera_centres, floor=floor, band_high=band_high, openings=openings)
    slabs = make_slabs(planes, free_space, thickness=config.slab_thickness, max_count=limit)
    sound = partial(_sound, camera_centres=camera_centres, voxel=voxel, max_vertices=corners, known={})
    slabs, slabs_cut = sound(slabs)
    skin = skin_of(free_space)
    worth = surface_worth(skin, free_space, floor, band_high)
    lasting, loose = lasting_and_loose(
        slabs, free_space, field, worth=worth, skin=skin, surface=surface, floor=floor, budget=limit
    )
    kept = [*lasting, *(Piece(label=part.label, points=part.points) for part in loose)]
    components, component_facts = find_components(free_space, surface, HullSet.of(named(kept)))
    lumps = [part_of_voxels(one.indices, surface_worth(one.indices, free_space, floor, band_high), field) for one in components]
    spending = Spending(
        air=field,
        heading=heading_of(planes),
        price=max(PRICE / voxel**3, 2.0),
        surface_price=AIR_BAR * field.free_count / (SURFACE_BAR * max(len(skin), 1)),
    )
    fence_budget = max(min(int(FRONTIER_SHARE * limit), limit - len(lasting) - 1), 0)
    clutter_facts = spend_on_clutter(
        [*loose, *lumps], free_space, spending, config=config, budget=max(limit - len(lasting) - fence_budget, 1), seed=seed
    )
    shape = partial(drawn_up, surface=surface, free_space=free_space, floor=floor, band_high=band_high)
    first = named([*lasting, *_pieces(spending, shape)], max_vertices=corners)  # where they are, not what engines take
    fences, fence_facts = make_fences(floor_plan(first, planes[0]), free_space, band_high=band_high, budget=fence_budget)
    fences, fences_cut = sound(fences)
    frontier = FrontierFacts(**{**fence_facts, "fences": len(fences)}, fences_cut=fences_cut)
    measured, cut_count = _fitted(spending, shape, sound, budget=max(limit - len(lasting) - len(fences), 0))
    hulls = with_seen(named([*lasting, *measured, *fences], max_vertices=corners), free_space)
    clutter = ClutterFacts(
        **component_facts,
        **clutter_facts,
        clutter_hulls=len(measured),
        components_over_budget=len(spending.dropped),
        area_over_budget=round(sum(float((part.worth > 0).sum()) for part in spending.dropped) * voxel**2, 3),
        joins=spending.joins,
        cuts=spending.cuts,
    )
    facts = ColliderFacts(
        planes=tuple(plane.facts() for plane in planes),
        main_floor=planes[0].facts(),
        structure=StructureFacts(lasting=len(lasting), loose=len(loose)),
        clutter=clutter,
        frontier=frontier,
        cut_for_camera_path=slabs_cut + fences_cut + cut_count,
        hulls={str(label): sum(hull.label == label for hull in hulls) for label in sorted({hull.label for hull in hulls})},
    )
    labels = face_labels(mesh, hulls, tolerance=voxel)
    return Colliders(hulls=hulls, face_labels=labels, facts=facts, openings=openings), planes[0]


def _pieces(spending: Spending, shape: Shape) -> list[Piece]:
    """Loose slabs first, then clutter, each from old to new, with the corners that ``shape`` gives them."""
    parts = [spending.parts[number] for number in sorted(spending.parts)]
    order = sorted(parts, key=lambda part: ("wall", "ceiling", "clutter").index(part.label))
    return [Piece(label=part.label, points=shape(part)) for part in order]


def _sound(
    pieces: Sequence[Piece], *, camera_centres: np.ndarray, voxel: float, max_vertices: int, known: Known
) -> tuple[list[Piece], int]:
    """The pieces clear of the cameras' way, no sliver and no more faces than engines take; and how many were cut for the way.

    The way comes first, with room to spare: what it leaves may be thin, and is thickened.
    """
    clear, cut_count = cut_free(pieces, camera_centres, radius=voxel + SPARE)
    few = few_faced(without_slivers(clear), max_vertices=max_vertices, tolerance=SHAVED * voxel, known=known)
    return few, cut_count


def _fitted(spending: Spending, shape: Shape, sound: Sound, *, budget: int) -> tuple[list[Piece], int]:
    """The parts as at most ``budget`` pieces, clear of the cameras' way; cuts of slivers and around the way cost pieces too."""
    room = budget
    while True:
        spending.fit(max(room, 0))
        pieces, cut_count = sound(_pieces(spending, shape))
        if len(pieces) <= budget or room <= 0:
            break
        room -= max((len(pieces) - budget) // 2, 1)  # half at a time: joining for one piece less often frees more
    pieces, too_many = pieces[:budget], []
    while len(pieces) < budget and (number := spending.readmit()) >= 0:
        more, more_cut = sound(_pieces(spending, shape))
        if len(more) > budget:
            too_many.append(spending.remove(number))
        else:
            pieces, cut_count = more, more_cut
    spending.dropped += too_many
    return pieces, cut_count


def face_labels(mesh: TriMesh, hulls: Sequence[Hull], *, tolerance: float) -> UInt8[np.ndarray, "f"]:
    """Index into LABELS for every face: ``unseen`` where it wasn't measured, else by the hull its centre lies in.

    Floors come first, then walls, ceilings, and clutter for all that is left.

    Args:
        mesh: The surface to label.
        hulls: Named hulls.
        tolerance: How far outside a hull its faces may lie [m]: a voxel.
    """
    labels = np.full(len(mesh.faces), LABELS.index("clutter"), np.uint8)
    centres = mesh.triangles.astype(np.float64).mean(axis=1)
    normals = mesh.face_normals()
    fits = {"floor": normals[:, 2] > FLAT, "wall": np.abs(normals[:, 2]) < FLAT, "ceiling": normals[:, 2] < -FLAT}
    for label in ("ceiling", "wall", "floor"):
        chosen = HullSet.of([hull for hull in hulls if hull.label == label])
        index = np.flatnonzero(fits[label])
        near = chosen.contains(centres[index], margin=tolerance)
        labels[index[near]] = LABELS.index(label)
    labels[~mesh.face_seen] = LABELS.index("unseen")
    return labels
