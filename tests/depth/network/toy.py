"""A network and photos small enough for a test."""

import torch

from lyra_sim.depth.network.cost_volume import Geometry
from lyra_sim.depth.network.examples import Batch
from lyra_sim.depth.network.losses import Truth
from lyra_sim.depth.network.network import Config

TOY = Config(planes=16, half=8, quarter=16, groups=4, hidden=8, widths=(32, 32, 32, 32), near=5, fine=16)
WIDTH, HEIGHT = 64, 40


def toy_batch(sources: int = 3, seed: int = 0, rooms: int = 1) -> Batch:
    """Random pictures beside each other, of a slope; the size is no multiple of 32."""
    generator = torch.Generator().manual_seed(seed)
    K = torch.tensor([[50.0, 0, WIDTH / 2], [0, 50.0, HEIGHT / 2], [0, 0, 1]]).expand(rooms, sources + 1, 3, 3)
    source_from_target = torch.eye(4).repeat(rooms, sources, 1, 1)
    source_from_target[..., :3, 3] = 0.2 * torch.randn(rooms, sources, 3, generator=generator)
    inverse = torch.linspace(0.3, 0.8, HEIGHT)[None, :, None].expand(rooms, HEIGHT, WIDTH).contiguous()
    normal = torch.tensor([0.0, -0.6, -0.8])[None, :, None, None].expand(rooms, 3, HEIGHT, WIDTH)
    return Batch(
        rgb=torch.rand(rooms, sources + 1, 3, HEIGHT, WIDTH, generator=generator),
        geometry=Geometry(
            K=K,
            source_from_target=source_from_target,
            range=torch.tensor([[0.1, 1.5]]).expand(rooms, 2),
            up=torch.tensor([[0.0, -1.0, 0.0]]).expand(rooms, 3),
            present=torch.ones(rooms, sources, dtype=torch.bool),
        ),
        truth=Truth(inverse_depth=inverse, normal=normal, valid=torch.ones(rooms, HEIGHT, WIDTH, dtype=torch.bool)),
    )
