"""Greedy visible coverage: beside the rule written out plainly, its invariances, and the search that doesn't try everybody."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from lyra_sim.errors import SpecError
from lyra_sim.generators.known_frame import KnownFrame
from lyra_sim.generators.memory import SpatialMemory
from lyra_sim.generators.retrieval import PUBLISHED, RELATIVE, DepthTolerance, ViewState
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.geometry.rigid import Similarity
from tests.generators.boxes_in_view import (
    corridor,
    inside_box,
    known,
    level_c2w,
    plainly_covered,
    plainly_retrieved,
    targets_at,
)

LOW, HIGH = np.array([-3.0, -2.0, -1.4]), np.array([3.0, 2.0, 1.2])


def remembered(frames: list[KnownFrame], tolerance: DepthTolerance = RELATIVE, **options: int) -> SpatialMemory:
    memory = SpatialMemory(lambda id: frames[id], tolerance=tolerance, **options)
    for frame in frames:
        memory.add(frame)
    return memory


def room(seed: int, count: int) -> tuple[list[KnownFrame], CameraPath]:
    """Cameras all over a room, some depth missing, and two targets."""
    rng = np.random.default_rng(seed)
    cameras = [level_c2w(*rng.uniform([-2.5, -1.5, -3.1], [2.5, 1.5, 3.1])) for _ in range(count + 2)]
    frames = []
    for id, c2w in enumerate(cameras[:count]):
        z_depth = inside_box(c2w, LOW, HIGH)
        z_depth[rng.random(z_depth.shape) < 0.1] = np.nan
        frames.append(known(id, c2w, z_depth))
    return frames, targets_at(*cameras[count:])


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), published=st.booleans(), scale=st.sampled_from([1.0, 0.5, 1.75]), pre_covered=st.booleans())
def test_as_the_rule_is_worded(seed: int, published: bool, scale: float, pre_covered: bool) -> None:
    """Also for targets of another size; gains never grow, no id comes twice, and nothing that adds nothing comes at all."""
    tolerance = PUBLISHED if published else RELATIVE
    frames, targets = room(seed, 12)
    targets = targets.resized(round(64 * scale), round(48 * scale))
    covered_by = 11 if pre_covered else None
    shown = plainly_covered(frames, targets, absolute=tolerance.absolute, relative=tolerance.relative)
    picks, gains = plainly_retrieved(shown, count=5, covered_by=covered_by)
    memory = remembered(frames, tolerance)
    assert memory.retrieve(targets, count=5, covered_by=covered_by) == tuple(picks[::-1])
    assert memory.retrieve(targets, count=5, covered_by=covered_by, exhaustive=True) == tuple(picks[::-1])
    assert gains == sorted(gains, reverse=True) and len(set(picks)) == len(picks) and covered_by not in picks


@settings(max_examples=10, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    scale=st.sampled_from([0.01, 0.3, 7.0, 1000.0]),
    angles=st.tuples(*[st.floats(-3, 3)] * 3),
)
def test_the_scale_and_place_of_the_world_do_not_matter(seed: int, scale: float, angles: tuple[float, float, float]) -> None:
    frames, targets = room(seed, 10)
    moved_from_world = Similarity(
        scale=scale, rotation=Rotation.from_euler("xyz", angles).as_matrix(), translation=scale * np.array([5.0, -2, 9])
    )
    moved = [
        replace(f, c2w=moved_from_world.apply_cameras(f.c2w[None])[0], z_depth=f.z_depth * np.float32(scale)) for f in frames
    ]
    there, here = (
        remembered(moved).retrieve(targets.moved(moved_from_world), count=4),
        remembered(frames).retrieve(targets, count=4),
    )
    assert _adds(frames, targets, there) == pytest.approx(_adds(frames, targets, here), rel=0.02)


@pytest.mark.parametrize("scale", [2.0**-10, 0.25, 64.0])
def test_the_same_picks_at_any_scale(scale: float) -> None:
    """Powers of two scale without rounding, so nothing may differ."""
    larger = Similarity(scale=scale, rotation=np.eye(3), translation=np.zeros(3))
    for seed in range(5):
        frames, targets = room(seed, 10)
        scaled = [replace(f, c2w=larger.apply_cameras(f.c2w[None])[0], z_depth=f.z_depth * np.float32(scale)) for f in frames]
        picks = remembered(frames).retrieve(targets, count=5, covered_by=9)
        assert remembered(scaled).retrieve(targets.moved(larger), count=5, covered_by=9) == picks


def _adds(frames: list[KnownFrame], targets: CameraPath, picks: tuple[int, ...]) -> int:
    """Pixels covered together: a sample on a pixel's very edge may round either way once the world is turned."""
    shown = plainly_covered(frames, targets, absolute=0.0, relative=RELATIVE.relative)
    return int(np.logical_or.reduce([shown[id] for id in picks]).sum())


def test_the_published_tolerance_depends_on_the_scale() -> None:
    """A tenth of a unit hides nothing in a small world: what stands behind a wall counts as seen."""
    front = known(0, level_c2w(0, 0, 0), np.full((48, 64), 2.0, np.float32))
    behind = known(1, level_c2w(2.5, 0, 0), np.full((48, 64), 2.0, np.float32))
    target = targets_at(level_c2w(-1.0, 0, 0))
    small = Similarity(scale=0.01, rotation=np.eye(3), translation=np.zeros(3))
    shrunk = [
        replace(f, c2w=small.apply_cameras(f.c2w[None])[0], z_depth=f.z_depth * np.float32(0.01)) for f in (front, behind)
    ]
    for tolerance in (PUBLISHED, RELATIVE):
        assert _shown_behind([front, behind], target, tolerance) == 0
    seen = {t: _shown_behind(shrunk, target.moved(small), t) for t in (PUBLISHED, RELATIVE)}
    assert seen[PUBLISHED] > 0 and seen[RELATIVE] == 0


