"""A USD stage read with nothing but pxr: meshes where a plain traversal finds them, polygons cut as fans.

It shares no line with ``given_mesh``, so that what that one loses can be noticed.
"""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, Int32


def unknown_to_plain_walk(path: Path) -> list[str]:
    """Types of shown prims with geometry that :func:`plain_walk` doesn't follow."""
    from pxr import Usd, UsdGeom

    stage = Usd.Stage.Open(str(path))
    return sorted({str(prim.GetTypeName()) for prim in _shown(stage) if not prim.IsA(UsdGeom.Mesh)})


def plain_walk(path: Path) -> tuple[Float64[np.ndarray, "v 3"], Int32[np.ndarray, "f 3"]]:
    """Vertices and triangles of all shown meshes, in the stage's own frame and unit."""
    from pxr import Usd, UsdGeom

    stage = Usd.Stage.Open(str(path))
    cache = UsdGeom.XformCache(Usd.TimeCode.EarliestTime())
    vertices, faces, start = [np.zeros((0, 3))], [np.zeros((0, 3), np.int64)], 0
    for prim in _shown(stage):
        mesh = UsdGeom.Mesh(prim)
        points = np.array(mesh.GetPointsAttr().Get(Usd.TimeCode.EarliestTime()) or [], np.float64).reshape(-1, 3)
        counts = mesh.GetFaceVertexCountsAttr().Get(Usd.TimeCode.EarliestTime()) or []
        corners = np.array(mesh.GetFaceVertexIndicesAttr().Get(Usd.TimeCode.EarliestTime()) or [], np.int64)
        matrix = np.array(cache.GetLocalToWorldTransform(prim))
        vertices.append(points @ matrix[:3, :3] + matrix[3, :3])
        first = 0
        for count in counts:
            ring = corners[first : first + count]
            faces.append(start + np.stack([np.repeat(ring[:1], count - 2), ring[1:-1], ring[2:]], axis=1))
            first += count
        start += len(points)
    return np.concatenate(vertices), np.concatenate(faces).astype(np.int32)


def _shown(stage: Any) -> list[Any]:
    """Prims with geometry that a renderer would draw."""
    from pxr import Usd, UsdGeom

    time = Usd.TimeCode.EarliestTime()
    found, walk = [], iter(Usd.PrimRange(stage.GetPseudoRoot(), Usd.TraverseInstanceProxies()))
    for prim in walk:
        if not (prim.IsA(UsdGeom.Gprim) or prim.IsA(UsdGeom.PointInstancer)):
            continue
        image = UsdGeom.Imageable(prim)
        purpose = image.ComputePurpose()
        if image.ComputeVisibility(time) != UsdGeom.Tokens.invisible and purpose in ("default", "render"):
            found.append(prim)
        if prim.IsA(UsdGeom.PointInstancer):
            walk.PruneChildren()
    return found
