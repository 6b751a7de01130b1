"""A surface laid flat on one image: patches that look one way, side by side."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64

from lyra_sim.data.mesh import TriMesh
from lyra_sim.errors import GeometryError
from lyra_sim.meshing.chart_kernels import grown, profiles, stacked
from lyra_sim.meshing.texture_kernels import rasterise

SLANT_DEG = 45.0
"""A patch's faces lie at most this steep on the plane they are laid on: texels get √2 longer there, no more [deg].
Convention."""
LEAST, NOBODY = float(np.cos(np.radians(SLANT_DEG))), 2.0
"""Cosines that a normal must exceed to join a patch. Derived."""
MOST_ROUNDS = 4
"""Faces that lie on others are parted this often, the last time into single faces. Convention."""
PADDING = 2
"""Texels left free around a patch, so that filtering never bleeds. Convention."""
CELL = 4
"""Patches are packed by whole cells of so many texels. Convention."""
MAX_SIDE = 4096
"""Largest atlas edge [texels]; texels grow until it fits. Convention."""


@dataclass(frozen=True, kw_only=True)
class Atlas:
    """Where faces lie in an image of square texels, x right, y down, and what every texel shows."""

    corners: Float64[np.ndarray, "t 3 2"]
    """[texels]; texel centres are at +0.5."""
    face: Int32[np.ndarray, "h w"]
    """Face whose triangle holds the texel, -1 where none."""
    weights: Float32[np.ndarray, "h w 3"]
    """Barycentric weights of the texel's centre in it."""
    metres_per_texel: float


def laid_flat(mesh: TriMesh, chosen: Int32[np.ndarray, "t"], metres_per_texel: float) -> Atlas:
    """The chosen faces of a mesh in an atlas; no two share a texel's inside.

    Rooms are flat pieces that meet at edges. A patch grows from the largest face left over all connected ones within
    ``SLANT_DEG`` of its normal and is projected along that normal, so that no face of it folds over. A patch that winds over
    itself, as a ramp that turns does, is told by two faces on one texel: the later ones begin patches of their own.

    Args:
        mesh: In metres.
        chosen: Faces, at least one.
        metres_per_texel: Wanted size of a texel [m]; larger comes back where the image would get too large.
    """
    faces, normals, areas = mesh.faces[chosen], mesh.face_normals()[chosen].astype(np.float64), mesh.face_areas()[chosen]
    triangles, neighbours = mesh.vertices[faces].astype(np.float64), _neighbours(faces)
    order = np.argsort(-areas, kind="stable")
    patch, first = grown(order, neighbours, normals, LEAST)
    for done in range(MOST_ROUNDS + 1):
        flat = _straightened(_projected(triangles, normals[first[patch]]), neighbours, patch)
        corners, (height, width), metres_per_texel = _packed(flat, patch, metres_per_texel)
        face, weights, over = rasterise(corners, width, height)
        if not over.any():
            break
        apart, begun = grown(order[over[order]], neighbours, normals, LEAST if done + 1 < MOST_ROUNDS else NOBODY)
        patch, first = np.where(over, len(first) + apart, patch), np.concatenate([first, begun])
    return Atlas(corners=corners, face=face, weights=weights, metres_per_texel=metres_per_texel)


def _neighbours(faces: Int32[np.ndarray, "t 3"]) -> Int64[np.ndarray, "t 3"]:
    """The face across each edge, -1 where there is none."""
    edges = np.sort(np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2), axis=1).astype(np.int64)
    key = edges[:, 0] * (int(faces.max()) + 1) + edges[:, 1]
    order = np.argsort(key, kind="stable")
    pairs = np.flatnonzero(np.diff(key[order]) == 0)
    one, other = order[pairs], order[pairs + 1]
    across = np.full(len(key), -1, np.int64)
    across[one], across[other] = other // 3, one // 3
    return across.reshape(-1, 3)


