"""How firmly two groups of photos hang together: what the points that both saw say about it from either side alone."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float64, Int32, Int64

from lyra_sim.data.posed import PosedPhotos

LEAST_NOISE_PX = 0.5
"""Sightings aren't believed to be better than this, whatever bundle adjustment reports [px]. Tuned on the photo sets."""
TAIL = 1.8
"""Mean error of real sightings over their median; a larger ratio is a model's fault, not noise. Tuned on the photo sets."""
CARRIES = 0.3
"""A point carries the scale when either side alone knows its distance from the joint this well, as a fraction.
Tuned on the photo sets."""
OWN_POINTS = 8
"""A group that triangulates this many points by itself has a scale of its own. Tuned on the photo sets."""
_SYMMETRIC = ([0, 0, 0, 1, 1, 2], [0, 1, 2, 1, 2, 2])
"""Rows and columns of the upper triangle of a symmetric 3x3 matrix. Derived."""


@dataclass(frozen=True, kw_only=True)
class Joint:
    """Two groups of photos and what holds them together."""

    shared: int
    """Points that both groups saw."""
    carrying: int
    """Shared points whose distance either group knows by itself."""
    log_scale: float
    """Median log ratio of those distances, first group over second; 0 when the scale hangs together; NaN without any."""
    log_scale_sigma: float
    """1-sigma of ``log_scale`` from the spread and the noise of sightings; infinite without any."""
    stiffness_sigma: float
    """1-sigma of the relative scale of the two groups as rigid bodies, the strongest three points left out; inf: free;
    NaN: not asked."""
    strain: float
    """Median over the points both groups triangulate of how much worse one common place fits than one for each, in
    variances of a sighting; about 1 in right models, NaN without such points."""
    strained_points: int
    """Points behind ``strain``."""


UNTIED = Joint(
    shared=0,
    carrying=0,
    log_scale=float("nan"),
    log_scale_sigma=float("inf"),
    stiffness_sigma=float("inf"),
    strain=float("nan"),
    strained_points=0,
)
"""Two groups without a common point."""


