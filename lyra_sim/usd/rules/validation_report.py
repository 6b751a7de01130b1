"""A validation as lines for people, JSON for programs, and JUnit XML for build servers."""

import json
import re
from collections.abc import Callable, Sequence
from xml.etree import ElementTree as Xml

from lyra_sim.usd.rules.issues import READER, READER_RULE, Issue, Validation

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 can't hold in any form; a stage's strings can."""


def as_text(stage: str, found: Validation) -> str:
    """One line an issue, then what wasn't examined, then the count."""
    lines = [str(issue) for issue in found.issues]
    lines += [f"not examined: {group} ({why})" for group, why in found.missing.items()]
    errors, rules = found.count("error"), sum(map(len, found.rules.values()))
    return "\n".join([*lines, f"{stage}: {errors} errors, {len(found.issues) - errors} other findings, {rules} rules"])


def as_json(stage: str, found: Validation) -> str:
    """``stage``, ``issues`` as they were found, ``rules`` by group with their titles, ``missing`` groups and why."""
    told = {
        "stage": stage,
        "errors": found.count("error"),
        "issues": [issue.to_json() for issue in found.issues],
        "rules": found.rules,
        "missing": found.missing,
    }
    return json.dumps(told, indent=1)


def as_junit(stage: str, found: Validation) -> str:
    """A suite a group, a case a rule; cases fail on errors, and warnings are told as a passed case's output.

    The case of ``reader`` says whether the stage could be examined to its end. If it couldn't, rules of which nothing was
    heard are skipped, not passed. So are groups that can't run here.
    """
    cut_short = any(issue.tool == READER for issue in found.issues)
    root = Xml.Element("testsuites", name=_legal(f"lyra-sim validate {stage}"))
    suites = {READER: {READER_RULE: ""}} | found.rules
    for group, titles in suites.items():
        suite = Xml.SubElement(root, "testsuite", name=group)
        told = [issue for issue in found.issues if issue.tool == group]
        strangers = sorted({issue.rule for issue in told} - set(titles)) if group != READER else []
        for rule in [*titles, *strangers]:
            broken = [issue for issue in told if group == READER or issue.rule == rule]
            case = _case(suite, group, rule, titles.get(rule, ""), broken)
            if cut_short and not broken:
                Xml.SubElement(case, "skipped", message="the stage couldn't be examined to its end")
    for group, why in found.missing.items():
        suite = Xml.SubElement(root, "testsuite", name=group)
        case = Xml.SubElement(suite, "testcase", classname=group, name="all rules")
        Xml.SubElement(case, "skipped", message=_legal(why))
    for suite in root:
        for outcome in ("failure", "skipped"):
            suite.set("failures" if outcome == "failure" else outcome, str(len(suite.findall(f"testcase/{outcome}"))))
        suite.set("errors", "0")
        suite.set("tests", str(len(suite.findall("testcase"))))
    for count in ("tests", "failures", "errors", "skipped"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    Xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode")


FORMATS: dict[str, Callable[[str, Validation], str]] = {"text": as_text, "json": as_json, "junit": as_junit}


def _case(suite: Xml.Element, group: str, rule: str, title: str, issues: Sequence[Issue]) -> Xml.Element:
    case = Xml.SubElement(suite, "testcase", classname=group, name=_legal(f"{rule} {title}".strip()))
    errors = [issue for issue in issues if issue.severity == "error"]
    if errors:
        places = ", ".join(dict.fromkeys(issue.path or "the stage" for issue in errors))
        failure = Xml.SubElement(case, "failure", type="error", message=_legal(f"{errors[0].message} (in {places})"))
        failure.text = _legal("\n".join(map(str, errors)))
    others = [issue for issue in issues if issue.severity != "error"]
    if others:
        Xml.SubElement(case, "system-out").text = _legal("\n".join(map(str, others)))
    return case


def _legal(text: str) -> str:
    """``text`` with what XML can't hold written as an escape, visibly."""
    return _NOT_XML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