def _projected(corners: Float64[np.ndarray, "t 3 3"], along: Float64[np.ndarray, "t 3"]) -> Float64[np.ndarray, "t 3 2"]:
    """Corners seen along the normals ``along``, from in front, in the plane across them [m]."""
    upright = np.where(np.abs(along[:, 2:]) < 0.7, [[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]])
    right = np.cross(upright, along)
    right /= np.maximum(np.linalg.norm(right, axis=1, keepdims=True), 1e-20)
    return np.einsum("tki,tji->tkj", corners, np.stack([right, np.cross(along, right)], axis=1))


def _straightened(
    flat: Float64[np.ndarray, "t 3 2"], neighbours: Int64[np.ndarray, "t 3"], patch: Int64[np.ndarray, "t"]
) -> Float64[np.ndarray, "t 3 2"]:
    """Every patch turned so that its outline runs along the axes where most of it can, its long side up, from (0, 0)."""
    outline = (neighbours < 0) | (patch[neighbours] != patch[:, None])
    side = (np.roll(flat, -1, axis=1) - flat)[outline] @ np.array([1, 1j])
    whose = np.broadcast_to(patch[:, None], outline.shape)[outline]
    fourfold = np.abs(side) * np.exp(4j * np.angle(side))  # equal for sides at right angles
    mean = np.bincount(whose, fourfold.real, patch.max() + 1) + 1j * np.bincount(whose, fourfold.imag, patch.max() + 1)
    turned = (flat @ np.array([1, 1j])) * np.exp(-0.25j * np.angle(mean))[patch][:, None]
    flat = np.stack([turned.real, turned.imag], axis=-1)
    low, high = _bounds(flat, patch)
    lies = (high - low)[:, 0] > (high - low)[:, 1]
    flat = flat - low[patch][:, None]
    return np.where(lies[patch][:, None, None], flat[..., ::-1], flat)


def _bounds(flat: Float64[np.ndarray, "t 3 2"], patch: Int64[np.ndarray, "t"]) -> tuple[np.ndarray, np.ndarray]:
    """Low and high corner (p, 2) of every patch; of one that has no face left, 0."""
    low, high = np.full((patch.max() + 1, 2), np.inf), np.full((patch.max() + 1, 2), -np.inf)
    np.minimum.at(low, patch, flat.min(axis=1))
    np.maximum.at(high, patch, flat.max(axis=1))
    return np.where(np.isfinite(low), low, 0), np.where(np.isfinite(high), high, 0)


def _packed(
    flat: Float64[np.ndarray, "t 3 2"], patch: Int64[np.ndarray, "t"], metres_per_texel: float
) -> tuple[Float64[np.ndarray, "t 3 2"], tuple[int, int], float]:
    """Corners in texels; height and width of the image; the texel size that fitted."""
    margin, most = PADDING / CELL, (MAX_SIDE // CELL) ** 2 // 5
    if patch.max() >= most:  # each takes up to four cells, however large texels are
        raise GeometryError(
            "texture",
            f"{patch.max() + 1} pieces of surface that look different ways",
            expected=f"at most {most} in an image of {MAX_SIDE} texels",
            next_step="Lower mesh.target_faces.",
        )
    while True:
        cells = flat / (metres_per_texel * CELL) + margin
        size = _bounds(cells, patch)[1] + margin
        columns = np.maximum(np.ceil(size[:, 0]).astype(np.int64), 1)
        starts = np.concatenate([[0], np.cumsum(columns)])
        low, high = profiles(cells, patch, starts, margin)
        width = max(int(np.sqrt(1.1 * (high - low).sum())), int(columns.max()))
        at, rows = stacked(np.argsort(-size[:, 1], kind="stable"), starts, low, high, width)
        if CELL * max(width, rows) <= MAX_SIDE:
            return CELL * (cells + at[patch][:, None]), (CELL * int(rows), CELL * width), metres_per_texel
        metres_per_texel *= max(1.02, CELL * float(np.sqrt(width * rows)) / MAX_SIDE)
