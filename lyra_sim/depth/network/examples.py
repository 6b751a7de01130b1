"""Training examples: procedural rooms photographed, with what a caller would know of the cameras, some of it slightly wrong."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np
import torch
from jaxtyping import Float32

from lyra_sim.depth.network.cost_volume import Geometry
from lyra_sim.depth.network.losses import Truth
from lyra_sim.depth.sweep.neighbours import DISPARITY_SIGMA, FARTHER, NEARER, TELLING
from lyra_sim.depth.sweep.view_sweep import BEYOND
from lyra_sim.synthetic.chance import Chance
from lyra_sim.synthetic.photos import Photos, photograph
from lyra_sim.synthetic.rooms import Rooms, make_rooms
from lyra_sim.synthetic.shade import Tracer
from lyra_sim.synthetic.textures import Atlas, make_atlas
from lyra_sim.synthetic.viewpoints import Shots, choose_shots

TEXTURES = 96
"""In one atlas. Convention."""
ATLAS_BATCHES = 64
"""Batches an atlas serves. Convention."""
WRONG_POSES = 0.6
"""Share of examples whose cameras are slightly off. Convention."""
WRONG_TURN, WRONG_MOVE = 0.0025, 0.01
"""Deviation of their rotation [rad], and of their position as a share of the baseline. Convention."""
HELD_OUT = 1000
"""From this series on held-out rooms are for figures; earlier ones are for what is fitted after training. Convention."""
WORKING_WIDTH = 512
"""Width at which the product judges how far parallax reaches [px]: the default of ``depth.side``. Derived."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Photos, cameras as they are believed, and the truth."""

    rgb: Float32[torch.Tensor, "b v 3 h w"]
    geometry: Geometry
    truth: Truth


@dataclass(frozen=True, kw_only=True)
class Studio:
    """Makes batch after batch; each depends on its number alone, so training can go on anywhere."""

    seed: int
    size: int
    """Rooms a batch."""
    views: int
    """The target among them."""
    width: int
    height: int
    device: torch.device
    samples: int = 2
    """Rays for colour a pixel."""
    textures: int = TEXTURES
    """In one atlas."""
    together: int = 16
    """Batches whose rooms are furnished at once: a thousand small operations, whatever the number of rooms."""
    tracer: Tracer = field(default_factory=Tracer)

    def batches(self, first: int) -> Iterator[Batch]:
        """Batch number ``first`` and all after it."""
        atlas_of, block_of = -1, -1
        for number in count(first):
            if number // ATLAS_BATCHES != atlas_of:
                atlas_of = number // ATLAS_BATCHES
                atlas = make_atlas(self.textures, Chance(_mixed(self.seed, 1, atlas_of), self.device))
            if number // self.together != block_of:
                block_of = number // self.together
                chance = Chance(_mixed(self.seed, 2, block_of), self.device)
                rooms = make_rooms(self.size * self.together, chance, self.textures)
                shots = choose_shots(rooms, self.views, self.width, self.height, chance)
            start = number % self.together * self.size
            rows = slice(start, start + self.size)
            yield self._batch(rooms.select(rows), shots.select(rows), atlas, Chance(_mixed(self.seed, 3, number), self.device))

    def held_out(self, series: int) -> Iterator[Batch]:
        """Batches of rooms that no training sees, with textures of their own."""
        return replace(self, seed=-1 - series).batches(0)

    def _batch(self, rooms: Rooms, shots: Shots, atlas: Atlas, chance: Chance) -> Batch:
        photos = photograph(rooms, atlas, shots, self.width, self.height, chance, samples=self.samples, tracer=self.tracer)
        return example(photos, chance)


def _mixed(*numbers: int) -> int:
    """One seed of several numbers."""
    return int(np.random.SeedSequence([number % 2**32 for number in numbers]).generate_state(1, np.uint64)[0] >> np.uint64(1))


def example(photos: Photos, chance: Chance) -> Batch:
    """What a photo's neighbours, cameras and sparse points would tell, with their errors; 2 sources at least stay."""
    b, v = photos.present.shape
    believed = _believed(photos.c2w, chance)
    source_from_target = torch.linalg.inv(believed[:, 1:]) @ believed[:, :1]
    present = photos.present[:, 1:] & (chance.share(b, v - 1, p=0.75) | (torch.arange(v - 1, device=believed.device) < 2))
    z = photos.z_depth[:, 0]
    sample = z[:, 4::8, 4::8].flatten(1)
    near = NEARER * sample.quantile(0.01, dim=1) * chance.between(b, low=0.8, high=1.25)
    far = FARTHER * sample.quantile(0.99, dim=1) * chance.between(b, low=0.6, high=1.2)
    baseline = source_from_target[:, :, :3, 3].norm(dim=-1).amax(dim=1)
    reach = TELLING * photos.K[:, 0, 0] * WORKING_WIDTH / z.shape[-1] * baseline / DISPARITY_SIGMA
    far = torch.maximum(torch.minimum(far, reach.clamp(min=2)), 1.5 * near)
    up = photos.c2w[:, 0, 2, :3] + 0.01 * chance.normal(b, 3)
    up = up / up.norm(dim=1, keepdim=True) * chance.share(b, 1, p=0.9)
    geometry = Geometry(
        K=photos.K[:, None].expand(-1, v, -1, -1),
        source_from_target=source_from_target,
        range=torch.stack([BEYOND / far, 1 / near], dim=-1),
        up=up,
        present=present,
    )
    inverse = 1 / z
    valid = (inverse > 0.7 * geometry.range[:, :1, None]) & (inverse < 1.2 * geometry.range[:, 1:, None])
    return Batch(rgb=photos.rgb, geometry=geometry, truth=Truth(inverse_depth=inverse, normal=photos.normal[:, 0], valid=valid))


def _believed(c2w: Float32[torch.Tensor, "b v 4 4"], chance: Chance) -> Float32[torch.Tensor, "b v 4 4"]:
    """Cameras as structure-from-motion would give them: the sources of some rooms a little off."""
    b, v = c2w.shape[:2]
    off = chance.share(b, 1, 1, p=WRONG_POSES) * chance.between(b, 1, 1)
    turn = WRONG_TURN * chance.normal(b, v, 3) * off
    x, y, z = turn.unbind(-1)
    zero = torch.zeros_like(x)
    skew = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).reshape(b, v, 3, 3)
    baseline = (c2w[:, :, :3, 3] - c2w[:, :1, :3, 3]).norm(dim=-1, keepdim=True)
    wrong = c2w.clone()
    wrong[:, :, :3, :3] = c2w[:, :, :3, :3] @ torch.matrix_exp(skew)
    wrong[:, :, :3, 3] = c2w[:, :, :3, 3] + WRONG_MOVE * baseline * chance.normal(b, v, 3) * off
    wrong[:, 0] = c2w[:, 0]
    return wrong
