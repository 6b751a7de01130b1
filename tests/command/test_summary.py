"""What a person reads at the end of a build: the verdict, the main figures that hold, and every one that doesn't."""

from dataclasses import replace
from io import StringIO
from pathlib import Path

from rich.console import Console

from lyra_sim.command.summary import _FIGURES, print_result
from lyra_sim.data.report import Report
from lyra_sim.quality.figures.limits import LIMITS, limit_of
from lyra_sim.quality.figures.metrics import measured
from lyra_sim.runner import BuildResult, SceneResult

METRICS = (
    measured("scale.sigma_relative", 0.0, n=1, note="declared metric"),
    measured("truth.f_score_5cm", 0.957, n=1000),
    measured("truth.map.free_precision", 0.9712, n=1000),
    measured("collision.hulls", 143, n=143),
    measured("navigation.reachable_area", 41.23, n=1),
    measured("physics.physx.routes_driven", 1.0, n=6),
    measured("physics.newton.routes_driven", 1.0, n=6),
)


def printed(*metrics) -> list[str]:
    console = Console(file=StringIO(), width=400)
    report = Report(scene="room", metrics=metrics)
    scene = SceneResult(scene="room", folder=Path("out/room"), ran=("assess",), seconds=1.0, report=report)
    print_result(console, BuildResult(scenes=(scene,), not_started=()))
    return console.file.getvalue().splitlines()


def test_the_main_figures_are_told_in_two_lines():
    assert printed(*METRICS) == [
        "room: PASS  7 pass",
        f"  world   {Path('out/room/world/world.usda')}",
        f"  report  {Path('out/room/report.html')}",
        "  fit for driving   NOT ASSESSED",
        "  seen, and looks   good",
        "  holds   41.2 m² reachable, 143 hulls, F-score 0.957 at 5 cm, map precision 0.971, scale declared metric",
        "  drives  6 of 6 routes in physx, 6 of 6 routes in newton",
    ]


def test_what_does_not_hold_is_told_as_a_problem_instead():
    worse = (
        *METRICS[:1],
        measured("truth.f_score_5cm", 0.5, n=1000),
        *METRICS[2:-1],
        replace(METRICS[-1], value=0.5, verdict="fail"),
    )
    lines = printed(*worse)
    assert lines[0] == "room: FAIL  5 pass, 2 fail"
    assert "F-score" not in lines[5] and lines[6] == "  drives  6 of 6 routes in physx"
    told = [line.split()[:2] for line in lines[7:]]
    assert told[0] == ["fail", "truth.f_score_5cm"] and told[1][0] == "→"
    assert told[2] == ["fail", "physics.newton.routes_driven"]


def test_a_report_without_them_has_no_such_lines():
    assert len(printed(measured("usd.errors", 0, n=1))) == 5


def test_the_names_exist():
    assert {name for name, _ in _FIGURES} <= set(LIMITS)
    assert limit_of("physics.physx.routes_driven").unit == "share" and "scale.sigma_relative" in LIMITS
