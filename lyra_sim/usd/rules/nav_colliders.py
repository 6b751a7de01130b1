"""Nav-Environment rules NE.1xx: what physics sees, in world coordinates [m]."""

from collections.abc import Iterator

import numpy as np
from pxr import Usd, UsdGeom, UsdPhysics, UsdShade

from lyra_sim.geometry.convex_faces import MOST_CORNERS, MOST_FACES, face_count
from lyra_sim.usd.rules.stage_view import ColliderMesh, Finding, View
from lyra_sim.usd.stage import label_of

CONVEX_TOLERANCE = 1e-3
"""A corner may stand this far outside another face's plane [m]. Convention."""

MIN_SLENDERNESS = 1 / 60
"""Thickness over length below which PhysX can't build a GPU-compatible hull. Convention."""

MIN_FLOOR = 0.3
"""Thickness that stops a 2 cm ball at 10 m/s in every engine measured [m]. Tuned on PhysX and Newton."""

FLOOR_TOLERANCE = 0.01
"""The floor lies this near to z = 0 [m]. Convention."""

LEVEL_COSINE = float(np.cos(np.radians(1.0)))
"""A surface is level to within a degree: on more, a ball rolls and a map of it is wrong at one end of the room. Derived."""

STATIC_FRICTION, MAX_RESTITUTION = (0.2, 1.5), 0.5
"""Of indoor floors, generously. Convention."""


def presence(view: View) -> Iterator[Finding]:
    wanted = view.selection("collision") != "none"
    if wanted and not view.colliders:
        yield "", "no collider is composed: everything falls for ever"
    if not wanted and view.colliders:
        yield str(view.colliders[0].GetPath()), f"{len(view.colliders)} colliders are composed although collision=none"


def approximation(view: View) -> Iterator[Finding]:
    for collider in view.collider_meshes:
        if collider.approximation is None:
            yield (
                collider.path,
                "a mesh collider without MeshCollisionAPI and an authored approximation: engines choose differently",
            )


def convex(view: View) -> Iterator[Finding]:
    for hull in _hulls(view):
        planes = hull.planes() * (1 if hull.volume >= 0 else -1)
        outside = (planes[:, :3] @ hull.points.T + planes[:, 3:]).max() if len(planes) else 0.0
        if outside > CONVEX_TOLERANCE:
            yield hull.path, f"a corner lies {outside * 1000:.1f} mm outside a face, so engines collide with another shape"


def closed_hulls(view: View) -> Iterator[Finding]:
    for hull in _hulls(view):
        if hull.open_edges or not len(hull.triangles):
            yield hull.path, f"the hull has {hull.open_edges} open edges and {len(hull.triangles)} triangles; it must be closed"


def outward_hulls(view: View) -> Iterator[Finding]:
    for hull in _hulls(view):
        if hull.open_edges == 0 and hull.volume <= 0:
            yield hull.path, f"signed volume {hull.volume:.3g} m^3: the faces are wound inward"


def engine_limits(view: View) -> Iterator[Finding]:
    """Of what is convex: another shape's faces are NE.103's."""
    for hull in _hulls(view):
        if (faces := face_count(hull.points, hull.triangles)) > MOST_FACES:
            yield hull.path, f"{faces} faces, at most {MOST_FACES}: PhysX leaves corners out. 34 vertices never have more"
        if len(hull.points) > MOST_CORNERS:
            yield hull.path, f"{len(hull.points)} vertices, at most {MOST_CORNERS}: Newton leaves some out"


def slenderness(view: View) -> Iterator[Finding]:
    for hull in _hulls(view):
        thickness, length = _thickness(hull), _length(hull)
        if thickness < MIN_SLENDERNESS * length:
            yield hull.path, f"{thickness * 100:.1f} cm thick and {length:.2f} m long, thinner than 1:60; split it into tiles"


def floor_thickness(view: View) -> Iterator[Finding]:
    for hull in _hulls(view):
        if label_of(hull.prim) == "floor":
            thickness = float(np.ptp(hull.points[:, 2]))
            if thickness < MIN_FLOOR - 1e-3:
                yield hull.path, f"a floor {thickness * 100:.1f} cm thick; small fast bodies pass through less than 30 cm"


