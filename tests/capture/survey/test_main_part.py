"""The place itself among backdrop and strays; a campus stays whole, and a wrong unit stays an error."""

import numpy as np
import pytest

from lyra_sim.capture.survey.main_part import main_part


def box(size, count=3000, *, at=(0.0, 0.0, 0.0), seed=0) -> np.ndarray:
    """Points on the faces of a box."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 1, (count, 3))
    points[np.arange(count), rng.integers(0, 3, count)] = rng.integers(0, 2, count)
    return points * size + at


def dome(radius, count=600, seed=1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(count, 3))
    points[:, 2] = np.abs(points[:, 2])
    return radius * points / np.linalg.norm(points, axis=1, keepdims=True)


@pytest.mark.parametrize("radius", [15.0, 40.0, 90.0, 400.0, 3e5])
def test_a_sky_is_left_out_however_near_or_far(radius):
    points = np.concatenate([box((5, 4, 2.5)), dome(radius)])
    sizes = np.concatenate([np.full(3000, 0.05), np.full(600, 0.03 * radius)])
    part = main_part(points, sizes)
    assert part.kept[:3000].all() and not part.kept[3000:].any()
    (left,) = part.left_out("splats")
    assert left.count == 600 and "stay for the look" in left.why
    assert part.reach[0] == pytest.approx(2.5, abs=0.01) and part.reach[1] == pytest.approx(radius, rel=0.2)


def test_a_dome_that_hangs_together_is_left_out_too():
    points = np.concatenate([box((5, 4, 2.5), 9000), dome(20, 8000)])
    sizes = np.concatenate([np.full(9000, 0.05), np.full(8000, 0.5)])
    assert np.array_equal(main_part(points, sizes).kept, np.arange(17000) < 9000)


def test_furniture_and_neighbours_of_like_size_stay():
    points = np.concatenate([box((5, 4, 2.5)), box((5, 4, 2.5), at=(25, 0, 0)), box((0.5, 0.5, 0.5), 50, at=(9, 2, 0))])
    part = main_part(points, np.full(len(points), 0.05))
    assert part.kept.all() and part.left_out("splats") == ()
    assert main_part(points).kept.all()


def test_large_splats_close_by_stay():
    """Coarse splats of a blank wall are no sky."""
    points = np.concatenate([box((5, 4, 2.5)), box((5, 0.1, 2.5), 40, at=(0, 7, 0))])
    assert main_part(points, np.concatenate([np.full(3000, 0.05), np.full(40, 0.6)])).kept.all()


def test_stray_triangles_of_a_scan_are_left_out():
    corners = np.concatenate([box((8, 6, 3)), [[5000.0, 0, 0], [5001, 0, 0], [5000, 1, 0]]])
    part = main_part(corners, links=np.array([[3000, 3001], [3001, 3002]]))
    assert part.kept[:3000].all() and not part.kept[3000:].any()


def test_a_sliver_that_hangs_on_to_the_scan_is_cut_off():
    corners = np.concatenate([box((8, 6, 3)), [[4000.0, 1, 1]]])
    part = main_part(corners, links=np.array([[0, 3000], [1, 3000]]))
    assert part.kept[:3000].all() and not part.kept[3000]


def test_a_hall_of_twelve_triangles_hangs_together_by_its_edges():
    corners = np.stack(np.meshgrid([0.0, 90], [0.0, 60], [0.0, 9]), axis=-1).reshape(-1, 3)
    links = np.stack([np.zeros(7, np.int64), np.arange(1, 8)], axis=1)
    assert main_part(corners, links=links).kept.all()


@pytest.mark.parametrize("size", [(500, 400, 250), (5000, 4000, 2500)])
def test_centimetres_are_not_cut_to_fit(size):
    """All is left for the survey to refuse with its own words."""
    assert main_part(box(size), np.full(3000, 5.0)).kept.all()
