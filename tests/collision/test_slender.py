"""No hull thinner than 1:60 leaves the collide step, whatever it was made from."""

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from lyra_sim.collision.build import build_colliders
from lyra_sim.collision.convex.pieces import Piece
from lyra_sim.collision.convex.slender import MAX_ASPECT, _longest, _thinnest, stouter, without_slivers
from lyra_sim.collision.fences import KnownFloor, _plates
from lyra_sim.collision.planes.slabs import make_slabs
from lyra_sim.data.grid import UNSEEN, FreeSpace
from lyra_sim.scene.spec import CollideConfig
from tests.boxes import box_corners
from tests.collision.flat import Flat


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
    whole, grown = ConvexHull(wedge).volume, 0.012 * 6 * 0.51
    assert whole * (1 - 1e-9) <= sum(ConvexHull(part.points).volume for part in parts) <= whole + grown


@pytest.mark.parametrize("size", [(0.84, 0.5, 0.012), (20.0, 18.0, 0.012), (0.84, 0.012, 0.012)])
def test_what_lacks_little_or_stays_a_sliver_is_thickened(size: tuple[float, float, float]) -> None:
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    parts = without_slivers([Piece(label="clutter", points=box_corners(np.zeros(3), np.array(size)) @ turn.T)])
    assert len(parts) == (16 if size[0] > 1 else 1)
    for part in parts:
        sides = np.ptp(part.points @ turn, axis=0)
        assert sides.max() / sides.min() < 60
        assert sides.min() < 0.02 or size[0] > 1


def test_thin_walls_are_tiled_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A partition of 3.7 cm and 3.66 m comes from the slabs, not from the clutter: no hull of a world may be a sliver."""
    scene = Flat()
    partition = Piece(label="wall", points=box_corners(np.array([1.0, 3.0, 0.0]), np.array([4.66, 3.037, 2.5])))
    monkeypatch.setattr("lyra_sim.collision.build.make_slabs", lambda *a, **k: [*make_slabs(*a, **k), partition])
    none = dict.fromkeys(("components", "dropped_specks", "dropped_hidden"), 0)
    none |= dict.fromkeys(("dropped_specks_litres", "dropped_hidden_litres", "speck_limit_litres"), 0.0)
    monkeypatch.setattr("lyra_sim.collision.build.find_components", lambda *a, **k: ((), none))
    nothing = np.zeros((4, 4), bool)
    plan = KnownFloor(
        free=nothing,
        solid=nothing,
        near=nothing,
        origin=np.zeros(2),
        resolution=0.05,
        floor_normal=np.array([0.0, 0.0, 1.0]),
        floor_offset=0.0,
    )
    colliders, _ = build_colliders(
        scene.mesh,
        scene.free_space,
        scene.camera_centres,
        config=CollideConfig(),
        band_high=0.62,
        floor_plan=lambda hulls, floor: plan,
        seed=7,
    )
    for hull in colliders.hulls:
        corners = hull.vertices.astype(np.float64)
        assert _longest(corners)[1] <= 60 * _thinnest(corners, hull.faces)[1], hull.name


def test_a_long_fence_is_made_of_plates_that_are_not_slivers() -> None:
    unseen = FreeSpace(states=np.full((200, 20, 20), UNSEEN, np.uint8), origin=np.array([-1.0, -1.0, -0.5]), voxel_size=0.1)
    mask = np.ones((4, 4), bool)
    floor = KnownFloor(
        free=mask,
        solid=~mask,
        near=mask,
        origin=np.zeros(2),
        resolution=0.05,
        floor_normal=np.array([0.0, 0.0, 1.0]),
        floor_offset=0.0,
    )
    plates = _plates(np.array([0.0, 0.0]), np.array([10.0, 0.0]), floor, unseen, 0.62)
    assert sum(length for _, length in plates) == pytest.approx(10.0)
    assert len(plates) == 2 and all(np.ptp(plate.points[:, 0]) <= 6.0 for plate, _ in plates)


def test_a_sliver_is_thickened_once_for_all_and_keeps_what_it_held() -> None:
    """Plates and rods of any direction: afterwards nothing is left for :func:`without_slivers` to cut."""
    random = np.random.default_rng(3)
    for sides in ((3.7, 0.8, 0.02), (10.8, 0.05, 0.04), (2.0, 0.01, 0.01), (5.0, 5.0, 0.05)):
        turn = np.linalg.qr(random.normal(size=(3, 3)))[0]
        corners = box_corners(np.zeros(3), np.array(sides)) @ turn.T
        stout = stouter(corners, ConvexHull(corners).equations)
        assert stout is not None
        hull = ConvexHull(stout)
        assert (corners @ hull.equations[:, :3].T + hull.equations[:, 3]).max() < 1e-6
        assert len(without_slivers([Piece(label="clutter", points=stout)])) == 1
        grown = np.sort(np.ptp(stout @ turn, axis=0))
        assert grown[0] < np.linalg.norm(sides) / MAX_ASPECT + 0.01, "no thicker than it must be"
    cube = box_corners(np.zeros(3), np.ones(3))
    assert stouter(cube, ConvexHull(cube).equations) is None
