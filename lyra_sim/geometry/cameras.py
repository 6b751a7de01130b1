"""Pinhole cameras and the pixel-to-ray arithmetic every other module shares."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Float64

from lyra_sim.errors import FrameError
from lyra_sim.geometry.rigid import Similarity, invert_rigid


@dataclass(frozen=True, kw_only=True)
class CameraPath:
    """Pinhole cameras, one per image; OpenCV axes.

    Raises:
        FrameError: Numbers of poses and intrinsics differ, or a pose isn't rigid, finite and right-handed.
    """

    c2w: Float64[np.ndarray, "n 4 4"]
    """Camera-to-world; translation in the units of its world [m once metric], rotation determinant +1."""
    K: Float64[np.ndarray, "n 3 3"]
    """Intrinsics [px]; the centre of the top-left pixel is (0.5, 0.5)."""
    width: int
    """Image width [px], the same for all."""
    height: int
    """Image height [px]."""

    def __post_init__(self) -> None:
        if len(self.c2w) == 0 or len(self.c2w) != len(self.K):
            raise FrameError("cameras", f"{len(self.c2w)} poses and {len(self.K)} intrinsics", expected="as many, at least 1")
        if not (np.isfinite(self.c2w).all() and np.isfinite(self.K).all()):
            raise FrameError("cameras", "NaN or infinite numbers", expected="finite poses and intrinsics")
        rotations = self.c2w[:, :3, :3]
        off = np.abs(rotations @ np.swapaxes(rotations, 1, 2) - np.eye(3)).max(axis=(1, 2))
        bad = np.flatnonzero((off > 1e-3) | (np.linalg.det(rotations) < 0))
        if len(bad):
            raise FrameError(
                f"camera {bad[0]}",
                f"its rotation is off orthonormal by {off[bad[0]]:.2g}, determinant {np.linalg.det(rotations[bad[0]]):+.2f}",
                expected="a proper rotation",
                likely="A mirrored axis or a scale baked into the matrix does this.",
            )
        if (self.K[:, 0, 0] <= 0).any() or (self.K[:, 1, 1] <= 0).any():
            raise FrameError("cameras", "a focal length ≤ 0", expected="positive focal lengths [px]")

    def __len__(self) -> int:
        return len(self.c2w)

    @property
    def w2c(self) -> Float64[np.ndarray, "n 4 4"]:
        """World-to-camera, derived."""
        return invert_rigid(self.c2w)

    @property
    def centres(self) -> Float64[np.ndarray, "n 3"]:
        """Camera centres in the world."""
        return self.c2w[:, :3, 3]

    def moved(self, new_from_world: Similarity) -> "CameraPath":
        """The same cameras seen from another world frame."""
        return CameraPath(c2w=new_from_world.apply_cameras(self.c2w), K=self.K, width=self.width, height=self.height)

    def select(self, indices: np.ndarray) -> "CameraPath":
        """A subset, in the order given."""
        return CameraPath(c2w=self.c2w[indices], K=self.K[indices], width=self.width, height=self.height)

    def resized(self, width: int, height: int) -> "CameraPath":
        """Intrinsics for images resampled to another size (pixel-edge aligned)."""
        K = self.K.copy()
        K[:, 0] *= width / self.width
        K[:, 1] *= height / self.height
        return CameraPath(c2w=self.c2w, K=K, width=width, height=height)


def level_cameras(
    centres: Float64[np.ndarray, "n 3"], yaw: Float64[np.ndarray, "n"], pitch: Float64[np.ndarray, "n"]
) -> Float64[np.ndarray, "n 4 4"]:
    """OpenCV camera-to-world of cameras whose horizon is level; z is up.

    Args:
        centres: Where they are.
        yaw: Heading, from +x towards +y [rad].
        pitch: Up from the horizon [rad].
    """
    forward = np.stack([np.cos(yaw) * np.cos(pitch), np.sin(yaw) * np.cos(pitch), np.sin(pitch)], axis=1)
    right = np.stack([np.sin(yaw), -np.cos(yaw), np.zeros(len(yaw))], axis=1)
    c2w = np.tile(np.eye(4), (len(centres), 1, 1))
    c2w[:, :3, :3] = np.stack([right, np.cross(forward, right), forward], axis=2)
    c2w[:, :3, 3] = centres
    return c2w


def pixel_rays(K: Float[np.ndarray, "3 3"], width: int, height: int) -> Float32[np.ndarray, "h w 3"]:
    """Camera-frame directions with z = 1 through every pixel centre: ``point = z_depth * ray``."""
    u = (np.arange(width) + 0.5 - K[0, 2]) / K[0, 0]
    v = (np.arange(height) + 0.5 - K[1, 2]) / K[1, 1]
    rays = np.ones((height, width, 3), np.float32)
    rays[..., 0] = u[None, :]
    rays[..., 1] = v[:, None]
    return rays


def unproject(
    z_depth: Float32[np.ndarray, "h w"], K: Float[np.ndarray, "3 3"], c2w: Float[np.ndarray, "4 4"]
) -> Float64[np.ndarray, "h w 3"]:
    """World points of every pixel; NaN where the depth is invalid."""
    height, width = z_depth.shape
    points = pixel_rays(K, width, height).astype(np.float64) * z_depth[..., None]
    return np.asarray(points @ c2w[:3, :3].T + c2w[:3, 3])


def project(
    points: Float[np.ndarray, "n 3"], K: Float[np.ndarray, "3 3"], w2c: Float[np.ndarray, "4 4"]
) -> tuple[Float64[np.ndarray, "n 2"], Float64[np.ndarray, "n"]]:
    """Pixel coordinates and z-depth of world points; pixels are meaningless where z-depth ≤ 0."""
    camera = np.asarray(points, np.float64) @ w2c[:3, :3].T + w2c[:3, 3]
    z = camera[:, 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        uv = camera[:, :2] / z[:, None] * [K[0, 0], K[1, 1]] + [K[0, 2], K[1, 2]]
    return uv, z
