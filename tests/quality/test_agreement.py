"""Phantoms and ghosts of rooms whose hulls have a known fault, against shares worked out from the boxes alone."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from lyra_sim.data.colliders import Hull
from lyra_sim.data.grid import FREE, UNSEEN
from lyra_sim.data.navigation import Navigation
from lyra_sim.data.occupancy import FREE_CELL, OCCUPIED, OccupancyMap
from lyra_sim.data.solid import Solid
from lyra_sim.data.splats import Splats
from lyra_sim.quality.agreement import APART_M, FENCE, GHOST, NOTHING_SEEN, PHANTOM, Looks, agreement_metrics, look_around
from lyra_sim.quality.figures.limits import LIMITS
from lyra_sim.quality.report.agreement import GHOST_RGB, PHANTOM_RGB, agreement_section, disagreement_map
from lyra_sim.quality.report.page import Section
from lyra_sim.quality.viewpoints import HIGHEST, LOWEST, robot_viewpoints
from lyra_sim.rendering.mesh_view import MeshScene
from tests.boxes import box_mesh
from tests.facts import SOLID_FACTS
from tests.quality.robot_views import CRATE, ROOM_HIGH, crate_room, ray_distances, robot_cameras, surface_splats, with_boxes
from tests.quality.worlds import room_grid, room_hulls, room_solid

CAMERAS = robot_cameras(24)
ROOM = crate_room(CAMERAS)
SHIFTED = {"shifted": (np.array([ROOM_HIGH[0] - 0.2, -1.0, -1.0]), ROOM_HIGH + 1.0)}
"""The wall at high x, 20 cm into the room."""


@cache
def splats() -> Splats:
    return surface_splats(ROOM)


def box_hull(name: str, box: tuple[np.ndarray, np.ndarray], label: str = "clutter") -> Hull:
    vertices, faces = box_mesh([box])
    return Hull(name=name, label=label, vertices=vertices, faces=faces, seen=1.0)


def expected(seen: np.ndarray, hit: np.ndarray) -> tuple[float, float]:
    return float((seen - hit >= APART_M).mean()), float((hit - seen >= APART_M).mean())


def test_exact_hulls_agree_with_mesh_and_splats() -> None:
    looks = look_around(CAMERAS, room_hulls(ROOM), room_solid(ROOM), splats())
    for found in looks.values():
        assert found.judged == found.kind.size
        np.testing.assert_allclose(np.nanmedian(found.seen - ray_distances(ROOM, CAMERAS)), 0, atol=0.005)
    assert looks["mesh"].share(PHANTOM) == looks["mesh"].share(GHOST) == 0
    # a flat splat is as deep as its middle, and one wide splat hangs over every edge
    assert looks["splat"].share(PHANTOM) < 0.003 and looks["splat"].share(GHOST) < 0.008
    judged = {metric.name: metric.verdict for metric in agreement_metrics(looks)}
    assert {name for name, verdict in judged.items() if verdict != "pass"} == {"agreement.views"}  # 24 of 500


def test_a_wall_moved_in_by_20_cm_is_phantom_wherever_it_is_looked_at() -> None:
    hulls = (*room_hulls(ROOM), box_hull("wall_900", SHIFTED["shifted"], "wall"))
    seen, hit = ray_distances(ROOM, CAMERAS), ray_distances(with_boxes(ROOM, **SHIFTED), CAMERAS)
    phantom, ghost = expected(seen, hit)
    assert 0.1 < phantom < 0.5 and ghost == 0
    looks = look_around(CAMERAS, hulls, room_solid(ROOM), splats())
    assert looks["mesh"].share(PHANTOM) == pytest.approx(phantom, abs=1e-3) and looks["mesh"].share(GHOST) == 0
    assert looks["splat"].share(PHANTOM) == pytest.approx(phantom, abs=6e-3)
    where = looks["mesh"].points(PHANTOM)  # on the hull, not on the wall behind it
    assert (where[:, 0] > ROOM_HIGH[0] - 0.2 - 1e-3).all() and (where[:, 0] < ROOM_HIGH[0] - 0.05).all()


def test_a_wall_a_little_off_is_no_phantom_off_the_surface() -> None:
    """Six centimetres: rays that graze the wall meet it 10 cm too early, and yet it is nowhere far from it."""
    near = {"near": (np.array([ROOM_HIGH[0] - 0.06, -1.0, -1.0]), ROOM_HIGH + 1.0)}
    looks = look_around(CAMERAS, (*room_hulls(ROOM), box_hull("wall_900", near["near"], "wall")), room_solid(ROOM), splats())
    far = look_around(
        CAMERAS, (*room_hulls(ROOM), box_hull("wall_900", SHIFTED["shifted"], "wall")), room_solid(ROOM), splats()
    )
    assert looks["mesh"].share(PHANTOM) > 0.005 and looks["mesh"].share(PHANTOM, off_surface=True) == 0
    assert 0.6 < far["mesh"].share(PHANTOM, off_surface=True) / far["mesh"].share(PHANTOM) < 1, "but by the floor and walls"


def test_a_crate_without_a_hull_is_a_ghost() -> None:
    seen, hit = ray_distances(ROOM, CAMERAS), ray_distances(replace(ROOM, boxes={}), CAMERAS)
    phantom, ghost = expected(seen, hit)
    assert phantom == 0 and ghost > 0.01
    looks = look_around(CAMERAS, room_hulls(ROOM, left_out=("crate",)), room_solid(ROOM), splats())
    assert looks["mesh"].share(GHOST) == pytest.approx(ghost, abs=1e-3) and looks["mesh"].share(PHANTOM) == 0
    assert looks["splat"].share(GHOST) == pytest.approx(ghost, abs=4e-3)
    assert 0.5 < looks["mesh"].share(GHOST, off_surface=True) / ghost < 1, "but where it stands on the floor"
    where = looks["splat"].points(GHOST)
    inside = ((where > CRATE[0] - 0.03) & (where < CRATE[1] + 0.03)).all(axis=1)
    assert inside.mean() > 0.9


def test_no_collider_at_all_is_a_ghost_everywhere() -> None:
    looks = look_around(CAMERAS.select(np.arange(2)), (), room_solid(ROOM), splats())
    assert looks["mesh"].share(GHOST) == 1.0 and looks["splat"].share(GHOST) == 1.0


def test_fences_and_bare_pixels_are_counted_apart() -> None:
    fence = (*room_hulls(ROOM), box_hull("unseen_900", SHIFTED["shifted"], "unseen"))
    east = splats().means[:, 0] > ROOM_HIGH[0] - 0.01
    bare = Splats(**{name: getattr(splats(), name)[~east] for name in Splats.__dataclass_fields__})
    looks = look_around(CAMERAS, fence, room_solid(ROOM), splats())
    shifted = ray_distances(with_boxes(ROOM, **SHIFTED), CAMERAS) < ray_distances(ROOM, CAMERAS) - 1e-6
    assert (looks["mesh"].kind == FENCE).mean() == pytest.approx(shifted.mean(), abs=1e-3)
    assert looks["mesh"].share(PHANTOM) == 0
    without = look_around(CAMERAS, room_hulls(ROOM), room_solid(ROOM), bare)["splat"]
    farther = replace(ROOM, air_high=ROOM_HIGH + np.array([1.0, 0, 0]))
    wall = ray_distances(farther, CAMERAS) > ray_distances(ROOM, CAMERAS) + 1e-6
    assert (without.kind == NOTHING_SEEN).mean() == pytest.approx(wall.mean(), abs=4e-3) and without.share(PHANTOM) < 0.003
    judged = {metric.name: metric for metric in agreement_metrics({"splat": without, "mesh": looks["mesh"]})}
    assert "show nothing measured" in judged["agreement.splat.judged"].note
    assert judged["agreement.splat.judged"].value == pytest.approx(1 - (without.kind == NOTHING_SEEN).mean())


def test_what_is_seen_before_a_fence_is_still_a_ghost() -> None:
    """The crate has lost its hull and a fence stands far behind it: a robot drives into what it sees."""
    crate = ray_distances(ROOM, CAMERAS) < ray_distances(replace(ROOM, boxes={}), CAMERAS) - 1e-6
    unseen = tuple(
        replace(hull, name=f"unseen_{number}", label="unseen")
        for number, hull in enumerate(room_hulls(replace(ROOM, boxes={})))
    )
    looks = look_around(CAMERAS, unseen, room_solid(ROOM), splats())
    far = crate & (ray_distances(replace(ROOM, boxes={}), CAMERAS) - ray_distances(ROOM, CAMERAS) > 0.11)
    assert far.any() and (looks["mesh"].kind[far] == GHOST).mean() > 0.99
    assert (looks["mesh"].kind[~crate] == FENCE).mean() > 0.99


def test_guesses_are_told_apart() -> None:
    """The crate was never photographed: no splats on it, its mesh a guess."""
    solid = room_solid(ROOM)
    guessed = solid.mesh.face_seen.copy()
    guessed[24:] = False  # the faces of boxes come last
    solid = Solid(mesh=replace(solid.mesh, face_seen=guessed), free_space=solid.free_space, texture=None, facts=SOLID_FACTS)
    empty = surface_splats(replace(ROOM, boxes={}))
    crate = ray_distances(ROOM, CAMERAS) < ray_distances(replace(ROOM, boxes={}), CAMERAS) - 1e-6
    with_hull = look_around(CAMERAS, room_hulls(ROOM), solid, empty)
    through = with_hull["splat"].unmeasured.mean()
    assert through == pytest.approx(with_hull["splat"].share(PHANTOM), abs=3e-3) and through > 0.6 * crate.mean()
    assert with_hull["mesh"].unmeasured.sum() == 0 and (with_hull["mesh"].kind == NOTHING_SEEN).mean() > 0.9 * crate.mean()
    without = look_around(CAMERAS, room_hulls(ROOM, left_out=("crate",)), solid, empty)
    assert without["mesh"].unmeasured.mean() > 0.6 * crate.mean() and without["splat"].unmeasured.sum() == 0


def navigation() -> Navigation:
    """The crate room's map, 10 cm cells."""
    cells = np.full((30, 26), FREE_CELL, np.uint8)
    cells[19:25, 3:9] = OCCUPIED
    return Navigation(
        occupancy=OccupancyMap(cells=cells, origin=np.zeros(2), resolution=0.1),
        robot_radius=0.2,
        reachable_area=0.0,
        spawns=np.zeros((0, 3)),
        probes=np.zeros((0, 3)),
        probe_room=np.zeros(0),
        routes=(),
        floor=np.array([0.02, 0.0, 0.0]),
    )


