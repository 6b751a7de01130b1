"""Second step: writes the same every time, and hands on what the step before it holds (as align does with splats)."""

from pathlib import Path

from fake_sky import Sky

from lyra_sim.steps.step import step


class Window(str):
    @classmethod
    def load(cls, folder: Path, sky: Sky) -> "Window":
        return cls(sky)


@step(version=1)
def window(sky: Sky, *, out: Path) -> Window:
    (out / "frame.txt").write_text("a window frame")
    return Window(sky)
