"""Hulls of more faces than engines take are thinned where that costs little, and cut in two where it would cost shape."""

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from lyra_sim.collision.convex.engine_limits import ENOUGH_FACES, few_faced
from lyra_sim.collision.convex.pieces import Piece, convex_hull, named
from lyra_sim.geometry.convex_faces import face_count
from tests.collision.solids import general, prism


def outside(points: np.ndarray, pieces: list[Piece]) -> float:
    """How far the worst point is from every piece [m]."""
    equations = [ConvexHull(piece.points).equations for piece in pieces]
    away = [(points @ rows[:, :3].T + rows[:, 3]).max(axis=1) for rows in equations]
    return float(np.min(away, axis=0).max())


@pytest.mark.parametrize(("points", "faces"), [(general(34), 64), (general(35), 66), (prism(32), 34), (prism(4), 6)])
def test_coplanar_triangles_are_one_face(points: np.ndarray, faces: int) -> None:
    assert face_count(*convex_hull(points, max_vertices=64)) == faces


def test_a_turn_and_single_precision_split_no_face() -> None:
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    assert face_count(*convex_hull(prism(32) @ turn + (40.0, -30.0, 3.0), max_vertices=64)) == 34


def test_two_sides_of_a_foil_are_two_faces() -> None:
    assert face_count(*convex_hull(prism(4) * (1, 1, 1e-5))) >= 2


@pytest.mark.parametrize("points", [general(30), prism(30), prism(4)])
def test_what_engines_take_is_left_alone(points: np.ndarray) -> None:
    piece = Piece(label="clutter", points=points)
    (same,) = few_faced([piece], max_vertices=60, tolerance=0.02)
    assert same is piece


@pytest.mark.parametrize("count", [31, 60, 120])
def test_what_loses_little_stays_one_piece(count: int) -> None:
    piece = Piece(label="clutter", points=general(count, size=(0.2, 0.2, 0.2)))
    (thinned,) = few_faced([piece], max_vertices=60, tolerance=0.04)
    (hull,) = named([thinned])
    assert face_count(hull.vertices, hull.faces) <= ENOUGH_FACES
    assert 0 < outside(piece.points, [thinned]) <= 0.04


@pytest.mark.parametrize("count", [60, 200])
def test_what_would_lose_more_is_cut(count: int) -> None:
    piece = Piece(label="wall", points=general(count, size=(1.5, 0.8, 0.6)))
    parts = few_faced([piece], max_vertices=60, tolerance=0.04)
    assert len(parts) > 1 and {part.label for part in parts} == {"wall"}
    for hull in named(parts):
        assert face_count(hull.vertices, hull.faces) <= ENOUGH_FACES
    assert outside(piece.points, parts) <= 0.04 + 1e-6
    whole, cut = ConvexHull(piece.points).volume, sum(ConvexHull(part.points).volume for part in parts)
    assert cut <= whole + 1e-9, "nothing is added"


def test_order_and_neighbours_are_kept() -> None:
    small, large = Piece(label="wall", points=prism(4)), Piece(label="clutter", points=general(60))
    parts = few_faced([small, large, small], max_vertices=60, tolerance=0.5)
    assert parts[0] is small and parts[-1] is small and len(parts) == 3


def test_it_repeats() -> None:
    piece = Piece(label="clutter", points=general(90))
    first, second = (few_faced([piece], max_vertices=60, tolerance=0.05) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a.points, b.points)
