"""Feature points that are looked for in a build's photos only when it is judged, under the cameras it has.

A tenth of the tracks that cameras were found by is too few to judge a room of blank walls. Photos show more: fainter features,
and those whose partners only known cameras tell. Every feature of a photo is compared along its epipolar lines with those of
its neighbours, by another library's SIFT (Lowe 2004) than the cameras were found by; no depth map takes part, and features
of the tracks that earlier steps were given are left out. A wrong match in three photos happens; that a fourth photo shows
the same feature within a pixel of where the others put it, hardly ever.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64
from scipy.spatial import cKDTree

from lyra_sim.data.sparse import SparsePoints
from lyra_sim.data.views import Views
from lyra_sim.geometry.cameras import CameraPath

MOST_PHOTOS = 120
"""Of more, so many are looked at, spread evenly: each takes about a second. Convention."""
MOST_FEATURES = 4000
"""In a photo, the strongest. Convention."""
CONTRAST, EDGE_RATIO = 0.005, 20.0
"""Of features: an eighth of what OpenCV asks for, and twice the ratio of curvatures that it grants, for known cameras sort out
noise and hold what would slide along an edge. Tuned on small_house_photos."""
PARTNERS = 20
"""Photos that each is compared with: the nearest, where a radian of turn is as far as what they show. Convention."""
LEAST_BASELINE = 0.02
"""Between photos that are compared, as a share of the distance of what they show: less says nothing of it. Convention."""
MOST_TURN_DEG = 50.0
"""Between their optical axes: SIFT bears no more. Convention."""
BAND_PX, AGREE_PX = 2.0, 1.0
"""Of a match beside its epipolar line, and of a sighting beside the point that all of them make. Convention."""
RATIO = 0.8
"""Of descriptors' distances, the nearest against the next in the band (Lowe 2004). Convention."""
LEAST_ALIKE = 0.85
"""Cosine between the descriptors of a match: noise is less alike. Tuned on small_house_photos."""
LEAST_SIGHTINGS = 4
"""Of a point. Tuned on small_house_photos."""
SEEN_PX = 3.0
"""A feature as near as this to a sighting of a track that steps were given is that track's. Convention."""


@dataclass(frozen=True, kw_only=True)
class _Photo:
    """Features of a photo."""

    index: int
    xy: Float64[np.ndarray, "f 2"]
    """Normalised, as sightings are kept."""
    descriptors: Float32[np.ndarray, "f 128"]
    """Of unit length."""
    left: Bool[np.ndarray, "f"]
    """Those that belong to no point yet; changed as points are found."""


def found_points(views: Views, cameras: CameraPath, given: SparsePoints | None, *, reach: float) -> SparsePoints:
    """Points in the frame of ``cameras``, each with all of its sightings.

    Args:
        views: The photos, undistorted.
        cameras: Of every one.
        given: Tracks that earlier steps were given.
        reach: Typical distance of what the photos show, in the unit of the cameras.
    """
    asked = np.unique(np.linspace(0, len(views) - 1, min(len(views), MOST_PHOTOS)).astype(int))
    photos = {int(index): _read(views, cameras, int(index), given) for index in asked}
    points, sights = [np.zeros((0, 3))], [np.zeros((0, 4))]
    count = 0
    for photo in photos.values():
        partners = [photos[other] for other in _partners(cameras, photo.index, asked, reach)]
        if len(partners) < LEAST_SIGHTINGS - 1:
            continue
        rows = np.stack([np.arange(len(photo.xy)), *(_matched(photo, other, cameras) for other in partners)], axis=1)
        rows[~photo.left] = -1
        seen_by = [photo, *partners]
        rows = rows[(rows >= 0).sum(axis=1) >= LEAST_SIGHTINGS]
        found, shown = _points(rows, seen_by, cameras)
        for column, other in enumerate(seen_by):
            mine = np.flatnonzero(shown[:, column])
            features = rows[mine, column]
            other.left[features] = False
            sights.append(np.column_stack([count + mine, np.full(len(mine), other.index), other.xy[features]]))
        points.append(found)
        count += len(found)
    table = np.concatenate(sights)
    whole = SparsePoints(
        points=np.concatenate(points),
        point_index=table[:, 0].astype(np.int32),
        view_index=table[:, 1].astype(np.int32),
        xy=table[:, 2:],
    )
    return whole.of_views(tuple(range(len(views))))


def _read(views: Views, cameras: CameraPath, index: int, given: SparsePoints | None) -> _Photo:
    import cv2

    K = cameras.K[index]
    finder = cv2.SIFT.create(nfeatures=MOST_FEATURES, contrastThreshold=CONTRAST, edgeThreshold=EDGE_RATIO)
    grey = cv2.cvtColor(views.rgb(index), cv2.COLOR_RGB2GRAY)
    corners, descriptors = finder.detectAndCompute(grey, views.valid(index).astype(np.uint8))
    if not len(corners):
        return _Photo(index=index, xy=np.zeros((0, 2)), descriptors=np.zeros((0, 128), np.float32), left=np.zeros(0, bool))
    uv = np.array([corner.pt for corner in corners], np.float64) + 0.5  # OpenCV counts from a pixel's centre
    xy = (uv - K[:2, 2]) / np.diag(K)[:2]
    root = np.sqrt(descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-9))  # Arandjelović and Zisserman 2012
    left = np.ones(len(xy), bool)
    sights = np.zeros((0, 2)) if given is None else given.xy[given.view_index == index]
    if len(sights):
        left = ~np.isfinite(cKDTree(sights).query(xy, distance_upper_bound=SEEN_PX / K[0, 0])[0])
    return _Photo(index=index, xy=xy, descriptors=root.astype(np.float32), left=left)


