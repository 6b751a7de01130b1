"""From a mesh that is there already to a USD world with colliders and a map of where a robot can go.

The mesh is looked at by virtual cameras that stand in its free air, and from there on it is a capture like any other. Nothing
is proven here: `lyra-sim build` and the other recipes end with physics.

    python pipelines/mesh_to_world.py house.glb out_by_hand
"""

import sys
from pathlib import Path

from lyra_sim.data.stage import StageBundle
from lyra_sim.errors import LyraSimError
from lyra_sim.scene.generate import GenerateConfig
from lyra_sim.scene.sources import Scale, SurfaceSource, Up
from lyra_sim.scene.spec import (
    AlignConfig,
    AuthorConfig,
    CaptureConfig,
    CollideConfig,
    DepthConfig,
    MeshConfig,
    NavigateConfig,
    PosesConfig,
    ReconstructConfig,
    RobotConfig,
)
from lyra_sim.steps.align import align
from lyra_sim.steps.author import author
from lyra_sim.steps.capture import capture
from lyra_sim.steps.collide import collide
from lyra_sim.steps.depth import depth
from lyra_sim.steps.generate import generate
from lyra_sim.steps.mesh import mesh
from lyra_sim.steps.reconstruct import reconstruct

SEED = 7


def build_world(surface: SurfaceSource, out: Path, *, name: str, scale: Scale, up: Up, voxel: float) -> StageBundle:
    """Survey ``surface`` and build what was seen into ``out``, with ``voxel`` metres of detail."""
    limits = CaptureConfig()

    # Where people could stand, what they would see from there, and how far away it is.
    views = capture(
        source=surface,
        scale=scale,
        up=up,
        capture=limits,
        poses=PosesConfig(),
        name=name,
        seed=SEED,
        out=out / "capture",
    )

    # Both pass the survey's own depth on; nothing is drawn.
    posed = depth(views, depth=DepthConfig(), capture_=limits, out=out / "depth")
    video = generate(posed, generate=GenerateConfig(path=None), seed=SEED, out=out / "generate")

    # Splats of what was seen, in metres, with the main floor at z = 0.
    fused = reconstruct(posed, video, reconstruct=ReconstructConfig(), seed=SEED, out=out / "reconstruct")
    world = align(posed, fused, scale=scale, capture=limits, align=AlignConfig(), name=name, out=out / "align")

    # The given mesh may be open or doubled; this one is closed, and what nobody could see stays solid.
    solid = mesh(world, posed, video, mesh=MeshConfig(voxel_size=voxel), capture=limits, out=out / "mesh")

    # Convex colliders, and the floor that a robot reaches among them.
    robot, ways = RobotConfig(), NavigateConfig()
    hulls = collide(world, solid, collide=CollideConfig(), robot=robot, navigate=ways, seed=SEED, out=out / "collide")
    return author(views, video, world, solid, hulls, author=AuthorConfig(), name=name, out=out / "author")


def main(file: str, out: str) -> int:
    """Build one mesh whose file says its unit and up axis (GLB, USD); 0, or the exit code of what went wrong."""
    try:
        source = SurfaceSource(files=(Path(file),))
        stage = build_world(source, Path(out), name="world", scale="auto", up="auto", voxel=0.04)
    except LyraSimError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return error.exit_code
    print(stage.stage)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
