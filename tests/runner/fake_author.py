"""Third step: a world folder and its export."""

from pathlib import Path

from lyra_sim.steps.step import Step


def run(inputs, cfg, *, out: Path):
    for folder in ("world", "exports"):
        (out / folder).mkdir()
    (out / "world" / "world.usda").write_text(f"#usda 1.0\n# {inputs['scale']}\n")
    (out / "exports" / "mesh.glb").write_text("glb")


def load(folder: Path, inputs):
    return folder


STEP = Step(name="author", version=1, needs=("scale",), reads=(), run=run, load=load)
