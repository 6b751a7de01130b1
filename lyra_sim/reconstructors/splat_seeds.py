"""Where training starts: the fused surface, fine where its colours change and coarse where they don't, and a backdrop."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64
from scipy.spatial.transform import Rotation

from lyra_sim.conventions import rgb_from_sh_dc, sh_dc_from_rgb
from lyra_sim.data.capture import Capture
from lyra_sim.data.splats import Splats
from lyra_sim.reconstructors.backdrop import backdrop

OPACITY = 0.6
"""Of a seed: above this a gradient hardly reaches what lies behind, below it the first images are haze. Tuned on livingroom."""
DOUBLINGS = 2
"""Cells are merged up to 2^2 times their edge: the rim of a large splat reaches over the edge of what it stands for.
Tuned on livingroom."""
SPREADS = tuple(0.005 * 1.2**k for k in range(25))
"""Spreads of colour (0..1) that a merged cell may have: the least that keeps the budget is taken."""
HALF_GRID = 1 << 20
"""Cells on either side of the origin along an axis, at most. Convention."""
AGREEMENT = 0.9
"""Least mean of the cosines to their common normal of splats that merge: a corner is no surface. Tuned on livingroom."""
BACKDROP_SHARE = 0.5
"""Of the seeds at most. Tuned on livingroom."""


def seeds(
    surface: Splats, capture: Capture, guesses: Mapping[int, Float32[np.ndarray, "hh ww"]], *, budget: int, cell: float
) -> Splats:
    """At most ``budget`` splats in the capture's frame: the surface thinned, and what no depth tells of.

    Args:
        surface: Fused splats, one a cell of edge ``cell``.
        capture: Whose used photos show the backdrop.
        guesses: Depth of the backdrop by view, where there is an idea of it.
        budget: Number of splats at most.
        cell: Edge of the cells of ``surface`` [capture units].
    """
    behind = backdrop(surface, capture, guesses, budget=int(BACKDROP_SHARE * budget))
    front = thinned(surface, budget=budget - len(behind), cell=cell)
    logit = np.float32(np.log(OPACITY / (1 - OPACITY)))
    both = _joined(front, behind)
    return replace(both, opacity_logits=np.full(len(both), logit, np.float32))


def thinned(surface: Splats, *, budget: int, cell: float) -> Splats:
    """Merge neighbours of like colour and direction in cells of doubled edge, again and again, until the budget is kept.

    A merged splat covers the area of its parts. Only splats that merged once may merge again, so what is left fine is fine
    for a reason.
    """
    if len(surface) <= budget:
        return surface
    whole = _Cells.of(surface)
    fitting = bisect_left(SPREADS, True, key=lambda spread: len(whole.merged(cell, spread).table) <= budget)
    merged = whole.merged(cell, SPREADS[min(fitting, len(SPREADS) - 1)]).splats(surface)
    if len(merged) <= budget:
        return merged
    # even whole cells are too many: every n-th, evenly over space, as cells are sorted, grown to cover the others
    kept = _rows(merged, np.linspace(0, len(merged) - 1, budget).round().astype(np.int64))
    return replace(kept, log_scales=kept.log_scales + np.float32(0.5 * np.log(len(merged) / max(1, budget))))


@dataclass(frozen=True, kw_only=True)
class _Cells:
    """Splats on their way to fewer."""

    table: Float64[np.ndarray, "n 12"]
    """Mean, normal, colour, squared scales."""
    row: Int64[np.ndarray, "n"]
    """The splat whose orientation each has."""
    growing: Bool[np.ndarray, "n"]
    """Which may merge (again)."""

    @classmethod
    def of(cls, splats: Splats) -> "_Cells":
        normals = Rotation.from_quat(splats.quats_wxyz, scalar_first=True).as_matrix()[:, :, 2]
        columns = [splats.means, normals, rgb_from_sh_dc(splats.sh_coeffs[:, 0]), np.exp(2 * splats.log_scales)]
        n = len(splats)
        return cls(table=np.concatenate(columns, axis=1).astype(np.float64), row=np.arange(n), growing=np.ones(n, bool))

    def merged(self, cell: float, spread: float) -> "_Cells":
        cells = self
        for doubling in range(1, DOUBLINGS + 1):
            cells = cells._doubled(cell * 2**doubling, spread)
        return cells

    def _doubled(self, cell: float, spread: float) -> "_Cells":
        """One doubling: cells whose splats all may merge and agree become one splat each."""
        index = np.floor(self.table[:, :3] / cell).astype(np.int64) + HALF_GRID
        key = (index[:, 0] * 2 * HALF_GRID + index[:, 1]) * 2 * HALF_GRID + index[:, 2]
        order = np.argsort(key, kind="stable")
        starts = np.flatnonzero(np.diff(key[order], prepend=-1))
        size = np.diff(np.append(starts, len(order)))
        rows = self.table[order]
        mean = np.add.reduceat(rows, starts) / size[:, None]
        colours = np.add.reduceat(rows[:, 6:9] ** 2, starts) / size[:, None] - mean[:, 6:9] ** 2
        fit = np.logical_and.reduceat(self.growing[order], starts) & (colours.max(axis=1) <= spread**2)
        fit &= np.linalg.norm(mean[:, 3:6], axis=1) >= AGREEMENT
        mean[:, 9:] *= size[:, None]
        left = order[~np.repeat(fit, size)]
        return _Cells(
            table=np.concatenate([mean[fit], self.table[left]]),
            row=np.concatenate([self.row[order[starts[fit]]], self.row[left]]),
            growing=np.concatenate([np.ones(int(fit.sum()), bool), np.zeros(len(left), bool)]),
        )

    def splats(self, source: Splats) -> Splats:
        return replace(
            _rows(source, self.row),
            means=self.table[:, :3].astype(np.float32),
            log_scales=(np.log(self.table[:, 9:]) / 2).astype(np.float32),
            sh_coeffs=sh_dc_from_rgb(self.table[:, 6:9])[:, None],
        )


def _rows(splats: Splats, rows: Int64[np.ndarray, "m"]) -> Splats:
    return Splats(
        means=splats.means[rows],
        quats_wxyz=splats.quats_wxyz[rows],
        log_scales=splats.log_scales[rows],
        opacity_logits=splats.opacity_logits[rows],
        sh_coeffs=splats.sh_coeffs[rows],
    )


def _joined(a: Splats, b: Splats) -> Splats:
    join = lambda name: np.concatenate([getattr(a, name), getattr(b, name)])  # noqa: E731
    return Splats(**{name: join(name) for name in ("means", "quats_wxyz", "log_scales", "opacity_logits", "sh_coeffs")})
