"""Rendered views against a float64 reference written the slow way, and against what geometry demands."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from lyra_sim.data.splats import Splats
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.rendering.splat_view import colors_towards, render_splats, sh_basis
from tests.contracts.splat_reference import Reference, Scene, render
from tests.rooms import camera_path, look


def some_splats(n: int, seed: int, *, largest: float = 0.3) -> Splats:
    rng = np.random.default_rng(seed)
    quats = rng.normal(size=(n, 4))
    return Splats(
        means=rng.uniform([1.0, -0.8, -0.6], [3.0, 0.8, 0.6], (n, 3)).astype(np.float32),
        quats_wxyz=(quats / np.linalg.norm(quats, axis=1, keepdims=True)).astype(np.float32),
        log_scales=np.log(rng.uniform(0.01, largest, (n, 3))).astype(np.float32),
        opacity_logits=rng.uniform(-2, 3, n).astype(np.float32),
        sh_coeffs=rng.uniform(-1, 1, (n, 1, 3)).astype(np.float32),
    )


@pytest.fixture
def camera() -> CameraPath:
    return camera_path([look(np.zeros(3), 0.05, -0.03)], width=61, height=47, focal=50.0)


def reference(splats: Splats, cameras: CameraPath) -> Reference:
    """The same in float64, the slow way."""
    scene = Scene(
        means=splats.means.astype(np.float64),
        quats_wxyz=splats.quats_wxyz.astype(np.float64),
        scales=splats.scales.astype(np.float64),
        opacities=splats.opacities.astype(np.float64),
        colors=np.maximum(0.5 + 0.28209479177387814 * splats.sh_coeffs[:, 0].astype(np.float64), 0),
        w2c=cameras.w2c[0],
        K=cameras.K[0],
        width=cameras.width,
        height=cameras.height,
    )
    return render(scene)


@pytest.mark.parametrize(("count", "seed"), [(1, 0), (1, 1), (1, 2), (60, 3)])
def test_equals_float64_reference(camera: CameraPath, count: int, seed: int) -> None:
    splats = some_splats(count, seed)
    view = render_splats(splats, camera, 0)
    truth = reference(splats, camera)
    assert truth.alpha.max() > 0.05, "the reference must show something"
    # a pixel whose alpha sits on the 1/255 threshold may fall either way: allow that much, nowhere more
    np.testing.assert_allclose(view.rgb, truth.colors, atol=0.0045)
    assert np.mean(np.abs(view.rgb - truth.colors) > 2e-5) < 0.01
    covered = truth.alpha > 0.55
    if covered.any():
        np.testing.assert_allclose(view.z_depth[covered], truth.z_depth[covered] / truth.alpha[covered], rtol=0.01)
    assert np.isnan(view.z_depth[truth.alpha < 0.45]).all()


def test_a_wide_opaque_splat_has_its_own_colour_and_depth(camera: CameraPath) -> None:
    """Pixel centres at +0.5: the mean projects to the principal point, the centre of pixel (30, 23) of 61 × 47."""
    forward = camera.c2w[0, :3, 2]
    splats = Splats(
        means=(2.0 * forward)[None].astype(np.float32),
        quats_wxyz=np.array([[1, 0, 0, 0]], np.float32),
        log_scales=np.full((1, 3), np.log(0.1), np.float32),
        opacity_logits=np.array([10.0], np.float32),
        sh_coeffs=((np.array([[[0.2, 0.4, 0.6]]]) - 0.5) / 0.28209479177387814).astype(np.float32),
    )
    view = render_splats(splats, camera, 0)
    assert np.unravel_index(view.alpha.argmax(), view.alpha.shape) == (23, 30)
    np.testing.assert_allclose(view.rgb[23, 30] / view.alpha[23, 30], [0.2, 0.4, 0.6], atol=1e-5)
    assert view.z_depth[23, 30] == pytest.approx(2.0, abs=1e-5)
    np.testing.assert_allclose(view.alpha, view.alpha[::-1, ::-1], atol=1e-5)


def test_background_fills_what_is_left(camera: CameraPath) -> None:
    view = render_splats(some_splats(1, 0), camera, 0, background=(1.0, 0.0, 0.5))
    empty = view.alpha == 0
    assert empty.any()
    np.testing.assert_array_equal(view.rgb[empty], np.broadcast_to(np.float32([1.0, 0.0, 0.5]), view.rgb[empty].shape))


def test_invariant_under_a_similarity(camera: CameraPath) -> None:
    splats = some_splats(300, 5, largest=0.08)
    turn = Rotation.from_rotvec([0.3, -1.1, 0.4]).as_matrix()
    move = Similarity(scale=2.5, rotation=turn, translation=np.array([4.0, -2.0, 1.0]))
    here = render_splats(splats, camera, 0, near=0.05)
    there = render_splats(splats.moved(move), camera.moved(move), 0, near=0.125)
    assert np.percentile(np.abs(here.rgb - there.rgb), 99.5) < 1e-3
    both = np.isfinite(here.z_depth) & np.isfinite(there.z_depth)
    assert both.mean() > 0.3
    assert np.median(np.abs(there.z_depth[both] / here.z_depth[both] - 2.5)) < 1e-4


def test_same_bits_every_time(camera: CameraPath) -> None:
    splats = some_splats(500, 8)
    first, second = (render_splats(splats, camera, 0) for _ in range(2))
    assert first.rgb.tobytes() == second.rgb.tobytes() and first.z_depth.tobytes() == second.z_depth.tobytes()


def test_splats_behind_the_camera_are_not_drawn(camera: CameraPath) -> None:
    splats = some_splats(20, 4)
    behind = Splats(**{**splats.__dict__, "means": -splats.means})
    assert render_splats(behind, camera, 0).alpha.max() == 0


def test_sh_basis_is_orthonormal() -> None:
    """Numerical quadrature over the sphere (Gauss-Legendre × uniform) gives the identity, exactly to round-off."""
    nodes, weights = np.polynomial.legendre.leggauss(8)
    phi = np.arange(16) * np.pi / 8
    ring = np.sqrt(1 - nodes**2)
    xyz = np.outer(ring, np.cos(phi)), np.outer(ring, np.sin(phi)), np.outer(nodes, np.ones(16))
    directions = np.stack(xyz, axis=-1).reshape(-1, 3)
    basis = sh_basis(directions, 3).astype(np.float64)
    gram = np.einsum("n,ni,nj->ij", np.repeat(weights, 16) * np.pi / 8, basis, basis)
    np.testing.assert_allclose(gram, np.eye(16), atol=1e-6)


def test_first_band_points_the_way_3dgs_files_mean_it() -> None:
    """Signs as in 3DGS: coefficient 2 brightens splats seen looking along +z, coefficient 3 those along -x."""
    coeffs = np.zeros((2, 4, 3), np.float32)
    coeffs[0, 2], coeffs[1, 3] = 0.5, 0.5
    colors = colors_towards(coeffs, np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0]]))
    np.testing.assert_allclose(colors, 0.5 + 0.5 * 0.4886025, atol=1e-6)
