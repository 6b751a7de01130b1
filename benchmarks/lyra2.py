"""How long a segment of 80 frames takes with the network of Lyra 2.0 at full size: 480 x 832, 38,246 tokens, 17 B parameters.

    export PYTORCH_ALLOC_CONF=expandable_segments:True PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True   # as lyra-sim does
    lyra-sim weights random WEIGHTS --size full
    python benchmarks/lyra2.py WEIGHTS --sampler distilled --segments 4

A walk through endless rooms is drawn, chunk after chunk, each from a memory that holds what was drawn before: retrieval,
warps, packing, sampling, decoding, encoding again, depth. Random weights take the same time as trained ones. The first segment
compiles and is not counted. Seconds are wall time between synchronised ends of parts; the parts of a segment add up to it.
"""

import argparse
import json
import resource
import statistics
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from endless_rooms import c2w_at, cast, way

from lyra_sim.generators.generator import Condition, Generated
from lyra_sim.generators.known_frame import KnownFrame
from lyra_sim.generators.loop import KEPT_EVERY
from lyra_sim.generators.memory import SpatialMemory
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.scene.generate import CHUNK_FRAMES, GenerateConfig
from lyra_sim_lyra2 import generator as lyra2_module
from lyra_sim_lyra2.generator import Lyra2

FOCAL = 0.72
"""Of the width."""


