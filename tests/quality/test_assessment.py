"""All figures of one analytic world together: every name defined, truth brought over by world_from_input."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lyra_sim.data.capture import Capture, DepthFacts
from lyra_sim.data.colliders import Colliders, Collision
from lyra_sim.data.depth import PosedDepth
from lyra_sim.data.navigation import Navigation, Route
from lyra_sim.data.occupancy import FREE_CELL, OCCUPIED, OccupancyMap
from lyra_sim.data.stage import StageBundle
from lyra_sim.data.video import WorldVideo
from lyra_sim.errors import InputError
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.quality.assessment import (
    Finished,
    LoadedTruth,
    geometry_metrics,
    ground_truth_metrics,
    load_truth,
    with_all_views,
)
from lyra_sim.quality.figures.limits import limit_of
from lyra_sim.quality.witness.calling import call_witness
from lyra_sim.scene.sources import RgbdSource
from lyra_sim.scene.spec import SceneSpec, Truth
from lyra_sim.steps.assess import assess
from tests.facts import COLLIDERS
from tests.quality.worlds import room_hulls, room_solid, room_surface, room_world
from tests.rooms import Room


@pytest.fixture
def finished(tiny_room: Room, tmp_path: Path) -> Finished:
    """The room as a capture in centimetres, two views of it held out."""
    world = room_world(tiny_room, tmp_path / "views", metres_per_unit=0.01)
    capture = Capture(
        views=world.views,
        cameras=world.cameras.moved(world.world_from_input.inverse),
        world_from_capture=Similarity.identity(),
        scale=world.scale,
        held_out=(4, 20),
        frame_agreement=1.0,
        up_source="declared z",
        depth=DepthFacts(kind="measured", sigma_relative=0.0, figures={"measured": 1.0}),
    )
    world = replace(
        world, views=world.views.select(capture.used), cameras=world.cameras.select(np.array(capture.used))
    )  # geometry only ever gets the used views
    cells = np.full((140, 80), FREE_CELL, np.uint8)
    cells[80:83, :28] = cells[80:83, 46:] = OCCUPIED
    navigation = Navigation(
        occupancy=OccupancyMap(cells=cells, origin=np.zeros(2), resolution=0.05),
        robot_radius=0.25,
        reachable_area=20.0,
        spawns=np.array([[1.0, 1.0, 0.0]]),
        probes=np.tile([2.0, 2.0, 0.0], (200, 1)),
        probe_room=np.full(200, 1.975),
        routes=tuple(Route(name=f"route_{k}", waypoints=np.array([[1.0, 1.0], [6.0, 2.0]])) for k in range(20)),
        probe_gap=0.5,
        route_coverage=1.0,
    )
    solid = room_solid(tiny_room)
    labels = np.zeros(len(solid.mesh.faces), np.uint8)
    colliders = Colliders(hulls=room_hulls(tiny_room), face_labels=labels, facts=COLLIDERS)
    collision = Collision(colliders=colliders, navigation=navigation)
    source = RgbdSource(frames=Path("rgb"), depth=Path("depth"), cameras=Path("transforms.json"))
    return Finished(
        capture=capture,
        video=WorldVideo(frames=None, facts=None),
        world=world,
        solid=solid,
        collision=collision,
        called=call_witness(source, capture, with_all_views(capture, world), reach=8.0, seed=7),
    )


def test_an_exact_world_passes_everything_that_is_geometry(finished: Finished) -> None:
    metrics = geometry_metrics(finished)
    assert len({metric.name for metric in metrics}) == len(metrics)
    assert all(metric.unit == limit_of(metric.name).unit for metric in metrics)
    sparse = ("image.", "agreement.splat.")  # these splats are one in four pixels of some views: there are gaps to look through
    judged = {metric.name: metric.verdict for metric in metrics if not metric.name.startswith(sparse)}
    assert {name for name, verdict in judged.items() if verdict != "pass"} == set()
    assert "depth.held_out.median" in judged and "depth.input.median" not in judged


def test_truth_in_input_units_is_brought_to_metres(finished: Finished, tiny_room: Room, tmp_path: Path) -> None:
    import trimesh

    mesh = room_surface(tiny_room)
    trimesh.Trimesh(mesh.vertices * 100.0, mesh.faces, process=False).export(tmp_path / "truth.ply")
    ours = finished.collision.navigation.occupancy
    OccupancyMap(cells=ours.cells, origin=ours.origin * 100, resolution=ours.resolution * 100).save(tmp_path / "map")
    truth = Truth(mesh=(tmp_path / "truth.ply",), occupancy_map=tmp_path / "map")
    metrics = {metric.name: metric for metric in ground_truth_metrics(finished, load_truth(truth), seed=7)}
    assert metrics["truth.f_score_2cm"].value == 1.0
    assert metrics["truth.map.free_precision"].value == metrics["truth.map.occupied_recall"].value == 1.0


def test_no_truth_says_nothing_and_a_missing_one_is_an_error(finished: Finished, tmp_path: Path) -> None:
    assert ground_truth_metrics(finished, load_truth(Truth()), seed=7) == []
    assert load_truth(None) == load_truth(Truth()) == LoadedTruth()
    with pytest.raises(InputError, match="no such folder"):
        load_truth(Truth(occupancy_map=tmp_path / "nowhere"))


def test_broken_truth_stops_the_step_before_any_engine_starts(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*arguments: object, **options: object) -> None:
        raise AssertionError("physics was started")

    monkeypatch.setattr("lyra_sim.physics.gate.run_gates", never)
    (tmp_path / "truth.glb").write_bytes(b"glTF but not really")
    cfg = SceneSpec.model_validate(
        {
            "name": "room",
            "rgbd": {"frames": "rgb", "depth": "depth", "cameras": "t.json"},
            "truth": {"mesh": [tmp_path / "truth.glb"]},
        }
    )
    inputs = {
        "author": StageBundle(folder=tmp_path),
        "depth": PosedDepth.of(finished.capture),
        "generate": finished.video,
        "align": finished.world,
        "mesh": finished.solid,
        "collide": finished.collision,
    }
    with pytest.raises(InputError, match=r"truth\.glb: truth\.mesh: header"):
        assess.run(cfg, inputs, out=tmp_path)
