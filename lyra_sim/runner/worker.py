"""Runs one step in a process of its own: paths travel, arrays don't.

A native library that crashes, hangs or eats all memory then fails one step with a message, and each step starts
from the same clean state, whatever ran before it. The job comes as one JSON line on standard input; what the step
prints goes to its log; the outcome is a JSON file beside the result's folder.
"""

import json
import os
import resource
import signal
import sys
import threading
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lyra_sim import errors
from lyra_sim.errors import LyraSimError
from lyra_sim.runner.planning import AnyStep, step_table
from lyra_sim.scene.spec import SceneSpec

_DETAIL = ("subject", "found", "expected", "likely", "next_step")


@dataclass(frozen=True, kw_only=True)
class Job:
    """One step of one scene."""

    modules: tuple[str, ...]
    step: str
    scene: SceneSpec
    folders: dict[str, Path]
    """Finished folders of the steps before it, by name."""
    out: Path
    """A folder for the result; empty, or for a resumable step with what it did before."""
    kept: Path | None = None
    """Beside the result's place: what the step keeps of its work from one result to the next."""

    @property
    def outcome(self) -> Path:
        """Where the process says how it went."""
        return self.out.with_name(self.out.name + ".json")

    def to_json(self) -> str:
        return json.dumps(
            {
                "modules": self.modules,
                "step": self.step,
                "scene": self.scene.model_dump(mode="json"),
                "folders": {name: str(folder) for name, folder in self.folders.items()},
                "out": str(self.out),
                "kept": None if self.kept is None else str(self.kept),
            }
        )

    @classmethod
    def from_json(cls, text: str) -> "Job":
        row = json.loads(text)
        return cls(
            modules=tuple(row["modules"]),
            step=row["step"],
            scene=SceneSpec.model_validate(row["scene"]),
            folders={name: Path(folder) for name, folder in row["folders"].items()},
            out=Path(row["out"]),
            kept=None if row["kept"] is None else Path(row["kept"]),
        )


def execute(job: Job) -> None:
    """Load what the step needs, from disk, and run it."""
    table = {step.name: step for step in step_table(job.modules)}
    step = table[job.step]
    loaded: dict[str, Any] = {}
    inputs = {name: _load(table, name, job.folders, loaded) for name in step.needs}
    step.run(job.scene, inputs, out=job.out, kept=job.kept)


def _load(table: dict[str, AnyStep], name: str, folders: dict[str, Path], loaded: dict[str, Any]) -> Any:
    if name not in loaded:
        inputs = {need: _load(table, need, folders, loaded) for need in table[name].loads}
        loaded[name] = table[name].load(folders[name], inputs)
    return loaded[name]


def peak_mb() -> float:
    """Most memory this process, or one it waited for, has held [MB]."""
    usage = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return round(usage / 1024 if sys.platform != "darwin" else usage / 1024**2, 1)


def error_to_json(error: LyraSimError) -> dict[str, Any]:
    """What it takes to raise the same error elsewhere."""
    return {"kind": type(error).__name__, **{name: getattr(error, name) for name in _DETAIL}}


def error_from_json(row: dict[str, Any]) -> LyraSimError:
    """The error that :func:`error_to_json` described; a class unknown here becomes a plain LyraSimError."""
    kind = getattr(errors, row["kind"], LyraSimError)
    detail = {name: row[name] for name in _DETAIL[2:]}
    made: LyraSimError = kind(row["subject"], row["found"], **detail)
    return made


def defect(scene: str, step: str, error: BaseException) -> LyraSimError:
    """An exception nobody raised on purpose."""
    return LyraSimError(
        f"scene '{scene}', step {step}",
        f"it stopped with {type(error).__name__}: {error}",
        likely="This is a defect in lyra-sim or in a package it uses.",
        next_step="The traceback is in the step's log; lyra-sim build --debug runs the step in this process.",
    )


def main() -> None:
    """Entry point of the process. ``job.outcome`` is written when the step is over, however it went."""
    job = Job.from_json(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    outcome: dict[str, Any] = {}
    try:
        execute(job)
    except LyraSimError as error:
        traceback.print_exc()
        outcome = {"error": error_to_json(error)}
    except Exception as error:  # noqa: BLE001 - told to the build, which raises it
        traceback.print_exc()
        outcome = {"error": error_to_json(defect(job.scene.name, job.step, error))}
    job.outcome.write_text(json.dumps({**outcome, "peak_mb": peak_mb()}), encoding="utf-8")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # the outcome is told; a native library that crashes on its way out changes nothing


def _end_with_parent() -> None:
    """The build holds the other end of standard input; when it dies, so do this process and its children."""
    sys.stdin.read()
    os.killpg(0, signal.SIGKILL)
