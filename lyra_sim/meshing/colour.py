"""Vertex colours from the photos that see them, and which faces were measured at all."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float32, Int32, UInt8

from lyra_sim.data.grid import FREE, FreeSpace
from lyra_sim.geometry.cameras import CameraPath, project

NEUTRAL = 110
"""Grey of what no photo saw. Convention."""
_BARYCENTRIC = np.array([[1, 1, 1], [4, 1, 1], [1, 4, 1], [1, 1, 4]]) / np.array([[3], [6], [6], [6]])
"""Points of a triangle that are looked at: its middle, and one towards each corner. Derived."""


def face_seen(
    vertices: Float32[np.ndarray, "v 3"],
    faces: Int32[np.ndarray, "f 3"],
    grid: FreeSpace,
    measured: Bool[np.ndarray, "nx ny nz"],
) -> Bool[np.ndarray, "f"]:
    """True where a measured surface lies in or under a face and the air before it is free, at three of four points of the face.

    Both sides are probed half a voxel and a whole voxel away, because thinning moves a face by up to half a voxel. A
    ceiling seen at a flat angle only leaves no measured matter behind it; its face then lies in the last voxel of air, so
    that this one is asked too: where it is within a voxel of a measured surface, that surface is the face's.
    The free side tells the inner face of a wall from the outer skin of its shell.

    Args:
        vertices: Of the surface [m].
        faces: Of the surface.
        grid: What is free.
        measured: Voxels of measured matter, and of air within a voxel of it.
    """
    corners = vertices[faces].astype(np.float64)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-20)
    under = replace(grid, states=measured.view(np.uint8))
    votes = np.zeros(len(faces), np.int64)
    for weights in _BARYCENTRIC:
        points = np.einsum("k,fki->fi", weights, corners)
        matter, free = np.zeros(len(faces), bool), np.zeros(len(faces), bool)
        for depth in (0.0, 0.5, 1.0):
            matter |= under.sample(points - depth * grid.voxel_size * normals) > 0
        for depth in (0.5, 1.0):
            free |= grid.sample(points + depth * grid.voxel_size * normals) == FREE
        votes += matter & free
    return votes >= 3


def vertex_colours(
    vertices: Float32[np.ndarray, "v 3"],
    normals: Float32[np.ndarray, "v 3"],
    cameras: CameraPath,
    rgb: Callable[[int], UInt8[np.ndarray, "h w 3"]],
    z_depth: Callable[[int], Float32[np.ndarray, "h w"]],
    *,
    tolerance: float,
) -> UInt8[np.ndarray, "v 3"]:
    """Weighted mean of the photos in which a vertex is visible, nearest and most frontal first.

    A vertex is visible where the measured depth agrees with its own within ``tolerance`` [m].

    Args:
        vertices: [m].
        normals: Unit, out of the solid.
        cameras: In the metric world.
        rgb, z_depth: Photo and metric depth by camera index.
        tolerance: [m].
    """
    total, weights, w2c = np.zeros((len(vertices), 3)), np.zeros(len(vertices)), cameras.w2c
    for index in range(len(cameras)):
        uv, z = project(vertices, cameras.K[index], w2c[index])
        inside = np.flatnonzero((z > 0) & (uv >= 0).all(axis=1) & (uv[:, 0] < cameras.width) & (uv[:, 1] < cameras.height))
        pixel = uv[inside].astype(int)
        there = z_depth(index)[pixel[:, 1], pixel[:, 0]]
        seen = np.abs(there - z[inside]) < tolerance
        rows, pixel = inside[seen], pixel[seen]
        towards = cameras.centres[index] - vertices[rows]
        distance = np.linalg.norm(towards, axis=1)
        facing = np.clip((towards * normals[rows]).sum(axis=1) / np.maximum(distance, 1e-6), 0.0, 1.0)
        weight = (facing / np.maximum(distance, 0.2)) ** 4 + 1e-9
        total[rows] += rgb(index)[pixel[:, 1], pixel[:, 0]] * weight[:, None]
        weights[rows] += weight
    colours = np.full((len(vertices), 3), NEUTRAL, np.uint8)
    known = weights > 0
    colours[known] = np.clip(total[known] / weights[known, None] + 0.5, 0, 255).astype(np.uint8)
    return colours


def vertex_normals(vertices: Float32[np.ndarray, "v 3"], faces: Int32[np.ndarray, "f 3"]) -> Float32[np.ndarray, "v 3"]:
    """Area-weighted mean of the faces around each vertex, unit length."""
    corners = vertices[faces].astype(np.float64)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    summed = np.stack(
        [np.bincount(faces.ravel(), np.repeat(normals[:, axis], 3), minlength=len(vertices)) for axis in range(3)], axis=1
    )
    return (summed / np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-20)).astype(np.float32)
