"""The doctor: what is wrong is found, and only that stops a build."""

import importlib.metadata as metadata
from dataclasses import replace

import pytest

from lyra_sim.command import doctor
from lyra_sim.plugins import PluginSpec, Readiness
from tests.command_line import lyra_sim


def too_small() -> Readiness:
    return Readiness(ready=False, detail="too small")


def states(findings) -> dict[str, str]:
    return {finding.subject: finding.state for finding in findings}


@pytest.fixture
def quick(monkeypatch):
    """Without the imports in processes of their own, which take seconds."""
    monkeypatch.setattr(doctor, "IMPORTS", ("json",))
    monkeypatch.setattr(doctor, "all_plugins", lambda: ())


def test_this_machine_is_looked_at(quick):
    found = states(doctor.examine())
    assert {"python", "cores", "memory", "disk", "numpy", "torch", "import json"} <= set(found)


def test_what_a_plug_in_says_of_this_machine_is_told(quick, monkeypatch):
    said = PluginSpec(kind="generator", name="mine", target="m:f", version="1", readiness=f"{__name__}:too_small")
    monkeypatch.setattr(doctor, "all_plugins", lambda: (said, replace(said, name="absent", needs={"no_such_module": "none"})))
    told = [finding for finding in doctor.examine() if finding.subject.startswith("generator")]
    assert [(finding.subject, finding.state, finding.detail) for finding in told] == [("generator mine", "note", "too small")]


def test_the_validator_is_tried_too():
    assert "usd_validation_nvidia" in doctor.IMPORTS


def test_a_missing_package_ends_with_4_and_the_command(quick, monkeypatch, capsys):
    monkeypatch.setattr(doctor, "_requirements", lambda: ["numpy>=1", "no-such-package>=2", "pyyaml>=99"])
    code, printed = lyra_sim(["doctor"], capsys)
    rows = {line.split()[1]: line for line in printed.splitlines()}
    assert code == 4
    assert rows["numpy"].startswith("ok")
    assert "missing" in rows["no-such-package"] and "pip install 'no-such-package>=2'" in rows["no-such-package"]
    assert f"{metadata.version('pyyaml')} is installed, >=99 is needed" in rows["pyyaml"]


def test_a_native_package_that_does_not_load_is_found(quick, monkeypatch, tmp_path):
    (tmp_path / "broken_native.py").write_text("import os; os.abort()")
    (tmp_path / "no_library.py").write_text("raise OSError('libusb-1.0.so.0: cannot open shared object file')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(doctor, "IMPORTS", ("broken_native", "no_library"))
    found = {finding.subject: finding for finding in doctor._native()}
    assert found["import broken_native"].state == "missing"
    assert "libusb-1.0.so.0" in found["import no_library"].detail


@pytest.mark.parametrize(
    ("found", "limit", "good"),
    [
        ("2.13.0+cpu", ">=2.13", True),
        ("2.9.1", ">=2.13", False),
        ("1.2", "<2", True),
        ("0.7.0.74035321", "==0.7.0.74035321", True),
        ("4.4.0.post1", ">=4.4", True),
        ("25.11.2.72696984", ">=25.11.2", True),
    ],
)
def test_versions_compare_by_number(found, limit, good):
    assert doctor._meets(found, limit) is good


def test_only_one_of_two_exclusive_packages_is_asked_for():
    only_here = "sys_platform == 'linux' and platform_machine == 'x86_64'"
    elsewhere = "sys_platform != 'linux' or platform_machine != 'x86_64'"
    assert doctor._applies(None) and doctor._applies(only_here) != doctor._applies(elsewhere)
