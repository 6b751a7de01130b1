"""From posed RGB-D frames to a world that one physics engine has driven through, without a scene file.

Every step is a function: what it takes from the steps before it comes first, what it is told comes by name. A type checker
knows both, so a world that was never aligned can't be meshed by mistake.

    python pipelines/rgbd_to_world.py examples/small_house/rgb examples/small_house/depth_mm \\
        examples/small_house/transforms.json out_by_hand
"""

import sys
from pathlib import Path

from lyra_sim import Report
from lyra_sim.errors import LyraSimError
from lyra_sim.scene.generate import GenerateConfig
from lyra_sim.scene.sources import RgbdSource
from lyra_sim.scene.spec import (
    AlignConfig,
    AssessConfig,
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
from lyra_sim.steps.assess import assess
from lyra_sim.steps.author import author
from lyra_sim.steps.capture import capture
from lyra_sim.steps.collide import collide
from lyra_sim.steps.depth import depth
from lyra_sim.steps.generate import generate
from lyra_sim.steps.mesh import mesh
from lyra_sim.steps.reconstruct import reconstruct

SEED = 7


def build_world(frames: RgbdSource, out: Path, *, name: str, voxel: float, drive: NavigateConfig) -> Report:
    """Build ``frames`` into ``out``; the world is ``out/author/world/world.usda``, with ``voxel`` metres of detail."""
    limits, robot = CaptureConfig(), RobotConfig()

    # Frames checked against their own depth: cameras in the wrong convention stop here.
    views = capture(
        source=frames,
        scale="auto",
        up="auto",
        capture=limits,
        poses=PosesConfig(),
        name=name,
        seed=SEED,
        out=out / "capture",
    )
    posed = depth(views, depth=DepthConfig(), capture_=limits, out=out / "depth")

    # Nothing is drawn: the world is what the sensor measured.
    video = generate(posed, generate=GenerateConfig(path=None), seed=SEED, out=out / "generate")
    fused = reconstruct(posed, video, reconstruct=ReconstructConfig(), seed=SEED, out=out / "reconstruct")

    # Metres, z up, floor at z = 0; then air carved out of matter, and what physics and robots make of it.
    world = align(posed, fused, scale="auto", capture=limits, align=AlignConfig(), name=name, out=out / "align")
    solid = mesh(world, posed, video, mesh=MeshConfig(voxel_size=voxel), capture=limits, out=out / "mesh")
    hulls = collide(world, solid, collide=CollideConfig(), robot=robot, navigate=drive, seed=SEED, out=out / "collide")
    stage = author(views, video, world, solid, hulls, author=AuthorConfig(), name=name, out=out / "author")

    # The proof: balls dropped, routes driven.
    proof = AssessConfig(engines=("newton",))
    made = (posed, video, world, solid, hulls, stage)
    return assess(
        *made,
        source=frames,
        capture=limits,
        assess=proof,
        truth=None,
        robot=robot,
        name=name,
        seed=SEED,
        out=out / "assess",
    )


def main(frames: str, depth_images: str, cameras: str, out: str) -> int:
    """Build one folder of frames; 1 when the world fails, otherwise the exit code of what went wrong."""
    source = RgbdSource(frames=Path(frames), depth=Path(depth_images), cameras=Path(cameras))
    try:
        report = build_world(source, Path(out), name="world", voxel=0.04, drive=NavigateConfig())
    except LyraSimError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return error.exit_code
    print(report.verdict, Path(out) / "author" / "world" / "world.usda")
    return 1 if report.verdict == "fail" else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
