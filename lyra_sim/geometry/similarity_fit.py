"""The similarity that takes one set of points to another, in closed form."""

import numpy as np
from jaxtyping import Float

from lyra_sim.errors import GeometryError
from lyra_sim.geometry.rigid import Similarity


def fit_similarity(
    points_b: Float[np.ndarray, "n 3"],
    points_a: Float[np.ndarray, "n 3"],
    *,
    weights: Float[np.ndarray, "n"] | None = None,
) -> Similarity:
    """``a_from_b`` with the least weighted sum of squared distances (Umeyama 1991).

    Args:
        points_b: In frame b.
        points_a: The same points in frame a.
        weights: ≥ 0; all alike when left out.

    Raises:
        GeometryError: The points lie on a line or in one spot, so a rotation isn't determined.
    """
    b, a = np.asarray(points_b, np.float64), np.asarray(points_a, np.float64)
    w = np.ones(len(b)) if weights is None else np.asarray(weights, np.float64)
    w = w / w.sum() if w.sum() > 0 else w
    mean_b, mean_a = w @ b, w @ a
    u, spread, vt = np.linalg.svd((w[:, None] * (a - mean_a)).T @ (b - mean_b))
    variance = float((w[:, None] * (b - mean_b) ** 2).sum())
    if len(b) < 3 or variance == 0 or spread[1] < 1e-9 * spread[0]:
        raise GeometryError("similarity", f"{len(b)} points that lie on a line", expected="at least 3 points that span a plane")
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = u @ np.diag(sign) @ vt
    scale = float((spread * sign).sum() / variance)
    return Similarity(scale=scale, rotation=rotation, translation=mean_a - scale * rotation @ mean_b)
