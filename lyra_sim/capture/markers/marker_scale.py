"""What markers of a stated size tell of the scale of posed photos, and why others tell nothing."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from lyra_sim.capture.markers.detection import Sighting, sightings
from lyra_sim.capture.markers.square_fit import Square, Unread, fit_square
from lyra_sim.data.posed import PhotoSet, PosedPhotos
from lyra_sim.data.scale import MarkerReading, ScaleEvidence, combine
from lyra_sim.errors import FrameError
from lyra_sim.scene.sources import Markers, MarkersScale

VAGUE = 0.05
"""A marker that tells the scale no better than this (1-sigma, relative) isn't used. Convention."""
NAMED = 5
"""Markers that are named before the rest is counted. Convention."""


def read_markers(stated: Sequence[MarkersScale], posed: PosedPhotos, photos: PhotoSet, *, subject: str) -> MarkerReading:
    """One piece of evidence for all markers of one statement; what they have in common, their stated size, counts once.

    Args:
        stated: What the scene file says of markers, one by one.
        posed: Cameras of photos, in any unit.
        photos: The files behind them, at full size.
        subject: What messages begin with.

    Raises:
        FrameError: Markers that are stated to be of one size aren't, and no majority of them tells which is right.
    """
    evidence, notes = [], []
    for one in stated:
        markers = one.stated
        squares, said = _squares(markers, posed, photos)
        notes += said
        if not squares:
            continue
        try:
            told = combine([_evidence(markers, name, square) for name, square in squares.items()], subject=subject)
        except FrameError as error:
            raise FrameError(
                subject,
                error.found,
                expected=f"markers that are all {markers.size:g} m, or one more that decides",
                likely="They were printed at different scales, or two markers have one id.",
                next_step="Measure them, and state each size with the ids it holds for (scale: a list of markers).",
            ) from error
        used = {piece.source for piece in told.evidence if piece.used}
        notes += [
            f"{piece.source} is left out: it contradicts the others ({piece})" for piece in told.evidence if not piece.used
        ]
        views = sum(square.views for name, square in squares.items() if _source(markers, name) in used)
        names = ", ".join(str(name) for name in squares if _source(markers, name) in used)
        evidence.append(
            ScaleEvidence(
                metres_per_unit=told.metres_per_unit,
                sigma_relative=float(np.hypot(told.sigma_relative, one.sigma_relative)),
                source=f"markers of {markers.size:g} m ({names}; {views} sightings)",
            )
        )
    return MarkerReading(evidence=tuple(evidence), notes=tuple(notes))


def _squares(markers: Markers, posed: PosedPhotos, photos: PhotoSet) -> tuple[dict[int, Square], list[str]]:
    """Markers that tell the scale, by id, and what is said of those that don't."""
    by_id: dict[int, list[Sighting]] = {}
    for view, photo in enumerate(posed.names):
        with Image.open(photos.by_name[photo].file) as image:
            grey = np.asarray(image.convert("L"))
        lens = posed.lenses[int(posed.lens_index[view])]
        for seen in sightings(grey, lens, markers.dictionary, view=view, ids=markers.ids):
            by_id.setdefault(seen.marker, []).append(seen)
    squares: dict[int, Square] = {}
    unread: list[str] = []
    for name in sorted(by_id):
        found = fit_square(by_id[name], posed)
        if isinstance(found, Square) and not found.sigma_relative <= VAGUE:
            found = Unread(reason=f"it tells it to ± {100 * found.sigma_relative:.0f} % only")
        if isinstance(found, Unread):
            unread.append(f"marker {name} doesn't tell the scale: {found.reason}")
            continue
        squares[name] = found
        if found.strays:
            unread.append(f"marker {name} is left out in {found.strays} photos that show it elsewhere")
    missing = [name for name in markers.ids or () if name not in by_id]
    unread += [f"marker {name} of {markers.dictionary} is in none of the {len(posed)} photos" for name in missing]
    if not by_id and not missing:
        unread.append(f"no marker of {markers.dictionary} is in any of the {len(posed)} photos")
    rest = len(unread) - NAMED
    return squares, unread[:NAMED] + ([f"{rest} more markers tell nothing either"] if rest > 0 else [])


def _evidence(markers: Markers, name: int, square: Square) -> ScaleEvidence:
    return ScaleEvidence(
        metres_per_unit=markers.size / square.edge, sigma_relative=square.sigma_relative, source=_source(markers, name)
    )


def _source(markers: Markers, name: int) -> str:
    return f"marker {name} of {markers.size:g} m"
