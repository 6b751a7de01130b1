"""Rooms and photos repeat, and hold what they promise."""

import torch

from lyra_sim.synthetic.chance import Chance
from lyra_sim.synthetic.photos import Photos, developed, photograph
from lyra_sim.synthetic.rooms import box_count, make_rooms, round_count
from lyra_sim.synthetic.textures import LEVELS, SIDE, Atlas, make_atlas
from lyra_sim.synthetic.viewpoints import choose_shots

WIDTH, HEIGHT = 32, 24


def taken(seed: int) -> Photos:
    chance = Chance(seed)
    atlas = make_atlas(8, chance)
    rooms = make_rooms(2, chance, atlas.count)
    assert rooms.boxes.shape[1] == box_count() and rooms.rounds.shape[1] == round_count()
    return photograph(rooms, atlas, choose_shots(rooms, 2, WIDTH, HEIGHT, chance), WIDTH, HEIGHT, chance, samples=1)


def test_photos_repeat_and_are_whole() -> None:
    first, again, other = taken(3), taken(3), taken(4)
    assert torch.equal(first.rgb, again.rgb) and torch.equal(first.z_depth, again.z_depth)
    assert not torch.equal(first.rgb, other.rgb)
    for photos in (first, other):
        assert photos.rgb.shape == (2, 2, 3, HEIGHT, WIDTH) and (photos.rgb >= 0).all() and (photos.rgb <= 1).all()
        assert torch.isfinite(photos.z_depth).all() and (photos.z_depth > 0).all()
        assert torch.allclose(photos.normal.norm(dim=2), torch.ones(()), atol=1e-3)
        v, u = torch.meshgrid(torch.arange(HEIGHT) + 0.5, torch.arange(WIDTH) + 0.5, indexing="ij")
        rays = torch.stack(
            [(u - photos.K[0, 0, 2]) / photos.K[0, 0, 0], (v - photos.K[0, 1, 2]) / photos.K[0, 1, 1], u * 0 + 1]
        )
        assert ((photos.normal[0, 0] * rays).sum(0) < 1e-3).all(), "a surface shows its outer side"


def test_textures_are_sampled_between_texels_and_levels() -> None:
    atlas = make_atlas(8, Chance(0))
    assert float(atlas.texels.min()) >= 0 and float(atlas.texels.max()) <= 1
    which, middle = torch.tensor([5]), torch.tensor([[(10 + 0.5) / SIDE, (20 + 0.5) / SIDE]])
    exact = atlas.texels[5 * SIDE * SIDE + 20 * SIDE + 10]
    assert torch.allclose(atlas.sample(which, middle, torch.zeros(1))[0], exact, atol=1e-5)
    assert torch.allclose(atlas.sample(which, middle + 3, torch.zeros(1))[0], exact, atol=1e-3), "textures repeat"
    coarse = atlas.sample(which, middle, torch.full((1,), float(LEVELS)))[0]
    whole = atlas.texels[5 * SIDE * SIDE : 6 * SIDE * SIDE].mean(dim=0)
    assert (coarse - whole).abs().max() < 0.35


def test_a_plain_atlas_stays_plain() -> None:
    count, texels = 2, sum((SIDE >> level) ** 2 for level in range(LEVELS))
    atlas = Atlas(texels=torch.full((count * texels, 3), 0.25), count=count)
    found = atlas.sample(torch.tensor([0, 1, 1]), torch.rand(3, 2), torch.tensor([0.0, 2.5, 99.0]))
    assert torch.allclose(found, torch.tensor(0.25))


def test_a_camera_keeps_light_in_range() -> None:
    dark_to_glaring = torch.logspace(-3, 2, 2 * 1 * 3 * 16 * 16).reshape(2, 1, 3, 16, 16)
    image = developed(dark_to_glaring, Chance(1))
    assert (image >= 0).all() and (image <= 1).all() and torch.isfinite(image).all()
