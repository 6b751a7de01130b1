import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from lyra_sim.reconstructors.splat_losses import LONGEST, depth_loss, haze_loss, needle_loss, photo_loss, ssim_map


@pytest.fixture
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(0)
    a = rng.uniform(0, 1, (40, 50, 3)).astype(np.float32)
    return torch.tensor(a), torch.tensor(np.clip(a + rng.normal(0, 0.1, a.shape), 0, 1).astype(np.float32))


def test_ssim_is_the_one_the_report_uses(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    a, b = pair
    whole = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "full": True}
    _, reference = structural_similarity(a.numpy(), b.numpy(), channel_axis=-1, data_range=1.0, **whole)
    np.testing.assert_allclose(ssim_map(a, b)[6:-6, 6:-6], reference[6:-6, 6:-6], atol=1e-4)


def test_equal_images_cost_nothing(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    assert float(photo_loss(pair[0], pair[0], torch.ones(40, 50))) == pytest.approx(0, abs=1e-6)


def test_pixels_that_do_not_count_have_no_part_in_it(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    """Whatever they show, loss and gradients are the same, and theirs is zero."""
    render, photo = pair
    counts = torch.ones(40, 50)
    counts[10:20, 30:] = 0
    losses, gradients = [], []
    for colour in (0.0, 0.7):
        painted = torch.where(counts[..., None] > 0, photo, torch.full_like(photo, colour))
        leaf = render.clone().requires_grad_()
        loss = photo_loss(leaf, painted, counts)
        loss.backward()
        losses.append(float(loss.detach()))
        gradients.append(leaf.grad)
    assert losses[0] == losses[1]
    torch.testing.assert_close(gradients[0], gradients[1], rtol=0, atol=0)
    assert float(gradients[0][10:20, 30:].abs().max()) == 0


def test_depth_error_is_relative_and_trusted_by_pixel() -> None:
    known, alpha = torch.tensor([[2.0, 4.0, 0.0]]), torch.tensor([[1.0, 0.5, 1.0]])
    z_sum = torch.tensor([[2.2, 0.5 * 5.0, 7.0]])
    trust = torch.tensor([[1.0, 0.5, 0.0]])
    expected = (1.0 * 0.1 + 0.5 * (0.5 * 0.25)) / 2
    assert float(depth_loss(z_sum, alpha, known, trust)) == pytest.approx(expected, rel=1e-5)
    assert float(depth_loss(10 * z_sum, alpha, 10 * known, trust)) == pytest.approx(expected, rel=1e-5)
    assert float(depth_loss(z_sum, alpha, known, torch.zeros(1, 3))) == 0


def test_haze_is_the_light_that_gets_through() -> None:
    alpha, counts = torch.tensor([[1.0, 0.4, 0.0]]), torch.tensor([[1.0, 1.0, 0.0]])
    assert float(haze_loss(alpha, counts)) == pytest.approx(0.3)


def test_discs_and_grains_are_no_needles() -> None:
    shapes = torch.tensor([[1.0, 1.0, 0.01], [1.0, 1.0, 1.0], [LONGEST * 0.9, 1.0, 0.5]]).log()
    assert float(needle_loss(shapes)) == 0
    needle = torch.tensor([[2 * LONGEST, 1.0, 1.0]]).log()
    assert float(needle_loss(needle)) == pytest.approx(np.log(2), rel=1e-5)
