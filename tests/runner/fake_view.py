"""Third step: paints what it sees through the second."""

from pathlib import Path

from lyra_sim.steps.step import Step


def run(inputs, cfg, *, out: Path):
    (out / "view.txt").write_text(f"through the window: {inputs['window']}")


def load(folder: Path, inputs):
    return (folder / "view.txt").read_text()


STEP = Step(name="view", version=1, needs=("window",), reads=(), run=run, load=load)
