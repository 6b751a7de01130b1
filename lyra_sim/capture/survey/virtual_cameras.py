"""Virtual cameras that together see nearly all of given geometry from at least two places.

Which views are worth taking is a cover: cells of the surface, each to be seen twice, well. The gain of a further view shrinks
with what has been seen, so that taking the best one each time comes within 1 - 1/e of the best choice (Nemhauser, Wolsey and
Fisher 1978), and gains need to be worked out again only for the few that may lead (Minoux 1978).
"""

import heapq
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int64

from lyra_sim.capture.survey.standing_room import EYE, Standing
from lyra_sim.data.capture import SurveyFacts
from lyra_sim.geometry.cameras import CameraPath, pixel_rays
from lyra_sim.rendering.ray_casting import RayCaster

WIDTH, HEIGHT, FOCAL = 320, 240, 160.0
"""Of the views [px]: 90 by 74 degrees. Convention."""
LOW_EYE = 0.4
"""A second height above the floor, which sees under tables [m]. Convention."""
YAWS = 8
"""Directions looked in from every place. Convention."""
PITCHES = {EYE: (-0.7, -0.1, 0.6), LOW_EYE: (0.0,)}
"""Pitches, up positive, by height above the floor [rad]."""
LOOKS = (20, 15)
"""Rays a candidate is judged by, across and down. Convention."""
SURFACE_CELL = 0.15
"""Edge of the cells of surface that are to be seen [m]. Tuned, unrecorded."""
FINE = 0.03
"""A view sees a cell well when its pixels are this wide on it [m]; wider ones count for as much less. Tuned, unrecorded."""
WORTH = 3.0
"""A view is taken for at least so many cells' worth. Tuned, unrecorded."""
LIGHT_BLOCK = 1 << 21
"""Rays cast at once. Convention."""
LEAST_CLEAR = 0.15
"""A camera keeps this far from any surface [m]. Convention."""


@dataclass(frozen=True, kw_only=True)
class Survey:
    """The views to take, along a walk from place to place."""

    cameras: CameraPath
    facts: SurveyFacts


def plan_survey(standing: Standing, caster: RayCaster, normals: Float32[np.ndarray, "f 3"], *, most_views: int) -> Survey:
    """Choose views at the standing places, in the frame of ``caster``, metres, z up.

    Args:
        standing: Where cameras may be.
        caster: The surface.
        normals: Of its faces, unit; which way doesn't matter.
        most_views: At most so many.
    """
    candidates, place = _candidates(standing, caster)
    views, cells, quality = _seen(candidates, caster, normals)
    chosen, times = _cover(views, cells, quality, len(candidates.c2w), most_views)
    order = _walk(standing, place[chosen], chosen)
    c2w = candidates.c2w[order]
    facts = SurveyFacts(
        surface_cells=len(times),
        seen_once_share=round(float((times >= 1).mean()), 4) if len(times) else 0.0,
        seen_twice_share=round(float((times >= 2).mean()), 4) if len(times) else 0.0,
        candidates=len(candidates.c2w),
        standing=standing.facts,
    )
    return Survey(cameras=survey_cameras(c2w), facts=facts)


def survey_cameras(c2w: Float64[np.ndarray, "n 4 4"]) -> CameraPath:
    """Cameras of the survey's lens."""
    K = np.array([[FOCAL, 0, WIDTH / 2], [0, FOCAL, HEIGHT / 2], [0, 0, 1.0]])
    return CameraPath(c2w=c2w, K=np.tile(K, (len(c2w), 1, 1)), width=WIDTH, height=HEIGHT)


def _candidates(standing: Standing, caster: RayCaster) -> tuple[CameraPath, Int64[np.ndarray, "c"]]:
    """All views that could be taken, and the place each is taken from."""
    c2w, place = [], []
    for eye, pitches in PITCHES.items():
        centres = standing.places + np.array([0, 0, eye])
        clear = caster.distances(centres) > LEAST_CLEAR
        for pitch in pitches:
            for number in range(YAWS):
                yaw = 2 * np.pi * (number + (pitch > 0) / 2) / YAWS
                matrices = np.tile(_looking(yaw, pitch), (int(clear.sum()), 1, 1))
                matrices[:, :3, 3] = centres[clear]
                c2w.append(matrices)
                place.append(np.flatnonzero(clear))
    return survey_cameras(np.concatenate(c2w)), np.concatenate(place)


def _looking(yaw: float, pitch: float) -> Float64[np.ndarray, "4 4"]:
    """Camera axes (OpenCV) that look along ``yaw`` from +x, ``pitch`` up [rad], upright."""
    forward = np.array([np.cos(yaw) * np.cos(pitch), np.sin(yaw) * np.cos(pitch), np.sin(pitch)])
    right = np.array([np.sin(yaw), -np.cos(yaw), 0.0])
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    return matrix


