"""Procedural textures with mip levels, in one flat tensor that every ray samples: no photo of anything is needed."""

from dataclasses import dataclass

import torch
from jaxtyping import Float32
from torch.nn import functional

from lyra_sim.synthetic.chance import Chance

SIDE = 256
"""Texels along an edge; textures repeat. Convention."""
LEVELS = 7
"""Mip levels (Williams 1983), from 256 texels down to 4. Convention."""
FAMILIES = 8
"""Kinds that :func:`make_atlas` takes in turn. Derived."""


@dataclass(frozen=True, kw_only=True)
class Atlas:
    """Textures of every level behind each other."""

    texels: Float32[torch.Tensor, "t 3"]
    """Colours, 0..1: level by level, then texture by texture, row by row."""
    count: int
    """Textures."""

    def sample(self, texture: torch.Tensor, uv: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
        """Colours at ``uv`` (one tile is 0..1), linear between texels and between levels.

        Args:
            texture: Which one, any shape.
            uv: Of that shape and 2.
            level: Mip level, a fraction, of that shape.
        """
        level = level.clamp(0, LEVELS - 1.001)
        low = level.floor()
        part = (level - low)[..., None]
        return torch.lerp(self._at(texture, uv, low.long()), self._at(texture, uv, low.long() + 1), part)

    def _at(self, texture: torch.Tensor, uv: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
        side = SIDE >> level
        # texels before level l: count * 4/3 * (SIDE^2 - (SIDE / 2^l)^2)
        before = self.count * 4 * (SIDE * SIDE - side * side) // 3
        at = (uv - uv.floor()) * side[..., None] - 0.5
        corner = at.floor()
        part = at - corner
        x0, y0 = corner[..., 0].long() & (side - 1), corner[..., 1].long() & (side - 1)
        x1, y1 = (x0 + 1) & (side - 1), (y0 + 1) & (side - 1)
        start = before + texture * side * side
        s, t = part[..., :1], part[..., 1:]
        above = torch.lerp(self.texels[start + y0 * side + x0], self.texels[start + y0 * side + x1], s)
        below = torch.lerp(self.texels[start + y1 * side + x0], self.texels[start + y1 * side + x1], s)
        return torch.lerp(above, below, t)


def make_atlas(count: int, chance: Chance) -> Atlas:
    """``count`` textures, the families in turn: noise, wood, bricks, posters, stripes, stone, weave, books."""
    makers = (_noise, _wood, _bricks, _poster, _stripes, _stone, _weave, _books)
    assert len(makers) == FAMILIES
    each = -(-count // FAMILIES)
    image = torch.stack([maker(each, chance) for maker in makers], dim=1).flatten(0, 1)[:count]
    grain = 0.06 * chance.between(count, 1, 1, 1) * chance.normal(count, 1, SIDE, SIDE)
    image = (image + grain).clamp(0, 1)
    levels = [image]
    for _ in range(LEVELS - 1):
        levels.append(functional.avg_pool2d(levels[-1], 2))
    texels = torch.cat([level.permute(0, 2, 3, 1).reshape(-1, 3) for level in levels])
    return Atlas(texels=texels, count=count)


def _fractal(count: int, chance: Chance, *, low: float = 0.6, high: float = 1.8, stretch: float = 1.0) -> torch.Tensor:
    """Noise of spectrum ``1 / f^beta``, periodic, mean 0 and deviation 1, ``(n, 1, s, s)``."""
    fx = torch.fft.rfftfreq(SIDE, device=chance.device) * SIDE
    fy = torch.fft.fftfreq(SIDE, device=chance.device) * SIDE
    beta = chance.between(count, 1, 1, low=low, high=high)
    radius = torch.sqrt((fx[None] * stretch) ** 2 + fy[:, None] ** 2).clamp(min=1.0)
    filtered = torch.fft.rfft2(chance.normal(count, SIDE, SIDE)) * radius[None] ** -beta
    filtered[:, 0, 0] = 0
    noise = torch.fft.irfft2(filtered, s=(SIDE, SIDE))
    return (noise / noise.std(dim=(1, 2), keepdim=True).clamp(min=1e-6))[:, None]


def _colours(count: int, chance: Chance, number: int) -> torch.Tensor:
    """``number`` colours a texture, ``(n, k, 3)``; related in half of them."""
    level = chance.between(count, number, 1)
    hue = chance.normal(count, number, 3) * 0.15
    shared = chance.normal(count, 1, 3) * 0.12
    related = chance.share(count, 1, 1, p=0.5)
    return (level + torch.where(related, shared, hue)).clamp(0.02, 0.98)


def _mix(share: torch.Tensor, colours: torch.Tensor) -> torch.Tensor:
    """Between the first two colours, ``share`` of shape ``(n, 1, s, s)``."""
    a, b = colours[:, 0, :, None, None], colours[:, 1, :, None, None]
    return a + (b - a) * share.clamp(0, 1)


def _grid(chance: Chance) -> tuple[torch.Tensor, torch.Tensor]:
    axis = (torch.arange(SIDE, device=chance.device) + 0.5) / SIDE
    return axis[None, None, :], axis[None, :, None]


def _noise(count: int, chance: Chance) -> torch.Tensor:
    """Plaster, dirt, marble: two or three colours by octave noise."""
    first, second = _fractal(count, chance), _fractal(count, chance)
    gain = chance.between(count, 1, 1, 1, low=0.1, high=0.8)
    colours = _colours(count, chance, 3)
    image = _mix(0.5 + gain * first, colours)
    return torch.lerp(image, colours[:, 2, :, None, None].expand_as(image), (second - 0.7).clamp(0, 1) * 0.6)


def _wood(count: int, chance: Chance) -> torch.Tensor:
    """Stretched noise in planks of their own shades."""
    grain = _fractal(count, chance, stretch=float(chance.between(1, low=8.0, high=24.0)))
    bend = _fractal(count, chance, low=1.5, high=2.2, stretch=4.0)
    _, y = _grid(chance)
    rings = torch.sin(6.2832 * (chance.between(count, 1, 1, low=2.0, high=9.0).round() * y) + 2 * bend[:, 0])[:, None]
    planks = chance.pick(count, 1, 1, options=7) + 2
    row = (y * planks).floor().long()
    shade = chance.between(count, 9).gather(1, row[:, :, 0].clamp(max=8))[:, :, None]
    seam = ((y * planks).frac() * SIDE / planks < 2).float()
    colours = _colours(count, chance, 2) * torch.tensor([1.0, 0.8, 0.6], device=chance.device)
    value = 0.5 + 0.2 * grain[:, 0] + 0.12 * rings[:, 0] + 0.5 * (shade - 0.5)
    return _mix(value[:, None], colours) * (1 - 0.5 * seam[:, None])


def _bricks(count: int, chance: Chance) -> torch.Tensor:
    """Bricks, tiles and flagstones with joints; every one of its own shade."""
    x, y = _grid(chance)
    rows, columns = chance.pick(count, 1, 1, options=7) + 2, chance.pick(count, 1, 1, options=4) + 2
    shifted = chance.share(count, 1, 1, p=0.5)
    row = (y * rows).floor()
    across = x * columns + torch.where(shifted, 0.5 * (row % 2), 0.0)
    column = across.floor() % columns
    joint = chance.between(count, 1, 1, low=0.01, high=0.08)
    inside = torch.minimum(
        torch.minimum(across.frac(), 1 - across.frac()) / columns,
        torch.minimum((y * rows).frac(), 1 - (y * rows).frac()) / rows,
    )
    shade = chance.between(count, 64).gather(1, ((row * columns + column) % 64).long().flatten(1)).reshape(count, 1, SIDE, SIDE)
    spread = chance.between(count, 1, 1, 1, low=0.0, high=0.6)
    colours = _colours(count, chance, 3)
    value = 0.5 + spread * (shade - 0.5) + 0.12 * _fractal(count, chance)
    stone = _mix(value, colours)
    gap = (inside < joint / rows.maximum(columns)).float()[:, None]
    return stone * (1 - gap) + colours[:, 2, :, None, None] * gap


def _poster(count: int, chance: Chance) -> torch.Tensor:
    """Rectangles and discs of flat colour over each other on a gradient."""
    x, y = _grid(chance)
    colours = _colours(count, chance, 2)
    image = _mix(
        (x * chance.between(count, 1, 1) + y * chance.between(count, 1, 1)).expand(count, SIDE, SIDE)[:, None], colours
    )
    for _ in range(14):
        at, size = chance.between(count, 2, 1, 1), 0.02 + 0.3 * chance.between(count, 2, 1, 1) ** 2
        dx, dy = (x - at[:, 0]).abs() / size[:, 0], (y - at[:, 1]).abs() / size[:, 1]
        disc = chance.share(count, 1, 1, p=0.4)
        inside = torch.where(disc, dx**2 + dy**2 < 1, (dx < 1) & (dy < 1))[:, None]
        image = torch.where(inside, _colours(count, chance, 1)[:, 0, :, None, None], image)
    return image


def _stripes(count: int, chance: Chance) -> torch.Tensor:
    """Stripes and checks: patterns that repeat, where a match may be one period off."""
    x, y = _grid(chance)
    n, m = chance.pick(count, 1, 1, options=14) + 1, chance.pick(count, 1, 1, options=14) + 1
    checks = chance.share(count, 1, 1, p=0.4)
    soft = chance.between(count, 1, 1, low=1.0, high=8.0)
    across, down = torch.sin(6.2832 * n * x), torch.sin(6.2832 * m * y)
    wave = torch.where(checks, across * down, across.expand(count, SIDE, SIDE))
    return _mix(
        ((0.5 + 0.5 * soft * wave).clamp(0, 1) + 0.08 * _fractal(count, chance)[:, 0])[:, None], _colours(count, chance, 2)
    )


def _stone(count: int, chance: Chance) -> torch.Tensor:
    """Cells around random points (Worley 1996): stone walls, terrazzo, leaves."""
    x, y = _grid(chance)
    nearest = torch.full((count, SIDE, SIDE), 10.0, device=chance.device)
    second, shade = nearest.clone(), torch.zeros_like(nearest)
    for _ in range(24):
        at, own = chance.between(count, 2, 1, 1), chance.between(count, 1, 1)
        dx, dy = (x - at[:, 0]).abs(), (y - at[:, 1]).abs()
        distance = torch.minimum(dx, 1 - dx) ** 2 + torch.minimum(dy, 1 - dy) ** 2
        nearer = distance < nearest
        second = torch.where(nearer, nearest, torch.minimum(second, distance))
        shade = torch.where(nearer, own, shade)
        nearest = torch.minimum(nearest, distance)
    edge = ((second.sqrt() - nearest.sqrt()) < 0.015).float()
    return (
        _mix((shade + 0.15 * _fractal(count, chance)[:, 0])[:, None], _colours(count, chance, 2)) * (1 - 0.5 * edge[:, None])
    ).clamp(0, 1)


def _weave(count: int, chance: Chance) -> torch.Tensor:
    """Fine fabric and carpet with a coarse pattern of its own."""
    x, y = _grid(chance)
    threads = chance.pick(count, 1, 1, options=40) + 16
    fine = torch.sin(6.2832 * threads * x) * torch.sin(6.2832 * threads * y)
    value = 0.5 + 0.25 * fine + 0.25 * chance.between(count, 1, 1) * _fractal(count, chance, low=0.2, high=1.2)[:, 0]
    return _mix(value[:, None], _colours(count, chance, 2))


def _books(count: int, chance: Chance) -> torch.Tensor:
    """Upright strips of many colours, and lines of small marks as of print."""
    x, y = _grid(chance)
    strips = chance.pick(count, 1, 1, options=20) + 6
    wobble = 0.3 * torch.sin(6.2832 * 3 * x + 6.2832 * chance.between(count, 1, 1))
    strip = ((x * strips + wobble) % strips).floor().long().expand(count, 1, SIDE)[:, 0]
    spines = (
        _colours(count, chance, 32)
        .gather(1, strip[..., None].expand(-1, -1, 3))
        .permute(0, 2, 1)[:, :, None, :]
        .expand(-1, -1, SIDE, -1)
    )
    lines = chance.pick(count, 1, 1, options=12) + 6
    marks = chance.share(count, 16, 64, p=0.55).float()
    down, along = (y * lines).floor().long() % 16, (x * 64).floor().long()
    ink = marks[:, down.expand(count, SIDE, 1)[0, :, 0]][:, :, along.expand(count, 1, SIDE)[0, 0]] * ((y * lines).frac() < 0.55)
    paper, print_colour = _colours(count, chance, 2).unbind(1)
    page = paper[:, :, None, None] * (1 - ink[:, None]) + print_colour[:, :, None, None] * ink[:, None]
    return torch.where(chance.share(count, 1, 1, 1, p=0.5), spines, page)
