"""First of four tiny steps: copies the input and counts its letters."""

from pathlib import Path

from lyra_sim.scene.sources import RgbdSource
from lyra_sim.steps.step import step
from tests.runner.fake_results import Told


class Count(Told):
    FILE = "count.txt"


def sources(rgbd: RgbdSource | None) -> tuple[Path, ...]:
    return (rgbd.frames,)


@step(version=1, sources=sources)
def count(*, rgbd: RgbdSource | None, out: Path) -> Count:
    text = "".join(file.read_text() for file in sorted(rgbd.frames.iterdir()))
    (out / Count.FILE).write_text(f"{len(text)} {text}")
    return Count.load(out)
