"""Text, JSON and JUnit of a validation, to the letter."""

import json
from xml.etree import ElementTree as Xml

from lyra_sim.usd.rules.issues import Issue, Validation
from lyra_sim.usd.rules.validation_report import as_json, as_junit, as_text

ODD = "/World/Zimmer_ä/<b>&\"quoted'"


def issue(rule: str, *, tool: str = "ours", severity: str = "error", message: str = "it broke", path: str = ODD) -> Issue:
    return Issue(tool=tool, rule=rule, severity=severity, message=message, path=path, variant="visual=splat")


FOUND = Validation(
    rules={"ours": {"A.1": "a < b", "A.2": "holds", "A.3": "warns"}, "theirs": {"Weld": "nothing to weld"}},
    missing={"far": "far-rules: it can't be imported"},
    issues=(
        issue("A.1", message="nul \0, bell \a, escape \x1b, half \ud800, emoji \U0001f600 & co"),
        issue("A.1", path="/World/other"),
        issue("A.3", severity="warning", path=""),
        issue("engine", tool="theirs", message="a rule that isn't on the list"),
    ),
)

TEXT = """\
error: ours A.1 /World/Zimmer_ä/<b>&"quoted' [visual=splat]: nul \0, bell \a, escape \x1b, half \ud800, emoji \U0001f600 & co
error: ours A.1 /World/other [visual=splat]: it broke
warning: ours A.3 [visual=splat]: it broke
error: theirs engine /World/Zimmer_ä/<b>&"quoted' [visual=splat]: a rule that isn't on the list
not examined: far (far-rules: it can't be imported)
room.usda: 3 errors, 1 other findings, 4 rules"""

JUNIT = """\
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="lyra-sim validate room.usda" tests="7" failures="2" errors="0" skipped="1">
  <testsuite name="reader" failures="0" skipped="0" errors="0" tests="1">
    <testcase classname="reader" name="the stage opens and is examined to its end" />
  </testsuite>
  <testsuite name="ours" failures="1" skipped="0" errors="0" tests="3">
    <testcase classname="ours" name="A.1 a &lt; b">
      <failure type="error" message="nul \\u0000, bell \\u0007, escape \\u001b, half \\ud800, emoji \U0001f600 &amp; co \
(in /World/Zimmer_ä/&lt;b&gt;&amp;&quot;quoted', /World/other)">\
error: ours A.1 /World/Zimmer_ä/&lt;b&gt;&amp;"quoted' [visual=splat]: \
nul \\u0000, bell \\u0007, escape \\u001b, half \\ud800, emoji \U0001f600 &amp; co
error: ours A.1 /World/other [visual=splat]: it broke</failure>
    </testcase>
    <testcase classname="ours" name="A.2 holds" />
    <testcase classname="ours" name="A.3 warns">
      <system-out>warning: ours A.3 [visual=splat]: it broke</system-out>
    </testcase>
  </testsuite>
  <testsuite name="theirs" failures="1" skipped="0" errors="0" tests="2">
    <testcase classname="theirs" name="Weld nothing to weld" />
    <testcase classname="theirs" name="engine">
      <failure type="error" message="a rule that isn't on the list (in /World/Zimmer_ä/&lt;b&gt;&amp;&quot;quoted')">\
error: theirs engine /World/Zimmer_ä/&lt;b&gt;&amp;"quoted' [visual=splat]: a rule that isn't on the list</failure>
    </testcase>
  </testsuite>
  <testsuite name="far" failures="0" skipped="1" errors="0" tests="1">
    <testcase classname="far" name="all rules">
      <skipped message="far-rules: it can't be imported" />
    </testcase>
  </testsuite>
</testsuites>"""


def test_text() -> None:
    assert as_text("room.usda", FOUND) == TEXT


def test_junit() -> None:
    assert as_junit("room.usda", FOUND) == JUNIT
    assert Xml.fromstring(as_junit("room\0.usda", FOUND).encode()).tag == "testsuites"  # well-formed for a strict parser


def test_junit_says_when_the_stage_could_not_be_examined() -> None:
    dead = Issue(tool="reader", rule="timeout", severity="error", message="too long", path="a.usd", variant="default")
    found = Validation(rules={"ours": {"A.1": "x", "A.2": "y"}}, missing={}, issues=(issue("A.1"), dead))
    root = Xml.fromstring(as_junit("a.usd", found))
    failure = root.find("testsuite[@name='reader']/testcase/failure")
    assert failure is not None and failure.get("message") == "too long (in a.usd)"
    assert (root.get("failures"), root.get("skipped")) == ("2", "1")
    assert root.find("testsuite/testcase[@name='A.2 y']/skipped") is not None  # not heard of isn't held


def test_json() -> None:
    told = json.loads(as_json("room.usda", FOUND))
    assert (told["stage"], told["errors"], len(told["issues"])) == ("room.usda", 3, 4)
    assert (told["rules"], told["missing"]) == (FOUND.rules, FOUND.missing)
    assert Issue(**told["issues"][0]) == FOUND.issues[0]
