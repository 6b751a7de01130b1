"""Given cameras judged photo by photo, and photos that were stored turned read as their cameras mean them.

COLMAP, and files made from it, mean pixels as they are stored; viewers, and this package, turn a photo as its EXIF says. Where
both keep the size (a half turn, or a quarter of a square photo) nothing but what the photos share tells which was meant.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from lyra_sim.capture.trust.epipolar_check import CLEARLY, ENOUGH, photo_agreement
from lyra_sim.data.posed import Lens, PhotoSet, PosedPhotos

_UPRIGHT_FROM_STORED = {
    3: np.array([[-1.0, 0.0], [0.0, -1.0]]),
    6: np.array([[0.0, -1.0], [1.0, 0.0]]),
    8: np.array([[0.0, 1.0], [-1.0, 0.0]]),
}
"""What EXIF's turns do to image coordinates, x right and y down; mirrored photos, which no camera makes, stay as they are."""
MISFIT = 0.15
"""A photo is left out where less of what it shares agrees, … Tuned, unrecorded."""
LEAST_MATCHES = 40
"""… of so many matches at least, … Tuned, unrecorded."""
SOUND = 0.5
"""… and where this share of all photos agree by ``ENOUGH``: the set is right then, and the photo isn't. Tuned, unrecorded."""


def read_as_stored(posed: PosedPhotos, photos: PhotoSet, *, work: Path) -> tuple[PosedPhotos, tuple[str, ...]]:
    """The cameras, those of turned photos read for pixels as stored where that fits clearly better, and the names of these.

    Args:
        posed: Cameras as given, taken for the upright photos.
        photos: With their EXIF orientations.
        work: Folder that the matches lie in.
    """
    turned = [index for index, name in enumerate(posed.names) if photos.by_name[name].orientation in _UPRIGHT_FROM_STORED]
    if not turned:
        return posed, ()
    as_stored = _with_turned_cameras(posed, turned, photos)
    (read, matches), (other, _) = (photo_agreement(one, work=work) for one in (posed, as_stored))
    told = [index for index in turned if matches[index] > 0]
    if not told:
        return posed, ()
    upright, stored = (float(np.average(share[told], weights=matches[told])) for share in (read, other))
    if stored < ENOUGH or stored < CLEARLY * upright:
        return posed, ()
    return as_stored, tuple(posed.names[index] for index in turned)


def misfits(posed: PosedPhotos, *, work: Path) -> dict[str, str]:
    """Photos whose cameras don't fit what they share with others, where those of most photos do; with the reason."""
    share, matches = photo_agreement(posed, work=work)
    judged = matches >= LEAST_MATCHES
    if not judged.any() or (share[judged] >= ENOUGH).mean() < SOUND:
        return {}
    return {
        posed.names[index]: f"{share[index]:.0%} of what it shares with other photos lies where its camera allows it"
        for index in np.flatnonzero(judged & (share < MISFIT))
    }


def _with_turned_cameras(posed: PosedPhotos, turned: list[int], photos: PhotoSet) -> PosedPhotos:
    c2w, lens_index, lenses = posed.c2w.copy(), posed.lens_index.copy(), list(posed.lenses)
    made: dict[tuple[int, int], int] = {}
    for index in turned:
        orientation, lens = photos.by_name[posed.names[index]].orientation, int(posed.lens_index[index])
        turn = np.eye(4)
        turn[:2, :2] = _UPRIGHT_FROM_STORED[orientation]
        c2w[index] = c2w[index] @ turn.T
        if (orientation, lens) not in made:
            made[orientation, lens] = len(lenses)
            lenses.append(_turned(posed.lenses[lens], turn[:2, :2]))
        lens_index[index] = made[orientation, lens]
    return replace(posed, c2w=c2w, lens_index=lens_index, lenses=tuple(lenses))


def _turned(lens: Lens, turn: Float64[np.ndarray, "2 2"]) -> Lens:
    """The lens of an image turned about its centre; the tangential part of the distortion turns as a vector does."""
    half = np.array([lens.width, lens.height]) / 2
    size = np.abs(turn) @ half
    K = lens.K.copy()
    K[0, 0], K[1, 1] = np.abs(turn) @ np.array([lens.K[0, 0], lens.K[1, 1]])
    K[:2, 2] = turn @ (lens.K[:2, 2] - half) + size
    p2, p1 = turn @ lens.distortion[[3, 2]]
    distortion = np.array([lens.distortion[0], lens.distortion[1], p1, p2])
    return Lens(K=K, distortion=distortion, width=round(2 * size[0]), height=round(2 * size[1]))
