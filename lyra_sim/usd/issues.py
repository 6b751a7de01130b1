"""What a validator found, in one shape for all tools."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, kw_only=True)
class Issue:
    """One finding of one rule at one place."""

    tool: str
    """``openusd``, ``nvidia``, ``nav-environment``, or ``reader`` when the stage couldn't be examined at all."""
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
