"""The training loop: Adam, densification with a lid on it, coarse to fine, in a frame whose unit is the median depth."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from gsplat import DefaultStrategy

from lyra_sim.conventions import rgb_from_sh_dc, sh_dc_from_rgb
from lyra_sim.data.splats import Splats
from lyra_sim.data.world import TrainingFacts
from lyra_sim.errors import GeometryError
from lyra_sim.reconstructors import splat_exposure
from lyra_sim.reconstructors.splat_exposure import Exposures
from lyra_sim.reconstructors.splat_losses import depth_loss, haze_loss, needle_loss, photo_loss
from lyra_sim.reconstructors.splat_views import TrainingImage, TrainingViews, order_of_images
from lyra_sim.rendering.rasterizer import Raster, rasterize

RATES = {"means": 1e-3, "scales": 2e-2, "quats": 4e-3, "opacities": 5e-2, "colors": 1e-2}
"""Adam's first steps, for runs of hundreds to thousands of iterations from seeds on the surface; ``means`` in unit frame."""
LAST_RATE = 0.1
"""Share of the rates left at the end; they fall exponentially. Tuned on livingroom."""
COARSE_SHARE = 0.7
"""Share of the iterations at half the size: rough errors are as plain there, at a quarter of the cost. Tuned on livingroom."""
GROW_FROM, GROW_UNTIL, GROWTHS = 0.1, 0.4, 5
"""Densification: between these shares of the iterations, at most this many times, and never before every photo had its say:
a split leaves gaps that take dozens of iterations to close. Tuned on livingroom."""
HAZE_WEIGHT = 0.05
"""Of light that passes where surface is known, beside the photo loss. Tuned, unrecorded."""
NEEDLE_WEIGHT = 0.05
"""Of needles, beside the photo loss. Tuned, unrecorded."""
NEAR = 0.01
"""Nearest splat that is drawn [unit frame]. Convention."""
FAINTEST = 1 / 255
"""Opacity below which a splat is never drawn. Derived."""
REPORTS = 5
"""Lines printed in a run. Convention."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What came out, in the unit frame."""

    splats: Splats
    facts: TrainingFacts


class _Lidded(DefaultStrategy):
    """gsplat's densification (Kerbl et al. 2023) that grows the neediest splats alone when there isn't room for all."""

    grow_grad2d: float

    def __init__(self, most: int, **settings: int) -> None:
        super().__init__(**settings)
        self.most = most

    def _grow_gs(self, params: Any, optimizers: Any, state: Any, step: int) -> tuple[int, int]:
        room = self.most - len(params["means"])
        if room <= 0:
            return 0, 0
        mean = state["grad2d"] / state["count"].clamp_min(1)
        usual = self.grow_grad2d
        if int((mean > usual).sum()) > room:
            self.grow_grad2d = float(mean.sort(descending=True).values[room])
        grown: tuple[int, int] = super()._grow_gs(params, optimizers, state, step)
        self.grow_grad2d = usual
        return grown


def train(
    seeds: Splats, views: TrainingViews, *, iterations: int, side: int, depth_weight: float, most: int, seed: int
) -> Trained:
    """Fit ``seeds`` to ``views``, both in the unit frame. The same inputs give the same bits on a CPU; CUDA adds in any order.

    Args:
        seeds: Splats to start from.
        views: Images to learn from, on the device to train on.
        iterations: One image each.
        side: Longer side of the images in the end [px].
        depth_weight: Of the relative depth error beside the photo loss's 1.
        most: Number of splats never exceeded.
        seed: Of the order of the images, and of where the halves of a split splat go.
    """
    with torch.random.fork_rng(devices=[views.device] if views.device.type == "cuda" else []):
        torch.manual_seed(seed)
        return _Run(seeds, views, iterations, most).finished(side, depth_weight, seed)


