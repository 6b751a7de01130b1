"""Packages that look sound until something falls or drives in them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lyra_sim.data.navigation import Navigation
from lyra_sim.data.report import Metric
from lyra_sim.physics.gate import run_gates
from lyra_sim.quality.physics import gate_metrics
from tests.broken_worlds.good import GoodWorld
from tests.broken_worlds.package_faults import PHYSICS_FAULTS, PhysicsFault

BOTH = ("physx", "newton")


def few(navigation: Navigation) -> Navigation:
    """Every fourth probe and the longest route, which goes through the door: enough to find what is broken."""
    longest = max(navigation.routes, key=lambda route: route.length)
    every = np.arange(0, len(navigation.probes), 4)
    return replace(navigation, probes=navigation.probes[every], probe_room=navigation.probe_room[every], routes=(longest,))


def simulated(package: Path, navigation: Navigation, engines: tuple[str, ...]) -> dict[str, Metric]:
    gates = run_gates(package / "world.usda", navigation, engines=engines, out=package.parent / "gate", seed=7, limit_s=900.0)
    return {metric.name: metric for metric in gate_metrics(gates, robot_radius=navigation.robot_radius)}


def test_a_hole_and_a_sealed_door_are_both_found(flat: GoodWorld, package: Path) -> None:
    """One engine, few bodies: the nightly run has each fault alone, in both."""
    for fault in PHYSICS_FAULTS[:2]:
        fault.edit(package)
    found = simulated(package, few(flat.navigation), ("physx",))
    for fault in PHYSICS_FAULTS[:2]:
        metric = found[fault.metric.replace("*", "physx")]
        assert metric.verdict == "fail" and fault.message in metric.note, metric


@pytest.mark.nightly
def test_the_good_package_holds_and_is_driven(flat: GoodWorld, package: Path) -> None:
    found = simulated(package, flat.navigation, BOTH)
    assert {name: metric.verdict for name, metric in found.items() if metric.verdict == "fail"} == {}
    assert found["physics.engines"].value == 2


@pytest.mark.nightly
@pytest.mark.parametrize("fault", PHYSICS_FAULTS, ids=lambda fault: fault.name)
def test_the_figure_meant_for_the_fault_fails(fault: PhysicsFault, flat: GoodWorld, package: Path) -> None:
    fault.edit(package)
    found = simulated(package, fault.plan(flat.navigation), BOTH)
    for engine in BOTH:
        metric = found[fault.metric.replace("*", engine)]
        assert metric.verdict == "fail" and fault.message in metric.note, metric
