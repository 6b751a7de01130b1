"""The verdict on a world is that on its worst figure, and no figure at all is no pass."""

import pytest

from lyra_sim.data.report import Metric, Report


@pytest.mark.parametrize(
    ("verdicts", "whole"),
    [
        ((), "not-measured"),
        (("pass",), "pass"),
        (("pass", "not-measured"), "warn"),
        (("pass", "warn"), "warn"),
        (("warn", "fail", "pass"), "fail"),
    ],
)
def test_the_worst_figure_decides(tmp_path, verdicts, whole):
    metrics = tuple(Metric(name=f"a.{n}", value=1, unit="1", n=1, verdict=verdict) for n, verdict in enumerate(verdicts))
    report = Report(scene="room", metrics=metrics)
    assert report.verdict == whole
    report.save(tmp_path)
    assert Report.load(tmp_path) == report


@pytest.mark.parametrize(("others", "whole"), [((), "warn"), (("pass",), "pass"), (("fail",), "fail")])
def test_a_receipt_that_was_never_made_doesnt_lower_the_verdict(others, whole):
    absent = Metric(name="isaac.receipt", value=None, unit="flag", n=0, verdict="not-measured")
    rest = tuple(Metric(name=f"a.{n}", value=1, unit="1", n=1, verdict=verdict) for n, verdict in enumerate(others))
    assert Report(scene="room", metrics=(absent, *rest)).verdict == whole
