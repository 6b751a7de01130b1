"""Splats out of what a file holds: limits of legal values are clamped, damaged rows dropped and counted, many of them refused.

sigmoid(+inf) is 1, an opaque splat, and what a byte of 255 becomes in some converters; a log scale of -inf is a flat splat, as
a 2D Gaussian's third axis is. Neither is damage. NaN is, and so are splats without a place, a size or a rotation.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32

from lyra_sim.data.given import LeftOut, ReadingNotes
from lyra_sim.data.splats import Splats
from lyra_sim.errors import InputError
from lyra_sim.splat_files.limits import check_count
from lyra_sim.splat_files.raw_splats import Kind, RawSplats

MOST_LOGIT = 20.0
"""Stands for an endless logit: 2e-9 from opaque, which is opaque in 32 bits. Derived."""
THIN = 0.01
"""Thickness of a splat that has none, as a share of its thinnest other axis. Convention."""
LEAST_LOG_SCALE = -20.0
"""Of a splat that has no size at all: 2e-9 units. Convention."""
MOST_DAMAGED = 0.05
"""A file with a larger share of damaged rows is refused: what is left may be no likeness of what was scanned. Convention."""
FARTHEST, LARGEST_LOG_SCALE = 1e9, 20.0
"""No splat of a place lies farther from its origin [units] or is larger; sums in 32 bits break down beyond. Derived."""
FEW = 16
"""With fewer splats than this, all of one sign says nothing. Tuned, unrecorded."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Splats of a file, in the file's own frame and unit, with what was left out of them and what was changed."""

    splats: Splats
    kind: Kind
    antialiased: bool | None
    notes: ReadingNotes


def made_sound(raw: RawSplats, path: Path) -> Reading:
    """Splats with finite numbers and unit quaternions.

    Raises:
        InputError: More than ``MOST_DAMAGED`` of the rows can't be used, or values are activated where raw ones belong.
    """
    subject, count = str(path), len(raw.means)
    check_count(count, subject)
    reasons = _damage(raw)
    damaged = np.any([rows for rows in reasons.values()], axis=0)
    told = {why: int(rows.sum()) for why, rows in reasons.items() if rows.any()}
    if damaged.sum() > MOST_DAMAGED * count:
        raise InputError(
            subject,
            f"{int(damaged.sum())} of {count} splats can't be used: " + "; ".join(f"{n} with {why}" for why, n in told.items()),
            expected=f"at most {MOST_DAMAGED:.0%} of them",
            likely="Training diverged, or the file is damaged.",
            next_step="Export it again from the tool it comes from.",
        )
    kept = ~damaged
    log_scales, flat = _with_thickness(raw.log_scales[kept])
    logits = raw.opacity_logits[kept]
    endless = np.isinf(logits)
    remarks = list(raw.remarks)
    if endless.any():
        remarks.append(f"{int(endless.sum())} endless opacity logits became ±{MOST_LOGIT:g}")
    if flat and "two scales" not in " ".join(remarks):
        remarks.append(f"{flat} splats without thickness got {THIN:g} of their thinnest other axis")
    if raw.antialiased:
        remarks.append("trained with antialiasing, which isn't drawn here: things thinner than a pixel look a little fuller")
    length = np.linalg.norm(raw.quats_wxyz[kept].astype(np.float64), axis=1, keepdims=True)
    splats = Splats(
        means=raw.means[kept],
        quats_wxyz=(raw.quats_wxyz[kept] / length).astype(np.float32),
        log_scales=log_scales,
        opacity_logits=np.where(endless, np.copysign(np.float32(MOST_LOGIT), logits), logits),
        sh_coeffs=raw.sh_coeffs[kept],
    )
    if raw.kind == "3DGS PLY":
        refuse_activated(splats, subject)
    held, taken = {"splats": count}, {"splats": int(kept.sum())}
    if raw.properties is not None:
        held["properties"], taken["properties"] = raw.properties
    dropped = tuple(LeftOut(what=f"splats with {why}", count=n, why="they can't be drawn") for why, n in told.items())
    return Reading(
        splats=splats,
        kind=raw.kind,
        antialiased=raw.antialiased,
        notes=ReadingNotes(
            file=path.name,
            format=f"{raw.kind} {raw.version}".strip(),
            held=held,
            taken=taken,
            left_out=dropped + raw.left_out,
            remarks=tuple(remarks),
        ),
    )


