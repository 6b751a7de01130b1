"""Sightings hold together: after a choice of views, in another frame, and from the disk."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from lyra_sim.data.sparse import SparsePoints
from lyra_sim.geometry.rigid import Similarity

VIEWS = 5


def cameras() -> np.ndarray:
    """Five cameras along x that look down z."""
    c2w = np.tile(np.eye(4), (VIEWS, 1, 1))
    c2w[:, 0, 3] = np.arange(VIEWS) * 0.3
    return c2w


def seen_by(*views_of_point: tuple[int, ...]) -> SparsePoints:
    """A point per entry, sighted exactly by the views it names."""
    points = np.array([[0.2 * row, 0.1 * row * row, 2.0 + 0.5 * row] for row in range(len(views_of_point))]).reshape(-1, 3)
    point_index = np.array([row for row, views in enumerate(views_of_point) for _ in views], np.int32)
    view_index = np.array([view for views in views_of_point for view in views], np.int32)
    return SparsePoints(
        points=points,
        point_index=point_index,
        view_index=view_index,
        xy=sightings(points[point_index], cameras()[view_index]),
    )


def sightings(points: np.ndarray, c2w: np.ndarray) -> np.ndarray:
    """(x/z, y/z) of each point in its camera."""
    camera = np.einsum("oji,oj->oi", c2w[:, :3, :3], points - c2w[:, :3, 3])
    return camera[:, :2] / camera[:, 2:]


def test_views_are_renumbered_in_the_order_given() -> None:
    some = seen_by((0, 1, 4), (1, 2), (3, 4), (0, 4)).of_views((4, 0))
    assert len(some.points) == 2  # the first and the last: the others were left to one view or none
    np.testing.assert_array_equal(some.point_index, [0, 0, 1, 1])
    np.testing.assert_array_equal(some.view_index, [1, 0, 1, 0])
    np.testing.assert_allclose(some.xy, sightings(some.points[some.point_index], cameras()[[0, 4, 0, 4]]))


def test_two_sightings_in_one_view_are_one_view() -> None:
    """Two features of a photo may lie on the same track: that tells nothing of the point's distance."""
    twice = seen_by((0, 0, 1), (2, 2), (2, 3))
    assert len(twice.of_views((2, 3)).points) == 1
    assert len(twice.of_views((0, 1)).points) == 1 and len(twice.of_views((0, 1)).xy) == 3
    assert len(twice.of_views((0, 2)).points) == 0


@pytest.mark.parametrize("kept", [(), (3,), (7,)])
def test_too_few_views_leave_nothing(kept: tuple[int, ...]) -> None:
    nothing = seen_by((0, 1), (3, 4)).of_views(kept)
    assert len(nothing.points) == len(nothing.point_index) == len(nothing.view_index) == len(nothing.xy) == 0


@given(
    st.lists(st.sets(st.integers(0, VIEWS - 1), min_size=2).map(lambda views: tuple(sorted(views))), min_size=1, max_size=12),
    st.permutations(range(VIEWS)),
    st.integers(1, VIEWS),
)
def test_what_is_left_is_what_was_seen(tracks: list[tuple[int, ...]], order: list[int], count: int) -> None:
    kept = tuple(order[:count])
    some = seen_by(*tracks).of_views(kept)
    left = [tuple(view for view in track if view in kept) for track in tracks]
    assert len(some.points) == sum(len(track) >= 2 for track in left)
    assert len(some.xy) == sum(len(track) for track in left if len(track) >= 2)
    back = cameras()[list(kept)][some.view_index]
    np.testing.assert_allclose(some.xy, sightings(some.points[some.point_index], back), atol=1e-12)
    assert (np.bincount(some.point_index, minlength=len(some.points)) >= 2).all()


@given(st.floats(0.01, 100), st.integers(0, 1000))
def test_another_frame_moves_points_and_keeps_sightings(scale: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    new_from_capture = Similarity(
        scale=scale, rotation=Rotation.random(random_state=seed).as_matrix(), translation=rng.normal(0, 5, 3)
    )
    sparse = seen_by((0, 1, 2), (2, 3, 4), (0, 4))
    moved = sparse.moved(new_from_capture)
    c2w = new_from_capture.apply_cameras(cameras())[moved.view_index]
    np.testing.assert_allclose(moved.xy, sightings(moved.points[moved.point_index], c2w), atol=1e-9)
    back = moved.moved(new_from_capture.inverse)
    np.testing.assert_allclose(back.points, sparse.points, atol=1e-9)


@pytest.mark.parametrize("tracks", [((0, 1, 4), (1, 2)), ()])
def test_the_disk_keeps_everything(tracks: tuple[tuple[int, ...], ...], tmp_path: Path) -> None:
    sparse = seen_by(*tracks)
    sparse.save(tmp_path / "sparse.npz")
    loaded = SparsePoints.load(tmp_path / "sparse.npz")
    for name, stored in vars(sparse).items():
        again = getattr(loaded, name)
        np.testing.assert_array_equal(again, stored)
        assert again.dtype == stored.dtype
    sparse.save(tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "sparse.npz").read_bytes()


def test_a_point_that_one_view_and_outsiders_saw_is_not_shared() -> None:
    """What held-out photos alone tie down tells the others nothing; two sightings in one view are one."""
    sparse = seen_by((0, 1), (0, 4), (3, 4), (2, 2), (1, 2, 4))
    shared = sparse.shared_by((0, 1, 2))
    assert set(sparse.point_index[shared].tolist()) == {0, 4}
    assert not set(sparse.point_index[~shared].tolist()) & {0, 4}
