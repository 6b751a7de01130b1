"""The nearest surface along every ray: one dense comparison with all things of a room, which a compiler fuses into one pass."""

import torch
from jaxtyping import Float32, Int64

from lyra_sim.synthetic.rooms import Rooms

NEAREST = 1e-3
"""Hits nearer than this are the surface a ray starts on [m]. Convention."""
FLOOR, CEILING, OUTER = 0, 1, 2
"""Rows of the materials after those of boxes and round things. Convention."""


def nearest_hit(
    rooms: Rooms, origins: Float32[torch.Tensor, "b r 3"], directions: Float32[torch.Tensor, "b r 3"]
) -> tuple[Float32[torch.Tensor, "b r"], Int64[torch.Tensor, "b r"]]:
    """Ray parameter and index of what is hit: boxes first, then round things, then the shell (one number).

    ``point = origin + t * direction``; directions need no length of 1. Rays that start inside a thing don't see it.
    """
    box_t, box = _boxes(rooms.boxes, origins, directions).min(dim=-1)
    round_t, thing = _rounds(rooms.rounds, origins, directions).min(dim=-1)
    shell_t = shell_exit(rooms.shell, origins, directions)
    n, m = rooms.boxes.shape[1], rooms.rounds.shape[1]
    t = torch.minimum(torch.minimum(box_t, round_t), shell_t)
    index = torch.where(t == shell_t, n + m, torch.where(box_t <= round_t, box, n + thing))
    return t, index


def shell_exit(
    shell: Float32[torch.Tensor, "b 6"], origins: Float32[torch.Tensor, "b r 3"], directions: Float32[torch.Tensor, "b r 3"]
) -> Float32[torch.Tensor, "b r"]:
    """Where rays leave the air that encloses everything."""
    inverse = 1 / _nonzero(directions)
    low, high = (shell[:, None, :3] - origins) * inverse, (shell[:, None, 3:] - origins) * inverse
    return torch.maximum(low, high).amin(dim=-1)


def _nonzero(x: torch.Tensor) -> torch.Tensor:
    return torch.where(x.abs() < 1e-9, 1e-9, x)


def _boxes(boxes: torch.Tensor, origins: torch.Tensor, directions: torch.Tensor) -> torch.Tensor:
    """Entry of every ray into every box, infinite where there is none (slabs: Kay and Kajiya 1986)."""
    cx, cy, cz, hx, hy, hz, cosine, sine, nx, ny, nz, offset = (boxes[:, None, :, k] for k in range(12))
    x, y, z = (origins[..., k, None] for k in range(3))
    u, v, w = (directions[..., k, None] for k in range(3))
    x, y, z = x - cx, y - cy, z - cz
    x, y = cosine * x + sine * y, cosine * y - sine * x
    u, v = cosine * u + sine * v, cosine * v - sine * u
    iu, iv, iw = 1 / _nonzero(u), 1 / _nonzero(v), 1 / _nonzero(w)
    enter = torch.maximum(torch.maximum(-x * iu - hx * iu.abs(), -y * iv - hy * iv.abs()), -z * iw - hz * iw.abs())
    leave = torch.minimum(torch.minimum(-x * iu + hx * iu.abs(), -y * iv + hy * iv.abs()), -z * iw + hz * iw.abs())
    slope = nx * u + ny * v + nz * w
    at = (offset - (nx * x + ny * y + nz * z)) / _nonzero(slope)
    enter = torch.where(slope < -1e-9, torch.maximum(enter, at), enter)
    leave = torch.where(slope > 1e-9, torch.minimum(leave, at), leave)
    return torch.where((enter < leave) & (enter > NEAREST), enter, torch.inf)


def _rounds(rounds: torch.Tensor, origins: torch.Tensor, directions: torch.Tensor) -> torch.Tensor:
    """The same for ellipsoids and upright elliptical cylinders."""
    cx, cy, cz, rx, ry, rz, cosine, sine, cylinder = (rounds[:, None, :, k] for k in range(9))
    x, y, z = (origins[..., k, None] for k in range(3))
    u, v, w = (directions[..., k, None] for k in range(3))
    x, y, z = x - cx, y - cy, (z - cz) / rz
    x, y = (cosine * x + sine * y) / rx, (cosine * y - sine * x) / ry
    u, v, w = (cosine * u + sine * v) / rx, (cosine * v - sine * u) / ry, w / rz
    ball = 1 - cylinder
    a = (u * u + v * v + ball * w * w).clamp(min=1e-12)
    b = x * u + y * v + ball * z * w
    c = x * x + y * y + ball * z * z - 1
    root = b * b - a * c
    half = root.clamp(min=0).sqrt()
    enter, leave = (-b - half) / a, (-b + half) / a
    iw = 1 / _nonzero(w)
    caps_in, caps_out = -z * iw - iw.abs(), -z * iw + iw.abs()
    enter = torch.where(cylinder > 0.5, torch.maximum(enter, caps_in), enter)
    leave = torch.where(cylinder > 0.5, torch.minimum(leave, caps_out), leave)
    return torch.where((root > 0) & (enter < leave) & (enter > NEAREST), enter, torch.inf)


