"""The verdict's own test has an honest truth, harms that do what they say, and statistics that count right."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from benchmarks.verdicts.drives import (
    SAME_M,
    Bend,
    Drives,
    Ground,
    draw_drives,
    ends_in_world,
    ground_of,
    passable,
    wrong_spot,
)
from benchmarks.verdicts.harms import drifting, hulls_grown, scaled, space_grown, tilted
from benchmarks.verdicts.judging import Row, verdict_without_engines
from benchmarks.verdicts.page import write_page
from benchmarks.verdicts.places import places
from benchmarks.verdicts.sensors import FAMILIES
from benchmarks.verdicts.statistics import Confusion, roc_area
from lyra_sim.collision.convex.containment import HullSet
from lyra_sim.data.colliders import Hull
from lyra_sim.data.grid import FREE, SOLID, FreeSpace
from lyra_sim.data.report import Metric, Report
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.scene.spec import RobotConfig
from tests.boxes import box_mesh
from tests.quality.worlds import room_hulls
from tests.rooms import Room

ROBOT = RobotConfig()
LOW, HIGH = np.array([-0.1, -0.1]), np.array([7.1, 4.1])


def ground(hulls: list[Hull], owner_from_place: Similarity | None = None) -> Ground:
    return ground_of(HullSet.of(hulls).contains, low=LOW, high=HIGH, robot=ROBOT, owner_from_place=owner_from_place)


def same(truth: Ground, world: Ground, drives: Drives, bend: Bend | None = None) -> np.ndarray:
    here = ends_in_world(world, drives, radius=ROBOT.radius, bend=bend)
    return np.linalg.norm(truth.ends(drives, ROBOT.radius) - here, axis=1) <= SAME_M


@pytest.fixture(scope="module")
def truth(tiny_room: Room) -> Ground:
    return ground_of(tiny_room.solid, low=LOW, high=HIGH, robot=ROBOT)


@pytest.fixture(scope="module")
def drives(tiny_room: Room, truth: Ground) -> Drives:
    return draw_drives(truth, near=tiny_room.cameras.centres[:, :2], radius=ROBOT.radius, count=200, seed=1)


def test_drives_end_alike_among_exact_hulls_and_not_without_a_cabinet(tiny_room: Room) -> None:
    room = replace(tiny_room, boxes={**tiny_room.boxes, "cabinet": (np.array([2.0, 1.6, 0.0]), np.array([2.6, 2.4, 1.5]))})
    truth = ground_of(room.solid, low=LOW, high=HIGH, robot=ROBOT)
    drives = draw_drives(truth, near=room.cameras.centres[:, :2], radius=ROBOT.radius, count=200, seed=1)
    assert len(drives) == 200
    exact, without = ground(list(room_hulls(room))), ground(list(room_hulls(tiny_room)))
    assert same(truth, exact, drives).all()
    assert wrong_spot(truth.ends(drives, ROBOT.radius), exact.ends(drives, ROBOT.radius)) is None
    assert same(truth, without, drives).mean() < 0.95
    spot = wrong_spot(truth.ends(drives, ROBOT.radius), without.ends(drives, ROBOT.radius))
    assert spot is not None


def test_what_drift_bends_is_driven_from_the_camera_beside_the_start(tiny_room: Room, truth: Ground, drives: Drives) -> None:
    """One frame that is turned and moved as a whole: by its cameras all ends are the same, by the plan hardly any."""
    turn = Similarity(scale=1.0, rotation=Rotation.from_euler("z", 0.3).as_matrix(), translation=np.array([0.8, -0.5, 0.0]))
    true = tiny_room.cameras.c2w
    bend = Bend.of(true, turn.apply_cameras(true))
    hulls = [replace(hull, vertices=turn.apply(hull.vertices).astype(np.float32)) for hull in room_hulls(tiny_room)]
    world = ground_of(HullSet.of(hulls).contains, low=LOW - 4.0, high=HIGH + 4.0, robot=ROBOT)
    assert same(truth, world, drives, bend).all()
    assert same(truth, world, drives).mean() < 0.5


def test_drives_start_free_and_hang_on_no_two_centimetres(truth: Ground, drives: Drives) -> None:
    clearance, held = truth.at(drives.start)
    assert held.all() and (clearance > ROBOT.radius + 0.01).all()
    ends = [truth.ends(drives, ROBOT.radius + by) for by in (-0.02, 0.0, 0.02)]
    assert max(np.linalg.norm(end - ends[1], axis=1).max() for end in ends) <= 0.1 + 1e-9
    assert np.linalg.norm(ends[1] - drives.start, axis=1).max() == pytest.approx(3.0, abs=0.011)


def test_ends_of_a_world_in_another_frame_are_told_in_the_place(tiny_room: Room, truth: Ground, drives: Drives) -> None:
    turn = Similarity(scale=1.0, rotation=Rotation.from_euler("z", 0.4).as_matrix(), translation=np.array([2.0, -1.0, 0.0]))
    moved = [replace(hull, vertices=turn.apply(hull.vertices).astype(np.float32)) for hull in room_hulls(tiny_room)]
    assert same(truth, ground(moved, turn), drives).all()
    large = scaled(1.1)
    grown = [replace(hull, vertices=large.apply(hull.vertices).astype(np.float32)) for hull in room_hulls(tiny_room)]
    there = ground(grown, large)
    free = np.linalg.norm(truth.ends(drives, ROBOT.radius) - drives.start, axis=1) > 2.98
    gone = np.linalg.norm(there.ends(drives, ROBOT.radius) - drives.start, axis=1)
    assert free.any() and gone[free].max() == pytest.approx(3.0 / 1.1, abs=0.02)


def test_where_there_is_no_floor_a_drive_ends(truth: Ground) -> None:
    held = truth.held.copy()
    held[250:290, 150:260] = False  # x from 2.4 on
    drive = Drives(start=np.array([[1.5, 1.9]]), yaw=np.zeros(1))
    assert truth.ends(drive, ROBOT.radius)[0, 0] > 3.0
    assert replace(truth, held=held).ends(drive, ROBOT.radius)[0, 0] == pytest.approx(2.4, abs=0.02)


def test_a_route_is_free_or_isn_t(truth: Ground) -> None:
    assert passable(truth, np.array([[3.0, 1.85], [5.0, 1.85]]), radius=0.25)  # through the doorway
    assert not passable(truth, np.array([[3.0, 1.2], [5.0, 1.2]]), radius=0.25)


def test_hulls_grow_sideways_only() -> None:
    vertices, faces = box_mesh([(np.zeros(3), np.array([1.0, 0.5, 0.8]))])
    box = Hull(name="clutter_000", label="clutter", vertices=vertices, faces=faces, seen=1.0)
    floor = replace(box, name="floor_000", label="floor")
    (grown,) = hulls_grown((box,), 0.04)
    np.testing.assert_allclose(
        [grown.vertices.min(axis=0), grown.vertices.max(axis=0)], [[-0.04, -0.04, 0], [1.04, 0.54, 0.8]], atol=1e-4
    )
    assert HullSet.of([grown]).contains(np.array([[0.5, 0.25, 0.4], [1.03, 0.2, 0.4], [1.05, 0.2, 0.4]])).tolist() == [
        True,
        True,
        False,
    ]
    assert hulls_grown((floor,), 0.04) == (floor,)
    assert hulls_grown((box,), -0.26) == ()  # half a metre thick


def test_free_space_grows_with_the_matter() -> None:
    states = np.full((20, 20, 2), FREE, np.uint8)
    states[8:12, 8:12] = SOLID
    space = FreeSpace(states=states, origin=np.zeros(3), voxel_size=0.04)
    assert (space_grown(space, 0.06).states == SOLID).sum() > (states == SOLID).sum()
    assert (space_grown(space, -0.06).states == SOLID).sum() == 2 * 2 * 2
    assert (space_grown(space, 0.01).states == states).all()


def test_odometry_drifts_by_the_metre() -> None:
    c2w = np.tile(np.eye(4), (11, 1, 1))
    c2w[:, 0, 3] = np.arange(11.0)
    longer = drifting(0.0, 0.03)(c2w)
    np.testing.assert_allclose(longer[:, 0, 3], 1.03 * np.arange(11))
    turned = drifting(1.0, 0.0)(c2w)
    np.testing.assert_allclose(Rotation.from_matrix(turned[-1, :3, :3]).magnitude(), np.radians(10.0))
    assert turned[-1, 1, 3] > 0.5 and np.allclose(turned[0], c2w[0])
    assert np.degrees(Rotation.from_matrix(tilted(3.0).rotation).magnitude()) == pytest.approx(3.0)


@pytest.mark.parametrize("family", FAMILIES)
def test_stronger_grades_of_a_sensor_err_more(family: str) -> None:
    z = np.full((60, 80), 3.0, np.float32)
    z[:, 40:] = 2.0
    errors, lost = [], []
    for grade in range(3):
        seen = FAMILIES[family](grade)(z, np.random.default_rng(1))
        errors.append(float(np.nanmean(np.abs(seen - z))))
        lost.append(float(np.isnan(seen).mean()))
    assert errors[0] < errors[1] < errors[2] and errors[0] < 0.03
    assert lost == sorted(lost) and (lost[2] > 0.4) == (family == "structured light")


def test_places_hold_their_walk_and_can_be_changed() -> None:
    for place in places():
        assert place.sees_from(place.cameras).all()
        door = next(iter(place.doors))
        middle = np.mean(place.doors[door], axis=0)[None]
        assert not place.solid(middle)[0] and place.closed(door).solid(middle)[0]
        wide = place.widened(door, 0.5).doors[door]
        np.testing.assert_allclose(np.sort((wide[1] - wide[0]) - (place.doors[door][1] - place.doors[door][0])), [0, 0, 0.5])
        piece = next(iter(place.pieces))
        within = np.mean(place.pieces[piece][0], axis=0)[None]
        assert place.solid(within)[0] and not place.without(piece).solid(within)[0]
        assert not place.with_pit((2.0, 2.0), 0.4).solid(np.array([[2.0, 2.0, -0.3]]))[0]


def test_engines_alone_may_be_missing() -> None:
    def metric(name: str, verdict: str = "pass") -> Metric:
        value = None if verdict == "not-measured" else 0.0
        return Metric(name=name, value=value, unit="1", n=1, verdict=verdict, subject="driving")  # type: ignore[arg-type]

    proof = [metric(name) for name in ("witness.ghost", "witness.phantom", "navigation.routes")]
    assert verdict_without_engines(Report(scene="a", metrics=tuple(proof))) == "pass"
    assert verdict_without_engines(Report(scene="a", metrics=tuple(proof[1:]))) == "not-assessed"
    assert verdict_without_engines(Report(scene="a", metrics=(*proof, metric("collision.coverage", "fail")))) == "fail"


def row(name: str, same: float, verdict: str, ghost: float, routes: float = 1.0) -> Row:
    failed = ["witness.ghost"] if verdict == "fail" else []
    return Row(
        name=name,
        place="flat",
        family="none",
        grade=name,
        verdict=verdict,
        failed=failed,
        same=same,
        drives=400,
        routes_free=routes,
        figures={"witness.ghost": ghost},
    )  # type: ignore[arg-type]


def test_counts_and_areas(tmp_path) -> None:
    rows = [
        row("a", 0.99, "pass", 0.0),
        row("b", 0.98, "fail", 0.02),
        row("c", 0.80, "fail", 0.30),
        row("d", 0.85, "pass", 0.01),
        row("e", 0.99, "pass", 0.0, routes=0.8),
        row("f", 0.0, "refused", 0.0),
    ]
    assert [one.bad for one in rows[:5]] == [False, False, True, True, True]
    assert row("g", 0.955, "pass", 0.0).between and not rows[0].between and not rows[4].between
    found = Confusion.of(rows)
    assert found.false_passes[:2] == (2, 3) and found.false_fails[:2] == (1, 2)
    # pairs of bad and good: c beats a and b, d beats a, e ties with a
    assert roc_area("witness.ghost", rows[:5]) == pytest.approx((2 + 1 + 0.5) / 6)
    write_page(tmp_path / "page.md", rows, planned=7)
    text = (tmp_path / "page.md").read_text()
    assert "| all | 1 | 2 | 1 | 1 | 2 of 3" in text and "1 more are planned" in text
