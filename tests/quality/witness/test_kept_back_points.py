"""Feature points that were kept back: sure ones are rays from their cameras, others say nothing."""

import numpy as np
import pytest

from lyra_sim.data.sparse import SparsePoints
from lyra_sim.geometry.cameras import CameraPath, project
from lyra_sim.quality.witness.kept_back_points import kept_back_witness
from tests.rooms import camera_path, look


def cameras(count: int = 4, apart: float = 0.5) -> CameraPath:
    return camera_path([look(np.array([0.0, apart * index, 1.0]), 0.0, 0.0) for index in range(count)])


def sighted(path: CameraPath, points: np.ndarray, *, views: int = 4, off: float = 0.0) -> SparsePoints:
    """Every point seen by the first few cameras, ``off`` beside where it is in the last of them."""
    rows, columns, xy = [], [], []
    for row, point in enumerate(points):
        for view in range(views):
            uv, _ = project(point[None], path.K[view], path.w2c[view])
            K = path.K[view]
            rows.append(row)
            columns.append(view)
            xy.append((uv[0] - K[:2, 2]) / np.diag(K)[:2] + off * (np.array([1.0, 0]) if view % 2 else np.array([-1.0, 0])))
    return SparsePoints(
        points=points, point_index=np.int32(rows), view_index=np.int32(columns), xy=np.array(xy, np.float64).reshape(-1, 2)
    )


POINTS = np.array([[3.0, 0.5, 1.0], [3.0, 1.0, 0.5], [4.0, 0.8, 1.4]])


def test_a_sure_point_is_a_ray_from_each_camera():
    path = cameras()
    found = kept_back_witness(sighted(path, POINTS), path)
    assert found is not None and found.kind == "kept-back points" and len(found) == 12
    np.testing.assert_allclose(np.unique(found.ends, axis=0), np.unique(POINTS, axis=0))
    distance = np.linalg.norm(found.ends - found.origins, axis=1)
    assert (found.sigma > 0.001 * distance).all() and (found.sigma < 0.02 * distance).all()


@pytest.mark.parametrize("spoilt", ["two views", "no parallax", "misses"])
def test_an_unsure_point_says_nothing(spoilt: str):
    path = cameras(apart=0.005 if spoilt == "no parallax" else 0.5)
    seen = sighted(path, POINTS, views=2 if spoilt == "two views" else 4, off=0.01 if spoilt == "misses" else 0.0)
    assert kept_back_witness(seen, path) is None


def test_points_are_parted_without_loss():
    path = cameras()
    points = np.random.default_rng(1).uniform([2, 0, 0.5], [4, 2, 1.5], (50, 3))
    whole = sighted(path, points)
    rest, kept_back = whole.parted(10)
    assert (len(rest.points), len(kept_back.points)) == (45, 5)
    assert len(rest.xy) + len(kept_back.xy) == len(whole.xy)
    for part in (rest, kept_back):
        for sight in range(0, len(part.xy), 7):
            uv, _ = project(part.points[part.point_index[sight]][None], path.K[0], path.w2c[part.view_index[sight]])
            np.testing.assert_allclose((uv[0] - path.K[0][:2, 2]) / np.diag(path.K[0])[:2], part.xy[sight], atol=1e-6)
