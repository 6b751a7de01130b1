"""Packages with one fault each: validation refuses them, by the rule that is meant for the fault."""

from pathlib import Path

import pytest

from lyra_sim.usd.rules.issues import Issue
from lyra_sim.usd.rules.nav_environment import nav_environment_issues, nav_environment_rules
from lyra_sim.usd.rules.stage_view import variant_views
from tests.broken_worlds.package_faults import PACKAGE_FAULTS, PackageFault


def issues(stage: Path) -> list[Issue]:
    return [issue for view in variant_views(stage) for issue in nav_environment_issues(view, nav_environment_rules())]


def test_the_good_package_breaks_no_rule(sound_package: Path) -> None:
    assert issues(sound_package / "world.usda") == []


@pytest.mark.parametrize("fault", PACKAGE_FAULTS, ids=lambda fault: fault.name)
def test_the_rule_meant_for_the_fault_names_it(fault: PackageFault, package: Path) -> None:
    fault.edit(package)
    found = issues(package / "world.usda")
    said = [issue.message + issue.path for issue in found if issue.rule == fault.rule and issue.severity == "error"]
    assert any(fault.message in message for message in said), [str(issue) for issue in found]
