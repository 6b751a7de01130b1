"""What a rule of ours is, and how a table of them is run on a stage."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from lyra_sim.usd.rules.issues import Issue, Severity
from lyra_sim.usd.rules.stage_view import Finding, View


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One thing that must hold under every variant selection."""

    id: str
    title: str
    check: Callable[[View], Iterable[Finding]]
    severity: Severity = "error"
    once: bool = False
    """True where variants can't change the answer, so the stage as it opens is enough."""


def run_rules(tool: str, table: Iterable[Rule], view: View, wanted: Collection[str]) -> Iterator[Issue]:
    """Run the rules of ``table`` with the ids ``wanted`` on a stage under one variant selection."""
    for rule in table:
        if rule.id not in wanted or (rule.once and view.variant != "default"):
            continue
        for path, message in _findings(rule, view):
            yield Issue(tool=tool, rule=rule.id, severity=rule.severity, message=message, path=path, variant=view.variant)


def _findings(rule: Rule, view: View) -> Iterator[Finding]:
    """A stage so odd that a rule stumbles over it breaks that rule; the others still speak."""
    try:
        yield from rule.check(view)
    except (TypeError, ValueError, LookupError, ArithmeticError, AttributeError, np.linalg.LinAlgError) as error:
        yield "", f"'{rule.title}' couldn't be examined ({type(error).__name__}: {error})"
