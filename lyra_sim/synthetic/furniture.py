"""Furniture from boxes, cylinders and ellipsoids: every piece of every kind is computed, and one kind is taken."""

import torch
from jaxtyping import Float32

from lyra_sim.synthetic.chance import Chance
from lyra_sim.synthetic.paint import Palette
from lyra_sim.synthetic.shapes import BURIED, round_rows, upright

FURNITURE_BOXES, FURNITURE_ROUNDS = 7, 2
"""Parts a piece has at the most, of all kinds below. Derived."""
FAR_PIECES = 2
"""Pieces that stand anywhere, also behind the walls, so that open doors show something. Convention."""

Parts = list[torch.Tensor]
"""Each of shape ``(b, f, 6)``: from x, y, z to x, y, z in the frame of the piece (x along its front, z up, floor at 0)."""


def furnish(
    air: Float32[torch.Tensor, "b 6"], shell: Float32[torch.Tensor, "b 6"], count: int, chance: Chance, palette: Palette
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """``count`` pieces a room: boxes, round things, and the materials of both."""
    rooms = len(air)
    shape = (rooms, count)
    boxes, rounds, cut = _pieces(shape, chance)
    position, yaw = _places(air, shell, count, chance)
    cosine, sine = yaw.cos()[..., None, None], yaw.sin()[..., None, None]
    centre, half = (boxes[..., :3] + boxes[..., 3:]) / 2, (boxes[..., 3:] - boxes[..., :3]) / 2
    there = (half > 1e-4).all(dim=-1)
    centre = torch.cat([_turned(centre, cosine, sine), centre[..., 2:]], -1) + position[..., None, :]
    centre[..., 2] = torch.where(there, centre[..., 2], BURIED)
    box_rows = upright(centre, half.abs().clamp(min=1e-3), yaw[..., None].expand(half.shape[:-1]), cut)
    at, radii, kind = rounds[..., :3], rounds[..., 3:6], rounds[..., 6]
    at = torch.cat([_turned(at, cosine, sine), at[..., 2:]], -1) + position[..., None, :]
    at[..., 2] = torch.where(radii[..., 0] > 1e-4, at[..., 2], BURIED)
    round_out = round_rows(at, radii.clamp(min=1e-3), yaw[..., None].expand(kind.shape), kind)
    first, second = palette.thing(*shape, 1), palette.thing(*shape, 1)
    box_paint = torch.where(chance.share(*shape, FURNITURE_BOXES, 1, p=0.6), first, second)
    own = chance.share(*shape, FURNITURE_BOXES, 1, p=0.15)
    box_paint = torch.where(own, palette.thing(*shape, FURNITURE_BOXES), box_paint)
    round_paint = torch.where(chance.share(*shape, FURNITURE_ROUNDS, 1, p=0.7), first, second)
    lit = chance.share(*shape, 1, p=0.3) & (kind < 0.5)
    round_paint[..., 10] = torch.where(lit, chance.between(*shape, 1, low=0.3, high=1.5), round_paint[..., 10])
    return box_rows.flatten(1, 2), round_out.flatten(1, 2), box_paint.flatten(1, 2), round_paint.flatten(1, 2)


def _turned(point: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
    x, y = point[..., :1], point[..., 1:2]
    return torch.cat([cosine * x - sine * y, sine * x + cosine * y], dim=-1)


def _places(air: torch.Tensor, shell: torch.Tensor, count: int, chance: Chance) -> tuple[torch.Tensor, torch.Tensor]:
    """Positions on the floor and yaws: most along walls and facing the room, others anywhere at any angle."""
    rooms = len(air)
    size = air[:, None, 3:5]
    spot = chance.between(rooms, count, 2, low=0.05, high=0.95) * size
    side = chance.pick(rooms, count, options=4)
    gap = chance.between(rooms, count, low=0.2, high=0.5)
    x = torch.where(side == 0, gap, torch.where(side == 1, size[..., 0] - gap, spot[..., 0]))
    y = torch.where(side == 2, gap, torch.where(side == 3, size[..., 1] - gap, spot[..., 1]))
    facing = torch.tensor([-1.5708, 1.5708, 0.0, 3.1416], device=air.device)[side]
    along = chance.share(rooms, count, p=0.65)
    xy = torch.where(along[..., None], torch.stack([x, y], -1), spot)
    jitter = 0.1 * chance.normal(rooms, count) * chance.share(rooms, count, p=0.3)
    yaw = torch.where(along, facing + jitter, chance.between(rooms, count, low=0.0, high=6.2832))
    anywhere = shell[:, None, :2] + chance.between(rooms, count, 2) * (shell[:, None, 3:5] - shell[:, None, :2])
    far = torch.arange(count, device=air.device) < FAR_PIECES
    xy = torch.where(far[:, None], anywhere, xy)
    return torch.cat([xy, torch.zeros_like(xy[..., :1])], dim=-1), yaw


def _pieces(shape: tuple[int, int], chance: Chance) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Boxes ``(b, f, 7, 6)``, round parts ``(b, f, 2, 7)`` and cutting planes ``(b, f, 7, 4)`` of random kinds."""

    def a(low: float, high: float) -> torch.Tensor:
        return chance.between(*shape, low=low, high=high)

    zero = torch.zeros(shape, device=chance.device)
    nothing = torch.zeros((*shape, 6), device=chance.device)
    no_round = torch.zeros((*shape, 7), device=chance.device)

    def box(
        x0: torch.Tensor, x1: torch.Tensor, y0: torch.Tensor, y1: torch.Tensor, z0: torch.Tensor, z1: torch.Tensor
    ) -> torch.Tensor:
        return torch.stack([x0, y0, z0, x1, y1, z1], dim=-1)

    def turned(z0: torch.Tensor, z1: torch.Tensor, radius: torch.Tensor, kind: float) -> torch.Tensor:
        flat = (z1 - z0) / 2
        return torch.stack([zero, zero, z0 + flat, radius, radius, flat, zero + kind], dim=-1)

    def legs(w: torch.Tensor, d: torch.Tensor, h: torch.Tensor, t: torch.Tensor) -> Parts:
        return [
            box(
                sx * w - (t if sx > 0 else 0),
                sx * w + (0 if sx > 0 else t),
                sy * d - (t if sy > 0 else 0),
                sy * d + (0 if sy > 0 else t),
                zero,
                h,
            )
            for sx in (-1, 1)
            for sy in (-1, 1)
        ]

    def table() -> tuple[Parts, Parts]:
        w, d, h, t = a(0.3, 1.1), a(0.25, 0.5), a(0.35, 1.05), a(0.02, 0.06)
        shelf = box(-w * 0.9, w * 0.9, -d * 0.9, d * 0.9, h * 0.3, h * 0.3 + 0.02 * (t > 0.04))
        return [box(-w, w, -d, d, h - t, h), *legs(w * 0.95, d * 0.95, h - t, t + 0.01), shelf], []

    def chair() -> tuple[Parts, Parts]:
        w, h, t = a(0.18, 0.3), a(0.38, 0.5), a(0.02, 0.05)
        back = box(-w, w, -w, -w + t, h, h + a(0.2, 0.6))
        return [box(-w, w, -w, w, h, h + t), back, *legs(w, w, h, t)], []

    def shelf() -> tuple[Parts, Parts]:
        w, d, h, t = a(0.3, 0.9), a(0.1, 0.25), a(0.7, 2.1), a(0.015, 0.03)
        back = box(-w, w, -d, -d + 0.01 * (t > 0.02), zero, h)
        boards = [box(-w, w, -d, d, h * part, h * part + t) for part in (0.05, 0.36, 0.67, 0.97)]
        return [back, box(-w, -w + t, -d, d, zero, h), box(w - t, w, -d, d, zero, h), *boards], []

    def cupboard() -> tuple[Parts, Parts]:
        w, d, h = a(0.25, 0.9), a(0.15, 0.35), a(0.5, 2.2)
        front = [
            box(-w + 0.01, -0.004 + zero, d, d + 0.02, h * 0.04, h * 0.97),
            box(0.004 + zero, w - 0.01, d, d + 0.02, h * 0.04, h * 0.97),
        ]
        grips = [box(x - 0.012, x + 0.012, d + 0.02, d + 0.045, h * 0.45, h * 0.6) for x in (zero - 0.05, zero + 0.05)]
        return [box(-w, w, -d, d, zero, h), *front, *grips], []

    def sofa() -> tuple[Parts, Parts]:
        w, d, h, t = a(0.4, 1.2), a(0.35, 0.5), a(0.3, 0.45), a(0.1, 0.2)
        arms = [box(-w - t, -w, -d, d, zero, h + 0.2), box(w, w + t, -d, d, zero, h + 0.2)]
        cushions = [
            box(-w + 0.01, -0.01 + zero, -d + 0.2, d + 0.02, h, h + 0.12),
            box(0.01 + zero, w - 0.01, -d + 0.2, d + 0.02, h, h + 0.12),
        ]
        return [box(-w, w, -d, d, zero + 0.05, h), box(-w, w, -d, -d + 0.2, zero, h + a(0.3, 0.6)), *arms, *cushions], []

    def bed() -> tuple[Parts, Parts]:
        w, d, h = a(0.4, 0.9), a(0.9, 1.05), a(0.25, 0.4)
        pillows = [
            box(-w * 0.9, -0.05 + zero, -d + 0.05, -d + 0.4, h + 0.15, h + 0.26),
            box(0.05 + zero, w * 0.9, -d + 0.05, -d + 0.4, h + 0.15, h + 0.26),
        ]
        head = box(-w, w, -d - 0.06, -d, zero, h + a(0.3, 0.8))
        blanket = box(-w - 0.02, w + 0.02, -d * 0.3, d + 0.02, h - 0.1, h + 0.17)
        return [box(-w, w, -d, d, zero + 0.08, h), box(-w, w, -d, d, h, h + 0.15), head, blanket, *pillows], []

    def lamp() -> tuple[Parts, Parts]:
        h, r = a(0.4, 1.8), a(0.1, 0.25)
        base = box(-r, r, -r, r, zero, zero + 0.03)
        return [base], [turned(zero, h, zero + 0.015, 1.0), turned(h - r, h + r, r, 0.0)]

    def plant() -> tuple[Parts, Parts]:
        h, r = a(0.2, 0.5), a(0.1, 0.25)
        return [], [turned(zero, h, r, 1.0), turned(h, h + a(0.3, 1.0), r * a(1.0, 2.0), 0.0)]

    def crates() -> tuple[Parts, Parts]:
        w, h = a(0.15, 0.5), a(0.15, 0.5)
        low = [box(-w, w, -w * 0.8, w * 0.8, zero, h), box(w + 0.02, w * 2.6, -w, w * 0.6, zero, h * a(0.5, 1.5))]
        top = [
            box(-w * 0.9, w * 0.7, -w * 0.6, w * 0.7, h, h * a(1.3, 2.0)),
            box(-w * 2.2, -w - 0.03, -w * 0.4, w, zero, h * a(0.4, 2.5)),
        ]
        return [*low, *top], []

    def round_table() -> tuple[Parts, Parts]:
        h, r = a(0.4, 1.05), a(0.2, 0.7)
        return [box(-r * 0.5, r * 0.5, -r * 0.5, r * 0.5, zero, zero + 0.04)], [
            turned(zero, h, zero + 0.04, 1.0),
            turned(h - 0.04, h, r, 1.0),
        ]

    def drum() -> tuple[Parts, Parts]:
        h, r = a(0.3, 2.4), a(0.08, 0.4)
        return [], [turned(zero, h, r, 1.0), turned(h, h + r * a(0.0, 1.0) + 1e-3, r * 0.8, 0.0)]

    def wedge() -> tuple[Parts, Parts]:
        w, d, h = a(0.2, 1.0), a(0.2, 0.8), a(0.2, 1.6)
        return [box(-w, w, -d, d, zero, h)], []

    makers = (table, chair, shelf, cupboard, sofa, bed, lamp, plant, crates, round_table, drum, wedge)
    kind = chance.pick(*shape, options=len(makers))
    boxes, rounds = [], []
    for maker in makers:
        parts, turned_parts = maker()
        boxes.append(torch.stack([*parts, *[nothing] * (FURNITURE_BOXES - len(parts))], dim=2))
        rounds.append(torch.stack([*turned_parts, *[no_round] * (FURNITURE_ROUNDS - len(turned_parts))], dim=2))
    taken = kind[..., None, None, None]
    chosen = torch.stack(boxes, 2).gather(2, taken.expand(-1, -1, 1, FURNITURE_BOXES, 6))[:, :, 0]
    chosen_rounds = torch.stack(rounds, 2).gather(2, taken.expand(-1, -1, 1, FURNITURE_ROUNDS, 7))[:, :, 0]
    slope = torch.stack([0.6 * chance.normal(*shape), 0.6 * chance.normal(*shape), zero + 1, zero], dim=-1)
    flat = torch.tensor([0.0, 0.0, 0.0, 1.0], device=chance.device)
    cut = torch.where((kind == len(makers) - 1)[..., None], slope, flat)
    return chosen, chosen_rounds, cut[..., None, :].expand(-1, -1, FURNITURE_BOXES, -1)
