"""What tells a ball that fell through the floor from one that rolled over an edge: ways made by hand, and both engines."""

from pathlib import Path

import numpy as np
import pytest

from lyra_sim.physics import gate_stage
from lyra_sim.physics.clock import Clock
from lyra_sim.physics.drop import drop_everything
from lyra_sim.physics.engine import Poses
from lyra_sim.physics.gate import run_gate
from lyra_sim.physics.request import DropRequest, ProbeRequest
from lyra_sim.physics.result import ProbeResult
from tests.physics.worlds import Box, navigation, room, write_world

RADIUS, SECONDS = 0.15, 2.5
TICKS = round(SECONDS * 30)


class Played:
    """An engine that plays a recorded way."""

    version, max_dt = "played 1", 1 / 30

    def __init__(self, way: np.ndarray) -> None:
        self.way, self.at = way, 0

    def poses(self) -> Poses:
        return Poses(positions=self.way[self.at][None], quats_wxyz=np.array([[1.0, 0.0, 0.0, 0.0]]))

    def set_wheel_velocities(self, radians_per_second: np.ndarray) -> None:
        raise AssertionError("nothing drives here")

    def step(self, dt: float) -> None:
        self.at += 1

    def close(self) -> None:
        pass


def judged(drifts: np.ndarray, heights: np.ndarray, *, room: float = 0.3, bottom: float = -3.0) -> ProbeResult:
    """``heights`` of its lowest point above the floor it was dropped on."""
    way = np.stack([drifts, np.zeros_like(drifts), heights + RADIUS], axis=1)
    ball = ProbeRequest(
        name="b", body="/b", kind="ball", x=0.0, y=0.0, floor_z=0.0, rest_height=RADIUS, room=room, below_band=0.1
    )
    request = DropRequest(stage="", probes=(ball,), bottom=bottom, seconds=SECONDS)
    (result,) = drop_everything(Clock(Played(way)), request).probes
    return result


def rolled(*, edge: float, drop: float) -> tuple[np.ndarray, np.ndarray]:
    """Along the floor at 0.5 m/s, over an edge, down by ``drop``, and there it lies."""
    t = np.arange(TICKS + 1) / 30
    drifts = np.minimum(0.5 * t, edge + 0.35)
    past = np.maximum(drifts - edge, 0.0)
    heights = np.where(past < RADIUS, np.sqrt(RADIUS**2 - np.minimum(past, RADIUS) ** 2) - RADIUS, -drop)
    return drifts, np.maximum(heights, -drop)


def test_over_an_edge_onto_what_lies_below_is_no_hole() -> None:
    for drop in (0.04, 0.12, 0.4):
        result = judged(*rolled(edge=0.4, drop=drop))
        assert not result.fell and result.over_edge and not result.on_floor and result.penetration == 0.0
        assert result.height_error == pytest.approx(-drop)


def test_over_an_edge_and_out_of_the_world_fell() -> None:
    drifts, heights = rolled(edge=0.4, drop=4.0)
    assert judged(drifts, heights).fell


def test_straight_down_fell_wherever_it_comes_to_rest() -> None:
    t = np.arange(TICKS + 1) / 30
    for rest in (-0.06, -0.12, -2.5):
        result = judged(np.full(len(t), 0.02), np.maximum(0.3 - 4.9 * t**2, rest))
        assert result.fell and not result.on_floor, rest


def test_still_falling_fell() -> None:
    t = np.arange(TICKS + 1) / 30
    drifts, heights = rolled(edge=0.4, drop=0.5)
    heights = np.where(t > 2.0, -0.5 - 2.0 * (t - 2.0), heights)
    assert judged(drifts, heights, bottom=-100.0).fell


def test_below_a_floor_that_the_map_has_on_all_sides_fell() -> None:
    drifts, heights = rolled(edge=0.4, drop=2.5)
    assert not judged(drifts, heights, room=0.4).fell, "the map has an edge there"
    assert judged(drifts, heights, room=1.5).fell, "the map has floor where the ball went down"
    assert not judged(*rolled(edge=0.4, drop=0.12), room=1.5).fell, "lower than the band begins isn't in the map"


def test_what_sank_in_without_moving_is_penetration() -> None:
    result = judged(np.full(TICKS + 1, 0.03), np.full(TICKS + 1, -0.03))
    assert not result.fell and not result.over_edge and result.penetration == pytest.approx(0.03)


def two_levels() -> tuple[dict[str, Box], np.ndarray]:
    """A room whose floor for x > 1 is missing, with a cellar's floor 0.5 m below."""
    boxes = room()
    boxes["floor_000"] = ((-3.3, -3.3, -0.3), (1.0, 3.3, 0.0))
    boxes["floor_001"] = ((1.0, -3.3, -0.8), (3.3, 3.3, -0.5))
    return boxes, np.array([[x, y, 0.0] for x in (-2.0, -1.0) for y in (-2.0, 0.0, 2.0)])


@pytest.mark.parametrize("engine", ["physx", "newton"])
def test_engines_tell_a_ledge_from_a_hole(engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the map ends at the edge, a ball that rolls over it is on a ledge; where the map goes on, the floor has a hole."""
    monkeypatch.setattr(gate_stage, "CELLS_ASKED", 0)
    boxes, sound = two_levels()
    beyond = {**boxes, "beyond": ((1.0, -3.0, 0.0), (3.0, 3.0, 1.0))}
    way = navigation(beyond, probes=[*sound.tolist(), (0.9, 0.5, 0.0)], routes={})
    world = write_world(tmp_path / "world.usda", boxes, tilt_deg=1.5)
    result = run_gate(world, way, engine=engine, out=tmp_path, seed=7, limit_s=240.0)
    ledge = result.probes[-1]
    assert not ledge.fell and ledge.over_edge and ledge.height_error < -0.4, ledge
    assert not any(probe.fell for probe in result.probes)
    hole = navigation(boxes, probes=[*sound.tolist(), (0.9, 0.5, 0.0), (2.0, 0.5, 0.0)], routes={})
    result = run_gate(world, hole, engine=engine, out=tmp_path, seed=7, limit_s=240.0)
    assert [probe.fell for probe in result.probes] == [False] * len(sound) + [True, True]
