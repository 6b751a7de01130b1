"""The command line: exit codes, what is printed, and how long nothing takes."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from inspect import unwrap
from pathlib import Path

import pytest

import lyra_sim.runner.building as building
import lyra_sim.runner.planning as planning
from lyra_sim import __version__, plugins
from lyra_sim.plugins import PluginSpec
from tests.command_line import lyra_sim
from tests.runner.conftest import FAKE_STEPS

ROOT = Path(__file__).parents[2]
SCENES = """\
version: 1
scenes:
  - name: room
    rgbd: {frames: rgb/, depth: rgb/, cameras: rgb/0.txt}
  - name: hall
    rgbd: {frames: rgb/, depth: rgb/, cameras: rgb/0.txt}
"""


@pytest.fixture
def work(tmp_path, monkeypatch) -> Path:
    """A folder with a scene file of two scenes, and the four fake steps in place of the real ones."""
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "runner"))
    for function in (building.build, planning.plan):
        monkeypatch.setitem(unwrap(function).__kwdefaults__, "modules", FAKE_STEPS)
    (tmp_path / "rgb").mkdir()
    (tmp_path / "rgb" / "0.txt").write_text("abc")
    (tmp_path / "scenes.yaml").write_text(SCENES)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for name in FAKE_STEPS:
        sys.modules.pop(name, None)


def build(capsys, *arguments) -> tuple[int, str]:
    return lyra_sim(["build", "scenes.yaml", "--debug", *arguments], capsys)


def test_a_build_tells_each_step_and_where_the_worlds_are(work, capsys):
    code, printed = build(capsys, "--scene", "room")
    assert code == 0
    lines = [line.split(" done in")[0] for line in printed.splitlines() if line != "scaling room"]
    assert lines == [
        "room  1/4 count: never built",
        "room  1/4 count",
        "room  2/4 scale: never built",
        "room  2/4 scale",
        "room  3/4 author: never built",
        "room  3/4 author",
        "room  4/4 assess: never built",
        "room  4/4 assess",
        "room: PASS  1 pass",
        "  world   out/room/world/world.usda",
        "  report  out/room/report.html",
        "  fit for driving   NOT ASSESSED",
        "  seen, and looks   good",
    ]
    code, printed = build(capsys, "--scene", "r*")
    assert code == 0 and printed.endswith("Nothing to do: everything is current.\n")
    assert not (work / "out" / "hall").exists()


def test_a_build_of_less_says_that_the_world_is_older(work, capsys):
    build(capsys, "--scene", "room")
    code, printed = build(capsys, "--scene", "room", "--set", "scenes.room.mesh.target_faces=200", "--until", "scale")
    assert code == 0 and printed.splitlines()[-2:] == [
        "room: NOT ASSESSED  1 step ran, due: author, assess",
        "  world   out/room/world/world.usda is older than the scene file",
    ]
    code, printed = build(capsys, "--scene", "room", "--set", "scenes.room.mesh.target_faces=300", "--only", "count")
    assert "room: NOT ASSESSED  0 steps ran, due: scale, author, assess" in printed
    assert "PASS" not in printed and "everything is current" not in printed
    code, printed = build(capsys, "--scene", "room", "--set", "scenes.room.mesh.target_faces=503")
    assert code == 1 and "room: FAILED\n  world   out/room/world/world.usda is older than the scene file\n" in printed


def test_a_dry_run_gives_reasons_and_writes_nothing(work, capsys):
    code, printed = build(capsys, "--dry-run")
    assert code == 0 and not (work / "out").exists()
    assert printed.splitlines()[0].split() == ["room", "count", "run", "never", "built"]
    assert printed.splitlines()[-1] == "8 steps would run."
    build(capsys)
    code, printed = build(capsys, "--dry-run", "--set", "scenes.room.mesh.voxel_size=0.05", "--scene", "room")
    assert [line.split(maxsplit=2)[1:] for line in printed.splitlines()[:4]] == [
        ["count", "keep     unchanged"],
        ["scale", "run      param changed: mesh.voxel_size (auto → 0.05)"],
        ["author", "run      upstream changed: scale"],
        ["assess", "run      upstream changed: author"],
    ]
    code, printed = build(capsys, "--dry-run")
    assert printed.splitlines()[-1] == "Nothing to do: everything is current."


def test_a_failing_scene_stops_the_build_unless_told_otherwise(work, capsys):
    code, printed = build(capsys, "--set", "scenes.room.mesh.target_faces=503")
    assert code == 1
    assert "room: GeometryError: surface: it has a hole (expected none).\n  Close it." in printed
    assert "hall: not started, because an earlier scene failed (--keep-going builds it)" in printed
    code, printed = build(capsys, "--set", "scenes.room.mesh.target_faces=503", "--keep-going")
    assert code == 1 and "room: FAILED" in printed and "hall: PASS" in printed


def test_a_world_that_fails_the_gate_is_named_with_its_figures(work, capsys):
    code, printed = build(capsys, "--scene", "room", "--set", "defaults.assess.pictures=1")
    assert code == 1
    assert "room: FAIL  1 fail\n" in printed and "  fail    fake.pictures = 1\n" in printed
    assert (work / "out" / "room" / "world" / "world.usda").is_file()


def test_usage_help_and_version(capsys):
    assert lyra_sim(["--version"], capsys) == (0, f"lyra-sim {__version__}\n")
    code, printed = lyra_sim(["build", "--help"], capsys)
    assert code == 0
    for (
        option
    ) in "--out --scene --only --from --until --force --dry-run --keep-going --jobs --set --verify --timeout-step".split():
        assert option in printed
    code, printed = lyra_sim(["bild"], capsys)
    assert code == 2 and "bild" in printed
    assert lyra_sim(["build"], capsys)[0] == 2
    assert lyra_sim(["build", "x.yaml", "--jobs", "0"], capsys)[0] == 2


def test_the_schema_is_json(capsys):
    code, printed = lyra_sim(["schema"], capsys)
    assert code == 0 and json.loads(printed)["title"] == "lyra-sim scene file"


def test_plugins_are_listed_with_their_terms(capsys):
    code, printed = lyra_sim(["plugins"], capsys)
    rows = [line.split() for line in printed.splitlines()]
    assert code == 0 and [row[:3] for row in rows[1:9]] == [
        ["depth", "plane_sweep", "1"],
        ["depth", "layout", "1"],
        ["generator", "reproject", "1"],
        ["reconstructor", "fuse", "2"],
        ["reconstructor", "gsplat", "1"],
        ["exporter", "isaac", "2"],
        ["physics", "physx", "1"],
        ["physics", "newton", "1"],
    ]
    assert "NVIDIA Omniverse terms" in printed


def test_the_gpu_memory_a_plug_in_needs_is_listed(capsys, monkeypatch):
    big = PluginSpec(kind="reconstructor", name="big", target="m:f", version="2", min_vram_gb=24.0, weights_licence="Theirs")
    monkeypatch.setattr(plugins, "BUILT_IN", (*plugins.BUILT_IN, big))
    _, printed = lyra_sim(["plugins"], capsys)
    head, first, *_ = lines = printed.splitlines()
    (told,) = (line for line in lines if line.split()[:2] == ["reconstructor", "big"])
    column = head.index("GPU")
    assert first[column:].split()[0] == "no" and told[column:].startswith("24 GB ") and told.endswith("Theirs")


def test_validating_what_is_not_there(tmp_path, capsys):
    code, printed = lyra_sim(["validate", str(tmp_path / "no.usda")], capsys)
    assert code == 3 and printed.startswith("InputError: ")


def shell(work: Path, *arguments: str) -> subprocess.Popen[str]:
    """The command line as a process of its own, with the fake steps."""
    script = (
        "import sys, lyra_sim.runner.building as b, lyra_sim.runner.planning as p\n"
        f"b.build.__kwdefaults__['modules'] = p.plan.__kwdefaults__['modules'] = {FAKE_STEPS!r}\n"
        "from lyra_sim.command.cli import main\nmain(sys.argv[1:])\n"
    )
    path = os.pathsep.join([str(ROOT / "tests" / "runner"), str(ROOT)])
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        cwd=work,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_with_130_and_no_half_step(work, how):
    process = shell(work, "build", "scenes.yaml", "--scene", "room", "--set", "defaults.mesh.target_faces=501")
    steps, deadline = work / "out" / "room" / "steps", time.monotonic() + 30
    while not list(steps.glob(".02_scale.tmp-*/half.txt")):
        assert time.monotonic() < deadline and process.poll() is None, "the second step never began"
        time.sleep(0.05)
    process.send_signal(how)
    printed, _ = process.communicate(timeout=90)
    assert process.returncode == 130 and "Interrupted" in printed and "Traceback" not in printed
    assert not list(steps.glob("*02_scale*"))


def test_doing_nothing_takes_under_three_seconds_from_the_shell(work, capsys):
    """Of a core, whatever else runs on it."""
    assert build(capsys)[0] == 0
    seconds = []
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        process = shell(work, "build", "scenes.yaml")
        printed, _ = process.communicate(timeout=60)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        assert process.returncode == 0 and "Nothing to do" in printed
    assert 0.1 < min(seconds) < 3.0
