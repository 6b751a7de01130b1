"""Posed photos of an analytic room without their pixels: exact cameras and feature points, in a frame of any unit."""

import numpy as np
from scipy.spatial import cKDTree

from lyra_sim.data.posed import Lens, PosedPhotos
from lyra_sim.data.sparse import SparsePoints
from lyra_sim.geometry.cameras import project
from lyra_sim.geometry.rigid import Similarity
from tests.rooms import Room


def posed_photos(
    room: Room,
    *,
    frame_from_room: Similarity | None = None,
    features: int = 60,
    noise: float = 0.004,
    distortion: tuple[float, float, float, float] = (0, 0, 0, 0),
    seed: int = 0,
) -> PosedPhotos:
    """Feature points drawn from every view's depth, ``noise`` a relative error of their distance; every view that sees one
    has a sighting of it."""
    rng = np.random.default_rng(seed)
    path, (_, depths) = room.cameras, room.rendered
    points = []
    for index, z in enumerate(depths):
        v, u = rng.integers(0, path.height, features), rng.integers(0, path.width, features)
        ray = np.c_[(np.c_[u, v] + 0.5 - path.K[index, :2, 2]) / path.K[index, [0, 1], [0, 1]], np.ones(features)]
        along = ray * (z[v, u] * (1 + rng.normal(0, noise, features)))[:, None]
        points.append(along @ path.c2w[index, :3, :3].T + path.c2w[index, :3, 3])
    cloud = np.concatenate(points)
    rows, views, sightings = [], [], []
    for index, w2c in enumerate(path.w2c):
        uv, depth = project(cloud, path.K[index], w2c)
        inside = (depth > 0.1) & (uv >= 0).all(axis=1) & (uv < [path.width, path.height]).all(axis=1)
        at = uv[inside].astype(int)
        clear = np.flatnonzero(inside)[np.abs(depths[index][at[:, 1], at[:, 0]] / depth[inside] - 1) < 0.03]
        rows.append(clear)
        views.append(np.full(len(clear), index))
        sightings.append((uv[clear] - path.K[index, :2, 2]) / path.K[index, [0, 1], [0, 1]])
    frame_from_room = frame_from_room or Similarity.identity()
    sparse = SparsePoints(
        points=cloud,
        point_index=np.concatenate(rows).astype(np.int32),
        view_index=np.concatenate(views).astype(np.int32),
        xy=np.concatenate(sightings),
    )
    lens = Lens(K=path.K[0], distortion=np.array(distortion, np.float64), width=path.width, height=path.height)
    posed = PosedPhotos(
        names=tuple(f"{index:04d}" for index in range(len(path))),
        c2w=path.c2w,
        lens_index=np.zeros(len(path), np.int32),
        lenses=(lens,),
        sparse=sparse,
        recipe="exact",
        reprojection_px=0.0,
    )
    return posed.moved(frame_from_room)


def feature_near(posed: PosedPhotos, room_point: np.ndarray, frame_from_room: Similarity) -> tuple[str, tuple[float, float]]:
    """Photo and pixel of the feature point nearest to a place in the room, in the first photo that sees it."""
    _, row = cKDTree(posed.sparse.points).query(frame_from_room.apply(room_point))
    sighting = int(np.flatnonzero(posed.sparse.point_index == row)[0])
    K = posed.lenses[0].K
    uv = posed.sparse.xy[sighting] * K[[0, 1], [0, 1]] + K[:2, 2]
    return posed.names[posed.sparse.view_index[sighting]], (float(uv[0]), float(uv[1]))
