"""The parts of a model that hang together, and what was found at the joints that don't."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool

from lyra_sim.capture.trust.group_joints import Joint, SightLines
from lyra_sim.capture.trust.view_graph import PairTable, cuts, groups, pair_table
from lyra_sim.data.posed import PosedPhotos

STRAIN = 7.0
"""Variances of a sighting that a joint may be strained by. Measured: right models 1.5 to 6.4, false joints from 7.6.
Tuned on the photo sets."""
STRAIN_POINTS = 15
"""Points it takes to say so; with a handful, twice the strain. Tuned on the photo sets."""
FEW_POINTS = 6
"""Fewer points say nothing about a joint. Tuned on the photo sets."""
PHOTO_STRAIN = 3.2
"""Variances of a sighting that a photo may strain the points by that others triangulate without it. Measured: photos in
right models 0.2 to 2.8, photos beside a false joint to 11. Tuned on the photo sets."""
LONE = 3.0
"""… and a photo that strains this many times more than any other is out of place by itself. Tuned on the photo sets."""
LOG_SCALE = 0.07
"""Depths from either side may differ by this factor's log. Measured: right models, drift included, to 0.044.
Tuned on the photo sets."""
LOG_SCALE_SIGMAS = 4.0
"""… unless the difference is within this many of its own sigmas. Tuned on the photo sets."""
LOOSE = 0.06
"""Relative scale of two groups that isn't known better than this isn't carried. Measured: right models to 0.026.
Tuned on the photo sets."""
NEAR = 6
"""Photos on either side of a joint whose depths are compared; more would bring slow drift into it. Tuned on the photo sets."""
ODD_STEP = 3.0
"""A step across a joint is worth a word when it is this many times longer or shorter than its neighbours.
Tuned on the photo sets."""
FEW_CARRY = 20
"""Where fewer points carry the scale it is asked whether there is one to carry: photos turned on the spot have none.
Tuned on the photo sets."""
HELD_POINTS = 12
"""A photo with fewer points isn't held in its place … Tuned on the photo sets."""
HELD_SPREAD = 0.03
"""… nor one whose points' narrower standard deviation is below this share of the image's longer side.
Tuned on the photo sets."""


@dataclass(frozen=True, kw_only=True)
class RigidParts:
    """What a model falls into when false joints are opened."""

    parts: tuple[tuple[int, ...], ...]
    """Photos of every part of two or more, largest first."""
    findings: tuple[str, ...]
    """What was found at every opened joint, in plain English."""
    figures: dict[str, float]
    """The weakest joints of the largest part: ``worst_strain``, ``worst_log_scale``, ``loosest_scale_sigma`` …"""


@dataclass
class _Search:
    posed: PosedPhotos
    table: PairTable
    ordered: bool
    parts: list[tuple[int, ...]] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    weakest: list[dict[str, float]] = field(default_factory=list)
    """Figures of every part."""


@dataclass(frozen=True, kw_only=True)
class _Seen:
    side: Bool[np.ndarray, "n"]
    whole: Joint
    near: Joint
    """The same joint by the nearest photos alone."""
    scaled: bool
    """Both sides have a scale of their own; not asked where many points carry it well."""


def rigid_parts(posed: PosedPhotos, *, ordered: bool) -> RigidParts:
    """Open every joint that the photos on its two sides contradict or don't support.

    Three things show a false joint: photos on either side don't see together what they should; points both sides
    triangulate don't fit in one place; or too little carries the scale across. Groups are parted at the worst joint
    first and looked at again, because what strains one joint spreads over its neighbours.
    """
    search = _Search(posed=posed, table=pair_table(posed), ordered=ordered)
    held, why = _held(posed)
    search.findings += why
    waiting = [held] if len(held) else []
    while waiting:
        waiting += _opened(search, waiting.pop(0))
    found = sorted(zip(search.parts, search.weakest, strict=True), key=lambda one: (-len(one[0]), one[0]))
    return RigidParts(
        parts=tuple(part for part, _ in found),
        findings=tuple(search.findings),
        figures=found[0][1] if found else {},
    )


def named(names: tuple[str, ...], group: tuple[int, ...]) -> str:
    """Photos of a group in words: first and last of every run of neighbours."""
    runs: list[list[int]] = []
    for index in sorted(group):
        if runs and index == runs[-1][1] + 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    words = [names[a] if a == b else f"{names[a]} to {names[b]}" for a, b in runs]
    return ", ".join(words[:6]) + (f" and {len(words) - 6} more runs" if len(words) > 6 else "")


