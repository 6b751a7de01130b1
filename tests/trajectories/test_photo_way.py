"""The photos' own way: in their order where that is a walk, else the shortest."""

import numpy as np
import pytest

from lyra_sim.trajectories.photo_way import follows_a_walk, shortest_open_way, way_ahead, way_of_photos
from lyra_sim.trajectories.smooth_motion import arc_length
from tests.rooms import look


def walk(count: int = 40) -> np.ndarray:
    """Cameras along an L of 6 m, looking along it."""
    at = np.linspace(0, 6, count)
    corner = [(min(s, 3.5), max(0.0, s - 3.5)) for s in at]
    return np.stack([look(np.array([x, y, 1.4]), 0.0 if y == 0 else np.pi / 2, 0.0) for x, y in corner])


def test_a_walk_is_followed_in_its_order() -> None:
    c2w = walk()
    way = way_of_photos(c2w, 0)
    assert way is not None and way.order == "photos"
    np.testing.assert_array_equal(way.stations[0], c2w[0, :3, 3])
    np.testing.assert_allclose(way.stations[-1], c2w[-1, :3, 3], atol=1e-12)
    assert way.length == pytest.approx(6, abs=0.1) and way.spacing <= 0.0201
    gap = np.linalg.norm(c2w[:, None, :3, 3] - way.stations[None], axis=2).min(axis=1)
    assert gap.max() < 0.1, "corners are rounded by less than a hand's breadth"
    heading = np.diff(way.stations, axis=0)[:, :2]
    turn = np.abs(np.diff(np.unwrap(np.arctan2(heading[:, 1], heading[:, 0]))))
    assert turn.max() < np.radians(10), "and are round"


@pytest.mark.parametrize(("start", "end"), [(5, -1), (35, 0), (39, 0)])
def test_it_goes_to_the_end_that_leaves_more(start: int, end: int) -> None:
    c2w = walk()
    way = way_of_photos(c2w, start)
    assert way is not None
    np.testing.assert_array_equal(way.stations[0], c2w[start, :3, 3])
    np.testing.assert_allclose(way.stations[-1], c2w[end, :3, 3], atol=1e-12)


def test_shuffled_photos_are_put_in_order() -> None:
    c2w, shuffle = walk(), np.random.default_rng(2).permutation(40)
    assert follows_a_walk(c2w[:, :3, 3]) and not follows_a_walk(c2w[shuffle, :3, 3])
    way = way_of_photos(c2w[shuffle], int(np.flatnonzero(shuffle == 0)[0]))
    assert way is not None and way.order == "shortest"
    assert way.length == pytest.approx(6, abs=0.1), "the walk again"
    np.testing.assert_allclose(way.stations[-1], c2w[-1, :3, 3], atol=1e-12)


def test_walking_back_beside_the_way_out_is_a_walk() -> None:
    out = walk()
    back = out[::-1].copy()
    back[:, :3, 3] += [0.1, 0.3, 0.0]
    assert follows_a_walk(np.concatenate([out, back])[:, :3, 3])


def test_the_shortest_open_way_crosses_nothing() -> None:
    centres = np.random.default_rng(4).uniform(0, 5, (60, 3))
    order = shortest_open_way(centres, 7)
    assert order[0] == 7 and sorted(order) == list(range(60))
    length = arc_length(centres[order])[-1]
    for i in range(1, 59):
        for j in range(i + 1, 60):
            turned = np.concatenate([order[:i], order[i : j + 1][::-1], order[j + 1 :]])
            assert arc_length(centres[turned])[-1] >= length - 1e-9


def test_photos_from_one_spot_are_no_way() -> None:
    spot = np.stack([look(np.array([1.0, 2.0, 1.4 + 0.01 * i]), i * 0.5, 0.0) for i in range(8)])
    assert way_of_photos(spot, 0) is None
    assert way_of_photos(spot[:1], 0) is None


def test_many_photos_are_thinned_and_the_start_is_kept() -> None:
    c2w = walk(1001)
    way = way_of_photos(c2w, 17)
    assert way is not None
    np.testing.assert_array_equal(way.stations[0], c2w[17, :3, 3])


def test_straight_ahead_is_level() -> None:
    camera = look(np.array([1.0, 2.0, 1.4]), 0.7, -0.4)
    way = way_ahead(camera, 0.7, 2.0)
    np.testing.assert_allclose(way.stations[-1], [1 + 2 * np.cos(0.7), 2 + 2 * np.sin(0.7), 1.4])
    np.testing.assert_allclose(way.looks[5], camera[:3, 2])
