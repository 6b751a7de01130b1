"""Third step: paints what it sees through the second."""

from pathlib import Path

from fake_window import Window

from lyra_sim.steps.step import step
from tests.runner.fake_results import Told


class View(Told):
    FILE = "view.txt"


@step(version=1)
def view(window: Window, *, out: Path) -> View:
    (out / View.FILE).write_text(f"through the window: {window}")
    return View.load(out)
