"""Everything that is measured about one world, in the order the report lists it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from lyra_sim.capture.cameras.camera_files import CameraTable, read_cameras
from lyra_sim.data.capture import Capture
from lyra_sim.data.colliders import Collision
from lyra_sim.data.occupancy import OccupancyMap
from lyra_sim.data.report import Metric
from lyra_sim.data.solid import Solid
from lyra_sim.data.video import WorldVideo
from lyra_sim.data.world import MetricWorld
from lyra_sim.errors import InputError
from lyra_sim.meshing.room_side import faces_towards_free
from lyra_sim.navigation.occupancy import main_band
from lyra_sim.quality.agreement import POSES, Looks, Shown, agreement_metrics, robot_looks
from lyra_sim.quality.collision import collision_metrics
from lyra_sim.quality.depth import depth_metrics, estimated_depth_metrics, guessed_depth_metrics, judged_views
from lyra_sim.quality.figures.metrics import measured
from lyra_sim.quality.frame import depth_source_metrics, gravity_metrics, pose_metrics, scale_metrics
from lyra_sim.quality.generated import generated_metrics
from lyra_sim.quality.geometry import surface_metrics
from lyra_sim.quality.image import image_metrics
from lyra_sim.quality.navigation import navigation_metrics
from lyra_sim.quality.truth.cameras import TrueCameras, true_camera_metrics
from lyra_sim.quality.truth.doorways import doorway_metrics, measured_doorways
from lyra_sim.quality.truth.maps import map_metrics, navigable_metrics
from lyra_sim.quality.truth.surface import TrueSurface, surface_distances, truth_metrics
from lyra_sim.quality.witness.calling import Called
from lyra_sim.quality.witness.judgement import Judgement, judge, witness_metrics
from lyra_sim.rendering.ray_casting import RayCaster
from lyra_sim.scene.spec import Truth
from lyra_sim.usd.rules.issues import Issue

JUDGED_VIEWS = 12
"""Input views that depth and looks are measured on when none were held out. Convention."""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """The outputs of all earlier steps that figures rest on."""

    capture: Capture
    video: WorldVideo
    world: MetricWorld
    solid: Solid
    collision: Collision
    called: Called
    """Who can testify to it."""
    seed: int = 7
    """Of the places that are looked from."""
    looked_from: int = POSES
    """How many those are."""

    @cached_property
    def looks(self) -> Mapping[Shown, Looks] | None:
        """What a robot sees and would hit; looked at once, for the figures and for the report."""
        return robot_looks(self.collision, self.solid, self.world, seed=self.seed, count=self.looked_from)

    @cached_property
    def judgement(self) -> Judgement | None:
        """The hulls against the witness, for the figures and for the report; None without one."""
        if self.called.witness is None:
            return None
        return judge(self.called.witness, self.collision, self.world.cameras.centres)

    @property
    def estimated(self) -> bool:
        """Depth was computed from photos rather than measured."""
        return self.capture.depth is not None and self.capture.depth.estimated

    @property
    def guessed(self) -> bool:
        """Depth was computed from one photo."""
        return self.capture.depth is not None and self.capture.depth.guessed

    @property
    def with_all_views(self) -> MetricWorld:
        """The same world with every view of the capture, held-out ones too: to measure with, never to build from."""
        return with_all_views(self.capture, self.world)


def with_all_views(capture: Capture, world: MetricWorld) -> MetricWorld:
    """A world with every view of its capture."""
    return replace(world, views=capture.views, cameras=capture.cameras.moved(world.world_from_input))


def geometry_metrics(finished: Finished) -> list[Metric]:
    """Scale, surface, depth, looks, colliders and map: what needs neither a truth nor an engine."""
    world, solid = finished.world, finished.solid
    judged = finished.with_all_views
    views = judged_views(len(judged.cameras), held_out=finished.capture.held_out, at_most=JUDGED_VIEWS)
    caster = RayCaster(solid.mesh.vertices, solid.mesh.faces)
    if finished.guessed:
        depth = guessed_depth_metrics()
    elif finished.estimated:
        depth = estimated_depth_metrics(
            caster, solid.mesh, world, judged_views(len(world.cameras), held_out=(), at_most=JUDGED_VIEWS)
        )
    else:
        depth = depth_metrics(caster, solid.mesh, judged, views)
    collision = finished.collision
    doorways = measured_doorways(collision.colliders.hulls, solid.free_space, main_band(collision.navigation))
    return [
        *scale_metrics(world.scale),
        *gravity_metrics(world.gravity),
        *pose_metrics(finished.capture),
        *depth_source_metrics(finished.capture),
        *generated_metrics(finished.video, finished.capture),
        *surface_metrics(solid.mesh, solid.free_space, world.cameras),
        *depth,
        *image_metrics(judged, views, given=finished.capture.given is not None),
        *collision_metrics(collision.colliders, solid, world.cameras, collision.navigation.floor),
        *doorway_metrics("collision.doorways", doorways),
        *witness_metrics(finished.judgement, why=finished.called.why),
        *(told for told in (finished.called.reading, finished.called.footing) if told is not None),
        *agreement_metrics(finished.looks),
        *navigation_metrics(collision.navigation),
    ]


@dataclass(frozen=True, kw_only=True)
class LoadedTruth:
    """What the scene's ``truth`` section names, in the input's frame; None where it names nothing."""

    surface: TrueSurface | None = None
    collision: TrueSurface | None = None
    occupancy: OccupancyMap | None = None
    cameras: CameraTable | None = None

    @property
    def told(self) -> tuple[str, ...]:
        """What the files hold and was left out; a frame or unit that they guess isn't asked for here."""
        read = [surface for surface in (self.surface, self.collision) if surface is not None]
        return tuple(f"truth: {notes.file}: {left}" for surface in read for notes in surface.notes for left in notes.left_out)


