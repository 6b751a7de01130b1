"""CoACD (Wei et al. 2022) over many meshes in two worker processes, with results in a fixed order."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

import lyra_sim
from lyra_sim.data.files import write_json
from lyra_sim.errors import PluginError

WORKERS = 2
"""Processes of CoACD. Convention."""
STDERR_LINES = 12
"""Of what a failed worker said, at most this many last lines are told. Convention."""


@dataclass(frozen=True, kw_only=True)
class Decomposition:
    """What CoACD made of one mesh: pieces, or the reason why there are none."""

    pieces: tuple[Float64[np.ndarray, "_ 3"], ...] = ()
    """Convex point sets [m]."""
    failure: str = ""
    """How its process ended and its last words; empty exactly when there are pieces."""


def decompose(
    meshes: Sequence[tuple[np.ndarray, np.ndarray]],
    max_hulls: Sequence[int],
    *,
    concavity: float,
    mcts_iterations: int,
    max_vertices: int,
    seed: int,
) -> list[Decomposition]:
    """Convex pieces of every mesh, in order. A mesh that takes its process down is a failure of its own.

    Args:
        meshes: Closed surfaces as (vertices [m], faces).
        max_hulls: Upper limit of pieces for each.
        concavity: CoACD's threshold in metres (``real_metric``): the relative default plugs rooms.
        mcts_iterations: Search budget per cut; a count, so results repeat.
        max_vertices: Corners per piece.
        seed: CoACD's random seed.

    Raises:
        PluginError: Every mesh took its process down: then CoACD is at fault, not the meshes.
    """
    if not meshes:
        return []
    with tempfile.TemporaryDirectory(prefix="lyra_coacd_") as name:
        folder = Path(name)
        options = {
            "threshold": concavity, "real_metric": True, "preprocess_mode": "off", "resolution": 300, "mcts_nodes": 8,
            "mcts_iterations": mcts_iterations, "mcts_max_depth": 3, "decimate": True, "max_ch_vertex": max_vertices,
            "seed": seed,
        }  # fmt: skip
        write_json(folder / "options.json", options)
        for i, ((vertices, faces), limit) in enumerate(zip(meshes, max_hulls, strict=True)):
            np.savez(folder / f"{i}.npz", vertices=vertices, faces=faces, max_hulls=np.int64(limit))
        largest_first = sorted(range(len(meshes)), key=lambda i: (-len(meshes[i][1]) * max_hulls[i], i))
        shares = [largest_first[worker::WORKERS] for worker in range(WORKERS)]
        with ThreadPoolExecutor(WORKERS) as threads:
            crashes = {job: said for share in threads.map(lambda jobs: _run_share(folder, jobs), shares) for job, said in share}
        if len(crashes) == len(meshes):
            raise PluginError(
                "CoACD",
                f"it failed on all {len(meshes)} meshes",
                likely="It said:\n    " + "\n    ".join(crashes[min(crashes)]),
                next_step="Check the installation with `lyra-sim doctor`; reinstall the package coacd.",
            )
        return [_result(folder / f"{i}.out.npz", crashes.get(i)) for i in range(len(meshes))]


def _run_share(folder: Path, jobs: list[int]) -> list[tuple[int, list[str]]]:
    """Run jobs one after the other, going on behind each that takes its process down; those, and how they ended."""
    crashes = []
    while jobs:
        ending = _start_worker(folder, jobs)
        missing = [job for job in jobs if not (folder / f"{job}.out.npz").exists()]
        crashes += [(job, ending) for job in missing[:1]]
        jobs = missing[1:]
    return crashes


def _start_worker(folder: Path, jobs: list[int]) -> list[str]:
    """One process for all jobs; how it ended and the last lines it wrote to stderr."""
    package_root = str(Path(lyra_sim.__file__).resolve().parents[1])
    path = os.pathsep.join(part for part in (package_root, os.environ.get("PYTHONPATH", "")) if part)
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "lyra_sim.collision.clutter.coacd_worker", str(folder), *map(str, jobs)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", check=False)
    ending = f"killed by signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
    return [ending, *done.stderr.strip().splitlines()[-STDERR_LINES:]]


def _result(path: Path, crash: list[str] | None) -> Decomposition:
    if crash is not None:
        return Decomposition(failure=f"{crash[0]}: {crash[-1]}" if len(crash) > 1 else crash[0])
    with np.load(path) as stored:
        pieces = tuple(stored[f"p{i}"] for i in range(len(stored.files)))
    return Decomposition(pieces=pieces, failure="" if pieces else "it found no pieces")
