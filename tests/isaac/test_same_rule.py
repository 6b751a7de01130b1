"""The receipt's script carries the gate's rule of what fell by itself: on the same way, both say the same."""

import math

import numpy as np
import pytest

from lyra_sim.physics import drop, result
from lyra_sim.physics.request import ProbeRequest
from lyra_sim.quality.figures.limits import limit_of
from tests.isaac.packages import load_script

script = load_script()
FLOOR_Z, ROOM, BELOW_BAND, BOTTOM = 0.4, 0.6, 0.1, -0.6
TICKS = 76
"""2.5 s at 30 Hz, and the start."""


def both(kind: str, way: np.ndarray) -> tuple[tuple[bool, bool], tuple[bool, bool]]:
    """Of gate and script: fell, and rests on the floor."""
    half = script.SHAPES[kind][0]
    request = ProbeRequest(
        name="p", body="/p", kind=kind, x=1.0, y=2.0, floor_z=FLOOR_Z, rest_height=half, room=ROOM, below_band=BELOW_BAND
    )
    gate = drop._judge_probe(request, way, 0.0, bottom=BOTTOM)
    probe = script.Probe("p", kind, 1.0, 2.0, FLOOR_Z, script.DROP_HEIGHT, ROOM, BELOW_BAND)
    row = script.judge_probe(probe, way, 0.0, bottom=BOTTOM)
    assert row["height_error"] == pytest.approx(gate.height_error, abs=1e-5)
    return (gate.fell, gate.on_floor), (row["fell"], not row["fell"] and abs(row["height_error"]) <= script.ON_FLOOR)


def way(kind: str, *, aside: float, lower: float, aside_at: int, lower_at: int, still: bool = True) -> np.ndarray:
    """A body that goes aside and comes to lie lower, each within five records; or falls still at the end."""
    t = np.arange(TICKS)
    drift = aside * np.clip((t - aside_at) / 5, 0, 1)
    depth = lower * np.clip((t - lower_at) / 5, 0, 1)
    depth = depth if still else depth + 0.1 * np.clip(t - (TICKS - 5), 0, None)
    return np.column_stack([1 + 0.6 * drift, 2 + 0.8 * drift, FLOOR_Z + script.SHAPES[kind][0] - depth])


@pytest.mark.parametrize(
    ("told", "fell", "on_floor"),
    [
        ({"aside": 0.0, "lower": 0.0}, False, True),
        ({"aside": 0.5, "lower": 0.015}, False, True),
        ({"aside": 0.5, "lower": 0.04}, False, False),
        ({"aside": 0.0, "lower": 0.3}, True, False),  # straight through
        ({"aside": 0.9, "lower": 0.12, "lower_at": 50}, False, False),  # over an edge onto a step
        ({"aside": 0.9, "lower": 0.5, "lower_at": 50}, False, False),  # down beside the map's floor
        ({"aside": 0.4, "lower": 0.3, "lower_at": 50}, True, False),  # where the map has floor on all sides
        ({"aside": 0.9, "lower": 1.2, "lower_at": 50}, True, False),  # out of the world
        ({"aside": 0.9, "lower": 0.2, "lower_at": 50, "still": False}, True, False),  # it falls still
    ],
)
@pytest.mark.parametrize("kind", ["ball", "small_ball", "box"])
def test_a_trace_means_the_same_to_both(kind: str, told: dict, fell: bool, on_floor: bool) -> None:
    gate, receipt = both(kind, way(kind, **{"aside_at": 10, "lower_at": 10, **told}))
    assert gate == receipt == (fell, on_floor)


def test_any_trace_means_the_same_to_both() -> None:
    rng = np.random.default_rng(11)
    counts = {True: 0, False: 0}
    for _ in range(3000):
        kind = ("ball", "small_ball", "box")[rng.integers(3)]
        made = way(
            kind,
            aside=float(rng.uniform(0, 1.2)),
            lower=float(rng.choice([rng.uniform(-0.05, 0.15), rng.uniform(0, 1.4)])),
            aside_at=int(rng.integers(5, 60)),
            lower_at=int(rng.integers(5, 60)),
            still=bool(rng.random() < 0.8),
        )
        gate, receipt = both(kind, made + rng.normal(0, 0.003, made.shape))
        assert gate == receipt
        counts[gate[0]] += 1
    assert min(counts.values()) > 300, "both outcomes were asked about"


def test_the_numbers_are_the_gates() -> None:
    assert (script.FALL_DEPTH, script.FALL_SLOPE, script.ON_FLOOR) == (result.FALL_DEPTH, result.FALL_SLOPE, result.ON_FLOOR)
    assert (script.FALLING, script.ROUND_AN_EDGE) == (drop.FALLING, drop.ROUND_AN_EDGE)
    assert (script.CONTROL_HZ, limit_of("isaac.on_floor").good) == (drop.CONTROL_HZ, script.LEAST_ON_FLOOR)
    assert math.isclose(script.SETTLE_S, 2.5) and len(way("ball", aside=0, lower=0, aside_at=5, lower_at=5)) == TICKS


def test_a_world_whose_probes_rest_on_ledges_fails_by_the_script_too() -> None:
    """A ball of two hundred may; two of a hundred may not."""
    package = script.Package(
        folder=None, manifest_sha256="", damaged=(), probes=(), routes=(), robot=None, c2w=None, K=None, size=(1, 1),
        z_depth=None, rgb=None,
    )  # fmt: skip

    def told(ledges: int, of: int) -> str:
        rows = [{"fell": False, "height_error": 0.06 if index < ledges else 0.0} for index in range(of)]
        items = {"probes": {"rows": rows}, "routes": {"rows": [{"arrived": True}]}}
        items |= {"depth": {"rows": [{"compared": 1, "off_by_5cm": 0}]}, "rgb": {"rows": [{}]}}
        return script.verdict(package, items)

    assert (told(0, 200), told(1, 200), told(2, 100), told(1, 50)) == ("pass", "pass", "fail", "fail")
