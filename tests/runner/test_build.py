"""Building: resume, reasons, selections, failures, interruptions; with real processes and fake steps."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from lyra_sim.errors import GeometryError, InputError, SpecError, StoreError
from lyra_sim.runner import Selection, build, plan, step_table
from lyra_sim.store import read_manifest, scene_lock
from tests.runner.conftest import FAKE_STEPS, PASSING_ON

FAIL, HANG, DIE, BUG = ({"target_faces": code} for code in (503, 501, 502, 505))


def go(scene, out, *, isolate=False, **options):
    scenes = scene if isinstance(scene, list) else [scene]
    return build(scenes, out, modules=FAKE_STEPS, isolate=isolate, **options)


def digests(out: Path, scene="room") -> dict[str, str]:
    return {folder.name: read_manifest(folder).output_digest for folder in sorted((out / scene / "steps").glob("0*"))}


def reasons(scene, out, **selection) -> dict[str, tuple[str, str]]:
    (made,) = plan([scene], out, modules=FAKE_STEPS, selection=Selection(**selection))
    return {step.step.name: (step.action, step.reason) for step in made.steps}


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {str(file): (file.stat().st_mtime_ns, file.read_bytes()) for file in sorted(folder.rglob("*")) if file.is_file()}


def test_a_second_build_does_nothing(make_scene, tmp_path):
    first = go(make_scene(), tmp_path / "out", isolate=True)
    assert first.exit_code == 0 and first.scenes[0].ran == ("count", "scale", "author", "assess")
    steps = tmp_path / "out" / "room" / "steps"
    before = {folder.name: tree(folder) for folder in steps.glob("0*")}
    second = go(make_scene(), tmp_path / "out")
    assert second.exit_code == 0 and second.scenes[0].ran == ()
    assert {folder.name: tree(folder) for folder in steps.glob("0*")} == before


def test_the_world_and_its_report_are_published(make_scene, tmp_path):
    result = go(make_scene(), tmp_path / "out").scenes[0]
    assert (result.folder / "world" / "world.usda").read_text() == "#usda 1.0\n# 5 abcde x 60000\n"
    published = {entry.name for entry in result.folder.iterdir()}
    assert published - {"logs"} == {"exports", "metrics.json", "report.html", "steps", "world"}
    assert result.report.verdict == "pass"
    (result.folder / "world" / "world.usda").write_text("edited by a user")
    assert go(make_scene(), tmp_path / "out").scenes[0].ran == (), "editing the published world must not touch the store"


def test_a_stale_report_is_never_left_beside_a_newer_world(make_scene, tmp_path):
    go(make_scene(), tmp_path / "out")
    go(make_scene(mesh={"target_faces": 200}), tmp_path / "out", until="author")
    folder = tmp_path / "out" / "room"
    assert "x 200" in (folder / "world" / "world.usda").read_text()
    assert not (folder / "metrics.json").exists() and not (folder / "report.html").exists()


@pytest.mark.parametrize("selection", [{"until": "scale"}, {"only": "count"}])
def test_an_older_report_is_no_verdict_on_this_build(make_scene, tmp_path, selection):
    """The published world and report stay, for they belong together, but they are not what the scene file asks for."""
    out = tmp_path / "out"
    assert go(make_scene(assess={"pictures": 1}), out).exit_code == 1
    result = go(make_scene(mesh={"target_faces": 200}, assess={"pictures": 1}), out, **selection)
    (scene,) = result.scenes
    assert scene.report is None and scene.due[-2:] == ("author", "assess") and result.exit_code == 0
    assert (out / "room" / "metrics.json").is_file() and "x 60000" in (out / "room" / "world" / "world.usda").read_text()
    (same,) = go(make_scene(assess={"pictures": 1}), tmp_path / "other").scenes
    assert same.report is not None and same.due == (), "a build of everything has its verdict"


def test_a_selection_that_leaves_nothing_due_still_has_its_verdict(make_scene, tmp_path):
    go(make_scene(), tmp_path / "out")
    (scene,) = go(make_scene(), tmp_path / "out", only="count").scenes
    assert scene.report is not None and scene.report.verdict == "pass" and scene.due == ()


def test_reasons_name_what_changed(make_scene, frames, tmp_path):
    out = tmp_path / "out"
    assert reasons(make_scene(), out)["count"] == ("run", "never built")
    assert not out.exists(), "planning writes nothing"
    go(make_scene(), out)
    assert {action for action, _ in reasons(make_scene(), out).values()} == {"current"}
    changed = reasons(make_scene(mesh={"voxel_size": 0.05}), out)
    assert changed["count"] == ("current", "unchanged")
    assert changed["scale"] == ("run", "param changed: mesh.voxel_size (auto → 0.05)")
    assert changed["author"] == ("run", "upstream changed: scale")
    (frames / "1.txt").write_text("xyz")
    assert reasons(make_scene(), out)["count"] == ("run", "input changed: rgb/1.txt")
    (frames / "1.txt").unlink()
    assert reasons(make_scene(), out)["count"] == ("run", "input removed: rgb/1.txt")


def test_a_raised_step_version_is_a_reason(make_scene, tmp_path, monkeypatch):
    go(make_scene(), tmp_path / "out")
    import fake_scale

    monkeypatch.setattr(fake_scale, "scale", replace(fake_scale.scale, version=2))
    step_table.cache_clear()
    assert reasons(make_scene(), tmp_path / "out")["scale"] == ("run", "step version 1 → 2")
    step_table.cache_clear()


def test_damaged_output_is_found_by_size_always_and_by_digest_when_asked(make_scene, tmp_path):
    out = tmp_path / "out"
    go(make_scene(), out)
    file = out / "room" / "steps" / "02_scale" / "scaled.txt"
    good = file.read_text()
    file.write_text(good.replace("5", "6", 1))
    assert reasons(make_scene(), out)["scale"][0] == "current"
    (verified,) = plan([make_scene()], out, modules=FAKE_STEPS, verify=True)
    assert verified.steps[1].reason == "output damaged: scaled.txt"
    file.write_text("cut")
    assert reasons(make_scene(), out)["scale"] == ("run", "output damaged: scaled.txt")
    assert go(make_scene(), out).scenes[0].ran == ("scale",), "the same result again leaves the rest current"
    assert file.read_text() == good
    (out / "room" / "steps" / "02_scale" / "manifest.json").write_text("{")
    assert reasons(make_scene(), out)["scale"] == ("run", "manifest damaged")


def test_forcing_a_step_reruns_what_follows_only_if_its_result_changes(make_scene, tmp_path):
    out = tmp_path / "out"
    go(make_scene(), out)
    assert reasons(make_scene(), out, force=("scale",))["author"] == ("check", "if scale gives another result")
    assert go(make_scene(), out, force=["scale"]).scenes[0].ran == ("scale",)
    manifest = out / "room" / "steps" / "02_scale" / "manifest.json"
    stored = json.loads(manifest.read_text())
    stored["files"]["scaled.txt"]["sha256"] = "0" * 64  # as if an older scale had given another result
    manifest.write_text(json.dumps(stored))
    assert reasons(make_scene(), out)["author"] == ("run", "upstream output changed: scale")


def test_a_change_passes_through_a_step_that_only_hands_it_on(make_scene, frames, tmp_path):
    """The second step writes the same files as before; what it loads isn't the same, so the third must run again."""
    out, weather = tmp_path / "out", frames.parent / "weather.txt"
    view = out / "room" / "steps" / "03_view" / "view.txt"

    def ran(**options):
        return build([make_scene()], out, modules=PASSING_ON, isolate=False, **options).scenes[0].ran

    weather.write_text("rain")
    assert ran() == ("sky", "window", "view")
    assert ran(force=["sky"]) == ("sky",), "the same result again leaves the rest current"
    weather.write_text("sunshine")
    assert ran(force=["sky"]) == ("sky", "window", "view")
    assert view.read_text() == "through the window: sunshine"
    weather.write_text("fog")
    assert ran(force=["sky"], until="window") == ("sky", "window")
    assert ran() == ("view",), "also when it was left out of the build that changed it"
    assert view.read_text() == "through the window: fog"


