import numpy as np
import torch

from lyra_sim.reconstructors.splat_exposure import RATE, Exposures


def fitted(gains: list[float], *, rounds: int) -> Exposures:
    """Exposures alone, against a world that is known."""
    world = torch.tensor(np.random.default_rng(0).uniform(0.1, 0.9, (20, 20, 3)).astype(np.float32))
    exposures = Exposures(len(gains))
    optimizer = torch.optim.Adam(exposures.parameters(), lr=RATE)
    for _ in range(rounds):
        for photo, gain in enumerate(gains):
            optimizer.zero_grad()
            loss = (exposures(world, photo) - gain * world).abs().mean() + exposures.penalty(photo)
            loss.backward()
            optimizer.step()
            exposures.keep_the_mean()
    return exposures


def test_a_known_gain_is_found() -> None:
    """0.8 and 1.25 are one step apart either side of neutral, so the mean stays where it is."""
    found = np.array([row["gain"] for row in fitted([0.8, 1.0, 1.25], rounds=120).facts()])
    np.testing.assert_allclose(found, np.array([[0.8], [1.0], [1.25]]) * np.ones(3), rtol=0.05)


def test_what_all_photos_share_is_the_worlds_own() -> None:
    exposures = fitted([0.8, 0.8, 0.8], rounds=10)
    assert float(exposures.log_gains.detach().mean(dim=0).abs().max()) < 1e-6
    assert float(exposures.offsets.detach().mean(dim=0).abs().max()) < 1e-6


def test_frames_show_the_world_itself() -> None:
    exposures, world = fitted([0.8, 1.25], rounds=5), torch.rand(4, 5, 3)
    assert exposures(world, None) is world
    assert float(exposures.penalty(None)) == 0
