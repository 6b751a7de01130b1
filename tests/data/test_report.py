"""The verdict on a world is that on its worst figure, and no figure at all is no pass."""

import pytest

from lyra_sim.data.files import read_json
from lyra_sim.data.report import METRICS, PROOF, Metric, Report


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


def proof(**verdicts: str) -> Report:
    """The four figures that prove a world, some of them changed; and looks that fail."""
    told = {name: "pass" for name in PROOF} | {name.replace("__", "."): verdict for name, verdict in verdicts.items()}
    driving = [Metric(name=name, value=1, unit="1", n=1, verdict=verdict, subject="driving") for name, verdict in told.items()]
    looks = Metric(name="image.held_out.psnr", value=1, unit="dB", n=1, verdict="fail")
    return Report(scene="room", metrics=(*driving, looks))


@pytest.mark.parametrize(
    ("verdicts", "fitness"),
    [
        ({}, "pass"),
        ({"navigation__probe_gap": "warn"}, "pass"),
        ({"witness__ghost": "fail"}, "fail"),
        ({"witness__ghost": "not-measured"}, "not-assessed"),
        ({"witness__ghost": "not-measured", "collision__coverage": "fail"}, "fail"),
        ({"physics__engines": "not-measured"}, "not-assessed"),
    ],
)
def test_driving_and_looks_are_never_mixed(tmp_path, verdicts, fitness):
    report = proof(**verdicts)
    assert report.fit_for_driving == fitness and report.looks == "poor"
    report.save(tmp_path)
    assert read_json(tmp_path / METRICS)["fit_for_driving"] == fitness
    again = Report.load(tmp_path)
    assert sorted(again.metrics, key=lambda metric: metric.name) == sorted(report.metrics, key=lambda metric: metric.name)


def test_a_world_that_nobody_proved_isnt_assessed():
    assert Report(scene="room", metrics=()).fit_for_driving == "not-assessed"
