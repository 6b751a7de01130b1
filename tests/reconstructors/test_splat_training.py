"""Parts of the training loop: what is kept of the splats, how many there may be, and what the images are."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lyra_sim.data.capture import Capture
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.reconstructors import fuse
from lyra_sim.reconstructors.splat_training import FAINTEST, surviving, train
from lyra_sim.reconstructors.splat_views import TrainingViews, order_of_images
from lyra_sim.scene.spec import ReconstructConfig
from tests.reconstructors.pan import copied


@pytest.fixture
def capture(panned: Capture) -> Capture:
    return panned


def views_of(capture: Capture, *, scale: float = 1.0) -> TrainingViews:
    unit = Similarity(scale=scale, rotation=np.eye(3), translation=np.zeros(3))
    return TrainingViews(capture, None, {}, unit_from_capture=unit, device=torch.device("cpu"))


def test_dead_and_broken_splats_are_dropped() -> None:
    """Of five: one sound, one too faint ever to be drawn, one without place, one without shape, one without direction."""
    opacities = torch.tensor([0.5, FAINTEST / 2, 0.5, 0.5, 0.5])
    params = {
        "means": torch.arange(15.0).reshape(5, 3),
        "scales": torch.zeros(5, 3),
        "quats": torch.tensor([[2.0, 0, 0, 0]] * 4 + [[0.0, 0, 0, 0]]),
        "opacities": torch.logit(opacities),
        "colors": torch.full((5, 3), 0.5),
    }
    params["means"][2, 1] = torch.nan
    params["scales"][3, 0] = torch.inf
    splats = surviving(params)
    np.testing.assert_array_equal(splats.means, [[0, 1, 2]])
    np.testing.assert_array_equal(splats.quats_wxyz, [[1, 0, 0, 0]])


@pytest.mark.parametrize("most", [800, 1000])
def test_densification_stops_at_the_lid(capture: Capture, most: int) -> None:
    """Thinned to 700 these seeds want more, and get as many as there may be."""
    surface = fuse.reconstruct(capture, ReconstructConfig(splat_spacing=0.04, max_splats=700)).splats
    trained = train(surface, views_of(capture), iterations=60, side=80, depth_weight=0.2, most=most, seed=7)
    assert len(surface) <= trained.facts.seeds <= 700
    assert 0.95 * most < len(trained.splats) <= most


def test_every_photo_has_its_turn_before_any_has_two() -> None:
    order = order_of_images(7, 0, 30, seed=3)
    assert len(order) == 30
    assert all(sorted(order[start : start + 7]) == list(range(7)) for start in (0, 7, 14, 21))
    assert order != order_of_images(7, 0, 30, seed=4)


@pytest.mark.parametrize(("photos", "frames", "share"), [(1, 80, 0.5), (6, 2, 0.25)])
def test_frames_do_not_drown_photos(photos: int, frames: int, share: float) -> None:
    order = np.array(order_of_images(photos, frames, 160, seed=3))
    assert (order >= photos).sum() == 160 * share
    counts = np.bincount(order, minlength=photos + frames)
    assert np.ptp(counts[:photos]) <= 1
    assert np.ptp(counts[photos:]) <= 1


def test_smaller_images_keep_camera_depth_and_colour(capture: Capture) -> None:
    views = views_of(capture, scale=0.5)
    whole, half = views.image(1, 80), views.image(1, 40)
    index = capture.used[1]
    assert (whole.size, half.size) == ((80, 60), (40, 30))
    np.testing.assert_allclose(half.K[:2], whole.K[:2] / 2)
    np.testing.assert_allclose(whole.rgb.numpy() * 255, capture.views.rgb(index), atol=1e-3)
    np.testing.assert_allclose(whole.z_depth.numpy(), 0.5 * capture.views.z_depth(index), rtol=1e-5)
    means = capture.views.rgb(index).reshape(30, 2, 40, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(half.rgb.numpy() * 255, means, atol=1.01)
    assert views.image(1, 40) is half


def test_a_pixel_counts_if_all_of_it_does(capture: Capture, tmp_path: Path) -> None:
    changed = copied(capture, tmp_path / "views")
    (changed.views.folder / "valid").mkdir()
    valid = np.full((60, 80), 255, np.uint8)
    valid[10, 20] = 0
    Image.fromarray(valid).save(changed.views.folder / "valid" / f"{changed.views.names[changed.used[0]]}.png")
    half = views_of(changed).image(0, 40).counts.numpy()
    assert half[5, 10] == 0
    assert half.sum() == half.size - 1