class _Run:
    """The state of one training run."""

    def __init__(self, seeds: Splats, views: TrainingViews, iterations: int, most: int) -> None:
        self.views, self.iterations, self.seed_count = views, iterations, len(seeds)
        self.params = _parameters(seeds, views.device)
        self.optimizers = {
            name: torch.optim.Adam([{"params": [value], "lr": RATES[name]}], eps=1e-15) for name, value in self.params.items()
        }
        self.exposures = Exposures(views.photo_count).to(views.device)
        self.exposure_optimizer = torch.optim.Adam(self.exposures.parameters(), lr=splat_exposure.RATE)
        turn = (
            len(views) if len(views) == views.photo_count else 2 * views.photo_count
        )  # frames get half the iterations at most
        first, last = max(turn, int(GROW_FROM * iterations)), int(GROW_UNTIL * iterations)
        self.strategy = _Lidded(
            most,
            refine_start_iter=first - 1,  # the strategy grows after it
            refine_stop_iter=last + 1,
            refine_every=max(turn, (last - first) // GROWTHS),
            reset_every=iterations + 1,
        )
        self.strategy.check_sanity(self.params, self.optimizers)
        self.strategy_state = self.strategy.initialize_state(scene_scale=1.0)

    def finished(self, side: int, depth_weight: float, seed: int) -> Trained:
        losses = []
        photos, frames = self.views.photo_count, len(self.views) - self.views.photo_count
        for step, index in enumerate(order_of_images(photos, frames, self.iterations, seed=seed)):
            coarse = step < COARSE_SHARE * self.iterations
            losses.append(self._step(step, self.views.image(index, side // 2 if coarse else side), depth_weight))
            if (step + 1) % max(1, self.iterations // REPORTS) == 0:
                print(f"iteration {step + 1}: loss {np.mean(losses[-50:]):.4f}, {len(self.params['means'])} splats")
        splats = surviving(self.params)
        if len(splats) == 0:
            raise GeometryError(
                "gsplat",
                f"no splat survived {self.iterations} iterations",
                expected="finite, opaque splats",
                next_step="Lower reconstruct.iterations, or set reconstruct.backend: fuse.",
            )
        facts = TrainingFacts(
            iterations=self.iterations,
            loss=round(float(np.mean(losses[-max(1, self.iterations // 10) :])), 5) if losses else None,
            seeds=self.seed_count,
            splats=len(splats),
            exposures=self.exposures.facts(),
        )
        return Trained(splats=splats, facts=facts)

    def _step(self, step: int, image: TrainingImage, depth_weight: float) -> float:
        self._set_rates(step)
        raster = self._rendered(image)
        raster.centres_px.retain_grad()
        loss = self._loss(raster, image, depth_weight)
        loss.backward()
        self._densify(step, raster, image)
        for optimizer in (*self.optimizers.values(), self.exposure_optimizer):
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.exposures.keep_the_mean()
        return float(loss.detach())

    def _rendered(self, image: TrainingImage) -> Raster:
        width, height = image.size
        return rasterize(
            self.params["means"],
            self.params["quats"],
            self.params["scales"].exp(),
            self.params["opacities"].sigmoid(),
            self.params["colors"].clamp_min(0),
            w2c=image.w2c,
            K=image.K,
            width=width,
            height=height,
            near=NEAR,
        )

    def _loss(self, raster: Raster, image: TrainingImage, depth_weight: float) -> torch.Tensor:
        render = self.exposures(raster.colors, image.photo)
        seen = photo_loss(render, image.rgb, image.counts)
        seen = seen + depth_weight * depth_loss(raster.z_depth, raster.alpha, image.z_depth, image.trust)
        seen = seen + HAZE_WEIGHT * haze_loss(raster.alpha, image.counts)
        return image.weight * seen + self.exposures.penalty(image.photo) + NEEDLE_WEIGHT * needle_loss(self.params["scales"])

    def _densify(self, step: int, raster: Raster, image: TrainingImage) -> None:
        width, height = image.size
        gradient = raster.centres_px.grad
        assert gradient is not None  # retained in _step
        info = {
            "means2d": SimpleNamespace(grad=gradient[None]),
            "radii": raster.radii_px[None],
            "gaussian_ids": None,
            "width": width,
            "height": height,
            "n_cameras": 1,
        }
        self.strategy.step_post_backward(self.params, self.optimizers, self.strategy_state, step, info)

    def _set_rates(self, step: int) -> None:
        factor = LAST_RATE ** (step / max(1, self.iterations - 1))
        for name, optimizer in self.optimizers.items():
            optimizer.param_groups[0]["lr"] = RATES[name] * factor


def surviving(params: Mapping[str, torch.Tensor]) -> Splats:
    """What is worth keeping: finite, and opaque enough ever to be drawn."""
    values = {name: value.detach().cpu().numpy() for name, value in params.items()}
    alive = values["opacities"] > math.log(FAINTEST / (1 - FAINTEST))
    for value in values.values():
        alive &= np.isfinite(value).reshape(len(value), -1).all(axis=1)
    length = np.linalg.norm(values["quats"], axis=1, keepdims=True)
    alive &= length[:, 0] > 0
    return Splats(
        means=values["means"][alive],
        quats_wxyz=values["quats"][alive] / length[alive],
        log_scales=values["scales"][alive],
        opacity_logits=values["opacities"][alive],
        sh_coeffs=sh_dc_from_rgb(values["colors"][alive])[:, None],
    )


def _parameters(seeds: Splats, device: torch.device) -> dict[str, torch.nn.Parameter]:
    """Named as gsplat's strategies want them."""
    arrays: Mapping[str, np.ndarray] = {
        "means": seeds.means,
        "scales": seeds.log_scales,
        "quats": seeds.quats_wxyz,
        "opacities": seeds.opacity_logits,
        "colors": rgb_from_sh_dc(seeds.sh_coeffs[:, 0]),
    }
    return {name: torch.nn.Parameter(torch.tensor(np.array(array), device=device)) for name, array in arrays.items()}
