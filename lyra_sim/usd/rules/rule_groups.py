"""The groups of rules that a stage can be held against, and the choice among them.

A group names its rules, so that a report can tell what held as well as what broke, and looks at one :class:`View` at a
time. To add one: a module with two functions, ``<group>_rules`` and ``<group>_issues``, and an entry in GROUPS. Whatever it
stands on is imported inside those functions; where that isn't installed they raise ``EnvironmentNotReady``, and the group
counts as missing.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from lyra_sim.errors import EnvironmentNotReady, SpecError, did_you_mean
from lyra_sim.usd.rules.foreign_rules import nvidia_issues, nvidia_rules, openusd_issues, openusd_rules
from lyra_sim.usd.rules.isaac_rubric import isaac_rubric_issues, isaac_rubric_rules
from lyra_sim.usd.rules.issues import Issue
from lyra_sim.usd.rules.nav_environment import nav_environment_issues, nav_environment_rules
from lyra_sim.usd.rules.stage_view import View


@dataclass(frozen=True, kw_only=True)
class RuleGroup:
    """Rules of one origin."""

    name: str
    """Equals ``Issue.tool`` of everything it finds."""
    rules: Callable[[], dict[str, str]]
    """Id to title of all its rules, in the order they are reported; ids equal ``Issue.rule``."""
    issues: Callable[[View, Collection[str]], Iterable[Issue]]
    """Findings of the rules with these ids."""


GROUPS: tuple[RuleGroup, ...] = (
    RuleGroup(name="nav-environment", rules=nav_environment_rules, issues=nav_environment_issues),
    RuleGroup(name="openusd", rules=openusd_rules, issues=openusd_issues),
    RuleGroup(name="nvidia", rules=nvidia_rules, issues=nvidia_issues),
    RuleGroup(name="isaac-rubric", rules=isaac_rubric_rules, issues=isaac_rubric_issues),
)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What will be examined."""

    rules: dict[str, dict[str, str]]
    """Group to the id and title of its chosen rules."""
    missing: dict[str, EnvironmentNotReady]
    """Groups that can't run here, and why; only where nobody asked for them by name."""


def choose(patterns: Sequence[str], groups: Sequence[RuleGroup] = GROUPS) -> Choice:
    """Rules that match any pattern; no pattern means all of every group that is installed.

    A pattern is a group (``nvidia``), a rule's id (``NE.105``) or both (``nvidia:WeldChecker``), with ``*`` and ``?``.

    Raises:
        SpecError: A pattern matches nothing.
        EnvironmentNotReady: A group named by a pattern isn't installed.
    """
    known: dict[str, dict[str, str]] = {}
    missing: dict[str, EnvironmentNotReady] = {}
    for group in groups:
        try:
            known[group.name] = group.rules()
        except EnvironmentNotReady as error:
            missing[group.name] = error
    if not patterns:
        return Choice(rules=known, missing=missing)
    chosen: dict[str, dict[str, str]] = {}
    for pattern in patterns:
        for name, why in missing.items():
            if fnmatchcase(name, pattern.partition(":")[0]):
                raise why
        matched = [(name, id) for name, titles in known.items() for id in titles if _matches(pattern, group=name, rule=id)]
        if not matched:
            words = [*known, *(id for titles in known.values() for id in titles)]
            raise SpecError(
                f"--rules {pattern}",
                "no rule matches",
                expected=f"a group ({', '.join(known)}), a rule's id (NE.105), or both (nvidia:WeldChecker)",
                next_step=did_you_mean(pattern, words),
            )
        for name, id in matched:
            chosen.setdefault(name, {})[id] = known[name][id]
    in_order = {
        name: {id: title for id, title in titles.items() if id in chosen[name]}
        for name, titles in known.items()
        if name in chosen
    }
    return Choice(rules=in_order, missing={})


def _matches(pattern: str, *, group: str, rule: str) -> bool:
    return any(fnmatchcase(name, pattern) for name in (group, rule, f"{group}:{rule}"))
