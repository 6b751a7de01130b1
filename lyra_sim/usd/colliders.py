"""Colliders: named convex hulls, and the closed mesh as the alternative."""

import numpy as np
from jaxtyping import Float32, Int32
from pxr import Gf, Sdf, Usd, UsdGeom, UsdPhysics, UsdShade

from lyra_sim.data.colliders import Colliders, Label
from lyra_sim.data.mesh import TriMesh
from lyra_sim.usd.meshes import HULL_MATERIALS, define_mesh, set_normals
from lyra_sim.usd.stage import set_label

SEEN_ATTRIBUTE = "lyra:seen"
"""Custom attribute of a hull: fraction of its free-facing surface that was measured, 0..1."""

LABEL_COLORS: dict[Label, tuple[float, float, float]] = {
    "floor": (0.10, 0.30, 0.55),
    "wall": (0.55, 0.50, 0.30),
    "ceiling": (0.35, 0.35, 0.45),
    "clutter": (0.60, 0.20, 0.10),
    "unseen": (0.15, 0.15, 0.15),
}
"""Linear colours of hulls, for people who switch guides on to look at what physics sees."""


HULL_MATERIAL: dict[Label, str] = {"wall": "wall", "ceiling": "wall", "clutter": "furniture"}
"""Contact material by label; what isn't here keeps the ground's, which is inherited: floors, and what nobody saw."""


def define_hulls(stage: Usd.Stage, path: str, colliders: Colliders) -> None:
    """Author ``<path>/<hull name>`` as a static collider each; the approximation says what they already are: convex.

    Args:
        stage: On a layer of :func:`lyra_sim.usd.meshes.new_geometry_layer`, whose contact materials are bound here.
        path: Prim path of the group.
        colliders: The hulls.
    """
    _define_guide(stage, path)
    for hull in colliders.hulls:
        mesh = define_mesh(stage, f"{path}/{hull.name}", hull.vertices, hull.faces)
        set_normals(mesh, _flat_normals(hull.vertices, hull.faces), UsdGeom.Tokens.uniform)
        mesh.CreateDisplayColorAttr([Gf.Vec3f(*LABEL_COLORS[hull.label])])
        prim = mesh.GetPrim()
        _make_collider(prim, UsdPhysics.Tokens.convexHull)
        if hull.label in HULL_MATERIAL:
            material = UsdShade.Material.Get(stage, f"{path}/{HULL_MATERIALS}/{HULL_MATERIAL[hull.label]}")
            strength = UsdShade.Tokens.weakerThanDescendants
            UsdShade.MaterialBindingAPI(prim).Bind(material, strength, "physics")
        set_label(prim, hull.label)
        prim.CreateAttribute(SEEN_ATTRIBUTE, Sdf.ValueTypeNames.Float, True, Sdf.VariabilityUniform).Set(hull.seen)


def define_trimesh(stage: Usd.Stage, path: str, mesh: TriMesh) -> None:
    """Author the closed mesh at ``<path>/closed_mesh`` as a static triangle collider.

    Exact, but MuJoCo makes a hull of it and thin bodies pass PhysX's triangles, hence the hulls by default.
    """
    _define_guide(stage, path)
    prim = define_mesh(stage, f"{path}/closed_mesh", mesh.vertices, mesh.faces)
    set_normals(prim, _flat_normals(mesh.vertices, mesh.faces), UsdGeom.Tokens.uniform)
    _make_collider(prim.GetPrim(), UsdPhysics.Tokens.none)


def _define_guide(stage: Usd.Stage, path: str) -> None:
    """A group of colliders is invisible by default; every engine parses guides all the same."""
    UsdGeom.Xform.Define(stage, path).CreatePurposeAttr(UsdGeom.Tokens.guide)


def _make_collider(prim: Usd.Prim, approximation: str) -> None:
    UsdPhysics.CollisionAPI.Apply(prim)
    UsdShade.MaterialBindingAPI.Apply(prim)  # else UsdPhysics' parser, and so Newton, misses the inherited ground material
    UsdPhysics.MeshCollisionAPI.Apply(prim).CreateApproximationAttr(approximation)


def _flat_normals(vertices: Float32[np.ndarray, "v 3"], faces: Int32[np.ndarray, "f 3"]) -> Float32[np.ndarray, "f 3"]:
    t = vertices[faces].astype(np.float64)
    normals = np.cross(t[:, 1] - t[:, 0], t[:, 2] - t[:, 0])
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.where(length > 0, normals / np.maximum(length, 1e-300), [0.0, 0.0, 1.0]).astype(np.float32)
