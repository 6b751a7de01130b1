"""Analytic worlds of convex pieces: rooms, doors, levels, ramps, furniture, with exact depth and truth.

Air is a union of convex pieces cut into endless matter; furniture is convex matter standing in it. Rays are clipped against
half-spaces, so depth, occupancy and visibility are exact and no voxel or mesh takes part in the truth.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lyra_sim.geometry.cameras import CameraPath, pixel_rays, project
from tests.meshing.convex_kernels import first_hits

TOUCH = 1e-7
"""Pieces of air that meet are one [ray parameter]."""


@dataclass(frozen=True, kw_only=True)
class Convex:
    """Points with ``normals @ x <= offsets``."""

    normals: np.ndarray
    offsets: np.ndarray

    @classmethod
    def box(cls, low: Sequence[float], high: Sequence[float]) -> "Convex":
        normals = np.concatenate([np.eye(3), -np.eye(3)])
        return cls(normals=normals, offsets=np.concatenate([np.asarray(high, float), -np.asarray(low, float)]))

    @classmethod
    def prism(cls, corners: np.ndarray, low: float, high: float) -> "Convex":
        """A convex polygon (k, 2), counter-clockwise, between two heights."""
        edges = np.roll(corners, -1, axis=0) - corners
        sides = np.stack([edges[:, 1], -edges[:, 0], np.zeros(len(edges))], axis=1)
        sides /= np.linalg.norm(sides, axis=1, keepdims=True)
        offsets = (sides[:, :2] * corners).sum(axis=1)
        return cls(normals=np.concatenate([sides, [[0, 0, 1], [0, 0, -1]]]), offsets=np.concatenate([offsets, [high, -low]]))

    def cut(self, normal: Sequence[float], through: Sequence[float]) -> "Convex":
        """What of it lies on the side of the plane that ``normal`` points away from."""
        unit = np.asarray(normal, float) / np.linalg.norm(normal)
        offsets = np.append(self.offsets, unit @ np.asarray(through, float))
        return Convex(normals=np.concatenate([self.normals, unit[None]]), offsets=offsets)

    def turned(self, yaw: float, about: Sequence[float]) -> "Convex":
        c, s = np.cos(yaw), np.sin(yaw)
        rotation = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])
        normals, pivot = self.normals @ rotation.T, np.asarray(about, float)
        return Convex(normals=normals, offsets=self.offsets - self.normals @ pivot + normals @ pivot)

    def depth(self, points: np.ndarray) -> np.ndarray:
        """Least distance to a face [m]: exact and positive inside, at most the distance and negative outside."""
        return (self.offsets - points @ self.normals.T).min(axis=-1)


@dataclass(frozen=True, kw_only=True)
class AnalyticWorld:
    """Air cut into matter, matter standing in the air, and cameras."""

    air: dict[str, Convex]
    matter: dict[str, Convex]
    cameras: CameraPath
    low: np.ndarray
    high: np.ndarray
    """Box around all air [m]."""

    @cached_property
    def z_depths(self) -> np.ndarray:
        """Exact z-depth through pixel centres [m], float32 (n, h, w)."""
        path = self.cameras
        rays = pixel_rays(path.K[0], path.width, path.height).reshape(-1, 3).astype(np.float64)
        images = [self.first_hit(c2w[:3, 3], rays @ c2w[:3, :3].T) for c2w in path.c2w]
        return np.stack(images).reshape(len(path), path.height, path.width).astype(np.float32)

    def first_hit(self, origin: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """Ray parameter at which rays from air first meet matter."""
        pieces = [*self.air.values(), *self.matter.values()]
        starts = np.cumsum([0] + [len(piece.offsets) for piece in pieces])
        normals = np.concatenate([piece.normals for piece in pieces])
        offsets = np.concatenate([piece.offsets for piece in pieces])
        return first_hits(origin, np.ascontiguousarray(directions), normals, offsets, starts, len(self.air), TOUCH)

    def solid(self, points: np.ndarray) -> np.ndarray:
        """True where points lie in matter."""
        air = np.zeros(points.shape[:-1], bool)
        for piece in self.air.values():
            air |= piece.depth(points) > 0
        for piece in self.matter.values():
            air &= ~(piece.depth(points) >= 0)
        return ~air

    def seen(self, points: np.ndarray) -> np.ndarray:
        """Points in air that lie in some camera's image with nothing before them."""
        seen, path = np.zeros(len(points), bool), self.cameras
        left = np.flatnonzero(~self.solid(points))
        for c2w, w2c, K in zip(path.c2w, path.w2c, path.K, strict=True):
            uv, z = project(points[left], K, w2c)
            ids = left[(z > 0.05) & (uv >= 0).all(1) & (uv < [path.width, path.height]).all(1)]
            seen[ids] = self.first_hit(c2w[:3, 3], points[ids] - c2w[:3, 3]) > 1
            left = left[~seen[left]]
        return seen
