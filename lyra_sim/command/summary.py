"""What a person reads before and after a build: the plan with its reasons, the worlds with their verdicts."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from lyra_sim.data.report import Metric, Report
from lyra_sim.runner import BuildResult, ScenePlan, SceneResult

_FIGURES = (
    ("poses.registered", "{:.0%} of the photos posed"),
    ("navigation.reachable_area", "{:.3g} m² reachable"),
    ("collision.hulls", "{:.0f} hulls"),
    ("truth.cameras.ate", "{:.3f} m trajectory error"),
    ("truth.f_score_5cm", "F-score {:.3f} at 5 cm"),
    ("truth.map.free_precision", "map precision {:.3f}"),
)
"""What a user asks first of a world, in the order told."""
_WORDS = {"run": "run", "check": "maybe", "current": "keep", "left": "due, not selected"}


def print_plan(console: Console, plans: Sequence[ScenePlan]) -> None:
    """One line a step: what would happen, and why."""
    for plan in plans:
        for step in plan.steps:
            _say(console, f"{plan.scene}  {step.step.name:<12} {_WORDS[step.action]:<8} {step.reason}")
    due = sum(step.action == "run" for plan in plans for step in plan.steps)
    _say(console, f"{due} steps would run." if due else "Nothing to do: everything is current.")


def print_result(console: Console, result: BuildResult) -> None:
    """Where each world is, its verdict, and what stands behind the verdict."""
    for scene in result.scenes:
        _print_scene(console, scene)
    for name in result.not_started:
        _say(console, f"{name}: not started, because an earlier scene failed (--keep-going builds it)")
    if result.scenes and not any(scene.ran or scene.due or scene.error for scene in result.scenes):
        _say(console, "Nothing to do: everything is current.")


def _print_scene(console: Console, scene: SceneResult) -> None:
    stage = scene.folder / "world" / "world.usda"
    if scene.error is not None or scene.report is None:
        due = f", due: {', '.join(scene.due)}" if scene.due else ""
        count = f"{len(scene.ran)} step{'s' * (len(scene.ran) != 1)}"
        state = "FAILED" if scene.error is not None else f"NOT ASSESSED  {count} ran{due}"
        _say(console, f"{scene.scene}: {state}")
        if stage.is_file():
            _say(console, f"  world   {stage}" + (" is older than the scene file" if "author" in scene.due else ""))
        return
    print_report(console, scene.report, (("world", stage), ("report", scene.folder / "report.html")))


def print_report(console: Console, report: Report, files: Sequence[tuple[str, Path]]) -> None:
    """A world's verdicts, the files that belong to it, what holds and what doesn't."""
    _say(console, f"{report.scene}: {report.verdict.upper()}  {_counts(report)}")
    for label, file in files:
        _say(console, f"  {label:<7} {file}")
    _say(console, f"  fit for driving   {report.fit_for_driving.replace('-', ' ').upper()}")
    _say(console, f"  seen, and looks   {report.looks}")
    for label, figures in (("holds", _main_figures(report)), ("drives", _drives(report))):
        if figures:
            _say(console, f"  {label:<7} {', '.join(figures)}")
    for verdict in ("fail", "warn", "not-measured"):
        for metric in report.metrics:
            if metric.verdict == verdict:
                note = f"  ({metric.note})" if metric.note else ""
                _say(console, f"  {verdict:<7} {metric.name} = {_value(metric)}{note}")
                if metric.advice:
                    _say(console, f"          → {metric.advice}")


def _main_figures(report: Report) -> list[str]:
    """The main figures that pass, and what tells the scale; those that don't pass are told below, with their limits."""
    passed = {metric.name: metric for metric in report.metrics if metric.verdict == "pass" and metric.value is not None}
    figures = [words.format(passed[name].value) for name, words in _FIGURES if name in passed]
    if "scale.sigma_relative" in passed:
        figures.append("scale " + passed["scale.sigma_relative"].note.partition(";")[0])
    return figures


def _drives(report: Report) -> list[str]:
    """Routes driven in each engine that drove them all."""
    return [
        f"{metric.n} of {metric.n} routes in {metric.name.split('.')[1]}"
        for metric in report.metrics
        if metric.name.startswith("physics.") and metric.name.endswith(".routes_driven") and metric.value == 1
    ]


def _counts(report: Report) -> str:
    verdicts = [metric.verdict for metric in report.metrics]
    counted = ((verdict, verdicts.count(verdict)) for verdict in ("pass", "warn", "fail", "not-measured"))
    return ", ".join(f"{count} {verdict}" for verdict, count in counted if count)


def _value(metric: Metric) -> str:
    if metric.value is None:
        return "not measured"
    return f"{metric.value:.4g} {metric.unit}".strip()


def _say(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)