def _shown_behind(frames: list[KnownFrame], target: CameraPath, tolerance: DepthTolerance) -> int:
    return int(plainly_covered(frames, target, absolute=tolerance.absolute, relative=tolerance.relative)[1].sum())


def test_equal_frames_are_picked_once_and_the_first_added_wins() -> None:
    """A photo was added before what was drawn from it."""
    c2w = level_c2w(0, 0, 0)
    z_depth = inside_box(c2w, LOW, HIGH)
    frames = [known(id, c2w, z_depth) for id in (-1, 0, 8)]
    memory = SpatialMemory(lambda id: frames[0])
    for frame in frames:
        memory.add(frame)
    assert memory.retrieve(targets_at(c2w), count=5) == (-1,)
    assert memory.retrieve(targets_at(c2w), count=5, covered_by=8) == ()


def test_frames_that_are_not_asked_for_might_as_well_not_be_there() -> None:
    """The walk is long enough for cells to be asked."""
    walk = corridor(300)
    odd = [frame for frame in walk if frame.id % 2]
    targets = targets_at(level_c2w(40.2, -0.3, 0.4), level_c2w(41.0, 0.2, -0.2))
    memory = remembered(walk)
    for exhaustive in (False, True):
        picks = memory.retrieve(targets, count=5, among=[frame.id for frame in odd], exhaustive=exhaustive)
        assert len(picks) > 1 and picks == remembered(odd).retrieve(targets, count=5, exhaustive=exhaustive)
    assert memory.retrieve(targets, count=5, among=[]) == ()


def test_a_frame_behind_a_wall_shows_nothing() -> None:
    """Two rooms with a wall between them: the other room's frames lie in the target's view, and behind what it sees."""
    here = [known(n, level_c2w(-1 - 0.2 * n, 0, 0), inside_box(level_c2w(-1 - 0.2 * n, 0, 0), LOW, HIGH)) for n in range(3)]
    shift = np.array([8.0, 0, 0])
    there = [
        known(9 + n, level_c2w(6 + n, 0, 0), inside_box(level_c2w(6 + n, 0, 0), LOW + shift, HIGH + shift)) for n in range(3)
    ]
    assert set(remembered(here + there).retrieve(targets_at(level_c2w(-2, 0, 0)), count=6)) <= {0, 1, 2}


@pytest.mark.parametrize("far", [1, 12, 300])
def test_frames_out_of_view_change_nothing(far: int) -> None:
    """Before and after the memory is large enough for cells to be asked; the others stand a kilometre above."""
    elsewhere = corridor(far, first_id=100, above=1000.0)
    for seed in range(4):
        frames, targets = room(seed, 8)
        assert remembered(frames + elsewhere).retrieve(targets, count=5) == remembered(frames).retrieve(targets, count=5)


@pytest.fixture(scope="module")
def long_walk() -> list[KnownFrame]:
    return corridor(2400)


def test_a_long_walk_is_searched_as_if_everybody_had_been_tried(long_walk: list[KnownFrame]) -> None:
    memory = remembered(long_walk)
    same = asked = 0
    for n in (2395, 2100, 1777, 1240, 901, 603, 42):
        targets = targets_at(*(level_c2w(0.25 * n + ahead, -0.2, 0.35) for ahead in (0.3, 0.8, 1.3)))
        wanted = memory.retrieve(targets, count=5, covered_by=n, exhaustive=True)
        same += len(set(memory.retrieve(targets, count=5, covered_by=n)) & set(wanted))
        asked += len(wanted)
    assert asked >= 20 and same >= 0.99 * asked


def test_a_query_projects_no_more_frames_as_the_walk_goes_on(
    long_walk: list[KnownFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts, not seconds: projections are what a query's time goes into."""
    project, projected = ViewState.project, []
    monkeypatch.setattr(ViewState, "project", lambda state, frame: projected.append(1) or project(state, frame))
    counts = {}
    for length in (600, 2400):
        memory, projected[:] = remembered(long_walk[:length]), []
        for n in range(300, 600, 60):
            targets = targets_at(*(level_c2w(0.25 * n + ahead, -0.2, 0.35) for ahead in (0.3, 0.8, 1.3)))
            assert len(memory.retrieve(targets, count=5, covered_by=n)) > 0
        counts[length] = len(projected)
    assert counts[2400] <= 1.3 * counts[600] and counts[2400] <= 5 * 260


def test_the_budget_holds_where_frames_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    c2w = level_c2w(0, 0, 0)
    rng = np.random.default_rng(3)
    frames = []
    for id in range(400):
        near = level_c2w(*rng.normal(0, [0.3, 0.3, 0.2]))
        frames.append(known(id, near, inside_box(near, LOW, HIGH)))
    project, projected = ViewState.project, []
    monkeypatch.setattr(ViewState, "project", lambda state, frame: projected.append(1) or project(state, frame))
    picks = remembered(frames, budget=40).retrieve(targets_at(c2w), count=5)
    assert len(projected) <= 40 and len(picks) > 0


def test_a_tolerance_below_zero_is_refused() -> None:
    with pytest.raises(SpecError, match="finite numbers"):
        DepthTolerance(absolute=-0.1)
