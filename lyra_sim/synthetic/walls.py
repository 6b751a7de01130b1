"""Walls with doors, passages and windows, and what hangs on them."""

import torch
from jaxtyping import Float32

from lyra_sim.synthetic.chance import Chance
from lyra_sim.synthetic.paint import ORIGIN, Palette
from lyra_sim.synthetic.shapes import BOX, buried, upright

WALL_BOXES = 25
"""Five walls of five boxes: left and right of the opening, above and below it, and a pane. Derived."""
HUNG = 8
"""Things on the four outer walls, two each; the first ones of a wall hang left of its opening, the others right. Convention."""
LEAST = 0.02
"""Narrower parts aren't built [m]. Convention."""


def build_walls(
    air: Float32[torch.Tensor, "b 6"], shell: Float32[torch.Tensor, "b 6"], chance: Chance, palette: Palette
) -> tuple[Float32[torch.Tensor, "b n 12"], Float32[torch.Tensor, "b n 13"]]:
    """The four walls around ``air`` (x low, x high, y low, y high) and, in a quarter of the rooms, one across it.

    All reach from floor to ceiling. An opening is a door, a wide passage or a window.
    """
    count = len(air)
    height = air[:, 5]
    low, high = shell[:, :2], shell[:, 3:5]
    thickness = chance.between(count, 5, low=0.08, high=0.3)
    split = chance.between(count, low=0.3, high=0.7)
    along_x = [False, False, True, True, False]
    boxes, paint = [], []
    walls = palette.wall(count, 5)
    walls = torch.where(chance.share(count, 1, 1, p=0.6), walls[:, :1], walls)  # most rooms are painted alike all round
    panes = palette.pane(count, 5)
    for number in range(5):
        if number < 4:
            axis = 0 if number < 2 else 1
            face = air[:, axis] if number % 2 == 0 else air[:, 3 + axis]
            middle = face + (thickness[:, number] / 2) * (-1 if number % 2 == 0 else 1)
            start, end = low[:, 1 - axis], high[:, 1 - axis]
            first, last = air[:, 1 - axis], air[:, 4 - axis]
            there = torch.ones_like(split, dtype=torch.bool)
        else:
            middle = split * air[:, 3]
            start, end = air[:, 1], air[:, 4]
            first, last = start, end
            there = chance.share(count, p=0.25) & (air[:, 3] > 4)
        opening = _opening(first, last, height, chance, door_only=number == 4)
        parts = _parts(middle, thickness[:, number] / 2, start, end, height, opening, along_x[number])
        kept = (parts[..., 3:6] > LEAST / 2).all(dim=-1) & there[:, None]
        kept[:, 4] &= opening[:, 4] > 0.5
        boxes.append(buried(parts, kept))
        paint.append(torch.cat([walls[:, number, None].expand(-1, 4, -1), panes[:, number, None]], dim=1))
    rows, materials = torch.cat(boxes, dim=1), torch.cat(paint, dim=1).clone()
    materials[..., ORIGIN] = rows[..., :3]  # textures run on over all parts of a wall
    return rows, materials


def _opening(first: torch.Tensor, last: torch.Tensor, height: torch.Tensor, chance: Chance, *, door_only: bool) -> torch.Tensor:
    """From, to (along the wall), sill, top, and whether a pane fills it; no opening has no width."""
    count = len(first)
    kind = chance.between(count)
    door = (kind < 0.3) | door_only
    passage = (kind >= 0.3) & (kind < 0.42) & ~door
    window = (kind >= 0.42) & (kind < 0.72) & ~door
    width = torch.where(door, chance.between(count, low=0.75, high=1.3), chance.between(count, low=0.8, high=2.6))
    width = torch.where(door | passage | window, torch.minimum(width, 0.7 * (last - first)), torch.zeros_like(width))
    begin = first + chance.between(count, low=0.1, high=0.9) * (last - first - width)
    sill = torch.where(window, chance.between(count, low=0.3, high=1.1), torch.zeros_like(width))
    top = torch.where(passage, height * chance.between(count, low=0.75, high=1.0), chance.between(count, low=1.9, high=2.15))
    return torch.stack([begin, begin + width, sill, torch.minimum(top, height), window.float()], dim=-1)


def _parts(
    middle: torch.Tensor,
    half: torch.Tensor,
    start: torch.Tensor,
    end: torch.Tensor,
    height: torch.Tensor,
    opening: torch.Tensor,
    along_x: bool,
) -> Float32[torch.Tensor, "b 5 12"]:
    """Left, right, above, below, pane."""
    begin, finish, sill, top, _ = opening.unbind(-1)
    zero = torch.zeros_like(begin)
    spans = torch.stack(
        [
            torch.stack([start, begin, zero, height], -1),
            torch.stack([finish, end, zero, height], -1),
            torch.stack([begin, finish, top, height], -1),
            torch.stack([begin, finish, zero, sill], -1),
            torch.stack([begin, finish, sill, top], -1),
        ],
        dim=1,
    )
    along, up = (spans[..., 0] + spans[..., 1]) / 2, (spans[..., 2] + spans[..., 3]) / 2
    half_along, half_up = (spans[..., 1] - spans[..., 0]) / 2, (spans[..., 3] - spans[..., 2]) / 2
    thick = half[:, None] * torch.tensor([1.0, 1.0, 1.0, 1.0, 0.1], device=half.device)
    across = middle[:, None].expand_as(along)
    order = (along, across, up) if along_x else (across, along, up)
    sizes = (half_along, thick, half_up) if along_x else (thick, half_along, half_up)
    return upright(torch.stack(order, -1), torch.stack(sizes, -1), torch.zeros_like(along))


def hang(
    air: Float32[torch.Tensor, "b 6"], walls: Float32[torch.Tensor, "b n 12"], chance: Chance, palette: Palette
) -> tuple[Float32[torch.Tensor, "b 8 12"], Float32[torch.Tensor, "b 8 13"]]:
    """Pictures, mirrors, screens, boards and radiators on the inner faces of the four walls, beside their openings."""
    count = len(air)
    out = []
    for number in range(HUNG):
        wall, right = divmod(number, 2)
        axis = 0 if wall < 2 else 1
        part = walls[:, 5 * wall + right]
        low = torch.maximum(part[:, 1 - axis] - part[:, 4 - axis], air[:, 1 - axis])
        high = torch.minimum(part[:, 1 - axis] + part[:, 4 - axis], air[:, 4 - axis])
        room = high - low
        half_along = torch.minimum(chance.between(count, low=0.08, high=0.9), room / 2 - 0.02)
        along = low + half_along + chance.between(count) * (room - 2 * half_along)
        half_up = chance.between(count, low=0.06, high=0.6)
        up = torch.minimum(chance.between(count, low=0.3, high=2.0), air[:, 5] - half_up).maximum(half_up)
        deep = torch.where(chance.share(count, p=0.8), 0.02 + 0.02 * chance.between(count), 0.05 + 0.2 * chance.between(count))
        face = air[:, axis] if wall % 2 == 0 else air[:, 3 + axis]
        across = face + deep / 2 * (1 if wall % 2 == 0 else -1)
        centre = (across, along, up) if axis == 0 else (along, across, up)
        half = (deep / 2, half_along, half_up) if axis == 0 else (half_along, deep / 2, half_up)
        row = upright(torch.stack(centre, -1), torch.stack(half, -1), torch.zeros_like(up))
        out.append(buried(row, (half_along > 0.06) & chance.share(count, p=0.55)))
    rows = torch.stack(out, dim=1)
    assert rows.shape[-1] == BOX
    return rows, palette.picture(count, HUNG)