def floor_height(view: View) -> Iterator[Finding]:
    if not view.colliders:
        return
    heights = np.concatenate([*map(_level_heights, view.collider_meshes), _level_tops(view)])
    if not len(heights) or np.abs(heights).min() > FLOOR_TOLERANCE:
        nearest = f"the nearest is at {heights[np.abs(heights).argmin()]:+.3f} m" if len(heights) else "none is level"
        yield "", f"no level collider surface at z = 0 ± 1 cm ({nearest}); hosts spawn robots and ground planes there"


def floor_of_hulls(view: View) -> Iterator[Finding]:
    for collider in view.collider_meshes:
        heights = _level_heights(collider)
        if collider.approximation == UsdPhysics.Tokens.none and len(heights) and np.abs(heights).min() <= FLOOR_TOLERANCE:
            yield collider.path, "the floor is a triangle collider: small bodies fall through it, and some engines fill it up"


def contact_material(view: View) -> Iterator[Finding]:
    for prim in view.colliders:
        bound, _ = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial("physics")
        if not bound or not bound.GetPrim().HasAPI(UsdPhysics.MaterialAPI):
            yield str(prim.GetPath()), "no physics material is bound, so friction is whatever the engine defaults to"
            continue
        material = UsdPhysics.MaterialAPI(bound.GetPrim())
        static, dynamic = float(material.GetStaticFrictionAttr().Get()), float(material.GetDynamicFrictionAttr().Get())
        restitution = float(material.GetRestitutionAttr().Get())
        if not (STATIC_FRICTION[0] <= static <= STATIC_FRICTION[1] and STATIC_FRICTION[0] <= dynamic <= static):
            yield (
                str(bound.GetPath()),
                f"friction static {static:g}, dynamic {dynamic:g}; expected 0.2 <= dynamic <= static <= 1.5",
            )
        if not 0 <= restitution <= MAX_RESTITUTION:
            yield str(bound.GetPath()), f"restitution {restitution:g}, expected 0 to {MAX_RESTITUTION}"


def closed_trimesh(view: View) -> Iterator[Finding]:
    for collider in view.collider_meshes:
        if collider.approximation == UsdPhysics.Tokens.none:
            if collider.open_edges:
                yield collider.path, f"the triangle collider has {collider.open_edges} open edges; bodies slip through holes"
            elif collider.volume <= 0:
                yield (
                    collider.path,
                    f"signed volume {collider.volume:.3g} m^3: wound inward, and bodies fall through such faces",
                )


def _hulls(view: View) -> list[ColliderMesh]:
    return [collider for collider in view.collider_meshes if collider.is_hull and len(collider.points)]


def _thickness(hull: ColliderMesh) -> float:
    """Smallest width across a face; for a convex body at most a few percent above its true minimum width."""
    planes = hull.planes()
    heights = planes[:, :3] @ hull.points.T
    return float(np.ptp(heights, axis=1).min()) if len(planes) else 0.0


def _length(hull: ColliderMesh) -> float:
    """Longest side of the box along the hull's principal directions."""
    centred = hull.points - hull.points.mean(axis=0)
    return float(np.ptp(centred @ np.linalg.svd(centred, full_matrices=False)[2].T, axis=0).max())


def _level_tops(view: View) -> np.ndarray:
    """Heights of what is no mesh but flat above: boxes and planes with an axis upright [m]."""
    flat = [prim for prim in view.colliders if prim.IsA(UsdGeom.Cube) or prim.IsA(UsdGeom.Plane)]
    cache = UsdGeom.BBoxCache(Usd.TimeCode.EarliestTime(), UsdGeom.Imageable.GetOrderedPurposeTokens())
    tops = []
    for prim in flat:
        bound = cache.ComputeWorldBound(prim)
        axes = np.array(bound.GetMatrix())[:3, :3] @ view.world_from_stage.T
        if (np.abs(axes[:, 2]) > LEVEL_COSINE * np.linalg.norm(axes, axis=1)).any():
            corners = np.array([bound.ComputeAlignedRange().GetCorner(corner) for corner in range(8)])
            tops.append(float((corners @ view.world_from_stage.T)[:, 2].max()))
    return np.array(tops)


def _level_heights(collider: ColliderMesh) -> np.ndarray:
    """Heights of triangles that face up, within a degree [m]."""
    size = np.linalg.norm(collider.area_vectors, axis=1)
    level = collider.area_vectors[:, 2] > LEVEL_COSINE * np.maximum(size, 1e-12)
    return collider.points[collider.triangles[level]][:, :, 2].mean(axis=1)
