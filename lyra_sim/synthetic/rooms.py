"""Batches of furnished procedural rooms as dense tensors, so that one compiled function casts rays into all of them."""

from dataclasses import dataclass, fields

import torch
from jaxtyping import Float32

from lyra_sim.synthetic.chance import Chance
from lyra_sim.synthetic.furniture import FURNITURE_BOXES, FURNITURE_ROUNDS, furnish
from lyra_sim.synthetic.paint import MATERIAL, Palette
from lyra_sim.synthetic.shapes import BOX, ROUND, buried, round_rows, upright
from lyra_sim.synthetic.walls import WALL_BOXES, build_walls, hang

FURNITURE = 9
"""Pieces a room at the most; two of them stand anywhere behind its walls. Convention."""
CLUTTER = 10
"""Small boxes, and as many small round things. Convention."""
HALL_SHARE = 0.12
"""Rooms of a hall's size. Convention."""
LAMPS = 3
"""Two in the panels at the ceiling and one anywhere. Convention."""


@dataclass(frozen=True, kw_only=True)
class Rooms:
    """Rooms [m], world z up, floor at z = 0, no gradient.

    Materials are rows of ``lyra_sim.synthetic.paint``: of the boxes, the round things, then floor, ceiling and outermost walls.
    """

    boxes: Float32[torch.Tensor, "b n 12"]
    """Centre, half sizes, cosine and sine of the yaw, and a plane ``normal . local <= offset`` that cuts wedges off."""
    rounds: Float32[torch.Tensor, "b m 9"]
    """Centre, radii, cosine and sine of the yaw, and 1 for upright cylinders, 0 for ellipsoids."""
    shell: Float32[torch.Tensor, "b 6"]
    """Low and high corner of the air that encloses everything."""
    air: Float32[torch.Tensor, "b 6"]
    """Low and high corner of the main room, where cameras stand."""
    materials: Float32[torch.Tensor, "b k 13"]
    lamps: Float32[torch.Tensor, "b l 6"]
    """Position and colour times power; the first one casts shadows."""
    ambient: Float32[torch.Tensor, "b 3"]

    def __len__(self) -> int:
        return len(self.shell)

    def select(self, rows: slice) -> "Rooms":
        """Some of the rooms."""
        return Rooms(**{each.name: getattr(self, each.name)[rows] for each in fields(self)})


def make_rooms(count: int, chance: Chance, textures: int) -> Rooms:
    """Rooms by chance alone: walls with doors and windows, furniture, things on walls, clutter, lamps.

    Args:
        count: Rooms.
        chance: Where every random number comes from; its device is that of the rooms.
        textures: How many textures there are to choose from.
    """
    hall = chance.share(count, p=HALL_SHARE)
    width = torch.where(hall, chance.between(count, low=7.0, high=15.0), chance.between(count, low=2.4, high=7.5))
    length = torch.where(hall, chance.between(count, low=7.0, high=15.0), chance.between(count, low=2.4, high=7.5))
    height = torch.where(hall, chance.between(count, low=3.0, high=6.0), chance.between(count, low=2.2, high=3.2))
    zero = torch.zeros_like(width)
    air = torch.stack([zero, zero, zero, width, length, height], dim=-1)
    beyond = chance.between(count, 4, low=0.3, high=5.0)
    shell = torch.stack([-beyond[:, 0], -beyond[:, 1], zero, width + beyond[:, 2], length + beyond[:, 3], height], dim=-1)
    palette = Palette(chance, textures)
    walls, wall_paint = build_walls(air, shell, chance, palette)
    hung, hung_paint = hang(air, walls, chance, palette)
    pieces, piece_rounds, piece_paint, round_paint = furnish(air, shell, FURNITURE, chance, palette)
    extras, extra_paint, lamps = _extras(air, chance, palette)
    small, small_rounds, small_paint, small_round_paint = _clutter(air, pieces, chance, palette)
    surfaces = torch.stack([palette.floor(count), palette.wall(count), palette.wall(count)], dim=1)
    boxes = torch.cat([walls, hung, pieces, extras, small], dim=1)
    rounds = torch.cat([piece_rounds, small_rounds], dim=1)
    materials = torch.cat(
        [wall_paint, hung_paint, piece_paint, extra_paint, small_paint, round_paint, small_round_paint, surfaces], 1
    )
    assert boxes.shape[-1] == BOX and rounds.shape[-1] == ROUND and materials.shape[-1] == MATERIAL
    ambient = chance.between(count, 1, low=0.25, high=0.75) * chance.between(count, 3, low=0.9, high=1.1)
    return Rooms(boxes=boxes, rounds=rounds, shell=shell, air=air, materials=materials, lamps=lamps, ambient=ambient)


def box_count() -> int:
    """Boxes of a room, buried ones included."""
    return WALL_BOXES + 8 + FURNITURE * FURNITURE_BOXES + 6 + CLUTTER


