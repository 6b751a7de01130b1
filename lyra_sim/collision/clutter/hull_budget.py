"""Spend the hull budget where it matters most: join what costs nothing, cut what takes most air, and trade one for the other.

Every part of the world that isn't a large slab competes here, loose slabs and clutter alike. Joining two parts saves a hull
and may take some air; cutting one spends a hull and gives air back; leaving one out saves a hull and loses its surface. All
three are counted in weighted air voxels, so the budget flows to where a hull gives most, and when it is used up a cut is paid
for by the cheapest saving elsewhere. The sum of air and lost surface falls with every trade, so it ends.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lyra_sim.collision.clutter.parts import Part, cut, joined, part_of_voxels
from lyra_sim.collision.measured.free_air import AirField

NEIGHBOURS = 8
"""Parts near by that a part may be joined with. Convention."""
MERGE_GAP = 0.3
"""Things farther apart than this stay two [m]. Tuned, unrecorded."""
DROP_RELUCTANCE, DROP_FEE = 3.0, 0.05
"""Leaving a part out costs this many times its surface, and this much air [m^3] however small it is: the coarsest hull that
plugs little beats none. Tuned on the AWS worlds."""
HOPE = 0.2
"""A cut that gives little at once may open the way for ones that give more: while hulls are left, a part's air counts as
this much gain when its best cut gives less. Tuned on the AWS worlds."""
MOST_TRADES = 2000
"""Trades end by themselves; this many would be far too many. Convention."""


@dataclass(kw_only=True)
class Spending:
    """The parts so far, and what a change to them would give or cost."""

    air: AirField
    heading: float
    """Direction of the building's walls [rad]; cuts follow it."""
    price: float
    """Air a further hull must give back to be worth having [weighted voxels]."""
    surface_price: float
    """What a voxel of measured surface without a hull costs [weighted voxels of air]."""
    parts: dict[int, Part] = field(default_factory=dict)
    dropped: list[Part] = field(default_factory=list)
    joins: int = 0
    cuts: int = 0
    _boxes: dict[int, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    _savings: list[tuple[float, int, int]] = field(default_factory=list)
    """Heap of (cost, part, other); other is -1 where the part would be left out. Entries of parts that are gone are skipped."""
    _halves: dict[int, tuple[Part, Part] | None] = field(default_factory=dict)
    """Best cuts, as far as they were asked for."""
    _next: int = 0

    def add(self, parts: Sequence[Part]) -> None:
        """More parts, before or between spending."""
        for part in parts:
            self._enter(part)

    def remove(self, number: int) -> Part:
        """Take a part out, to put others in its place."""
        del self._boxes[number]
        self._halves.pop(number, None)
        return self.parts.pop(number)

    def join_free(self) -> None:
        """Join parts wherever that takes no more air than a hull is worth, cheapest first."""
        while (saving := self._cheapest_saving(joins_only=True)) is not None and saving[0] <= self.price:
            self._save(saving)

    def take_apart(self, budget: int, *, over: float) -> None:
        """Cut parts whose hulls are larger than ``over`` [m^3], up to ``budget`` parts in all, the most hopeful first."""
        while len(self.parts) < budget and (number := self._best_cut(hope=HOPE, over=over)[1]) >= 0:
            self._cut(number)

    def fit(self, budget: int) -> None:
        """Down to ``budget`` parts by the cheapest savings, up to it by the most hopeful cuts, then trades between the two."""
        while len(self.parts) > budget and (saving := self._cheapest_saving()) is not None:
            self._save(saving)
        self.take_apart(budget, over=0.0)
        for _ in range(MOST_TRADES):
            gain, number = self._best_cut(hope=0.0)
            saving = self._cheapest_saving(but=number)
            if number < 0 or saving is None or saving[0] + self.price >= gain:
                break
            self._save(saving)
            self._cut(number)

    def readmit(self) -> int:
        """Bring back the part whose loss costs most surface, if its hull takes no more air than that; its number, or -1."""
        worthy = [i for i, part in enumerate(self.dropped) if part.air <= self._loss(part)]
        if not worthy:
            return -1
        self._enter(self.dropped.pop(max(worthy, key=lambda i: (float(self.dropped[i].worth.sum()), -i))))
        return self._next - 1

    def _enter(self, part: Part) -> None:
        number, self._next = self._next, self._next + 1
        low, high = part.points.min(axis=0), part.points.max(axis=0)
        if self.parts:
            keys = np.fromiter(self._boxes, np.int64, len(self._boxes))
            boxes = np.array([self._boxes[int(key)] for key in keys])
            gaps = np.linalg.norm(np.maximum(np.maximum(boxes[:, 0] - high, low - boxes[:, 1]), 0), axis=1)
            apart = np.linalg.norm(boxes.sum(axis=1) - low - high, axis=1)
            order = np.lexsort((keys, apart, gaps))[:NEIGHBOURS]
            for other in keys[order[gaps[order] <= MERGE_GAP]].tolist():
                both = joined(self.parts[other], part, self.air)
                heapq.heappush(self._savings, (float(both.air - self.parts[other].air - part.air), number, other))
        loss = self._loss(part)
        loss -= min(part.air, loss / 2)  # the air could be had by cuts as well, so it never pays for the whole loss
        heapq.heappush(self._savings, (loss, number, -1))
        self.parts[number], self._boxes[number] = part, (low, high)

    def _loss(self, part: Part) -> float:
        """What leaving a part out costs, its air aside."""
        return DROP_RELUCTANCE * self.surface_price * float(part.worth.sum()) + DROP_FEE / self.air.voxel_size**3

    def _cheapest_saving(self, *, but: int | None = None, joins_only: bool = False) -> tuple[float, int, int] | None:
        """Cost of the cheapest saving that leaves part ``but`` alone, and its parts."""
        aside, found = [], None
        while self._savings:
            _, number, other = entry = heapq.heappop(self._savings)
            if number not in self.parts or (other >= 0 and other not in self.parts):
                continue
            aside.append(entry)
            if (but is None or but not in (number, other)) and not (joins_only and other < 0):
                found = entry
                break
        for entry in aside:
            heapq.heappush(self._savings, entry)
        return found

    def _save(self, saving: tuple[float, int, int]) -> None:
        _, number, other = saving
        part = self.remove(number)
        if other < 0:
            self.dropped.append(part)
        else:
            self.joins += 1
            self._enter(self._drawn_in(joined(self.remove(other), part, self.air)))

    def _drawn_in(self, part: Part) -> Part:
        """A joined part, or the tight hull of its voxels where that takes less air. Slabs keep their thickness."""
        if part.air == 0 or part.label != "clutter":
            return part
        return min(part, part_of_voxels(part.indices, part.worth, self.air, label=part.label), key=lambda one: one.air)

    def _best_cut(self, *, hope: float, over: float = 0.0) -> tuple[float, int]:
        """Gain of the best cut and its part; -1 when none gives more than a hull's price.

        A part's whole air bounds what cutting it can give, so only the parts with most air are ever tried.
        """
        best, chosen = self.price, -1
        for number in sorted(self.parts, key=lambda key: (-self.parts[key].air, key)):
            air = self.parts[number].air
            if air <= best:
                break
            if self.parts[number].volume <= over:
                continue
            if number not in self._halves:
                self._halves[number] = cut(self.parts[number], self.air, self.heading)
            halves = self._halves[number]
            if halves is None:
                continue
            gain = max(float(air - halves[0].air - halves[1].air), hope * air)
            if gain > best:
                best, chosen = gain, number
        return (best, chosen) if chosen >= 0 else (0.0, -1)

    def _cut(self, number: int) -> None:
        halves = self._halves[number]
        assert halves is not None
        self.remove(number)
        self.cuts += 1
        for half in halves:
            self._enter(half)
