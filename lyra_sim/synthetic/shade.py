"""Colours of rays: textured paint under lamps, one shadow, gloss, lit panels, and one bounce off mirrors or through panes."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float32, Int64

from lyra_sim.synthetic.cast import nearest_hit, surface_at
from lyra_sim.synthetic.rooms import Rooms
from lyra_sim.synthetic.textures import LEVELS, SIDE, Atlas

OFF = 2e-3
"""Secondary rays start this far off the surface [m], rays to lamps this share of the way before it. Convention."""
LEAST_COSINE = 0.2
"""Textures seen at a flatter angle than this aren't blurred further. Convention."""


def painted(
    rooms: Rooms,
    atlas: Atlas,
    origins: Float32[torch.Tensor, "b r 3"],
    directions: Float32[torch.Tensor, "b r 3"],
    pixel: Float32[torch.Tensor, "b"],
    t: Float32[torch.Tensor, "b r"],
    index: Int64[torch.Tensor, "b r"],
    blocked: Float32[torch.Tensor, "b r"],
    travelled: Float32[torch.Tensor, "b r"],
) -> tuple[
    Float32[torch.Tensor, "b r 3"],
    Float32[torch.Tensor, "b r 3"],
    Float32[torch.Tensor, "b r 1"],
    Float32[torch.Tensor, "b r 3"],
    Float32[torch.Tensor, "b r 3"],
]:
    """Colour and normal of what was hit, the share of what lies behind or is mirrored, and the ray that meets that.

    The colour is linear, the normal and both parts of the ray are in the world.

    Args:
        rooms: What is looked at.
        atlas: Its textures.
        origins: World points that rays start from [m].
        directions: World directions of any length.
        pixel: Size of a pixel at distance 1 [rad]: what textures are blurred by.
        t: Ray parameter of what was hit, in lengths of ``directions``.
        index: What was hit, as :func:`nearest_hit` counts.
        blocked: How far a ray from the hit to the first lamp comes, 1 being the lamp.
        travelled: Distance covered before ``origins`` [m].
    """
    point = origins + t[..., None] * directions
    normal, uv, material = surface_at(rooms, index, point, directions)
    length = directions.norm(dim=-1)
    unit = directions / length[..., None]
    cosine = (normal * unit).sum(-1).abs().clamp(min=LEAST_COSINE)
    tiles = material[..., 1]
    level = ((t * length + travelled) * pixel[:, None] / cosine.sqrt() * tiles * SIDE).clamp(min=1.0).log2()
    texture = atlas.sample(material[..., 0].long(), uv * tiles[..., None], level.clamp(max=LEVELS - 1))
    albedo = torch.lerp(material[..., 5:8], texture, material[..., 8:9])
    light, shine = _light(rooms, point, normal, unit, blocked)
    gloss, emission = material[..., 9:10], material[..., 10:11]
    # Corners and the feet of walls get less light from all around.
    low, high = rooms.air[:, None, :3], rooms.air[:, None, 3:]
    near = torch.minimum((point - low).abs(), (high - point).abs())
    open_air = 1 - 0.3 * torch.exp(-near / 0.25) * (1 - normal.abs())
    ambient = rooms.ambient[:, None] * open_air.prod(dim=-1, keepdim=True) * (0.85 + 0.15 * normal[..., 2:3])
    colour = albedo * (ambient + light + emission * 2) + gloss * shine
    mirror, pane = material[..., 11:12], material[..., 12:13]
    bounced = unit - 2 * (unit * normal).sum(-1, keepdim=True) * normal
    onward = torch.where(pane > 0, unit, bounced)
    start = point + OFF * torch.where(pane > 0, unit, normal)
    return colour, normal, torch.maximum(mirror, pane), start, onward


@dataclass(frozen=True, kw_only=True)
class Tracer:
    """The two functions that take the time. A compiler may replace either: each meets one shape a call of :func:`trace`."""

    hit: Callable[..., tuple[torch.Tensor, torch.Tensor]] = nearest_hit
    paint: Callable[..., tuple[torch.Tensor, ...]] = painted


def trace(
    rooms: Rooms,
    atlas: Atlas,
    origins: Float32[torch.Tensor, "b r 3"],
    directions: Float32[torch.Tensor, "b r 3"],
    pixel: Float32[torch.Tensor, "b"],
    tracer: Tracer,
) -> tuple[Float32[torch.Tensor, "b r 3"], Float32[torch.Tensor, "b r"], Float32[torch.Tensor, "b r 3"]]:
    """Linear colour, ray parameter and world normal of the first surface; panes and mirrors are surfaces.

    Args:
        rooms: What is looked at.
        atlas: Its textures.
        origins: World points [m].
        directions: World directions of any length.
        pixel: Size of a pixel at distance 1 [rad]: what textures are blurred by.
        tracer: How.
    """
    t, index = tracer.hit(rooms, origins, directions)
    towards = rooms.lamps[:, None, 0, :3] - (origins + (t[..., None] * (1 - OFF)) * directions)
    blocked, _ = tracer.hit(rooms, rooms.lamps[:, None, 0, :3] - towards, towards)
    colour, normal, share, start, onward = tracer.paint(rooms, atlas, origins, directions, pixel, t, index, blocked, t * 0)
    second, far = tracer.hit(rooms, start, onward)
    behind = tracer.paint(rooms, atlas, start, onward, pixel, second, far, torch.full_like(t, 2.0), t)[0]
    return torch.lerp(colour, behind, share), t, normal


def _light(
    rooms: Rooms, point: torch.Tensor, normal: torch.Tensor, unit: torch.Tensor, blocked: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Diffuse light, and highlights of the lamps (Blinn 1977)."""
    total, shine = torch.zeros_like(point), torch.zeros_like(point)
    for number in range(rooms.lamps.shape[1]):
        place, power = rooms.lamps[:, None, number, :3], rooms.lamps[:, None, number, 3:]
        towards = place - point
        squared = (towards * towards).sum(-1, keepdim=True)
        beam = towards * squared.clamp(min=1e-6).rsqrt()
        lit = (normal * beam).sum(-1, keepdim=True).clamp(min=0) / (squared + 0.5)
        if number == 0:
            lit = lit * torch.where(blocked[..., None] < 1, 0.15, 1.0)
        middle = beam - unit
        middle = middle / middle.norm(dim=-1, keepdim=True).clamp(min=1e-6)
        total = total + lit * power
        shine = shine + (normal * middle).sum(-1, keepdim=True).clamp(min=0) ** 40 * power * (lit > 0) * 0.3
    return total, shine
