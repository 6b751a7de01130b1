"""Whatever the hulls are, the cameras' way stays open, and little more than the way is lost."""

import itertools

import numpy as np
import pytest

from lyra_sim.collision.camera_way import cut_free
from lyra_sim.collision.convex.containment import HullSet
from lyra_sim.collision.convex.pieces import Piece, named
from lyra_sim.collision.measured.hull_figures import path_recall
from tests.boxes import box_corners

RADIUS = 0.05


def wall(low: tuple[float, ...], high: tuple[float, ...], label: str = "wall") -> Piece:
    return Piece(label=label, points=box_corners(np.array(low), np.array(high)))  # type: ignore[arg-type]


def way(*corners: tuple[float, float, float]) -> np.ndarray:
    legs = [np.linspace(a, b, 20) for a, b in itertools.pairwise(corners)]
    return np.concatenate(legs)


@pytest.mark.parametrize(
    "path",
    [
        way((0, 0, 1), (4, 0, 1)),
        way((0, -1.5, 0.4), (2, 0, 1.0), (4, 1.5, 1.8)),
        way((1.9, -2, 1), (2.1, 2, 1), (2.0, 2, 1.6), (2.0, -2, 1.6)),
    ],
)
def test_a_way_through_a_wall_is_cut_out(path: np.ndarray) -> None:
    pieces = [wall((1.8, -3, 0), (2.2, 3, 2.5)), wall((5, -3, 0), (5.3, 3, 2.5))]
    assert path_recall(HullSet.of(named(pieces)), path, radius=RADIUS) < 1.0
    kept, count = cut_free(pieces, path, radius=RADIUS)
    hulls = HullSet.of(named(kept))
    assert path_recall(hulls, path, radius=RADIUS) == 1.0
    assert count == 1 and kept[-1] is pieces[1]


def test_little_more_than_the_way_is_lost() -> None:
    rng = np.random.default_rng(0)
    pieces = [wall((1.8, -3, 0), (2.2, 3, 2.5))]
    path = way((0, -1.5, 0.4), (4, 1.5, 1.8))
    hulls = HullSet.of(named(cut_free(pieces, path, radius=RADIUS)[0]))
    points = rng.uniform((1.8, -3, 0), (2.2, 3, 2.5), (20000, 3))
    along = np.array([4, 3, 1.4]) / np.linalg.norm([4, 3, 1.4])
    off = points - path[0]
    distance = np.linalg.norm(off - (off @ along)[:, None] * along, axis=1)
    assert hulls.contains(points[distance > 0.35]).all()


def test_a_floor_is_only_dented() -> None:
    """A camera carried just over the floor: what stood too high goes, the floor stays whole beneath."""
    path = way((-2, 0, 0.03), (2, 0, 0.03))
    kept, count = cut_free([wall((-3, -3, -0.3), (3, 3, 0.0), "floor")], path, radius=RADIUS)
    assert count == 1 and all(piece.label == "floor" for piece in kept)
    xy = np.random.default_rng(0).uniform(-2.9, 2.9, (5000, 2))
    assert HullSet.of(named(kept)).contains(np.column_stack([xy, np.full(5000, -0.03)])).all()


def test_a_hull_inside_the_way_goes() -> None:
    assert cut_free([wall((0.99, -0.01, 0.99), (1.01, 0.01, 1.01))], way((0, 0, 1), (2, 0, 1)), radius=RADIUS) == ([], 1)
