"""How long a chunk of the generate step takes and what it holds in memory, from the first to the tenth.

    python benchmarks/generate.py --chunks 10

walks there and back through the small house with the generator that needs no network, and prints one row a chunk. A loop whose
memory or time grew with the world would show here.
"""

import argparse
import platform
import tempfile
import time
from pathlib import Path

import numpy as np

from lyra_sim import load_scenes
from lyra_sim.data.capture import Capture
from lyra_sim.generators.generator import Condition, Generated
from lyra_sim.generators.loop import generate_video
from lyra_sim.generators.reproject import Reproject
from lyra_sim.scene.generate import GenerateConfig
from lyra_sim.steps.capture import capture

EXAMPLES = Path(__file__).parents[1] / "examples" / "scenes.yaml"
STEADY_FROM = 3
"""Chunks from here on are held against each other; the first ones load kernels and fill caches."""


class Watched:
    """A generator that notes the time and the memory in use whenever a chunk begins."""

    def __init__(self, cfg: GenerateConfig) -> None:
        self.drawer, self.began, self.held_mb = Reproject(cfg), [], []

    def note(self) -> None:
        self.began.append(time.monotonic())
        self.held_mb.append(int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6)

    def generate(self, condition: Condition) -> Generated:
        self.note()
        return self.drawer.generate(condition)


def captured(out: Path) -> Capture:
    scene = next(scene for scene in load_scenes(EXAMPLES) if scene.name == "small_house")
    return capture.run(scene, {}, out=out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, default=10, help="chunks of 80 frames (default: %(default)s)")
    parser.add_argument("--side", type=int, default=512, help="longer side of the frames [px] (default: %(default)s)")
    options = parser.parse_args()
    cfg = GenerateConfig.model_validate({"path": "there_and_back", "chunks": options.chunks, "side": options.side})
    with tempfile.TemporaryDirectory() as folder:
        capture = captured(Path(folder) / "capture")
        out = Path(folder) / "generate"
        out.mkdir()
        watched = Watched(cfg)
        video = generate_video(capture, cfg, watched, seed=7, out=out)
        watched.note()
    seconds, held = np.diff(watched.began), np.array(watched.held_mb[1:])
    print(
        f"\n{platform.processor() or platform.machine()}, Python {platform.python_version()}; reproject, {options.side} px, "
        f"{len(capture.used)} photos, {1 + 80 * options.chunks} frames\n"
    )
    print("| chunk | seconds | memory held [MB] | known pixels |\n|---|---|---|---|")
    for number, facts in enumerate(video.facts.chunks):
        print(f"| {number} | {seconds[number]:.1f} | {held[number]:.0f} | {facts.known_share:.3f} |")
    if options.chunks > STEADY_FROM + 1:
        for name, values in (("seconds", seconds[STEADY_FROM:]), ("memory", held[STEADY_FROM:])):
            middle = np.median(values)
            print(
                f"\n{name} from chunk {STEADY_FROM} on: median {middle:.1f}, "
                f"{values.min() / middle - 1:+.1%} to {values.max() / middle - 1:+.1%}"
            )


if __name__ == "__main__":
    main()
