"""What a validator found, in one shape for all tools."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]

READER = "reader"
"""Tool of an issue that says that the stage couldn't be examined, or not to its end."""

READER_RULE = "the stage opens and is examined to its end"


@dataclass(frozen=True, kw_only=True)
class Issue:
    """One finding of one rule at one place."""

    tool: str
    """A rule group (``openusd``, ``nvidia``, ``nav-environment`` …), or ``reader``."""
    rule: str
    """Id or name within the tool: ``NE.105``, ``WeldChecker``."""
    severity: Severity
    message: str
    path: str
    """Prim or property path; a file name where the issue is about a file; empty for the stage."""
    variant: str
    """``default``, or the selection it was first found under: ``visual=splat``."""

    def __str__(self) -> str:
        where = f" {self.path}" if self.path else ""
        return f"{self.severity}: {self.tool} {self.rule}{where} [{self.variant}]: {self.message}"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Validation:
    """A stage held against rules: what was asked and what was found."""

    rules: dict[str, dict[str, str]]
    """Group to id and title of every rule that was examined, whether it held or not."""
    missing: dict[str, str]
    """Groups that weren't examined because they can't run here, and why."""
    issues: tuple[Issue, ...]

    def count(self, severity: Severity) -> int:
        return sum(issue.severity == severity for issue in self.issues)
