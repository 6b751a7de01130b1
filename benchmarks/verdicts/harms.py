"""Harm that is done to what a build is told of its cameras, and to worlds that are finished."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from jaxtyping import Float64
from scipy import ndimage
from scipy.optimize import linprog
from scipy.spatial import HalfspaceIntersection, QhullError, cKDTree
from scipy.spatial.transform import Rotation

from benchmarks.verdicts.building import Built
from lyra_sim.collision.convex.pieces import convex_hull
from lyra_sim.data.colliders import Hull
from lyra_sim.data.grid import FREE, SOLID, FreeSpace
from lyra_sim.data.mesh import TriMesh
from lyra_sim.data.splats import Splats
from lyra_sim.errors import GeometryError
from lyra_sim.geometry.rigid import Similarity

MOST_CORNERS = 34
"""Of a hull that was grown: the harm is its size, not what engines make of too many faces. Derived: 2V - 4 of them."""
LEAST_M = 0.002
"""A hull that shrinks to less than this half way through is gone [m]. Convention."""


def drifting(degrees: float, share: float) -> Callable[[Float64[np.ndarray, "n 4 4"]], Float64[np.ndarray, "n 4 4"]]:
    """Odometry that turns by so many degrees a metre, and counts every metre too long by a share."""

    def stated(c2w: Float64[np.ndarray, "n 4 4"]) -> Float64[np.ndarray, "n 4 4"]:
        steps = np.diff(c2w[:, :3, 3], axis=0)
        walked = np.concatenate([[0.0], np.cumsum(np.linalg.norm(steps, axis=1))])
        turns = Rotation.from_euler("z", np.radians(degrees) * walked[:, None]).as_matrix()
        out = c2w.copy()
        out[:, :3, :3] = turns @ c2w[:, :3, :3]
        moved = (1 + share) * np.einsum("nij,nj->ni", turns[:-1], steps)
        out[1:, :3, 3] = c2w[0, :3, 3] + np.cumsum(moved, axis=0)
        return out

    return stated


def in_frame(input_from_place: Similarity) -> Callable[[Float64[np.ndarray, "n 4 4"]], Float64[np.ndarray, "n 4 4"]]:
    """Cameras stated in another frame."""
    return input_from_place.apply_cameras


def tilted(degrees: float) -> Similarity:
    """A frame whose z is said to be up and isn't."""
    turn = Rotation.from_euler("x", degrees, degrees=True).as_matrix()
    return Similarity(scale=1.0, rotation=turn, translation=np.zeros(3))


def scaled(by: float) -> Similarity:
    """A frame whose metre is too short by a factor."""
    return Similarity(scale=by, rotation=np.eye(3), translation=np.zeros(3))


def hulls_grown(hulls: tuple[Hull, ...], by: float) -> tuple[Hull, ...]:
    """All hulls but floors and ceilings, wider on every side by so much [m]; narrower where it is negative."""
    kept = [hull if hull.label in ("floor", "ceiling") else _grown(hull, by) for hull in hulls]
    return tuple(hull for hull in kept if hull is not None)


def all_grown(built: Built, by: float) -> Built:
    """Hulls, mesh, splats and free space of a finished world, all wider by so much, and the map drawn again."""
    solid = replace(built.solid, mesh=_mesh_grown(built.solid.mesh, by), free_space=space_grown(built.solid.free_space, by))
    splats = _splats_grown(built.world.splats, by, built.world.cameras.centres)
    world = replace(built.world, splats=splats)
    return replace(built, solid=solid, world=world).with_hulls(hulls_grown(built.collision.colliders.hulls, by))


def space_grown(space: FreeSpace, by: float) -> FreeSpace:
    """Voxels whose middle matter that is so much wider takes in, level by level, and gives up where it is negative."""
    states, size = space.states.copy(), space.voxel_size
    for level in range(states.shape[2]):
        here = states[:, :, level]
        if by > 0 and (here == SOLID).any():
            near = ndimage.distance_transform_edt(here != SOLID) * size - size / 2 < by
            here[near & (here == FREE)] = SOLID
        elif by < 0 and (here == FREE).any():
            near = ndimage.distance_transform_edt(here != FREE) * size - size / 2 < -by
            here[near & (here == SOLID)] = FREE
    return FreeSpace(states=states, origin=space.origin, voxel_size=size)


def _grown(hull: Hull, by: float) -> Hull | None:
    """None where nothing is left. Every bounding plane moves as far as its horizontal part says."""
    planes = np.unique(np.round(hull.planes(), 6), axis=0)
    planes[:, 3] -= by * np.linalg.norm(planes[:, :2], axis=1)
    inner = linprog(
        [0, 0, 0, -1],
        A_ub=np.c_[planes[:, :3], np.ones(len(planes))],
        b_ub=-planes[:, 3],
        bounds=[(None, None)] * 3 + [(0, None)],
    )
    if inner.status != 0 or inner.x[3] < LEAST_M:
        return None
    try:
        corners = HalfspaceIntersection(planes, inner.x[:3]).intersections
        vertices, faces = convex_hull(np.unique(np.round(corners, 5), axis=0), max_vertices=MOST_CORNERS)
    except (QhullError, GeometryError):
        return None
    return replace(hull, vertices=vertices, faces=faces)


def _mesh_grown(mesh: TriMesh, by: float) -> TriMesh:
    normals = np.zeros((len(mesh.vertices), 3))
    weighted = mesh.face_normals().astype(np.float64) * mesh.face_areas()[:, None]
    for corner in range(3):
        np.add.at(normals, mesh.faces[:, corner], weighted)
    level = normals[:, :2] / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    vertices = mesh.vertices.copy()
    vertices[:, :2] += (by * level).astype(np.float32)
    return replace(mesh, vertices=vertices)


def _splats_grown(splats: Splats, by: float, cameras: Float64[np.ndarray, "c 3"]) -> Splats:
    """Splats lie flat on the surface; they move towards where they were seen from."""
    axes = Rotation.from_quat(splats.quats_wxyz[:, [1, 2, 3, 0]]).as_matrix()
    normals = axes[np.arange(len(splats)), :, np.argmin(splats.log_scales, axis=1)]
    means = splats.means.astype(np.float64)
    _, nearest = cKDTree(cameras).query(means)
    normals *= np.sign(np.einsum("ni,ni->n", normals, cameras[nearest] - means))[:, None]
    means[:, :2] += by * normals[:, :2]
    return replace(splats, means=means.astype(np.float32))
