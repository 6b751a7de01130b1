"""Forward warp: an image carried by its own depth to other cameras, by bilinear splatting with a soft z-buffer.

Every pixel spreads over the four it lands between, weighted by nearness to them and by exp(-50 log(1 + z) / log(1 + max z)),
so that a surface hides what lies a little behind it without a hard edge (softmax splatting: Niklaus & Liu 2020; this
weight: Lyra 2.0, 2026). Pixels at a jump of the depth are left out: theirs is a mix of both sides. It is what the
network was trained on, half-pixel and all: pixel (x, y) is taken to stand at (x, y) in ``K``, at the source and at the target.

Sums are of whole numbers, so that the order in which a GPU's threads arrive changes nothing: the same input gives the same
bits every time.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float32, Float64, Int64

from lyra_sim.errors import GeometryError
from lyra_sim.geometry.cameras import CameraPath

SHARPNESS = 50.0
"""Of the soft z-buffer, in e-folds from depth 0 to the largest. Convention."""
JUMP_WINDOW, JUMP_RATIO = 5, 0.05
"""A pixel is left out where (max - min) / mean of its window of depths reaches the ratio. Convention."""
TARGETS_TOGETHER = 16
"""Target cameras that share one largest depth, in order (Lyra 2.0's configuration). Convention."""
TARGETS_AT_ONCE = 4
"""Target cameras that are drawn at once: at 480 x 832, half a gigabyte of whole numbers and places. Changes no result.
Convention."""
STEPS = float(1 << 38)
"""Whole steps of a weight of 1. Two million pixels could meet in one without their sum leaving 64 bits. Derived."""
TINY = 1e-7
"""Keeps a division finite, as Lyra 2.0 does. Convention."""


@dataclass(frozen=True, kw_only=True)
class Warped:
    """An image as other cameras would see it."""

    values: Float32[torch.Tensor, "n c h w"]
    """``hole`` where nothing arrived."""
    z_depth: Float32[torch.Tensor, "n h w"]
    """In the target camera; NaN where nothing arrived."""
    known: Bool[torch.Tensor, "n h w"]


@torch.no_grad()
def forward_warp(
    values: Float32[torch.Tensor, "c hs ws"],
    z_depth: Float32[torch.Tensor, "hs ws"],
    source: CameraPath,
    targets: CameraPath,
    *,
    hole: float = -1.0,
    together: int = TARGETS_TOGETHER,
) -> Warped:
    """Carry an image of any channels to every target camera.

    Args:
        values: Channels first, any range; the work is done on their device.
        z_depth: Of the source, along its optical axis; NaN or ≤ 0: unknown.
        source: Its one camera.
        targets: Of any size.
        hole: Value of pixels where nothing arrives.
        together: Target cameras that share one largest depth.

    Raises:
        GeometryError: There isn't one source camera of the depth's size.
    """
    if len(source) != 1 or (source.height, source.width) != tuple(z_depth.shape):
        raise GeometryError(
            "forward warp",
            f"{len(source)} cameras of {source.width}x{source.height} for depth of {z_depth.shape[1]}x{z_depth.shape[0]}",
            expected="one camera of the depth's size",
        )
    used = reliable_depth(z_depth, JUMP_WINDOW, JUMP_RATIO)
    carried = values[:, used].double()
    points, pixels = _world_points(z_depth, used, source)
    parts = []
    for first in range(0, len(targets), together):
        w2c = torch.from_numpy(targets.w2c[first : first + together]).to(points.device, torch.float32)
        K = torch.from_numpy(targets.K[first : first + together]).to(points.device, torch.float32)
        moved = _moved(points, pixels, w2c, K)
        largest = moved[2].max().double().clamp(min=0) if moved.numel() else torch.zeros((), dtype=torch.float64)
        parts += [
            _splat(carried, part, largest, rows=targets.height, columns=targets.width, hole=hole)
            for part in moved.split(TARGETS_AT_ONCE, dim=1)
        ]
    return Warped(
        values=torch.cat([part.values for part in parts]),
        z_depth=torch.cat([part.z_depth for part in parts]),
        known=torch.cat([part.known for part in parts]),
    )


def reliable_depth(z_depth: Float32[torch.Tensor, "h w"], window: int, most: float) -> Bool[torch.Tensor, "h w"]:
    """Pixels whose surroundings are one surface: (max - min) / mean of the window stays below ``most``.

    The mean divides by the whole window even where it hangs over the border, as the published pooling does, which asks
    more of border pixels. A window with an unknown pixel isn't one surface.
    """
    known = (z_depth > 0) & torch.isfinite(z_depth)
    z = torch.where(known, z_depth, 0).double()[None, None]
    half = window // 2
    high = F.max_pool2d(z, window, 1, half)
    low = -F.max_pool2d(-z, window, 1, half)
    mean = F.avg_pool2d(z, window, 1, half, count_include_pad=True)
    whole = F.max_pool2d((~known).double()[None, None], window, 1, half) == 0
    return (whole & ((high - low) / (mean + 1e-6) < most))[0, 0]


def _world_points(
    z_depth: torch.Tensor, used: torch.Tensor, source: CameraPath
) -> tuple[Float32[torch.Tensor, "3 m"], Float32[torch.Tensor, "2 m"]]:
    """Used pixels in the world, and their columns and rows.

    Here and below all is in float32 and one product or sum after the other, in this order: a pixel that keeps its row, as all
    do when a camera slides sideways, lands on that row or, a rounding away, on two.
    """
    v, u = (index.float() for index in torch.nonzero(used, as_tuple=True))
    d = z_depth[used]
    inverse = torch.from_numpy(source.K).to(d.device, torch.float64).inverse().float()[0]
    a, b, c = (d * ((row[0] * u + row[1] * v) + row[2]) for row in inverse)
    m = torch.from_numpy(source.c2w[0]).to(d.device, torch.float32)
    return torch.stack([((row[0] * a + row[1] * b) + row[2] * c) + row[3] for row in m[:3]]), torch.stack([u, v])


def _moved(
    points: Float32[torch.Tensor, "3 m"],
    pixels: Float32[torch.Tensor, "2 m"],
    w2c: Float32[torch.Tensor, "n 4 4"],
    K: Float32[torch.Tensor, "n 3 3"],
) -> Float32[torch.Tensor, "3 n m"]:
    """Column + 1, row + 1 and depth in every target, the way over the displacement and the one for a border included."""

    def across(matrix: torch.Tensor, row: int, column: int) -> torch.Tensor:
        return matrix[:, row, column, None]

    (wx, wy, wz), (u, v) = points, pixels
    a, b, c = (
        ((across(w2c, r, 0) * wx + across(w2c, r, 1) * wy) + across(w2c, r, 2) * wz) + across(w2c, r, 3) for r in range(3)
    )
    px, py, pz = ((across(K, r, 0) * a + across(K, r, 1) * b) + across(K, r, 2) * c for r in range(3))
    return torch.stack([((px / (pz + TINY) - u) + u) + 1, ((py / (pz + TINY) - v) + v) + 1, pz])


def _splat(
    carried: Float64[torch.Tensor, "c m"],
    moved: Float32[torch.Tensor, "3 n m"],
    largest: Float64[torch.Tensor, ""],
    *,
    rows: int,
    columns: int,
    hole: float,
) -> Warped:
    """Every pixel's values (and its depth) to the up to four pixels it lands between, nearer ones far heavier.

    A pixel that lands on a whole column or row counts twice there, as in the published splatting, whose two neighbours
    (floor and ceiling) are then the same. Weights are taken relative to the heaviest that arrives at a pixel: what is
    summed then is never lost below the whole steps it is counted in.
    """
    n, channels, device = moved.shape[1], len(carried), moved.device
    u, v, z = moved[0].double() - 1, moved[1].double() - 1, moved[2].double()
    seen = (z > 0) & (u > -1) & (u < columns) & (v > -1) & (v < rows)
    number, pixel = torch.nonzero(seen, as_tuple=True)
    u, v, z = u[seen], v[seen], z[seen]
    far = -(SHARPNESS / (torch.log1p(largest) + TINY)) * torch.log1p(z)

    corners = []
    for beside in (torch.floor, torch.ceil):
        for above in (torch.floor, torch.ceil):
            column, row = beside(u), above(v)
            inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
            near = (1 - (u - column).abs()) * (1 - (v - row).abs())
            inside &= near > 0
            place = (number * rows + row.long()) * columns + column.long()
            corners.append((inside, torch.where(inside, place, 0), torch.where(inside, far + near.log(), -torch.inf)))
    heaviest = torch.full((n * rows * columns,), -torch.inf, dtype=torch.float64, device=device)
    for _, place, weight in corners:
        heaviest.scatter_reduce_(0, place, weight, "amax")
    known = heaviest > -torch.inf

    size = float(carried.abs().max().clamp(min=1)) if carried.numel() else 1.0
    depth_size = float(largest.clamp(min=1))
    weights = torch.zeros(n * rows * columns, dtype=torch.int64, device=device)
    sums = torch.zeros((channels + 1, n * rows * columns), dtype=torch.int64, device=device)
    for inside, place, weight in corners:
        share = torch.where(inside, torch.exp(weight - heaviest[place]), 0.0) * STEPS
        weights.scatter_add_(0, place, _whole(share))
        sums[channels].scatter_add_(0, place, _whole(share * (z / depth_size)))
        for channel in range(channels):
            sums[channel].scatter_add_(0, place, _whole(share * (carried[channel, pixel] / size)))
    divisor = torch.where(known, weights, 1).double()
    values = torch.where(known, sums[:channels].double() / divisor * size, hole).float()
    depth = torch.where(known, sums[channels].double() / divisor * depth_size, torch.nan).float()
    return Warped(
        values=values.reshape(channels, n, rows, columns).transpose(0, 1).contiguous(),
        z_depth=depth.reshape(n, rows, columns),
        known=known.reshape(n, rows, columns),
    )


def _whole(x: Float64[torch.Tensor, "m"]) -> Int64[torch.Tensor, "m"]:
    return x.round().long()
