"""Examine a stage in this process: for stages this program wrote itself, and for the child process of ``validate``."""

from collections.abc import Iterator
from pathlib import Path

from pxr import Tf

from lyra_sim.usd.rules.issues import Issue
from lyra_sim.usd.rules.rule_groups import GROUPS, Choice
from lyra_sim.usd.rules.stage_view import variant_views
from lyra_sim.usd.rules.validate import last_line, reader_issue


def issues_of(path: Path, choice: Choice) -> Iterator[Issue]:
    """Every finding once, as it is found; what several variants share is told under the first."""
    told: set[tuple[str, str, str, str]] = set()
    try:
        for view in variant_views(path):
            for group in GROUPS:
                for issue in group.issues(view, choice.rules[group.name]) if group.name in choice.rules else ():
                    key = (issue.tool, issue.rule, issue.path, issue.message)
                    if key not in told:
                        told.add(key)
                        yield issue
    except Tf.ErrorException as error:
        yield reader_issue("open", f"the stage can't be read: {last_line(str(error))}", path)
