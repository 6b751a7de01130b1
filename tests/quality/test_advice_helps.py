"""Each line of advice, followed where its figure fails: the figure gets better. What can't be made small is named, with why."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from lyra_sim.alignment.usual_rooms import customs, weigh_customs
from lyra_sim.capture.cameras.camera_files import CameraTable
from lyra_sim.collision.convex.pieces import convex_hull
from lyra_sim.data.capture import DepthFacts
from lyra_sim.data.colliders import Hull
from lyra_sim.data.report import Metric
from lyra_sim.data.scale import ScaleEvidence, combine
from lyra_sim.data.video import WorldVideo
from lyra_sim.errors import PhysicsError
from lyra_sim.generators.generator import Condition, Generated
from lyra_sim.generators.loop import generate_video
from lyra_sim.generators.reproject import Reproject
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.geometry.up_evidence import combine_up, up_piece
from lyra_sim.navigation.build import build_navigation
from lyra_sim.physics.gate import GateRun
from lyra_sim.physics.result import GateResult
from lyra_sim.quality.collision import collision_metrics
from lyra_sim.quality.depth import ViewSet, depth_metrics, estimated_depth_metrics
from lyra_sim.quality.figures.advice import ADVICE
from lyra_sim.quality.figures.limits import limit_of
from lyra_sim.quality.figures.metrics import measured
from lyra_sim.quality.frame import depth_source_metrics, gravity_metrics, scale_metrics
from lyra_sim.quality.generated import generated_metrics
from lyra_sim.quality.navigation import navigation_metrics
from lyra_sim.quality.physics import gate_metrics
from lyra_sim.quality.truth.cameras import TrueCameras, true_camera_metrics
from lyra_sim.quality.witness.footing import footing_metric
from lyra_sim.quality.witness.given_surface import SecondReading, Surface, reading_metric
from lyra_sim.quality.witness.held_out_views import held_out_witness
from lyra_sim.rendering.ray_casting import RayCaster
from lyra_sim.scene.generate import GenerateConfig
from lyra_sim.scene.spec import NavigateConfig
from tests.broken_worlds.good import BAND, ROBOT, GoodWorld, good_world
from tests.capture.generated_scenes import KINDS
from tests.quality.test_physics import gate, probe, route
from tests.quality.witness.test_judgement import HELD_OUT, grown, judged, looked_into, with_hole
from tests.quality.worlds import capture_of, room_surface
from tests.trajectories.rooms import of_views

UP = np.array([0.0, 0.0, 1.0])
Figures = dict[str, Metric]
Followed = tuple[Figures, Figures]
"""Figures before and after an advice was followed."""


def named(metrics: list[Metric]) -> Figures:
    return {metric.name: metric for metric in metrics}


@dataclass(frozen=True)
class Bench:
    """What the cases are made of."""

    good: GoodWorld
    folder: Path


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> GoodWorld:
    return good_world(tmp_path_factory.mktemp("good"))


def turned(degrees: float) -> np.ndarray:
    return np.array([np.sin(np.radians(degrees)), 0.0, np.cos(np.radians(degrees))])


def stating_scale(_: Bench) -> Followed:
    """A marker in place of an assumed camera height."""
    assumed = ScaleEvidence(metres_per_unit=1.1, sigma_relative=0.2, source="assumed camera height 1.5 m")
    marker = ScaleEvidence(metres_per_unit=1.0, sigma_relative=0.01, source="marker 7")
    return tuple(named(scale_metrics(combine([one], subject="scale"))) for one in (assumed, marker))  # type: ignore[return-value]


def checking_the_unit(bench: Bench) -> Followed:
    """A file in feet that was stated to be in metres, near enough."""
    height = float(np.median(bench.good.world.cameras.centres[:, 2]))
    found = customs(ceiling_height=float(bench.good.room.air_high[2]), camera_height=height)
    stated = [ScaleEvidence(metres_per_unit=unit, sigma_relative=0.01, source="declared metric") for unit in (2.5, 1.0)]
    return tuple(  # type: ignore[return-value]
        named(scale_metrics(weigh_customs(combine([one], subject="scale"), found))) for one in stated
    )


def stating_up(_: Bench) -> Followed:
    pieces = [up_piece(turned(1.0), 3.0, "level cameras")]
    return tuple(  # type: ignore[return-value]
        named(gravity_metrics(combine_up(evidence, subject="up")))
        for evidence in (pieces, [*pieces, up_piece(UP, 0.5, "declared z")])
    )


def comparing_the_stated_up(_: Bench) -> Followed:
    """The axis that was stated leans by three degrees; the floor is right."""
    floor = up_piece(UP, 0.3, "floor plane")
    wrong, right = (combine_up([floor, up_piece(turned(lean), 0.5, "declared z")], subject="up") for lean in (3.0, 0.1))
    return named(gravity_metrics(wrong)), named(gravity_metrics(right))


def restating_the_scale(bench: Bench) -> Followed:
    cameras = bench.good.world.cameras
    names = bench.good.world.views.names
    table = CameraTable(
        keys=names, named=True, c2w=cameras.c2w, K=cameras.K, width=160, height=120, distortion=np.zeros(4), axes="opencv"
    )

    def found(scale: float) -> Figures:
        ours = cameras.moved(Similarity(scale=scale, rotation=np.eye(3), translation=np.zeros(3)))
        return named(true_camera_metrics(TrueCameras.matched(table, names, ours, subject="truth"), ours, sigma_relative=0.01))

    return found(1.08), found(1.005)


def more_photos(bench: Bench) -> Followed:
    views = capture_of(bench.good.world)
    guess = replace(views, depth=DepthFacts(kind="layout prior", sigma_relative=0.5, figures={}))
    swept = replace(views, depth=DepthFacts(kind="plane sweep", sigma_relative=0.01, figures={}))
    after = named(depth_source_metrics(swept))
    assert "photo_depth.guessed" not in after
    return named(depth_source_metrics(guess)), {
        "photo_depth.guessed": measured("photo_depth.guessed", swept.depth.guessed, n=1)
    }


def more_routes(bench: Bench) -> Followed:
    return with_robot(bench, NavigateConfig(probes=40, routes=1)), with_robot(bench, NavigateConfig(probes=40, routes=30))


def a_robot_that_fits(bench: Bench) -> Followed:
    config = NavigateConfig(probes=200, routes=8)
    return with_robot(bench, config, radius=0.75), with_robot(bench, config)


def more_probes(bench: Bench) -> Followed:
    return with_robot(bench, NavigateConfig(probes=2, routes=1)), with_robot(bench, NavigateConfig(probes=200, routes=1))


def with_robot(bench: Bench, config: NavigateConfig, *, radius: float = ROBOT.radius) -> Figures:
    robot = ROBOT.model_copy(update={"radius": radius})
    hulls, centres = bench.good.colliders.hulls, bench.good.world.cameras.centres
    free = bench.good.solid.free_space
    return named(navigation_metrics(build_navigation(hulls, free, centres, band=BAND, robot=robot, config=config, seed=7)))


def found_again_in_the_solid(bench: Bench) -> Followed:
    """Two cabinets that a coarse solid lost."""
    witness = held_out_witness(bench.good.world, HELD_OUT, seed=7)
    assert witness is not None
    hulls = bench.good.colliders.hulls
    left = tuple(hull for hull in hulls if hull.name not in ("clutter_010", "clutter_011"))
    return tuple(  # type: ignore[return-value]
        {f"witness.{name}": metric for name, metric in judged(bench.good, witness, some).items()} for some in (left, hulls)
    )


def filmed_again_at_rest(bench: Bench) -> Followed:
    """Somebody stood there while the place was filmed."""
    witness = held_out_witness(bench.good.world, HELD_OUT, seed=7)
    assert witness is not None
    hulls = bench.good.colliders.hulls
    somebody = box("clutter_099", (1.4, 1.5, 0.0), (2.6, 2.4, 1.7))
    return tuple(  # type: ignore[return-value]
        {f"witness.{name}": metric for name, metric in judged(bench.good, witness, some).items()}
        for some in ((*hulls, somebody), hulls)
    )


def built_again(bench: Bench) -> Followed:
    """Hulls that were edited: all but the floor's three centimetres wider."""
    witness = held_out_witness(bench.good.world, HELD_OUT, seed=7)
    assert witness is not None
    hulls = bench.good.colliders.hulls
    edited = tuple(hull if hull.label == "floor" else grown(hull, 0.03) for hull in hulls)
    return tuple(  # type: ignore[return-value]
        {f"witness.{name}": metric for name, metric in judged(bench.good, witness, some).items()} for some in (edited, hulls)
    )


