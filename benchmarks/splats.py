"""Held-out likeness of the fused splats and of the trained ones, and how fast they were trained: rows of BENCHMARKS.md.

    python benchmarks/splats.py out/livingroom out/small_house     # folders of built scenes
    python benchmarks/splats.py --scene livingroom                 # builds the example as far as depth first

Figures are measured as the report measures them: all held-out views, at their full size, with neutral exposure. Seconds
are those of the whole reconstruct step, reading and seeding included.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as in a build; before torch is imported

import numpy as np

from lyra_sim.data.capture import Capture
from lyra_sim.data.depth import PosedDepth
from lyra_sim.data.splats import Splats
from lyra_sim.quality.image import likeness
from lyra_sim.reconstructors import fuse, gsplat_fit
from lyra_sim.rendering.splat_view import render_splats
from lyra_sim.scene.spec import ReconstructConfig

EXAMPLES = Path(__file__).parents[1] / "examples" / "scenes.yaml"
HEAD = """| scene | iterations | splats fused | trained | PSNR fused [dB] | trained | SSIM fused | trained | it/s | seconds |
|---|---|---|---|---|---|---|---|---|---|"""


@dataclass(frozen=True, kw_only=True)
class Score:
    """Means over held-out views."""

    psnr: float
    ssim: float
    by_view: dict[int, float]
    """PSNR [dB]."""


def score(capture: Capture, splats: Splats) -> Score:
    found, near = {}, 0.05 / capture.world_from_capture.scale  # of the report, which measures in metres
    for index in capture.held_out:
        valid = capture.views.valid(index) & capture.views.static(index)
        render = render_splats(splats, capture.cameras, index, near=near).rgb_bytes
        found[index] = likeness(capture.views.rgb(index), render, valid)
    return Score(
        psnr=float(np.mean([one.psnr for one in found.values()])),
        ssim=float(np.mean([one.ssim for one in found.values()])),
        by_view={index: round(float(one.psnr), 2) for index, one in found.items()},
    )


def load(scene: Path) -> PosedDepth:
    """The depth step's capture of a built scene."""
    steps = scene / "steps"
    (captured,), (with_depth,) = steps.glob("*_capture"), steps.glob("*_depth")
    return PosedDepth.load(with_depth, Capture.load(captured))


def row(scene: Path, cfg: ReconstructConfig) -> str:
    capture = load(scene)
    if not capture.held_out:
        raise SystemExit(f"{scene} holds out no view: set capture.hold_out_every")
    fused = fuse.reconstruct(capture, cfg)
    before = score(capture, fused.splats)
    gsplat_fit.reconstruct(capture, cfg.model_copy(update={"iterations": 1}))  # compiles what is compiled
    start = time.perf_counter()
    gsplat_fit.reconstruct(capture, cfg.model_copy(update={"iterations": 1}))
    middle = time.perf_counter()
    trained = gsplat_fit.reconstruct(capture, cfg)
    seconds = time.perf_counter() - middle
    after, rate = score(capture, trained.splats), (cfg.iterations - 1) / (seconds - (middle - start))
    print(f"{scene.name}, PSNR by held-out view: fused {before.by_view}, trained {after.by_view}")
    cells = [scene.name, cfg.iterations, f"{len(fused.splats):,}", f"{len(trained.splats):,}"]
    cells += [f"{before.psnr:.2f}", f"**{after.psnr:.2f}**", f"{before.ssim:.3f}", f"**{after.ssim:.3f}**"]
    return "| " + " | ".join(map(str, [*cells, f"{rate:.1f}", f"{seconds:.0f}"])) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("built", nargs="*", type=Path, help="folders of built scenes")
    parser.add_argument("--scene", action="append", default=[], help="an example to build first; repeatable")
    parser.add_argument("--iterations", type=int, default=ReconstructConfig().iterations)
    parser.add_argument("--train-side", type=int, default=ReconstructConfig().train_side)
    args = parser.parse_args()
    cfg = ReconstructConfig(backend="gsplat", iterations=args.iterations, train_side=args.train_side)
    with tempfile.TemporaryDirectory() as folder:
        for scene in args.scene:
            build = [sys.executable, "-m", "lyra_sim.command.cli", "build", str(EXAMPLES)]
            subprocess.run([*build, "--scene", scene, "--until", "depth", "--out", folder], check=True)
        rows = [row(scene, cfg) for scene in (*args.built, *(Path(folder) / scene for scene in args.scene))]
    print(f"\n{platform.processor() or platform.machine()}, {os.cpu_count()} cores\n\n{HEAD}", *rows, sep="\n")


if __name__ == "__main__":
    main()
