"""The stage the gate simulates: the user's own world.usda, with probes above its floor and robots on its routes.

The world is a sublayer, so engines see exactly the hulls, materials and scene a user gets. Only its pictures are
switched off, which saves loading them. Everything that moves is in one collision group that ignores itself: probes
and robots meet the world and never each other, so all of them share one simulation.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from pxr import Gf, Sdf, Usd, UsdGeom, UsdPhysics

from lyra_sim.data.navigation import Navigation, Route
from lyra_sim.errors import PhysicsError
from lyra_sim.physics.controller import DiffDrive
from lyra_sim.physics.request import ProbeRequest, RouteRequest
from lyra_sim.physics.result import ProbeKind
from lyra_sim.resources import resource_dir

COLLISION = "/World/Environment/Collision"
VISUAL = "/World/Environment/Visual"
PROBES, ROBOTS, GROUP = "/World/Gate/Probes", "/World/Gate/Robots", "/World/Gate/movers"

DROP_HEIGHT = 0.3
"""Of a probe's lowest point above the floor [m]; its top then stays in the band that the map knows to be free."""
FAST_BALLS = 6
"""Probe points that also get a ball shot at the floor."""
FAST_SPEED = 10.0
"""[m/s]; a fast ball then moves twice its own diameter in one step, which is how thin floors are tunnelled."""
FAST_STAGGER = 0.014
"""Each fast ball starts this much higher than the last [m], so that the six meet the floor at six phases of a step."""


@dataclass(frozen=True, kw_only=True)
class ProbeShape:
    """A kind of probe."""

    size: float
    """Radius of a ball, half the edge of a box [m]; also the rest height of its middle."""
    reach: float
    """Horizontal radius it needs [m]."""
    mass: float
    """[kg]"""


SHAPES: dict[ProbeKind, ProbeShape] = {
    "ball": ProbeShape(size=0.15, reach=0.15, mass=1.0),
    "small_ball": ProbeShape(size=0.05, reach=0.05, mass=0.3),
    "box": ProbeShape(size=0.10, reach=0.142, mass=1.0),
    "fast_ball": ProbeShape(size=0.02, reach=0.02, mass=0.1),
}
KINDS: tuple[ProbeKind, ...] = ("ball", "box", "small_ball")


@dataclass(frozen=True, kw_only=True)
class GateStage:
    """The authored stage and what is in it."""

    path: Path
    hull_count: int
    probes: tuple[ProbeRequest, ...]
    routes: tuple[RouteRequest, ...]


def author_gate_stage(path: Path, *, world: Path, navigation: Navigation, robot: DiffDrive, seed: int) -> GateStage:
    """Write the gate stage of ``world`` to ``path``.

    Args:
        path: New ``.usda`` file, anywhere; it names ``world`` by absolute path and is not meant to be kept.
        world: ``world.usda`` of a package.
        navigation: Floor points to drop probes on and routes to drive.
        robot: Drives all routes.
        seed: Chooses the boxes' headings and the points of the fast balls.
    """
    stage = Usd.Stage.CreateNew(str(path))
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.z)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    UsdPhysics.SetStageKilogramsPerUnit(stage, 1.0)
    stage.GetRootLayer().subLayerPaths.append(str(world.resolve()))
    hull_count = _select_colliders(stage, world)
    UsdGeom.Xform.Define(stage, "/World/Gate")
    probes = _add_probes(stage, navigation, np.random.default_rng(seed))
    routes = _add_robots(stage, navigation, robot)
    group = UsdPhysics.CollisionGroup.Define(stage, GROUP)
    group.CreateFilteredGroupsRel().SetTargets([GROUP])
    Usd.CollectionAPI(group.GetPrim(), "colliders").CreateIncludesRel().SetTargets([PROBES, ROBOTS])
    stage.Save()
    return GateStage(path=path, hull_count=hull_count, probes=probes, routes=routes)


def _select_colliders(stage: Usd.Stage, world: Path) -> int:
    """Choose the hulls, hide the pictures, and count what physics will see."""
    root = stage.GetPrimAtPath("/World")
    if not root:
        raise PhysicsError(str(world), "it has no prim /World", expected="a world package")
    stage.SetDefaultPrim(root)
    for name, choice in (("collision", "hulls"), ("lighting", "none")):
        if root.GetVariantSets().HasVariantSet(name):
            root.GetVariantSet(name).SetVariantSelection(choice)
    if stage.GetPrimAtPath(VISUAL):
        stage.OverridePrim(VISUAL).SetActive(False)
    scenes = [prim.GetPath() for prim in stage.Traverse() if prim.IsA(UsdPhysics.Scene)]
    if len(scenes) != 1:
        raise PhysicsError(str(world), f"it has {len(scenes)} physics scenes", expected="one, /physicsScene")
    hulls = [prim for prim in Usd.PrimRange(stage.GetPrimAtPath(COLLISION)) if prim.HasAPI(UsdPhysics.CollisionAPI)]
    if not hulls:
        raise PhysicsError(
            str(world),
            f"no colliders under {COLLISION}",
            expected="convex hulls",
            likely="The collision payload is missing or the variant 'hulls' is empty.",
        )
    return len(hulls)


