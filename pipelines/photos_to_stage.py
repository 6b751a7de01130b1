"""From photos or RGB-D frames to a proven world, step by step: the same steps `lyra-sim build` runs, called by hand.

Read it as a table of contents. `lyra-sim build` adds what a recipe leaves out: resume, many scenes, a process
for each step, and folders that are there whole or not at all.

    python pipelines/photos_to_stage.py examples/scenes.yaml small_house out_by_hand
"""

import sys
from pathlib import Path

from lyra_sim import Report, SceneSpec, load_scenes
from lyra_sim.errors import LyraSimError, SpecError
from lyra_sim.steps.align import align
from lyra_sim.steps.assess import assess
from lyra_sim.steps.author import author
from lyra_sim.steps.capture import capture
from lyra_sim.steps.collide import collide
from lyra_sim.steps.depth import depth
from lyra_sim.steps.generate import generate
from lyra_sim.steps.mesh import mesh
from lyra_sim.steps.reconstruct import reconstruct


def build_stage(s: SceneSpec, out: Path) -> Report:
    """Build one scene into ``out``, one folder a step, and return its report."""
    name, seed = s.name, s.seed

    # The user's files, undistorted once, every view with a camera that was doubted.
    views = capture(
        source=s.source,
        scale=s.scale,
        up=s.up,
        capture=s.capture,
        poses=s.poses,
        name=name,
        seed=seed,
        out=out / "capture",
    )

    # Depth, where the source brought none; measured depth passes through.
    posed = depth(views, depth=s.depth, capture_=s.capture, out=out / "depth")

    # A video along a camera path, where the scene asks for one: photos carried over, and what none of them shows.
    video = generate(posed, generate=s.generate, seed=seed, out=out / "generate")

    # Splats and depth, in the reconstructor's own frame and scale.
    rebuilt = reconstruct(posed, video, reconstruct=s.reconstruct, seed=seed, out=out / "reconstruct")

    # Metres, z up, main floor at z = 0. Nothing below can be handed an unscaled or tilted scene.
    world = align(posed, rebuilt, scale=s.scale, capture=s.capture, align=s.align, name=name, out=out / "align")

    # Free space carved out of matter, and the closed surface around it.
    solid = mesh(world, posed, video, mesh=s.mesh, capture=s.capture, out=out / "mesh")

    # What physics sees: slabs, convex pieces, labels; and where a robot can go.
    hulls = collide(world, solid, collide=s.collide, robot=s.robot, navigate=s.navigate, seed=seed, out=out / "collide")

    # The USD package, and the same world in plain formats.
    stage = author(views, video, world, solid, hulls, author=s.author, name=name, out=out / "author")

    # Figures with verdicts; the last of them from robots that drove in two physics engines.
    return assess(
        *(posed, video, world, solid, hulls, stage),
        source=s.source,
        capture=s.capture,
        assess=s.assess,
        truth=s.truth,
        robot=s.robot,
        name=name,
        seed=seed,
        out=out / "assess",
    )


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
