"""Cameras in the free air of rooms: one that looks at something, and others beside it that see the same."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float32

from lyra_sim.synthetic.cast import nearest_hit
from lyra_sim.synthetic.chance import Chance
from lyra_sim.synthetic.rooms import Rooms

TRIES = 12
"""Places tried for the first camera; the best is taken. Convention."""
STEPS = 6
"""Places tried for each other camera. Convention."""
CLEAR = 0.12
"""Cameras keep this far from matter [m]. Convention."""
COARSE = (8, 6)
"""Rays across and down that tell what a camera would see. Convention."""
ANGLE = (1.2, 12.0)
"""Angle between the rays of two cameras to what they look at [degrees], evenly in the logarithm: a sideways step's worth.
Convention."""


@dataclass(frozen=True, kw_only=True)
class Shots:
    """Cameras of a batch of rooms; the first of each is the target."""

    c2w: Float32[torch.Tensor, "b v 4 4"]
    """Camera-to-world [m], OpenCV axes."""
    K: Float32[torch.Tensor, "b 3 3"]
    """Intrinsics [px], shared by the views of a room."""
    present: Bool[torch.Tensor, "b v"]
    """False where no place was found: that view is a copy of the target."""

    def select(self, rows: slice) -> "Shots":
        """Those of some of the rooms."""
        return Shots(c2w=self.c2w[rows], K=self.K[rows], present=self.present[rows])


def choose_shots(rooms: Rooms, views: int, width: int, height: int, chance: Chance) -> Shots:
    """A target and ``views - 1`` others in every room; fields of view of 50 to 95 degrees, from crawling to standing height."""
    count = len(rooms)
    half = torch.deg2rad(chance.between(count, low=25.0, high=47.5)).tan()
    focal = width / 2 / half
    K = torch.zeros((count, 3, 3), device=half.device)
    K[:, 0, 0], K[:, 1, 1], K[:, 2, 2] = focal, focal * (1 + 0.01 * chance.normal(count)), 1
    K[:, 0, 2] = width / 2 + 0.01 * width * chance.normal(count)
    K[:, 1, 2] = height / 2 + 0.01 * height * chance.normal(count)
    target, reach = _target(rooms, K, width, height, chance)
    others, free = _others(rooms, target, reach, views - 1, chance)
    return Shots(
        c2w=torch.cat([target[:, None], others], dim=1),
        K=K,
        present=torch.cat([torch.ones_like(free[:, :1]), free], dim=1),
    )


def look(yaw: torch.Tensor, pitch: torch.Tensor, roll: torch.Tensor) -> torch.Tensor:
    """Camera-to-world rotations, OpenCV axes: yaw about the vertical from the x axis, pitch upwards, roll clockwise [rad]."""
    ahead = torch.stack([yaw.cos() * pitch.cos(), yaw.sin() * pitch.cos(), pitch.sin()], dim=-1)
    right = torch.stack([yaw.sin(), -yaw.cos(), torch.zeros_like(yaw)], dim=-1)
    down = torch.linalg.cross(ahead, right)
    c, s = roll.cos()[..., None], roll.sin()[..., None]
    return torch.stack([c * right + s * down, c * down - s * right, ahead], dim=-1)


def _target(rooms: Rooms, K: torch.Tensor, width: int, height: int, chance: Chance) -> tuple[torch.Tensor, torch.Tensor]:
    """The best of some random cameras, and the median distance of what it sees."""
    count = len(rooms)
    low, high = rooms.air[:, None, :3], rooms.air[:, None, 3:]
    spot = low + chance.between(count, TRIES, 3, low=0.06, high=0.94) * (high - low)
    spot[..., 2] = torch.minimum(chance.between(count, TRIES, low=0.2, high=1.8), high[..., 2] - 0.3)
    rotation = look(
        chance.between(count, TRIES, low=0.0, high=6.2832),
        torch.deg2rad(chance.between(count, TRIES, low=-35.0, high=15.0) + 8 * chance.normal(count, TRIES)).clamp(-1.2, 1.0),
        torch.deg2rad(2.5 * chance.normal(count, TRIES)),
    )
    u = (torch.arange(COARSE[0], device=K.device) + 0.5) * width / COARSE[0]
    v = (torch.arange(COARSE[1], device=K.device) + 0.5) * height / COARSE[1]
    x = (u[None, None, :] - K[:, None, None, 0, 2]) / K[:, None, None, 0, 0]
    y = (v[None, :, None] - K[:, None, None, 1, 2]) / K[:, None, None, 1, 1]
    x, y = torch.broadcast_tensors(x, y)
    rays = torch.stack([x, y, torch.ones_like(x)], dim=-1).flatten(1, 2)
    directions = torch.einsum("btij,brj->btri", rotation, rays)
    origins = spot[:, :, None].expand_as(directions)
    t, _ = nearest_hit(rooms, origins.flatten(1, 2), directions.flatten(1, 2))
    t = t.reshape(count, TRIES, -1)
    nearest, middle = t.quantile(0.05, dim=-1), t.median(dim=-1).values
    spread = t.quantile(0.9, dim=-1) / nearest.clamp(min=0.05)
    good = _free(rooms, spot) & (nearest > 0.35) & (middle < 9) & (spread > 1.3)
    best = (good.float() * 10 + nearest.clamp(max=0.3)).argmax(dim=1)
    taken = torch.arange(count, device=K.device)
    c2w = torch.eye(4, device=K.device).repeat(count, 1, 1)
    c2w[:, :3, :3], c2w[:, :3, 3] = rotation[taken, best], spot[taken, best]
    return c2w, middle[taken, best]


def _others(
    rooms: Rooms, target: torch.Tensor, reach: torch.Tensor, views: int, chance: Chance
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cameras beside the target that look roughly where it looks; forward steps are among them."""
    count = len(rooms)
    shape = (count, views, STEPS)
    low, high = (float(torch.tensor(angle).deg2rad().log()) for angle in ANGLE)
    baseline = (low + (high - low) * chance.between(*shape)).exp() * reach[:, None, None].clamp(max=6)
    step = chance.normal(*shape, 3) * torch.tensor([1.0, 0.3, 0.8], device=reach.device)
    step = step / step.norm(dim=-1, keepdim=True).clamp(min=1e-3) * baseline[..., None]
    step = torch.einsum("bij,bvsj->bvsi", target[:, :3, :3], step)
    eye = target[:, None, None, :3, 3]
    spot = eye + step
    t, _ = nearest_hit(rooms, eye.expand_as(spot).flatten(1, 2), step.flatten(1, 2))
    clear = (t.reshape(shape) > 1 + CLEAR / baseline) & _free(rooms, spot.flatten(1, 2)).reshape(shape)
    ahead = target[:, None, None, :3, 2]
    aim = eye + ahead * (reach[:, None, None] * chance.between(*shape, low=0.7, high=3.0))[..., None] - spot
    aim = aim / aim.norm(dim=-1, keepdim=True)
    yaw, pitch = torch.atan2(aim[..., 1], aim[..., 0]), aim[..., 2].clamp(-0.99, 0.99).asin()
    yaw = yaw + torch.deg2rad(5 * chance.normal(*shape))
    pitch = (pitch + torch.deg2rad(2.5 * chance.normal(*shape))).clamp(-1.3, 1.3)
    rotation = look(yaw, pitch, torch.deg2rad(2 * chance.normal(*shape)))
    first = clear.float().argmax(dim=-1)
    free = clear.any(dim=-1)
    rows, columns = torch.arange(count, device=reach.device)[:, None], torch.arange(views, device=reach.device)[None]
    c2w = torch.eye(4, device=reach.device).repeat(count, views, 1, 1)
    c2w[..., :3, :3], c2w[..., :3, 3] = rotation[rows, columns, first], spot[rows, columns, first]
    return torch.where(free[..., None, None], c2w, target[:, None]), free


def _free(rooms: Rooms, points: Float32[torch.Tensor, "b p 3"]) -> Bool[torch.Tensor, "b p"]:
    """Points in the air of the shell and clear of everything in it."""
    boxes, rounds = rooms.boxes[:, None], rooms.rounds[:, None]
    inside = ((points > rooms.shell[:, None, :3] + CLEAR) & (points < rooms.shell[:, None, 3:] - CLEAR)).all(dim=-1)
    in_box = (_local(points, boxes).abs() < boxes[..., 3:6] + CLEAR).all(dim=-1).any(dim=-1)
    in_round = (_local(points, rounds).abs() < rounds[..., 3:6] + CLEAR).all(dim=-1).any(dim=-1)
    return inside & ~in_box & ~in_round


def _local(points: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    x, y, z = (points[:, :, None, :] - rows[..., :3]).unbind(-1)
    cosine, sine = rows[..., 6], rows[..., 7]
    return torch.stack([cosine * x + sine * y, cosine * y - sine * x, z], dim=-1)
