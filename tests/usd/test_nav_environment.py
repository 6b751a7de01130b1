"""Every Nav-Environment rule fires on its fault, only there, and is documented."""

import re
from pathlib import Path

import pytest

from lyra_sim.usd.rules.nav_environment import RULES, nav_environment_issues, nav_environment_rules
from lyra_sim.usd.rules.stage_view import variant_views
from tests.conftest import ROOT
from tests.usd.breaks import BREAKS, Break


def fired(stage: Path) -> set[str]:
    return {issue.rule for view in variant_views(stage) for issue in nav_environment_issues(view, nav_environment_rules())}


def test_good_package_breaks_no_rule(package: Path) -> None:
    assert fired(package / "world.usda") == set()
    assert fired(package / "world_splat.usda") == set()


@pytest.mark.parametrize("fault", BREAKS, ids=lambda fault: f"{fault.rule}-{fault.name}")
def test_fault_is_named(fault: Break, package: Path) -> None:
    fault.edit(package)
    assert fired(package / "world.usda") == {fault.rule} | fault.also


def test_every_rule_has_a_fault_and_an_entry_in_the_documentation() -> None:
    ids = [rule.id for rule in RULES]
    assert ids == sorted(set(ids))
    assert {fault.rule for fault in BREAKS} == set(ids)
    documented = re.findall(r"^\| (NE\.\d{3}) \| ([^|]+) \|", (ROOT / "docs" / "nav_environment.md").read_text(), re.M)
    assert [(rule.id, rule.title) for rule in RULES] == [(id, title.strip()) for id, title in documented]