def _add_probes(stage: Usd.Stage, navigation: Navigation, rng: np.random.Generator) -> tuple[ProbeRequest, ...]:
    """Balls and boxes in turn over the probe points, then fast balls over some of the same points."""
    UsdGeom.Scope.Define(stage, PROBES)
    points = navigation.probes
    kinds: list[ProbeKind] = []
    for index, room in enumerate(navigation.probe_room):
        kind = KINDS[index % len(KINDS)]
        kinds.append(kind if SHAPES[kind].reach < room else "small_ball")  # small probes go where room is small
    fast = np.sort(rng.choice(len(points), size=min(FAST_BALLS, len(points)), replace=False))
    drops: list[tuple[int, ProbeKind, float]] = [(index, kind, DROP_HEIGHT) for index, kind in enumerate(kinds)]
    drops += [(int(index), "fast_ball", DROP_HEIGHT + number * FAST_STAGGER) for number, index in enumerate(fast)]
    return tuple(
        _add_probe(stage, f"{kind}_{number:03d}", kind, points[index], drop=drop, yaw=float(rng.uniform(0, 360)))
        for number, (index, kind, drop) in enumerate(drops)
    )


def _add_probe(
    stage: Usd.Stage, name: str, kind: ProbeKind, point: Float64[np.ndarray, "3"], *, drop: float, yaw: float
) -> ProbeRequest:
    """One free body, its lowest point ``drop`` above the floor point [m], turned by ``yaw`` [degrees]."""
    shape = SHAPES[kind]
    x, y, floor_z = (float(value) for value in point)
    body = UsdGeom.Xform.Define(stage, f"{PROBES}/{name}")
    body.AddTranslateOp().Set(Gf.Vec3d(x, y, floor_z + drop + shape.size))
    body.AddRotateZOp().Set(yaw)
    rigid = UsdPhysics.RigidBodyAPI.Apply(body.GetPrim())
    if kind == "fast_ball":
        rigid.CreateVelocityAttr(Gf.Vec3f(0, 0, -FAST_SPEED))
    UsdPhysics.MassAPI.Apply(body.GetPrim()).CreateMassAttr(shape.mass)
    geometry: UsdGeom.Gprim
    if kind == "box":
        geometry = UsdGeom.Cube.Define(stage, f"{PROBES}/{name}/shape")
        UsdGeom.Cube(geometry).CreateSizeAttr(2 * shape.size)
    else:
        geometry = UsdGeom.Sphere.Define(stage, f"{PROBES}/{name}/shape")
        UsdGeom.Sphere(geometry).CreateRadiusAttr(shape.size)
    UsdPhysics.CollisionAPI.Apply(geometry.GetPrim())
    return ProbeRequest(name=name, body=str(body.GetPath()), kind=kind, x=x, y=y, floor_z=floor_z, rest_height=shape.size)


def _add_robots(stage: Usd.Stage, navigation: Navigation, robot: DiffDrive) -> tuple[RouteRequest, ...]:
    """One robot at each route's start, heading along its first stretch, wheels a centimetre above the floor."""
    UsdGeom.Scope.Define(stage, ROBOTS)
    template = resource_dir("usd_templates") / "robots" / f"{robot.template}.usda"
    requests = []
    for number, route in enumerate(navigation.routes):
        start, heading = route.waypoints[0], _first_heading(route)
        path = f"{ROBOTS}/robot_{number:03d}"
        prim = stage.DefinePrim(path, "Xform")
        prim.GetReferences().AddReference(str(template.resolve()), Sdf.Path("/Robot"))
        placed = UsdGeom.XformCommonAPI(prim)
        placed.SetTranslate(Gf.Vec3d(float(start[0]), float(start[1]), _floor_z(navigation, start) + 0.01))
        placed.SetRotate(Gf.Vec3f(0, 0, float(np.degrees(heading))))
        requests.append(
            RouteRequest(
                name=route.name,
                body=f"{path}/chassis",
                wheel_joints=(f"{path}/joints/left_wheel_joint", f"{path}/joints/right_wheel_joint"),
                waypoints=tuple((float(x), float(y)) for x, y in route.waypoints),
            )
        )
    return tuple(requests)


def _first_heading(route: Route) -> float:
    """Direction of the first stretch that has a length [rad]."""
    for step in np.diff(route.waypoints, axis=0):
        if np.linalg.norm(step) > 1e-6:
            return float(np.arctan2(step[1], step[0]))
    raise PhysicsError(f"route {route.name}", "all its waypoints coincide", expected="somewhere to go")


def _floor_z(navigation: Navigation, xy: Float64[np.ndarray, "2"]) -> float:
    """Floor height at the nearest probe point [m]; 0, the main floor, where there is none."""
    if not len(navigation.probes):
        return 0.0
    nearest = np.argmin(np.linalg.norm(navigation.probes[:, :2] - xy, axis=1))
    return float(navigation.probes[nearest, 2])