@dataclass(frozen=True, kw_only=True)
class SightLines:
    """Every sighting as a constraint on its point: information [1/unit²] and gradient, linear about the point."""

    posed: PosedPhotos
    points: Float64[np.ndarray, "p 3"]
    """Points that were seen at all."""
    starts: Int64[np.ndarray, "p"]
    """First sighting of every point."""
    views: Int64[np.ndarray, "o"]
    """View of every sighting."""
    terms: Float64[np.ndarray, "o 9"]
    """Upper triangle of the information, then the gradient."""

    @classmethod
    def of(cls, posed: PosedPhotos) -> "SightLines":
        """Of a model. A photo that saw a point twice (features of several orientations) counts once, with the mean."""
        sparse = posed.sparse
        of_point, by = sparse.point_index, sparse.view_index
        along = np.concatenate([sparse.xy, np.ones((len(by), 1))], axis=1)
        along = np.einsum("oij,oj->oi", posed.c2w[by, :3, :3], along)
        along /= np.linalg.norm(along, axis=1, keepdims=True)
        offset = sparse.points[of_point] - posed.centres[by]
        depth = (offset * along).sum(axis=1)
        across = np.eye(3) - along[:, :, None] * along[:, None, :]
        gradient = offset - depth[:, None] * along
        off = np.linalg.norm(gradient, axis=1) / np.maximum(np.abs(depth), 1e-300)
        weight = 1 / (np.maximum(np.abs(depth), 1e-300) * _noise(posed, off, by)[by]) ** 2
        terms = np.concatenate([across[:, *_SYMMETRIC], gradient], axis=1) * weight[:, None]
        order = np.lexsort((by, of_point))
        of_point, views = of_point[order], by[order].astype(np.int64)
        once = np.flatnonzero((np.diff(of_point, prepend=-1) > 0) | (np.diff(views, prepend=-1) != 0))
        if len(once):
            times = np.diff(once, append=len(order))
            terms = np.add.reduceat(terms[order], once, axis=0) / times[:, None]
        of_point, views = of_point[once], views[once]
        starts = np.flatnonzero(np.diff(of_point, prepend=-1))
        return cls(posed=posed, points=sparse.points[of_point[starts]], starts=starts, views=views, terms=terms)

    @cached_property
    def rows(self) -> Int64[np.ndarray, "o"]:
        """Row of ``points`` of every sighting."""
        return np.repeat(np.arange(len(self.starts)), np.diff(self.starts, append=len(self.views)))

    def joint(self, side: Bool[np.ndarray, "n"], pivot: Float64[np.ndarray, "3"], near: Bool[np.ndarray, "n"]) -> Joint:
        """What holds the photos of one side and the rest together; stiffness isn't asked where only some photos count.

        Args:
            side: Photos of the second group.
            pivot: Where the two groups meet; distances are measured from it.
            near: Photos that count; far ones carry drift that isn't the joint's.
        """
        second, first = side & near, ~side & near
        mine = near[self.views]
        counts = [np.add.reduceat((group[self.views]).astype(np.int64), self.starts) for group in (first, second)]
        shared = (counts[0] > 0) & (counts[1] > 0)
        if not shared.any():
            return UNTIED
        kept = np.flatnonzero(mine & shared[self.rows])
        starts = np.flatnonzero(np.diff(self.rows[kept], prepend=-1))
        terms, of_second = self.terms[kept], second[self.views[kept]]
        sums = [np.add.reduceat(terms * group[:, None], starts, axis=0) for group in (~of_second, of_second)]
        points = self.points[shared]
        both = (counts[0][shared] >= 2) & (counts[1][shared] >= 2)
        log_ratio, sigma, strain = _compared(points[both], sums[0][both], sums[1][both], pivot)
        carries = sigma < CARRIES
        log_ratio, sigma = log_ratio[carries], sigma[carries]
        if not len(sigma):
            middle, log_sigma = np.nan, np.inf
        else:
            middle = float(np.median(log_ratio))
            spread = 1.48 * float(np.median(np.abs(log_ratio - middle)))
            log_sigma = float(max(1 / np.sqrt((1 / sigma**2).sum()), 1.25 * spread / np.sqrt(len(sigma))))
        return Joint(
            shared=len(points),
            carrying=len(sigma),
            log_scale=middle,
            log_scale_sigma=log_sigma,
            stiffness_sigma=_stiffness(points, *sums) if near.all() else float(np.nan),
            strain=float(np.median(strain)) if len(strain) else np.nan,
            strained_points=len(strain),
        )

    def photo_strains(self) -> Float64[np.ndarray, "n"]:
        """How much every photo strains its points: the median over those that others triangulate without it, in variances
        of a sighting; below 2 or so in right models, NaN for a photo without such points."""
        lengths = np.diff(self.starts, append=len(self.views))
        whole = np.repeat(np.add.reduceat(self.terms, self.starts, axis=0), lengths, axis=0)
        rows = np.flatnonzero(np.repeat(lengths, lengths) >= 3)
        (_, _, gain_rest), (_, _, gain) = (_solved(terms) for terms in (whole[rows] - self.terms[rows], whole[rows]))
        _, _, own = _solved(self.terms[rows])
        strain, views = own + gain_rest - gain, self.views[rows]
        count = len(self.posed)
        return np.array([np.median(strain[views == view]) if (views == view).any() else np.nan for view in range(count)])

    def knows_own_scale(self, group: Bool[np.ndarray, "n"]) -> bool:
        """Whether a group of photos alone triangulates enough points to have a scale of its own.

        Photos turned on the spot don't, and can't be wrong about it.
        """
        kept = np.flatnonzero(group[self.views])
        if len(kept) == 0:
            return False
        starts = np.flatnonzero(np.diff(self.rows[kept], prepend=-1))
        often = np.diff(starts, append=len(kept)) >= 2
        terms = np.add.reduceat(self.terms[kept], starts, axis=0)[often]
        points = self.points[self.rows[kept[starts[often]]]]
        if len(points) < OWN_POINTS:
            return False
        away = points - self.posed.centres[group].mean(axis=0)
        distance = np.linalg.norm(away, axis=1)
        along = away / distance[:, None]
        covariance, _, _ = _solved(terms)
        sigma = np.sqrt(np.einsum("pi,pij,pj->p", along, covariance, along)) / distance
        return int((sigma < CARRIES).sum()) >= OWN_POINTS