def load_truth(truth: Truth | None) -> LoadedTruth:
    """Read the truth files, apart from measuring: a broken one should stop a build before the long work, not after it.

    Raises:
        InputError: A file is missing or broken.
    """
    if truth is None:
        return LoadedTruth()
    folder = truth.occupancy_map
    if folder is not None and not folder.is_dir():
        raise InputError(str(folder), "no such folder", expected="a folder with map.yaml and its image")
    return LoadedTruth(
        surface=TrueSurface.load(truth.mesh) if truth.mesh else None,
        collision=TrueSurface.load(truth.collision, key="truth.collision") if truth.collision else None,
        occupancy=OccupancyMap.load(folder) if folder is not None else None,
        cameras=None
        if truth.cameras is None
        else read_cameras(truth.cameras, intrinsics=None, axes="auto", pixel_centres="auto"),
    )


def ground_truth_metrics(finished: Finished, truth: LoadedTruth, *, seed: int) -> list[Metric]:
    """Figures against whatever truth there is.

    It is brought to the world by ``world_from_input`` alone, so that errors of scale and pose count. Where photos left no
    input frame to compare in, true cameras bring it by the similarity that fits them, and its scale is a figure of its own.
    """
    world, solid = finished.world, finished.solid
    metrics: list[Metric] = []
    world_from_truth = world.world_from_input
    if truth.cameras is not None:
        every = finished.with_all_views
        known = TrueCameras.matched(truth.cameras, every.views.names, every.cameras, subject="truth.cameras")
        metrics += true_camera_metrics(known, every.cameras, sigma_relative=world.scale.sigma_relative)
        world_from_truth = known.world_from_truth
    if truth.surface is not None:
        surface = truth.surface.moved(world_from_truth)
        judged = solid.mesh.face_seen & faces_towards_free(solid.mesh, solid.free_space)
        distances = surface_distances(solid.mesh, judged, surface, world, seed=seed, estimated=finished.estimated)
        metrics += truth_metrics(*distances)
    if truth.occupancy is not None:
        ours = finished.collision.navigation.occupancy
        metrics += map_metrics(ours, truth.occupancy, world_from_theirs=world_from_truth)
    if truth.collision is not None:
        metrics += navigable_metrics(
            finished.collision,
            solid.free_space,
            truth.collision.moved(world_from_truth),
            path=world.cameras.centres,
        )
    return metrics


def stage_metrics(issues: Sequence[Issue]) -> list[Metric]:
    """Errors and warnings over all tools; the note names the rules that were broken."""
    metrics = []
    for severity, name in (("error", "usd.errors"), ("warning", "usd.warnings")):
        rules = Counter(f"{issue.tool} {issue.rule}" for issue in issues if issue.severity == severity)
        note = ", ".join(f"{rule} × {count}" for rule, count in sorted(rules.items()))
        metrics.append(measured(name, rules.total(), n=1, note=note))
    return metrics
