import numpy as np
from scipy.spatial import ConvexHull

from lyra_sim.collision.pieces import Piece, box_corners
from lyra_sim.collision.slender import MAX_ASPECT, without_slivers


def test_a_long_board_is_cut_and_nothing_is_lost() -> None:
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    board = Piece(label="clutter", points=box_corners(np.zeros(3), np.array([5.4, 1.2, 0.05])) @ turn.T)
    parts = without_slivers([board])
    assert len(parts) == 2  # 108 : 1
    assert np.isclose(sum(ConvexHull(part.points).volume for part in parts), 5.4 * 1.2 * 0.05)
    for part in parts:
        sides = np.ptp(part.points @ turn, axis=0)
        assert sides.max() / sides.min() <= MAX_ASPECT


def test_stout_pieces_are_left_alone() -> None:
    box = Piece(label="clutter", points=box_corners(np.zeros(3), np.array([1.0, 1.0, 0.3])))
    assert without_slivers([box]) == [box]


def test_a_wedge_is_cut_a_bounded_number_of_times() -> None:
    wedge = np.array([[0, 0, 0], [6, 0, 0], [0, 0.5, 0], [6, 0.5, 0], [0, 0, 0.06], [0, 0.5, 0.06]], float)
    parts = without_slivers([Piece(label="clutter", points=wedge)])
    assert 2 <= len(parts) <= 16
    assert np.isclose(sum(ConvexHull(part.points).volume for part in parts), ConvexHull(wedge).volume)
