"""Map, reachable space, spawn poses, probes and routes of one world, and the floor as it is known before any fence stands."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Bool
from scipy import ndimage

from lyra_sim.data.colliders import Hull
from lyra_sim.data.grid import FreeSpace
from lyra_sim.data.navigation import Navigation
from lyra_sim.data.occupancy import OCCUPIED
from lyra_sim.navigation.doorways import find_doorways
from lyra_sim.navigation.occupancy import FloorBand, FloorGrid, floor_tops, make_map
from lyra_sim.navigation.reachable import clearance, reachable
from lyra_sim.navigation.routes import choose_routes, route_coverage
from lyra_sim.navigation.spawns import floor_probes, spawn_poses
from lyra_sim.scene.spec import NavigateConfig, RobotConfig

PROBE_HEADROOM = 0.62
"""Probes need room up to this height above the floor, however low the robot: they start up there [m]. Derived."""


def build_navigation(
    hulls: Sequence[Hull],
    free_space: FreeSpace,
    camera_centres: np.ndarray,
    *,
    band: FloorBand,
    robot: RobotConfig,
    config: NavigateConfig,
    seed: int,
) -> Navigation:
    """Everything a robot needs to know; empty spawns and routes when it fits nowhere (the gate then says so).

    Args:
        hulls: All hulls, blockers of unseen space included.
        free_space: What was seen to be free.
        camera_centres: World positions [m]; reachable space is where they were.
        band: Main floor and height band.
        robot: Radius and map resolution.
        config: How many probes and routes, and how long routes must be.
        seed: Of the choices among equals.
    """
    grid = FloorGrid.over(free_space, robot.map_resolution)
    occupancy = make_map(hulls, free_space, grid, band)
    reach, room = reachable(occupancy, robot.radius, camera_centres)
    tall = replace(band, high=max(band.high, PROBE_HEADROOM))
    open_above = occupancy if tall == band else make_map(hulls, free_space, grid, tall)
    probe_room = room if tall == band else clearance(occupancy.free & open_above.free, occupancy.resolution)
    probes, probe_gap = floor_probes(occupancy, probe_room, count=config.probes, seed=seed)
    doors = find_doorways(reach, room)
    routes = choose_routes(
        occupancy,
        reach,
        room,
        radius=robot.radius,
        count=config.routes,
        min_length=config.min_route_length,
        seed=seed,
        doors=doors,
    )
    return Navigation(
        occupancy=occupancy,
        robot_radius=robot.radius,
        reachable_area=round(float(reach.sum()) * robot.map_resolution**2, 4),
        spawns=spawn_poses(occupancy, reach, room),
        probes=np.column_stack([probes, floor_tops(hulls, probes, band.height(probes))]),
        probe_room=probe_room[tuple(occupancy.indices(probes).T)],
        routes=routes,
        floor=np.array([band.offset, -band.normal[0], -band.normal[1]]) / band.normal[2],
        band=(band.low, band.high),
        doorways=doors.table(routes, occupancy),
        probe_gap=round(probe_gap, 4) if len(probes) else None,
        route_coverage=round(route_coverage(occupancy, reach, routes), 4),
    )


def band_of(floor_normal: np.ndarray, floor_offset: float, robot: RobotConfig) -> FloorBand:
    """The robot's height band over a floor plane."""
    return FloorBand(normal=floor_normal, offset=floor_offset, low=robot.band_low, high=robot.band_high)


def draw_floor_plan(
    hulls: Sequence[Hull], free_space: FreeSpace, camera_centres: np.ndarray, *, band: FloorBand, robot: RobotConfig
) -> tuple[Bool[np.ndarray, "nx ny"], Bool[np.ndarray, "nx ny"], Bool[np.ndarray, "nx ny"], FloorGrid]:
    """Known-free cells, cells blocked by measured hulls, cells a robot's body can get to, and their grid."""
    grid = FloorGrid.over(free_space, robot.map_resolution)
    occupancy = make_map(hulls, free_space, grid, band)
    reach, _ = reachable(occupancy, robot.radius, camera_centres)
    near = np.zeros(grid.shape, bool)
    if reach.any():
        near = ndimage.distance_transform_edt(~reach) * grid.resolution <= robot.radius + 2 * grid.resolution
    return occupancy.free, occupancy.cells == OCCUPIED, near, grid
