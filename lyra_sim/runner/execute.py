"""Makes one step folder: runs the step, in its own process or in this one, and moves the result into place."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lyra_sim.errors import LyraSimError, StoreError
from lyra_sim.runner.planning import StepPlan
from lyra_sim.runner.worker import Job, defect, error_from_json, execute, peak_mb
from lyra_sim.scene.spec import SceneSpec
from lyra_sim.store import Manifest, digest_of, replace_folder, staging, unfinished

DEFAULT_TIMEOUT_S = 7200.0
"""A limit only ever fails a step, so it is far above what any preset takes. Convention."""


@dataclass
class Processes:
    """The worker processes of a build, so that an interrupt can end them all."""

    live: set[subprocess.Popen[bytes]] = field(default_factory=set)
    stopping: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def running(self, process: subprocess.Popen[bytes]) -> Iterator[None]:
        """Register a process; it is dead when the block ends."""
        with self.lock:
            self.live.add(process)
            if self.stopping:
                kill(process)
        try:
            yield
        finally:
            kill(process)
            if process.stdin is not None:
                process.stdin.close()
            with self.lock:
                self.live.discard(process)

    def stop(self) -> None:
        """End everything now and let nothing start."""
        with self.lock:
            self.stopping = True
            for process in self.live:
                kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a worker and whatever it started (it leads its own process group)."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # it and its children are gone already
    process.wait()


def make_step(
    plan: StepPlan,
    scene: SceneSpec,
    *,
    modules: tuple[str, ...],
    before: Mapping[str, StepPlan],
    log: Path,
    processes: Processes | None,
    timeout_s: float,
) -> Manifest:
    """Run a step and put its folder in place, manifest last.

    Args:
        plan: The step.
        scene: Its scene.
        modules: Where the steps are.
        before: Plans of the earlier steps, all current.
        log: File for what the step prints.
        processes: Where to register the worker; None runs the step in this process, without a time limit.
        timeout_s: Wall-clock limit [s].
    """
    started, clock = datetime.now(UTC), time.monotonic()
    upstream = {name: _digest(before[name]) for name in plan.step.needs}
    with _workshop(plan, upstream) as out:
        job = Job(
            modules=modules,
            step=plan.step.name,
            scene=scene,
            folders={name: earlier.folder for name, earlier in before.items()},
            out=out,
            kept=_kept(plan),
        )
        peak = _in_this_process(job) if processes is None else _in_own_process(job, log, processes, timeout_s)
        manifest = Manifest.of(
            out,
            key=plan.key,
            ingredients=plan.ingredients,
            upstream=upstream,
            run={
                "started": started.isoformat(timespec="seconds"),
                "seconds": round(time.monotonic() - clock, 3),
                "peak_mb": peak,
            },
        )
        manifest.save(out)
        replace_folder(out, plan.folder)
    return manifest


def _workshop(plan: StepPlan, upstream: Mapping[str, str]) -> AbstractContextManager[Path]:
    """Where the step works: an empty folder, or what an interrupted run of the very same work left."""
    if plan.step.resumable:
        return unfinished(plan.folder, key=digest_of({"key": plan.key, "upstream": upstream}), afresh=_afresh(plan))
    return staging(plan.folder)


def _afresh(plan: StepPlan) -> bool:
    """Whoever forces a step wants all of it made again."""
    return bool({"--force", "--from"} & set(plan.reasons))


def _kept(plan: StepPlan) -> Path:
    """Where the step keeps parts of its work, in whatever form it likes: it isn't made here, but emptied for who forces it."""
    folder = plan.folder.with_name(f".{plan.folder.name}.kept")
    if _afresh(plan):
        shutil.rmtree(folder, ignore_errors=True)
    return folder


def _digest(earlier: StepPlan) -> str:
    if earlier.manifest is None:
        raise StoreError(f"step {earlier.step.name}", "it is needed but has no manifest", expected="a finished folder")
    return earlier.manifest.output_digest


def _in_this_process(job: Job) -> float:
    try:
        execute(job)
    except (LyraSimError, MemoryError):
        raise
    except Exception as error:
        raise defect(job.scene.name, job.step, error) from error
    return peak_mb()


def _in_own_process(job: Job, log: Path, processes: Processes, timeout_s: float) -> float:
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, "-P", "-c", "from lyra_sim.runner.worker import main; main()"],
                stdin=subprocess.PIPE,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env=_environment(),
                start_new_session=True,
            )
        with processes.running(process):
            _send(process, job)
            try:
                process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                raise LyraSimError(
                    f"scene '{job.scene.name}', step {job.step}",
                    f"it took longer than {timeout_s:g} s",
                    next_step="Raise --timeout-step, or choose a smaller preset.",
                ) from None
        return _result(job, process.returncode, log, interrupted=processes.stopping)
    finally:
        job.outcome.unlink(missing_ok=True)


def _send(process: subprocess.Popen[bytes], job: Job) -> None:
    """Hand over the job; standard input stays open, as the worker ends when it closes."""
    stdin = process.stdin
    if stdin is not None:
        try:
            stdin.write(job.to_json().encode() + b"\n")
            stdin.flush()
        except BrokenPipeError:
            pass  # it died at once; its exit status says more


def _result(job: Job, status: int, log: Path, *, interrupted: bool) -> float:
    if job.outcome.is_file():
        outcome: dict[str, Any] = json.loads(job.outcome.read_text(encoding="utf-8"))
        if "error" in outcome:
            raise error_from_json(outcome["error"])
        return float(outcome["peak_mb"])
    if interrupted:
        raise KeyboardInterrupt
    cause = signal.Signals(-status).name if status < 0 else f"exit status {status}"
    tail = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
    raise LyraSimError(
        f"scene '{job.scene.name}', step {job.step}",
        f"its process ended with {cause}",
        likely="The system ran out of memory." if cause == "SIGKILL" else "A native library crashed.",
        next_step=f"Read {log.name} in the scene's logs folder." + ("\n  " + "\n  ".join(tail) if tail else ""),
    )


def _environment() -> dict[str, str]:
    """The worker sees the modules this process sees, and its sets iterate in one order."""
    path = [os.path.abspath(entry) for entry in sys.path]
    return {
        "OMP_WAIT_POLICY": "PASSIVE",
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path),
        "PYTHONHASHSEED": "0",
        "PYTHONUNBUFFERED": "1",
    }


def drop_empty_log(log: Path) -> None:
    """Drop a log nothing was written to."""
    if log.is_file() and log.stat().st_size == 0:
        log.unlink()
    if log.parent.is_dir() and not any(log.parent.iterdir()):
        log.parent.rmdir()
