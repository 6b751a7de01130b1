"""Builds with one fault each: the figure that is meant for the fault fails, and the good world passes it."""

import numpy as np
import pytest

from lyra_sim.alignment.usual_rooms import customs, weigh_customs
from lyra_sim.data.report import Metric
from lyra_sim.data.scale import ScaleEvidence, combine
from lyra_sim.geometry.up_evidence import combine_up, up_piece
from lyra_sim.quality.agreement import agreement_metrics, look_around
from lyra_sim.quality.collision import collision_metrics
from lyra_sim.quality.frame import gravity_metrics, scale_metrics
from lyra_sim.quality.geometry import surface_metrics
from lyra_sim.quality.truth.doorways import doorway_metrics, measured_doorways
from lyra_sim.quality.viewpoints import robot_viewpoints
from tests.broken_worlds.build_faults import BUILD_FAULTS, FLOOR_OFF_THE_WALLS, TWICE_AS_LARGE, BuildFault
from tests.broken_worlds.good import BAND, GoodWorld

VIEWS = 60
"""Of a robot all over the flat; the report takes many more."""


def figures(world: GoodWorld, metric: str) -> dict[str, Metric]:
    """Those of the same part of the report as ``metric``."""
    hulls, solid = world.colliders.hulls, world.solid
    if metric.startswith("mesh."):
        found = surface_metrics(solid.mesh, solid.free_space, world.world.cameras)
    elif metric.startswith("agreement."):
        centres = world.world.cameras.centres
        cameras = robot_viewpoints(world.navigation, solid.free_space, centres, count=VIEWS, seed=7)
        assert cameras is not None
        found = agreement_metrics(look_around(cameras, hulls, solid, world.world.splats))
    elif "doorways" in metric:
        found = doorway_metrics("collision.doorways", measured_doorways(hulls, solid.free_space, BAND))
    else:
        found = collision_metrics(world.colliders, solid, world.world.cameras, np.zeros(3))
    return {one.name: one for one in found}


@pytest.mark.parametrize("fault", BUILD_FAULTS, ids=lambda fault: fault.name)
def test_the_figure_meant_for_the_fault_fails(fault: BuildFault, flat: GoodWorld) -> None:
    sound, broken = (figures(world, fault.metric)[fault.metric] for world in (flat, fault.change(flat)))
    assert sound.verdict == "pass", sound
    assert broken.verdict == fault.verdict and fault.message in broken.note, broken


def test_a_world_twice_as_large_is_doubted(flat: GoodWorld) -> None:
    """A flat with ceilings of 4.8 m, filmed from 2.4 m; half as large is as odd."""
    height = float(np.median(flat.world.cameras.centres[:, 2]))
    found = customs(ceiling_height=float(flat.room.air_high[2]), camera_height=height)
    doubts = []
    for factor in (1.0, 2.0, 0.5):
        stated = ScaleEvidence(metres_per_unit=factor, sigma_relative=0.01, source="declared metric")
        scale = weigh_customs(combine([stated], subject="scale"), found)
        doubts.append(next(metric for metric in scale_metrics(scale) if metric.name == TWICE_AS_LARGE.metric))
    assert [doubt.verdict for doubt in doubts] == ["pass", "warn", "warn"]
    assert TWICE_AS_LARGE.message in doubts[1].note


def test_a_floor_three_degrees_off_the_walls_is_named(flat: GoodWorld) -> None:
    tilt = np.radians(3)
    floor, up = np.array([np.sin(tilt), 0, np.cos(tilt)]), np.array([0, 0, 1.0])
    gravity = combine_up([up_piece(floor, 0.3, "floor plane"), up_piece(up, 0.6, "plumb walls")], subject="up")
    residual = next(metric for metric in gravity_metrics(gravity) if metric.name == FLOOR_OFF_THE_WALLS.metric)
    assert residual.value == pytest.approx(3.0, abs=1e-6) and residual.verdict == "warn"
    assert FLOOR_OFF_THE_WALLS.message in residual.note
    assert all(metric.verdict == "pass" for metric in gravity_metrics(flat.world.gravity))


def test_the_good_build_has_no_failing_figure(flat: GoodWorld) -> None:
    found = [*figures(flat, "mesh.").values(), *figures(flat, "collision.").values()]
    assert {metric.name: metric.verdict for metric in found if metric.verdict == "fail"} == {}
