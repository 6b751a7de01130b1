"""Second step: writes the same every time, and hands on what the step before it holds (as align does with splats)."""

from pathlib import Path

from lyra_sim.steps.step import Step


def run(inputs, cfg, *, out: Path):
    (out / "frame.txt").write_text("a window frame")


def load(folder: Path, inputs):
    return inputs["sky"]


STEP = Step(name="window", version=1, needs=("sky",), reads=(), run=run, load=load)
