"""The true collision mesh as a world that the gate's robots can be put into: triangles, as its authors made them."""

from pathlib import Path
from typing import Any

import numpy as np
from pxr import Gf, Usd, UsdGeom, UsdPhysics, UsdShade, Vt

from lyra_sim.geometry.rigid import Similarity

COLLISION = "/World/Environment/Collision"
STATIC_FRICTION, DYNAMIC_FRICTION = 0.8, 0.7
"""As the ground of our own packages."""


def write_true_world(path: Path, mesh: Path, world_from_truth: Similarity) -> int:
    """Every part of ``mesh`` as a static triangle collider in the metric world; returns how many there are."""
    import trimesh

    stage = Usd.Stage.CreateNew(str(path))
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.z)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    UsdPhysics.SetStageKilogramsPerUnit(stage, 1.0)
    for group in ("/World", "/World/Environment", COLLISION):
        UsdGeom.Xform.Define(stage, group)
    stage.SetDefaultPrim(stage.GetPrimAtPath("/World"))
    scene = UsdPhysics.Scene.Define(stage, "/physicsScene")
    scene.CreateGravityDirectionAttr(Gf.Vec3f(0, 0, -1))
    scene.CreateGravityMagnitudeAttr(9.81)
    material = UsdShade.Material.Define(stage, "/World/ground")
    friction = UsdPhysics.MaterialAPI.Apply(material.GetPrim())
    friction.CreateStaticFrictionAttr(STATIC_FRICTION)
    friction.CreateDynamicFrictionAttr(DYNAMIC_FRICTION)
    friction.CreateRestitutionAttr(0.0)
    binding = UsdShade.MaterialBindingAPI.Apply(stage.GetPrimAtPath(COLLISION))
    binding.Bind(material, UsdShade.Tokens.weakerThanDescendants, "physics")
    loaded: Any = trimesh.load_scene(mesh)
    nodes = sorted(loaded.graph.nodes_geometry)
    for number, node in enumerate(nodes):
        placed, name = loaded.graph[node]
        part = loaded.geometry[name]
        vertices = trimesh.transform_points(np.asarray(part.vertices, np.float64), placed)
        prim = UsdGeom.Mesh.Define(stage, f"{COLLISION}/part_{number:04d}")
        prim.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(world_from_truth.apply(vertices).astype(np.float32)))
        faces = np.ascontiguousarray(part.faces, np.int32)
        prim.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(faces.ravel()))
        prim.CreateFaceVertexCountsAttr(Vt.IntArray.FromNumpy(np.full(len(faces), 3, np.int32)))
        prim.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
        UsdPhysics.CollisionAPI.Apply(prim.GetPrim())
        UsdPhysics.MeshCollisionAPI.Apply(prim.GetPrim()).CreateApproximationAttr(UsdPhysics.Tokens.none)
    stage.Save()
    return len(nodes)
