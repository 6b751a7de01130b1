"""USD's analytic shapes as triangles: no corner is off the true surface, no face further from it than a stated tolerance."""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

TOLERANCE_M = 0.001
"""A flat face lies at most this far inside the round surface it stands for, up to ``FINEST_RADIUS_M`` [m]. Convention."""
LEAST_SIDES, MOST_SIDES = 16, 512
"""Sides of round shapes. Convention."""
FINEST_RADIUS_M = 25.0
"""Larger rounds have ``MOST_SIDES`` sides [m]. Convention."""
AXES = {"X": [1, 2, 0], "Y": [2, 0, 1], "Z": [0, 1, 2]}
"""Which of (across, across, along) each coordinate is, so that turns keep their sense."""
Mesh = tuple[Float64[np.ndarray, "v 3"], Int64[np.ndarray, "f 3"]]


def is_shape(prim: Any) -> bool:
    """Whether a prim is one of the shapes that are tessellated."""
    return str(prim.GetTypeName()) in _MAKERS


def shape_mesh(prim: Any, time: Any, *, metres_per_unit: float) -> Mesh:
    """Vertices in the prim's own frame, and faces wound outward.

    Args:
        prim: A Cube, Sphere, Cylinder, Cone, Capsule or Plane.
        time: When it is looked at.
        metres_per_unit: Of the prim's frame at its largest scale; decides how finely round surface is divided.
    """
    values = {name: prim.GetAttribute(name).Get(time) for name in _NAMES if prim.HasAttribute(name)}
    return _MAKERS[str(prim.GetTypeName())](values, metres_per_unit)


_NAMES = ("size", "radius", "radiusTop", "radiusBottom", "height", "width", "length", "axis")


def _sides(radius: float, metres_per_unit: float) -> int:
    metres = max(abs(radius) * metres_per_unit, 1e-12)
    half = TOLERANCE_M / 2  # a face of a sphere cuts off a share along its ring and another across it
    if not np.isfinite(metres) or metres <= half:
        return LEAST_SIDES
    return int(np.clip(np.ceil(np.pi / np.arccos(1 - half / metres)), LEAST_SIDES, MOST_SIDES)) // 2 * 2 + 2


def _cube(values: dict[str, Any], metres_per_unit: float) -> Mesh:
    half = float(values["size"]) / 2
    corners = np.array([[x, y, z] for z in (-1, 1) for y in (-1, 1) for x in (-1, 1)], np.float64) * half
    quads = [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]]
    return corners, np.array([[q[0], q[a], q[a + 1]] for q in quads for a in (1, 2)], np.int64)


def _plane(values: dict[str, Any], metres_per_unit: float) -> Mesh:
    """Width runs along X (Z where the axis is X), length along Y (Z where the axis is Y)."""
    axis = str(values["axis"])
    w, h = float(values["width"]) / 2, float(values["length"]) / 2
    flat = {
        "Z": [[-w, -h, 0], [w, -h, 0], [w, h, 0], [-w, h, 0]],
        "Y": [[-w, 0, -h], [-w, 0, h], [w, 0, h], [w, 0, -h]],
        "X": [[0, -h, -w], [0, h, -w], [0, h, w], [0, -h, w]],
    }[axis]
    return np.array(flat, np.float64), np.array([[0, 1, 2], [0, 2, 3]], np.int64)


def _turned(profile: Float64[np.ndarray, "p 2"], sides: int, axis: str) -> Mesh:
    """A profile of (radius, height) from bottom to top, turned about the axis; points on the axis stay single."""
    angles = 2 * np.pi * np.arange(sides) / sides
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    vertices: list[np.ndarray] = []
    starts, single = [], []
    for radius, height in profile:
        starts.append(sum(len(one) for one in vertices))
        single.append(radius == 0)
        rim = np.zeros((1, 2)) if radius == 0 else ring * radius
        vertices.append(np.column_stack([rim, np.full(len(rim), height)]))
    k, after = np.arange(sides), (np.arange(sides) + 1) % sides
    faces = []
    for low in range(len(profile) - 1):
        a, b = starts[low], starts[low + 1]
        if single[low] and single[low + 1]:
            continue
        if not single[low]:
            top = np.full(sides, b) if single[low + 1] else b + after
            faces.append(np.stack([a + k, a + after, top], axis=1))
        if not single[low + 1]:
            bottom = np.full(sides, a) if single[low] else a + k
            faces.append(np.stack([bottom, b + after, b + k], axis=1))
    out = np.concatenate(vertices)
    return out[:, np.argsort(AXES[axis])] if axis != "Z" else out, np.concatenate(faces).astype(np.int64)


def _arc(radius: float, sides: int, start: float, end: float, lift: float) -> list[tuple[float, float]]:
    """A half circle's profile between two latitudes [rad], without a radius of nearly 0 at the poles."""
    steps = max(round(sides / 2 * (end - start) / np.pi), 4)
    angles = np.linspace(start, end, steps + 1)
    return [(0.0 if abs(abs(a) - np.pi / 2) < 1e-9 else radius * np.cos(a), lift + radius * np.sin(a)) for a in angles]


def _sphere(values: dict[str, Any], metres_per_unit: float) -> Mesh:
    radius = float(values["radius"])
    sides = _sides(radius, metres_per_unit)
    return _turned(np.array(_arc(radius, sides, -np.pi / 2, np.pi / 2, 0.0)), sides, "Z")


def _round(values: dict[str, Any], metres_per_unit: float, *, bottom: float, top: float) -> Mesh:
    half = float(values["height"]) / 2
    sides = _sides(max(bottom, top), metres_per_unit)
    profile = np.array([(0.0, -half), (bottom, -half), (top, half), (0.0, half)])
    return _turned(profile, sides, str(values["axis"]))


def _cylinder(values: dict[str, Any], metres_per_unit: float) -> Mesh:
    radius = float(values.get("radius", 0))
    bottom, top = (float(values.get(name, radius)) for name in ("radiusBottom", "radiusTop"))
    return _round(values, metres_per_unit, bottom=bottom, top=top)


def _cone(values: dict[str, Any], metres_per_unit: float) -> Mesh:
    return _round(values, metres_per_unit, bottom=float(values["radius"]), top=0.0)


def _capsule(values: dict[str, Any], metres_per_unit: float) -> Mesh:
    radius, half = float(values.get("radius", 0)), float(values["height"]) / 2
    bottom, top = (float(values.get(name, radius)) for name in ("radiusBottom", "radiusTop"))
    sides = _sides(max(bottom, top), metres_per_unit)
    profile = _arc(bottom, sides, -np.pi / 2, 0.0, -half) + _arc(top, sides, 0.0, np.pi / 2, half)
    return _turned(np.array(profile), sides, str(values["axis"]))


_MAKERS: dict[str, Callable[[dict[str, Any], float], Mesh]] = {
    "Cube": _cube,
    "Sphere": _sphere,
    "Cylinder": _cylinder,
    "Cylinder_1": _cylinder,
    "Cone": _cone,
    "Capsule": _capsule,
    "Capsule_1": _capsule,
    "Plane": _plane,
}
