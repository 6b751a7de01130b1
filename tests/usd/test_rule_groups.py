"""The choice among rules: patterns, mistakes, and groups that aren't installed."""

import pytest

from lyra_sim.errors import EnvironmentNotReady, SpecError
from lyra_sim.usd.rules.rule_groups import GROUPS, RuleGroup, choose


def group(name: str, *ids: str, absent: bool = False) -> RuleGroup:
    def rules() -> dict[str, str]:
        if absent:
            raise EnvironmentNotReady(name, "it isn't installed")
        return {id: f"title of {id}" for id in ids}

    return RuleGroup(name=name, rules=rules, issues=lambda view, ids: ())


ABLE = (group("ours", "A.1", "A.2", "B.1"), group("theirs", "Weld", "Winding"))


def chosen(*patterns: str, groups: tuple[RuleGroup, ...] = ABLE) -> dict[str, list[str]]:
    return {name: list(titles) for name, titles in choose(patterns, groups).rules.items()}


def test_no_pattern_is_everything() -> None:
    assert chosen() == {"ours": ["A.1", "A.2", "B.1"], "theirs": ["Weld", "Winding"]}


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["ours"], {"ours": ["A.1", "A.2", "B.1"]}),
        (["A.2"], {"ours": ["A.2"]}),
        (["A.*"], {"ours": ["A.1", "A.2"]}),
        (["theirs:Weld"], {"theirs": ["Weld"]}),
        (["W?ld", "B.1", "A.1"], {"ours": ["A.1", "B.1"], "theirs": ["Weld"]}),
        (["*s"], {"ours": ["A.1", "A.2", "B.1"], "theirs": ["Weld", "Winding"]}),
    ],
)
def test_patterns(patterns: list[str], expected: dict[str, list[str]]) -> None:
    assert chosen(*patterns) == expected


def test_a_pattern_that_matches_nothing_is_a_mistake() -> None:
    with pytest.raises(SpecError, match=r"--rules A\.3: no rule matches") as caught:
        chosen("A.1", "A.3")
    assert caught.value.exit_code == 2 and "Did you mean" in str(caught.value)


def test_what_is_not_installed_is_missing_unless_it_was_asked_for() -> None:
    groups = (*ABLE, group("far", absent=True))
    assert set(choose((), groups).missing) == {"far"}
    assert choose(["ours"], groups).missing == {}
    for pattern in ("far", "far:*", "f*"):
        with pytest.raises(EnvironmentNotReady, match="far: it isn't installed") as caught:
            chosen(pattern, groups=groups)
    assert caught.value.exit_code == 4


def test_every_group_names_its_rules_and_each_once() -> None:
    ids = [(one.name, id) for one in GROUPS for id in one.rules()]
    assert len(ids) == len(set(ids)) > 100
    assert {"nav-environment", "openusd", "nvidia"} <= {one.name for one in GROUPS}
    assert all(GROUPS[0].rules().values())  # others leave a few of theirs without a title
