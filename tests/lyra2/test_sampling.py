"""The published grids, and UniPC beside its definition."""

import math

import pytest
import torch

from lyra_sim_lyra2.network.sampling import DISTILLED, guided_grid, sample_distilled, sample_guided, shifted


def test_guided_grid_is_the_published_one() -> None:
    sigmas, timesteps = guided_grid(35)
    even = [0.999 - 0.999 * n / 35 for n in range(35)]
    assert sigmas == pytest.approx([5 * u / (1 + 4 * u) for u in even], abs=1e-15)
    assert timesteps == tuple(math.floor(1000 * sigma) for sigma in sigmas)
    assert timesteps[0] == 999 and timesteps[-1] == 128


def test_distilled_steps_are_the_published_ones() -> None:
    assert [1000 * shifted(u) for u in DISTILLED] == pytest.approx([1000, 937.5, 2500 / 3, 625])


@pytest.mark.parametrize("steps", [2, 3, 10, 35])
def test_guided_sampling_is_second_order_unipc(steps: int) -> None:
    """Beside the paper's formulas (Zhao et al. 2023, B(h) = e^h - 1), worked out in float64."""
    torch.manual_seed(steps)
    mix = torch.randn(4, 4, dtype=torch.float64) * 0.3

    def velocity(x: torch.Tensor, timestep: float) -> torch.Tensor:
        drawn = torch.einsum("cd,dnhw->cnhw", mix.to(x), x) * (0.5 + timestep / 1000) + 0.2 * torch.tanh(x)
        return torch.stack([drawn, 0.7 * drawn - 0.1])

    noise = torch.randn(4, 2, 3, 3)
    ours = sample_guided(velocity, noise, steps=steps, guidance=3.0)
    reference = _unipc(velocity, noise.double(), steps, 3.0)
    assert (ours - reference).abs().max() < 2e-5 * reference.abs().max()


def test_guidance_of_one_follows_the_caption() -> None:
    noise = torch.randn(2, 1, 2, 2)

    def both(x: torch.Tensor, timestep: float) -> torch.Tensor:
        return torch.stack([0.5 * x, -3 * x])

    alone = sample_guided(lambda x, t: both(x, t)[:1], noise, steps=5)
    assert torch.allclose(sample_guided(both, noise, steps=5, guidance=1.0), alone, atol=1e-6)


def test_distilled_sampling_lands_on_data_that_the_network_knows() -> None:
    """A network that always points at the same clean latents ends there, whatever noise came in between."""
    data, noise = torch.randn(3, 2, 2, 2), torch.randn(3, 2, 2, 2)
    asked, drawn = [], []

    def velocity(x: torch.Tensor, timestep: float) -> torch.Tensor:
        asked.append(timestep)
        return ((x - data) / (timestep / 1000))[None]

    def fresh() -> torch.Tensor:
        drawn.append(torch.randn(3, 2, 2, 2))
        return drawn[-1]

    assert torch.allclose(sample_distilled(velocity, noise, fresh), data, atol=1e-5)
    assert asked == pytest.approx([1000, 937.5, 2500 / 3, 625]) and len(drawn) == 3


def test_distilled_sampling_noises_again_with_fresh_noise() -> None:
    seen = []

    def velocity(x: torch.Tensor, timestep: float) -> torch.Tensor:
        seen.append(x)
        return (x / (timestep / 1000))[None]  # the clean latents are zero, so that what is seen is noise alone

    sample_distilled(velocity, torch.ones(1, 1, 1, 1), lambda: torch.full((1, 1, 1, 1), 2.0))
    assert [float(x) for x in seen] == pytest.approx([1.0, 2 * 0.9375, 2 * 2.5 / 3, 2 * 0.625])


def _unipc(velocity, x: torch.Tensor, steps: int, guidance: float) -> torch.Tensor:  # type: ignore[no-untyped-def]
    """Predictor and corrector of order 2 in data prediction, order 1 at the ends; written from the paper."""
    sigmas, timesteps = guided_grid(steps)
    grid = [*sigmas, 0.0]
    lam = [math.log((1 - s) / s) if s > 0 else math.inf for s in grid]
    clean: list[torch.Tensor] = []
    before = x
    for n in range(steps):
        v = velocity(x, float(timesteps[n]))
        x0 = x - grid[n] * (v[1] + guidance * (v[0] - v[1]))
        if n > 0:
            x = _corrected(before, clean, x0, grid, lam, n)
        clean.append(x0)
        before = x
        last = n == steps - 1
        x = _predicted(x, clean, grid, lam, n, order=1 if n == 0 or last else 2)
    return x


def _predicted(x, clean, grid, lam, n, *, order):  # type: ignore[no-untyped-def]
    s, t = grid[n], grid[n + 1]
    if t == 0:
        return clean[-1]
    h = lam[n + 1] - lam[n]
    phi1 = math.expm1(-h)
    out = t / s * x - (1 - t) * phi1 * clean[-1]
    if order == 2:
        r = (lam[n - 1] - lam[n]) / h
        out = out - (1 - t) * phi1 * 0.5 * (clean[-2] - clean[-1]) / r
    return out


def _corrected(x, clean, x0, grid, lam, n):  # type: ignore[no-untyped-def]
    """From the state before the step that led to ``n``; order 2 once there are two earlier data predictions."""
    s, t = grid[n - 1], grid[n]
    h = lam[n] - lam[n - 1]
    hh = -h
    phi1 = math.expm1(hh)
    b_h = phi1
    out = t / s * x - (1 - t) * phi1 * clean[-1]
    d1 = x0 - clean[-1]
    if len(clean) < 2:
        return out - (1 - t) * b_h * 0.5 * d1
    r = (lam[n - 2] - lam[n - 1]) / h
    phi2 = phi1 / hh - 1
    phi3 = phi2 / hh - 0.5
    b = torch.tensor([phi2 / b_h, phi3 * 2 / b_h], dtype=torch.float64)
    a = torch.tensor([[1.0, 1.0], [r, 1.0]], dtype=torch.float64)
    rho = torch.linalg.solve(a, b)
    d0 = (clean[-2] - clean[-1]) / r
    return out - (1 - t) * b_h * (rho[0] * d0 + rho[1] * d1)
