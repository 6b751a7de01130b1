"""Agreement of depth between views, on exact depth with known faults."""

import numpy as np
import torch

from lyra_sim.depth.confidence import measured_confidence
from lyra_sim.depth.consistency import agree, sample_depth
from tests.depth.textured import textured_room

OTHERS = (1, 2, 4, 5)


def exact() -> dict[int, torch.Tensor]:
    _, _, depths = textured_room()
    return {view: torch.from_numpy(z.copy()) for view, z in enumerate(depths)}


def test_exact_depth_agrees_and_stays() -> None:
    room, _, _ = textured_room()
    z = exact()
    found = agree(z, room.cameras, 3, OTHERS)
    assert (found.agreeing >= 2).float().mean() > 0.95
    assert (found.through == 0).float().mean() > 0.99
    off = (found.z_depth / z[3] - 1).abs()
    assert off.median() < 1e-4
    assert off.max() < 0.015
    assert found.difference[found.agreeing > 0].median() < 1e-4


def test_a_floater_is_seen_through_and_nobody_confirms_it() -> None:
    room, _, _ = textured_room()
    z = exact()
    z[3][20:40, 20:40] = 1.0
    found = agree(z, room.cameras, 3, OTHERS)
    spot = (slice(20, 40), slice(20, 40))
    assert (found.agreeing[spot] == 0).all()
    assert (found.through[spot] > 0).float().mean() > 0.9
    assert (found.parallax[spot] == 0).all()


def test_depth_behind_what_others_see_is_unconfirmed_not_seen_through() -> None:
    room, _, _ = textured_room()
    z = exact()
    z[3] = z[3] * 1.5
    found = agree(z, room.cameras, 3, OTHERS)
    assert (found.through == 0).float().mean() > 0.95
    assert (found.agreeing == 0).float().mean() > 0.97


def test_averaging_halves_independent_noise() -> None:
    room, _, depths = textured_room()
    rng = np.random.default_rng(1)
    z = {view: torch.from_numpy((d * (1 + rng.normal(0, 0.003, d.shape))).astype(np.float32)) for view, d in enumerate(depths)}
    found = agree(z, room.cameras, 3, OTHERS)
    before, after = ((each / torch.from_numpy(depths[3]) - 1).abs().median() for each in (z[3], found.z_depth))
    assert after < 0.65 * before


def test_unknown_stays_unknown_and_confirms_nothing() -> None:
    room, _, _ = textured_room()
    z = exact()
    z[3][:60] = torch.nan
    for other in OTHERS:
        z[other][:] = torch.nan
    found = agree(z, room.cameras, 3, OTHERS)
    assert torch.isnan(found.z_depth[:60]).all()
    assert (found.agreeing == 0).all()
    assert (found.through == 0).all()


def test_samples_never_lie_between_two_surfaces() -> None:
    z = torch.full((10, 20), 4.0)
    z[:, :10] = 2.0
    u, v = torch.meshgrid(torch.linspace(0.5, 19.5, 77), torch.linspace(0.5, 9.5, 11), indexing="xy")
    found = sample_depth(z, u, v)
    assert set(found.unique().tolist()) == {2.0, 4.0}


def test_samples_on_a_plane_are_exact() -> None:
    inverse = 0.4 + 0.002 * torch.arange(20.0) + 0.001 * torch.arange(10.0)[:, None]
    u, v = torch.tensor([3.25, 11.8]), torch.tensor([4.4, 6.1])
    assert torch.allclose(1 / sample_depth(1 / inverse, u, v), 0.4 + 0.002 * (u - 0.5) + 0.001 * (v - 0.5), atol=1e-6)


def test_confidence_grows_with_views_parallax_and_score() -> None:
    room, _, _ = textured_room()
    few, many = (agree(exact(), room.cameras, 3, others) for others in ((2,), (0, 1, 2, 4, 5, 6)))
    low, high = torch.full((120, 160), 0.6), torch.full((120, 160), 0.95)
    assert measured_confidence(many, high).median() == 1.0
    assert measured_confidence(few, high).median() < measured_confidence(many, high).median()
    assert measured_confidence(many, low).median() < measured_confidence(many, high).median()
