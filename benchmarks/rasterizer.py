"""Time of the differentiable splat rasteriser, forward and backward, projection included.

    python benchmarks/rasterizer.py [--runs 7] [--device cpu]

The splats lie on the walls, floor and ceiling of a room of 6 × 5 × 2.6 m and on clutter in it, flat and as large as they
must be to cover it, as trained ones do; the camera stands in it and looks along it. Times are medians after a warm-up;
core ms is the time all cores together spent on a run, which says more than the rest where others use the machine too.
"""

import argparse
import os
import statistics
import time

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch and numba start their threads: they share the cores

import numpy as np
import torch

from lyra_sim.rendering.rasterizer import rasterize

ROOM_M = np.array([6.0, 5.0, 2.6])
Seconds = list[float]
CASES = ((100_000, 320, 240), (300_000, 640, 480))


def room_splats(count: int, device: str) -> list[torch.Tensor]:
    """Means, quaternions, scales, opacities and colours, all of them leaves that want gradients."""
    rng = np.random.default_rng(0)
    spacing = np.sqrt(2 * (ROOM_M[0] * ROOM_M[1] + ROOM_M[0] * ROOM_M[2] + ROOM_M[1] * ROOM_M[2]) / count)
    axis, side = rng.integers(0, 3, count), rng.choice([-0.5, 0.5], count)
    means = rng.uniform(-0.5, 0.5, (count, 3))
    wall = rng.random(count) < 0.75
    means[wall, axis[wall]] = side[wall]
    scales = 0.6 * spacing * np.exp(0.3 * rng.normal(size=(count, 3)))
    scales[np.arange(count), axis] *= 0.15
    quats = np.array([1.0, 0, 0, 0]) + 0.05 * rng.normal(size=(count, 4))
    arrays = means * ROOM_M, quats, scales, rng.uniform(0.25, 0.95, count), rng.random((count, 3))
    return [torch.tensor(a, dtype=torch.float32, device=device, requires_grad=True) for a in arrays]


def measure(count: int, width: int, height: int, runs: int, device: str) -> tuple[Seconds, Seconds, Seconds, int, float]:
    """Seconds forward, backward and of all cores together, of every run; splats drawn, mean alpha."""
    splats = room_splats(count, device)
    w2c = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 2.0], [0, 0, 0, 1]])
    K = np.array([[0.6 * width, 0, width / 2], [0, 0.6 * width, height / 2], [0, 0, 1]])
    forward, backward, cores = [], [], []
    for _ in range(runs + 1):
        for splat in splats:
            splat.grad = None
        started, worked = now(device), time.process_time()
        raster = rasterize(*splats, w2c=w2c, K=K, width=width, height=height)
        loss = raster.colors.square().mean() + raster.z_depth.mean() + raster.alpha.mean()
        between = now(device)
        loss.backward()
        ended = now(device)
        forward.append(between - started)
        backward.append(ended - between)
        cores.append(time.process_time() - worked)
    drawn = int((raster.radii_px > 0).all(dim=1).sum())
    return forward[1:], backward[1:], cores[1:], drawn, float(raster.alpha.detach().mean())


def now(device: str) -> float:
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7, help="timed runs of each case (default: 7)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where the splats are (default: cpu)")
    arguments = parser.parse_args()
    where = torch.cuda.get_device_name() if arguments.device == "cuda" else f"{len(os.sched_getaffinity(0))} CPU cores"
    print(f"{where}, load {os.getloadavg()[0]:.1f}, median of {arguments.runs} runs after a warm-up (least in brackets)\n")
    print("| splats | drawn | image | mean alpha | forward ms | backward ms | total ms | core ms |")
    print("|---|---|---|---|---|---|---|---|")
    for count, width, height in CASES:
        forward, backward, cores, drawn, alpha = measure(count, width, height, arguments.runs, arguments.device)
        total = [a + b for a, b in zip(forward, backward, strict=True)]
        cells = (f"{1e3 * statistics.median(s):.0f} ({1e3 * min(s):.0f})" for s in (forward, backward, total, cores))
        print(f"| {count:,} | {drawn:,} | {width}x{height} | {alpha:.2f} | {' | '.join(cells)} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
