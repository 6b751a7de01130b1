"""How well a verdict, and each figure of it, tells bad worlds from good ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from benchmarks.twins.statistics import wilson
from benchmarks.verdicts.judging import Row
from lyra_sim.quality.figures.limits import limit_of


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """Verdict against truth; refused and not assessed worlds are neither passed nor failed, worlds that are wrong in a spot
    neither bad nor good."""

    bad_passed: int
    bad_failed: int
    good_passed: int
    good_failed: int

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "Confusion":
        count = {(bad, verdict): 0 for bad in (True, False) for verdict in ("pass", "fail")}
        for row in rows:
            if row.verdict in ("pass", "fail") and row.truth in ("bad", "good"):
                count[row.bad, row.verdict] += 1
        return cls(
            bad_passed=count[True, "pass"],
            bad_failed=count[True, "fail"],
            good_passed=count[False, "pass"],
            good_failed=count[False, "fail"],
        )

    @property
    def false_passes(self) -> tuple[int, int, float, float]:
        """How many of how many bad worlds pass, and the interval of that share."""
        of = self.bad_passed + self.bad_failed
        return self.bad_passed, of, *wilson(self.bad_passed, of)

    @property
    def false_fails(self) -> tuple[int, int, float, float]:
        """How many of how many good worlds fail, and the interval of that share."""
        of = self.good_passed + self.good_failed
        return self.good_failed, of, *wilson(self.good_failed, of)


def gates(rows: Sequence[Row]) -> list[str]:
    """Driving figures that can fail a world, and were measured."""
    names = dict.fromkeys(name for row in rows for name in row.figures)
    return [name for name in names if limit_of(name).poor is not None]


def roc_area(name: str, rows: Sequence[Row]) -> float:
    """Chance that a bad world's figure is worse than a good one's, ties half (Hanley and McNeil 1982); NaN without either."""
    known = [row for row in rows if name in row.figures and row.truth in ("bad", "good")]
    bad = np.array([row.bad for row in known], bool)
    if bad.all() or not bad.any():
        return float("nan")
    sign = -1.0 if limit_of(name).better == "higher" else 1.0
    rank = rankdata([sign * row.figures[name] for row in known])
    n = int(bad.sum())
    return float((rank[bad].sum() - n * (n + 1) / 2) / (n * (len(known) - n)))