def surface_at(
    rooms: Rooms,
    index: Int64[torch.Tensor, "b r"],
    points: Float32[torch.Tensor, "b r 3"],
    directions: Float32[torch.Tensor, "b r 3"],
) -> tuple[Float32[torch.Tensor, "b r 3"], Float32[torch.Tensor, "b r 2"], Float32[torch.Tensor, "b r 13"]]:
    """World normals towards the ray's origin, texture coordinates [m] and materials of what :func:`nearest_hit` found."""
    n, m = rooms.boxes.shape[1], rooms.rounds.shape[1]
    rows = torch.arange(len(points), device=points.device)[:, None]
    box = rooms.boxes[rows, index.clamp(max=n - 1)]
    thing = rooms.rounds[rows, (index - n).clamp(0, m - 1)]
    is_box, is_round = index < n, (index >= n) & (index < n + m)

    cosine, sine = torch.where(is_box, box[..., 6], thing[..., 6]), torch.where(is_box, box[..., 7], thing[..., 7])
    turned = is_box | is_round
    cosine, sine = torch.where(turned, cosine, 1.0), torch.where(turned, sine, 0.0)
    centre = torch.where(is_box[..., None], box[..., :3], thing[..., :3]) * turned[..., None]
    x, y, z = (points - centre).unbind(-1)
    x, y = cosine * x + sine * y, cosine * y - sine * x
    local = torch.stack([x, y, z], dim=-1)

    box_normal = _box_normal(local, box)
    round_normal, round_uv = _round_surface(local, thing)
    shell_axis = _farthest_axis(points, rooms.shell)
    normal = torch.where(is_box[..., None], box_normal, torch.where(is_round[..., None], round_normal, shell_axis))
    nu, nv = cosine * normal[..., 0] - sine * normal[..., 1], sine * normal[..., 0] + cosine * normal[..., 1]
    world = torch.stack([nu, nv, normal[..., 2]], dim=-1)
    world = world * torch.where((world * directions).sum(-1, keepdim=True) > 0, -1.0, 1.0)

    upward = shell_axis[..., 2].abs() > 0.5
    shell_row = torch.where(upward, torch.where(points[..., 2] > rooms.shell[:, None, 5] / 2, CEILING, FLOOR), OUTER)
    row = torch.where(turned, index, n + m + shell_row)
    material = rooms.materials[rows, row]
    along = (local + material[..., 2:5]).unbind(-1)
    size = normal.abs()
    flat_z = (size[..., 2] >= size[..., 0]) & (size[..., 2] >= size[..., 1])
    flat_x = (size[..., 0] > size[..., 1]) & ~flat_z
    uv = torch.stack([torch.where(flat_x, along[1], along[0]), torch.where(flat_z, along[1], along[2])], dim=-1)
    uv = torch.where((is_round & ~flat_z)[..., None], round_uv + material[..., 2:4], uv)
    return world, uv, material


def _box_normal(local: torch.Tensor, box: torch.Tensor) -> torch.Tensor:
    """Of the face the point lies on: the axis it is farthest out along, or the cutting plane."""
    out = local.abs() - box[..., 3:6]
    axis = out.argmax(dim=-1)
    one = (torch.arange(3, device=local.device) == axis[..., None]) * local.sign()
    plane = box[..., 8:11]
    length = plane.norm(dim=-1).clamp(min=1e-9)
    off = ((plane * local).sum(-1) - box[..., 11]).abs() / length
    cut = (off < 1e-3) & (off < -out.amax(dim=-1) + 1e-3) & (length > 1e-6)
    return torch.where(cut[..., None], plane / length[..., None], one)


def _round_surface(local: torch.Tensor, thing: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    radii = thing[..., 3:6]
    scaled = local / radii
    gradient = scaled / radii
    cylinder = thing[..., 8] > 0.5
    cap = cylinder & (scaled[..., 2].abs() > 0.9995)
    side = torch.where(cylinder[..., None], gradient * torch.tensor([1.0, 1.0, 0.0], device=local.device), gradient)
    side = side / side.norm(dim=-1, keepdim=True).clamp(min=1e-9)
    top = torch.zeros_like(side)
    top[..., 2] = scaled[..., 2].sign()
    around = torch.atan2(scaled[..., 1], scaled[..., 0]) * radii[..., 0]
    return torch.where(cap[..., None], top, side), torch.stack([around, local[..., 2]], dim=-1)


def _farthest_axis(points: torch.Tensor, shell: torch.Tensor) -> torch.Tensor:
    """Unit vector across the shell's face that a point lies on."""
    off = torch.minimum((points - shell[:, None, :3]).abs(), (points - shell[:, None, 3:]).abs())
    return (torch.arange(3, device=points.device) == off.argmin(dim=-1)[..., None]).float()
