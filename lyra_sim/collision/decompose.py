"""CoACD (Wei et al. 2022) over many meshes in two worker processes, with results in a fixed order."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import lyra_sim
from lyra_sim.data.files import write_json

WORKERS = 2


def decompose(
    meshes: Sequence[tuple[np.ndarray, np.ndarray]],
    max_hulls: Sequence[int],
    *,
    concavity: float,
    mcts_iterations: int,
    max_vertices: int,
    seed: int,
) -> list[list[np.ndarray] | None]:
    """Convex point sets of every mesh, in order; None where CoACD crashed or found nothing.

    Args:
        meshes: Closed surfaces as (vertices [m], faces).
        max_hulls: Upper limit of pieces for each.
        concavity: CoACD's threshold in metres (``real_metric``): the relative default plugs rooms.
        mcts_iterations: Search budget per cut; a count, so results repeat.
        max_vertices: Corners per piece.
        seed: CoACD's random seed.
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
            list(threads.map(lambda share: _run_share(folder, share), shares))
        return [_result(folder / f"{i}.out.npz") for i in range(len(meshes))]


def _run_share(folder: Path, jobs: list[int]) -> None:
    """Run jobs one after the other; a job that takes its process down is skipped and the rest goes on."""
    while jobs:
        _start_worker(folder, jobs)
        missing = [job for job in jobs if not (folder / f"{job}.out.npz").exists()]
        jobs = missing[1:]


def _start_worker(folder: Path, jobs: list[int]) -> None:
    package_root = str(Path(lyra_sim.__file__).resolve().parents[1])
    path = os.pathsep.join(part for part in (package_root, os.environ.get("PYTHONPATH", "")) if part)
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "lyra_sim.collision.coacd_worker", str(folder), *map(str, jobs)]
    subprocess.run(command, env=environment, capture_output=True, check=False)


def _result(path: Path) -> list[np.ndarray] | None:
    if not path.exists():
        return None
    with np.load(path) as stored:
        return [stored[f"p{i}"] for i in range(len(stored.files))] or None