def _partners(cameras: CameraPath, index: int, asked: Int64[np.ndarray, "a"], reach: float) -> list[int]:
    """Photos that show the same from elsewhere, the nearest first."""
    apart = np.linalg.norm(cameras.centres[asked] - cameras.centres[index], axis=1) / reach
    turn = np.arccos(np.clip(cameras.c2w[asked, :3, 2] @ cameras.c2w[index, :3, 2], -1, 1))
    able = (apart >= LEAST_BASELINE) & (turn <= np.radians(MOST_TURN_DEG)) & (asked != index)
    order = np.argsort((apart + turn)[able], kind="stable")[:PARTNERS]
    return [int(other) for other in asked[able][order]]


def _matched(photo: _Photo, other: _Photo, cameras: CameraPath) -> Int64[np.ndarray, "f"]:
    """The feature of ``other`` that each is, -1 for none: the nearest beside its epipolar line, and the other way round."""
    nothing = np.full(len(photo.xy), -1)
    if not photo.left.any() or not other.left.any():
        return nothing
    mine, theirs = np.flatnonzero(photo.left), np.flatnonzero(other.left)
    other_from_photo = cameras.w2c[other.index] @ cameras.c2w[photo.index]
    x, y, z = other_from_photo[:3, 3]
    essential = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]]) @ other_from_photo[:3, :3]
    lines = np.column_stack([photo.xy[mine], np.ones(len(mine))]) @ essential.T
    lines /= np.maximum(np.linalg.norm(lines[:, :2], axis=1, keepdims=True), 1e-12)
    at_theirs = np.column_stack([other.xy[theirs], np.ones(len(theirs))]).astype(np.float32)
    beside = np.abs(lines.astype(np.float32) @ at_theirs.T)
    alike = photo.descriptors[mine] @ other.descriptors[theirs].T
    alike[beside > BAND_PX / cameras.K[other.index, 0, 0]] = -1
    best = alike.argmax(axis=1)
    at = np.arange(len(mine))
    first = alike[at, best]
    mutual = (first > LEAST_ALIKE) & (alike.argmax(axis=0)[best] == at)
    alike[at, best] = -1
    second = np.maximum(alike.max(axis=1), 0)
    sure = mutual & (np.sqrt(np.maximum(1 - first, 0)) < RATIO * np.sqrt(1 - np.minimum(second, 1)))
    nothing[mine[sure]] = theirs[best[sure]]
    return nothing


def _points(
    rows: Int64[np.ndarray, "n v"], photos: list[_Photo], cameras: CameraPath
) -> tuple[Float64[np.ndarray, "n 3"], Bool[np.ndarray, "n v"]]:
    """The point of every row of features, and which of them show it; none where too few agree.

    The sighting that lies farthest off goes, as long as one lies too far off.
    """
    index = np.array([photo.index for photo in photos])
    xy = np.stack([np.where((rows[:, [c]] >= 0), photo.xy[rows[:, c]], 0.0) for c, photo in enumerate(photos)], axis=1)
    shown = rows >= 0
    c2w, w2c, focal = cameras.c2w[index], cameras.w2c[index], cameras.K[index, 0, 0]
    rays = np.einsum("vij,nvj->nvi", c2w[:, :3, :3], np.concatenate([xy, np.ones((*xy.shape[:2], 1))], axis=2))
    rays /= np.linalg.norm(rays, axis=2, keepdims=True)
    across = np.eye(3) - rays[..., :, None] * rays[..., None, :]
    points = np.zeros((len(rows), 3))
    for _ in range(len(photos)):
        enough = shown.sum(axis=1) >= LEAST_SIGHTINGS
        shown[~enough] = False
        normal = np.einsum("nv,nvij->nij", shown, across) + 1e-12 * np.eye(3)
        points = np.linalg.solve(normal, np.einsum("nv,nvij,vj->ni", shown, across, c2w[:, :3, 3])[..., None])[..., 0]
        local = np.einsum("vij,nj->nvi", w2c[:, :3, :3], points) + w2c[:, :3, 3]
        ahead = local[..., 2] > 0
        off = np.linalg.norm(local[..., :2] / np.where(ahead, local[..., 2], 1.0)[..., None] - xy, axis=2) * focal
        off = np.where(shown, np.where(ahead, off, np.inf), -np.inf)
        worst = off.argmax(axis=1)
        wrong = np.flatnonzero(off.max(axis=1) > AGREE_PX)
        if not len(wrong):
            break
        shown[wrong, worst[wrong]] = False
    return points, shown
