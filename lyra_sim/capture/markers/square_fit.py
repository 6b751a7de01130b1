"""The square that a marker is, from its corners in several posed photos: its edge in the frame's unit, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Float64
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from lyra_sim.capture.markers.detection import Sighting
from lyra_sim.data.posed import PosedPhotos

CORNER_PX = 0.1
"""Corners are never trusted to be nearer than this to where they were found [px]. Convention."""
EDGE_PX = 0.05
"""All edges of a photo may lie this far out together, by what the camera did to the picture [px]. Convention."""
SAME_PLACE = 0.2
"""Corners of one marker come back within this share of its edge from where they were seen, or within :data:`SAME_PLACE_PX`:
two markers never lie so near to each other. Convention."""
SAME_PLACE_PX = 4.0
"""[px]; cameras that were found lie off by less. Convention."""
LEAST_PARALLAX_DEG = 2.0
"""Rays of two photos must part by this, or nothing tells how far away a marker is. Convention."""
PAIRS_OF = 24
"""Photos of which every two propose a place, evenly spread over those that show a marker. Convention."""
NOT_SQUARE = 0.02
"""Corners that miss a square by more than this share of its edge (root mean square) are those of something bent, or moved.
Convention."""
_CORNERS = np.array([[-0.5, 0.5, 0], [0.5, 0.5, 0], [0.5, -0.5, 0], [-0.5, -0.5, 0]])
"""Of a square of edge 1, clockwise from the top left as somebody in front of it sees them. Convention."""


@dataclass(frozen=True, kw_only=True)
class Square:
    """A marker in space."""

    edge: float
    """[frame units]"""
    sigma_relative: float
    views: int
    """Photos that it stands on."""
    strays: int
    """Photos that show it where it can't be."""


@dataclass(frozen=True, kw_only=True)
class Unread:
    """Why a marker tells nothing."""

    reason: str


def fit_square(seen: Sequence[Sighting], posed: PosedPhotos) -> Square | Unread:
    """The square behind one marker's sightings.

    Every two photos with parallax propose a place; the one most photos agree with is fitted as a square of unknown edge (seven
    numbers), which is surer than four corners by themselves. Two places that two photos or more agree with each are two markers
    with one id. The sigma is the larger one of what the corners' errors make of it when they are independent, and when those of
    a photo go together, as a camera's own error makes them.

    Args:
        seen: Of one id.
        posed: The cameras.
    """
    views = [one.view for one in seen]
    if twice := sorted({view for view in views if views.count(view) > 1}):
        return Unread(reason=f"photo '{posed.names[twice[0]]}' shows it twice: two markers have this id")
    if len(seen) < 2:
        return Unread(reason=f"only one photo shows it, '{posed.names[views[0]]}'")
    rays = _Rays.of(seen, posed)
    place, parted = _place(rays)
    if place is None:
        if parted < LEAST_PARALLAX_DEG:
            return Unread(reason=f"its {len(seen)} photos were taken from nearly one spot: rays to it part by {parted:.1f}°")
        return Unread(reason=f"no two of its {len(seen)} photos show it in one place: it was moved, or several have this id")
    other, _ = _place(rays.of_views(~place))
    if other is not None:
        return Unread(
            reason=f"it is seen in two places, by {place.sum()} photos and by {other.sum()}: two markers have this id"
        )
    if (~place).sum() > place.sum():
        return Unread(reason=f"only {place.sum()} of its {len(seen)} photos show it in one place")
    return _fitted(rays.of_views(place), strays=int((~place).sum()))


@dataclass(frozen=True, kw_only=True)
class _Rays:
    """Sightings with their cameras."""

    centres: Float64[np.ndarray, "v 3"]
    c2w: Float64[np.ndarray, "v 3 3"]
    xy: Float64[np.ndarray, "v 4 2"]
    focal: Float64[np.ndarray, "v"]
    side_px: Float64[np.ndarray, "v"]

    @classmethod
    def of(cls, seen: Sequence[Sighting], posed: PosedPhotos) -> "_Rays":
        at = [one.view for one in seen]
        lenses = [posed.lenses[int(posed.lens_index[view])] for view in at]
        return cls(
            centres=posed.c2w[at, :3, 3],
            c2w=posed.c2w[at, :3, :3],
            xy=np.stack([one.corners for one in seen]),
            focal=np.array([np.sqrt(lens.K[0, 0] * lens.K[1, 1]) for lens in lenses]),
            side_px=np.array([one.side_px for one in seen]),
        )

    def of_views(self, kept: Bool[np.ndarray, "v"]) -> "_Rays":
        return _Rays(**{name: value[kept] for name, value in vars(self).items()})

    @property
    def directions(self) -> Float64[np.ndarray, "v 4 3"]:
        """Unit rays in the frame."""
        ahead = np.concatenate([self.xy, np.ones((*self.xy.shape[:2], 1))], axis=2)
        ahead = np.einsum("vij,vkj->vki", self.c2w, ahead)
        return np.asarray(ahead / np.linalg.norm(ahead, axis=2, keepdims=True))

    def misses(self, corners: Float64[np.ndarray, "4 3"]) -> Float64[np.ndarray, "v 4 2"]:
        """From where corners are seen to where they would be [px]; far off where they lie behind a camera."""
        camera = np.einsum("vij,vki->vkj", self.c2w, corners - self.centres[:, None])
        ahead = np.where(camera[..., 2:] > 1e-9, camera[..., 2:], 1e-9)
        return np.asarray((camera[..., :2] / ahead - self.xy) * self.focal[:, None, None])

    def corners(self) -> Float64[np.ndarray, "4 3"]:
        """Points nearest to the rays of all views."""
        along = self.directions
        across = np.eye(3) - along[..., :, None] * along[..., None, :]
        right = np.einsum("vkij,vj->ki", across, self.centres)
        return np.asarray(np.linalg.solve(across.sum(axis=0), right[..., None])[..., 0])