def _compared(
    points: Float64[np.ndarray, "p 3"],
    first: Float64[np.ndarray, "p 9"],
    second: Float64[np.ndarray, "p 9"],
    pivot: Float64[np.ndarray, "3"],
) -> tuple[Float64[np.ndarray, "p"], Float64[np.ndarray, "p"], Float64[np.ndarray, "p"]]:
    """Of points both groups triangulate: log ratio of their distances from the pivot, its 1-sigma, and the strain."""
    (covariance_a, step_a, gain_a), (covariance_b, step_b, gain_b) = _solved(first), _solved(second)
    _, _, gain = _solved(first + second)
    away = points - pivot
    distance = np.maximum(np.linalg.norm(away, axis=1), 1e-300)
    along = away / distance[:, None]
    sigma = np.sqrt(np.einsum("pi,pij,pj->p", along, covariance_a + covariance_b, along)) / distance
    ratio = np.linalg.norm(away + step_a, axis=1) / np.maximum(np.linalg.norm(away + step_b, axis=1), 1e-300)
    return np.log(np.maximum(ratio, 1e-300)), sigma, gain_a + gain_b - gain


def _noise(posed: PosedPhotos, off: Float64[np.ndarray, "o"], by: Int32[np.ndarray, "o"]) -> Float64[np.ndarray, "n"]:
    """1-sigma of a sighting's direction in every photo [radians], from how far off sightings are.

    The mean is what thresholds were measured with; where a false joint blows it up, the median holds it down.
    """
    focal = np.array([np.sqrt(lens.K[0, 0] * lens.K[1, 1]) for lens in posed.lenses])[posed.lens_index]
    if not len(off):
        return LEAST_NOISE_PX / focal
    off_px = off * focal[by]
    mean = max(float(off_px.mean()), posed.reprojection_px if np.isfinite(posed.reprojection_px) else 0.0)
    return max(min(mean, TAIL * float(np.median(off_px))), LEAST_NOISE_PX) / focal


def _solved(
    terms: Float64[np.ndarray, "p 9"],
) -> tuple[Float64[np.ndarray, "p 3 3"], Float64[np.ndarray, "p 3"], Float64[np.ndarray, "p"]]:
    """Covariance, step to the best place and how much better that place fits, of every point."""
    information, gradient = _matrices(terms), terms[:, 6:]
    ridge = 1e-9 * np.trace(information, axis1=1, axis2=2)
    covariance = np.linalg.inv(information + ridge[:, None, None] * np.eye(3))
    step = -np.einsum("pij,pj->pi", covariance, gradient)
    return covariance, step, -(gradient * step).sum(axis=1)


def _matrices(terms: Float64[np.ndarray, "p 9"]) -> Float64[np.ndarray, "p 3 3"]:
    matrices = np.empty((len(terms), 3, 3))
    for k, (row, col) in enumerate(zip(*_SYMMETRIC, strict=True)):
        matrices[:, row, col] = matrices[:, col, row] = terms[:, k]
    return matrices


def _stiffness(
    points: Float64[np.ndarray, "p 3"], first: Float64[np.ndarray, "p 9"], second: Float64[np.ndarray, "p 9"]
) -> float:
    """1-sigma of the log scale of one group against the other, both rigid, rotation and shift free.

    A shared point ties them with the parallel sum of what either group knows of it (Anderson and Duffin 1969). The three
    points that tell most are left out: a few false matches must not hold a model together.
    """
    if len(points) < 7:
        return float(np.inf)
    a, b = _matrices(first), _matrices(second)
    total = a + b
    ridge = 1e-9 * np.trace(total, axis1=1, axis2=2)
    tie = a @ np.linalg.solve(total + ridge[:, None, None] * np.eye(3), b)
    middle = np.median(points, axis=0)
    size = np.median(np.linalg.norm(points - middle, axis=1))
    x, y, z = ((points - middle) / size).T
    motion = np.zeros((len(points), 3, 7))
    motion[:, [0, 1, 2], [0, 1, 2]] = 1.0
    motion[:, 0, 4], motion[:, 0, 5] = z, -y
    motion[:, 1, 3], motion[:, 1, 5] = -z, x
    motion[:, 2, 3], motion[:, 2, 4] = y, -x
    motion[:, 0, 6], motion[:, 1, 6], motion[:, 2, 6] = x, y, z
    each = np.swapaxes(motion, 1, 2) @ (tie * size**2) @ motion
    whole = each.sum(axis=0)
    if np.linalg.cond(whole) > 1e14:
        return float(np.inf)
    mode = np.linalg.solve(whole, np.eye(7)[6])
    telling = (each @ mode) @ mode
    rest = each[np.argsort(-telling, kind="stable")[3:]].sum(axis=0)
    if np.linalg.cond(rest) > 1e14:
        return float(np.inf)
    return float(np.sqrt(max(np.linalg.inv(rest)[6, 6], 0.0)))
