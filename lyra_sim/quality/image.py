"""Re-rendered splats against the photos they were made from."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, UInt8

from lyra_sim.data.report import Metric
from lyra_sim.data.splats import Splats
from lyra_sim.data.views import Views
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.quality.depth import ViewSet
from lyra_sim.quality.figures.metrics import measured
from lyra_sim.rendering.splat_view import render_splats


@runtime_checkable
class Pictured(Protocol):
    """Photos, their cameras and what should look like them: as a :class:`lyra_sim.data.world.MetricWorld` has them."""

    @property
    def splats(self) -> Splats:
        """In the frame of the cameras."""
        ...

    @property
    def views(self) -> Views:
        """The photos."""
        ...

    @property
    def cameras(self) -> CameraPath:
        """One a photo."""
        ...


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """How near two images are over the pixels that count."""

    psnr: float
    """[dB]"""
    ssim: float
    """Wang et al. 2004, 11-pixel Gaussian window."""


def likeness(photo: UInt8[np.ndarray, "h w 3"], render: UInt8[np.ndarray, "h w 3"], valid: Bool[np.ndarray, "h w"]) -> Likeness:
    """PSNR and SSIM over valid pixels; SSIM windows are centred on valid pixels."""
    from skimage.metrics import structural_similarity

    a, b = photo.astype(np.float64) / 255, render.astype(np.float64) / 255
    error = float(((a - b)[valid] ** 2).mean())
    _, similar = structural_similarity(
        a, b, channel_axis=-1, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
    )
    return Likeness(psnr=-10 * np.log10(max(error, 1e-10)), ssim=float(similar[valid].mean()))


def image_metrics(world: Pictured, views: ViewSet, *, given: bool = False) -> list[Metric]:
    """Mean over views of PSNR and SSIM, and the share of valid pixels that splats cover at least half.

    Uncovered pixels are black, so holes cost as they should. Sky and things that moved are not of this world and don't count.

    Args:
        world: With every view of the capture.
        views: Those that are judged.
        given: Geometry was given, and its views are virtual: the mean over what they see of it is a figure that may fail, for
            such views have neither exposure nor noise. What lies behind it is a colour that stands for nothing.
    """
    scores, covered, of_given = [], [], []
    for index in views.indices:
        valid = world.views.valid(index) & world.views.static(index)
        view = render_splats(world.splats, world.cameras, index)
        scores.append(likeness(world.views.rgb(index), view.rgb_bytes, valid))
        covered.append(float((view.alpha[valid] >= 0.5).mean()))
        if given and (seen := valid & np.isfinite(world.views.z_depth(index))).any():
            of_given.append(likeness(world.views.rgb(index), view.rgb_bytes, seen).psnr)
    n = len(views.indices)
    average = lambda values: float(np.mean(values)) if n else np.nan  # noqa: E731
    return [
        measured(f"image.{views.name}.psnr", average([score.psnr for score in scores]), n=n, note="mean over views"),
        measured(f"image.{views.name}.ssim", average([score.ssim for score in scores]), n=n, note="mean over views"),
        measured(f"image.{views.name}.covered", average(covered), n=n, note="mean over views"),
        *(
            [measured("given.psnr", float(np.mean(of_given)) if of_given else np.nan, n=len(of_given), note="mean over views")]
            if given
            else []
        ),
    ]
