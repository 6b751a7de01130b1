"""How much of the floor a robot can use, and how much of that the gate goes to."""

import numpy as np

from lyra_sim.data.navigation import Navigation
from lyra_sim.data.occupancy import UNKNOWN
from lyra_sim.data.report import Metric
from lyra_sim.navigation.convex_raster import TOUCH
from lyra_sim.navigation.reachable import clearance
from lyra_sim.quality.figures.metrics import measured, not_measured


def navigation_metrics(navigation: Navigation) -> list[Metric]:
    """Reachable area, what is dropped on it, and the routes over it."""
    known = int(np.count_nonzero(navigation.occupancy.cells != UNKNOWN))
    lengths = [route.length for route in navigation.routes]
    return [
        measured(
            "navigation.reachable_area",
            navigation.reachable_area,
            n=max(known, 1),
            note=f"radius {navigation.robot_radius:g} m",
        ),
        measured(
            "navigation.reachable_footprints",
            navigation.reachable_area / (np.pi * navigation.robot_radius**2),
            n=max(known, 1),
            note=f"discs of {navigation.robot_radius:g} m",
        ),
        _reachable_share(navigation),
        measured("navigation.probes", len(navigation.probes), n=1),
        _probe_gap(navigation),
        _floor_error(navigation),
        measured(
            "navigation.routes",
            len(lengths),
            n=1,
            note=f"{min(lengths):.1f} to {max(lengths):.1f} m" if lengths else "",
        ),
        measured("navigation.route_length", float(sum(lengths)), n=max(len(lengths), 1), note="all routes together"),
        _route_coverage(navigation),
        *_doorway_metrics(navigation),
    ]


def _reachable_share(navigation: Navigation) -> Metric:
    """Of the free floor where the robot fits, wherever that is."""
    occupancy = navigation.occupancy
    fits = clearance(occupancy.free, occupancy.resolution) >= navigation.robot_radius + TOUCH
    area = int(fits.sum()) * occupancy.resolution**2
    share = navigation.reachable_area / area if area else float("nan")
    return measured("navigation.reachable_share", share, n=int(fits.sum()), note=f"of {area:.3g} m² where the robot fits")


def _probe_gap(navigation: Navigation) -> Metric:
    if navigation.probe_gap is None:
        return not_measured("navigation.probe_gap", "m", "nowhere to drop a probe")
    return measured("navigation.probe_gap", navigation.probe_gap, n=len(navigation.probes))


def _floor_error(navigation: Navigation) -> Metric:
    """The gate expects probes on the hulls' own tops, so how far those lie from the measured floor is a figure of its own."""
    if not len(navigation.probes):
        return not_measured("navigation.floor_error", "m", "nowhere to drop a probe")
    error = float(np.abs(navigation.probes[:, 2] - navigation.floor_height(navigation.probes[:, :2])).max())
    return measured("navigation.floor_error", error, n=len(navigation.probes))


def _route_coverage(navigation: Navigation) -> Metric:
    if navigation.route_coverage is None:
        return not_measured("navigation.route_coverage", "share", "nothing reachable")
    return measured("navigation.route_coverage", navigation.route_coverage, n=max(len(navigation.routes), 1))


def _doorway_metrics(navigation: Navigation) -> list[Metric]:
    doorways = navigation.doorways
    missed = [f"{door.width:.2f} m at {door.x:.2f}, {door.y:.2f}" for door in doorways if not door.routes]
    narrowest = f"narrowest {min(door.width for door in doorways):.2f} m" if doorways else ""
    return [
        measured("navigation.doorways", len(doorways), n=1, note=narrowest),
        measured("navigation.doorways_missed", len(missed), n=max(len(doorways), 1), note="; ".join(missed[:4])),
    ]
