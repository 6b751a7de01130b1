"""Worlds that once built without a word and drove well: finished, past every doubt of capture, the gates alone stop them.

Hulls, map, routes and engines have nothing to say against any of them, so all those figures are taken for passed here: what
doesn't pass, doesn't for the second reading of what was given.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh

from lyra_sim.capture.survey.dense_samples import surface_samples
from lyra_sim.capture.survey.standing_room import EYE, cell_for, find_standing
from lyra_sim.data.colliders import Collision
from lyra_sim.data.report import PROOF, Metric, Report
from lyra_sim.data.world import MetricWorld
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.navigation.build import build_navigation
from lyra_sim.quality.witness.calling import Called, call_witness
from lyra_sim.quality.witness.given_surface import SecondReading, Surface, given_witness, reading_metric
from lyra_sim.quality.witness.judgement import judge, witness_metrics
from lyra_sim.rendering.ray_casting import RayCaster
from lyra_sim.scene.sources import SurfaceSource
from lyra_sim.scene.spec import NavigateConfig
from tests.broken_worlds.good import BAND, ROBOT, GoodWorld, good_world
from tests.capture.generated_scenes import KINDS, Place
from tests.quality.worlds import capture_of, room_surface

TURNED = np.diag([1.0, -1.0, -1.0])
"""Upside down."""


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> GoodWorld:
    return good_world(tmp_path_factory.mktemp("good"))


def proven(*others: Metric | None) -> Report:
    """Everything passes that hulls, map, routes and engines can say; with the figures given in place of it."""
    told = {metric.name: metric for metric in others if metric is not None}
    rest = [Metric(name=name, value=1, unit="1", n=1, verdict="pass", subject="driving") for name in PROOF if name not in told]
    return Report(scene="a", metrics=(*rest, *told.values()))


def surveyed(mesh: trimesh.Trimesh, world: MetricWorld, folder: Path, *, at: np.ndarray | None = None) -> Report:
    """The verdict on a world built of a mesh, its floor where the survey stood: ``at``, or where it would stand."""
    mesh.export(folder / "given.ply")
    vertices, faces = np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int32)
    if at is None:
        samples = surface_samples(vertices, faces, cell_for(vertices, subject="a") / 2)
        at = find_standing(samples, RayCaster(vertices, faces), start=None, subject="a").places
    floor = Similarity(scale=1.0, rotation=np.eye(3), translation=np.array([0.0, 0.0, -float(np.median(at[:, 2]))]))
    c2w = np.tile(np.eye(4), (len(at), 1, 1))
    c2w[:, :3, 3] = floor.apply(at) + np.array([0.0, 0.0, EYE])
    cameras = CameraPath(c2w=c2w, K=np.tile(world.cameras.K[:1], (len(at), 1, 1)), width=160, height=120)
    built = replace(world, cameras=cameras, world_from_input=floor)
    called: Called = call_witness(SurfaceSource(files=(folder / "given.ply",)), capture_of(world), built, reach=20.0, seed=7)
    assert called.witness is not None and called.reading is not None and called.reading.verdict == "pass"
    return proven(called.reading, called.footing)


def told(report: Report) -> str:
    assert [metric.name for metric in report.metrics if metric.verdict != "pass"] == ["witness.footing"]
    return report["witness.footing"].note


@pytest.mark.parametrize("kind", ["room", "open_room", "flat"])
def test_the_same_places_as_they_are_pass(kind: str, good: GoodWorld, tmp_path: Path) -> None:
    assert surveyed(KINDS[kind](4), good.world, tmp_path).fit_for_driving == "pass"


def test_a_house_built_on_its_ceiling(good: GoodWorld, tmp_path: Path) -> None:
    mesh = KINDS["flat"](4)
    mesh.vertices = mesh.vertices @ TURNED.T
    report = surveyed(mesh, good.world, tmp_path)
    assert report.fit_for_driving == "fail" and "-z would give" in told(report)


def test_a_survey_standing_on_the_roof(good: GoodWorld, tmp_path: Path) -> None:
    mesh = KINDS["room"](4)
    low, high = mesh.bounds
    x, y = np.meshgrid(np.linspace(low[0] + 0.5, high[0] - 0.5, 6), np.linspace(low[1] + 0.5, high[1] - 0.5, 5))
    roof = np.stack([x.ravel(), y.ravel(), np.full(x.size, high[2])], axis=1)
    report = surveyed(mesh, good.world, tmp_path, at=roof)
    assert report.fit_for_driving == "fail" and "on a roof" in told(report)


def test_a_bed_that_became_the_floor(good: GoodWorld, tmp_path: Path) -> None:
    """A room plan, exported without its floor: a bed is the largest level surface there is."""
    place = Place(1)
    place.walls((0, 0, 0), (5, 4), top=2.5, doors=("e",))
    place.box((0.1, 0.1, 0.0), (2.1, 1.8, 0.5))
    report = surveyed(place.mesh(), good.world, tmp_path)
    assert report.fit_for_driving == "fail" and "the floor is missing" in told(report)


def test_a_hall_that_lost_its_shelves(good: GoodWorld) -> None:
    """Our reader, hulls and map lost two cabinets alike; the second reader didn't."""
    mesh = room_surface(good.room)
    whole = Surface(vertices=mesh.vertices.astype(np.float64), faces=mesh.faces)
    hulls = tuple(hull for hull in good.colliders.hulls if hull.name not in ("clutter_010", "clutter_011"))
    lost = [hull for hull in good.colliders.hulls if hull not in hulls]
    corners = whole.vertices[whole.faces]
    inside = [((corners >= h.vertices.min(0) - 1e-3) & (corners <= h.vertices.max(0) + 1e-3)).all(axis=(1, 2)) for h in lost]
    emptied = replace(whole, faces=whole.faces[~np.any(inside, axis=0)])
    assert len(emptied.faces) == len(whole.faces) - 24
    for other, verdict in ((emptied, "pass"), (whole, "fail")):
        reading = SecondReading(own=emptied, other=other, why="")
        navigation = build_navigation(
            hulls,
            good.solid.free_space,
            good.world.cameras.centres,
            band=BAND,
            robot=ROBOT,
            config=NavigateConfig(probes=10, routes=1),
            seed=7,
        )
        collision = Collision(colliders=replace(good.colliders, hulls=hulls), navigation=navigation)
        witness = given_witness(reading, good.world.cameras.centres, reach=20.0, seed=7)
        figures = witness_metrics(judge(witness, collision, good.world.cameras.centres))
        assert proven(*figures).fit_for_driving == verdict
        assert proven(reading_metric(reading)).fit_for_driving == verdict
