"""One prim's surface in pieces of one look: polygon meshes with their subsets, and analytic shapes."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64, UInt8

from lyra_sim.capture.survey.polygons import triangles_of
from lyra_sim.conventions import srgb_bytes_from_linear
from lyra_sim.usd.given_looks import UsdLook, UsdLooks, subsets_of
from lyra_sim.usd.given_shapes import is_shape, shape_mesh


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Triangles of one look in their prim's frame."""

    vertices: Float64[np.ndarray, "v 3"]
    faces: Int64[np.ndarray, "f 3"]
    corner_rgb: UInt8[np.ndarray, "f 3 3"] | None
    uv: Float64[np.ndarray, "f 3 2"] | None
    image: UInt8[np.ndarray, "h w 3"] | None
    left_handed: bool
    """Faces are wound clockwise as seen from outside."""


@dataclass(frozen=True, kw_only=True)
class _Corners:
    """How triangles' corners find values of each interpolation."""

    corners: Int64[np.ndarray, "t 3"]
    """Positions in the list of polygon corners."""
    indices: Int64[np.ndarray, "n"]
    owner: Int64[np.ndarray, "t"]
    """Polygon of every triangle."""


def is_readable(prim: Any) -> bool:
    """Whether a prim's surface is read."""
    from pxr import UsdGeom

    return bool(prim.IsA(UsdGeom.Mesh)) or is_shape(prim)


def pieces_of(prim: Any, time: Any, looks: UsdLooks, odd: Counter[str], *, metres_per_unit: float) -> list[Piece]:
    """Pieces of a prim; what is wrong with it is counted in ``odd``, what is merely worth telling with a ``+`` before it."""
    from pxr import UsdGeom

    left_handed = UsdGeom.Gprim(prim).GetOrientationAttr().Get(time) == UsdGeom.Tokens.leftHanded
    if is_shape(prim):
        vertices, faces = shape_mesh(prim, time, metres_per_unit=metres_per_unit)
        look = looks.of(prim)
        colour = _colour_of_shape(prim, time) if look.linear is None else srgb_bytes_from_linear(look.linear)
        if look.image is not None:
            odd["+textured shapes have no texture coordinates; they are plain"] += 1
        rgb = None if colour is None else np.broadcast_to(colour, (len(faces), 3, 3))
        return [Piece(vertices=vertices, faces=faces, corner_rgb=rgb, uv=None, image=None, left_handed=left_handed)]
    read = _polygons(prim, time, odd)
    if read is None:
        return []
    vertices, where, counts = read
    pieces = []
    taken = np.zeros(len(counts), bool)
    groups = [(looks.of(one), faces) for one, faces in subsets_of(prim, len(counts), time, odd)]
    for _, faces in groups:
        taken[faces] = True
    groups.append((looks.of(prim), np.flatnonzero(~taken)))
    for look, faces in groups:
        chosen = np.isin(where.owner, faces)
        if not chosen.any():
            continue
        part = _Corners(corners=where.corners[chosen], indices=where.indices, owner=where.owner[chosen])
        rgb, uv = _colours(prim, look, part, time, odd)
        pieces.append(
            Piece(
                vertices=vertices,
                faces=where.indices[part.corners],
                corner_rgb=rgb,
                uv=uv,
                image=look.image if uv is not None else None,
                left_handed=left_handed,
            )
        )
    return pieces