def _damage(raw: RawSplats) -> dict[str, Bool[np.ndarray, "n"]]:
    """Rows that can't be used, by what is wrong with them."""
    with np.errstate(invalid="ignore", over="ignore"):
        finite = np.isfinite(raw.means).all(axis=1) & np.isfinite(raw.quats_wxyz).all(axis=1)
        finite &= np.isfinite(raw.sh_coeffs).all(axis=(1, 2)) & ~np.isnan(raw.opacity_logits)
        finite &= ~(np.isnan(raw.log_scales) | np.isposinf(raw.log_scales)).any(axis=1)
        away, largest = np.abs(raw.means).max(axis=1), raw.log_scales.max(axis=1)
        length = np.linalg.norm(raw.quats_wxyz.astype(np.float64), axis=1)
        far, large = finite & (away > FARTHEST), finite & (largest > LARGEST_LOG_SCALE)
    worst = {"far": float(away[far].max(initial=0)), "large": float(largest[large].max(initial=0))}
    return {
        "values that aren't numbers": ~finite,
        f"a centre up to {worst['far']:.3g} units away": far,
        f"a scale of up to e^{worst['large']:.3g}": large,
        "a rotation of zero": finite & (length < 1e-12),
    }


def _with_thickness(log_scales: Float32[np.ndarray, "n 3"]) -> tuple[Float32[np.ndarray, "n 3"], int]:
    """Endless negative log scales replaced, and the number of splats that had one."""
    flat = np.isneginf(log_scales)
    if not flat.any():
        return log_scales, 0
    thinnest = np.where(flat, np.inf, log_scales).min(axis=1, keepdims=True)
    thin = np.where(np.isinf(thinnest), LEAST_LOG_SCALE, np.maximum(thinnest + np.log(THIN), LEAST_LOG_SCALE))
    return np.where(flat, thin, log_scales).astype(np.float32), int(flat.any(axis=1).sum())


def refuse_activated(splats: Splats, subject: str) -> None:
    """Raw values cover both signs; activated ones lie in 0..1, or above 0. Either would render as fog.

    All alike says nothing, and neither do a few: four splats of one logit are four splats. Log scales above zero are those of
    a file in centimetres, unless the splats would be as large as the whole.

    Raises:
        InputError: All opacities, or all scales, look activated.
    """
    logits, scales = splats.opacity_logits, splats.log_scales
    if len(splats) < FEW:
        return
    if logits.min() >= 0 and 0.5 < logits.max() <= 1 and np.ptp(logits) > 1e-3:
        raise InputError(
            subject,
            f"every opacity lies in {logits.min():.2f} to {logits.max():.2f}",
            expected="logits, as 3DGS stores them",
            likely="The opacities are activated already (0..1).",
            next_step="Export them raw, or apply log(x / (1 - x)).",
        )
    if scales.min() <= 0:
        return
    extent = float(np.ptp(np.percentile(splats.means, [5, 95], axis=0), axis=0).max())
    middle, large = np.percentile(scales, [50, 95])
    if middle < 0.5 or np.exp(middle) > 0.1 * extent or np.exp(large) > extent:
        raise InputError(
            subject,
            f"every scale lies above 0 ({scales.min():.3g} to {scales.max():.3g})",
            expected="natural logarithms, as 3DGS stores them",
            likely="The scales are activated already.",
            next_step="Export them raw, or take their logarithm.",
        )
