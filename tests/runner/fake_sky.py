"""First of three steps whose result can change though its key doesn't: it looks at a file it never declared."""

from pathlib import Path

from lyra_sim.scene.sources import RgbdSource
from lyra_sim.steps.step import step
from tests.runner.fake_results import Told


class Sky(Told):
    FILE = "sky.txt"


@step(version=1)
def sky(*, rgbd: RgbdSource | None, out: Path) -> Sky:
    """``rgbd`` without its files, as a measuring step that isn't deterministic would have."""
    (out / Sky.FILE).write_text((rgbd.frames.parent / "weather.txt").read_text())
    return Sky.load(out)
