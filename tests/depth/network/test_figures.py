"""Figures of predictions whose errors are known, and a walk whose points are where they should be."""

import numpy as np
import pytest

from lyra_sim.depth.network.evaluation import Compared, joined
from lyra_sim.depth.network.figures import figures
from lyra_sim.depth.network.walks import Walk, stand_ins
from tests.depth.network.toy import HEIGHT, WIDTH
from tests.rooms import camera_path


def test_figures_of_known_errors() -> None:
    truth = np.full(100, 2.0, np.float32)
    z = truth.copy()
    z[:50], z[50:60] = 2.04, np.nan
    told = figures(z, truth, np.ones(100, bool), np.full(100, 0.015, np.float32))
    assert told.pixels == 100
    assert told.abs_rel == pytest.approx(50 / 90 * 0.02, abs=1e-6)
    assert told.median_cm == pytest.approx(4.0, abs=1e-3)
    assert told.within_5cm == pytest.approx(0.9)
    assert told.within_1_sigma == pytest.approx(40 / 90) and told.within_2_sigma == 1
    assert np.isnan(figures(np.full(3, np.nan, np.float32), truth[:3], np.ones(3, bool)).abs_rel)


def test_regions_part_the_pixels() -> None:
    swept = np.array([1.0, 2.0, np.nan, 4.0], np.float32)
    part = Compared(
        truth=np.array([1, 2, 3, 4], np.float32),
        swept=swept,
        confidence=np.array([0.9, 0.6, 0.0, 0.35], np.float32),
        found=np.array([1.01, 2.2, 3.02, 4], np.float32),
        sigma=np.full(4, 0.05, np.float32),
    )
    table = joined([part, part]).table()
    assert [table[name][0].pixels for name in table] == [8, 2, 4, 2, 8, 8]
    assert table["sweep and planes say nothing"][1].within_5cm == 1 and table["filled by planes"][1].within_5cm == 0.5
    assert [table[name][1].within_5cm for name in list(table)[4:]] == [0.75, 1.0]
    assert joined([]).table()["all"][0].pixels == 0


def test_stand_ins_are_seen_where_they_project() -> None:
    """Two cameras before a textured wall 2 m away share every point that both frames hold."""
    rng = np.random.default_rng(0)
    c2w = np.tile(np.eye(4), (2, 1, 1))
    c2w[1, 0, 3] = 0.2
    walk = Walk(
        rgb=rng.integers(0, 255, (2, HEIGHT, WIDTH, 3)).astype(np.uint8),
        z_depth=np.full((2, HEIGHT, WIDTH), 2.0, np.float32),
        cameras=camera_path(list(c2w), width=WIDTH, height=HEIGHT, focal=50.0),
    )
    sparse = stand_ins(walk)
    assert np.allclose(sparse.points[:, 2], 2.0)
    views = np.bincount(sparse.point_index, minlength=len(sparse.points))
    assert (views >= 1).all() and (views == 2).mean() > 0.8
    along = np.c_[sparse.xy, np.ones(len(sparse.xy))] * 2.0 + walk.cameras.centres[sparse.view_index]
    assert np.allclose(along, sparse.points[sparse.point_index], atol=1e-6)
