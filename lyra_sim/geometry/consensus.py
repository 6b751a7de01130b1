"""Which of several measurements agree with each other, when some of them may be wrong altogether."""

from itertools import combinations

import numpy as np
from jaxtyping import Bool


def largest_agreements(contradicts: Bool[np.ndarray, "n n"]) -> list[frozenset[int]]:
    """The largest sets of which no two members contradict each other; several when they tie.

    A contradiction between two says nothing about which is wrong; that a third stands with one of them does. Measurements
    of one thing are few, so the exact answer is affordable.

    Args:
        contradicts: Symmetric; the diagonal is ignored.
    """
    everyone = frozenset(range(len(contradicts)))
    if not any(contradicts[a, b] for a, b in combinations(sorted(everyone), 2)):
        return [everyone]
    friends = {a: frozenset(b for b in everyone if b != a and not contradicts[a, b]) for a in everyone}
    sets = _maximal(frozenset(), everyone, frozenset(), friends)
    most = max(len(members) for members in sets)
    return sorted((members for members in sets if len(members) == most), key=sorted)


def _maximal(
    chosen: frozenset[int], open_: frozenset[int], closed: frozenset[int], friends: dict[int, frozenset[int]]
) -> list[frozenset[int]]:
    """All maximal sets of mutual friends (Bron and Kerbosch 1973, with pivot)."""
    if not open_ and not closed:
        return [chosen]
    pivot = max(sorted(open_ | closed), key=lambda one: len(friends[one] & open_))
    found = []
    for one in sorted(open_ - friends[pivot]):
        found += _maximal(chosen | {one}, open_ & friends[one], closed & friends[one], friends)
        open_, closed = open_ - {one}, closed | {one}
    return found