def _seen(
    cameras: CameraPath, caster: RayCaster, normals: Float32[np.ndarray, "f 3"]
) -> tuple[Int64[np.ndarray, "p"], Int64[np.ndarray, "p"], Float64[np.ndarray, "p"]]:
    """Pairs of a candidate and a cell of surface it sees, sorted by candidate, and how well (0..1).

    A cell is a side of the surface: a thin wall has two.
    """
    across, down = LOOKS
    small = cameras.resized(across, down)
    rays = pixel_rays(small.K[0], across, down).reshape(-1, 3).astype(np.float64)
    ids, keys, good = [], [], []
    block = max(1, LIGHT_BLOCK // len(rays))
    for begin in range(0, len(cameras.c2w), block):
        c2w = cameras.c2w[begin : begin + block]
        directions = np.einsum("vij,rj->vri", c2w[:, :3, :3], rays)
        hits = caster.cast(c2w[:, None, :3, 3], directions)
        view, ray = np.nonzero(hits.hit)
        z = hits.t[view, ray].astype(np.float64)
        towards = directions[view, ray]
        points = c2w[view, :3, 3] + z[:, None] * towards
        normal = normals[hits.face[view, ray]]
        slant = np.einsum("nk,nk->n", normal, towards) / np.linalg.norm(towards, axis=1)
        normal = np.where(slant[:, None] > 0, -normal, normal)
        axis = np.abs(normal).argmax(axis=1)
        side = 2 * axis + (normal[np.arange(len(axis)), axis] > 0)
        cell = np.floor(points / SURFACE_CELL).astype(np.int64) + (1 << 18)
        keys.append((((cell[:, 0] << 19 | cell[:, 1]) << 19 | cell[:, 2]) << 3) | side)
        good.append(np.clip(FINE * FOCAL * np.abs(slant) / np.maximum(z, 1e-6), 0, 1))
        ids.append(view + begin)
    _, cells = np.unique(np.concatenate(keys), return_inverse=True)
    views, cells, quality = np.concatenate(ids), cells.ravel().astype(np.int64), np.concatenate(good)
    order = np.lexsort((-quality, cells, views))
    views, cells, quality = views[order], cells[order], quality[order]
    best = np.ones(len(views), bool)  # of several rays of a view into a cell
    best[1:] = (np.diff(views) != 0) | (np.diff(cells) != 0)
    return views[best].astype(np.int64), cells[best], quality[best]


def _cover(
    views: Int64[np.ndarray, "p"], cells: Int64[np.ndarray, "p"], quality: Float64[np.ndarray, "p"], count: int, most: int
) -> tuple[Int64[np.ndarray, "k"], Int64[np.ndarray, "s"]]:
    """Candidates in the order they were taken, and how often every cell that any candidate sees is seen by them."""
    starts = np.searchsorted(views, np.arange(count + 1))
    had, times = (
        np.zeros(int(cells.max()) + 1 if len(cells) else 0),
        np.zeros(int(cells.max()) + 1 if len(cells) else 0, np.int64),
    )

    def gain(view: int) -> float:
        part = slice(starts[view], starts[view + 1])
        return float(np.minimum(quality[part], np.maximum(2.0 - had[cells[part]], 0)).sum())

    heap = [(-gain(view), view) for view in range(count)]
    heapq.heapify(heap)
    chosen: list[int] = []
    while heap and len(chosen) < most:
        _, view = heapq.heappop(heap)
        worth = gain(view)
        if heap and worth < -heap[0][0]:
            heapq.heappush(heap, (-worth, view))
            continue
        if worth < WORTH and chosen:
            break
        part = slice(starts[view], starts[view + 1])
        had[cells[part]] += quality[part]
        times[cells[part]] += 1
        chosen.append(view)
    return np.array(chosen, np.int64), times


def _walk(standing: Standing, place: Int64[np.ndarray, "k"], chosen: Int64[np.ndarray, "k"]) -> Int64[np.ndarray, "k"]:
    """The chosen views from place to nearest place, beginning at the start; at one place by their number."""
    left = sorted(set(place.tolist()))
    here, tour = standing.start, []
    while left:
        away = np.linalg.norm(standing.places[left] - here, axis=1)
        nearest = left.pop(int(np.argmin(away)))
        tour.append(nearest)
        here = standing.places[nearest]
    rank = {where: number for number, where in enumerate(tour)}
    order = np.lexsort((chosen, np.array([rank[where] for where in place.tolist()])))
    return chosen[order]
