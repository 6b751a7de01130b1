"""Hull building blocks against exact truth."""

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from lyra_sim.collision.convex.containment import HullSet
from lyra_sim.collision.convex.pieces import Piece, convex_hull, named, volume
from lyra_sim.collision.measured.free_air import AIR, BAND, LID, WAY, AirField
from lyra_sim.collision.planes.rectangles import cover
from lyra_sim.data.grid import FREE, SOLID, FreeSpace
from lyra_sim.errors import GeometryError
from tests.boxes import box_corners
from tests.collision.spending import BAND_HIGH, account, field_of, hulls_of, part


def test_hull_is_wound_outward_and_has_the_volume_of_its_box():
    vertices, faces = convex_hull(box_corners(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 3.5])))
    assert len(vertices) == 8 and len(faces) == 12
    assert volume(vertices, faces) == pytest.approx(1.0, rel=1e-6)


def test_thinned_hull_keeps_its_extent_and_stays_inside():
    points = np.random.default_rng(0).normal(size=(4000, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    vertices, faces = convex_hull(points, max_vertices=60)
    assert len(vertices) <= 60
    assert np.allclose(vertices.max(axis=0), points.max(axis=0), atol=1e-6)
    assert 0.8 * 4 / 3 * np.pi < volume(vertices, faces) < 4 / 3 * np.pi


def test_flat_points_are_refused():
    with pytest.raises(GeometryError, match="span no volume"):
        convex_hull(np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]]))


def test_containment_agrees_with_boxes_and_picks_the_deepest():
    low = np.array([[0.0, 0, 0], [0.5, 0, 0], [3, 3, 3]])
    high = np.array([[1.0, 1, 1], [2.5, 1, 1], [4, 4, 4]])
    hulls = HullSet.of(named([Piece(label="clutter", points=box_corners(a, b)) for a, b in zip(low, high, strict=True)]))
    points = np.random.default_rng(1).uniform(-0.5, 4.5, (5000, 3))
    inner = np.minimum(points[:, None] - low, high - points[:, None]).min(axis=2)
    depth, owner = hulls.depth(points)
    inside = inner.max(axis=1) >= 0
    assert np.array_equal(owner >= 0, inside)
    assert np.allclose(depth[inside], inner.max(axis=1)[inside], atol=1e-6)
    assert np.array_equal(hulls.contains(points, margin=-0.2), inner.max(axis=1) >= 0.2)
    assert np.array_equal(hulls.contains(points, margin=0.1), inner.max(axis=1) >= -0.1)


def test_rectangles_cover_all_and_touch_nothing_forbidden():
    allowed = np.ones((40, 60), bool)
    allowed[10:20, 25:35] = False
    found = cover(np.ones(allowed.shape), allowed, min_gain=1.0, max_count=50)
    covered = np.zeros(allowed.shape, bool)
    for r in found:
        assert allowed[r.i0 : r.i1, r.j0 : r.j1].all()
        covered[r.i0 : r.i1, r.j0 : r.j1] = True
    assert np.array_equal(covered, allowed)
    assert len(found) == 4


def test_split_covers_every_voxel_and_leaves_the_notch_of_an_l_free():
    states = np.full((30, 30, 12), FREE, np.uint8)
    states[2:28, 2:8, 2:10] = SOLID
    states[2:8, 2:28, 2:10] = SOLID
    grid = FreeSpace(states=states, origin=np.zeros(3), voxel_size=0.05)
    field = field_of(grid)
    whole = part(np.argwhere(states == SOLID), grid, field)
    assert whole.air > 0
    spending = account(grid, field)
    spending.add([whole])
    spending.fit(10)
    parts = list(spending.parts.values())
    assert len(parts) == 2 and not any(one.air for one in parts) and not spending.dropped
    hulls = hulls_of(parts)
    assert hulls.contains(grid.centres(np.argwhere(states == SOLID))).all()
    assert not hulls.contains(grid.centres(np.argwhere(states == FREE)), margin=-grid.voxel_size / 2).any()


def test_air_in_a_hull_is_what_the_gate_counts():
    """Weights aside: the optimiser's sum over columns against the gate's point by point, on a turned box."""
    rng = np.random.default_rng(4)
    states = rng.choice(np.array([FREE, SOLID], np.uint8), (40, 36, 30), p=[0.7, 0.3])
    grid = FreeSpace(states=states, origin=np.array([-1.0, 0.3, -2.2]), voxel_size=0.05)
    field = AirField.of(grid, np.zeros((0, 3)), floor=(np.array([0.0, 0, 1]), -50.0), band_high=0.5)
    for _ in range(20):
        turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        middle = grid.origin + rng.uniform(0, 1, 3) * np.array(states.shape) * 0.05
        points = box_corners(np.zeros(3), rng.uniform(0.1, 1.0, 3)) @ turn.T + middle
        (hull,) = named([Piece(label="clutter", points=points)])
        expected = HullSet.of([hull]).contains(grid.centres(np.argwhere(states == FREE)), margin=-0.45 * 0.05).sum()
        found = field.taken(ConvexHull(hull.vertices.astype(np.float64)).equations, hull.vertices.astype(np.float64))
        assert abs(found - expected) <= 2


def test_a_hull_over_the_cameras_way_costs_more_than_any_other():
    states = np.full((40, 20, 20), FREE, np.uint8)
    states[5:9, 5:15, :] = states[25:29, 5:15, :] = SOLID
    grid = FreeSpace(states=states, origin=np.zeros(3), voxel_size=0.05)
    way = np.array([[0.85, y, 0.5] for y in np.arange(0.1, 0.9, 0.1)])
    both = np.argwhere(states == SOLID)
    assert part(both, grid, field_of(grid, way)).air > 50 * part(both, grid, field_of(grid)).air > 0


def test_a_shelf_that_hangs_into_the_band_costs_the_way_under_it():
    """One layer of air at the top of the band over free floor outweighs the same layer above the band many times."""
    states = np.full((30, 30, 30), FREE, np.uint8)
    states[:, :, :2] = SOLID
    states[20:, 10:20, 2:] = SOLID
    grid = FreeSpace(states=states, origin=np.array([0.0, 0.0, -0.1]), voxel_size=0.05)
    field = field_of(grid)

    def layer(x: int, k: int) -> int:
        return int(np.diff(field.prefix, axis=2)[x, 15, k])

    in_band = [k for k in range(2, 30) if grid.centres(np.array([[0, 0, k]]))[0, 2] < BAND_HIGH]
    assert layer(5, in_band[-1]) == LID > layer(5, in_band[3]) == WAY > layer(5, 25) == AIR
    states[5, 15, 6:9] = SOLID
    assert int(np.diff(field_of(grid).prefix, axis=2)[5, 15, in_band[-1]]) == BAND, "nobody passes there anyway"


def test_a_beam_across_floor_costs_more_than_one_across_a_slit():
    """A robot may drive where 0.3 m are free; behind that, in a slit of 0.2 m, the same air closes nothing."""
    states = np.full((40, 40, 30), FREE, np.uint8)
    states[:, :, :2] = SOLID
    states[20:30, 10:18, 2:] = states[20:30, 22:30, 2:] = SOLID
    grid = FreeSpace(states=states, origin=np.array([0.0, 0.0, -0.1]), voxel_size=0.05)
    weights = np.diff(field_of(grid).prefix, axis=2)
    assert (weights[22:28, 18:22, 8] == BAND).all(), "in the slit"
    assert (weights[:19, 1:, 8] == WAY).all() and (weights[31:, 1:, 8] == WAY).all(), "on the floor, up to the posts"
