"""The stages the gate simulates: the user's world.usda, once with bodies above its floor and once with robots on its routes.

The world is a sublayer, so engines see exactly the hulls, materials and scene a user gets. Only its pictures are
switched off, which saves loading them. Everything that moves is in one collision group that ignores itself: bodies
and robots meet the world and never each other, so all of them share one simulation.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from pxr import Gf, Sdf, Usd, UsdGeom, UsdPhysics

from lyra_sim.data.navigation import Navigation, Route
from lyra_sim.data.occupancy import FREE_CELL, OCCUPIED
from lyra_sim.errors import PhysicsError
from lyra_sim.physics.half_spaces import read_solids
from lyra_sim.physics.request import CellRequest, DriveRequest, DropRequest, ProbeRequest, RouteRequest, ShotRequest
from lyra_sim.physics.result import ProbeKind
from lyra_sim.physics.robots import DiffDrive
from lyra_sim.physics.shots import SPEED, Shot, plan_shots
from lyra_sim.resources import resource_dir

COLLISION = "/World/Environment/Collision"
VISUAL = "/World/Environment/Visual"
GATE = "/World/Gate"
PROBES, SHOTS, CELLS, ROBOTS, GROUP = (f"{GATE}/{name}" for name in ("Probes", "Shots", "Cells", "Robots", "movers"))

DROP_HEIGHT = 0.3
"""Of a probe's lowest point above the floor [m]; its top then stays in the band that the map knows to be free. Derived."""
CELLS_ASKED = 200
"""Free cells of the map that the engine is asked about, and as many occupied ones. Convention."""
INSET = 5e-4
"""A cell's box is smaller than the cell by this on every side [m]: a hull that ends at the cell's edge isn't in it.
Convention."""
BALLAST = 0.02
"""Height of the box's centre of mass [m]: so low that it lands upright, like a buoy. Convention."""


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
}
KINDS: tuple[ProbeKind, ...] = ("ball", "box", "small_ball")


def author_drops(path: Path, *, world: Path, navigation: Navigation, seed: int) -> tuple[DropRequest, int]:
    """Write the stage of everything that falls or flies to ``path``, and count the hulls in it.

    Args:
        path: New ``.usda`` file, anywhere; it names ``world`` by absolute path and is not meant to be kept.
        world: ``world.usda`` of a package.
        navigation: Floor points to drop probes on, and the map to ask about.
        seed: Chooses the boxes' headings, the floor balls' places and the cells.
    """
    stage, hull_count = _open_stage(path, world)
    rng = np.random.default_rng(seed)
    solids = read_solids(stage, COLLISION)
    probes = _add_probes(stage, navigation, rng)
    shots = tuple(_add_shot(stage, number, shot) for number, shot in enumerate(plan_shots(solids, navigation, seed=seed)))
    cells = _add_cells(stage, navigation, rng)
    reference = None
    if cells:
        above = max((solid.top for solid in solids), default=0.0) + 1.0
        reference = _add_box(stage, f"{CELLS}/reference", (*navigation.occupancy.origin.tolist(), above), navigation)
    stage.Save()
    bottom = min((solid.bottom for solid in solids), default=0.0)
    return DropRequest(stage=str(path), probes=probes, shots=shots, cells=cells, reference=reference, bottom=bottom), hull_count


def author_drive(path: Path, *, world: Path, navigation: Navigation, robot: DiffDrive) -> DriveRequest:
    """Write the stage of the robots to ``path``; ``robot`` drives all routes of ``navigation``."""
    stage, _ = _open_stage(path, world)
    routes = _add_robots(stage, navigation, robot)
    stage.Save()
    return DriveRequest(stage=str(path), robot=robot, routes=routes)


def _open_stage(path: Path, world: Path) -> tuple[Usd.Stage, int]:
    """The world with nothing in it yet, and how many hulls it has."""
    stage = Usd.Stage.CreateNew(str(path))
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.z)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    UsdPhysics.SetStageKilogramsPerUnit(stage, 1.0)
    stage.GetRootLayer().subLayerPaths.append(str(world.resolve()))
    hull_count = _select_colliders(stage, world)
    UsdGeom.Xform.Define(stage, GATE)
    for scope in (PROBES, SHOTS, CELLS, ROBOTS):
        UsdGeom.Scope.Define(stage, scope)
    group = UsdPhysics.CollisionGroup.Define(stage, GROUP)
    group.CreateFilteredGroupsRel().SetTargets([GROUP])
    Usd.CollectionAPI(group.GetPrim(), "colliders").CreateIncludesRel().SetTargets([PROBES, SHOTS, CELLS, ROBOTS])
    return stage, hull_count


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
    """Balls and boxes in turn over the probe points; small ones where room is small."""
    probes = []
    for number, (point, room) in enumerate(zip(navigation.probes, navigation.probe_room, strict=True)):
        kind = KINDS[number % len(KINDS)]
        kind = kind if SHAPES[kind].reach < room else "small_ball"
        probe = _add_probe(stage, f"{kind}_{number:03d}", kind, point, yaw=float(rng.uniform(0, 360)))
        probes.append(replace(probe, room=float(room), below_band=navigation.band[0]))
    return tuple(probes)


def _add_probe(stage: Usd.Stage, name: str, kind: ProbeKind, point: Float64[np.ndarray, "3"], *, yaw: float) -> ProbeRequest:
    """One free body, its lowest point the drop height above the floor point, turned by ``yaw`` [degrees]."""
    shape = SHAPES[kind]
    x, y, floor_z = (float(value) for value in point)
    path = f"{PROBES}/{name}"
    body = _add_body(stage, path, (x, y, floor_z + DROP_HEIGHT + shape.size), mass=shape.mass)
    body.AddRotateZOp().Set(yaw)
    if kind == "box":
        UsdGeom.Cube.Define(stage, f"{path}/shape").CreateSizeAttr(2 * shape.size)
        UsdPhysics.CollisionAPI.Apply(stage.GetPrimAtPath(f"{path}/shape"))
    else:
        _add_ball(stage, path, shape.size)
    return ProbeRequest(name=name, body=path, kind=kind, x=x, y=y, floor_z=floor_z, rest_height=shape.size)


