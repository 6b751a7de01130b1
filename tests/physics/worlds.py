"""Tiny worlds in the prim layout of a real package, made of boxes with plain pxr, and navigation over them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from pxr import Gf, Usd, UsdGeom, UsdPhysics, UsdShade, Vt

from lyra_sim.data.navigation import Navigation, Route
from lyra_sim.data.occupancy import FREE_CELL, OCCUPIED, OccupancyMap
from lyra_sim.navigation.reachable import clearance

Box = tuple[tuple[float, float, float], tuple[float, float, float]]
"""Low and high corner [m]."""

HALF = 3.0
"""Half the edge of the square room [m]."""


def room(*, floor: float = 0.3) -> dict[str, Box]:
    """A floor slab of this thickness, its top at z = 0, and four walls."""
    outer = HALF + 0.3
    return {
        "floor_000": ((-outer, -outer, -floor), (outer, outer, 0.0)),
        "wall_000": ((-outer, -outer, 0), (-HALF, outer, 2.5)),
        "wall_001": ((HALF, -outer, 0), (outer, outer, 2.5)),
        "wall_002": ((-HALF, -outer, 0), (HALF, -HALF, 2.5)),
        "wall_003": ((-HALF, HALF, 0), (HALF, outer, 2.5)),
    }


def write_world(path: Path, boxes: Mapping[str, Box], *, tilt_deg: float = 0.0, inside_out: bool = False) -> Path:
    """A ``world.usda`` whose hulls are ``boxes``, optionally tilted about y or with every face wound inward."""
    stage = Usd.Stage.CreateNew(str(path))
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.z)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    world = UsdGeom.Xform.Define(stage, "/World")
    stage.SetDefaultPrim(world.GetPrim())
    UsdPhysics.Scene.Define(stage, "/physicsScene")
    material = UsdShade.Material.Define(stage, "/World/ground")
    physics = UsdPhysics.MaterialAPI.Apply(material.GetPrim())
    physics.CreateStaticFrictionAttr(0.8)
    physics.CreateDynamicFrictionAttr(0.7)
    collision = UsdGeom.Xform.Define(stage, "/World/Environment/Collision")
    collision.AddRotateYOp().Set(tilt_deg)
    UsdShade.MaterialBindingAPI.Apply(collision.GetPrim()).Bind(material, UsdShade.Tokens.weakerThanDescendants, "physics")
    for name, (low, high) in boxes.items():
        corners = np.array([[x, y, z] for z in (low[2], high[2]) for y in (low[1], high[1]) for x in (low[0], high[0])])
        quads = np.array([[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]])
        mesh = UsdGeom.Mesh.Define(stage, f"/World/Environment/Collision/shapes/{name}")
        mesh.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(corners.astype(np.float32)))
        mesh.CreateFaceVertexCountsAttr([4] * 6)
        mesh.CreateFaceVertexIndicesAttr((quads[:, ::-1] if inside_out else quads).ravel().tolist())
        mesh.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
        mesh.CreateExtentAttr([Gf.Vec3f(*low), Gf.Vec3f(*high)])
        UsdPhysics.CollisionAPI.Apply(mesh.GetPrim())
        UsdPhysics.MeshCollisionAPI.Apply(mesh.GetPrim()).CreateApproximationAttr(UsdPhysics.Tokens.convexHull)
    stage.Save()
    return path


def navigation(
    boxes: Mapping[str, Box], *, probes: list[tuple[float, float, float]], routes: Mapping[str, list[tuple[float, float]]]
) -> Navigation:
    """What the map of such a room says: free inside the walls except under a box that stands on the floor."""
    cells = np.full((120, 120), FREE_CELL, np.uint8)
    grid = OccupancyMap(cells=cells, origin=np.array([-HALF, -HALF]), resolution=0.05)
    centres = grid.centres(np.argwhere(np.ones_like(cells, bool))).reshape(120, 120, 2)
    for low, high in boxes.values():
        if high[2] > 0.1:
            cells[((centres > low[:2]) & (centres < high[:2])).all(axis=2)] = OCCUPIED
    points = np.array(probes, np.float64).reshape(-1, 3)
    return Navigation(
        occupancy=grid,
        robot_radius=0.25,
        reachable_area=20.0,
        spawns=np.zeros((1, 3)),
        probes=points,
        probe_room=clearance(grid.free, grid.resolution)[tuple(grid.indices(points).T)],
        routes=tuple(Route(name=name, waypoints=np.array(way, np.float64)) for name, way in routes.items()),
    )
