"""What training minimises: photos, depth, opaque surfaces, and no needles. All of it over pixels that count alone."""

import torch
from jaxtyping import Float
from torch.nn import functional

SSIM_SHARE = 0.2
"""Of the photo loss; the rest is L1 (Kerbl et al. 2023). Convention."""
WINDOW, WINDOW_SIGMA = 11, 1.5
"""Gaussian window of SSIM [px] (Wang et al. 2004). Convention."""
C1, C2 = 0.01**2, 0.03**2
"""SSIM's constants for colours 0..1. Convention."""
LONGEST = 5.0
"""A splat longer than this many times its second axis is a needle: from the side it is a streak no photo asked for.
Tuned, unrecorded."""


def photo_loss(
    render: Float[torch.Tensor, "h w 3"], photo: Float[torch.Tensor, "h w 3"], counts: Float[torch.Tensor, "h w"]
) -> Float[torch.Tensor, ""]:
    """L1 and D-SSIM (Kerbl et al. 2023), the mean over pixels that count.

    Both images are blacked out where they don't, so that a window across the border sees no difference there.
    """
    weight = counts[..., None]
    a, b = render * weight, photo * weight
    total = counts.sum().clamp_min(1)
    l1 = (a - b).abs().sum() / (3 * total)
    dissimilar = ((1 - ssim_map(a, b)) * weight).sum() / (3 * total)
    return (1 - SSIM_SHARE) * l1 + SSIM_SHARE * dissimilar


def ssim_map(a: Float[torch.Tensor, "h w 3"], b: Float[torch.Tensor, "h w 3"]) -> Float[torch.Tensor, "h w 3"]:
    """Structural similarity at every pixel and channel (Wang et al. 2004); zero outside the images."""
    a, b = a.permute(2, 0, 1), b.permute(2, 0, 1)
    mean_a, mean_b, aa, bb, ab = _blurred(torch.cat([a, b, a * a, b * b, a * b])).split(3)
    variances = (aa - mean_a**2) + (bb - mean_b**2)
    covariance = ab - mean_a * mean_b
    means = mean_a * mean_b
    similar = (2 * means + C1) * (2 * covariance + C2) / ((mean_a**2 + mean_b**2 + C1) * (variances + C2))
    return similar.permute(1, 2, 0)


def _blurred(images: Float[torch.Tensor, "c h w"]) -> Float[torch.Tensor, "c h w"]:
    channels = images.shape[0]
    at = torch.arange(WINDOW, device=images.device, dtype=images.dtype) - WINDOW // 2
    window = torch.exp(-(at**2) / (2 * WINDOW_SIGMA**2))
    window = (window / window.sum()).expand(channels, 1, 1, WINDOW)
    along = functional.conv2d(images[None], window, padding=(0, WINDOW // 2), groups=channels)
    return functional.conv2d(along, window.transpose(2, 3), padding=(WINDOW // 2, 0), groups=channels)[0]


def depth_loss(
    z_sum: Float[torch.Tensor, "h w"],
    alpha: Float[torch.Tensor, "h w"],
    z_depth: Float[torch.Tensor, "h w"],
    trust: Float[torch.Tensor, "h w"],
) -> Float[torch.Tensor, ""]:
    """Mean over pixels with known depth of its trust times the relative error of the expected depth.

    ``alpha * |expected - known| / known``: nothing is divided by a small alpha, and units don't matter.

    Args:
        z_sum: Alpha-weighted sum of z-depths.
        alpha: Coverage.
        z_depth: What is known; 0 elsewhere.
        trust: 0..1; 0 where nothing is known.
    """
    known = torch.where(trust > 0, z_depth, torch.ones_like(z_depth))
    error = (z_sum - alpha * known).abs() / known
    return (error * trust).sum() / (trust > 0).sum().clamp_min(1)


def haze_loss(alpha: Float[torch.Tensor, "h w"], counts: Float[torch.Tensor, "h w"]) -> Float[torch.Tensor, ""]:
    """Mean share of light that gets through: whatever a photo shows stops it somewhere."""
    return ((1 - alpha) * counts).sum() / counts.sum().clamp_min(1)


def needle_loss(log_scales: Float[torch.Tensor, "n 3"]) -> Float[torch.Tensor, ""]:
    """Mean log of how much longer than allowed splats are."""
    longest, second, _ = log_scales.sort(dim=1, descending=True).values.unbind(1)
    excess = longest - second - torch.log(torch.tensor(LONGEST, device=log_scales.device))
    return excess.clamp_min(0).mean()