def _place(rays: _Rays) -> tuple[Bool[np.ndarray, "v"] | None, float]:
    """The views of the place that most agree with, the best fitted of equals; and the widest parallax of any two [degrees]."""
    count, widest = len(rays.focal), 0.0
    best: tuple[int, float, Bool[np.ndarray, v]] | None = None
    allowed = np.maximum(SAME_PLACE * rays.side_px, SAME_PLACE_PX)
    middles = rays.directions.mean(axis=1)
    middles /= np.linalg.norm(middles, axis=1, keepdims=True)
    spread = np.unique(np.linspace(0, count - 1, min(count, PAIRS_OF)).astype(int)).tolist() if count else list[int]()
    for pair in combinations(spread, 2):
        parted = float(np.degrees(np.arccos(np.clip(middles[pair[0]] @ middles[pair[1]], -1, 1))))
        widest = max(widest, parted)
        if parted < LEAST_PARALLAX_DEG:
            continue
        both = np.isin(np.arange(count), pair)
        misses = np.linalg.norm(rays.misses(rays.of_views(both).corners()), axis=2).max(axis=1)
        agree = misses <= allowed
        if not agree[both].all():
            continue
        ranked = (int(agree.sum()), -float(misses[agree].mean()))
        if best is None or ranked > best[:2]:
            best = (*ranked, agree)
    return None if best is None else best[2], widest


def _fitted(rays: _Rays, *, strays: int) -> Square | Unread:
    start = rays.corners()
    edge = float(np.linalg.norm(start - np.roll(start, -1, axis=0), axis=1).mean())
    right, up = start[1] + start[2] - start[0] - start[3], start[0] + start[1] - start[2] - start[3]
    right /= np.linalg.norm(right)
    facing = np.cross(right, up)
    facing /= np.linalg.norm(facing)
    turn = Rotation.from_matrix(np.stack([right, np.cross(facing, right), facing], axis=1))
    middle = start.mean(axis=0)

    def misses(x: np.ndarray) -> np.ndarray:
        square = (
            (_CORNERS * (edge * np.exp(x[6]))) @ (Rotation.from_rotvec(x[:3]) * turn).as_matrix().T + middle + edge * x[3:6]
        )
        return rays.misses(square).ravel()

    found = least_squares(misses, np.zeros(7), x_scale="jac")
    left, slopes = misses(found.x), found.jac
    shape = left.reshape(-1, 4, 2)
    rms = float(np.sqrt(((shape - shape.mean(axis=1, keepdims=True)) ** 2).mean()))  # a camera's own error moves all four alike
    if rms > max(NOT_SQUARE * float(np.median(rays.side_px)), 1.0):
        return Unread(reason=f"its corners lie {rms:.1f} px from any square of one place: it is bent, or was moved")
    information = np.linalg.inv(slopes.T @ slopes)
    noise = max(CORNER_PX**2, float((left**2).sum()) / max(len(left) - 7, 1))
    by_view = np.einsum("vrp,vr->vp", slopes.reshape(-1, 8, 7), left.reshape(-1, 8))
    together = information @ (by_view.T @ by_view) @ information * (len(by_view) / (len(by_view) - 1))
    variance = max(noise * information[6, 6], together[6, 6])
    size_px = float(np.sqrt((rays.side_px**2).mean()))
    return Square(
        edge=edge * float(np.exp(found.x[6])),
        sigma_relative=float(np.hypot(np.sqrt(variance), 2 * EDGE_PX / size_px)),
        views=len(rays.focal),
        strays=strays,
    )
