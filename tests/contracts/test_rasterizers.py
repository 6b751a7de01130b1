"""What every splat rasteriser keeps, whichever device it runs on."""

from dataclasses import replace

import jaxtyping
import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from lyra_sim.errors import GeometryError
from lyra_sim.rendering.rasterizer import Raster, rasterize
from tests.contracts.splat_reference import PARAMETERS, Reference, Scene, random_scene, render


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request: pytest.FixtureRequest) -> str:
    return request.param


def leaves(scene: Scene, device: str) -> list[torch.Tensor]:
    return [torch.tensor(getattr(scene, name), dtype=torch.float32, device=device, requires_grad=True) for name in PARAMETERS]


def draw(scene: Scene, splats: list[torch.Tensor]) -> Raster:
    camera = dict(w2c=scene.w2c, K=scene.K, width=scene.width, height=scene.height, near=scene.near)
    return rasterize(*splats, **camera)


def weights(scene: Scene) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a loss might ask of colours, z-depth and alpha: no symmetry that could hide a swapped axis."""
    rng = np.random.default_rng(17)
    shape = scene.height, scene.width
    return rng.normal(size=(*shape, scene.colors.shape[1])), rng.normal(size=shape), rng.normal(size=shape)


def loss_of(raster: Raster, scene: Scene) -> torch.Tensor:
    outputs = raster.colors, raster.z_depth, raster.alpha
    asked = (torch.tensor(w, dtype=torch.float32, device=raster.alpha.device) for w in weights(scene))
    return sum((output * w).sum() for output, w in zip(outputs, asked, strict=True))


def true_loss(image: Reference, scene: Scene) -> float:
    outputs = image.colors, image.z_depth, image.alpha
    return sum(float((output * w).sum()) for output, w in zip(outputs, weights(scene), strict=True))


def gradients(scene: Scene, device: str) -> tuple[Raster, dict[str, np.ndarray]]:
    splats = leaves(scene, device)
    raster = draw(scene, splats)
    raster.centres_px.retain_grad()
    loss_of(raster, scene).backward()
    found = {name: splat.grad.cpu().numpy() for name, splat in zip(PARAMETERS, splats, strict=True)}
    return raster, {**found, "centres_px": raster.centres_px.grad.cpu().numpy()}


def array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()


@pytest.mark.parametrize("channels", [1, 3, 6])
@pytest.mark.parametrize(("count", "seed"), [(1, 0), (1, 3), (80, 5)])
def test_equals_the_float64_reference(device: str, count: int, seed: int, channels: int) -> None:
    scene = random_scene(count, seed, channels=channels)
    raster, truth = draw(scene, leaves(scene, device)), render(scene)
    assert truth.alpha.max() > 0.05, "the reference must show something"
    for found, true, scale in (
        (raster.colors, truth.colors, 1.0),
        (raster.alpha, truth.alpha, 1.0),
        (raster.z_depth, truth.z_depth, 3.0),
    ):
        off = np.abs(array(found) - true) / scale
        # a pixel whose alpha sits on the 1/255 threshold may fall either way: allow that much, nowhere more
        assert off.max() < 0.0045
        assert np.mean(off > 1.2e-4) < 0.01  # backends may leave out or keep the splat that closes a pixel
        assert np.median(off) < 5e-6


@pytest.mark.parametrize(("seed", "channels"), [(5, 3), (6, 1)])
def test_gradients_equal_central_differences(device: str, seed: int, channels: int) -> None:
    """In float64, with what counts where held as it is: a cut-off's jump has no gradient and none is given for it."""
    scene = random_scene(40, seed, channels=channels)
    _, found = gradients(scene, device)
    counted = render(scene).counted
    assert (counted == 1).any(axis=(1, 2)).sum() > 20
    for name in PARAMETERS:
        values, step = getattr(scene, name), 1e-5
        checked = [index for index in np.ndindex(values.shape) if index[0] % 4 == 0]
        true = np.array(
            [
                true_loss(render(scene.nudged(name, index, step), counted), scene)
                - true_loss(render(scene.nudged(name, index, -step), counted), scene)
                for index in checked
            ]
        ) / (2 * step)
        ours = np.array([found[name][index] for index in checked])
        assert np.abs(true).max() > 0.1
        np.testing.assert_allclose(ours, true, rtol=0.02, atol=2e-3 * np.abs(true).max(), err_msg=name)
        assert np.linalg.norm(ours - true) < 5e-3 * np.linalg.norm(true), name


def test_centre_gradients_are_those_of_the_image_plane(device: str) -> None:
    """Moving the principal point moves every centre alike, as long as no slope is held at its limit."""
    scene = random_scene(40, 5, spread=0.3)
    raster, found = gradients(scene, device)
    counted = render(scene).counted
    for axis in (0, 1):
        ahead, behind = scene.nudged("K", (axis, 2), 1e-5), scene.nudged("K", (axis, 2), -1e-5)
        true = (true_loss(render(ahead, counted), scene) - true_loss(render(behind, counted), scene)) / 2e-5
        ours = found["centres_px"][:, axis]
        assert ours.sum() == pytest.approx(true, abs=2e-3 * np.linalg.norm(ours))
    assert raster.centres_px.shape == (40, 2)


def test_radii_enclose_what_is_drawn(device: str) -> None:
    scene = random_scene(1, 0)
    scene = replace(scene, means=np.linalg.inv(scene.w2c)[:3, :3] @ ([[0.0, 0.0, 2.0]] - scene.w2c[:3, 3]).T)
    scene = replace(scene, means=scene.means.T, scales=scene.scales * 0.5)
    raster = draw(scene, leaves(scene, device))
    ys, xs = np.nonzero(array(raster.alpha))
    reach = np.abs(np.stack([xs, ys], axis=1) + 0.5 - array(raster.centres_px)).max(axis=0)
    radii = array(raster.radii_px)[0]
    assert (reach <= radii).all() and (radii <= reach + 2).all()


