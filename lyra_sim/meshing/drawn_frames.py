"""What generated frames may add to a surface: depth and colour of places that no photo measured."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, UInt8

from lyra_sim.data.video import GeneratedFrames
from lyra_sim.geometry.cameras import CameraPath, unproject
from lyra_sim.meshing.colour import NEUTRAL, vertex_colours

STRAYS = 0.01
"""Share of new points on either side that the extent leaves out. Tuned, unrecorded."""
POINT_STRIDE = 4
"""Every n-th pixel is enough to find the extent. Convention."""


@dataclass(frozen=True, kw_only=True)
class NewSurface:
    """The frames that show anything new, in the metric world."""

    frames: GeneratedFrames
    indices: tuple[int, ...]

    @classmethod
    def of(cls, frames: GeneratedFrames) -> "NewSurface | None":
        """None where no frame shows anything new."""
        chosen = [n for n in frames.adding if np.isfinite(frames.new_z_depth(n)).any()]
        return cls(frames=frames, indices=tuple(chosen)) if chosen else None

    @property
    def cameras(self) -> CameraPath:
        return self.frames.cameras.select(np.array(self.indices))

    def z_depths(self) -> Iterator[Float32[np.ndarray, "h w"]]:
        """[m]; NaN where a photo measured, and where nothing was drawn."""
        return (self.frames.new_z_depth(index) for index in self.indices)

    def extended(
        self, low: Float64[np.ndarray, "3"], high: Float64[np.ndarray, "3"]
    ) -> tuple[Float64[np.ndarray, "3"], Float64[np.ndarray, "3"]]:
        """The corners [m] moved outward to hold what is new."""
        K = self.cameras.K
        points = []
        for n, z in enumerate(self.z_depths()):
            cloud = unproject(z, K[n], self.cameras.c2w[n])[::POINT_STRIDE, ::POINT_STRIDE].reshape(-1, 3)
            points.append(cloud[np.isfinite(cloud).all(axis=1)])
        cloud = np.concatenate(points)
        if len(cloud) == 0:
            return low, high
        nearest, farthest = np.quantile(cloud, [STRAYS, 1 - STRAYS], axis=0)
        return np.minimum(low, nearest), np.maximum(high, farthest)

    def coloured(
        self,
        colours: UInt8[np.ndarray, "v 3"],
        vertices: Float32[np.ndarray, "v 3"],
        normals: Float32[np.ndarray, "v 3"],
        *,
        tolerance: float,
    ) -> UInt8[np.ndarray, "v 3"]:
        """The colours, with those that photos left neutral taken from the frames where these show the vertex."""
        blank = np.flatnonzero((colours == NEUTRAL).all(axis=1))
        cameras, frames = self.cameras, self.frames
        found = vertex_colours(
            vertices[blank],
            normals[blank],
            cameras,
            lambda n: frames.rgb(self.indices[n]),
            lambda n: frames.new_z_depth(self.indices[n]),
            tolerance=tolerance,
        )
        out = colours.copy()
        out[blank] = found
        return out