def _held(posed: PosedPhotos) -> tuple[tuple[int, ...], list[str]]:
    """Photos whose place enough points determine, and a sentence on each of the others."""
    sparse = posed.sparse
    held, why = [], []
    for view, name in enumerate(posed.names):
        xy = sparse.xy[sparse.view_index == view]
        if len(xy) < HELD_POINTS:
            why.append(f"{name} is held by {len(xy)} points only")
            continue
        lens = posed.lenses[posed.lens_index[view]]
        narrow = np.sqrt(max(np.linalg.eigvalsh(np.cov(xy.T))[0], 0.0)) * lens.K[0, 0]
        if narrow < HELD_SPREAD * max(lens.width, lens.height):
            why.append(f"the {len(xy)} points that hold {name} lie in one corner or on a line")
            continue
        held.append(view)
    return tuple(held), why


def _opened(search: _Search, group: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The groups that one group falls into; none when it holds, and then it is a part."""
    if len(group) < 2:
        return []
    table = search.table.of(group)
    pieces = groups(table)
    if len(pieces) > 1:
        lines = SightLines.of(search.posed.select(group))
        for piece in pieces[1:]:
            side = np.isin(np.arange(len(group)), piece)
            search.findings.append(_unconfirmed(search, group, table, lines, side))
        return [tuple(group[index] for index in piece) for piece in pieces]
    lines = SightLines.of(search.posed.select(group))
    seen: list[_Seen] = []
    for side in cuts(table, ordered=search.ordered):
        pivot = _pivot(search.posed, group, table, side)
        whole = lines.joint(side, pivot, np.ones(len(group), bool))
        near = lines.joint(side, pivot, _nearest(table, side)) if _worth_a_look(whole) else whole
        doubtful = whole.stiffness_sigma > LOOSE / 4 or whole.carrying < FEW_CARRY
        scaled = doubtful and lines.knows_own_scale(side) and lines.knows_own_scale(~side)
        seen.append(_Seen(side=side, whole=whole, near=near, scaled=scaled))
    worst = max(seen, key=_severity, default=None)
    false = 0.0 if worst is None else _severity(worst)
    strains = np.nan_to_num(lines.photo_strains())
    outsider, next_worst = int(np.argmax(strains)), float(np.sort(strains)[-2])
    # one photo out of place strains every joint around it; a false joint strains the photos on both its sides
    alone = strains[outsider] / PHOTO_STRAIN > max(false, 1) and strains[outsider] > LONE * next_worst
    if alone or (false < 1 and strains[outsider] > PHOTO_STRAIN):
        search.findings.append(
            f"{search.posed.names[group[outsider]]} sees its points elsewhere than the others do "
            f"(strain {strains[outsider]:.1f}; right photos stay below {PHOTO_STRAIN:g})"
        )
        return [tuple(index for index in group if index != group[outsider])]
    if worst is None or false < 1:
        search.parts.append(group)
        search.weakest.append(_believed(seen) | {"worst_photo_strain": float(strains[outsider])})
        return []
    search.findings.append(_contradicted(search, group, table, worst))
    return [tuple(np.array(group)[worst.side == which].tolist()) for which in (False, True)]


def _severity(seen: _Seen) -> float:
    """How false a joint looks; from 1 on it is opened."""
    score = 0.0
    for joint in (seen.whole, seen.near):
        if joint.strained_points >= FEW_POINTS:
            score = max(score, joint.strain / (STRAIN if joint.strained_points >= STRAIN_POINTS else 2 * STRAIN))
        if _jumps(joint):
            score = max(score, abs(joint.log_scale) / LOG_SCALE)
    return max(score, min(seen.whole.stiffness_sigma / LOOSE, 1e3)) if seen.scaled else score


def _worth_a_look(whole: Joint) -> bool:
    """Whether a joint is anywhere near false, so that its nearest photos are asked by themselves."""
    easy = whole.strained_points >= 2 * STRAIN_POINTS and whole.strain < STRAIN / 4
    return not (easy and abs(whole.log_scale) < LOG_SCALE / 4)


def _jumps(joint: Joint) -> bool:
    return joint.carrying >= FEW_POINTS and abs(joint.log_scale) > max(LOG_SCALE, LOG_SCALE_SIGMAS * joint.log_scale_sigma)


def _nearest(table: PairTable, side: Bool[np.ndarray, "n"]) -> Bool[np.ndarray, "n"]:
    """The photos on either side that see most of the other side."""
    near = np.zeros(len(side), bool)
    for mine in (side, ~side):
        links = np.where(mine, table.seen[:, ~mine].sum(axis=1), 0)
        best = np.argsort(-links, kind="stable")[:NEAR]
        near[best[links[best] > 0]] = True
    return near


def _gate(table: PairTable, side: Bool[np.ndarray, "n"]) -> tuple[int, int]:
    """The two photos, one of either side, between which the joint lies: they share most, or should."""
    across = ~side[:, None] & side[None, :]
    wanted = np.where(across, table.seen * table.confirmed, -1)
    if wanted.max() <= 0:
        wanted = np.where(across, table.expected, -1)
    first, second = np.unravel_index(int(np.argmax(wanted)), wanted.shape)
    return int(first), int(second)


def _pivot(posed: PosedPhotos, group: tuple[int, ...], table: PairTable, side: Bool[np.ndarray, "n"]) -> np.ndarray:
    return posed.centres[[group[index] for index in _gate(table, side)]].mean(axis=0)


def _between(search: _Search, group: tuple[int, ...], table: PairTable, side: Bool[np.ndarray, "n"]) -> str:
    """Where the joint is: at a step of the walk if the sides are runs, else by the two photos nearest to it."""
    changes = np.flatnonzero(np.diff(side.astype(np.int8)))
    first, second = (changes[0], changes[0] + 1) if len(changes) == 1 else sorted(_gate(table, side))
    return f"between {search.posed.names[group[first]]} and {search.posed.names[group[second]]}"


def _step(search: _Search, group: tuple[int, ...], side: Bool[np.ndarray, "n"]) -> str:
    """A clause on the step across the joint when it is unlike its neighbours; people's steps vary, so it proves nothing."""
    changes = np.flatnonzero(np.diff(side.astype(np.int8)))
    if not search.ordered or len(changes) != 1:
        return ""
    steps = np.linalg.norm(np.diff(search.posed.centres[list(group)], axis=0), axis=1)
    at = int(changes[0])
    around = np.delete(steps, at)[max(at - 4, 0) : at + 4]
    usual = float(np.median(around)) if len(around) else 0.0
    if usual <= 0 or 1 / ODD_STEP < steps[at] / usual < ODD_STEP:
        return ""
    return f"; the step there is {steps[at] / usual:.2g}x its neighbours"


def _unconfirmed(
    search: _Search, group: tuple[int, ...], table: PairTable, lines: SightLines, side: Bool[np.ndarray, "n"]
) -> str:
    across = ~side[:, None] & side[None, :]
    expected, seen = table.expected[across].sum(), table.seen[across].sum()
    where, step = _between(search, group, table, side), _step(search, group, side)
    if not expected:
        return f"{where} nothing is seen from both sides{step}"
    joint = lines.joint(side, _pivot(search.posed, group, table, side), np.ones(len(group), bool))
    jump = f"; the scale jumps {np.exp(abs(joint.log_scale)):.2g}x, {joint.carrying} points carry it" if _jumps(joint) else ""
    return f"{where} the two sides see together {seen / expected:.0%} of what they should, {joint.shared} points{jump}{step}"


def _contradicted(search: _Search, group: tuple[int, ...], table: PairTable, seen: _Seen) -> str:
    where, step, whole = _between(search, group, table, seen.side), _step(search, group, seen.side), seen.whole
    joints = (whole, seen.near)
    jumping = max((joint for joint in joints if _jumps(joint)), key=lambda joint: abs(joint.log_scale), default=None)
    if jumping is not None:
        return f"{where} the scale jumps {np.exp(abs(jumping.log_scale)):.2g}x: {jumping.carrying} points carry it{step}"
    if seen.scaled and whole.stiffness_sigma > LOOSE:
        how = f"to {whole.stiffness_sigma:.0%} only" if whole.stiffness_sigma < 1 else "not at all"
        return f"{where} the scale is carried {how}: the sides share {whole.shared} points{step}"
    worse = max((joint for joint in joints if joint.strained_points >= FEW_POINTS), key=lambda joint: joint.strain)
    return (
        f"{where} the two sides see the same {worse.strained_points} points in different places "
        f"(strain {worse.strain:.1f}; right joints stay below {STRAIN:g}){step}"
    )


def _believed(seen: list[_Seen]) -> dict[str, float]:
    """The weakest joint of a part."""
    joints = [joint for one in seen for joint in (one.whole, one.near)]
    strains = [joint.strain for joint in joints if joint.strained_points >= STRAIN_POINTS]
    scales = [abs(one.near.log_scale) for one in seen if one.near.carrying >= FEW_POINTS]
    loosest = [one.whole.stiffness_sigma for one in seen if one.scaled]
    figures = {"worst_strain": strains, "worst_log_scale": scales, "loosest_scale_sigma": loosest}
    worst = {key: float(max(values)) for key, values in figures.items() if values}
    carrying = [one.whole.carrying for one in seen if one.scaled or one.whole.carrying >= FEW_CARRY]
    if carrying:
        worst["weakest_scale_points"] = float(min(carrying))
    return worst | ({"weakest_shared": float(min(one.whole.shared for one in seen))} if seen else {})
