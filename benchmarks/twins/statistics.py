"""What two sets of outcomes say of each other, with intervals."""

import numpy as np

from lyra_sim.quality.figures import intervals

DRAWS = 2000


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """95 % interval of a share; of no trials anything is possible."""
    return intervals.wilson(successes / trials, trials) if trials else (0.0, 1.0)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's; NaN where one of them doesn't vary."""
    a, b = np.asarray(a, np.float64) - np.mean(a), np.asarray(b, np.float64) - np.mean(b)
    size = np.sqrt((a**2).sum() * (b**2).sum())
    return float((a * b).sum() / size) if size > 1e-12 else float("nan")


def fisher(r: float, count: int) -> tuple[float, float]:
    """95 % interval of a correlation over ``count`` pairs (Fisher 1921); nothing can be said with fewer than four."""
    if count < 4 or not np.isfinite(r):
        return -1.0, 1.0
    z, half = np.arctanh(np.clip(r, -0.999999, 0.999999)), intervals.Z / np.sqrt(count - 3)
    return float(np.tanh(z - half)), float(np.tanh(z + half))


def over_drivers(truth: np.ndarray, ours: np.ndarray, *, seed: int) -> tuple[float, float, float]:
    """Correlation over drivers of their success rates in both worlds, and its 95 % interval over redrawn routes (Efron 1979).

    Args:
        truth: Success by driver and route (d, n).
        ours: The same drives in our world.
        seed: Of the redrawing.
    """
    rng = np.random.default_rng(seed)
    n = truth.shape[1]
    drawn = [rng.integers(n, size=n) for _ in range(DRAWS)]
    found = np.array([correlation(truth[:, index].mean(axis=1), ours[:, index].mean(axis=1)) for index in drawn])
    low, high = np.nanpercentile(found, [2.5, 97.5]) if np.isfinite(found).any() else (np.nan, np.nan)
    return correlation(truth.mean(axis=1), ours.mean(axis=1)), float(low), float(high)
