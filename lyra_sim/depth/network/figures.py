"""What is measured of predicted depth, over any choice of pixels."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

NEAR_ENOUGH = 0.05
"""Error that counts as right [m]: what a small robot's map is blurred by. Convention."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Errors of z-depth against a truth in metres."""

    pixels: int
    abs_rel: float
    """Mean of ``|z - truth| / truth``."""
    median_cm: float
    """Median of ``|z - truth|``."""
    within_5cm: float
    """Share of the pixels with a truth that are right within 5 cm; those without a depth aren't."""
    within_1_sigma: float
    within_2_sigma: float
    """Shares of the errors within one and two sigma; NaN without a sigma."""

    def row(self) -> str:
        """For a table."""
        sigma = "" if np.isnan(self.within_1_sigma) else f"{100 * self.within_1_sigma:.1f} / {100 * self.within_2_sigma:.1f} %"
        return f"{self.pixels} | {self.abs_rel:.4f} | {self.median_cm:.1f} | {100 * self.within_5cm:.1f} % | {sigma or '–'}"


def figures(
    z_depth: Float[np.ndarray, "*n"],
    truth: Float[np.ndarray, "*n"],
    where: Bool[np.ndarray, "*n"],
    sigma: Float[np.ndarray, "*n"] | None = None,
) -> Figures:
    """Compare where ``where`` holds; NaN depth counts against the shares and is left out of the means.

    Args:
        z_depth: Predicted [m].
        truth: [m].
        where: Pixels to look at.
        sigma: Predicted relative error.
    """
    z, true = z_depth[where].astype(np.float64), truth[where].astype(np.float64)
    known = np.isfinite(z)
    off = np.abs(z - true)
    relative = off[known] / true[known]
    within = [float("nan")] * 2
    if sigma is not None and known.any():
        # sigma is of the logarithm: of the ratio of the two depths
        logarithm = np.abs(np.log(z[known] / true[known]))
        within = [float((logarithm <= k * sigma[where][known]).mean()) for k in (1, 2)]
    return Figures(
        pixels=int(where.sum()),
        abs_rel=float(relative.mean()) if known.any() else float("nan"),
        median_cm=100 * float(np.median(off[known])) if known.any() else float("nan"),
        within_5cm=float((off[known] <= NEAR_ENOUGH).sum() / max(1, where.sum())),
        within_1_sigma=within[0],
        within_2_sigma=within[1],
    )
