"""Measured figures with a verdict each; ``not-measured`` is a verdict of its own and never a pass."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lyra_sim.data.files import read_json, write_json

SCHEMA_VERSION = 2
"""Of metrics.json; raised when a field changes meaning. Convention."""

METRICS = "metrics.json"
"""In the folder of the step, and beside the published world."""

Verdict = Literal["pass", "warn", "fail", "not-measured"]
Subject = Literal["driving", "looks"]
"""What a figure speaks of: whether a robot ends where it would in the place itself, or how much was seen and how it looks."""
Fitness = Literal["pass", "fail", "not-assessed"]
Grade = Literal["good", "fair", "poor", "none"]

PROOF = ("witness.ghost", "witness.phantom", "navigation.routes", "physics.engines")
"""Without any one of these nobody can say that a world is fit for driving."""

FROM_ELSEWHERE = frozenset({"isaac.receipt"})
"""Figures that only another program on another machine can give: shown as not measured where it wasn't run, without lowering
the verdict on what was."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One figure. ``docs/metrics.md`` defines every name."""

    name: str
    """``group.name``, lower case: ``mesh.watertight``, ``physics.physx.routes_driven``."""
    value: float | int | None
    """None exactly when not measured."""
    unit: str
    n: int
    """Number of samples behind the value; 0 when not measured."""
    verdict: Verdict
    note: str = ""
    """Limit that was applied, or why it wasn't measured."""
    subject: Subject = "looks"
    advice: str = ""
    """What to do about it; empty for a pass."""

    def to_json(self) -> dict[str, Any]:
        row = {"value": self.value, "unit": self.unit, "n": self.n, "verdict": self.verdict, "note": self.note}
        return row | {"subject": self.subject} | ({"advice": self.advice} if self.advice else {})


@dataclass(frozen=True, kw_only=True)
class Report:
    """All figures of one world."""

    scene: str
    metrics: tuple[Metric, ...]
    world: str = ""
    """SHA-256 over the files of the package they are about; empty: of none."""

    def __getitem__(self, name: str) -> Metric:
        return next(metric for metric in self.metrics if metric.name == name)

    @property
    def verdict(self) -> Verdict:
        """Worst of all: fail over warn over pass; not-measured counts as warn, but for FROM_ELSEWHERE. Without any figure
        nothing was measured."""
        if not self.metrics:
            return "not-measured"
        verdicts = {
            metric.verdict for metric in self.metrics if metric.verdict != "not-measured" or metric.name not in FROM_ELSEWHERE
        } or {"not-measured"}
        if "fail" in verdicts:
            return "fail"
        return "warn" if verdicts & {"warn", "not-measured"} else "pass"

    @property
    def fit_for_driving(self) -> Fitness:
        """Whether a robot ends here where it would in the place itself: fail if any figure about it fails, not assessed
        where part of the proof wasn't measured. How the world looks has no say."""
        about = [metric for metric in self.metrics if metric.subject == "driving"]
        if any(metric.verdict == "fail" for metric in about):
            return "fail"
        measured = {metric.name for metric in about if metric.verdict != "not-measured"}
        return "pass" if measured >= set(PROOF) else "not-assessed"

    @property
    def looks(self) -> Grade:
        """How much was seen and how well it looks: good where all figures about it pass, fair where some warn, poor where one
        fails. Whether robots can drive in it has no say."""
        about = {metric.verdict for metric in self.metrics if metric.subject == "looks"} - {"not-measured"}
        if not about:
            return "none"
        return "poor" if "fail" in about else "fair" if "warn" in about else "good"

    def to_json(self) -> dict[str, Any]:
        """What ``metrics.json`` holds."""
        rows = {metric.name: metric.to_json() for metric in self.metrics}
        return {
            "schema_version": SCHEMA_VERSION,
            "scene": self.scene,
            "verdict": self.verdict,
            "fit_for_driving": self.fit_for_driving,
            "looks": self.looks,
            "world": self.world,
            "metrics": rows,
        }

    def save(self, folder: Path) -> None:
        write_json(folder / METRICS, self.to_json())

    @classmethod
    def load(cls, folder: Path) -> "Report":
        """Of a step folder, or of a published world."""
        stored = read_json(folder / METRICS)
        metrics = tuple(Metric(name=name, **row) for name, row in stored["metrics"].items())
        return cls(scene=stored["scene"], metrics=metrics, world=stored.get("world", ""))
