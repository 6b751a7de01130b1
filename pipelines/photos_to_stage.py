"""From photos or RGB-D frames to a proven world, step by step: the same steps `lyra-sim build` runs, called by hand.

Read it as a table of contents. `lyra-sim build` adds what a recipe leaves out: resume, many scenes, a process
for each step, and folders that are there whole or not at all.

    python pipelines/photos_to_stage.py examples/scenes.yaml small_house out_by_hand
"""

import sys
from pathlib import Path
from typing import Any

from lyra_sim import Report, SceneSpec, load_scenes
from lyra_sim.errors import LyraSimError, SpecError
from lyra_sim.steps import align, assess, author, capture, collide, depth, generate, mesh, reconstruct
from lyra_sim.steps.scoped import scoped
from lyra_sim.steps.step import Step


def build_stage(scene: SceneSpec, out: Path) -> Report:
    """Build one scene into ``out``, one folder a step, and return its report."""

    def run(step: Step, **inputs: Any) -> Any:
        folder = out / step.name
        folder.mkdir(parents=True)
        step.run(inputs, scoped(scene, step), out=folder)
        return step.load(folder, inputs)

    # The user's files, undistorted once and checked against their own depth.
    views = run(capture.STEP)

    # Depth, where the source brought none; measured depth passes through.
    views = run(depth.STEP, capture=views)

    # A video along a camera path, where the scene asks for one: photos carried over, and what none of them shows.
    video = run(generate.STEP, depth=views)

    # Splats and depth, in the reconstructor's own frame and scale.
    reconstruction = run(reconstruct.STEP, depth=views, generate=video)

    # Metres, z up, main floor at z = 0. Nothing below can be handed an unscaled or tilted scene.
    world = run(align.STEP, depth=views, reconstruct=reconstruction)

    # Free space carved out of matter, and the closed surface around it.
    solid = run(mesh.STEP, align=world, depth=views, generate=video)

    # What physics sees: slabs, convex pieces, labels; and where a robot can go.
    collision = run(collide.STEP, align=world, mesh=solid)

    # The USD package, and the same world in plain formats.
    stage = run(author.STEP, generate=video, align=world, mesh=solid, collide=collision)

    # Figures with verdicts; the last of them from robots that drove in two physics engines.
    named = {"depth": views, "generate": video, "align": world, "mesh": solid, "collide": collision, "author": stage}
    report: Report = run(assess.STEP, **{name: named[name] for name in assess.STEP.needs})
    return report


def main(arguments: list[str]) -> int:
    """Build one scene of a scene file; 1 when its world fails the gate, otherwise the exit code of what went wrong."""
    try:
        if len(arguments) != 3:
            raise SpecError("arguments", f"{len(arguments)} given", expected="SCENES.yaml SCENE OUT")
        scene_file, name, out = arguments
        scenes = {scene.name: scene for scene in load_scenes(scene_file)}
        if name not in scenes:
            raise SpecError(scene_file, f"no scene is named '{name}'", expected=", ".join(scenes))
        if Path(out).exists():
            raise SpecError(out, "it exists already", expected="a new folder", next_step="lyra-sim build is what resumes.")
        report = build_stage(scenes[name], Path(out))
    except LyraSimError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return error.exit_code
    for metric in report.metrics:
        print(f"{metric.verdict:<13} {metric.name} = {metric.value} {metric.unit}")
    return 1 if report.verdict == "fail" else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
