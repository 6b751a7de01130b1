"""Photos of rooms: rays through pixels, then what a camera does to light."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float32

from lyra_sim.synthetic.chance import Chance
from lyra_sim.synthetic.rooms import Rooms
from lyra_sim.synthetic.shade import Tracer, trace
from lyra_sim.synthetic.textures import Atlas
from lyra_sim.synthetic.viewpoints import Shots

SAMPLES = ((0.25, 0.25), (0.75, 0.75), (0.75, 0.25), (0.25, 0.75))
"""Places within a pixel that rays for colour go through; depth is that of its middle. Convention."""
LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in a grey value (ITU-R BT.601). Convention."""


@dataclass(frozen=True, kw_only=True)
class Photos:
    """Pictures of a batch of rooms with the truth about the first view of each."""

    rgb: Float32[torch.Tensor, "b v 3 h w"]
    """As a camera would deliver them, 0..1."""
    c2w: Float32[torch.Tensor, "b v 4 4"]
    """True cameras [m]."""
    K: Float32[torch.Tensor, "b 3 3"]
    present: Bool[torch.Tensor, "b v"]
    """False: a copy of the target."""
    z_depth: Float32[torch.Tensor, "b d h w"]
    """Of the first ``d`` views [m]."""
    normal: Float32[torch.Tensor, "b d 3 h w"]
    """Towards the camera, in its own frame."""


def photograph(
    rooms: Rooms,
    atlas: Atlas,
    shots: Shots,
    width: int,
    height: int,
    chance: Chance,
    *,
    samples: int = 2,
    depth_views: int = 1,
    tracer: Tracer | None = None,
) -> Photos:
    """Take all photos.

    Args:
        rooms: Of what.
        atlas: Textures.
        shots: Cameras.
        width: Of the photos [px].
        height: Of the photos [px].
        chance: For what cameras do to light.
        samples: Rays for colour a pixel.
        depth_views: Views whose true depth is wanted.
        tracer: What a compiler made of the functions that take the time.
    """
    count, views = shots.c2w.shape[:2]
    pixel = 1 / shots.K[:, 0, 0]
    cast = [_rays(shots.c2w, shots.K, width, height, dx, dy) for dx, dy in SAMPLES[:samples]]
    cast.append(_rays(shots.c2w[:, :depth_views], shots.K, width, height, 0.5, 0.5))
    origins, directions = (torch.cat([part[k] for part in cast], dim=1) for k in (0, 1))
    colour, t, world = trace(rooms, atlas, origins, directions, pixel, tracer or Tracer())
    seen = views * height * width
    colour = colour[:, : samples * seen].clamp(max=2).unflatten(1, (samples, views, height, width)).mean(dim=1)
    colour = colour.permute(0, 1, 4, 2, 3)
    z, world = t[:, samples * seen :], world[:, samples * seen :]
    shape = (count, depth_views, height * width, 3)
    normal = torch.einsum("bvji,bvrj->bvri", shots.c2w[:, :depth_views, :3, :3], world.reshape(shape))
    return Photos(
        rgb=developed(colour, chance),
        c2w=shots.c2w,
        K=shots.K,
        present=shots.present,
        z_depth=z.reshape(count, depth_views, height, width),
        normal=normal.reshape(count, depth_views, height, width, 3).permute(0, 1, 4, 2, 3),
    )


