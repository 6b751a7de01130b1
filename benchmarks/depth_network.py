"""The depth network beside today's plane sweep and planar priors: on held-out procedural rooms, and on a posed RGB-D walk.

python benchmarks/depth_network.py rooms 200
python benchmarks/depth_network.py walk examples/small_house
"""

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from lyra_sim.data.depth import MEASURED_CONFIDENCE
from lyra_sim.depth.network.evaluation import compared, joined, swept_maps
from lyra_sim.depth.network.walks import Walk, rgbd_walk, room_walks
from lyra_sim.depth.network.weights import SHIPPED, load_network
from lyra_sim.scene.spec import DepthConfig

SEED = 5
"""Of the rooms; training draws from other series."""
CONFIG = DepthConfig(masks="none")
"""Of the sweep: indoors there is no sky, and nothing moves."""
ROOM_SIDE, WALK_SIDE = 256, 320
"""Longer side of what the network sees [px]: as trained, and a focal length within those it was trained on."""


def sweep_of(walk: Walk, side: int) -> tuple[np.ndarray, np.ndarray]:
    """In a process of its own, on one core."""
    torch.set_num_threads(1)
    return swept_maps(walk, CONFIG.model_copy(update={"side": side}))


def stored_maps(number: int, z: np.ndarray, confidence: np.ndarray, target_alone: bool) -> list[tuple[str, np.ndarray]]:
    """Depth in 16 bits, and 2 for measured, 1 for inferred."""
    kept = slice(1 if target_alone else None)
    kind = np.where(confidence >= MEASURED_CONFIDENCE, 2, np.isfinite(z)).astype(np.uint8)
    return [(f"z{number}", z[kept].astype(np.float16)), (f"c{number}", kind[kept])]


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=("rooms", "walk"))
    parser.add_argument("which", help="number of rooms, or a folder with transforms.json")
    parser.add_argument("--weights", type=Path, default=SHIPPED)
    parser.add_argument("--every", type=int, default=1, help="take every n-th view of a walk as a target")
    parser.add_argument("--frames", type=int, nargs=2, metavar=("FIRST", "END"), help="of a walk")
    parser.add_argument("--side", type=int, default=CONFIG.side, help="longer side of what the sweep sees")
    parser.add_argument("--swept", type=Path, help="file that the sweep's maps are kept in, or taken from if it is there")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    rooms = options.what == "rooms"
    walks = (
        list(room_walks(int(options.which), SEED, device)) if rooms else [rgbd_walk(Path(options.which), frames=options.frames)]
    )
    if options.swept and options.swept.exists():
        stored = np.load(options.swept)
        swept = [(stored[f"z{k}"].astype(np.float32), stored[f"c{k}"].astype(np.float32) / 2) for k in range(len(walks))]
    else:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
        with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as pool:
            swept = list(pool.map(sweep_of, walks, [options.side] * len(walks)))
        if options.swept:
            np.savez_compressed(
                options.swept, **{name: part for k, maps in enumerate(swept) for name, part in stored_maps(k, *maps, rooms)}
            )
    network, facts = load_network(options.weights, device)
    parts = [
        compared(
            network,
            walk,
            *maps,
            [0] if rooms else range(options.every // 2, len(walk.rgb), options.every),
            side=ROOM_SIDE if rooms else WALK_SIDE,
            sources=CONFIG.sources,
            sigma_factor=facts["sigma_factor"],
            stride=1 if rooms else 2,
        )
        for walk, maps in zip(walks, swept, strict=True)
    ]
    print("| pixels | which | number | abs-rel | median cm | within 5 cm | within 1 / 2 sigma |\n|---|---|---|---|---|---|---|")
    for name, (today, ours) in joined(parts).table().items():
        print(f"| {name} | today | {today.row()} |\n| | network | {ours.row()} |")


if __name__ == "__main__":
    main()
