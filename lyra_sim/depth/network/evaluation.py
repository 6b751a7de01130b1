"""The network beside the plane sweep with planar priors, on the same photos, pixel by pixel."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32

from lyra_sim.data.depth import MEASURED_CONFIDENCE
from lyra_sim.depth.network.figures import Figures, figures
from lyra_sim.depth.network.inference import infer
from lyra_sim.depth.network.network import DepthNetwork
from lyra_sim.depth.network.walks import Walk
from lyra_sim.depth.plane_sweep import CONFIRMING, estimate
from lyra_sim.depth.resample import depth_to_size, nearest_to_size, shrunk, working_size
from lyra_sim.depth.sweep.neighbours import choose_neighbours
from lyra_sim.scene.spec import CaptureConfig, DepthConfig

UP = np.array([0.0, 0.0, 1.0])
"""Against gravity in the world of every walk: z. Convention."""
REGIONS = ("all", "measured by the sweep", "filled by planes", "sweep and planes say nothing")


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Pixels of some views in a row."""

    truth: Float32[np.ndarray, "n"]
    """z-depth [m]."""
    swept: Float32[np.ndarray, "n"]
    """Of the plane sweep and the planes; NaN where they say nothing."""
    confidence: Float32[np.ndarray, "n"]
    """Of that."""
    found: Float32[np.ndarray, "n"]
    """The network's."""
    sigma: Float32[np.ndarray, "n"]
    """Its relative error, as it says itself."""

    def region(self, name: str) -> Bool[np.ndarray, "n"]:
        """Pixels by what the product says of them today."""
        known = np.isfinite(self.swept)
        measured = known & (self.confidence >= MEASURED_CONFIDENCE)
        return {
            "all": np.ones(known.shape, bool),
            "measured by the sweep": measured,
            "filled by planes": known & ~measured,
            "sweep and planes say nothing": ~known,
        }[name]

    def table(self) -> dict[str, tuple[Figures, Figures]]:
        """By region: today's figures and the network's; then those of both together, the network before the planes or last."""
        out = {}
        for name in REGIONS:
            where = self.region(name)
            out[name] = figures(self.swept, self.truth, where), figures(self.found, self.truth, where, self.sigma)
        every = self.region("all")
        for name, today in (("sweep, else network", REGIONS[1:2]), ("sweep, planes, else network", REGIONS[1:3])):
            kept = np.logical_or.reduce([self.region(region) for region in today])
            out[name] = out["all"][0], figures(np.where(kept, self.swept, self.found), self.truth, every)
        return out


def joined(parts: Sequence[Compared]) -> Compared:
    """All pixels of several."""
    nothing = [np.zeros(0, np.float32)]
    names = ("truth", "swept", "confidence", "found", "sigma")
    return Compared(**{name: np.concatenate([getattr(part, name) for part in parts] or nothing) for name in names})


def swept_maps(walk: Walk, cfg: DepthConfig) -> tuple[Float32[np.ndarray, "n h w"], Float32[np.ndarray, "n h w"]]:
    """Depth and confidence that the product's plane sweep has today, of every view."""
    maps = estimate(walk.capture(), cfg, limits=CaptureConfig()).maps
    return np.stack([each.z_depth for each in maps]), np.stack([each.confidence for each in maps])


def compared(
    network: DepthNetwork,
    walk: Walk,
    swept: Float32[np.ndarray, "n h w"],
    confidence: Float32[np.ndarray, "n h w"],
    targets: Sequence[int],
    *,
    side: int,
    sources: int,
    sigma_factor: float,
    stride: int = 1,
) -> Compared:
    """Run the network on ``targets``, at ``side`` px, and line everything up at the size of the photos, every ``stride`` px.

    Args:
        network: On the device that is to work.
        walk: Photos, cameras and the truth.
        swept: z-depth of every view by the sweep and the planes, at the size of the photos [m]; NaN where they say nothing.
        confidence: Of that, 0..1.
        targets: Views to find the depth of; those without a neighbour to compare with are left out.
        side: Longer side of what the network sees [px].
        sources: Neighbours of a target at the most.
        sigma_factor: What was fitted after training.
        stride: Pixels of the photos from one that is compared to the next.
    """
    width, height = working_size(walk.cameras.width, walk.cameras.height, side)
    cameras = walk.cameras.resized(width, height)
    rgb = [shrunk(image, width, height) for image in walk.rgb]
    capture = walk.capture()
    around = choose_neighbours(
        cameras,
        capture.sparse,
        capture.used,
        count=sources,
        confirming=CONFIRMING,
        up=UP,
        min_depth=CaptureConfig().min_depth,
        max_depth=None,
    )
    parts = []
    for view in targets:
        if not around[view].sources:
            continue
        told = infer(network, rgb, cameras, view, around[view], up=UP, sigma_factor=sigma_factor)
        full = walk.cameras.width, walk.cameras.height
        found, sigma = depth_to_size(told.z_depth, *full), nearest_to_size(told.sigma, *full)
        thin = (slice(stride // 2, None, stride),) * 2
        valid = np.isfinite(walk.z_depth[view][thin])
        parts.append(
            Compared(
                truth=walk.z_depth[view][thin][valid],
                swept=swept[view][thin][valid],
                confidence=confidence[view][thin][valid],
                found=found[thin][valid],
                sigma=sigma[thin][valid],
            )
        )
    return joined(parts)