def test_nothing_is_current_behind_a_step_that_is_due(make_scene, frames, tmp_path):
    out, weather = tmp_path / "out", frames.parent / "weather.txt"
    weather.write_text("rain")
    build([make_scene()], out, modules=PASSING_ON, isolate=False)
    weather.write_text("sunshine")
    result = build([make_scene()], out, modules=PASSING_ON, isolate=False, only="sky", force=["sky"])
    assert result.scenes[0].ran == ("sky",)
    (made,) = plan([make_scene()], out, modules=PASSING_ON, selection=Selection(only="sky"))
    assert [(step.action, step.reason) for step in made.steps[1:]] == [
        ("left", "upstream output changed: sky"),
        ("left", "upstream due: window"),
    ]


def test_from_until_and_only(make_scene, tmp_path):
    out = tmp_path / "out"
    assert go(make_scene(), out, until="scale").scenes[0].ran == ("count", "scale")
    assert go(make_scene(), out, from_="scale").scenes[0].ran == ("scale", "author", "assess")
    assert go(make_scene(), out, only="author").scenes[0].ran == ()
    changed = make_scene(mesh={"target_faces": 300})
    refused = go(changed, out, only="author").scenes[0]
    assert isinstance(refused.error, InputError) and refused.exit_code == 3
    assert "needs step scale, which is not current (param changed: mesh.target_faces (60000 → 300))" in str(refused.error)
    with pytest.raises(SpecError, match="Did you mean 'scale'"):
        go(make_scene(), out, only="scal")
    with pytest.raises(SpecError, match="comes after"):
        go(make_scene(), out, from_="author", until="count")


