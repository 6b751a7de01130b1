"""Median depth of splats: on one of them, never between two; on a slanted splat's own plane; nothing lost by culling."""

import numpy as np
import pytest

from lyra_sim.conventions import sh_dc_from_rgb
from lyra_sim.data.splats import Splats
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.rendering.splat_depth import SplatDepth
from lyra_sim.rendering.splat_view import render_splats

K = np.array([[32.0, 0, 32], [0, 32.0, 24], [0, 0, 1]])
CAMERA = CameraPath(c2w=np.eye(4)[None], K=K[None], width=64, height=48)


def cloud(
    means: np.ndarray, *, opacity: np.ndarray | float, sigma: np.ndarray | float, quats: np.ndarray | None = None
) -> Splats:
    n = len(means)
    alpha = np.broadcast_to(np.asarray(opacity, np.float64), n)
    return Splats(
        means=np.asarray(means, np.float32),
        quats_wxyz=np.tile(np.float32([1, 0, 0, 0]), (n, 1)) if quats is None else quats.astype(np.float32),
        log_scales=np.log(np.broadcast_to(sigma, (n, 3))).astype(np.float32),
        opacity_logits=np.log(alpha / (1 - alpha)).astype(np.float32),
        sh_coeffs=sh_dc_from_rgb(np.full((n, 3), 0.5))[:, None].astype(np.float32),
    )


@pytest.mark.parametrize(("front", "found"), [(0.6, 1.0), (0.4, 3.0)])
def test_the_median_is_the_depth_of_one_splat(front: float, found: float) -> None:
    splats = cloud(np.array([[0, 0, 1.0], [0, 0, 3.0]]), opacity=np.array([front, 0.95]), sigma=0.2)
    middle = SplatDepth(splats).view(CAMERA, 0)[23:25, 31:33]
    np.testing.assert_allclose(middle, found, atol=1e-3)
    expected = render_splats(splats, CAMERA, 0).z_depth[23:25, 31:33]
    assert ((expected > 1.1) & (expected < 2.9)).all()  # the mean of the two lies in the air between them


def test_less_than_half_of_the_light_is_nothing_seen() -> None:
    depth = SplatDepth(cloud(np.array([[0, 0, 1.0]]), opacity=0.45, sigma=0.2)).view(CAMERA, 0)
    assert np.isnan(depth).all()
    nothing = cloud(np.zeros((0, 3)), opacity=0.5, sigma=0.1)
    assert np.isnan(SplatDepth(nothing).view(CAMERA, 0)).all()
    assert np.isnan(SplatDepth(cloud(np.array([[0, 0, -1.0]]), opacity=0.9, sigma=0.1)).view(CAMERA, 0)).all()


def test_a_slanted_disc_lies_on_its_own_plane() -> None:
    """A disc turned 50 degrees about y: over 8 pixels it is half a metre deep, which its middle says nothing of."""
    turn = np.deg2rad(50.0)
    quats = np.array([[np.cos(turn / 2), 0, np.sin(turn / 2), 0]])
    splats = cloud(np.array([[0, 0, 2.0]]), opacity=0.98, sigma=np.array([0.3, 0.3, 1e-3]), quats=quats)
    depth = SplatDepth(splats).view(CAMERA, 0)
    u = (np.arange(64) + 0.5 - 32) / 32
    normal = np.array([np.sin(turn), 0, np.cos(turn)])
    plane = 2.0 * normal[2] / (normal[0] * u + normal[2])
    near = np.abs(np.arange(64) - 31.5) < 4
    row = depth[24]
    assert np.isfinite(row[near]).all() and np.ptp(row[near]) > 0.2
    np.testing.assert_allclose(row[near], plane[near], rtol=0.02)


def test_near_floor_does_not_cover_the_far_floor_behind_it() -> None:
    """A camera 0.4 m above a floor of 2 cm splats: widened by half a pixel of 64 they would hide it behind themselves."""
    x, z = np.meshgrid(np.arange(-4, 4, 0.025), np.arange(0.3, 6, 0.025))
    floor = np.stack([x, np.full_like(x, 0.4), z], axis=-1).reshape(-1, 3)
    depth = SplatDepth(cloud(floor, opacity=0.95, sigma=np.array([0.018, 0.001, 0.018]))).view(CAMERA, 0)
    v = (np.arange(48) + 0.5 - 24) / 24 * 24 / 32
    truth = 0.4 / np.where(v > 0.08, v, np.nan)
    middle = depth[:, 31]
    asked = truth < 5
    np.testing.assert_allclose(middle[asked], truth[asked], rtol=0.03)


def test_leaving_out_cubes_changes_nothing() -> None:
    rng = np.random.default_rng(4)
    splats = cloud(rng.uniform(-4, 4, (4000, 3)), opacity=0.9, sigma=rng.uniform(0.01, 0.15, (4000, 3)))
    culled, every = SplatDepth(splats), SplatDepth(splats)
    every._radii = np.full_like(every._radii, np.inf)
    assert len(culled._ids(culled._in_view(CAMERA.w2c[0], K, 64, 48))) < 0.6 * len(splats)
    np.testing.assert_array_equal(culled.view(CAMERA, 0), every.view(CAMERA, 0))
