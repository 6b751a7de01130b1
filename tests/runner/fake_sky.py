"""First of three steps whose result can change though its key doesn't: it looks at what it never declared."""

from pathlib import Path

from lyra_sim.steps.step import Step


def run(inputs, cfg, *, out: Path):
    (out / "sky.txt").write_text((cfg.rgbd.frames.parent / "weather.txt").read_text())


def load(folder: Path, inputs):
    return (folder / "sky.txt").read_text()


STEP = Step(name="sky", version=1, needs=(), reads=("rgbd",), run=run, load=load)
"""``rgbd`` without its files, as a measuring step that isn't deterministic would have."""
