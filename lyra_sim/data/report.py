"""Measured figures with a verdict each; ``not-measured`` is a verdict of its own and never a pass."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lyra_sim.data.files import read_json, write_json

SCHEMA_VERSION = 1
"""Of metrics.json; raised when a field changes meaning. Convention."""

METRICS = "metrics.json"
"""In the folder of the step, and beside the published world."""

Verdict = Literal["pass", "warn", "fail", "not-measured"]


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

    def to_json(self) -> dict[str, Any]:
        return {"value": self.value, "unit": self.unit, "n": self.n, "verdict": self.verdict, "note": self.note}


@dataclass(frozen=True, kw_only=True)
class Report:
    """All figures of one world."""

    scene: str
    metrics: tuple[Metric, ...]

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

    def save(self, folder: Path) -> None:
        rows = {metric.name: metric.to_json() for metric in self.metrics}
        write_json(
            folder / METRICS, {"schema_version": SCHEMA_VERSION, "scene": self.scene, "verdict": self.verdict, "metrics": rows}
        )

    @classmethod
    def load(cls, folder: Path) -> "Report":
        """Of a step folder, or of a published world."""
        stored = read_json(folder / METRICS)
        metrics = tuple(Metric(name=name, **row) for name, row in stored["metrics"].items())
        return cls(scene=stored["scene"], metrics=metrics)
