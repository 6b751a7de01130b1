"""Depth that each frame has in a scale of its own, brought to known depth frame by frame."""

import numpy as np
from jaxtyping import Float32, Float64

from lyra_sim.depth.providers.provider import ProvidedDepth
from lyra_sim.errors import GeometryError

LEAST_OVERLAP = 0.02
"""Share of a frame whose depth must be known to find its own factor and shift. Tuned, unrecorded."""
LEAST_RELIEF = 1.2
"""Known depth must reach this many times as far as it begins (5th to 95th percentile): a flat wall square to the camera
tells one number, and a shift needs two. Tuned, unrecorded."""
FARTHEST = 2.0
"""Beyond this many times the farthest known depth of its frame a fitted shift decides alone, and nothing is claimed.
Tuned, unrecorded."""
TRIALS, COMPARED = 256, 4096
"""Pairs of pixels tried for factor and shift, and pixels they are compared on. Convention."""
OUTLIER = 0.05
"""Relative error from which on a pixel shows something else, and how wrong it is doesn't matter. Tuned, unrecorded."""
ROUNDS, SMALLEST = 10, 1e-4
"""Of reweighting, and the relative residual below which all weigh the same. Convention."""


def fitted_per_frame(provided: ProvidedDepth, known: Float32[np.ndarray, "n h w"] | None) -> ProvidedDepth:
    """The same depth in the units of ``known``; frames that show too little of what is known lose theirs.

    Args:
        provided: In scale ``per_frame`` or ``per_frame_inverse``; any other comes back as it is.
        known: Z-depth of what is known, seen by the cameras of the frames; NaN elsewhere.

    Raises:
        GeometryError: Nothing known was given.
    """
    if provided.scale not in ("per_frame", "per_frame_inverse"):
        return provided
    if known is None:
        unknown = "factor and shift of the inverse depth" if provided.scale == "per_frame_inverse" else "factor"
        raise GeometryError(
            "frame depth",
            f"a network whose frames each have a {unknown} of their own, and no known depth to find them from",
            expected="known depth seen by the same cameras, or a network with one scale for all frames",
            next_step="Take a metric model (such as Depth Anything V2 Metric), or a provider of several views.",
        )
    fit = _inverse if provided.scale == "per_frame_inverse" else _factor
    z_depth = np.stack([fit(z, there) for z, there in zip(provided.z_depth, known, strict=True)])
    confidence = np.where(np.isnan(z_depth), np.float32(0), provided.confidence)
    return ProvidedDepth(z_depth=z_depth, confidence=confidence, cameras=None, scale="cameras")


def _factor(z: Float32[np.ndarray, "h w"], known: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    common = np.isfinite(z) & np.isfinite(known)
    if common.mean() < LEAST_OVERLAP:
        return np.full_like(z, np.nan)
    return (z * np.median(known[common].astype(np.float64) / z[common])).astype(np.float32)


def _inverse(z: Float32[np.ndarray, "h w"], known: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    nothing = np.full_like(z, np.nan)
    common = np.isfinite(z) & np.isfinite(known)
    if common.mean() < LEAST_OVERLAP:
        return nothing
    there = known[common].astype(np.float64)
    nearest, farthest = np.quantile(there, [0.05, 0.95])
    if farthest < LEAST_RELIEF * nearest:
        return nothing
    factor, shift = _factor_and_shift(1 / z[common].astype(np.float64), there)
    inverse = factor / z.astype(np.float64) + shift
    if factor <= 0:  # nearer things would come out farther: these aren't the same places
        return nothing
    with np.errstate(invalid="ignore", divide="ignore"):
        kept = inverse > 1 / (FARTHEST * float(there.max()))
        return np.where(kept, 1 / inverse, np.nan).astype(np.float32)


def _factor_and_shift(inverse: Float64[np.ndarray, "m"], known: Float64[np.ndarray, "m"]) -> tuple[float, float]:
    """``a``, ``b`` of the least sum of ``|(a inverse + b) known - 1|``, cut off at ``OUTLIER``.

    The floor at one's feet decides about the shift, and may be what is wrong: so two pixels at a time propose (Fischler &
    Bolles 1981, scored after Torr & Zisserman 2000), and reweighted least squares finish on those that agree.
    """
    columns = np.stack([inverse * known, known], axis=1)
    rng = np.random.default_rng(0)
    some = columns[rng.integers(0, len(columns), COMPARED)]
    pairs = columns[rng.integers(0, len(columns), (TRIALS, 2))]
    told = np.abs(np.linalg.det(pairs)) > 1e-9 * np.abs(pairs).max(axis=(1, 2)) ** 2
    proposed = np.concatenate([np.linalg.solve(pairs[told], np.ones((int(told.sum()), 2, 1)))[..., 0], _fit(columns)[None]])
    cost = np.minimum(np.abs(some @ proposed.T - 1), OUTLIER).sum(axis=0)
    best = proposed[int(np.argmin(cost))]
    agreeing = columns[np.abs(columns @ best - 1) < OUTLIER]
    if len(agreeing) < 3:
        return float(best[0]), float(best[1])
    for _ in range(ROUNDS):
        best = _fit(agreeing, 1 / np.maximum(np.abs(agreeing @ best - 1), SMALLEST))
    return float(best[0]), float(best[1])


def _fit(columns: Float64[np.ndarray, "m 2"], weights: Float64[np.ndarray, "m"] | None = None) -> Float64[np.ndarray, "2"]:
    left = columns.T if weights is None else columns.T * weights
    return np.linalg.lstsq(left @ columns, left.sum(axis=1), rcond=None)[0]
