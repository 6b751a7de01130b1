"""What physics sees in a stage as hulls, and the measured part of its visual mesh, both as the stage composes them."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float64
from pxr import UsdGeom
from scipy.spatial import ConvexHull, QhullError

from lyra_sim.data.colliders import LABELS, Hull, Label
from lyra_sim.data.mesh import TriMesh
from lyra_sim.usd.colliders import SEEN_ATTRIBUTE
from lyra_sim.usd.rules.stage_view import ColliderMesh, View
from lyra_sim.usd.stage import label_of

VISUAL = "/World/Environment/Visual"
"""What cameras see in a package."""


def read_hulls(view: View) -> tuple[tuple[Hull, ...], tuple[str, ...]]:
    """Every convex collider in metres, z-up, and the paths of colliders that can't be read as one.

    A hull is what both engines make of it: the convex hull of its points, wherever the stage puts them. What is switched
    off isn't there. A label that isn't one of ours counts as clutter, which has to stand for something.
    """
    hulls: list[Hull] = []
    solid: set[str] = set()
    names: set[str] = set()
    for mesh in view.collider_meshes:
        faces = _convex(mesh.points) if mesh.is_hull else None
        if faces is None:
            continue
        solid.add(mesh.path)
        used, corners = np.unique(faces, return_inverse=True)
        label, seen = label_of(mesh.prim), mesh.prim.GetAttribute(SEEN_ATTRIBUTE).Get()
        name = mesh.prim.GetName()
        name = mesh.path.strip("/").replace("/", "_") if name in names else name
        names.add(name)
        hulls.append(
            Hull(
                name=name,
                label=_known(label),
                vertices=mesh.points[used].astype(np.float32),
                faces=corners.reshape(-1, 3).astype(np.int32),
                seen=0.0 if seen is None else float(seen),
            )
        )
    unread = sorted({str(prim.GetPath()) for prim in view.colliders} - solid)
    return tuple(hulls), tuple(unread)


def read_visual(view: View) -> TriMesh | None:
    """The visual mesh, with which of its faces somebody saw; None where the stage shows none. Its colours aren't read."""
    cache = UsdGeom.XformCache()
    shown = [mesh for mesh in view.meshes if str(mesh.GetPath()).startswith(f"{VISUAL}/")]
    labels = [label_of(mesh.GetPrim()) for mesh in shown]
    parts = [
        (ColliderMesh.read(mesh, cache, view.world_from_stage), label != "unseen")
        for mesh, label in zip(shown, labels, strict=True)
        if label is not None
    ]
    return _joined([(part, seen) for part, seen in parts if len(part.triangles)])


def seen_part(visual: TriMesh | None) -> TriMesh | None:
    """What somebody saw of it; None without any."""
    if visual is None or not visual.face_seen.any():
        return None
    return replace(visual, faces=visual.faces[visual.face_seen], face_seen=visual.face_seen[visual.face_seen])


def _joined(parts: list[tuple[ColliderMesh, bool]]) -> TriMesh | None:
    if not parts:
        return None
    starts = np.cumsum([0] + [len(part.points) for part, _ in parts[:-1]])
    vertices = np.concatenate([part.points for part, _ in parts]).astype(np.float32)
    faces = np.concatenate([part.triangles + start for (part, _), start in zip(parts, starts, strict=True)]).astype(np.int32)
    seen = np.concatenate([np.full(len(part.triangles), seen) for part, seen in parts])
    return TriMesh(vertices=vertices, faces=faces, colors=np.zeros((len(vertices), 3), np.uint8), face_seen=seen)


def _convex(points: Float64[np.ndarray, "v 3"]) -> np.ndarray | None:
    """Faces (f, 3) of the convex hull, wound outward; None where the points aren't a solid."""
    try:
        hull = ConvexHull(points)
    except (QhullError, ValueError):
        return None
    t = points[hull.simplices]
    inward = np.einsum("fi,fi->f", np.cross(t[:, 1] - t[:, 0], t[:, 2] - t[:, 0]), hull.equations[:, :3]) < 0
    faces = hull.simplices.copy()
    faces[inward] = faces[inward][:, ::-1]
    return np.asarray(faces)


def _known(label: str | None) -> Label:
    return next((known for known in LABELS if known == label), "clutter")
