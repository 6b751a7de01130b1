"""How sure a share is that was counted in a sample."""

import math

Z = 1.959964
"""Standard deviations of a normal distribution that 95 of 100 draws keep within. Derived."""


def wilson(share: float, n: int) -> tuple[float, float]:
    """The interval that holds the true share with 95 % (Wilson 1927); never empty, for a share of 0 or 1 neither.

    Args:
        share: Counted, 0..1.
        n: Independent samples behind it, at least 1.
    """
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return max(0.0, middle - half), min(1.0, middle + half)
