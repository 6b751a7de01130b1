"""Judging: limits, verdicts, and the page that defines every figure."""

import math
import re

import pytest

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