def _add_shot(stage: Usd.Stage, number: int, shot: Shot) -> ShotRequest:
    """A ball in flight."""
    name = f"shot_{number:03d}"
    path = f"{SHOTS}/{name}"
    start = (float(shot.start[0]), float(shot.start[1]), float(shot.start[2]))
    direction = (float(shot.direction[0]), float(shot.direction[1]), float(shot.direction[2]))
    _add_body(stage, path, start, mass=4000 * shot.radius**3, velocity=Gf.Vec3f(*(SPEED * shot.direction).tolist()))
    _add_ball(stage, path, shot.radius)
    return ShotRequest(
        name=name,
        body=path,
        radius=shot.radius,
        start=start,
        direction=direction,
        target=shot.target,
        entry=shot.entry,
        exit=shot.exit,
    )


def _add_cells(stage: Usd.Stage, navigation: Navigation, rng: np.random.Generator) -> tuple[CellRequest, ...]:
    """A random sample of free and of occupied cells; unknown ones aren't asked."""
    cells = navigation.occupancy.cells
    requests: list[CellRequest] = []
    for value in (FREE_CELL, OCCUPIED):
        known = np.argwhere(cells == value)
        sample = known[np.sort(rng.choice(len(known), size=min(CELLS_ASKED, len(known)), replace=False))]
        for x, y in navigation.occupancy.centres(sample).tolist():
            name = f"cell_{len(requests):03d}"
            floor_z = float(navigation.floor_height(np.array([x, y])))
            low, high = navigation.band
            path = _add_box(stage, f"{CELLS}/{name}", (x, y, floor_z + low + INSET), navigation)
            requests.append(
                CellRequest(
                    name=name,
                    body=path,
                    x=x,
                    y=y,
                    occupied=value == OCCUPIED,
                    floor_z=floor_z,
                    drop=low + INSET,
                    length=high - low - 2 * INSET,
                )
            )
    return tuple(requests)


def _add_box(stage: Usd.Stage, path: str, bottom: tuple[float, float, float], navigation: Navigation) -> str:
    """A box as wide as a cell and as high as the band, weighted below; its origin is the middle of its bottom."""
    low, high = navigation.band
    width, length = navigation.occupancy.resolution - 2 * INSET, high - low - 2 * INSET
    _add_body(stage, path, bottom, mass=1.0)
    weight = UsdPhysics.MassAPI(stage.GetPrimAtPath(path))
    weight.CreateCenterOfMassAttr(Gf.Vec3f(0, 0, BALLAST))
    across, about = (width**2 + length**2) / 12, width**2 / 6
    weight.CreateDiagonalInertiaAttr(Gf.Vec3f(across, across, about))
    weight.CreatePrincipalAxesAttr(Gf.Quatf(1, 0, 0, 0))
    shape = UsdGeom.Cube.Define(stage, f"{path}/shape")
    shape.CreateSizeAttr(1.0)
    UsdGeom.XformCommonAPI(shape).SetTranslate(Gf.Vec3d(0, 0, length / 2))
    UsdGeom.XformCommonAPI(shape).SetScale(Gf.Vec3f(width, width, length))
    UsdPhysics.CollisionAPI.Apply(shape.GetPrim())
    return path


def _add_body(
    stage: Usd.Stage, path: str, position: tuple[float, float, float], *, mass: float, velocity: Gf.Vec3f | None = None
) -> UsdGeom.Xform:
    body = UsdGeom.Xform.Define(stage, path)
    body.AddTranslateOp().Set(Gf.Vec3d(*position))
    rigid = UsdPhysics.RigidBodyAPI.Apply(body.GetPrim())
    if velocity is not None:
        rigid.CreateVelocityAttr(velocity)
    UsdPhysics.MassAPI.Apply(body.GetPrim()).CreateMassAttr(mass)
    return body


def _add_ball(stage: Usd.Stage, path: str, radius: float) -> None:
    shape = UsdGeom.Sphere.Define(stage, f"{path}/shape")
    shape.CreateRadiusAttr(radius)
    UsdPhysics.CollisionAPI.Apply(shape.GetPrim())


def _add_robots(stage: Usd.Stage, navigation: Navigation, robot: DiffDrive) -> tuple[RouteRequest, ...]:
    """One robot at each route's start, heading along its first stretch, wheels a centimetre above the floor."""
    template = resource_dir("usd_templates") / "robots" / f"{robot.template}.usda"
    requests = []
    for number, route in enumerate(navigation.routes):
        start, heading = route.waypoints[0], _first_heading(route)
        path = f"{ROBOTS}/robot_{number:03d}"
        prim = stage.DefinePrim(path, "Xform")
        prim.GetReferences().AddReference(str(template.resolve()), Sdf.Path("/Robot"))
        placed = UsdGeom.XformCommonAPI(prim)
        placed.SetTranslate(Gf.Vec3d(float(start[0]), float(start[1]), float(navigation.floor_height(start)) + 0.01))
        placed.SetRotate(Gf.Vec3f(0, 0, float(np.degrees(heading))))
        requests.append(
            RouteRequest(
                name=route.name,
                body=f"{path}/chassis",
                wheel_joints=tuple(f"{path}/joints/{wheel}_wheel_joint" for wheel in robot.wheels),
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
