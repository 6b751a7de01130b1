"""A small furnished flat with everything a finished world has, all of it exact: what every fault is made in."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lyra_sim.data.colliders import LABELS, Colliders, Hull
from lyra_sim.data.mesh import TriMesh
from lyra_sim.data.navigation import Navigation
from lyra_sim.data.solid import Solid
from lyra_sim.data.world import MetricWorld
from lyra_sim.navigation.build import build_navigation
from lyra_sim.navigation.occupancy import FloorBand
from lyra_sim.scene.spec import NavigateConfig, RobotConfig
from tests.boxes import box_mesh
from tests.facts import COLLIDERS
from tests.quality.worlds import room_hulls, room_solid, room_world
from tests.rooms import Room, furnished_room
from tests.usd.worlds import seen_texture

SEAMS = ((1.6, 3.5, 5.4), (1.5,))
"""Where floor tiles meet, along x and y [m]."""
ROBOT = RobotConfig()
BAND = FloorBand(normal=np.array([0.0, 0.0, 1.0]), offset=0.0, low=ROBOT.band_low, high=ROBOT.band_high)
DOOR = ([3.95, 1.4, 0.0], [4.15, 2.3, 2.05])
"""The doorway between the two rooms [m]."""


@dataclass(frozen=True, kw_only=True)
class GoodWorld:
    """What the steps up to collide have made of the flat."""

    room: Room
    world: MetricWorld
    solid: Solid
    colliders: Colliders
    navigation: Navigation

    def write(self, out: Path) -> Path:
        """The package's folder."""
        from lyra_sim.exporters.isaac import export

        texture = seen_texture(self.solid.mesh)
        return export(self.world, self.solid.mesh, self.colliders, self.navigation, name="flat", out=out, texture=texture).world


def good_world(folder: Path) -> GoodWorld:
    room = furnished_room()
    world, solid = room_world(room, folder / "views"), room_solid(room)
    hulls = (*floor_tiles(room), *(hull for hull in room_hulls(room) if hull.label != "floor"))
    navigation = build_navigation(
        hulls,
        solid.free_space,
        world.cameras.centres,
        band=BAND,
        robot=ROBOT,
        config=NavigateConfig(probes=40, routes=4),
        seed=7,
    )
    colliders = Colliders(hulls=hulls, face_labels=face_labels(room, solid.mesh), facts=COLLIDERS)
    return GoodWorld(room=room, world=world, solid=solid, colliders=colliders, navigation=navigation)


def floor_tiles(room: Room) -> list[Hull]:
    """The floor slab in tiles, its outer rim 0.3 m wide."""
    low, high = room.air_low - 0.3, room.air_high + 0.3
    edges = [np.array([low[axis], *seams, high[axis]]) for axis, seams in enumerate(SEAMS)]
    tiles = []
    for i in range(len(edges[0]) - 1):
        for j in range(len(edges[1]) - 1):
            corners = np.array([edges[0][i], edges[1][j], -0.3]), np.array([edges[0][i + 1], edges[1][j + 1], 0.0])
            vertices, faces = box_mesh([corners])
            name = f"floor_{len(tiles):03d}"
            tiles.append(Hull(name=name, label="floor", vertices=vertices, faces=faces, seen=1.0))
    return tiles


def box_hull(name: str, label: str, low: list[float], high: list[float]) -> Hull:
    vertices, faces = box_mesh([(np.array(low), np.array(high))])
    assert label in LABELS
    return Hull(name=name, label=label, vertices=vertices, faces=faces, seen=1.0)  # type: ignore[arg-type]


def face_labels(room: Room, mesh: TriMesh) -> np.ndarray:
    """By where a face lies and which way it looks."""
    corners = mesh.vertices[mesh.faces].astype(np.float64)
    middles, normals = corners.mean(axis=1), np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    labels = np.full(len(mesh.faces), LABELS.index("clutter"), np.uint8)
    shell = np.arange(len(mesh.faces)) < 24
    upright = np.abs(normals[:, 2]) < 1e-9
    labels[shell & upright] = LABELS.index("wall")
    labels[shell & ~upright] = LABELS.index("ceiling")
    labels[shell & ~upright & (middles[:, 2] < 0.01)] = LABELS.index("floor")
    labels[~mesh.face_seen] = LABELS.index("unseen")
    return labels
