"""Builds and inputs with one fault each: changes of what a step made, which its figures have to show."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from lyra_sim.data.colliders import Colliders
from tests.broken_worlds.good import DOOR, GoodWorld, box_hull


@dataclass(frozen=True, kw_only=True)
class BuildFault:
    """A build whose figures must say so."""

    name: str
    what: str
    metric: str
    verdict: str
    message: str
    """Part of the figure's note; empty where the number tells all."""
    change: Callable[[GoodWorld], GoodWorld]


@dataclass(frozen=True, kw_only=True)
class InputFault:
    """Something false in what the user gave, which doesn't stop a build but makes a figure warn."""

    name: str
    what: str
    metric: str
    message: str
    """Part of the figure's note."""


def with_hulls(world: GoodWorld, colliders: Colliders) -> GoodWorld:
    return replace(world, colliders=colliders)


def _window(world: GoodWorld) -> GoodWorld:
    """1 × 0.8 m of the wall at x = 7, from 0.1 m up, has no hull behind it."""
    low, high = [7.0, -0.3, -0.3], [7.3, 4.3, 2.7]
    around = (
        box_hull("wall_900", "wall", low, [7.3, 1.0, 2.7]),
        box_hull("wall_901", "wall", [7.0, 2.0, -0.3], high),
        box_hull("wall_902", "wall", [7.0, 1.0, -0.3], [7.3, 2.0, 0.1]),
        box_hull("wall_903", "wall", [7.0, 1.0, 0.9], [7.3, 2.0, 2.7]),
    )
    rest = tuple(hull for hull in world.colliders.hulls if not (hull.label == "wall" and hull.vertices[:, 0].min() > 6.9))
    assert len(rest) == len(world.colliders.hulls) - 1
    return with_hulls(world, replace(world.colliders, hulls=(*rest, *around)))


def _hole(world: GoodWorld) -> GoodWorld:
    hulls = tuple(hull for hull in world.colliders.hulls if hull.name != "floor_002")
    return with_hulls(world, replace(world.colliders, hulls=hulls))


def _sealed(world: GoodWorld) -> GoodWorld:
    return with_hulls(world, replace(world.colliders, hulls=(*world.colliders.hulls, box_hull("wall_900", "wall", *DOOR))))


def _narrowed(world: GoodWorld) -> GoodWorld:
    jamb = box_hull("wall_900", "wall", [3.95, 1.4, 0.0], [4.15, 1.75, 2.05])
    return with_hulls(world, replace(world.colliders, hulls=(*world.colliders.hulls, jamb)))


def _phantom(world: GoodWorld) -> GoodWorld:
    slab = box_hull("clutter_900", "clutter", [2.0, 1.2, 0.25], [3.0, 2.2, 0.4])
    return with_hulls(world, replace(world.colliders, hulls=(*world.colliders.hulls, slab)))


def _ghost(world: GoodWorld) -> GoodWorld:
    """The cupboard is seen and can't be felt."""
    corner = world.room.boxes["cupboard"]
    hulls = tuple(hull for hull in world.colliders.hulls if not np.allclose(hull.vertices.max(axis=0), corner[1], atol=1e-4))
    assert len(hulls) == len(world.colliders.hulls) - 1
    return with_hulls(world, replace(world.colliders, hulls=hulls))


def _filled(world: GoodWorld) -> GoodWorld:
    """Decomposition gone wrong: the whole east room taken by one hull."""
    block = box_hull("clutter_900", "clutter", [4.3, 2.6, 0.0], [6.8, 3.5, 2.2])
    return with_hulls(world, replace(world.colliders, hulls=(*world.colliders.hulls, block)))


def _inside_out_mesh(world: GoodWorld) -> GoodWorld:
    mesh = world.solid.mesh
    return replace(world, solid=replace(world.solid, mesh=replace(mesh, faces=np.ascontiguousarray(mesh.faces[:, ::-1]))))


def _open_mesh(world: GoodWorld) -> GoodWorld:
    mesh = world.solid.mesh
    opened = replace(mesh, faces=mesh.faces[1:], face_seen=mesh.face_seen[1:])
    return replace(world, solid=replace(world.solid, mesh=opened))


BUILD_FAULTS = (
    BuildFault(
        name="hole_in_the_floor",
        what="a floor tile without a hull",
        metric="collision.largest_gap",
        verdict="fail",
        message="around (2.",
        change=_hole,
    ),
    BuildFault(
        name="window_in_a_wall",
        what="0.8 m² of a wall at robot height without a hull, 0.7 % of the surface",
        metric="collision.largest_gap",
        verdict="fail",
        message="around (7.00, 1.4",
        change=_window,
    ),
    BuildFault(
        name="sealed_door",
        what="a hull across the doorway the cameras went through",
        metric="collision.path_recall",
        verdict="fail",
        message="",
        change=_sealed,
    ),
    BuildFault(
        name="narrowed_door",
        what="0.35 m of that doorway taken by a hull",
        metric="collision.doorways_open",
        verdict="warn",
        message="0.55 m are left",
        change=_narrowed,
    ),
    BuildFault(
        name="floating_slab",
        what="a hull at robot height that nobody sees",
        metric="agreement.mesh.phantom_off_surface",
        verdict="warn",
        message="",
        change=_phantom,
    ),
    BuildFault(
        name="hollow_cupboard",
        what="a cupboard without a hull",
        metric="agreement.mesh.ghost_off_surface",
        verdict="warn",
        message="",
        change=_ghost,
    ),
    BuildFault(
        name="filled_room",
        what="a hull that fills 5 m³ of air",
        metric="collision.free_volume_blocked",
        verdict="fail",
        message="deepest",
        change=_filled,
    ),
    BuildFault(
        name="inside_out_mesh",
        what="the surface wound inward",
        metric="mesh.signed_volume",
        verdict="fail",
        message="",
        change=_inside_out_mesh,
    ),
    BuildFault(
        name="open_mesh",
        what="a triangle missing from the surface",
        metric="mesh.watertight",
        verdict="fail",
        message="",
        change=_open_mesh,
    ),
)


TWICE_AS_LARGE = InputFault(
    name="twice_as_large",
    what="a stated unit that is off by two",
    metric="scale.custom_sigmas",
    message="usual ceiling 2.5 m: here 1.92 times that",
)
FLOOR_OFF_THE_WALLS = InputFault(
    name="floor_off_the_walls",
    what="a floor that is 3° off the walls",
    metric="gravity.residual_deg",
    message="plumb walls, left out; nothing decides between them",
)
INPUT_FAULTS = (TWICE_AS_LARGE, FLOOR_OFF_THE_WALLS)
