"""The vertical: weighed, its sigma honest, a liar among three left out, whatever the order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from lyra_sim.errors import FrameError
from lyra_sim.geometry.up_evidence import UpEstimate, UpEvidence, angle_deg, combine_up, up_piece

UP = np.array([0.0, 0.0, 1.0])


def tilted(x_deg: float, y_deg: float) -> np.ndarray:
    """Up, tilted about x and then y."""
    return Rotation.from_euler("xy", [x_deg, y_deg], degrees=True).apply(UP)


def piece(x_deg: float, y_deg: float, sigma_deg: float, source: str = "floor plane") -> UpEvidence:
    return up_piece(tilted(x_deg, y_deg), sigma_deg, source)


agreeing = st.lists(st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5), st.floats(0.3, 5)), min_size=1, max_size=5).map(
    lambda rows: [piece(x, y, sigma, f"piece {index}") for index, (x, y, sigma) in enumerate(rows)]
)
anything = st.lists(st.tuples(st.floats(-20, 20), st.floats(-20, 20), st.floats(0.3, 5)), min_size=1, max_size=5).map(
    lambda rows: [piece(x, y, sigma, f"piece {index}") for index, (x, y, sigma) in enumerate(rows)]
)


@settings(deadline=None)
@given(anything, st.randoms(use_true_random=False))
def test_the_order_of_the_pieces_does_not_matter(pieces: list[UpEvidence], random: object) -> None:
    shuffled = list(pieces)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert combine_up(shuffled, subject="up") == combine_up(pieces, subject="up")


@settings(deadline=None)
@given(agreeing, st.floats(0, 360))
def test_it_turns_with_the_frame(pieces: list[UpEvidence], turn_deg: float) -> None:
    turn = Rotation.from_euler("xz", [65, turn_deg], degrees=True)
    turned = [up_piece(turn.apply(one.direction), one.sigma_deg, one.source) for one in pieces]
    before, after = combine_up(pieces, subject="up"), combine_up(turned, subject="up")
    assert angle_deg(turn.apply(before.direction), np.array(after.direction)) < 1e-5
    assert after.sigma_deg == pytest.approx(before.sigma_deg, rel=1e-5)


def test_the_error_is_of_the_size_the_sigma_says() -> None:
    """Over many draws, tilts about one axis lie within one sigma 68 times in a hundred, and within two 95 times."""
    rng = np.random.default_rng(0)
    sigmas = (0.3, 0.6, 1.0, 2.0)
    ratios = []
    for _ in range(300):
        draws = [piece(*rng.normal(0, sigma, 2), sigma, f"piece {sigma}") for sigma in sigmas]
        estimate = combine_up(draws, subject="up")
        ratios += [np.degrees(np.arcsin(estimate.direction[axis])) / estimate.sigma_deg for axis in (0, 1)]
    within = np.abs(ratios)
    assert 0.64 < np.mean(within < 1) < 0.78  # sigma never shrinks below what the pieces claim, so a little above 0.683
    assert 0.94 < np.mean(within < 2) < 0.99


def test_a_floor_against_walls_and_cameras_is_left_out() -> None:
    pieces = [piece(3.0, 0, 0.3), piece(0.1, 0, 0.6, "plumb walls"), piece(-0.2, 0, 0.7, "level cameras")]
    estimate = combine_up(pieces, subject="up")
    assert {one.source: one.used for one in estimate.evidence} == {
        "floor plane": False,
        "plumb walls": True,
        "level cameras": True,
    }
    assert angle_deg(np.array(estimate.direction), UP) < 0.2 and not estimate.undecided


def test_two_against_each_other_follow_the_surer_and_say_so() -> None:
    floor, walls = piece(3.0, 0, 0.3), piece(0, 0, 0.6, "plumb walls")
    estimate = combine_up([walls, floor], subject="up")
    assert estimate.undecided and estimate.used("floor") and not estimate.used("plumb")
    assert angle_deg(np.array(estimate.direction), tilted(3.0, 0)) < 1e-6
    assert estimate.sigma_deg > 1.5  # half the way to the other


def test_less_than_two_degrees_is_no_contradiction() -> None:
    """Floors drain."""
    estimate = combine_up([piece(1.8, 0, 0.1), piece(0, 0, 0.1, "plumb walls")], subject="up")
    assert all(one.used for one in estimate.evidence)
    assert estimate.sigma_deg > 0.5  # but both can't be as sure as they say


def test_nothing_is_an_error() -> None:
    with pytest.raises(FrameError, match="which way is up"):
        combine_up([], subject="scene 'a': up")


@settings(deadline=None)
@given(anything)
def test_estimates_survive_their_file(pieces: list[UpEvidence]) -> None:
    estimate = combine_up(pieces, subject="up")
    assert UpEstimate.from_json(estimate.to_json()) == estimate
