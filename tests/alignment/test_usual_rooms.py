"""Ceilings and camera heights as weak evidence: they help where nobody said anything, doubt the rest, outvote nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyra_sim.alignment.usual_rooms import CEILING, CEILING_SIGMA, HELD, HELD_SIGMA, customs, weigh_customs
from lyra_sim.data.scale import ScaleEstimate, ScaleEvidence, combine
from lyra_sim.quality.frame import scale_metrics


def stated(value: float, sigma: float) -> ScaleEstimate:
    return combine([ScaleEvidence(metres_per_unit=value, sigma_relative=sigma, source="GPS, 26 fixes")], subject="scale")


def assumed(value: float) -> ScaleEstimate:
    return ScaleEstimate(metres_per_unit=value, sigma_relative=0.5, source="assumed camera height 1.5 m")


def doubt(scale: ScaleEstimate) -> tuple[float, str]:
    found = {metric.name: metric for metric in scale_metrics(scale)}
    return found["scale.custom_sigmas"].value, found["scale.custom_sigmas"].verdict


@settings(deadline=None)
@given(st.floats(0.3, 3), st.floats(0, 0.1), st.floats(0.2, 30), st.floats(0.1, 10))
def test_sure_evidence_is_never_moved(value: float, sigma: float, ceiling: float, camera: float) -> None:
    before = stated(value, sigma)
    after = weigh_customs(before, customs(ceiling_height=ceiling, camera_height=camera))
    assert (after.metres_per_unit, after.sigma_relative, after.source) == (value, sigma, "GPS, 26 fixes")
    assert [piece.used for piece in after.evidence] == [True, False, False]


def test_vague_evidence_is_helped_by_a_ceiling_that_agrees_and_not_by_one_that_does_not() -> None:
    helped = weigh_customs(stated(1.2, 0.2), customs(ceiling_height=2.5, camera_height=1.5))
    assert 1.0 < helped.metres_per_unit < 1.2 and helped.sigma_relative == pytest.approx(0.12, abs=0.001)
    assert helped.source == "GPS, 26 fixes + usual ceiling 2.5 m" and not helped.assumed
    left = weigh_customs(stated(1.2, 0.2), customs(ceiling_height=8.0, camera_height=1.5))
    assert (left.metres_per_unit, left.sigma_relative) == (1.2, 0.2)


def test_an_assumed_height_and_a_ceiling_confirm_each_other() -> None:
    """Cameras at 1.3 m under 2.45 m, taken for 1.5 m: the error goes from 15 % to 3 %, and stays an assumption."""
    scale = weigh_customs(assumed(1.5 / 1.3), customs(ceiling_height=2.45, camera_height=1.3))
    assert abs(scale.metres_per_unit - 1) < 0.04 and 0.14 < scale.sigma_relative < 0.15
    assert scale.assumed
    assert {piece.source: piece.used for piece in scale.evidence} == {
        "assumed camera height 1.5 m": True,
        "usual ceiling 2.5 m": True,
    }
    assert scale_metrics(scale)[1].verdict == "warn"


@pytest.mark.parametrize(("ceiling", "camera"), [(7.0, 1.5), (2.5, 0.3)], ids=["hall", "robot"])
def test_a_hall_and_a_robot_cannot_be_told_apart_so_neither_is(ceiling: float, camera: float) -> None:
    before = assumed(1.5 / camera)
    after = weigh_customs(before, customs(ceiling_height=ceiling, camera_height=camera))
    assert (after.metres_per_unit, after.sigma_relative) == (before.metres_per_unit, 0.5)


@pytest.mark.parametrize(
    ("name", "factor", "ceiling", "camera", "verdict"),
    [
        ("a home", 1.0, 2.5, 1.4, "pass"),
        ("a low home by a tall man", 1.0, 2.2, 1.7, "pass"),
        ("a hall", 1.0, 7.3, 1.5, "pass"),
        ("a home by a robot", 1.0, 2.6, 0.3, "pass"),
        ("twice as large", 2.0, 2.5, 1.4, "warn"),
        ("half as large", 0.5, 2.5, 1.4, "warn"),
        ("feet taken for metres", 3.281, 2.5, 1.5, "warn"),
        ("a third: a ceiling at 0.8 m", 1 / 3, 2.5, 1.4, "warn"),
        ("centimetres", 100.0, 2.5, 1.4, "warn"),
    ],
)
def test_a_stated_scale_is_doubted_where_neither_custom_speaks_for_it(
    name: str, factor: float, ceiling: float, camera: float, verdict: str
) -> None:
    scale = weigh_customs(stated(factor, 0.01), customs(ceiling_height=ceiling, camera_height=camera))
    assert doubt(scale)[1] == verdict, name


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "pass"), (3.281, "warn"), (0.4, "warn")])
def test_virtual_cameras_dont_vouch_for_a_unit(factor: float, verdict: str) -> None:
    """They stand 1.2 m above the floor whatever was said a metre is."""
    scale = weigh_customs(stated(factor, 0.01), customs(ceiling_height=2.5, camera_height=None))
    assert doubt(scale)[1] == verdict
    assert [piece.source for piece in scale.evidence if piece.custom] == ["usual ceiling 2.5 m"]


def test_the_doubt_is_counted_in_sigmas() -> None:
    scale = weigh_customs(stated(2.0, 0.0), customs(ceiling_height=CEILING, camera_height=HELD))
    assert doubt(scale)[0] == pytest.approx(np.log(2) / max(CEILING_SIGMA, HELD_SIGMA))


def test_without_a_ceiling_there_is_no_custom() -> None:
    assert customs(ceiling_height=None, camera_height=1.5) == ()
    scale = stated(5.0, 0.01)
    assert weigh_customs(scale, ()) == scale
    assert {metric.name for metric in scale_metrics(scale)} == {"scale.metres_per_unit", "scale.sigma_relative"}
