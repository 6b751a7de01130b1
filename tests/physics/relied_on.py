"""What of a stage means different things in different engines (docs/engines.md)."""

from collections.abc import Iterator

import numpy as np
from pxr import Gf, Usd, UsdGeom, UsdPhysics


def relied_on(stage: Usd.Stage) -> Iterator[str]:
    """``<path>: instancer``, ``mirrored`` or ``turned and moving``, for every prim that is one."""
    cache = UsdGeom.XformCache()
    for prim in stage.Traverse():
        world = np.array(cache.GetLocalToWorldTransform(prim))[:3, :3]
        if prim.IsA(UsdGeom.PointInstancer):
            yield f"{prim.GetPath()}: instancer"
        if prim.HasAPI(UsdPhysics.CollisionAPI) and np.linalg.det(world) < 0:
            yield f"{prim.GetPath()}: mirrored"
        if prim.HasAPI(UsdPhysics.RigidBodyAPI):
            body = UsdPhysics.RigidBodyAPI(prim)
            speeds = (body.GetVelocityAttr().Get(), body.GetAngularVelocityAttr().Get())
            moves = any(speed is not None and Gf.Vec3f(speed) != Gf.Vec3f(0) for speed in speeds)
            if moves and not np.allclose(world, np.eye(3), atol=1e-6):
                yield f"{prim.GetPath()}: turned and moving"