def _rays(
    c2w: torch.Tensor, K: torch.Tensor, width: int, height: int, dx: float, dy: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """World origins and directions, all views of a room in a row; z = 1 in the camera makes the ray's parameter the z-depth."""
    u = torch.arange(width, device=K.device) + dx
    v = torch.arange(height, device=K.device) + dy
    x = (u - K[:, 0, 2, None]) / K[:, 0, 0, None]
    y = (v - K[:, 1, 2, None]) / K[:, 1, 1, None]
    x, y = torch.broadcast_tensors(x[:, None, :], y[:, :, None])
    rays = torch.stack([x, y, torch.ones_like(x)], dim=-1).flatten(1, 2)
    directions = torch.einsum("bvij,brj->bvri", c2w[..., :3, :3], rays)
    origins = c2w[:, :, None, :3, 3].expand_as(directions)
    return origins.flatten(1, 2), directions.flatten(1, 2)


def developed(linear: Float32[torch.Tensor, "b v 3 h w"], chance: Chance) -> Float32[torch.Tensor, "b v 3 h w"]:
    """Exposure, white balance, tone curve, vignetting, blur, noise and lossy compression, each by chance.

    Every room has one exposure that its views depart from a little, as with a camera on automatic.
    """
    b, v, _, height, width = linear.shape
    luma = torch.tensor(LUMA, device=linear.device)[:, None, None]
    mean = (linear * luma).sum(2).mean(dim=(1, 2, 3)).clamp(min=1e-3)
    gain = (0.24 / mean * (0.35 * chance.normal(b)).exp())[:, None] * (
        0.1 * chance.normal(b, v) * chance.share(b, 1, p=0.7)
    ).exp()
    balance = (0.08 * chance.normal(b, 1, 3) + 0.02 * chance.normal(b, v, 3)).exp()
    image = linear * (gain[..., None] * balance)[..., None, None]
    y = (torch.arange(height, device=linear.device) + 0.5) / height - 0.5
    x = (torch.arange(width, device=linear.device) + 0.5) / width - 0.5
    fall = chance.between(b, 1, 1, 1, 1, low=0.0, high=0.5) * chance.share(b, 1, 1, 1, 1, p=0.5)
    image = image * (1 - fall * (x[None, :] ** 2 + y[:, None] ** 2))
    gamma = chance.between(b, 1, 1, 1, 1, low=1.7, high=2.5)
    shoulder = chance.between(b, 1, 1, 1, 1, low=0.0, high=0.5)
    image = image * (1 + shoulder) / (1 + shoulder * image)
    image = image.clamp(1e-4, 1) ** (1 / gamma)
    image = _blurred(image, chance)
    sigma = chance.between(b, 1, 1, 1, 1) ** 2 * 0.03
    image = image + sigma * chance.normal(b, v, 3, height, width)
    image = torch.where(chance.share(b, 1, 1, 1, 1, p=0.5), _compressed(image, chance), image)
    return (image.clamp(0, 1) * 255).round() / 255


def _blurred(image: torch.Tensor, chance: Chance) -> torch.Tensor:
    """A 3x3 binomial kernel with a weight of the view's own: defocus and small motions."""
    b, v = image.shape[:2]
    side = (0.25 * chance.between(b, v, 1, 1, 1) * chance.share(b, 1, 1, 1, 1, p=0.6)).clamp(max=0.25)
    for axis in (-1, -2):
        n = image.shape[axis]
        before = torch.cat([image.narrow(axis, 0, 1), image.narrow(axis, 0, n - 1)], dim=axis)
        after = torch.cat([image.narrow(axis, 1, n - 1), image.narrow(axis, n - 1, 1)], dim=axis)
        image = image * (1 - 2 * side) + side * (before + after)
    return image


def _compressed(image: torch.Tensor, chance: Chance) -> torch.Tensor:
    """What quantised 8x8 cosine transforms leave (as JPEG does, Wallace 1991), all channels alike."""
    b, v, c, height, width = image.shape
    k = torch.arange(8, device=image.device, dtype=image.dtype)
    basis = torch.cos((2 * k[None, :] + 1) * k[:, None] * torch.pi / 16) * 0.5
    basis[0] *= 0.5**0.5
    step = (1 + k[None, :] + k[:, None]) * chance.between(b, 1, 1, 1, 1, 1, 1, low=0.4, high=3.0) * 2 / 255
    blocks = image.reshape(b, v, c, height // 8, 8, width // 8, 8).transpose(-3, -2)
    coefficients = basis @ blocks @ basis.T
    kept = basis.T @ ((coefficients / step).round() * step) @ basis
    return kept.transpose(-3, -2).reshape(image.shape)
