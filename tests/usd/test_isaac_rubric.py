"""Every rule of NVIDIA's rubric fires on its fault, only there, and is documented with its source."""

import re
from pathlib import Path

import pytest

from lyra_sim.usd.rules.isaac_rubric import RULES, isaac_rubric_issues, isaac_rubric_rules
from lyra_sim.usd.rules.rule_groups import GROUPS
from lyra_sim.usd.rules.stage_view import variant_views
from tests.conftest import ROOT
from tests.usd.breaks import Break
from tests.usd.rubric_breaks import RUBRIC_BREAKS, lamps_that_add_up, sound


def fired(stage: Path) -> set[str]:
    chosen = set(isaac_rubric_rules())
    return {issue.rule for view in variant_views(stage) for issue in isaac_rubric_issues(view, chosen)}


def test_a_good_package_breaks_no_rule(package: Path) -> None:
    assert fired(package / "world.usda") == set()
    assert fired(package / "world_splat.usda") == set()


@pytest.mark.parametrize("edit", [sound, lamps_that_add_up])
def test_sound_additions_break_no_rule(edit, package: Path) -> None:
    edit(package)
    assert fired(package / "world.usda") == set()


@pytest.mark.parametrize("fault", RUBRIC_BREAKS, ids=lambda fault: f"{fault.rule}-{fault.name}")
def test_fault_is_named(fault: Break, package: Path) -> None:
    fault.edit(package)
    assert fired(package / "world.usda") == {fault.rule} | fault.also


def test_only_chosen_rules_are_run(package: Path) -> None:
    next(fault for fault in RUBRIC_BREAKS if fault.name == "nested_material").edit(package)
    views = list(variant_views(package / "world.usda"))
    assert {issue.rule for view in views for issue in isaac_rubric_issues(view, {"IR.205"})} == {"IR.205"}
    assert not [issue for view in views for issue in isaac_rubric_issues(view, {"IR.101", "IR.206"})]


def test_every_rule_has_a_fault_and_a_row_with_its_source() -> None:
    ids = [rule.id for rule in RULES]
    assert ids == sorted(set(ids))
    assert {fault.rule for fault in RUBRIC_BREAKS} == set(ids)
    rows = re.findall(r"^\| (IR\.\d{3}) \| ([^|]+) \| ([^|]+) \|", (ROOT / "docs" / "isaac.md").read_text(), re.M)
    assert [(rule.id, rule.title) for rule in RULES] == [(id, title.strip()) for id, title, _ in rows]
    assert all(source.strip().startswith(("rubric", "`")) for _, _, source in rows)


def test_validate_asks_the_group() -> None:
    assert "isaac-rubric" in [group.name for group in GROUPS]
