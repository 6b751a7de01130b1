"""Floor plans of triangle meshes: cut to the height band exactly, and tight."""

import numpy as np
import pytest
from scipy import ndimage

from lyra_sim.navigation.mesh_map import blocked_by_mesh
from lyra_sim.navigation.occupancy import FloorBand, FloorGrid
from tests.boxes import box_mesh

GRID = FloorGrid(origin=np.zeros(2), shape=(60, 40), resolution=0.05)
BAND = FloorBand(normal=np.array([0, 0, 1.0]), offset=0.0, low=0.1, high=0.6)


def plan(*boxes: tuple[list[float], list[float]], band: FloorBand = BAND) -> np.ndarray:
    vertices, faces = box_mesh([(np.array(low), np.array(high)) for low, high in boxes])
    return blocked_by_mesh(vertices.astype(np.float64), faces, GRID, band)


def test_the_sides_of_a_box_are_marked_and_its_inside_is_not() -> None:
    marked = plan(([0.52, 0.52, 0.0], [1.53, 1.03, 1.0]))
    expected = np.zeros(GRID.shape, bool)
    expected[10:31, 10:21] = True
    expected[11:30, 11:20] = False
    np.testing.assert_array_equal(marked, expected)


def test_faces_on_the_edges_of_cells_count_for_the_matter_behind_them() -> None:
    """Exactly the cells of the box, not the ones it only touches."""
    marked = plan(([0.5, 0.5, 0.0], [1.5, 1.0, 1.0]))
    expected = np.zeros(GRID.shape, bool)
    expected[10:30, 10:20] = True
    expected[11:29, 11:19] = False
    np.testing.assert_array_equal(marked, expected)


@pytest.mark.parametrize(("low", "high", "marks"), [(0.62, 1.0, False), (0.0, 0.09, False), (0.0, 0.11, True), (0.59, 2, True)])
def test_only_what_reaches_into_the_band_counts(low: float, high: float, marks: bool) -> None:
    assert plan(([0.52, 0.52, low], [1.53, 1.03, high])).any() == marks


def test_a_ramp_blocks_from_where_it_is_as_high_as_the_band() -> None:
    """Rises 1 m over 2.5 m from x = 0: 0.1 m at x = 0.25, 0.6 m at x = 1.5; the rest is lower or higher."""
    corners = np.array([[0, 0.2, 0], [2.5, 0.2, 1], [2.5, 1.2, 1], [0, 1.2, 0.0]])
    marked = blocked_by_mesh(corners, np.array([[0, 1, 2], [0, 2, 3]]), GRID, BAND)
    expected = np.zeros(GRID.shape, bool)
    expected[5:30, 4:24] = True
    np.testing.assert_array_equal(marked, expected)


def test_heights_are_over_the_floor_not_over_zero() -> None:
    raised = FloorBand(normal=BAND.normal, offset=0.55, low=BAND.low, high=BAND.high)
    assert not plan(([0.52, 0.52, 0.0], [1.53, 1.03, 0.6]), band=raised).any()
    assert plan(([0.52, 0.52, 0.0], [1.53, 1.03, 0.7]), band=raised).any()


@pytest.mark.parametrize("x", [1.0, 1.02, 1.05 - 1e-9, 1.0 + 3e-4, 1.0 - 3e-4])
@pytest.mark.parametrize("slant", [0.0, 0.31, 1.0])
def test_a_wall_without_thickness_is_tight_even_on_the_edge_of_cells(x: float, slant: float) -> None:
    corners = np.array([[x, 0, 0], [x + slant, 2, 0], [x + slant, 2, 1], [x, 0, 1.0]])
    marked = blocked_by_mesh(corners, np.array([[0, 1, 2], [0, 2, 3]]), GRID, BAND)
    labels, count = ndimage.label(~marked)
    assert count == 2 and labels[0, 0] != labels[-1, 0]
    assert marked.sum() <= 2.5 * (40 + slant / 0.05)


def test_random_triangles_match_dense_samples() -> None:
    rng = np.random.default_rng(2)
    for _ in range(20):
        corners = rng.uniform([0.1, 0.1, -0.3], [2.9, 1.9, 1.0], (3, 3))
        marked = blocked_by_mesh(corners, np.array([[0, 1, 2]]), GRID, BAND)
        weights = rng.dirichlet([0.7, 0.7, 0.7], 60_000)
        points = weights @ corners
        points = points[(points[:, 2] > BAND.low) & (points[:, 2] < BAND.high)]
        hit = np.zeros(GRID.shape, bool)
        hit[tuple(np.floor(points[:, :2] / GRID.resolution).astype(int).T)] = True
        assert not (hit & ~marked).any()
        assert (marked & ~ndimage.binary_dilation(hit, np.ones((3, 3)))).sum() == 0
        assert marked.sum() - hit.sum() <= 0.2 * marked.sum() + 6
