"""Training resumes exactly, learns, and its losses are least where they should be."""

from pathlib import Path

import pytest
import torch

from lyra_sim.depth.network.examples import Studio
from lyra_sim.depth.network.losses import losses, quartered, sigma_loss
from lyra_sim.depth.network.moments import packed_first, packed_second, unpacked_first, unpacked_second
from lyra_sim.depth.network.network import DepthNetwork, Prediction
from lyra_sim.depth.network.training import Schedule, Trainer, fresh
from lyra_sim.errors import InputError
from tests.depth.network.toy import TOY, toy_batch

CPU = torch.device("cpu")
SCHEDULE = Schedule(total=20, warm_up=3, peak=3e-3)


def weights(trainer: Trainer) -> torch.Tensor:
    return torch.cat([value.flatten() for value in [*trainer.network.parameters(), *trainer.mean.parameters()]]).detach()


def test_training_resumes_bit_for_bit(tmp_path: Path) -> None:
    trainer = fresh(TOY, SCHEDULE, CPU, seed=0)
    for number in range(2):
        trainer.learn(toy_batch(seed=number))
    trainer.save(tmp_path)
    resumed = Trainer.resumed(tmp_path, CPU)
    assert resumed.step == 2 and torch.equal(weights(trainer), weights(resumed))
    for number in range(2, 4):
        told = [each.learn(toy_batch(seed=number)) for each in (trainer, resumed)]
        assert all(torch.equal(told[0][name], told[1][name]) for name in told[0])
    assert torch.equal(weights(trainer), weights(resumed))


def test_a_part_of_a_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="0 files of 'checkpoint'"):
        Trainer.resumed(tmp_path, CPU)


def test_it_learns_one_scene() -> None:
    trainer, batch = fresh(TOY, SCHEDULE, CPU, seed=0), toy_batch()
    told = [float(trainer.learn(batch)["depth"]) for _ in range(12)]
    assert told[-1] < 0.7 * told[0]


def test_batches_depend_on_their_number_alone() -> None:
    studio = Studio(seed=1, size=1, views=2, width=32, height=32, device=CPU, samples=1, textures=8, together=2)
    batches = studio.batches(0)
    next(batches)
    second, again = next(batches), next(studio.batches(1))
    assert torch.equal(second.rgb, again.rgb) and torch.equal(second.truth.inverse_depth, again.truth.inverse_depth)
    assert second.truth.valid.float().mean() > 0.9
    assert not torch.equal(next(studio.held_out(0)).rgb, second.rgb)


def test_the_truth_has_the_least_loss() -> None:
    batch = toy_batch()
    truth = batch.truth
    quarter, _ = quartered(truth.inverse_depth, truth.valid)
    place = (quarter - 0.1) / 1.4 * 15
    logits = -8 * (torch.arange(16)[None, :, None, None] - place[:, None]).abs()

    def loss(factor: float) -> dict[str, torch.Tensor]:
        found = Prediction(
            inverse_depth=truth.inverse_depth * factor,
            log_sigma=torch.full_like(truth.inverse_depth, -3.0),
            normal=truth.normal,
            coarse=quarter * factor,
            logits=logits,
        )
        return losses(found, truth, batch.geometry)

    exact, off = loss(1.0), loss(1.1)
    assert float(exact["depth"]) == float(exact["slope"]) == 0 and abs(float(exact["normal"])) < 1e-6
    assert float(off["depth"]) > 0.5 and float(off["slope"]) > 0 and float(off["coarse"]) > 0


def test_sigma_is_least_wrong_at_the_deviation() -> None:
    generator = torch.Generator().manual_seed(0)
    error = (0.05 * torch.randn(40000, generator=generator)).abs()
    sigmas = torch.linspace(0.02, 0.1, 81)
    best = min(sigmas, key=lambda sigma: float(sigma_loss(error, sigma.log().expand_as(error)).mean()))
    assert abs(float(best) - 0.05) < 0.003


def test_moments_survive_in_8_bits() -> None:
    value = torch.randn(3, 500) * torch.logspace(-6, 0, 500)
    first = unpacked_first(packed_first(value), value.shape)
    assert ((first - value).abs() <= value.abs().max() / 127).all()
    second = unpacked_second(packed_second(value**2), value.shape)
    large = value.abs() > 1e-6
    assert ((second / value**2).sqrt()[large] - 1).abs().max() < 0.1
    assert float(unpacked_second(packed_second(torch.zeros(4)), torch.Size([4])).abs().max()) == 0


def test_the_rate_warms_up_and_ends_at_nothing() -> None:
    rates = [SCHEDULE.rate(step) for step in range(21)]
    assert rates[0] < rates[1] < rates[2] == pytest.approx(SCHEDULE.peak) and rates[20] == pytest.approx(0)
    assert DepthNetwork(TOY).config == TOY
