"""Known surface against the analytic flat's distances, and what is known to be free."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lyra_sim.data.capture import Capture
from lyra_sim.errors import GeometryError
from lyra_sim.trajectories.known_surface import KnownSurface, known_surface, middle_depth, trusted_depth
from tests.estimated import estimated_capture
from tests.rooms import Room, furnished_room
from tests.trajectories.rooms import of_views


@pytest.fixture(scope="module")
def known(flat_capture: Capture) -> KnownSurface:
    return known_surface(flat_capture, 0.2)


def test_samples_lie_on_the_surface_and_face_the_air(flat: Room, known: KnownSurface) -> None:
    off_surface = flat.distance(known.points)
    assert np.quantile(off_surface, 0.995) < 0.02 and off_surface.max() < 0.06, "some pixels bridge an edge"
    off = known.points + 0.05 * known.facing
    assert flat.solid(off).mean() < 0.002
    np.testing.assert_allclose(np.linalg.norm(known.facing, axis=1), 1, atol=1e-9)


def test_distance_is_the_true_one_where_a_path_may_go(flat: Room, known: KnownSurface) -> None:
    """Up to 1.7 m: patches of the ceiling were not filmed."""
    points = np.random.default_rng(0).uniform([0.3, 0.3, 0.4], [6.7, 3.7, 1.7], (3000, 3))
    points = points[~flat.solid(points)]
    true = flat.distance(points)
    near = true < 0.6
    error = known.distance(points)[near] - true[near]
    assert near.sum() > 500 and np.quantile(error, 0.98) < 0.02 and error.min() > -0.02


def test_what_is_seen_to_be_free_is_air(flat: Room, known: KnownSurface) -> None:
    points = np.random.default_rng(1).uniform([-1, -1, -0.5], [8, 5, 3], (4000, 3))
    free, solid = known.seen_free(points), flat.solid(points)
    assert not (free & solid).any()
    inside = ~solid & (flat.distance(points) > 0.3)
    assert free[inside].mean() > 0.95


def test_behind_a_wall_is_behind(flat: Room, known: KnownSurface) -> None:
    points = np.array([[3.0, -0.5, 1.2], [3.5, 4.5, 1.2], [0.6, 3.7, 0.9], [2.0, 2.0, 1.2], [5.5, 2.0, 1.2]])
    assert known.behind(points, known.nearest(points)[1]).tolist() == [True, True, True, False, False]


def test_a_photo_in_a_narrow_place_needs_no_more_than_it_had(flat: Room, known: KnownSurface) -> None:
    wide = 0.6
    tight = known.own < wide
    assert tight.any() and not tight.all()
    np.testing.assert_allclose(known.required(known.centres[tight], wide), known.own[tight])
    far = np.add(known.centres[tight][:1], [[0, 0, 5.0]])
    assert known.required(far, wide)[0] == wide
    np.testing.assert_array_equal(known.required(known.centres, 0.05), 0.05)


def test_stray_pixels_are_no_wall(flat: Room, tmp_path: Path) -> None:
    """Estimated depth that is wrong in blobs: free space stays free, and true walls stay."""
    capture = estimated_capture(furnished_room(views=12), tmp_path, sigma=0.005)
    known = known_surface(replace(capture, world_from_capture=capture.world_from_capture), 0.2)
    level = capture.world_from_capture
    true = flat.distance(level.inverse.apply(known.points))
    assert np.quantile(true, 0.9) < 0.1
    assert known.distance(level.apply(np.array([[0.02, 2.0, 1.2], [6.98, 2.0, 1.2]]))).max() < 0.12


def test_depth_of_the_middle(flat: Room, flat_capture: Capture) -> None:
    z = flat.rendered[1][0]
    assert middle_depth(flat_capture, 0, middle=False) == pytest.approx(float(np.median(z)), abs=0.002)
    inner = z[40:80, 53:107]
    assert middle_depth(flat_capture, 0, middle=True) == pytest.approx(float(np.median(inner)), abs=0.002)
    depth, trust = trusted_depth(flat_capture, 3)
    np.testing.assert_allclose(depth, flat.rendered[1][3], atol=0.001)
    assert trust.min() == 1


def test_no_depth_is_an_error(flat_capture: Capture) -> None:
    views = replace(flat_capture.views, units_per_depth_count=None)
    with pytest.raises(GeometryError, match=r"none of the 18 used views has depth"):
        known_surface(replace(flat_capture, views=views), 0.2)
    with pytest.raises(GeometryError, match=r"none of the 1 used views"):
        middle_depth(of_views(replace(flat_capture, views=views), 0), 0, middle=True)
