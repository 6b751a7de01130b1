"""Map, reachable space, spawn poses, probes and routes of one world."""

from collections.abc import Sequence

import numpy as np

from lyra_sim.data.colliders import Hull
from lyra_sim.data.grid import FreeSpace
from lyra_sim.data.navigation import Navigation
from lyra_sim.navigation.occupancy import FloorBand, FloorGrid, make_map
from lyra_sim.navigation.reachable import reachable
from lyra_sim.navigation.routes import choose_routes
from lyra_sim.navigation.spawns import floor_probes, spawn_poses
from lyra_sim.spec import AssessConfig, RobotConfig


def build_navigation(
    hulls: Sequence[Hull],
    free_space: FreeSpace,
    camera_centres: np.ndarray,
    *,
    band: FloorBand,
    robot: RobotConfig,
    assess: AssessConfig,
    seed: int,
) -> Navigation:
    """Everything a robot needs to know; empty spawns and routes when it fits nowhere (the gate then says so).

    Args:
        hulls: All hulls, blockers of unseen space included.
        free_space: What was seen to be free.
        camera_centres: World positions [m]; reachable space is where they were.
        band: Main floor and height band.
        robot: Radius and map resolution.
        assess: How many probes and routes, and how long routes must be.
        seed: Of the choices among equals.
    """
    grid = FloorGrid.over(free_space, robot.map_resolution)
    occupancy = make_map(hulls, free_space, grid, band)
    reach, room = reachable(occupancy, robot.radius, camera_centres)
    probes = floor_probes(occupancy, room, count=assess.probes, seed=seed)
    routes = choose_routes(
        occupancy, reach, room, radius=robot.radius, count=assess.routes, min_length=assess.min_route_length, seed=seed
    )
    return Navigation(
        occupancy=occupancy,
        robot_radius=robot.radius,
        reachable_area=round(float(reach.sum()) * robot.map_resolution**2, 4),
        spawns=spawn_poses(occupancy, reach, room),
        probes=np.column_stack([probes, band.height(probes)]),
        routes=routes,
    )
