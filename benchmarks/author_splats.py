"""Time and memory of writing splats as a USD layer: a row of BENCHMARKS.md, held against its bar of 2 s and 1.5 GB.

    python benchmarks/author_splats.py                    # a million splats of SH degree 3
    python benchmarks/author_splats.py --splats 4000000   # any number

Each run is a process of its own: its seconds are those of ``write_splats`` from arrays in memory to a closed file, its
peak is that of the whole process, interpreter and arrays included. The median of three is told. The same bytes are then
written straight to the disk, which no writer can beat. Exit code 1 above the bar.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from lyra_sim.data.splats import Splats

MOST_SECONDS, MOST_BYTES = 2.0, 1.5e9
"""For a million splats of SH degree 3."""


def scattered(count: int, degree: int) -> Splats:
    """Splats strewn through a flat, made without wasting memory that would count as the writer's."""
    rng = np.random.default_rng(0)
    normal = lambda *shape: rng.standard_normal((count, *shape), np.float32)  # noqa: E731
    quats = normal(4)
    quats /= np.linalg.norm(quats, axis=1, keepdims=True)
    return Splats(
        means=normal(3) * np.float32(3),
        quats_wxyz=quats,
        log_scales=normal(3) * np.float32(0.4) - np.float32(4),
        opacity_logits=normal(),
        sh_coeffs=normal((degree + 1) ** 2, 3),
    )


def one_run(path: Path, count: int, degree: int) -> None:
    """Print seconds, seconds of CPU, peak bytes, seconds of a plain copy, and the file's size."""
    from lyra_sim.usd.package import write_splats

    splats = scattered(count, degree)
    before, busy = time.perf_counter(), time.process_time()
    write_splats(path, splats)
    seconds, busy = time.perf_counter() - before, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    data = path.read_bytes()
    before = time.perf_counter()
    path.write_bytes(data)
    print(seconds, busy, peak, time.perf_counter() - before, len(data))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--splats", type=int, default=1_000_000)
    parser.add_argument("--degree", type=int, default=3, choices=(0, 1, 2, 3))
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.into:
        one_run(options.into, options.splats, options.degree)
        return 0
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(3):
            arguments = ["--splats", str(options.splats), "--degree", str(options.degree), "--into", f"{folder}/splat.usdc"]
            done = subprocess.run([sys.executable, __file__, *arguments], check=True, capture_output=True, text=True)
            rows.append([float(word) for word in done.stdout.split()])
    seconds, busy, peak, copy, size = (statistics.median(column) for column in zip(*rows, strict=True))
    print(f"On {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}; median of 3, longest {max(row[0] for row in rows):.2f} s.")
    print("| splats | SH degree | seconds | of CPU | peak [MB] | file [MB] | plain copy of the file [s] |")
    print("|---|---|---|---|---|---|---|")
    sizes = f"{peak / 1e6:.0f} | {size / 1e6:.0f}"
    print(f"| {options.splats:,} | {options.degree} | {seconds:.2f} | {busy:.2f} | {sizes} | {copy:.2f} |")
    judged = (options.splats, options.degree) == (1_000_000, 3)
    return int(judged and (seconds > MOST_SECONDS or peak > MOST_BYTES))


if __name__ == "__main__":
    sys.exit(main())
