"""From noise to latents: 35 guided steps of UniPC, or 4 steps of a network distilled to need no more (Lyra 2.0, 2026).

Both integrate a rectified flow (Liu et al. 2022): x = (1 - σ) data + σ noise, and the network's velocity is noise - data.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float

SHIFT = 5.0
"""Of the noise schedule: σ = shift u / (1 + (shift - 1) u) spends more steps on noise (Esser et al. 2024)."""
GUIDED_STEPS = 35
GUIDANCE = 5.0
"""Scale of classifier-free guidance (Ho & Salimans 2022)."""
FIRST_GUIDED = 0.999
"""Where the guided sampler's even grid begins, before the shift."""
DISTILLED = (1.0, 0.75, 0.5, 0.25)
"""The distilled sampler's steps before the shift: t = 1000, 937.5, 833.3, 625 after it."""
TIMESTEPS = 1000

Velocity = Callable[[Float[torch.Tensor, "c n h w"], float], Float[torch.Tensor, "b c n h w"]]
"""The network at one step: noisy latents and timestep (0 to 1000) to a velocity for each branch."""


def shifted(u: float) -> float:
    """Share of noise at an even step ``u``."""
    return SHIFT * u / (1 + (SHIFT - 1) * u)


def guided_grid(steps: int) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Shares of noise, and the whole timesteps that the network is told for them."""
    sigmas = [shifted(FIRST_GUIDED * (1 - n / steps)) for n in range(steps)]
    return tuple(sigmas), tuple(int(sigma * TIMESTEPS) for sigma in sigmas)


def guided_scheduler(steps: int) -> Any:
    """UniPC of second order, B2 (Zhao et al. 2023), on the published grid; diffusers' own differs from it by up to 0.004."""
    from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler

    scheduler = UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=SHIFT, solver_order=2, solver_type="bh2"
    )
    scheduler.set_timesteps(steps)
    sigmas, timesteps = guided_grid(steps)
    scheduler.sigmas = torch.tensor([*sigmas, 0.0], dtype=torch.float32)
    scheduler.timesteps = torch.tensor(timesteps, dtype=torch.int64)
    scheduler.set_begin_index(0)
    return scheduler


def sample_guided(
    velocity: Velocity, noise: Float[torch.Tensor, "c n h w"], *, steps: int = GUIDED_STEPS, guidance: float = GUIDANCE
) -> Float[torch.Tensor, "c n h w"]:
    """Latents from noise, away from what the second branch would draw.

    Args:
        velocity: Of two branches: the caption's, then the negative prompt's. One branch alone is followed as it is.
        noise: Standard normal, float32.
        steps: Calls of the network.
        guidance: 1 follows the caption's branch alone.
    """
    scheduler, x = guided_scheduler(steps), noise
    for timestep in scheduler.timesteps:
        branches = velocity(x, float(timestep))
        towards = branches[0] if len(branches) == 1 else branches[1] + guidance * (branches[0] - branches[1])
        x = scheduler.step(towards[None], timestep, x[None], return_dict=False)[0][0]
    return x


def sample_distilled(
    velocity: Velocity,
    noise: Float[torch.Tensor, "c n h w"],
    fresh: Callable[[], Float[torch.Tensor, "c n h w"]],
    *,
    steps: Sequence[float] = DISTILLED,
) -> Float[torch.Tensor, "c n h w"]:
    """Latents in a few steps: to clean ones in one leap, noised again, each time with fresh noise (DMD2: Yin et al. 2024).

    Args:
        velocity: Of one branch; guidance is in the weights.
        noise: Standard normal, float32.
        fresh: Draws the next noise.
        steps: Falling, before the shift, the first 1.
    """
    sigmas, x = [shifted(u) for u in steps], noise
    for number, sigma in enumerate(sigmas):
        clean = x - sigma * velocity(x, TIMESTEPS * sigma)[0]
        if number + 1 < len(sigmas):
            following = sigmas[number + 1]
            x = (1 - following) * clean + following * fresh()
    return clean
