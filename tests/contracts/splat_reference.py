"""Splat rasterisation the slow way, in float64: the truth both backends are held to."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation

PARAMETERS = ("means", "quats_wxyz", "scales", "opacities", "colors")


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Activated splats before one camera."""

    means: np.ndarray
    quats_wxyz: np.ndarray
    scales: np.ndarray
    opacities: np.ndarray
    colors: np.ndarray
    w2c: np.ndarray
    K: np.ndarray
    width: int
    height: int
    near: float = 0.05

    def nudged(self, name: str, index: tuple[int, ...], by: float) -> "Scene":
        """The same scene with one number moved."""
        values = getattr(self, name).copy()
        values[index] += by
        return replace(self, **{name: values})


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The image, and which splats counted on which pixels."""

    colors: np.ndarray
    z_depth: np.ndarray
    alpha: np.ndarray
    counted: np.ndarray
    """(n, h, w): 0 where a splat was left out, 1 where it counted, 2 where its alpha was held at the most allowed."""


def random_scene(count: int, seed: int, *, channels: int = 3, largest: float = 0.3, spread: float = 1.0) -> Scene:
    """Splats in a box before a turned and moved camera, some off the image at full spread; quaternions of any length."""
    rng = np.random.default_rng(seed)
    rotation = Rotation.from_rotvec([0.4, -0.7, 0.2]).as_matrix()
    camera = rng.uniform([-1.6, -1.2, 1.0], [1.6, 1.2, 3.0], (count, 3)) * [spread, spread, 1.0]
    w2c = np.eye(4)
    w2c[:3, :3], w2c[:3, 3] = rotation, [0.3, -0.2, 0.5]
    scene = Scene(
        means=(camera - w2c[:3, 3]) @ rotation,
        quats_wxyz=rng.normal(size=(count, 4)) * rng.uniform(0.5, 2, (count, 1)),
        scales=rng.uniform(0.02, largest, (count, 3)),
        opacities=rng.uniform(0.1, 0.97, count),
        colors=rng.uniform(0, 1, (count, channels)),
        w2c=w2c,
        K=np.array([[50.0, 0, 29.3], [0, 52.0, 24.1], [0, 0, 1]]),
        width=61,
        height=47,
    )
    rounded = {name: getattr(scene, name).astype(np.float32).astype(np.float64) for name in PARAMETERS}
    return replace(scene, **rounded)


def render(scene: Scene, counted: np.ndarray | None = None) -> Reference:
    """Kerbl et al. 2023 over black, pixel by pixel; ``counted`` of an earlier call freezes what counts where."""
    camera = scene.means @ scene.w2c[:3, :3].T + scene.w2c[:3, 3]
    v, u = np.mgrid[: scene.height, : scene.width] + 0.5
    features = np.column_stack([scene.colors, camera[:, 2]])
    image, transmittance = np.zeros((*u.shape, features.shape[1])), np.ones(u.shape)
    found = np.zeros((len(camera), *u.shape), np.uint8)
    for g in np.argsort(camera[:, 2], kind="stable"):
        if camera[g, 2] <= scene.near:
            continue
        centre, covariance = project(scene, g)
        dx, dy, inverse = u - centre[0], v - centre[1], np.linalg.inv(covariance)
        distance2 = inverse[0, 0] * dx * dx + 2 * inverse[0, 1] * dx * dy + inverse[1, 1] * dy * dy
        alpha = scene.opacities[g] * np.exp(-0.5 * distance2)
        if counted is None:
            found[g] = ((alpha >= 1 / 255) & (transmittance >= 1e-4)) * (1 + (alpha > 0.99))
        else:
            found[g] = counted[g]
        alpha = np.where(found[g] == 1, alpha, 0.99 * (found[g] == 2))
        image += np.multiply.outer(alpha * transmittance, features[g])
        transmittance *= 1 - alpha
    return Reference(colors=image[..., :-1], z_depth=image[..., -1], alpha=1 - transmittance, counted=found)


def project(scene: Scene, g: int) -> tuple[np.ndarray, np.ndarray]:
    """Centre [px] and 2D covariance [px^2] of one splat: R S S R^T under the Jacobian of the projection."""
    (fx, _, cx), (_, fy, cy), _ = scene.K
    x, y, z = scene.w2c[:3, :3] @ scene.means[g] + scene.w2c[:3, 3]
    rotation = scene.w2c[:3, :3] @ Rotation.from_quat(scene.quats_wxyz[g], scalar_first=True).as_matrix()
    covariance = rotation @ np.diag(scene.scales[g] ** 2) @ rotation.T
    margin_x, margin_y = 0.15 * scene.width, 0.15 * scene.height
    slope_x = np.clip(x / z, (-margin_x - cx) / fx, (scene.width + margin_x - cx) / fx)
    slope_y = np.clip(y / z, (-margin_y - cy) / fy, (scene.height + margin_y - cy) / fy)
    jacobian = np.array([[fx, 0, -fx * slope_x], [0, fy, -fy * slope_y]]) / z
    return np.array([fx * x / z + cx, fy * y / z + cy]), jacobian @ covariance @ jacobian.T + 0.3 * np.eye(2)
