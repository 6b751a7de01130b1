"""Sources by shared points and angle, and depth ranges that hold what is there."""

import numpy as np
import pytest

from lyra_sim.depth.sweep.neighbours import DISPARITY_SIGMA, TELLING, choose_neighbours
from lyra_sim.geometry.cameras import CameraPath
from tests.depth.textured import sparse_of, textured_room
from tests.rooms import camera_path, look

UP = np.array([0.0, 0.0, 1.0])
LIMITS = {"confirming": 0, "up": UP, "min_depth": 0.1, "max_depth": None}


def test_depth_ranges_hold_the_truth() -> None:
    room, _, depths = textured_room()
    found = choose_neighbours(room.cameras, sparse_of(room, depths), tuple(range(7)), count=4, **LIMITS)
    for view, around in found.items():
        assert around.near < depths[view].min()
        assert around.far > depths[view].max()
        assert around.heights[0] < 1.2 < around.heights[1]  # the floor


def test_limits_win() -> None:
    room, _, depths = textured_room()
    found = choose_neighbours(
        room.cameras, sparse_of(room, depths), (0, 1, 2), count=2, confirming=0, up=UP, min_depth=2.0, max_depth=3.5
    )
    assert {(around.near, around.far) for around in found.values()} == {(2.0, 3.5)}


def test_far_ends_where_parallax_stops_telling() -> None:
    room, _, _ = textured_room()
    near_pair = room.cameras.select(np.array([2, 3]))
    found = choose_neighbours(near_pair, None, (0, 1), count=1, **LIMITS)
    baseline = float(np.linalg.norm(near_pair.centres[0] - near_pair.centres[1]))
    assert found[0].far == pytest.approx(TELLING * near_pair.K[0, 0, 0] * baseline / DISPARITY_SIGMA)


def test_only_used_views_are_sources() -> None:
    room, _, depths = textured_room()
    found = choose_neighbours(room.cameras, sparse_of(room, depths), (0, 2, 3, 5), count=6, **LIMITS)
    assert set(found) == {0, 2, 3, 5}
    for view, around in found.items():
        assert set(around.sources) <= {0, 2, 3, 5} - {view}


@pytest.mark.parametrize("with_points", [True, False])
def test_view_from_the_same_spot_comes_last(with_points: bool) -> None:
    """Without a baseline there is no depth, however many points are shared."""
    room, _, depths = textured_room()
    again = np.array([3, 3, 1, 5, 2])
    cameras = room.cameras.select(again)
    sparse = sparse_of(room, depths).of_views((0, 1, 2, 3, 4, 5, 6)) if with_points else None
    if sparse is not None:
        views = {view: np.flatnonzero(sparse.view_index == view) for view in range(7)}
        rows = [views[view] for view in again]
        sparse = type(sparse)(
            points=sparse.points,
            point_index=np.concatenate([sparse.point_index[row] for row in rows]),
            view_index=np.repeat(np.arange(5), [len(row) for row in rows]).astype(np.int32),
            xy=np.concatenate([sparse.xy[row] for row in rows]),
        )
    assert 1 not in choose_neighbours(cameras, sparse, tuple(range(5)), count=3, **LIMITS)[0].sources


def test_sources_cover_both_sides() -> None:
    """Three cameras see the left half, one the right: that comes before the third of them, though it shares fewer points."""
    cameras = _rows()
    found = choose_neighbours(cameras, None, tuple(range(5)), count=3, **LIMITS)
    assert 4 in found[0].sources


def test_a_view_that_looks_away_is_no_source() -> None:
    c2w = [look(np.array([0.0, y, 1.0]), yaw, 0.0) for y, yaw in ((0.0, 0.0), (0.2, 0.0), (0.4, np.pi))]
    found = choose_neighbours(camera_path(c2w), None, (0, 1, 2), count=4, **LIMITS)
    assert found[0].sources == (1,)
    assert found[2].sources == ()


def _rows() -> CameraPath:
    """A wide view, three views of its left side and one of its right side, all above or below it by about as much."""
    placed = [(0.0, 0.0), (1.0, 0.25), (1.0, -0.25), (1.0, 0.28), (-1.0, -0.28)]
    return camera_path([look(np.array([0.0, 0.0, 1.0 + height]), yaw, 0.0) for yaw, height in placed])