def test_viewpoints_are_spread_in_measured_air_at_camera_height() -> None:
    free = room_grid(ROOM)
    cameras = robot_viewpoints(navigation(), free, CAMERAS.centres, count=200, seed=5)
    assert cameras is not None and len(cameras) == 200
    again = robot_viewpoints(navigation(), free, CAMERAS.centres, count=200, seed=5)
    assert again is not None and np.array_equal(cameras.c2w, again.c2w)
    height = cameras.centres[:, 2] - 0.02
    assert (height >= LOWEST).all() and (height <= HIGHEST).all() and np.ptp(height) > 0.8
    assert (free.sample(cameras.centres) == FREE).all()
    quarters = np.histogram2d(*cameras.centres[:, :2].T, bins=2, range=[[0, 3], [0, 2.6]])[0]
    assert (quarters > 15).all()
    headings = np.arctan2(cameras.c2w[:, 1, 2], cameras.c2w[:, 0, 2])
    assert (np.histogram(headings, 8, (-np.pi, np.pi))[0] > 10).all()


def test_where_nobody_can_look_from_nothing_was_measured() -> None:
    free = room_grid(ROOM)
    blind = replace(free, states=np.full_like(free.states, UNSEEN))
    assert robot_viewpoints(navigation(), blind, CAMERAS.centres, count=20, seed=5) is None
    metrics = agreement_metrics(None)
    assert {metric.name for metric in metrics} == {name for name in LIMITS if name.startswith("agreement.")}
    assert {metric.verdict for metric in metrics} == {"not-measured"}


