"""Pieces of evidence add up whatever their order, and a lie among them is found out or is an error."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyra_sim.data.scale import MarkedLength, ScaleEstimate, ScaleEvidence, combine
from lyra_sim.errors import FrameError


def piece(value: float, sigma: float, source: str = "camera height 1.25 m") -> ScaleEvidence:
    return ScaleEvidence(metres_per_unit=value, sigma_relative=sigma, source=source)


agreeing = st.lists(st.tuples(st.floats(0.99, 1.01), st.floats(0.01, 0.2)), min_size=1, max_size=6).map(
    lambda rows: [piece(3.7 * value, sigma, f"piece {index}") for index, (value, sigma) in enumerate(rows)]
)


@settings(deadline=None)
@given(agreeing, st.randoms(use_true_random=False))
def test_the_order_of_the_pieces_does_not_matter(pieces: list[ScaleEvidence], random: object) -> None:
    shuffled = list(pieces)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert combine(shuffled, subject="scale") == combine(pieces, subject="scale")


@settings(deadline=None)
@given(st.floats(1e-3, 1e3), st.floats(0, 0.5))
def test_one_piece_is_itself(value: float, sigma: float) -> None:
    estimate = combine([piece(value, sigma)], subject="scale")
    assert (estimate.metres_per_unit, estimate.sigma_relative) == (value, sigma)
    assert estimate.source == "camera height 1.25 m" and len(estimate.evidence) == 1


@settings(deadline=None)
@given(st.floats(0.01, 100), st.floats(0.005, 0.3), st.integers(2, 6))
def test_agreement_makes_surer(value: float, sigma: float, count: int) -> None:
    estimate = combine([piece(value, sigma, f"piece {index}") for index in range(count)], subject="scale")
    assert estimate.metres_per_unit == pytest.approx(value)
    assert estimate.sigma_relative == pytest.approx(sigma / math.sqrt(count))


@settings(deadline=None)
@given(agreeing, st.floats(0.1, 10))
def test_the_unit_of_the_frame_does_not_matter(pieces: list[ScaleEvidence], factor: float) -> None:
    """Every value times a factor: the estimate too, its sigma not."""
    scaled = [piece(factor * one.metres_per_unit, one.sigma_relative, one.source) for one in pieces]
    before, after = combine(pieces, subject="scale"), combine(scaled, subject="scale")
    assert after.metres_per_unit == pytest.approx(factor * before.metres_per_unit)
    assert after.sigma_relative == pytest.approx(before.sigma_relative)


def test_disagreement_makes_less_sure() -> None:
    calm = combine([piece(1.0, 0.02, "a"), piece(1.001, 0.02, "b")], subject="scale")
    torn = combine([piece(1.0, 0.02, "a"), piece(1.08, 0.02, "b")], subject="scale")
    assert all(one.used for one in torn.evidence)
    assert torn.sigma_relative > 2 * calm.sigma_relative
    assert abs(math.log(torn.metres_per_unit)) < 2 * torn.sigma_relative


def test_a_liar_among_three_is_left_out_and_named() -> None:
    pieces = [piece(1.0, 0.02), piece(1.02, 0.05, "GPS, 26 fixes"), piece(1.6, 0.02, "known distance 0.9 m")]
    estimate = combine(pieces, subject="scale")
    assert {one.source: one.used for one in estimate.evidence} == {
        "camera height 1.25 m": True,
        "GPS, 26 fixes": True,
        "known distance 0.9 m": False,
    }
    assert estimate.source == "camera height 1.25 m + GPS, 26 fixes"
    assert 1.0 < estimate.metres_per_unit < 1.02


def test_two_against_each_other_are_an_error_that_names_both() -> None:
    with pytest.raises(FrameError, match=r"GPS, 26 fixes: 1\.5 m per unit ± 2 %, but camera height 1\.25 m: 1 m"):
        combine([piece(1.0, 0.02), piece(1.5, 0.02, "GPS, 26 fixes")], subject="scale")


def test_a_vague_third_decides_nothing() -> None:
    """It agrees with either, so neither has the majority."""
    with pytest.raises(FrameError, match="contradicts itself"):
        combine([piece(1.0, 0.01, "a"), piece(1.5, 0.01, "b"), piece(1.2, 0.3, "c")], subject="scale")


def test_two_camps_of_two_are_an_error() -> None:
    with pytest.raises(FrameError, match="contradicts itself"):
        combine([piece(1.0, 0.01, "a"), piece(1.0, 0.01, "b"), piece(2.0, 0.01, "c"), piece(2.0, 0.01, "d")], subject="scale")


def test_a_declaration_stays_exact() -> None:
    estimate = combine([piece(1.03, 0.03, "GPS, 9 fixes"), piece(1.0, 0.0, "declared")], subject="scale")
    assert (estimate.metres_per_unit, estimate.sigma_relative) == (1.0, 0.0)
    with pytest.raises(FrameError, match="declared"):
        combine([piece(1.5, 0.02, "a"), piece(1.5, 0.02, "b"), piece(1.0, 0.0, "declared")], subject="scale")


def test_no_evidence_is_an_error() -> None:
    with pytest.raises(FrameError, match="nothing tells the scale"):
        combine([], subject="scale")


def test_estimates_survive_their_file() -> None:
    length = MarkedLength(
        views=(0, 3), rays=((0.1, -0.2), (0.0, 0.3)), metres=0.9, sigma_relative=0.02, source="known distance 0.9 m"
    )
    estimate = combine([piece(1.0, 0.02), piece(1.02, 0.05, "GPS, 26 fixes")], subject="scale")
    for original in (estimate, ScaleEstimate(**{**vars(estimate), "lengths": (length,)})):
        assert ScaleEstimate.from_json(original.to_json()) == original
