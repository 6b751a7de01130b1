"""Whether the sigma of a combined scale is what it says: errors drawn from the claimed sigmas, and liars among them."""

import numpy as np

from lyra_sim.data.scale import ScaleEvidence, combine
from lyra_sim.errors import FrameError

SIGMAS = {"depth unit mm": 0.02, "camera height 1.25 m": 0.03, "known distance 0.9 m (a, b)": 0.02, "GPS, 26 fixes": 0.06}


def draw(rng: np.random.Generator, *, true: float = 0.4) -> list[ScaleEvidence]:
    return [
        ScaleEvidence(metres_per_unit=true * float(np.exp(rng.normal(0, sigma))), sigma_relative=sigma, source=source)
        for source, sigma in SIGMAS.items()
    ]


def test_the_error_is_of_the_size_the_sigma_says() -> None:
    rng = np.random.default_rng(0)
    off, alarms = [], 0
    for _ in range(1200):
        try:
            estimate = combine(draw(rng), subject="scale")
        except FrameError:
            alarms += 1
            continue
        off.append(abs(np.log(estimate.metres_per_unit / 0.4)) / estimate.sigma_relative)
    # sigma grows with disagreement and never shrinks below the claims, so coverage lies a little above 0.683 and 0.954
    assert alarms <= 8  # 2.7 in a thousand, as for two pieces alone
    assert 0.66 < np.mean(np.array(off) < 1) < 0.78
    assert 0.94 < np.mean(np.array(off) < 2) < 0.99


def test_a_liar_is_left_out_and_does_not_move_the_rest() -> None:
    rng = np.random.default_rng(1)
    off, caught = [], 0
    for trial in range(200):
        pieces = draw(rng)
        liar = trial % len(pieces)
        try:
            honest = combine(pieces[:liar] + pieces[liar + 1 :], subject="scale")
        except FrameError:  # three sigmas apart by chance
            continue
        wrong = ScaleEvidence(**{**vars(pieces[liar]), "metres_per_unit": pieces[liar].metres_per_unit * 1.8})
        estimate = combine([*pieces[:liar], wrong, *pieces[liar + 1 :]], subject="scale")
        caught += [piece.source for piece in estimate.evidence if not piece.used] == [wrong.source]
        assert estimate.metres_per_unit == honest.metres_per_unit
        off.append(abs(np.log(estimate.metres_per_unit / 0.4)) / estimate.sigma_relative)
    assert caught == len(off) >= 195
    assert 0.6 < np.mean(np.array(off) < 1) < 0.8


def test_two_liars_who_disagree_leave_two_who_agree() -> None:
    rng = np.random.default_rng(2)
    for _ in range(50):
        pieces = draw(rng)
        for index, factor in ((0, 2.0), (1, 0.5)):
            pieces[index] = ScaleEvidence(**{**vars(pieces[index]), "metres_per_unit": pieces[index].metres_per_unit * factor})
        try:
            estimate = combine(pieces, subject="scale")
        except FrameError as error:  # the honest two may be three sigmas apart by chance
            assert "contradicts itself" in str(error)
            continue
        assert [piece.used for piece in estimate.evidence if piece.source.startswith(("known", "GPS"))] == [True, True]
