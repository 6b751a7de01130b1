"""Feature points of photos that were kept out of all geometry, each seen from several cameras."""

import numpy as np

from lyra_sim.data.sparse import SparsePoints
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.quality.witness.rays import Witness

LEAST_SIGHTINGS = 3
"""Two photos can share a wrong match; a third rarely does. Convention."""
LEAST_PARALLAX_DEG = 2.0
"""Below, the point slides along its rays. Convention."""
MOST_RESIDUAL = 0.003
"""Of a sighting, in image widths over the focal length: about two pixels of a phone's photo. Convention."""
ANGULAR_SIGMA = 0.001
"""1σ of a sighting, as the above: about one pixel at 1024. Convention."""


def kept_back_witness(points: SparsePoints, cameras: CameraPath) -> Witness | None:
    """A ray from every camera to each point it shows, in the frame of ``cameras``; None where no point is sure enough."""
    origins, ends, sigmas = [], [], []
    order = np.argsort(points.point_index, kind="stable")
    rows, starts = np.unique(points.point_index[order], return_index=True)
    for row, sights in zip(rows, np.split(order, starts[1:]), strict=True):
        views, first = np.unique(points.view_index[sights], return_index=True)
        if len(views) < LEAST_SIGHTINGS:
            continue
        point, centres = points.points[row], cameras.centres[views]
        local = np.einsum("nij,nj->ni", cameras.w2c[views, :3, :3], point - centres)
        if (local[:, 2] <= 0).any():
            continue
        off = np.linalg.norm(local[:, :2] / local[:, 2:] - points.xy[sights[first]], axis=1)
        towards = (centres - point) / np.linalg.norm(centres - point, axis=1, keepdims=True)
        widest = np.arccos(np.clip(towards @ towards.T, -1, 1)).max()
        if np.median(off) > MOST_RESIDUAL or widest < np.radians(LEAST_PARALLAX_DEG):
            continue
        origins.append(centres)
        ends.append(np.broadcast_to(point, centres.shape))
        distance = np.linalg.norm(centres - point, axis=1)
        sigmas.append(distance * max(float(np.median(off)), ANGULAR_SIGMA) / np.sin(min(widest, np.pi / 2)))
    if not ends:
        return None
    return Witness(
        kind="kept-back points",
        origins=np.concatenate(origins),
        ends=np.concatenate(ends),
        sigma=np.concatenate(sigmas),
        note=f"{len(ends)} points",
    )