def _polygons(prim: Any, time: Any, odd: Counter[str]) -> tuple[np.ndarray, _Corners, np.ndarray] | None:
    """Vertices, corners and polygon sizes of a mesh; None, and counted, where its arrays contradict each other."""
    from pxr import UsdGeom, UsdSkel

    mesh = UsdGeom.Mesh(prim)
    points, counts, indices = (
        attribute.Get(time)
        for attribute in (mesh.GetPointsAttr(), mesh.GetFaceVertexCountsAttr(), mesh.GetFaceVertexIndicesAttr())
    )
    if not points or not counts or not indices:
        odd["meshes without points or faces"] += 1
        return None
    vertices, counts, indices = np.array(points, np.float64), np.array(counts, np.int64), np.array(indices, np.int64)
    if (counts < 0).any() or counts.sum() != len(indices):
        odd["meshes whose faces have other corners than they count"] += 1
        return None
    odd["faces with fewer than three corners"] += int((counts < 3).sum())
    if mesh.GetSubdivisionSchemeAttr().Get() != UsdGeom.Tokens.none:
        odd["+subdivision surfaces stand as their cage"] += 1
    if prim.HasAPI(UsdSkel.BindingAPI) and UsdSkel.BindingAPI(prim).GetJointIndicesAttr().HasAuthoredValue():
        odd["+skinned meshes stand as they were bound"] += 1
    corners = triangles_of(vertices, counts, indices)
    owner = np.repeat(np.arange(len(counts)), np.maximum(counts - 2, 0))
    holes = np.array(mesh.GetHoleIndicesAttr().Get(time) or [], np.int64)
    if len(holes):
        odd["+faces are holes"] += len(holes)
        open_ = ~np.isin(owner, holes)
        corners, owner = corners[open_], owner[open_]
    return vertices, _Corners(corners=corners, indices=indices, owner=owner), counts


def _colours(
    prim: Any, look: UsdLook, where: _Corners, time: Any, odd: Counter[str]
) -> tuple[UInt8[np.ndarray, "t 3 3"] | None, Float64[np.ndarray, "t 3 2"] | None]:
    if look.image is not None:
        uv = _primvar(prim, look.uv_name, where, time, 2)
        if uv is None:
            odd[f"+textured pieces have no primvar {look.uv_name}; they are plain"] += 1
            return None, None
        if look.uv_from_stored is not None:
            uv = uv @ look.uv_from_stored[:, :2].T + look.uv_from_stored[:, 2]
        return np.full((*uv.shape[:2], 3), 255, np.uint8), uv
    if look.linear is not None:
        return np.broadcast_to(srgb_bytes_from_linear(look.linear), (len(where.corners), 3, 3)), None
    colour = _primvar(prim, look.colour_name or "displayColor", where, time, 3)
    return None if colour is None else srgb_bytes_from_linear(colour), None


def _colour_of_shape(prim: Any, time: Any) -> UInt8[np.ndarray, "3"] | None:
    from pxr import UsdGeom

    primvar = UsdGeom.PrimvarsAPI(prim).FindPrimvarWithInheritance("displayColor")
    values = primvar.ComputeFlattened(time) if primvar and primvar.HasValue() else None
    return srgb_bytes_from_linear(np.array(values, np.float64).mean(axis=0)) if values else None


def _primvar(prim: Any, name: str, where: _Corners, time: Any, width: int) -> np.ndarray | None:
    """Values at the corners (t, 3, width) of a primvar; None where it is absent or of the wrong length."""
    from pxr import UsdGeom

    primvar = UsdGeom.PrimvarsAPI(prim).FindPrimvarWithInheritance(name)
    flattened = primvar.ComputeFlattened(time) if primvar and primvar.HasValue() else None
    if flattened is None:
        return None
    values = np.array(flattened, np.float64)
    by_face = np.broadcast_to(where.owner[:, None], where.corners.shape)
    at = {
        UsdGeom.Tokens.constant: np.zeros_like(where.corners),
        UsdGeom.Tokens.uniform: by_face,
        UsdGeom.Tokens.vertex: where.indices[where.corners],
        UsdGeom.Tokens.varying: where.indices[where.corners],
        UsdGeom.Tokens.faceVarying: where.corners,
    }.get(primvar.GetInterpolation())
    if at is None or values.ndim != 2 or values.shape[1] < width or at.min() < 0 or at.max() >= len(values):
        return None
    return values[at][..., :width]