def test_one_failing_scene_is_told_and_leaves_no_half_step(make_scene, tmp_path):
    out = tmp_path / "out"
    result = go([make_scene("bad", mesh=FAIL), make_scene("good")], out, isolate=True)
    assert result.exit_code == 1 and result.not_started == ("good",)
    error = result.scenes[0].error
    assert isinstance(error, GeometryError) and str(error) == "surface: it has a hole (expected none).\n  Close it."
    assert sorted(entry.name for entry in (out / "bad" / "steps").glob("[!.]*")) == ["01_count"]
    assert not list((out / "bad" / "steps").glob(".0*")), "nothing staged is left"
    kept = go([make_scene("bad", mesh=FAIL), make_scene("good")], out, keep_going=True)
    assert kept.exit_code == 1 and [scene.exit_code for scene in kept.scenes] == [1, 0]
    events = [json.loads(line) for line in (out / "events.jsonl").read_text().splitlines()]
    assert [event["event"] for event in events].count("build_finished") == 2
    failed = next(event for event in events if event["event"] == "failed")
    assert (failed["scene"], failed["step"]) == ("bad", "scale") and "hole" in failed["reason"]
    assert all(event["seconds"] >= 0 for event in events if event["event"] == "finished")


@pytest.mark.parametrize(
    ("mesh", "text"),
    [
        (DIE, "ended with SIGKILL"),
        (BUG, "ValueError: an unforeseen value"),
    ],
)
def test_a_step_that_dies_or_misbehaves_is_an_error_that_says_so(make_scene, tmp_path, mesh, text):
    result = go(make_scene(mesh=mesh), tmp_path / "out", isolate=True).scenes[0]
    assert text in str(result.error)
    assert "scaling room" in (tmp_path / "out" / "room" / "logs" / "02_scale.log").read_text(), "what it printed is kept"


def test_the_time_limit_fails_the_step(make_scene, tmp_path):
    clock = time.monotonic()
    result = go(make_scene(mesh=HANG), tmp_path / "out", timeout_step=1.5, until="scale", isolate=True).scenes[0]
    assert "it took longer than 1.5 s" in str(result.error) and time.monotonic() - clock < 20
    assert not list((tmp_path / "out" / "room" / "steps").glob(".0*"))


def test_a_world_that_fails_the_gate_is_kept_and_sets_the_exit_code_every_time(make_scene, tmp_path):
    scene = make_scene(assess={"pictures": 1})
    for _ in range(2):
        result = go(scene, tmp_path / "out")
        assert result.exit_code == 1 and result.scenes[0].error is None
        assert (tmp_path / "out" / "room" / "world" / "world.usda").is_file()


