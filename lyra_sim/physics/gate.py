"""Runs the gate: authors the test stage, starts one worker process per engine, turns every failure into one clear error."""

import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Literal

import lyra_sim
from lyra_sim.data.navigation import Navigation
from lyra_sim.errors import EnvironmentNotReady, PhysicsError
from lyra_sim.physics.request import GateRequest
from lyra_sim.physics.result import GateResult
from lyra_sim.physics.robots import DiffDrive, RobotKind, largest_robot_within, smallest_radius
from lyra_sim.plugins import find_plugin

log = logging.getLogger(__name__)

Kind = RobotKind | Literal["auto"]


@dataclass(frozen=True, kw_only=True)
class GateRun:
    """What every engine that was asked for found, or why it found nothing."""

    results: dict[str, GateResult]
    """Of the engines that ran, in the order they were asked for."""
    failures: dict[str, EnvironmentNotReady | PhysicsError]
    """Of the others: not installed, or lost on this world."""


_AUTHORING = Lock()
"""Held while USD is written. On first use pxr builds its resolver behind a C++ guard and lets go of the GIL meanwhile: a second
thread that comes to the guard with the GIL in hand waits for the first, which waits for the GIL."""


def run_gates(
    stage: Path,
    navigation: Navigation,
    *,
    engines: Sequence[str],
    out: Path,
    seed: int,
    limit_s: float,
    robot_kind: Kind = "auto",
) -> GateRun:
    """:func:`run_gate` in every engine at once, each on a core of its own. One that is lost doesn't take another's result.

    Args:
        stage: ``world.usda``.
        navigation: Probes, map and routes of the world.
        engines: Names of plug-ins of kind ``physics``.
        out: Folder for ``gate_<engine>.json``.
        seed: Of what is dropped and shot where.
        limit_s: Wall-clock time after which an engine is given up [s].
        robot_kind: Which stock robots may drive.
    """
    results: dict[str, GateResult] = {}
    failures: dict[str, EnvironmentNotReady | PhysicsError] = {}
    with ThreadPoolExecutor(max_workers=max(len(engines), 1)) as pool:
        futures = {
            engine: pool.submit(
                run_gate, stage, navigation, engine=engine, out=out, seed=seed, limit_s=limit_s, robot_kind=robot_kind
            )
            for engine in engines
        }
        for engine, future in futures.items():
            try:
                results[engine] = future.result()
            except (EnvironmentNotReady, PhysicsError) as error:
                log.warning("%s: nothing was proven. %s", engine, error)
                failures[engine] = error
    return GateRun(results=results, failures=failures)


def run_gate(
    stage: Path, navigation: Navigation, *, engine: str, out: Path, seed: int, limit_s: float, robot_kind: Kind = "auto"
) -> GateResult:
    """Drop the probes and drive the routes of ``navigation`` on a world, in one engine.

    Args:
        stage: ``world.usda`` of a package.
        navigation: In the same metric world.
        engine: ``physx`` or ``newton``.
        out: Folder that gets ``gate_<engine>.json``.
        seed: Of the few random choices, see :mod:`lyra_sim.physics.gate_stage`.
        limit_s: Wall-clock time after which the engine is given up [s]; it never shortens an experiment.
        robot_kind: What drives; the largest of that kind which fits the clearance that routes keep.

    Raises:
        EnvironmentNotReady: The engine isn't installed.
        PhysicsError: The engine couldn't load or step the world, or ran out of time.
    """
    find_plugin("physics", engine).load()  # only checks that it is there: engines are imported in their worker
    from lyra_sim.physics.gate_stage import author_drive, author_drops  # pxr: only when something is simulated

    robot = robot_for(navigation, robot_kind)
    with tempfile.TemporaryDirectory(prefix=f"lyra-gate-{engine}-") as folder:
        work = Path(folder)
        with _AUTHORING:
            drop, hull_count = author_drops(work / "drop.usda", world=stage, navigation=navigation, seed=seed)
            drive = author_drive(work / "drive.usda", world=stage, navigation=navigation, robot=robot)
        GateRequest(engine=engine, hull_count=hull_count, drop=drop, drive=drive).save(work / "request.json")
        log.info(
            "%s: %d probes, %d shots, %d cells of the map, %d routes, %d hulls",
            *(engine, len(drop.probes), len(drop.shots), len(drop.cells), len(drive.routes), hull_count),
        )
        if engine == "newton":
            log.info("newton: its first run on a machine compiles kernels for about a minute")
        started = time.perf_counter()
        run_worker(engine, work, limit_s)
        seconds = time.perf_counter() - started
        result = GateResult.load(work / "result.json")
    out.mkdir(parents=True, exist_ok=True)
    result.save(out / f"gate_{engine}.json")
    log.info("%s: done in %.1f s, %d steps", engine, seconds, result.step_count)
    return replace(result, wall_seconds=seconds)


def robot_for(navigation: Navigation, kind: Kind = "auto") -> DiffDrive:
    """The largest robot of a kind that fits the clearance the routes keep.

    Raises:
        PhysicsError: Routes keep less clear than the smallest robot of the kind needs.
    """
    smallest = smallest_radius(kind)
    robot = largest_robot_within(max(navigation.robot_radius, 0.0 if navigation.routes else smallest), kind=kind)
    if robot is None:
        what = "robot" if kind == "auto" else f"{kind} robot"
        raise PhysicsError(
            "physics gate",
            f"routes keep {navigation.robot_radius:g} m clear",
            expected=f"at least {smallest:g} m, the radius of the smallest {what} there is",
            next_step=f"Set robot.radius to {smallest:g} or more" + ("." if kind == "auto" else ", or robot.kind to auto."),
        )
    return robot


def run_worker(engine: str, work: Path, limit_s: float) -> None:
    """One worker process from ``request.json`` to ``result.json`` in ``work``.

    Raises:
        PhysicsError: The process failed, or wasn't done in time; its last lines are told.
    """
    command = [sys.executable, "-m", "lyra_sim.physics.worker", str(work / "request.json"), str(work / "result.json")]
    package_root = str(Path(lyra_sim.__file__).parents[1])
    paths = [package_root, os.environ.get("PYTHONPATH", "")]
    # One thread each: the engines run side by side, and one order of summation repeats.
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(command, env=env, cwd=work, capture_output=True, text=True, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired as error:
        raise PhysicsError(
            f"engine {engine}",
            f"not done after {limit_s:g} s",
            likely="The machine is overloaded, or contacts between bodies and hulls explode.",
            next_step="Look at the hulls in exports/hulls.glb; fewer navigate.probes or navigate.routes are faster.",
        ) from error
    if done.returncode != 0 or not (work / "result.json").is_file():
        ending = f"killed by signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
        tail = "\n    ".join(done.stderr.strip().splitlines()[-12:])
        raise PhysicsError(f"engine {engine}", f"its process failed ({ending})", likely=f"It said:\n    {tail}")
