"""How much of the floor a robot can use."""

import numpy as np

from lyra_sim.data.navigation import Navigation
from lyra_sim.data.occupancy import UNKNOWN
from lyra_sim.data.report import Metric
from lyra_sim.quality.metrics import measured


def navigation_metrics(navigation: Navigation) -> list[Metric]:
    """Reachable area, routes and their length."""
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
        measured("navigation.routes", len(lengths), n=1),
        measured("navigation.route_length", float(sum(lengths)), n=max(len(lengths), 1), note="all routes together"),
    ]