def floor_filmed_again(bench: Bench) -> Followed:
    """A hole in the floor's hulls, closed."""
    witness = held_out_witness(bench.good.world, HELD_OUT, seed=7)
    assert witness is not None
    hulls = bench.good.colliders.hulls
    return tuple(  # type: ignore[return-value]
        {f"witness.{name}": metric for name, metric in judged(bench.good, witness, some).items()}
        for some in (with_hole(hulls), hulls)
    )


def hole_filmed_from_above(bench: Bench) -> Followed:
    """Hulls over a hole that the witness looks into, opened."""
    witness = held_out_witness(bench.good.world, HELD_OUT, seed=7)
    assert witness is not None
    into, hulls = looked_into(witness), bench.good.colliders.hulls
    return tuple(  # type: ignore[return-value]
        {f"witness.{name}": metric for name, metric in judged(bench.good, into, some).items()}
        for some in (hulls, with_hole(hulls))
    )


def box(name: str, low: tuple[float, ...], high: tuple[float, ...]) -> Hull:
    corners = np.array([[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])
    vertices, faces = convex_hull(corners, max_vertices=64)
    return Hull(name=name, label="clutter", vertices=vertices, faces=faces, seen=1.0)


def with_hulls(bench: Bench, hulls: tuple[Hull, ...]) -> Figures:
    colliders = replace(bench.good.colliders, hulls=hulls)
    return named(collision_metrics(colliders, bench.good.solid, bench.good.world.cameras, np.zeros(3)))


def more_hulls_for_gaps(bench: Bench) -> Followed:
    """A budget that was spent before all of the floor had its hulls."""
    hulls = bench.good.colliders.hulls
    floors = [hull.name for hull in hulls if hull.label == "floor"]
    return with_hulls(bench, tuple(hull for hull in hulls if hull.name not in floors[:4])), with_hulls(bench, hulls)


def more_hulls_for_air(bench: Bench) -> Followed:
    """One hull round all that stands there, in place of one a thing."""
    hulls = bench.good.colliders.hulls
    things = [hull for hull in hulls if hull.label == "clutter"]
    vertices, faces = convex_hull(np.concatenate([hull.vertices for hull in things]).astype(np.float64), max_vertices=64)
    lump = replace(things[0], vertices=vertices, faces=faces)
    return with_hulls(bench, (*(hull for hull in hulls if hull.label != "clutter"), lump)), with_hulls(bench, hulls)


def nearer_frames(name: str) -> Callable[[Bench], Followed]:
    """Depth whose noise grows with its square, and ``capture.max_depth`` that leaves the far half out."""

    def followed(bench: Bench) -> Followed:
        mesh, world = room_surface(bench.good.room), bench.good.world
        caster, views = RayCaster(mesh.vertices, mesh.faces), ViewSet(name=name, indices=tuple(range(0, len(world.cameras), 6)))
        rng, exact = np.random.default_rng(3), world.views.z_depth

        def with_limit(limit: float) -> Figures:
            class Noisy(type(world)):  # type: ignore[misc]
                def z_depth(self, index: int) -> np.ndarray:
                    z = exact(index)
                    noisy = (z + rng.normal(0, 0.03, z.shape) * z**2).astype(np.float32)
                    return np.where(z <= limit, noisy, np.float32(np.nan))

            return named(depth_metrics(caster, mesh, Noisy(**vars(world)), views))

        return with_limit(20.0), with_limit(1.2)

    return followed


def surer_cameras(bench: Bench) -> Followed:
    """Cameras that are 8 cm off beside right ones."""
    mesh, world = room_surface(bench.good.room), bench.good.world
    caster, views = RayCaster(mesh.vertices, mesh.faces), ViewSet(name="input", indices=tuple(range(0, len(world.cameras), 6)))
    c2w = world.cameras.c2w.copy()
    c2w[:, :3, 3] += np.random.default_rng(1).normal(0, 0.15, (len(c2w), 3))
    off = replace(world, cameras=replace(world.cameras, c2w=c2w))
    return tuple(named(estimated_depth_metrics(caster, mesh, one, views)) for one in (off, world))  # type: ignore[return-value]


class OnlyWhatIsKnown:
    """Draws nothing where photos show nothing."""

    def __init__(self, cfg: GenerateConfig) -> None:
        self.drawer = Reproject(cfg)

    def generate(self, condition: Condition) -> Generated:
        drawn = self.drawer.generate(condition)
        return replace(drawn, rgb=np.where(drawn.invented[..., None], np.uint8(0), drawn.rgb))


def nearer_to_the_photos(bench: Bench) -> Followed:
    """From two photos that look one way: round on the spot, and there and back along them."""
    views = of_views(capture_of(bench.good.world), 0, 1)

    def found(preset: str) -> Figures:
        cfg = GenerateConfig.model_validate({"path": preset, "chunks": 1, "side": 64, "clearance": 0.0})
        out = bench.folder / preset
        out.mkdir()
        video: WorldVideo = generate_video(views, cfg, OnlyWhatIsKnown(cfg), seed=7, out=out)
        return named(generated_metrics(video, views))

    return found("look_around"), found("there_and_back")


def both_engines(_: Bench) -> Followed:
    result: GateResult = gate("physx", (probe("a"),), (route("r"),))
    newton = replace(result, engine="newton")
    lost = GateRun(results={"physx": result}, failures={"newton": PhysicsError("engine newton", "not done after 900 s")})
    both = GateRun(results={"physx": result, "newton": newton}, failures={})
    return named(gate_metrics(lost, robot_radius=0.25)), named(gate_metrics(both, robot_radius=0.25))


def a_radius_of_a_stock_robot(_: Bench) -> Followed:
    run = GateRun(results={"physx": gate("physx", (probe("a"),), (route("r"),))}, failures={})
    return named(gate_metrics(run, robot_radius=0.6)), named(gate_metrics(run, robot_radius=0.25))


def up_as_it_is(_: Bench) -> Followed:
    mesh = KINDS["flat"](4)
    faces, vertices = np.asarray(mesh.faces, np.int32), np.asarray(mesh.vertices, np.float64)
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    middle = (low + high) / 2 * [1, 1, 0] + [0, 0, 1.2]

    def found(turn: np.ndarray, shift: float) -> Figures:
        own = Surface(vertices=vertices @ turn.T + np.array([0.0, 0.0, shift]), faces=faces)
        at = middle[None] @ (turn * [1, 1, 0]).T + np.array([0.0, 0.0, 1.2])
        reading = SecondReading(own=own, other=own, why="")
        return named([footing_metric(reading, at, start=False, cameras=False, seed=7)])

    return found(np.diag([1.0, -1.0, -1.0]), float(high[2])), found(np.eye(3), 0.0)


def exported_plainly(bench: Bench) -> Followed:
    mesh = room_surface(bench.good.room)
    whole = Surface(vertices=mesh.vertices.astype(np.float64), faces=mesh.faces)
    lost = replace(whole, faces=whole.faces[:-24])
    return tuple(named([reading_metric(SecondReading(own=own, other=whole, why=""))]) for own in (lost, whole))  # type: ignore[return-value]


HELPED: tuple[tuple[Callable[[Bench], Followed], tuple[str, ...]], ...] = (
    (stating_scale, ("scale.sigma_relative",)),
    (checking_the_unit, ("scale.custom_sigmas",)),
    (stating_up, ("gravity.tilt_sigma_deg",)),
    (comparing_the_stated_up, ("gravity.residual_deg",)),
    (restating_the_scale, ("truth.cameras.scale_error", "truth.cameras.scale_error_sigmas")),
    (more_photos, ("photo_depth.guessed",)),
    (more_routes, ("navigation.routes", "navigation.route_coverage")),
    (a_robot_that_fits, ("navigation.reachable_footprints", "navigation.reachable_share")),
    (more_probes, ("navigation.probes", "navigation.probe_gap")),
    (found_again_in_the_solid, ("witness.ghost", "witness.ghost_patch")),
    (filmed_again_at_rest, ("witness.phantom", "witness.phantom_patch")),
    (built_again, ("witness.offset",)),
    (floor_filmed_again, ("witness.floor_bare",)),
    (hole_filmed_from_above, ("witness.floor_false",)),
    (more_hulls_for_gaps, ("collision.coverage", "collision.largest_gap")),
    (more_hulls_for_air, ("collision.free_volume_blocked", "collision.hulls_in_air")),
    (nearer_frames("input"), ("depth.input.median", "depth.input.mean", "depth.input.p90", "depth.input.completeness")),
    (
        nearer_frames("held_out"),
        ("depth.held_out.median", "depth.held_out.mean", "depth.held_out.p90", "depth.held_out.completeness"),
    ),
    (surer_cameras, ("depth.estimated.median", "depth.estimated.p90", "depth.estimated.completeness")),
    (nearer_to_the_photos, ("generated.black_frames", "generated.made_up")),
    (both_engines, ("physics.engines", "physics.engines_lost")),
    (a_radius_of_a_stock_robot, ("physics.robot_share",)),
    (up_as_it_is, ("witness.footing",)),
    (exported_plainly, ("witness.reading_difference",)),
)
"""What follows an advice, and the figures that are better for it."""


MINUTES = "it takes a build, or two, of minutes: structure from motion, trained splats, or finer voxels"
ENGINES = "it takes engines on two worlds; tests/broken_worlds/test_physics.py has the faults, and that they fail"
ISAAC = "it takes Isaac Sim, which doesn't run here"
BUG = "the advice is to open a bug: the fault is ours, and tests/broken_worlds has it"
TRUTH = "the advice is to look where it differs; the truth itself is somebody's file"
NAMED = (
    "the advice is to look at a place or a rule that is named; the figure is better when the fault is gone, which is no news"
)
EDITED = "the advice is to take the package again; tests/quality/test_published.py shows the sound one beside edited ones"

NOT_SMALL: dict[str, str] = {
    **dict.fromkeys(("poses.registered", "poses.reprojection", "poses.gps_rms", "poses.weakest_scale_points"), MINUTES),
    **dict.fromkeys(("photo_depth.sigma_relative", "depth.estimated.behind_unseen"), MINUTES),
    **dict.fromkeys(("generated.depth_residual", "generated.depth_scale_conflicts", "generated.revisit"), MINUTES),
    **dict.fromkeys(("mesh.seen_share", "mesh.faces", "mesh.cameras_in_solid"), MINUTES),
    **dict.fromkeys(("depth.held_out.behind_unseen", "depth.input.behind_unseen"), MINUTES),
    **dict.fromkeys(
        (f"image.{views}.{part}" for views in ("held_out", "input") for part in ("psnr", "ssim", "covered")), MINUTES
    ),
    **dict.fromkeys(("truth.cameras.ate", "truth.cameras.ate_worst", "truth.cameras.rotation"), MINUTES),
    **dict.fromkeys(("truth.doorways_open", "truth.doorways_sealed"), MINUTES),
    **dict.fromkeys(("collision.doorways_open", "collision.doorways_sealed", "collision.frontier_fenced"), MINUTES),
    **dict.fromkeys(("collision.components_dropped", "collision.coacd_fallbacks", "collision.hulls"), MINUTES),
    **dict.fromkeys(("collision.path_recall", "given.psnr", "agreement.views"), MINUTES),
    **dict.fromkeys((f"agreement.{one}.judged" for one in ("splat", "mesh")), MINUTES),
    **dict.fromkeys((f"agreement.{a}.{b}_off_surface" for a in ("splat", "mesh") for b in ("phantom", "ghost")), MINUTES),
    **dict.fromkeys(("navigation.floor_error", "navigation.doorways_missed"), MINUTES),
    **dict.fromkeys(("mesh.watertight", "mesh.manifold", "mesh.signed_volume"), BUG),
    **dict.fromkeys(("collision.max_vertices", "collision.max_faces"), BUG),
    **dict.fromkeys(("physics.*.penetration", "physics.*.tunnelled_floor"), BUG),
    **dict.fromkeys(("truth.accuracy", "truth.completeness", "truth.f_score_5cm"), TRUTH),
    **dict.fromkeys((f"truth.map.{part}" for part in ("free_precision", "occupied_recall", "navigable_iou")), TRUTH),
    **dict.fromkeys(("navigation.map_physics_disagreement", "physics.agreement"), ENGINES),
    **dict.fromkeys((f"physics.*.{part}" for part in ("probes_fell", "probes_settled", "on_floor", "tunnelled_wall")), ENGINES),
    **dict.fromkeys((f"physics.*.{part}" for part in ("routes_driven", "length_error", "cross_track", "upright")), ENGINES),
    **dict.fromkeys((name for name in ADVICE if name.startswith("isaac.")), ISAAC),
    **dict.fromkeys((f"package.map_{part}" for part in ("blocked", "bare", "without_floor")), EDITED),
    **dict.fromkeys(("package.files_changed", "package.colliders_unread"), EDITED),
    **dict.fromkeys(("usd.errors", "usd.warnings"), NAMED),
}
"""Figures whose advice isn't followed here, and why."""
MOST_NOT_SMALL = 84
"""Whoever adds a figure follows its advice above; this number only goes down."""


def test_every_judged_figure_is_followed_or_excused_by_name() -> None:
    followed = [name for _, names in HELPED for name in names]
    assert len(followed) == len(set(followed)) and not set(followed) & set(NOT_SMALL)
    assert set(followed) | set(NOT_SMALL) == set(ADVICE)
    assert len(NOT_SMALL) <= MOST_NOT_SMALL


@pytest.mark.parametrize(("follow", "names"), HELPED, ids=lambda value: value[0] if isinstance(value, tuple) else None)
def test_who_follows_it_gets_a_better_figure(
    follow: Callable[[Bench], Followed], names: tuple[str, ...], good: GoodWorld, tmp_path: Path
) -> None:
    before, after = follow(Bench(good=good, folder=tmp_path))
    for name in names:
        bad, better = before[name], after[name]
        assert bad.verdict in ("warn", "fail") and bad.advice == ADVICE[name], bad
        assert bad.value is not None and better.value is not None
        sign = 1 if limit_of(name).better == "higher" else -1
        assert sign * (better.value - bad.value) > 0, (bad, better)
