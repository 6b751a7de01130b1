"""Whether found cameras can be believed: structure-from-motion can look perfect and be wrong.

Registration and reprojection error say nothing: the small warehouse's photos register 48 of 48 at half a pixel and lie
metres off, because the scale jumps at a blank wall. What tells is in :mod:`rigid_parts`; here it is brought together with
GPS, lens, the height that cameras are held at and the figures people are used to.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float64

from lyra_sim.capture.trust.gps_check import gps_agreement
from lyra_sim.capture.trust.group_joints import SightLines
from lyra_sim.capture.trust.rigid_parts import named, rigid_parts
from lyra_sim.data.posed import PosedPhotos
from lyra_sim.geometry.gravity import up_from_cameras
from lyra_sim.geometry.sparse_floor import find_sparse_floor

FOCAL = (0.4, 3.0)
"""Focal lengths of lenses people photograph rooms and streets with [longer sides]. Convention."""
DISTORTION = 0.5
"""|k1| of such a lens stays below this. Convention."""
HALVES = 1.35
"""GPS scale of the two halves may differ by this factor. Tuned on the photo sets."""
LARGE_ERROR_PX = 2.0
"""Mean reprojection error from which a model is worth a word [px]. Tuned on the photo sets."""

STRETCH = 10
"""Photos in a row whose points make one piece of ground. Tuned on the photo sets."""
JUMP = 1.35
"""Ratio of heights over neighbouring pieces worth a word. Measured: false joints 1.3 to 1.9, right models to 1.17
where ground is seen; where a sofa is taken for it, 2.7. Tuned on the photo sets."""


@dataclass(frozen=True, kw_only=True)
class PoseTrust:
    """What of a model can be believed, and why not the rest."""

    photos: int
    """In the model."""
    parts: tuple[tuple[int, ...], ...]
    """Rigid parts that can be trusted each by itself, largest first; indices into the model's photos."""
    findings: tuple[str, ...]
    """What was found, in plain English; empty when nothing was."""
    figures: dict[str, float]
    """Numbers behind it; a figure that can't be had is left out."""
    contradicted: bool
    """The lens or the GPS fixes say that the model as a whole is wrong."""

    @property
    def sound(self) -> bool:
        """All photos are in one part and nothing contradicts it."""
        return not self.contradicted and len(self.parts) > 0 and len(self.parts[0]) == self.photos

    @property
    def trusted(self) -> tuple[int, ...]:
        """The largest part that nothing contradicts."""
        return self.parts[0] if self.parts and not self.contradicted else ()


def assess_trust(posed: PosedPhotos, *, geo: Float64[np.ndarray, "n 3"] | None, ordered: bool = True) -> PoseTrust:
    """Weigh everything that photos, points and GPS say about a model's cameras.

    Args:
        posed: Cameras with the sightings they were found by, or that were triangulated from them.
        geo: East, north, up of every photo of the model [m]; NaN rows without a fix that may be believed.
        ordered: The photos' order is the order they were taken in; then every step is looked at as well.
    """
    if len(posed) == 1:
        return PoseTrust(photos=1, parts=((0,),), findings=(), figures={}, contradicted=False)
    rigid = rigid_parts(posed, ordered=ordered)
    findings = list(rigid.findings)
    figures = {"photos": float(len(posed)), "largest_part": float(len(rigid.parts[0]) if rigid.parts else 0), **rigid.figures}
    figures |= _point_figures(posed)
    if np.isfinite(posed.reprojection_px):
        figures["reprojection_px"] = posed.reprojection_px
        if posed.reprojection_px > LARGE_ERROR_PX:
            findings.append(f"points lie {posed.reprojection_px:.1f} px from where they are seen, on average")
    lens = _implausible_lenses(posed)
    findings += lens
    if ordered:
        said, heights = ground_findings(posed)
        figures |= heights
        findings += said if findings else ()  # furniture passes for ground too: alone it is a figure, no finding
    gps = gps_agreement(posed.centres, geo)
    if gps is not None and geo is not None:
        figures |= {"gps_rms_m": gps.rms_m, "gps_fixes": float(gps.fixes), "gps_extent_m": gps.extent_m}
        off = tuple(np.flatnonzero(np.isfinite(geo).all(axis=1) & ~gps.fits).tolist())
        if gps.contradicted:
            findings.append(
                f"cameras and GPS disagree: {gps.fits.sum()} of {gps.fixes} fixes fit, "
                f"to {gps.rms_m:.1f} m over {gps.extent_m:.0f} m"
            )
        elif off:
            findings.append(f"the GPS fix of {named(posed.names, off)} fits nowhere near; it isn't used against the cameras")
        if np.isfinite(gps.halves):
            figures["gps_halves"] = gps.halves
            if not 1 / HALVES < gps.halves < HALVES:
                findings.append(f"by GPS the later half is {gps.halves:.2g}x as large as the earlier half makes it")
    return PoseTrust(
        photos=len(posed),
        parts=rigid.parts,
        findings=tuple(findings),
        figures={key: float(value) for key, value in figures.items()},
        contradicted=bool(lens) or (gps is not None and gps.contradicted),
    )


