"""``lyra-sim validate``: exit codes, formats, files, and what stays known when the reader dies."""

import json
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from tests.command_line import lyra_sim
from tests.usd.breaks import BREAKS

NAV = ("--rules", "nav-environment")
NO_NVIDIA = "raise ImportError('not here')\n"
DEADLY = """\
import os, signal

class Weld: "Vertices that could be welded."
class GaussianSplatSchemaChecker: "Splats."

class ValidationEngine:
    rules = [Weld]
    def __init__(self, **options): pass
    def enable_rule(self, rule): pass
    def validate(self, stage): os.kill(os.getpid(), signal.SIGSEGV)
"""


def stand_in(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a module of NVIDIA's name before the real one, for the child process alone."""
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "usd_validation_nvidia.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "path"))


def test_a_good_folder_passes(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, printed = lyra_sim(["validate", str(package)], capsys)
    assert code == 0
    assert printed.splitlines()[-1].startswith(f"{package}: 0 errors, 0 other findings, 1")


def test_errors_fail_and_junit_names_rule_and_prim(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    next(fault for fault in BREAKS if fault.name == "dented_hull").edit(package)
    report = package.parent / "report.xml"
    code, printed = lyra_sim(["validate", str(package), "--rules", "NE.1*", "--format", "junit", "--out", str(report)], capsys)
    assert (code, len(printed.splitlines())) == (1, 1)
    root = Xml.parse(report).getroot()
    assert root.get("failures") == "1"
    (case,) = [case for case in root.iter("testcase") if case.find("failure") is not None]
    assert case.get("name") == "NE.103 hulls are convex"
    assert "/World/Environment/Collision/shapes/clutter_000" in str(case.find("failure").get("message"))
    assert len(root.findall("testsuite[@name='nav-environment']/testcase")) >= 11


def test_json_of_one_rule(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    next(fault for fault in BREAKS if fault.name == "dented_hull").edit(package)
    code, printed = lyra_sim(["validate", str(package), "--rules", "NE.104", "--format", "json"], capsys)
    told = json.loads(printed)
    assert (code, told["issues"], told["rules"]) == (0, [], {"nav-environment": {"NE.104": "hulls are closed"}})


def test_usage_and_missing_files(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, printed = lyra_sim(["validate", str(package), "--rules", "nav-enviroment"], capsys)
    assert code == 2 and "Did you mean 'nav-environment'?" in printed
    code, printed = lyra_sim(["validate", str(package), "--format", "yaml"], capsys)
    assert code == 2
    code, printed = lyra_sim(["validate", str(package), *NAV, "--out", str(package / "no" / "report.xml")], capsys)
    assert code == 2 and "it can't be written" in printed
    assert lyra_sim(["validate", str(package / "nothing.usd")], capsys)[0] == 3


def test_a_group_that_is_not_installed(
    package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Left out, and said so; asked for by name, the environment isn't ready."""
    stand_in(NO_NVIDIA, tmp_path, monkeypatch)
    code, printed = lyra_sim(["validate", str(package)], capsys)
    assert code == 0 and "not examined: nvidia (usd-validation-nvidia: it can't be imported)" in printed
    code, printed = lyra_sim(["validate", str(package), "--rules", "nvidia"], capsys)
    assert code == 4 and "pip install usd-validation-nvidia" in printed


def test_a_crash_costs_only_what_would_have_come_later(
    package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    next(fault for fault in BREAKS if fault.name == "dented_hull").edit(package)
    stand_in(DEADLY, tmp_path, monkeypatch)
    code, printed = lyra_sim(["validate", str(package)], capsys)
    assert code == 1
    assert "nav-environment NE.103" in printed and "reader crash world.usda" in printed and "signal 11" in printed
