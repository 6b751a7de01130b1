"""First of three tiny steps: copies the input and counts its letters."""

from pathlib import Path

from lyra_sim.steps.step import Step


def run(inputs, cfg, *, out: Path):
    text = "".join(file.read_text() for file in sorted(cfg.rgbd.frames.iterdir()))
    (out / "count.txt").write_text(f"{len(text)} {text}")


def load(folder: Path, inputs):
    return (folder / "count.txt").read_text()


STEP = Step(name="count", version=1, needs=(), reads=("rgbd",), run=run, load=load, sources=lambda cfg: (cfg.rgbd.frames,))
