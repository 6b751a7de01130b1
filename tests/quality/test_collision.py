"""Collider, map, scale and stage figures on worlds whose answers are known."""

from dataclasses import replace

import numpy as np
import pytest

from lyra_sim.data.colliders import Colliders, FrontierFacts, Hull
from lyra_sim.data.navigation import Doorway, Navigation, Route
from lyra_sim.data.occupancy import FREE_CELL, OccupancyMap
from lyra_sim.data.report import Metric
from lyra_sim.data.scale import ScaleEstimate
from lyra_sim.quality.assessment import stage_metrics
from lyra_sim.quality.collision import collision_metrics, shortcut_metrics
from lyra_sim.quality.frame import scale_metrics
from lyra_sim.quality.navigation import navigation_metrics
from lyra_sim.usd.rules.issues import Issue
from tests.boxes import box_mesh
from tests.facts import COLLIDERS
from tests.quality.worlds import room_hulls, room_solid, room_surface
from tests.rooms import Room


def figures(room: Room, hulls: tuple[Hull, ...]) -> dict[str, Metric]:
    solid = room_solid(room)
    colliders = Colliders(hulls=hulls, face_labels=np.zeros(len(solid.mesh.faces), np.uint8), facts=COLLIDERS)
    return {
        metric.name.removeprefix("collision."): metric
        for metric in collision_metrics(colliders, solid, room.cameras, np.zeros(3))
    }


def test_exact_hulls_pass_everything(tiny_room: Room) -> None:
    found = figures(tiny_room, room_hulls(tiny_room))
    assert found["coverage"].value == 1.0
    assert found["free_volume_blocked"].value == 0.0
    assert found["path_recall"].value == 1.0
    assert found["hulls"].value == 6 + len(tiny_room.boxes)
    assert {metric.verdict for metric in found.values()} == {"pass"}


def test_a_missing_floor_fails_coverage_by_its_area(tiny_room: Room) -> None:
    """The floor is 28 m2 of the room's surface; pieces standing on it still cover what they touch."""
    hulls = tuple(hull for hull in room_hulls(tiny_room) if hull.label != "floor")
    found = figures(tiny_room, hulls)
    area = room_surface(tiny_room).face_areas()[room_surface(tiny_room).face_seen].sum()
    assert found["coverage"].value == pytest.approx(1 - 25.5 / area, abs=0.02)
    assert found["coverage"].verdict == "fail"


@pytest.mark.parametrize(("voxels", "verdict"), [(0.8, "pass"), (1.3, "fail")])
def test_a_floor_that_lies_too_deep_is_a_gap(tiny_room: Room, voxels: float, verdict: str) -> None:
    """What stands out of it by less than a voxel is held by it, a rug or a layer of noise; more has no hull."""
    depth = np.array([0.0, 0.0, -voxels * room_solid(tiny_room).free_space.voxel_size], np.float32)
    hulls = tuple(
        replace(hull, vertices=hull.vertices + depth) if hull.label == "floor" else hull for hull in room_hulls(tiny_room)
    )
    found = figures(tiny_room, hulls)
    assert found["largest_gap"].verdict == found["coverage"].verdict == verdict


def test_a_hull_in_the_way_blocks_air_and_path(tiny_room: Room) -> None:
    vertices, faces = box_mesh([(np.array([1.0, 1.2, 0.2]), np.array([3.0, 2.2, 1.7]))])
    ghost = Hull(name="clutter_900", label="clutter", vertices=vertices, faces=faces, seen=0.0)
    found = figures(tiny_room, (*room_hulls(tiny_room), ghost))
    air = 7 * 4 * 2.4
    assert found["free_volume_blocked"].value == pytest.approx(3.0 / air, abs=0.006)
    assert found["free_volume_blocked"].verdict == "fail"
    assert found["path_recall"].value < 0.95 and found["path_recall"].verdict == "fail"


def test_no_hulls_cover_nothing(tiny_room: Room) -> None:
    found = figures(tiny_room, ())
    assert found["coverage"].value == 0.0 and found["coverage"].verdict == "fail"


