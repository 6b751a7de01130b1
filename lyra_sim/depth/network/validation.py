"""How well a network does on procedural rooms that it never saw, beside nothing else: a figure to follow training by."""

from collections.abc import Iterator
from itertools import islice

import numpy as np
import torch

from lyra_sim.depth.network.examples import Batch
from lyra_sim.depth.network.figures import Figures, figures
from lyra_sim.depth.network.network import DepthNetwork, Prediction


def predicted(network: DepthNetwork, batch: Batch) -> Prediction:
    """Without gradients, in the precision that training runs in."""
    device = batch.rgb.device.type
    with torch.no_grad(), torch.autocast(device, dtype=torch.bfloat16, enabled=device == "cuda"):
        return network(batch.rgb, batch.geometry)


def validated(network: DepthNetwork, batches: Iterator[Batch], count: int, factor: float) -> Figures:
    """Figures over all pixels of ``count`` batches; ``factor`` is what sigma is multiplied by."""
    found, truth, sigma = [], [], []
    for batch in islice(batches, count):
        told = predicted(network, batch)
        valid = batch.truth.valid
        found.append((1 / told.inverse_depth)[valid].cpu().numpy())
        truth.append((1 / batch.truth.inverse_depth)[valid].cpu().numpy())
        sigma.append((told.log_sigma[valid].exp() * factor).cpu().numpy())
    z = np.concatenate(found)
    return figures(z, np.concatenate(truth), np.ones(z.shape, bool), np.concatenate(sigma))


def scaled_sigma(network: DepthNetwork, batches: Iterator[Batch], count: int) -> float:
    """The factor on sigma that brings the shares within one and two sigma nearest to a normal distribution's."""
    ratio = []
    for batch in islice(batches, count):
        told = predicted(network, batch)
        off = (told.inverse_depth.log() - batch.truth.inverse_depth.log()).abs() / told.log_sigma.exp()
        ratio.append(off[batch.truth.valid].cpu().numpy())
    spread = np.concatenate(ratio)
    factors = np.exp(np.linspace(-0.7, 0.7, 57))
    wrong = [
        max(abs(float((spread <= f).mean()) - 0.683) / 5, abs(float((spread <= 2 * f).mean()) - 0.954) / 3) for f in factors
    ]
    return float(factors[int(np.argmin(wrong))])
