"""Rigid and similarity transforms as 4x4 matrices; inner frame names cancel: ``world_from_recon @ recon_from_cam``."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64

from lyra_sim.errors import FrameError


def invert_rigid(a_from_b: Float[np.ndarray, "*n 4 4"]) -> Float64[np.ndarray, "*n 4 4"]:
    """Inverse of rigid transforms by transposition (exact for orthonormal rotations)."""
    matrix = np.asarray(a_from_b, np.float64)
    b_from_a = np.zeros_like(matrix)
    rotation_t = np.swapaxes(matrix[..., :3, :3], -1, -2)
    b_from_a[..., :3, :3] = rotation_t
    b_from_a[..., :3, 3] = -(rotation_t @ matrix[..., :3, 3:])[..., 0]
    b_from_a[..., 3, 3] = 1.0
    return b_from_a


def transform_points(a_from_b: Float[np.ndarray, "4 4"], points_b: Float[np.ndarray, "*n 3"]) -> Float64[np.ndarray, "*n 3"]:
    """Points of frame b expressed in frame a; also correct for similarity matrices."""
    return np.asarray(points_b, np.float64) @ a_from_b[:3, :3].T + a_from_b[:3, 3]


def nearest_rotation(matrix: Float[np.ndarray, "3 3"]) -> Float64[np.ndarray, "3 3"]:
    """Rotation nearest to ``matrix`` in the Frobenius norm (Kabsch 1976), determinant +1."""
    u, _, vt = np.linalg.svd(np.asarray(matrix, np.float64))
    return u @ np.diag([1.0, 1.0, np.linalg.det(u @ vt)]) @ vt


def rotation_between(a: Float[np.ndarray, "3"], b: Float[np.ndarray, "3"]) -> Float64[np.ndarray, "3 3"]:
    """The smallest rotation that takes direction ``a`` to direction ``b`` (Rodrigues)."""
    a = np.asarray(a, np.float64) / np.linalg.norm(a)
    b = np.asarray(b, np.float64) / np.linalg.norm(b)
    v, c = np.cross(a, b), float(a @ b)
    if c < -1 + 1e-12:  # opposite: half a turn about any axis across a
        axis = np.cross(a, np.eye(3)[np.argmin(np.abs(a))])
        axis /= np.linalg.norm(axis)
        return 2 * np.outer(axis, axis) - np.eye(3)
    skew = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
    return np.eye(3) + skew + skew @ skew / (1 + c)


@dataclass(frozen=True, kw_only=True)
class Similarity:
    """``x_a = scale * rotation @ x_b + translation``.

    Raises:
        FrameError: The scale isn't positive, or the rotation isn't one.
    """

    scale: float
    """Length in frame a of one unit of frame b, > 0."""
    rotation: Float64[np.ndarray, "3 3"]
    """Orthonormal, determinant +1."""
    translation: Float64[np.ndarray, "3"]
    """In units of frame a."""

    def __post_init__(self) -> None:
        error = np.abs(self.rotation @ self.rotation.T - np.eye(3)).max()
        if not np.isfinite(self.scale) or self.scale <= 0 or error > 1e-6 or np.linalg.det(self.rotation) < 0:
            raise FrameError(
                "similarity",
                f"scale {self.scale:g}, rotation off orthonormal by {error:.2g}, "
                f"determinant {np.linalg.det(self.rotation):+.3f}",
                expected="scale > 0 and a proper rotation",
            )

    @classmethod
    def identity(cls) -> "Similarity":
        return cls(scale=1.0, rotation=np.eye(3), translation=np.zeros(3))

    @classmethod
    def from_matrix(cls, a_from_b: Float[np.ndarray, "4 4"]) -> "Similarity":
        linear = np.asarray(a_from_b, np.float64)[:3, :3]
        scale = float(np.cbrt(np.linalg.det(linear)))
        return cls(scale=scale, rotation=linear / scale, translation=np.asarray(a_from_b[:3, 3], np.float64).copy())

    @property
    def matrix(self) -> Float64[np.ndarray, "4 4"]:
        matrix = np.eye(4)
        matrix[:3, :3] = self.scale * self.rotation
        matrix[:3, 3] = self.translation
        return matrix

    @property
    def inverse(self) -> "Similarity":
        rotation = self.rotation.T
        return Similarity(scale=1 / self.scale, rotation=rotation, translation=-(rotation @ self.translation) / self.scale)

    def __matmul__(self, other: "Similarity") -> "Similarity":
        return Similarity(
            scale=self.scale * other.scale,
            rotation=self.rotation @ other.rotation,
            translation=self.apply(other.translation),
        )

    def apply(self, points: Float[np.ndarray, "*n 3"]) -> Float64[np.ndarray, "*n 3"]:
        return self.scale * (np.asarray(points, np.float64) @ self.rotation.T) + self.translation

    def apply_cameras(self, c2w: Float[np.ndarray, "n 4 4"]) -> Float64[np.ndarray, "n 4 4"]:
        """Move cameras: positions scale, rotations stay rigid."""
        moved = np.tile(np.eye(4), (len(c2w), 1, 1))
        moved[:, :3, :3] = self.rotation @ c2w[:, :3, :3]
        moved[:, :3, 3] = self.apply(c2w[:, :3, 3])
        return moved