def test_scenes_in_parallel_give_the_same_as_one_after_another(make_scene, tmp_path):
    scenes = [make_scene(name) for name in ("a", "b")]
    assert go(scenes, tmp_path / "one").exit_code == 0
    assert go(scenes, tmp_path / "two", jobs=2, isolate=True).exit_code == 0
    assert [digests(tmp_path / "one", name) for name in "ab"] == [digests(tmp_path / "two", name) for name in "ab"]
    failing = [make_scene("a", mesh=FAIL), *(make_scene(name) for name in "bcdefgh")]
    result = go(failing, tmp_path / "three", jobs=2, isolate=True, until="scale")
    assert result.exit_code == 1 and result.not_started, "the queue is dropped when one fails"
    with pytest.raises(SpecError, match="jobs"):
        go(scenes, tmp_path / "four", jobs=2)


def test_in_this_process_and_in_its_own_give_the_same(make_scene, tmp_path):
    assert go(make_scene(), tmp_path / "one", isolate=True).exit_code == 0
    assert go(make_scene(), tmp_path / "two").exit_code == 0
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    failed = go(make_scene(mesh=BUG), tmp_path / "two").scenes[0]
    assert isinstance(failed.error.__cause__, ValueError)


def test_inputs_are_never_written_and_may_be_read_only(make_scene, frames, tmp_path):
    before = tree(frames.parent)
    for path in (*frames.iterdir(), frames):
        path.chmod(0o555 if path.is_dir() else 0o444)
    assert go(make_scene(), tmp_path / "out").exit_code == 0
    frames.chmod(0o755)
    assert tree(frames.parent) == before


def test_moving_the_inputs_rebuilds_nothing_and_no_path_is_stored(make_scene, frames, tmp_path):
    out = tmp_path / "out"
    go(make_scene(), out)
    moved = tmp_path / "elsewhere" / "rgb"
    moved.parent.mkdir()
    frames.rename(moved)
    rgbd = make_scene().rgbd.model_copy(update={"frames": moved, "depth": moved, "cameras": moved})
    scene = make_scene().model_copy(update={"rgbd": rgbd})
    assert go(scene, out).scenes[0].ran == ()
    assert not any(str(tmp_path) in file.read_text() for file in (out / "room" / "steps").rglob("*.json"))


def test_missing_and_empty_inputs(make_scene, frames, tmp_path):
    for file in frames.iterdir():
        file.unlink()
    result = go(make_scene(), tmp_path / "out").scenes[0]
    assert result.exit_code == 3 and "rgbd.frames" in str(result.error) and "empty" in str(result.error)
    frames.rmdir()
    result = go(make_scene(), tmp_path / "out").scenes[0]
    assert isinstance(result.error, InputError) and "nothing is there" in str(result.error)


def test_two_builds_on_one_folder_do_not_collide(make_scene, tmp_path):
    with scene_lock(tmp_path / "out" / "room" / "steps"):
        result = go(make_scene(), tmp_path / "out").scenes[0]
    assert isinstance(result.error, StoreError) and f"another build (process {os.getpid()})" in str(result.error)
    assert go(make_scene(), tmp_path / "out").exit_code == 0


DRIVER = """
import sys
from pathlib import Path
from lyra_sim.runner import build
from lyra_sim.scene.spec import SceneSpec
frames, out = Path(sys.argv[1]), Path(sys.argv[2])
scene = SceneSpec(name="room", rgbd={"frames": frames, "depth": frames, "cameras": frames}, mesh={"target_faces": 501})
build([scene], out, modules=("fake_count", "fake_scale", "fake_author", "fake_assess"))
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_build_leaves_no_half_step_and_resumes_to_the_same_digests(make_scene, frames, tmp_path, how):
    out, staged = tmp_path / "out", tmp_path / "out" / "room" / "steps"
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[2])])
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(frames), str(out)], env={**os.environ, "PYTHONPATH": path}, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 30
    while not list(staged.glob(".02_scale.tmp-*/half.txt")):
        assert time.monotonic() < deadline and process.poll() is None, "the second step never began"
        time.sleep(0.05)
    process.send_signal(how)
    assert process.wait(90) != 0
    assert not (staged / "02_scale").exists() and (staged / "01_count" / "manifest.json").is_file()
    if how == signal.SIGINT:
        assert not list(staged.glob(".02*")), "an interrupt cleans up at once"
    resumed = go(make_scene(), out)
    assert resumed.exit_code == 0 and resumed.scenes[0].ran == ("scale", "author", "assess")
    assert not list(staged.glob(".0*")), "leftovers of the killed run are gone"
    assert go(make_scene(), tmp_path / "fresh").exit_code == 0
    assert digests(out) == digests(tmp_path / "fresh")
