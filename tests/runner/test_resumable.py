"""A step that says it is resumable goes on after a kill; with real processes."""

from pathlib import Path

import pytest

from lyra_sim.runner import build
from lyra_sim.store import read_manifest
from tests.runner.fake_chunks import KILLED_BEFORE

MODULES = ("fake_chunks",)


def chunks_folder(out: Path) -> Path:
    return out / "room" / "steps" / "01_chunks"


def parts(out: Path) -> list[Path]:
    return sorted(chunks_folder(out).parent.glob(".01_chunks.part-*"))


@pytest.fixture
def killed(make_scene, frames, tmp_path):
    """A scene whose step was killed before its third file, and where it was built."""
    scene, out, die = make_scene(mesh={"target_faces": KILLED_BEFORE + 2}), tmp_path / "out", frames.parent / "die"
    die.touch()
    result = build([scene], out, modules=MODULES, isolate=True)
    assert result.exit_code == 1 and "SIGKILL" in str(result.scenes[0].error)
    die.unlink()
    return scene, out


def test_what_was_done_is_kept_and_not_done_again(killed) -> None:
    scene, out = killed
    (part,) = parts(out)
    assert [file.name for file in sorted(part.iterdir())] == ["0.txt", "1.txt"]
    assert not chunks_folder(out).exists(), "half a step is no step"
    assert build([scene], out, modules=MODULES, isolate=True).exit_code == 0
    assert (out / "room" / "logs" / "01_chunks.log").read_text().split() == ["kept", "0", "kept", "1"]
    assert read_manifest(chunks_folder(out)) is not None and not parts(out)


def test_the_result_is_that_of_an_undisturbed_run(killed, tmp_path) -> None:
    scene, out = killed
    build([scene], out, modules=MODULES, isolate=True)
    build([scene], tmp_path / "elsewhere", modules=MODULES, isolate=True)
    one, other = (read_manifest(chunks_folder(place)) for place in (out, tmp_path / "elsewhere"))
    assert one.output_digest == other.output_digest


def test_other_work_starts_from_nothing(killed, make_scene) -> None:
    _, out = killed
    other = make_scene(seed=8, mesh={"target_faces": KILLED_BEFORE + 2})
    assert build([other], out, modules=MODULES, isolate=True).exit_code == 0
    assert not (out / "room" / "logs" / "01_chunks.log").exists(), "nothing was kept"
    assert (chunks_folder(out) / "0.txt").read_text() == "8 0" and not parts(out)


def test_force_starts_from_nothing(killed) -> None:
    scene, out = killed
    build([scene], out, modules=MODULES, isolate=True, force=["chunks"])
    assert not (out / "room" / "logs" / "01_chunks.log").exists(), "nothing was kept"


def test_a_manifest_left_by_a_kill_before_the_move_is_not_part_of_the_step(killed, tmp_path) -> None:
    scene, out = killed
    (parts(out)[0] / "manifest.json").write_text("{}")
    build([scene], out, modules=MODULES, isolate=True)
    build([scene], tmp_path / "elsewhere", modules=MODULES, isolate=True)
    one, other = (read_manifest(chunks_folder(place)) for place in (out, tmp_path / "elsewhere"))
    assert one.output_digest == other.output_digest
