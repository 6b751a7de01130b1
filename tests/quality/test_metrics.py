"""Judging: limits, verdicts, and the page that defines every figure."""

import math
import re

import numpy as np
import pytest

from lyra_sim.quality.figures.intervals import wilson
from lyra_sim.quality.figures.limits import LIMITS, limit_of
from lyra_sim.quality.figures.metrics import measured, not_measured
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(0.0, "pass"), (0.01, "pass"), (0.0101, "warn"), (0.03, "warn"), (0.031, "fail"), (math.nan, "not-measured")],
)
def test_lower_is_better(value: float, verdict: str) -> None:
    assert measured("depth.input.median", value, n=10).verdict == verdict


@pytest.mark.parametrize(("value", "verdict"), [(1.0, "pass"), (0.98, "pass"), (0.97, "warn"), (0.95, "warn"), (0.94, "fail")])
def test_higher_is_better(value: float, verdict: str) -> None:
    assert measured("collision.coverage", value, n=10).verdict == verdict


def test_a_figure_without_samples_never_passes() -> None:
    metric = measured("collision.coverage", 1.0, n=0)
    assert (metric.value, metric.verdict, metric.n) == (None, "not-measured", 0)
    assert not_measured("collision.coverage", "share", "no mesh").verdict == "not-measured"


def test_flags_become_plain_integers() -> None:
    metric = measured("mesh.watertight", True, n=1)
    assert type(metric.value) is int and metric.verdict == "pass"
    assert measured("mesh.watertight", False, n=1).verdict == "fail"


def test_engines_share_their_limits_and_unknown_names_are_refused() -> None:
    assert limit_of("physics.newton.settle_error") is LIMITS["physics.*.settle_error"]
    with pytest.raises(KeyError):
        limit_of("physics.newton.style")
    with pytest.raises(KeyError):
        measured("mesh.beauty", 1.0, n=1)


def test_limits_are_ordered() -> None:
    for name, limit in LIMITS.items():
        assert limit.reason.endswith("."), name
        assert (limit.good is None) == (limit.better == "neither"), name
        if limit.good is not None and limit.poor is not None:
            assert (limit.good >= limit.poor) == (limit.better == "higher") or limit.good == limit.poor, name


def test_docs_define_every_metric_with_the_limit_that_is_applied() -> None:
    """docs/metrics.md has one row per name: | `name` | unit | limit | meaning and source |."""
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    rows = {
        cells[1].strip("` "): cells
        for line in page.splitlines()
        if re.match(r"\| `", line) and (cells := [c.strip() for c in line.split("|")])
    }
    assert set(rows) == set(LIMITS)
    for name, limit in LIMITS.items():
        _, _, unit, words, meaning, *_ = rows[name]
        assert (unit, words) == (limit.unit, limit.describe()), name
        assert len(meaning) > 20, name


def test_an_interval_holds_the_share_95_times_of_100() -> None:
    """Drawn again and again; and none of 381 is the fewest that tell a share from a hundredth."""
    rng = np.random.default_rng(5)
    for share, n in ((0.01, 400), (0.02, 150), (0.5, 60)):
        bounds = [wilson(count / n, n) for count in rng.binomial(n, share, 2000)]
        held = np.mean([low <= share <= high for low, high in bounds])
        assert 0.92 < held < 0.985, (share, held)
    assert wilson(0.0, 380)[1] > 0.01 >= wilson(0.0, 381)[1]
    assert wilson(0.0, 10)[0] == 0.0 and wilson(1.0, 10)[1] == pytest.approx(1.0)
