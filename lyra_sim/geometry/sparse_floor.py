"""The floor among triangulated feature points, which have no normals and hardly lie on bare floors."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy.spatial import cKDTree

from lyra_sim.geometry.rigid import rotation_between

REACH = 8.0
"""Points further than this from every camera don't count [camera heights]: they are triangulated badly. Tuned, unrecorded."""
BAND = 0.04
"""Half thickness of the layer that supports the floor [camera heights]. Tuned, unrecorded."""
LEAST_BAND = 0.01
"""The layer is never thinner than this on either side [camera heights]. Tuned, unrecorded."""
TRIES = 600
"""Planes through three points that are compared. Convention."""
MOST_POINTS = 6000
"""Points the planes are compared on. Convention."""
MIN_SUPPORT = 12
"""Fewer points are no floor. Tuned, unrecorded."""


@dataclass(frozen=True, kw_only=True)
class SparseFloor:
    """A plane ``normal . x = height`` below the cameras."""

    normal: Float64[np.ndarray, "3"]
    """Unit, up."""
    height: float
    """In the points' units."""
    tilt_sigma_deg: float
    """One-sigma error of the normal."""
    support: int
    rms: float
    """Residual of the support [frame units]."""


def find_sparse_floor(
    points: Float64[np.ndarray, "p 3"],
    cameras: Float64[np.ndarray, "m 3"],
    *,
    up: Float64[np.ndarray, "3"],
    up_sigma_deg: float,
    seed: int = 0,
) -> SparseFloor | None:
    """The plane across ``up`` that many points lie in and few below; None where there is none.

    Lengths are measured in camera heights over the plane in question, so the frame's unit doesn't matter. Nothing lies
    below a floor: a table has as many points in its plane but the floor's, and what stands on it, beneath.

    Args:
        points: Triangulated points.
        cameras: Camera centres in the same frame.
        up: Up direction as far as known.
        up_sigma_deg: Its one-sigma error; the floor may tilt by three of them, and by 3° at least.
        seed: Of the triples that are tried.
    """
    turn = rotation_between(up / np.linalg.norm(up), np.array([0.0, 0.0, 1.0]))
    local, eyes = points @ turn.T, cameras @ turn.T
    near = _near_below(local, eyes)
    if len(near) < MIN_SUPPORT:
        return None
    rng = np.random.default_rng(seed)
    compared = near if len(near) <= MOST_POINTS else near[rng.choice(len(near), MOST_POINTS, replace=False)]
    steepest = np.tan(np.radians(np.clip(3 * up_sigma_deg, 3.0, 20.0)))
    planes = _planes(near, rng, steepest)
    best, best_score = None, 0.0
    for slope_x, slope_y, offset in planes:
        over = compared[:, 2] - slope_x * compared[:, 0] - slope_y * compared[:, 1] - offset
        heights = eyes[:, 2] - slope_x * eyes[:, 0] - slope_y * eyes[:, 1] - offset
        eye = float(np.median(heights))
        if eye <= 0 or np.mean(heights > 0.2 * eye) < 0.9:
            continue
        band = BAND * eye
        score = float((np.abs(over) < band).sum()) - 0.5 * float((over < -2 * band).sum())
        if score > best_score:
            best, best_score = (slope_x, slope_y, offset), score
    if best is None:
        return None
    return _refined(near, eyes, np.array(best), np.tan(np.radians(max(up_sigma_deg, 0.1))), turn)


def _near_below(local: np.ndarray, eyes: np.ndarray) -> np.ndarray:
    """Points under the cameras' median height and within reach of one, by a first guess of the camera height."""
    level = float(np.median(eyes[:, 2]))
    below = local[local[:, 2] < level]
    if len(below) < MIN_SUPPORT:
        return below
    distance = cKDTree(eyes).query(below)[0]
    guess = level - float(np.quantile(below[distance <= 3 * np.median(distance), 2], 0.02))
    return below[distance < REACH * guess]


def _planes(near: np.ndarray, rng: np.random.Generator, steepest: float) -> np.ndarray:
    """Slopes and offset of planes through triples, no steeper than allowed, and of level planes through single points."""
    triples = near[rng.integers(0, len(near), (TRIES, 3))]
    a, b, c = triples[:, 0], triples[:, 1], triples[:, 2]
    normal = np.cross(b - a, c - a)
    standing = np.abs(normal[:, 2]) > 1e-12
    normal, a = normal[standing], a[standing]
    slopes = -normal[:, :2] / normal[:, 2:]
    slopes, a = slopes[np.hypot(*slopes.T) <= steepest], a[np.hypot(*slopes.T) <= steepest]
    tilted = np.c_[slopes, a[:, 2] - (slopes * a[:, :2]).sum(axis=1)]
    level = np.c_[np.zeros((200, 2)), np.quantile(near[:, 2], np.linspace(0, 1, 200))]
    return np.concatenate([level, tilted])


def _refined(near: np.ndarray, eyes: np.ndarray, plane: np.ndarray, tilt_sigma: float, turn: np.ndarray) -> SparseFloor | None:
    """Least squares over the plane's support, held to ``up`` as firmly as that is known."""
    middle = np.append(np.median(eyes[:, :2], axis=0), 0.0)
    x, camera = near - middle, eyes - middle
    plane = np.array([plane[0], plane[1], plane[2] + plane[:2] @ middle[:2]])
    support, rms, information = np.zeros(len(x), bool), 0.0, np.eye(3)
    reach = BAND
    for lap in range(12):
        over = x[:, 2] - x[:, :2] @ plane[:2] - plane[2]
        eye = float(np.median(camera[:, 2] - camera[:, :2] @ plane[:2] - plane[2]))
        if lap >= 4:  # what lies on the floor pulls it up: hold to the layer that is as thin as most of it
            reach = float(np.clip(3 * np.median(np.abs(over[support])) / eye, LEAST_BAND, BAND))
        support = np.abs(over) < reach * eye
        if eye <= 0 or support.sum() < MIN_SUPPORT:
            return None
        rms = max(float(np.sqrt(np.mean(over[support] ** 2))), 1e-4 * eye)
        rows = np.c_[x[support, :2], np.ones(support.sum())]
        information = rows.T @ rows / rms**2 + np.diag([tilt_sigma**-2, tilt_sigma**-2, 0.0])
        plane = np.linalg.solve(information, rows.T @ x[support, 2] / rms**2)
    normal = np.array([-plane[0], -plane[1], 1.0]) / np.sqrt(1 + plane[0] ** 2 + plane[1] ** 2)
    height = float(normal @ (middle + np.array([0.0, 0.0, plane[2]])))
    slope_sigma = float(np.sqrt(np.linalg.inv(information)[:2, :2].trace() / 2))
    return SparseFloor(
        normal=turn.T @ normal,
        height=height,
        tilt_sigma_deg=float(np.degrees(slope_sigma)),
        support=int(support.sum()),
        rms=rms,
    )
