"""Thin matter seen from both sides at 3 cm voxels: it stays, and it doesn't grow by the depth of the truncation band."""

from dataclasses import dataclass

import numpy as np
import pytest

from lyra_sim.data.grid import FREE, SOLID, UNSEEN, FreeSpace
from lyra_sim.meshing.carve import Carved, carve
from lyra_sim.meshing.surface import closed_surface
from lyra_sim.rendering.ray_casting import RayCaster
from tests.facts import CARVED
from tests.meshing.random_rooms import noisy
from tests.meshing.random_worlds import AnalyticWorld, Convex
from tests.rooms import camera_path, look

VOXEL = 0.03
LOW, HIGH = np.zeros(3), np.array([3.0, 2.4, 2.2])


def posts(edge: float) -> dict[str, Convex]:
    return {f"post_{x}_{y}": Convex.box([x, y, -0.05], [x + edge, y + edge, 0.8]) for x in (1.1, 1.5, 1.9) for y in (0.95, 1.4)}


@dataclass(frozen=True, kw_only=True)
class Thin:
    pieces: dict[str, Convex]
    kept: float
    """Least share of the thing that has to be matter."""
    grown: float
    """Most matter within 6 cm of it, as a multiple of its volume."""


THINGS = {
    "table top, 2 cm": Thin(pieces={"top": Convex.box([1.0, 0.9, 0.73], [2.0, 1.5, 0.75])}, kept=0.95, grown=2.75),
    "table top, 4 cm": Thin(pieces={"top": Convex.box([1.0, 0.9, 0.71], [2.0, 1.5, 0.75])}, kept=0.9, grown=1.35),
    "legs, 3 cm": Thin(pieces=posts(0.03), kept=0.5, grown=1.3),
    "legs, 5 cm": Thin(pieces=posts(0.05), kept=0.8, grown=1.3),
    "door leaf, 4 cm": Thin(
        pieces={"leaf": Convex.box([1.4, 0.6, -0.05], [1.44, 1.5, 1.9]).turned(0.3, [1.4, 0.6, 0])}, kept=0.85, grown=1.8
    ),
}


def world_with(pieces: dict[str, Convex]) -> AnalyticWorld:
    """A room with the thing in its middle and 48 views around it, from above and from below a table."""
    middle, poses, rng = np.array([1.5, 1.2, 0.6]), [], np.random.default_rng(0)
    for n in range(48):
        angle = 2 * np.pi * n / 48
        centre = np.array([1.5 + 1.25 * np.cos(angle), 1.2 + 0.95 * np.sin(angle), (1.3, 1.2, 0.4)[n % 3]])
        ahead = middle - centre
        yaw, pitch = np.arctan2(ahead[1], ahead[0]), np.arctan2(ahead[2], np.hypot(ahead[0], ahead[1]))
        poses.append(look(centre, yaw + rng.uniform(-0.4, 0.4), pitch + rng.uniform(-0.1, 0.1)))
    cameras = camera_path(poses, width=200, height=150, focal=144.0)
    return AnalyticWorld(air={"room": Convex.box(LOW, HIGH)}, matter=pieces, cameras=cameras, low=LOW, high=HIGH)


@pytest.mark.parametrize("noise", ["none", "kinect"])
@pytest.mark.parametrize("name", sorted(THINGS))
def test_it_is_kept_and_stays_thin(name: str, noise: str) -> None:
    thing = THINGS[name]
    world = world_with(thing.pieces)
    depths = noisy(world.z_depths, noise, 0)
    carved = carve(iter(depths), world.cameras, low=LOW - 0.1, high=HIGH + 0.1, voxel_size=VOXEL, min_depth=0.1)
    vertices, faces, _ = closed_surface(carved, target_faces=60_000)
    points = np.random.default_rng(1).uniform([0.9, 0.5, 0.02], [2.2, 1.7, 2.0], (150_000, 3))
    depth = np.max([piece.depth(points) for piece in thing.pieces.values()], axis=0)
    points, depth = points[depth > -0.06], depth[depth > -0.06]
    matter = in_matter(vertices, faces, points)
    assert matter[depth > 0].mean() > thing.kept
    assert matter.sum() < thing.grown * (depth > 0).sum()


def in_matter(vertices: np.ndarray, faces: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Whether the first face above a point is met from behind."""
    hits = RayCaster(vertices, faces).cast(points, np.tile([1e-4, 2e-4, 1.0], (len(points), 1)))
    corners = vertices[faces[np.maximum(hits.face, 0)]].astype(np.float64)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return hits.hit & (normals[:, 2] > 0)


def test_a_wall_seen_from_one_side_has_its_two_voxels() -> None:
    """Where nobody looks from behind, votes from far behind are heard: matter is as thick as it was taken to be."""
    world = world_with({"wall": Convex.box([1.4, -0.1, -0.1], [2.9, 2.5, 2.3])})
    front = world.cameras.select(np.flatnonzero(world.cameras.centres[:, 0] < 1.2))
    world = AnalyticWorld(air=world.air, matter=world.matter, cameras=front, low=LOW, high=HIGH)
    box = {"low": LOW - 0.1, "high": HIGH + 0.1, "voxel_size": VOXEL, "min_depth": 0.1}
    grid = carve(iter(world.z_depths), front, **box).free_space
    lines = np.array([[1.4 + depth, y, z] for depth in (0.5 * VOXEL, 1.4 * VOXEL) for y in (1.0, 1.3) for z in (0.6, 1.0)])
    assert (grid.sample(lines) == SOLID).all()
    assert (grid.sample(lines + np.array([0.1, 0, 0])) == UNSEEN).all()


def test_air_beside_a_leg_is_no_further_from_it_than_a_voxel() -> None:
    """A leg of one voxel 1 cm deep between air that rays passed 9 cm from anything: the surface stays 1 cm from its middle."""
    distance = np.full((5, 5, 5), 0.09, np.float32)
    distance[2, 2, :] = -0.01
    states = np.where(distance > 0, FREE, SOLID).astype(np.uint8)
    grid = FreeSpace(states=states, origin=np.zeros(3), voxel_size=VOXEL)
    carved = Carved(free_space=grid, distance=distance, measured=distance <= 0, facts=CARVED)
    vertices, _, _ = closed_surface(carved, target_faces=10_000)
    near = np.abs(vertices[:, :2] - 2.5 * VOXEL).max(axis=1) < VOXEL
    near &= np.abs(vertices[:, 2] - 2.5 * VOXEL) < VOXEL
    np.testing.assert_allclose(np.abs(vertices[near, :2] - 2.5 * VOXEL).max(axis=1), 0.01, atol=1e-4)