def test_alpha_stays_within_0_and_1(device: str) -> None:
    """Many opaque layers close every pixel and leave finite gradients."""
    scene = random_scene(400, 9)
    scene = replace(scene, opacities=np.full(400, 0.999), scales=scene.scales * 2)
    raster, found = gradients(scene, device)
    alpha = array(raster.alpha)
    assert alpha.min() >= 0 and 0.98 < alpha.max() <= 1
    assert all(np.isfinite(values).all() for values in found.values())


def test_repeats(device: str) -> None:
    """Images bit for bit. Gradients too on the CPU; on CUDA, where they are summed with atomics, to rounding."""
    scene = random_scene(500, 8, largest=0.15)
    (first, g_first), (second, g_second) = (gradients(scene, device) for _ in range(2))
    for name in ("colors", "z_depth", "alpha", "radii_px"):
        assert array(getattr(first, name)).tobytes() == array(getattr(second, name)).tobytes(), name
    drawn = array(first.radii_px).all(axis=1)
    assert array(first.centres_px)[drawn].tobytes() == array(second.centres_px)[drawn].tobytes()
    for name, values in g_first.items():
        if device == "cpu":
            assert values.tobytes() == g_second[name].tobytes(), name
        else:
            np.testing.assert_allclose(values, g_second[name], rtol=1e-3, atol=1e-4 * np.abs(values).max(), err_msg=name)


def test_a_similarity_moves_splats_and_gradients_alike(device: str) -> None:
    here = random_scene(200, 12, largest=0.1)
    scale, turn, move = 2.5, Rotation.from_rotvec([0.3, -1.1, 0.4]), np.array([4.0, -2.0, 1.0])
    w2c = here.w2c.copy()
    w2c[:3, :3] = here.w2c[:3, :3] @ turn.as_matrix().T
    w2c[:3, 3] = scale * here.w2c[:3, 3] - w2c[:3, :3] @ move
    there = replace(
        here,
        means=scale * turn.apply(here.means) + move,
        quats_wxyz=(turn * Rotation.from_quat(here.quats_wxyz, scalar_first=True)).as_quat(scalar_first=True),
        scales=scale * here.scales,
        w2c=w2c,
        near=scale * here.near,
    )
    splats = leaves(here, device), leaves(there, device)
    rasters = draw(here, splats[0]), draw(there, splats[1])
    assert array(rasters[0].alpha).mean() > 0.25
    for found, moved, factor in (
        (rasters[0].colors, rasters[1].colors, 1.0),
        (rasters[0].alpha, rasters[1].alpha, 1.0),
        (rasters[0].z_depth, rasters[1].z_depth, scale),
    ):
        off = np.abs(array(found) - array(moved) / factor)
        assert np.percentile(off, 99) < 1e-3 and np.median(off) < 2e-5
    for raster in rasters:
        raster.alpha.mean().backward()
    expected = turn.apply(array(splats[0][0].grad)) / scale
    np.testing.assert_allclose(array(splats[1][0].grad), expected, rtol=0.02, atol=2e-3 * np.abs(expected).max())


def test_what_is_not_drawn_gets_no_gradient(device: str) -> None:
    """Behind the camera, nearer than ``near``, transparent, or off the image."""
    scene = random_scene(60, 4)
    c2w = np.linalg.inv(scene.w2c)
    hidden = np.array([[0, 0, -2.0], [0.1, 0, -0.3], [0.01, 0.01, 0.3], [0, 0, 2.0], [9.0, 0, 2.0]])
    means, opacities, scales = scene.means.copy(), scene.opacities.copy(), scene.scales.copy()
    means[:5], opacities[3], scales[:5] = hidden @ c2w[:3, :3].T + c2w[:3, 3], 0.003, 0.2
    raster, found = gradients(replace(scene, means=means, opacities=opacities, scales=scales, near=0.5), device)
    assert not array(raster.radii_px)[:5].any()
    for name, values in found.items():
        assert not values[:5].any(), name
        assert values[5:].any(), name


def test_no_splats_make_a_black_image(device: str) -> None:
    raster, found = gradients(random_scene(0, 0), device)
    assert not array(raster.colors).any() and not array(raster.z_depth).any() and not array(raster.alpha).any()
    assert raster.colors.shape == (47, 61, 3) and raster.radii_px.shape == (0, 2)
    assert {name: values.shape for name, values in found.items()}["quats_wxyz"] == (0, 4)


def test_channels_do_not_mix(device: str) -> None:
    scene = random_scene(80, 5, channels=7)
    together = array(draw(scene, leaves(scene, device)).colors)
    for channel in range(7):
        alone = replace(scene, colors=scene.colors[:, [channel]])
        np.testing.assert_allclose(array(draw(alone, leaves(alone, device)).colors)[..., 0], together[..., channel], atol=1e-6)


def test_gradients_of_alpha_alone_leave_colours_alone(device: str) -> None:
    scene = random_scene(80, 5)
    splats = leaves(scene, device)
    draw(scene, splats).alpha.sum().backward()
    assert not array(splats[4].grad).any()
    assert array(splats[3].grad).any()


def test_arrays_of_different_lengths_are_refused(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = random_scene(8, 5)
    splats = leaves(scene, device)
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # as outside of the tests
    with pytest.raises(GeometryError, match="7 opacities"):
        rasterize(*splats[:3], splats[3][:7], splats[4], w2c=scene.w2c, K=scene.K, width=61, height=47)
