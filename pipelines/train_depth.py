"""Trains the depth network on procedural rooms alone, from scratch, from a checkpoint, or from the weights that ship.

    python pipelines/train_depth.py OUT --total 12000 --seconds 560
    python pipelines/train_depth.py OUT --resume EARLIER --total 12000 --seconds 560
    python pipelines/train_depth.py OUT --resume EARLIER --evaluate

A run ends after ``--total`` steps or ``--seconds``, whichever comes first, and leaves a checkpoint that another goes on from.
"""

import argparse
import sys
import time
from pathlib import Path

import torch

from lyra_sim.depth.network.examples import HELD_OUT, Studio
from lyra_sim.depth.network.network import Config
from lyra_sim.depth.network.training import Schedule, Trainer, fresh, warm_started
from lyra_sim.depth.network.validation import scaled_sigma, validated
from lyra_sim.depth.network.weights import load_network, save_network
from lyra_sim.synthetic.cast import nearest_hit
from lyra_sim.synthetic.shade import Tracer, painted

SEED = 20
EVERY = 100
"""Steps between lines of the log."""


def main() -> int:
    """Train, then say how well it does on rooms it never saw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path, help="folder for the checkpoint and the 8-bit weights")
    parser.add_argument("--resume", type=Path, help="folder with a checkpoint")
    parser.add_argument("--start-from", type=Path, help="folder with 8-bit weights; learning begins with a warm-up")
    parser.add_argument("--total", type=int, default=12000, help="steps of the whole schedule")
    parser.add_argument("--seconds", type=float, default=1e9, help="stop by this clock")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--size", type=int, nargs=2, default=(256, 192), metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--validate", type=int, default=20, help="batches of held-out rooms at the end")
    parser.add_argument("--evaluate", action="store_true", help="validate alone")
    options = parser.parse_args()

    begin = time.monotonic()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True

    schedule = Schedule(total=options.total)
    if options.resume:
        trainer = Trainer.resumed(options.resume, device, schedule)
    elif options.start_from:
        trainer = warm_started(load_network(options.start_from)[0], schedule, device)
    else:
        trainer = fresh(Config(), schedule, device, SEED)

    # Rooms are generated as they are needed; two functions of the ray caster are compiled on a GPU.
    tracer = Tracer()
    if device.type == "cuda":
        hit = torch.compile(nearest_hit, fullgraph=True, dynamic=False)
        tracer = Tracer(hit=hit, paint=torch.compile(painted, fullgraph=True, dynamic=False))
    width, height = options.size
    studio = Studio(seed=SEED, size=options.batch, views=5, width=width, height=height, device=device, tracer=tracer)

    if not options.evaluate:
        for batch in studio.batches(trainer.step):
            parts = trainer.learn(batch)
            if trainer.step % EVERY == 0:
                told = " ".join(f"{name} {float(part):.4f}" for name, part in parts.items())
                print(f"step {trainer.step} at {time.monotonic() - begin:.1f} s: {told}", flush=True)
            if trainer.step >= options.total or time.monotonic() - begin > options.seconds:
                break
        trainer.save(options.out)

    # Sigma gets one factor from some held-out rooms; figures come from others.
    factor = scaled_sigma(trainer.mean, studio.held_out(0), options.validate)
    save_network(options.out, trainer.mean, {"steps": trainer.step, "sigma_factor": factor})
    for name, network in (("32 bit", trainer.mean), ("8 bit", load_network(options.out, device)[0])):
        print(f"{name}: {validated(network, studio.held_out(HELD_OUT), options.validate, factor)}", flush=True)
    print(f"step {trainer.step}, {time.monotonic() - begin:.1f} s, sigma factor {factor:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
