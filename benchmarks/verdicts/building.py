"""From pictures of a place to a finished world, by the steps of a build, and its figures without physics engines."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from benchmarks.verdicts.places import Place
from benchmarks.verdicts.sensors import Sensor
from lyra_sim.conventions import c2w_opengl_from_opencv
from lyra_sim.data.colliders import Collision, Hull
from lyra_sim.data.depth import PosedDepth
from lyra_sim.data.files import write_json
from lyra_sim.data.report import Report
from lyra_sim.data.solid import Solid
from lyra_sim.data.video import WorldVideo
from lyra_sim.data.world import MetricWorld
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.scene.generate import GenerateConfig
from lyra_sim.scene.sources import RgbdSource
from lyra_sim.scene.spec import (
    AlignConfig,
    CaptureConfig,
    CollideConfig,
    DepthConfig,
    MeshConfig,
    NavigateConfig,
    PosesConfig,
    ReconstructConfig,
    RobotConfig,
)

SEED = 7
"""Of every build. Convention."""
VOXEL_M = 0.04
"""That of the preview [m]. Convention."""
VIEWS = 160
"""Places that hulls are compared with looks from: 512 would take most of the time. Convention."""
ROBOT = RobotConfig()
NAVIGATE = NavigateConfig()

Posed = Callable[[Float64[np.ndarray, "n 4 4"]], Float64[np.ndarray, "n 4 4"]]
"""True camera-to-world to what is stated."""


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """How a place is recorded: exactly, unless something is said."""

    sensor: Sensor | None = None
    posed: Posed | None = None
    depth_scale: float = 1.0
    """Metres that are stated for a true one, of depth alone."""
    share: float = 1.0
    """Of the walk that is walked."""


@dataclass(frozen=True, kw_only=True)
class Built:
    """Outputs of all steps up to collide."""

    capture: PosedDepth
    video: WorldVideo
    world: MetricWorld
    solid: Solid
    collision: Collision

    def with_hulls(self, hulls: tuple[Hull, ...]) -> "Built":
        """Other hulls, and the map that is drawn from them."""
        colliders = replace(self.collision.colliders, hulls=hulls)
        return replace(self, collision=Collision(colliders=colliders, navigation=self._navigation(hulls)))

    def _navigation(self, hulls: tuple[Hull, ...]):
        from lyra_sim.navigation.build import build_navigation
        from lyra_sim.navigation.occupancy import main_band

        return build_navigation(
            hulls,
            self.solid.free_space,
            self.world.cameras.centres,
            band=main_band(self.collision.navigation),
            robot=ROBOT,
            config=NAVIGATE,
            seed=SEED,
        )

    def captured_as(self, other: "Built") -> "Built":
        """The same world beside another capture of the place: its views, its cameras and its held-out frames."""
        cameras = other.capture.cameras.select(np.array(other.capture.used)).moved(self.world.world_from_input)
        world = replace(self.world, views=other.capture.views.select(other.capture.used), cameras=cameras)
        return replace(self, capture=other.capture, world=world)


def record(place: Place, recorded: Recorded, out: Path, *, seed: int) -> Path:
    """Frames of the walk as ``rgb/``, ``depth_mm/`` and ``transforms.json``; frames that would stand in matter are left out."""
    from PIL import Image

    kept = np.arange(round(recorded.share * len(place.cameras)))
    kept = kept[place.sees_from(place.cameras)[kept]]
    cameras = place.cameras.select(kept)
    stated = cameras.c2w if recorded.posed is None else recorded.posed(place.cameras.c2w)[kept]
    for folder in ("rgb", "depth_mm"):
        (out / folder).mkdir(parents=True)
    rows = []
    for index, (colour, depth) in enumerate(place.rendered(cameras)):
        rng = np.random.default_rng([seed, int(kept[index])])
        seen = (depth if recorded.sensor is None else recorded.sensor(depth, rng)) * recorded.depth_scale
        counts = np.where(np.isfinite(seen) & (seen > 0), np.round(seen * 1000), 0).clip(0, 65535).astype(np.uint16)
        name = f"{kept[index]:04d}"
        Image.fromarray(colour).save(out / "rgb" / f"{name}.png", compress_level=1)
        Image.fromarray(counts).save(out / "depth_mm" / f"{name}.png", compress_level=1)
        rows.append({"file_path": f"rgb/{name}.png", "transform_matrix": c2w_opengl_from_opencv(stated[index]).tolist()})
    write_json(out / "transforms.json", {**_lens(cameras), "frames": rows})
    return out


def build(folder: Path, out: Path, *, name: str) -> Built:
    """The steps from capture to collide, as a preview takes them.

    Raises:
        LyraSimError: A step refuses the input.
    """
    from lyra_sim.steps.align import align
    from lyra_sim.steps.capture import capture
    from lyra_sim.steps.collide import collide
    from lyra_sim.steps.depth import depth
    from lyra_sim.steps.generate import generate
    from lyra_sim.steps.mesh import mesh
    from lyra_sim.steps.reconstruct import reconstruct

    limits = CaptureConfig()
    source = RgbdSource(frames=folder / "rgb", depth=folder / "depth_mm", cameras=folder / "transforms.json")
    captured = capture(
        source=source,
        scale="metric",
        up="z",
        capture=limits,
        poses=PosesConfig(),
        name=name,
        seed=SEED,
        out=out / "capture",
    )
    posed = depth(captured, depth=DepthConfig(), capture_=limits, out=out / "depth")
    video = generate(posed, generate=GenerateConfig(path=None), seed=SEED, out=out / "generate")
    fused = reconstruct(posed, video, reconstruct=ReconstructConfig(), seed=SEED, out=out / "reconstruct")
    world = align(posed, fused, scale="metric", capture=limits, align=AlignConfig(), name=name, out=out / "align")
    solid = mesh(world, posed, video, mesh=MeshConfig(voxel_size=VOXEL_M), capture=limits, out=out / "mesh")
    collision = collide(world, solid, collide=CollideConfig(), robot=ROBOT, navigate=NAVIGATE, seed=SEED, out=out / "collide")
    return Built(capture=posed, video=video, world=world, solid=solid, collision=collision)


def report_without_engines(built: Built, *, name: str) -> Report:
    """All figures that need no engine: those of a build before the physics gate, and map against hulls as ``assess`` asks."""
    from lyra_sim.quality.assessment import Finished, geometry_metrics, with_all_views
    from lyra_sim.quality.published import map_metrics
    from lyra_sim.quality.witness.calling import call_witness

    source = RgbdSource(frames=Path("rgb"), depth=Path("depth"), cameras=Path("transforms.json"))  # says only of what kind
    every = with_all_views(built.capture, built.world)
    called = call_witness(source, built.capture, every, reach=CaptureConfig().given_max_depth, seed=SEED)
    finished = Finished(
        capture=built.capture,
        video=built.video,
        world=built.world,
        solid=built.solid,
        collision=built.collision,
        called=called,
        seed=SEED,
        looked_from=VIEWS,
    )
    against_map = map_metrics(built.collision.colliders.hulls, built.collision.navigation)
    return Report(scene=name, metrics=(*geometry_metrics(finished), *against_map))


def _lens(cameras: CameraPath) -> dict[str, float]:
    K = cameras.K[0]
    return {"w": cameras.width, "h": cameras.height, "fl_x": K[0, 0], "fl_y": K[1, 1], "cx": K[0, 2], "cy": K[1, 2]}