def _point_figures(posed: PosedPhotos) -> dict[str, float]:
    """How many points hold the photos, and under what angles they were seen."""
    sparse = posed.sparse
    held = np.bincount(sparse.view_index, minlength=len(posed))
    figures = {"points": float(len(sparse.points)), "least_points_of_a_photo": float(held.min())}
    if len(sparse.point_index):
        lines = SightLines.of(posed)
        first = lines.views[lines.starts]
        last = lines.views[np.append(lines.starts[1:], len(lines.views)) - 1]
        away = [lines.points - posed.centres[view] for view in (first, last)]
        length = [np.linalg.norm(one, axis=1) for one in away]
        cosine = (away[0] * away[1]).sum(axis=1) / np.maximum(length[0] * length[1], 1e-300)
        figures["median_parallax_deg"] = float(np.degrees(np.median(np.arccos(np.clip(cosine, -1, 1)))))
    return figures


def _implausible_lenses(posed: PosedPhotos) -> list[str]:
    """A sentence on every lens nobody would take such photos with: what a model that went wrong hides its errors in."""
    findings = []
    for lens in posed.lenses:
        side, focal, k1 = max(lens.width, lens.height), float(np.sqrt(lens.K[0, 0] * lens.K[1, 1])), float(lens.distortion[0])
        if not FOCAL[0] <= focal / side <= FOCAL[1]:
            findings.append(f"a focal length of {focal:.0f} px for a {side} px wide photo is no lens people use")
        elif abs(k1) >= DISTORTION:
            findings.append(f"a distortion k1 of {k1:+.2f} is no lens people use; the model hides its errors in it")
    return findings


def ground_findings(posed: PosedPhotos) -> tuple[tuple[str, ...], dict[str, float]]:
    """Sentences and figures on the camera height along photos in the order of a walk.

    Stairs, kerbs, lifted cameras and furniture taken for ground change it too, so it is a hint and opens no joint by itself.
    """
    up, sigma = up_from_cameras(posed.c2w)
    heights: list[tuple[int, float]] = []
    for first in range(0, len(posed) - STRETCH + 1, STRETCH):
        window = np.arange(first, first + STRETCH)
        rows = np.unique(posed.sparse.point_index[np.isin(posed.sparse.view_index, window)])
        centres = posed.centres[window]
        points = posed.sparse.points[rows]
        points = points[np.argsort(np.linalg.norm(points - centres[0], axis=1))]  # planes are tried by row: one order for all
        floor = find_sparse_floor(points, centres, up=up, up_sigma_deg=min(sigma, 3.0))
        if floor is not None:
            heights.append((first, float(np.median(centres @ floor.normal)) - floor.height))
    findings, largest = [], 1.0
    for (before, low), (after, high) in pairwise(heights):
        ratio = max(high / low, low / high)
        largest = max(largest, ratio)
        if ratio > JUMP:
            there, here = (named(posed.names, tuple(range(first, first + STRETCH))) for first in (before, after))
            findings.append(
                f"the cameras are {high / low:.2g}x as high above the ground from {here} as from {there}: "
                "stairs, or the scale jumps"
            )
    return tuple(findings), {"camera_height_jump": largest} if len(heights) > 1 else {}