def round_count() -> int:
    """Round things of a room, buried ones included."""
    return FURNITURE * FURNITURE_ROUNDS + CLUTTER


def _extras(air: torch.Tensor, chance: Chance, palette: Palette) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Two rugs, two panels of light at the ceiling with the lamps in them, a beam and a column."""
    count = len(air)
    size = air[:, None, 3:]
    at = chance.between(count, 6, 2, low=0.1, high=0.9) * size[..., :2]
    half = torch.stack([chance.between(count, 2, low=0.4, high=1.6), chance.between(count, 2, low=0.3, high=1.2)], dim=-1)
    rugs = upright(
        torch.cat([at[:, :2], torch.full_like(at[:, :2, :1], 0.006)], -1),
        torch.cat([half, torch.full_like(half[..., :1], 0.006)], -1),
        chance.between(count, 2, low=0.0, high=6.2832) * chance.share(count, 2, p=0.3),
    )
    rugs = buried(rugs, chance.share(count, 2, p=0.5))
    panel = torch.stack([chance.between(count, 2, low=0.1, high=0.6), chance.between(count, 2, low=0.1, high=0.6)], dim=-1)
    top = size[..., 2].expand(-1, 2) - 0.03
    panels = upright(
        torch.cat([at[:, 2:4], top[..., None]], -1),
        torch.cat([panel, torch.full_like(panel[..., :1], 0.03)], -1),
        torch.zeros_like(top),
    )
    beam_half = torch.stack([0.06 + 0.1 * chance.between(count), size[:, 0, 1], 0.05 + 0.12 * chance.between(count)], dim=-1)
    beam_at = torch.stack([at[:, 4, 0], size[:, 0, 1] / 2, size[:, 0, 2] - beam_half[:, 2]], dim=-1)
    beam = buried(upright(beam_at, beam_half, torch.zeros_like(top[:, 0])), chance.share(count, p=0.2))
    side = 0.08 + 0.2 * chance.between(count)
    column_half = torch.stack([side, side, size[:, 0, 2] / 2], dim=-1)
    column_at = torch.cat([at[:, 5], size[:, 0, 2:] / 2], dim=-1)
    column = buried(upright(column_at, column_half, torch.zeros_like(side)), chance.share(count, p=0.15))
    boxes = torch.cat([rugs, panels, beam[:, None], column[:, None]], dim=1)
    paint = torch.cat(
        [palette.fabric(count, 2), palette.light(count, 2), palette.thing(count, 1), palette.wall(count)[:, None]], dim=1
    )
    below = torch.cat([at[:, 2:4], (size[..., 2].expand(-1, 2) - 0.1)[..., None]], dim=-1)
    elsewhere = chance.between(count, 1, 3, low=0.1, high=0.9) * size
    tint = 1 + 0.25 * (chance.between(count, LAMPS, 3) - 0.5)
    power = chance.between(count, LAMPS, 1, low=0.3, high=1.3) * size[..., 2:] ** 2 / 6
    lamps = torch.cat([torch.cat([below, elsewhere], dim=1), tint * power], dim=-1)
    return boxes, paint, lamps


def _clutter(
    air: torch.Tensor, furniture: torch.Tensor, chance: Chance, palette: Palette
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Small things on the floor and on top of furniture: half of each."""
    count = len(air)
    size = air[:, None, 3:]
    on = chance.pick(count, 2 * CLUTTER, options=furniture.shape[1])
    under = torch.gather(furniture, 1, on[..., None].expand(-1, -1, furniture.shape[-1]))
    offset = (chance.between(count, 2 * CLUTTER, 2) - 0.5) * under[..., 3:5].clamp(max=1.5)
    upon = under[..., 2] + under[..., 5]
    floor = chance.share(count, 2 * CLUTTER, p=0.5) | (upon < 0) | (upon > 0.8 * size[..., 2])
    spot = chance.between(count, 2 * CLUTTER, 2, low=0.03, high=0.97) * size[..., :2]
    xy = torch.where(floor[..., None], spot, under[..., :2] + offset)
    base = torch.where(floor, 0.0, upon)
    half = 0.02 + 0.2 * chance.between(count, 2 * CLUTTER, 3) ** 2
    yaw = chance.between(count, 2 * CLUTTER, low=0.0, high=6.2832)
    centre = torch.cat([xy, (base + half[..., 2])[..., None]], dim=-1)
    there = chance.share(count, 2 * CLUTTER, p=0.75)
    boxes = buried(upright(centre, half, yaw), there)[:, :CLUTTER]
    slim = torch.stack([half[..., 0], half[..., 0], half[..., 2]], dim=-1)
    kind = chance.share(count, 2 * CLUTTER, p=0.5).float()
    rounds = buried(round_rows(centre, slim, yaw, kind), there)[:, CLUTTER:]
    return boxes, rounds, palette.thing(count, CLUTTER), palette.thing(count, CLUTTER)