def test_shortcuts_of_the_making_warn_and_are_told() -> None:
    facts = replace(
        COLLIDERS,
        frontier=FrontierFacts(frontier_length=6.5, frontier_stretches=9, frontier_fenced=0.7, fences=5, fences_cut=0),
        clutter=replace(
            COLLIDERS.clutter,
            components=40,
            components_over_budget=3,
            coacd_lumps=4,
            coacd_fallbacks=("lump 2: killed by signal 11",),
        ),
    )
    found = {metric.name.removeprefix("collision."): metric for metric in shortcut_metrics(facts)}
    assert {name: metric.value for name, metric in found.items()} == {
        "frontier_fenced": 0.7,
        "components_dropped": 3,
        "coacd_fallbacks": 1,
    }
    assert {metric.verdict for metric in found.values()} == {"warn"}
    assert "killed by signal 11" in found["coacd_fallbacks"].note and found["coacd_fallbacks"].n == 4
    assert {metric.verdict for metric in shortcut_metrics(None)} == {"not-measured"}
    assert {metric.verdict for metric in shortcut_metrics(COLLIDERS)} == {"pass"}


def test_no_routes_is_a_failure_not_a_pass() -> None:
    cells = np.full((4, 4), FREE_CELL, np.uint8)
    occupancy = OccupancyMap(cells=cells, origin=np.zeros(2), resolution=0.05)
    nowhere = Navigation(
        occupancy=occupancy,
        robot_radius=0.25,
        reachable_area=0.0,
        spawns=np.zeros((0, 3)),
        probes=np.zeros((0, 3)),
        probe_room=np.zeros(0),
        routes=(),
    )
    assert {metric.name: metric.verdict for metric in navigation_metrics(nowhere)} == {
        "navigation.reachable_area": "pass",
        "navigation.reachable_footprints": "fail",
        "navigation.reachable_share": "not-measured",
        "navigation.probes": "fail",
        "navigation.probe_gap": "not-measured",
        "navigation.floor_error": "not-measured",
        "navigation.routes": "fail",
        "navigation.route_length": "pass",
        "navigation.route_coverage": "not-measured",
        "navigation.doorways": "pass",
        "navigation.doorways_missed": "pass",
    }
    route = Route(name="route_000", waypoints=np.array([[0.0, 0.0], [3.0, 4.0]]))
    doors = (Doorway(x=1.0, y=2.0, width=0.8, routes=("route_000",)), Doorway(x=4.0, y=2.0, width=0.9, routes=()))
    more = {"probe_gap": 0.4, "route_coverage": 0.95, "doorways": doors}
    some = Navigation(**{**nowhere.__dict__, "reachable_area": 40.0, "routes": (route,) * 3, **more})
    values = {metric.name: metric.value for metric in navigation_metrics(some)}
    assert values == {
        "navigation.reachable_area": 40.0,
        "navigation.reachable_footprints": pytest.approx(203.7, abs=0.1),
        "navigation.reachable_share": None,  # no free floor that the robot fits on
        "navigation.probes": 0,
        "navigation.probe_gap": None,  # there are no probes to be far from
        "navigation.floor_error": None,
        "navigation.routes": 3,
        "navigation.route_length": 15.0,
        "navigation.route_coverage": 0.95,
        "navigation.doorways": 2,
        "navigation.doorways_missed": 1,
    }
    missed = next(metric for metric in navigation_metrics(some) if metric.name == "navigation.doorways_missed")
    assert missed.verdict == "warn" and missed.note.startswith("0.90 m at 4.00, 2.00")


@pytest.mark.parametrize(
    ("sigma", "source", "verdict"),
    [(0.0, "declared metric", "pass"), (0.5, "assumed camera height 1.5 m", "warn"), (0.01, "assumed", "warn")],
)
def test_an_assumed_scale_warns(sigma: float, source: str, verdict: str) -> None:
    value, spread = scale_metrics(ScaleEstimate(metres_per_unit=0.37, sigma_relative=sigma, source=source))
    assert value.value == 0.37 and value.note.startswith(source)
    assert spread.verdict == verdict


def test_stage_errors_fail_and_are_named() -> None:
    issue = Issue(tool="openusd", rule="StageMetadata", severity="error", message="m", path="/World", variant="default")
    advice = Issue(tool="nvidia", rule="VG.027", severity="warning", message="m", path="/World", variant="default")
    errors, warnings = stage_metrics([issue, issue, advice])
    assert (errors.value, errors.verdict) == (2, "fail") and "openusd StageMetadata × 2" in errors.note
    assert (warnings.value, warnings.verdict) == (1, "warn")
    assert {metric.verdict for metric in stage_metrics([])} == {"pass"}