def test_the_map_shows_phantoms_and_ghosts_where_they_are() -> None:
    hulls = (*room_hulls(ROOM, left_out=("crate",)), box_hull("wall_900", SHIFTED["shifted"], "wall"))
    found: Looks = look_around(CAMERAS, hulls, room_solid(ROOM), splats())["mesh"]
    ground = np.full((52, 60, 3), 255, np.uint8)
    picture = disagreement_map(found, ground, np.zeros(2), ROOM_HIGH[:2]).astype(int)
    red, blue = (np.abs(picture - colour).sum(axis=2) < 120 for colour in (PHANTOM_RGB, GHOST_RGB))
    assert red[:, 55:57].mean() > 0.5 and red[:, :50].sum() == 0  # the shifted face, at x = 2.8
    row = 52 - round(0.9 / 0.05) - 1  # the crate's far side, at y = 0.9
    assert blue[row : row + 3, 38:50].any() and blue[:30].sum() == 0


def test_the_report_shows_maps_and_the_worst_views_the_same_every_time() -> None:
    hulls = (*room_hulls(ROOM, left_out=("crate",)), box_hull("wall_900", SHIFTED["shifted"], "wall"))
    solid = room_solid(ROOM)
    looks = look_around(CAMERAS.select(np.arange(6)), hulls, solid, splats())
    mesh = MeshScene(solid.mesh.vertices, solid.mesh.faces, solid.mesh.colors)
    ground = np.full((52, 60, 3), 255, np.uint8)

    def section(found: dict | None) -> Section | None:
        return agreement_section(found, hulls, solid, splats(), mesh, ground, low=np.zeros(2), high=ROOM_HIGH[:2])

    shown = section(looks)
    assert shown is not None and shown == section(looks) and section(None) is None
    assert len(shown.figures) == 4  # two maps, the view with most phantoms and the one with most ghosts
    share = f"{100 * looks['splat'].share(PHANTOM):.2f} % phantoms"
    assert share in shown.figures[0].caption and "mesh" in shown.figures[1].caption
    worst = int(np.argmax((looks["splat"].kind == PHANTOM).sum(axis=(1, 2))))
    x, y, z = looks["splat"].cameras.centres[worst]
    assert f"({x:.2f}, {y:.2f}, {z:.2f})" in shown.figures[2].caption and shown.figures[2].html.count("<img") == 4