def wait() -> None:
    """Until the GPU has done what it was given."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


class Clock:
    """Seconds by part."""

    def __init__(self) -> None:
        self.parts: dict[str, float] = defaultdict(float)
        self.steps: list[float] = []

    def steps_of(self, velocity_of: Callable[..., Any]) -> Callable[..., Any]:
        """Seconds of every step, both branches where there are two."""

        def timed(prepared: Any) -> Callable[..., Any]:
            velocity = velocity_of(prepared)

            def step(x: Any, timestep: float) -> Any:
                wait()
                began = time.perf_counter()
                made = velocity(x, timestep)
                wait()
                self.steps.append(time.perf_counter() - began)
                return made

            return step

        return timed

    def around(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            wait()
            began = time.perf_counter()
            try:
                return work(*args, **kwargs)
            finally:
                wait()
                self.parts[name] += time.perf_counter() - began

        return timed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, help="folder written by lyra-sim weights")
    parser.add_argument("--sampler", choices=("guided", "distilled"), default="distilled")
    parser.add_argument("--steps", type=int, default=35)
    parser.add_argument("--precision", choices=("bfloat16", "float8"), default="bfloat16")
    parser.add_argument("--attention", choices=("auto", "native", "cudnn", "flash4"), default="auto")
    parser.add_argument("--memory", choices=("auto", "80gb", "48gb", "24gb", "cpu"), default="auto")
    parser.add_argument("--cap", type=float, help="GPU memory that may be taken [GB], as on a smaller card")
    parser.add_argument("--eager", action="store_true", help="compile nothing")
    parser.add_argument("--depth", default="plane_sweep")
    parser.add_argument("--depth-weights", type=Path)
    parser.add_argument("--segments", type=int, default=4, help="the first isn't counted (default: %(default)s)")
    parser.add_argument("--width", type=int, default=832)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--keep", type=Path, help="write the last segment's latents there, to compare runs")
    options = parser.parse_args()
    settings = {
        "weights": options.weights,
        "sampler": options.sampler,
        "steps": options.steps,
        "precision": options.precision,
        "attention": options.attention,
        "memory": options.memory,
        "compile": not options.eager,
        "depth": options.depth,
        "depth_weights": options.depth_weights,
        "caption": "A tidy house with white walls and open doors.",
    }
    cfg = GenerateConfig.model_validate(
        {"backend": "lyra2", "chunks": options.segments, "side": options.width, "lyra2": settings}
    )
    if options.cap is not None:
        torch.cuda.set_per_process_memory_fraction(options.cap * 1e9 / torch.cuda.get_device_properties(0).total_memory)
    began = time.perf_counter()
    generator = Lyra2(cfg)
    wait()
    print(f"loaded in {time.perf_counter() - began:.1f} s, {torch.cuda.memory_allocated() / 1e9:.1f} GB", flush=True)
    clock = watch(generator)
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    seconds, parts, steps = [], [], []
    asked = generator.options
    if options.segments > 1:
        generator.options = asked.model_copy(update={"steps": 2})
    with tempfile.TemporaryDirectory() as folder:
        for number, took in enumerate(walk(generator, options.segments, Path(folder), options.width, options.height)):
            peak, held = (f() / 1e9 for f in (torch.cuda.max_memory_allocated, torch.cuda.max_memory_reserved))
            told = ", ".join(f"{name} {value:.2f}" for name, value in clock.parts.items())
            print(f"segment {number}: {took:.2f} s ({told}); peak {peak:.1f} GB, reserved {held:.1f} GB", flush=True)
            seconds.append(took)
            parts.append(dict(clock.parts))
            clock.parts.clear()
            steps += clock.steps if number else []
            clock.steps.clear()
            generator.options = asked  # the first segment, which compiles, took two steps only
        if options.keep is not None:
            (Path(folder) / f"latents_{options.segments - 1:05d}.safetensors").replace(options.keep)
    counted = seconds[1:] or seconds
    row = {
        "sampler": options.sampler,
        "precision": options.precision,
        "attention": options.attention,
        "profile": generator.models.profile.name,
        "compiled": not options.eager,
        "depth": options.depth,
        "segment_s": [round(x, 2) for x in counted],
        "median_s": round(statistics.median(counted), 2),
        "parts_s": {name: round(statistics.median(p[name] for p in parts[1:] or parts), 3) for name in parts[-1]},
        "step_s": round(statistics.median(steps), 3) if steps else None,
        "peak_gb": round(torch.cuda.max_memory_allocated() / 1e9, 1),
        "reserved_gb": round(torch.cuda.max_memory_reserved() / 1e9, 1),
        "host_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 1),
    }
    print(json.dumps(row))
    if torch.cuda.is_available():
        print(subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False).stdout.split(" (UUID")[0])


def watch(generator: Lyra2) -> Clock:
    """Time the parts of a segment where they are called from."""
    clock = Clock()
    for name, part in (
        ("_prepared", "retrieval, warps and packing"),
        ("_sample", "sampling"),
        ("_shown_by_photos", "origin of pixels"),
    ):
        setattr(generator, name, clock.around(part, getattr(generator, name)))
    generator._velocity = clock.steps_of(generator._velocity)  # type: ignore[method-assign]
    lyra2_module.depth_of_chunk = clock.around("depth", lyra2_module.depth_of_chunk)  # type: ignore[assignment]
    extend = lyra2_module.VideoHistory.extend
    lyra2_module.VideoHistory.extend = clock.around("decoding and encoding again", extend)  # type: ignore[method-assign]
    return clock


def walk(generator: Lyra2, segments: int, folder: Path, width: int, height: int):  # type: ignore[no-untyped-def]
    """Seconds of each segment, drawn from what those before it left."""
    places = way(1 + CHUNK_FRAMES * segments, step=0.05, rooms_a_row=6)
    focal = FOCAL * width
    K = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
    c2w = np.stack([c2w_at(*place) for place in places])
    path = CameraPath(c2w=c2w, K=np.repeat(K[None], len(c2w), axis=0), width=width, height=height)
    drawn: dict[int, KnownFrame] = {}
    memory = SpatialMemory(drawn.__getitem__)

    def know(id: int, frame: int, rgb: np.ndarray | None = None) -> None:
        z = cast(c2w[frame], np.array([focal, focal, width / 2, height / 2]), width, height, 1)
        shade = (255 / (1 + z)).astype(np.uint8)
        rgb = np.repeat(shade[..., None], 3, axis=2) if rgb is None else rgb
        invented = None if id < 0 else np.ones(z.shape, bool)
        drawn[id] = KnownFrame(id=id, rgb=rgb, z_depth=z, invented=invented, K=K, c2w=c2w[frame])

    for photo in range(3):
        know(-1 - photo, 20 * photo)
        memory.add(drawn[-1 - photo])
    know(0, 0)
    for chunk in range(segments):
        first = 1 + CHUNK_FRAMES * chunk
        condition = Condition(
            chunk=chunk,
            cameras=path.select(np.arange(first, first + CHUNK_FRAMES)),
            memory=memory,
            latest=drawn[first - 1],
            history=lambda index: drawn[index].rgb,
            path=path,
            folder=folder,
            seed=chunk,
        )
        wait()
        began = time.perf_counter()
        made: Generated = generator.generate(condition)
        wait()
        yield time.perf_counter() - began
        # Depth drawn by random weights means nothing: the walk goes on with the rooms' own, so that warps stay full.
        for index in range(first - 1 + (KEPT_EVERY if chunk else 0), first + CHUNK_FRAMES, KEPT_EVERY):
            if index >= first:
                know(index, index, made.rgb[index - first])
            memory.add(drawn[index])


if __name__ == "__main__":
    main()
