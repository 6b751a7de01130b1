"""Where training starts: thinned where nothing changes, a backdrop where nothing was measured, planes continued."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lyra_sim.conventions import rgb_from_sh_dc, sh_dc_from_rgb
from lyra_sim.data.capture import Capture
from lyra_sim.data.splats import Splats
from lyra_sim.geometry.cameras import pixel_rays
from lyra_sim.reconstructors import fuse
from lyra_sim.reconstructors.backdrop import REACH, backdrop
from lyra_sim.reconstructors.guessed_depth import completed, depth_range, guessed_depths
from lyra_sim.reconstructors.splat_seeds import OPACITY, seeds, thinned
from lyra_sim.scene.spec import ReconstructConfig

CELL = 0.01


def board() -> Splats:
    """A square metre on a 1 cm grid: its left half grey, its right half of random colours."""
    u, v = np.meshgrid((np.arange(100) + 0.5) * CELL, (np.arange(100) + 0.5) * CELL, indexing="ij")
    means = np.stack([u.ravel(), v.ravel(), np.full(u.size, 0.005)], axis=1).astype(np.float32)
    rgb = np.random.default_rng(0).uniform(0, 1, (u.size, 3)).astype(np.float32)
    rgb[means[:, 0] < 0.5] = 0.5
    n = len(means)
    return Splats(
        means=means,
        quats_wxyz=np.tile(np.array([1, 0, 0, 0], np.float32), (n, 1)),
        log_scales=np.log(np.tile(np.array([0.007, 0.007, 0.0007], np.float32), (n, 1))),
        opacity_logits=np.full(n, 3, np.float32),
        sh_coeffs=sh_dc_from_rgb(rgb)[:, None],
    )


def test_only_what_is_alike_is_merged() -> None:
    whole = board()
    few = thinned(whole, budget=6500, cell=CELL)
    left, right = few.means[:, 0] < 0.5, few.means[:, 0] >= 0.5
    assert len(few) <= 6500
    assert right.sum() == 5000
    assert left.sum() < 1500
    assert np.abs(rgb_from_sh_dc(few.sh_coeffs[left, 0]) - 0.5).max() < 1e-3


def test_merged_splats_cover_the_area_of_their_parts() -> None:
    whole = board()
    few = thinned(whole, budget=6500, cell=CELL)
    area = lambda splats: float((splats.scales[:, 0] * splats.scales[:, 1]).sum())  # noqa: E731
    assert area(few) == pytest.approx(area(whole), rel=1e-3)


@pytest.mark.parametrize("budget", [20_000, 4000, 300])
def test_the_budget_is_kept(budget: int) -> None:
    assert len(thinned(board(), budget=budget, cell=CELL)) <= budget


@pytest.fixture
def capture(panned: Capture) -> Capture:
    return panned


def without_corner(capture: Capture, folder: Path) -> Capture:
    """The same capture with nothing measured in the upper left of every depth image."""
    for index, name in enumerate(capture.views.names):
        with Image.open(capture.views.folder / "z_depth" / f"{name}.png") as image:
            counts = np.array(image, np.uint16)
        counts[:30, :40] = 0
        (folder / "z_depth").mkdir(parents=True, exist_ok=True)
        Image.fromarray(counts).save(folder / "z_depth" / f"{name}.png")
        (folder / "rgb").mkdir(exist_ok=True)
        Image.fromarray(capture.views.rgb(index)).save(folder / "rgb" / capture.views.rgb_path(index).name)
    Image.fromarray(capture.views.valid(0).astype(np.uint8) * 255).save(folder / "valid.png")
    return replace(capture, views=replace(capture.views, folder=folder))


def test_what_nothing_measured_gets_a_far_backdrop(capture: Capture, tmp_path: Path) -> None:
    holed = without_corner(capture, tmp_path)
    surface = fuse.reconstruct(holed, ReconstructConfig(splat_spacing=0.04)).splats
    behind = backdrop(surface, holed, {}, budget=500)
    away = np.linalg.norm(behind.means - holed.cameras.centres.mean(axis=0), axis=1)
    assert 0 < len(behind) <= 500
    assert away.min() > 0.9 * REACH * depth_range(holed)[1]
    assert len(seeds(surface, holed, {}, budget=1000, cell=0.04)) <= 1000


def test_a_covered_capture_has_no_backdrop(capture: Capture) -> None:
    surface = fuse.reconstruct(capture, ReconstructConfig(splat_spacing=0.04)).splats
    assert len(backdrop(surface, capture, {}, budget=500)) < 25
    np.testing.assert_allclose(seeds(surface, capture, {}, budget=1000, cell=0.04).opacities, OPACITY, atol=1e-5)


def test_measured_depth_is_never_continued(capture: Capture) -> None:
    assert guessed_depths(capture) == {}


def test_planes_go_on_where_depth_ends() -> None:
    """A slanted plane known in one third only."""
    rays = pixel_rays(np.array([[60.0, 0, 40], [0, 60.0, 30], [0, 0, 1]]), 80, 60)
    inverse = (rays @ np.array([0.1, 0.3, 0.5])).astype(np.float32)
    z = np.where(np.arange(80)[None, :] < 27, 1 / inverse, np.nan).astype(np.float32)
    found = completed(z, np.full((60, 80, 3), 0.5, np.float32), np.ones((60, 80), bool))
    np.testing.assert_allclose(found, inverse, rtol=0.05)


def test_an_edge_of_colour_may_be_an_edge_of_depth() -> None:
    """Two boards, near and far, each with some depth: neither bends the other across the edge between them."""
    z = np.full((40, 60), np.nan, np.float32)
    z[:, 5:10], z[:, 50:55] = 1.0, 4.0
    rgb = np.zeros((40, 60, 3), np.float32)
    rgb[:, 30:] = 1
    found = 1 / completed(z, rgb, np.ones((40, 60), bool))
    assert np.abs(found[:, :28] - 1).max() < 0.05
    assert np.abs(found[:, 32:] - 4).max() < 0.2
