"""Drives a world package in Isaac Sim and writes down what happened: the receipt that ``assess.receipt`` reads.

    ./python.sh isaac_receipt.py WORLD_FOLDER --out receipt.json [--robots DIR] [--gate gate_physx.json] [--window]

For Isaac Sim 5.1 to 6.x. One file that needs nothing of lyra-sim, because Isaac Sim brings a Python and a USD of its own.
It opens the package, renders depth (visual=mesh) and RGB (visual=splat from 6.0 on, else mesh) where ``predictions/`` says
what is to be seen, drops probes, drives the routes of manifest.json, and records each figure row by row; judging them is
left to the reader.

It has not been run under Isaac Sim: there was none where it was written. Every name it takes from Isaac Sim was looked up
in the public source of v5.1.0 and v6.0.1 (the list is a test), and everything except :class:`IsaacSim` runs in tests,
with PhysX outside of Isaac Sim too (``--engine ovphysx``; such a receipt says so and counts for nothing).
"""

import argparse
import hashlib
import json
import math
import re
import sys
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

RECEIPT_VERSION = 1
TOOL = "isaac_receipt 1"

CONTROL_HZ, DT = 30, 1 / 120
SETTLE_S, REST_S, BRAKE_S, STUCK_S = 2.5, 0.25, 0.6, 4.0
SPEED, TURN_RATE, ACCELERATION, LOOKAHEAD = 0.6, 1.8, 1.0, 0.2
"""[m/s], [rad/s], [m/s^2], [m]: those of the physics gate."""
SHARP, TURN_IN_PLACE, CORNER_TOLERANCE, ARRIVAL = math.radians(15), math.radians(25), 0.01, 0.15
DROP_HEIGHT, FALL_DEPTH, FALL_SLOPE = 0.3, 0.05, 0.1
"""[m], [m], metres of height a metre of way: a floor may slope that much before a body on it is under it."""
FALLING, ROUND_AN_EDGE = 1.0, 0.9
"""[m/s], share: what goes down as fast at the end falls; part of a way round an edge that explains being lower than it."""
ON_FLOOR, LEAST_ON_FLOOR = 0.02, 0.99
"""[m], share of the probes that didn't fall: a ball in a hundred may find a ledge. All of them those of the physics gate."""
FAST_BALLS, FAST_SPEED = 6, 10.0

RENDER_SCALE = 9
"""Pictures are rendered this much larger than predicted: upscalers want size. Odd, so that a small pixel's middle is one
of the large picture's pixels."""
SUBFRAMES = 36
"""Samples a picture; MobilityGen (6.0.1) advises no fewer for splats."""
NEAR_EDGE = 0.1
"""Predicted depth that jumps by more than this between neighbours [m, and share of the depth] is not compared."""
HOLDER = "/World/Receipt"

SHAPES = {"ball": (0.15, 0.15, 1.0), "box": (0.10, 0.142, 1.0), "small_ball": (0.05, 0.05, 0.3), "fast_ball": (0.02, 0.02, 0.1)}
"""Radius or half edge [m], horizontal room it needs [m], mass [kg]."""


class ReceiptError(ValueError):
    """The package, or what Isaac Sim made of it, is not what it should be."""


# --- the package -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Probe:
    """A body that falls on a floor point."""

    name: str
    kind: str
    x: float
    y: float
    floor_z: float
    drop: float
    """Of its lowest point above the floor [m]."""
    room: float = 0.0
    """The map has floor this far around it [m]."""
    below_band: float = 0.0
    """Where the map has floor, there is some no lower than this [m]."""

    @property
    def path(self) -> str:
        return f"{HOLDER}/Probes/{self.name}"

    @property
    def start(self) -> np.ndarray:
        return np.array([self.x, self.y, self.floor_z + self.drop + SHAPES[self.kind][0]])


@dataclass(frozen=True)
class Route:
    """A robot and the polyline it is to follow."""

    name: str
    points: np.ndarray
    """World x, y (n, 2) [m]; no two neighbours alike."""
    floor_z: float
    index: int

    @property
    def robot(self) -> str:
        return f"{HOLDER}/Robots/robot_{self.index:03d}"

    @property
    def length(self) -> float:
        return float(np.linalg.norm(np.diff(self.points, axis=0), axis=1).sum())

    @property
    def yaw(self) -> float:
        return float(np.arctan2(*(self.points[1] - self.points[0])[::-1]))


@dataclass(frozen=True)
class Package:
    """What a world folder says about itself."""

    folder: Path
    manifest_sha256: str
    damaged: tuple[str, ...]
    """Files of the manifest that are missing or have other bytes."""
    probes: tuple[Probe, ...]
    routes: tuple[Route, ...]
    robot: dict[str, Any] | None
    c2w: np.ndarray
    """(n, 4, 4), OpenCV axes."""
    K: np.ndarray
    size: tuple[int, int]
    z_depth: np.ndarray
    rgb: np.ndarray

    @property
    def stage(self) -> Path:
        return self.folder / "world.usda"


def read_package(folder: Path) -> Package:
    """Manifest, predictions and routes; every file's digest is compared with the manifest's."""
    manifest, predicted = _read_json(folder / "manifest.json"), _read_json(folder / "predictions" / "predictions.json")
    if manifest.get("manifest_version") != 1 or predicted.get("predictions_version") != 1:
        raise ReceiptError(f"{folder}: manifest or predictions of a version that this script does not know")
    files = manifest["files"]
    damaged = [n for n, facts in sorted(files.items()) if not (folder / n).is_file() or sha256(folder / n) != facts["sha256"]]
    with np.load(folder / "predictions" / "views.npz", allow_pickle=False) as views:
        z_depth, rgb = views["z_depth"], views["rgb"]
    floors = np.array([[p["x"], p["y"], p["floor_z"]] for p in predicted["probes"]], float).reshape(-1, 3)
    routes = []
    for index, row in enumerate(manifest["routes"]):
        points = np.array(row["waypoints"], float)
        points = points[np.r_[True, np.linalg.norm(np.diff(points, axis=0), axis=1) > 1e-6]]
        if len(points) < 2:
            raise ReceiptError(f"route {row['name']}: all its waypoints coincide")
        near = np.linalg.norm(floors[:, :2] - points[0], axis=1).argmin() if len(floors) else None
        routes.append(Route(row["name"], points, 0.0 if near is None else float(floors[near, 2]), index))
    camera = predicted["camera"]
    return Package(
        folder=folder,
        manifest_sha256=sha256(folder / "manifest.json"),
        damaged=tuple(damaged),
        probes=choose_probes(predicted["probes"], below_band=float(manifest["robot_band"][0])),
        routes=tuple(routes),
        robot=predicted["robot"],
        c2w=np.array(predicted["c2w"], float).reshape(-1, 4, 4),
        K=np.array(camera["K"], float),
        size=(camera["width"], camera["height"]),
        z_depth=z_depth,
        rgb=rgb,
    )


def choose_probes(points: list[dict[str, float]], *, below_band: float = 0.0) -> tuple[Probe, ...]:
    """Balls and boxes in turn, small ones where room is small; then fast balls spread over the same points."""

    def at(point: dict[str, float]) -> tuple[float, float, float]:
        return point["x"], point["y"], point["floor_z"]

    found = []
    for index, point in enumerate(points):
        kind = ("ball", "box", "small_ball")[index % 3]
        kind = kind if SHAPES[kind][1] < point["room"] else "small_ball"
        found.append(Probe(f"{kind}_{index:03d}", kind, *at(point), DROP_HEIGHT, point["room"], below_band))
    for number, index in enumerate(np.linspace(0, len(points) - 1, min(FAST_BALLS, len(points))).astype(int)):
        point = points[index]
        drop = DROP_HEIGHT + 0.014 * number  # the floor is met at another phase of a step each time
        found.append(Probe(f"fast_ball_{number:03d}", "fast_ball", *at(point), drop, point["room"], below_band))
    return tuple(found)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ReceiptError(f"{path}: not there; is this a world package with predictions?") from error


# --- stages: the package as a sublayer, with what the receipt needs on top ---------------------------------------------


def author_physics(path: Path, package: Package, robots: Path) -> Path:
    """Probes above the floor and robots on their routes, in one collision group that ignores itself; no pictures."""
    from pxr import Gf, Sdf, Usd, UsdGeom, UsdPhysics

    stage = _over_world(path, package, {"collision": "hulls", "lighting": "none"})
    if stage.GetPrimAtPath("/World/Environment/Visual"):
        stage.OverridePrim("/World/Environment/Visual").SetActive(False)
    scenes = [prim for prim in stage.Traverse() if prim.IsA(UsdPhysics.Scene)]
    if len(scenes) != 1:
        raise ReceiptError(f"{package.stage}: {len(scenes)} physics scenes, expected one")
    # 6.x takes its step from the scene. (SimulationManager.set_physics_dt of 5.1.0 lacks its @classmethod.)
    scenes[0].AddAppliedSchema("PhysxSceneAPI")
    scenes[0].CreateAttribute("physxScene:timeStepsPerSecond", Sdf.ValueTypeNames.UInt).Set(round(1 / DT))
    for probe in package.probes:
        size, _, mass = SHAPES[probe.kind]
        body = UsdGeom.Xform.Define(stage, probe.path)
        body.AddTranslateOp().Set(Gf.Vec3d(*probe.start.tolist()))
        rigid = UsdPhysics.RigidBodyAPI.Apply(body.GetPrim())
        if probe.kind == "fast_ball":
            rigid.CreateVelocityAttr(Gf.Vec3f(0, 0, -FAST_SPEED))
        UsdPhysics.MassAPI.Apply(body.GetPrim()).CreateMassAttr(mass)
        if probe.kind == "box":
            shape = UsdGeom.Cube.Define(stage, f"{probe.path}/shape")
            shape.CreateSizeAttr(2 * size)
        else:
            shape = UsdGeom.Sphere.Define(stage, f"{probe.path}/shape")
            shape.CreateRadiusAttr(size)
        UsdPhysics.CollisionAPI.Apply(shape.GetPrim())
    for route in package.routes if package.robot else ():
        template = robots / f"{package.robot['template']}.usda"
        if not template.is_file():
            raise ReceiptError(f"{template}: no such robot; name the folder usd_templates/robots with --robots")
        prim = stage.DefinePrim(route.robot, "Xform")
        prim.GetReferences().AddReference(str(template.resolve()), Sdf.Path("/Robot"))
        placed = UsdGeom.XformCommonAPI(prim)
        placed.SetTranslate(Gf.Vec3d(*route.points[0].tolist(), route.floor_z + 0.01))
        placed.SetRotate(Gf.Vec3f(0, 0, math.degrees(route.yaw)))
    group = UsdPhysics.CollisionGroup.Define(stage, f"{HOLDER}/movers")
    group.CreateFilteredGroupsRel().SetTargets([f"{HOLDER}/movers"])
    Usd.CollectionAPI(group.GetPrim(), "colliders").CreateIncludesRel().SetTargets([f"{HOLDER}/Probes", f"{HOLDER}/Robots"])
    stage.Save()
    return path


def lowest_collider(package: Package) -> float:
    """Height of the lowest corner of all hulls [m]: what is below has left the world."""
    from pxr import Usd, UsdGeom, UsdPhysics

    stage = Usd.Stage.Open(str(package.stage))
    cache, found = UsdGeom.XformCache(), []
    for prim in Usd.PrimRange(stage.GetPrimAtPath("/World/Environment/Collision")):
        if prim.IsA(UsdGeom.Mesh) and prim.HasAPI(UsdPhysics.CollisionAPI):
            points = np.array(UsdGeom.Mesh(prim).GetPointsAttr().Get(), float)
            matrix = np.array(cache.GetLocalToWorldTransform(prim))  # row vectors
            found.append(float((points @ matrix[:3, 2] + matrix[3, 2]).min()))
    return min(found, default=0.0)


def author_views(path: Path, package: Package, visual: str) -> Path:
    """One camera in the package's own light, without anything that moves."""
    from pxr import Gf, UsdGeom

    stage = _over_world(path, package, {"visual": visual, "collision": "none", "lighting": "studio"})
    camera = UsdGeom.Camera.Define(stage, f"{HOLDER}/Camera")
    aperture, (width, height) = 20.955, package.size
    camera.CreateHorizontalApertureAttr(aperture)
    camera.CreateVerticalApertureAttr(aperture * height / width)
    camera.CreateFocalLengthAttr(float(package.K[0, 0]) / width * aperture)
    camera.CreateClippingRangeAttr(Gf.Vec2f(0.01, 1000.0))
    stage.Save()
    return path


def _over_world(path: Path, package: Package, selections: dict[str, str]) -> Any:
    """A new stage with the package's entry layer below it and variants of /World chosen."""
    from pxr import Usd, UsdGeom, UsdPhysics

    stage = Usd.Stage.CreateNew(str(path))
    stage.GetRootLayer().subLayerPaths.append(str(package.stage.resolve()))
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.z)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    UsdPhysics.SetStageKilogramsPerUnit(stage, 1.0)
    world = stage.GetPrimAtPath("/World")
    if not world:
        raise ReceiptError(f"{package.stage}: it has no prim /World")
    stage.SetDefaultPrim(world)
    for name, choice in selections.items():
        if choice in world.GetVariantSet(name).GetVariantNames():
            world.GetVariantSet(name).SetVariantSelection(choice)
        elif name in ("visual", "collision"):
            raise ReceiptError(f"{package.stage}: no variant {name}={choice}")
    UsdGeom.Xform.Define(stage, HOLDER)
    return stage


def usd_camera_matrix(c2w: np.ndarray) -> np.ndarray:
    """The row-vector local-to-world of a USD camera (x right, y up, looks along -z) at an OpenCV camera-to-world."""
    return (c2w @ np.diag([1.0, -1.0, -1.0, 1.0])).T


# --- what an engine has to do -----------------------------------------------------------------------------------------


def wheel_joints(robot: dict[str, Any]) -> list[tuple[str, int]]:
    """Names of the driven joints of a robot template and the side each is on, 0 left and 1 right."""
    sides = enumerate((robot["left_wheels"], robot["right_wheels"]))
    return [(f"{wheel}_wheel_joint", side) for side, wheels in sides for wheel in wheels]


class Backend(Protocol):
    """An engine. SI units, radians, z up, quaternions scalar first."""

    facts: dict[str, str]
    """name, version, physics, gpu."""
    visual: str | None
    """Variant whose RGB it can render; None if it renders nothing."""

    def author(self, path: Path, package: Package, robots: Path) -> Path: ...
    def views(self, package: Package, folder: Path, what: str, visual: str) -> np.ndarray | None: ...
    def load(self, stage: Path, package: Package) -> None: ...
    def poses(self) -> tuple[np.ndarray, np.ndarray]:
        """Positions (n, 3) and orientations (n, 4) of all probes, then of the robots' chassis, by name in that order."""

    def drive(self, wheels: np.ndarray) -> None:
        """Left and right wheel targets (r, 2) [rad/s]."""

    def step(self, dt: float) -> None: ...
    def close(self) -> None: ...


class IsaacSim:
    """Isaac Sim 5.1 to 6.x. What differs between them is in :meth:`_differences`, and nowhere else."""

    def __init__(self, *, headless: bool) -> None:
        from isaacsim import SimulationApp

        extra = ["--/renderer/multiGpu/enabled=false"]  # splats want a single GPU (nurec_utils, 6.0.1)
        self.app = SimulationApp({"headless": headless, "width": 1280, "height": 720, "multi_gpu": False, "extra_args": extra})
        import carb
        import warp
        from isaacsim.core.simulation_manager import SimulationManager
        from isaacsim.core.version import get_version

        self.manager, self.version = SimulationManager, str(get_version()[0])
        self.major = int(re.match(r"\d*", self.version)[0] or 0)
        if self.major < 5:
            raise ReceiptError(f"Isaac Sim {self.version or 'of unknown version'}: 5.1 or later is needed")
        carb.settings.get_settings().set("rtx/post/dlss/execMode", 2)
        self.visual = "splat" if self.major >= 6 else "mesh"  # 5.x has no ParticleField
        gpus = [device.name for device in warp.get_cuda_devices()]
        self.facts = {"name": "isaac-sim", "version": self.version, "physics": "", "gpu": gpus[0] if gpus else ""}
        self._probes = self._robots = self._wheels = self._step = None
        self.time = 0.0

    def _differences(self) -> tuple[dict[str, Any], Callable[[], str], Callable[[], None]]:
        """Settings for pictures, how to choose PhysX (its name is returned), how to take one step of DT."""
        if self.major < 6:
            from omni.physx import get_physx_simulation_interface

            physx = get_physx_simulation_interface()

            def advance() -> None:  # what SimulationManager.step of 5.1.0 does, with a step that is ours to say
                physx.simulate(DT, self.time)
                physx.fetch_results()
                self.time += DT

            return {}, lambda: "physx", advance

        def choose() -> str:
            self.manager.switch_physics_engine("physx")
            return str(self.manager.get_active_physics_engine())

        def step() -> None:
            if abs(float(self.manager.get_physics_dt()) - DT) > 1e-6:
                raise ReceiptError(f"Isaac Sim steps by {self.manager.get_physics_dt()} s, not by {DT:.5f} s")
            self.manager.step()

        return {"/rtx/rtpt/gaussian/skipTonemapping/enabled": False}, choose, step

    def author(self, path: Path, package: Package, robots: Path) -> Path:
        return author_physics(path, package, robots)

    def _open(self, path: Path) -> Any:
        import carb
        import omni.usd
        from isaacsim.core.experimental.utils.stage import open_stage

        opened, stage = open_stage(str(path))
        if not opened:
            raise ReceiptError(f"Isaac Sim could not open {path.name}")
        for name, value in self._differences()[0].items():  # before the first update, which may bake them in
            carb.settings.get_settings().set(name, value)
        self.app.update()
        while omni.usd.get_context().get_stage_loading_status()[2] > 0:
            self.app.update()
        return stage

    def views(self, package: Package, folder: Path, what: str, visual: str) -> np.ndarray | None:
        """``rgb`` as uint8 (n, h, w, 3) or ``depth`` as float (n, h, w) [m], at RENDER_SCALE; None for empty pictures."""
        import omni.replicator.core as rep
        from pxr import Gf, UsdGeom

        stage = self._open(author_views(folder / f"{what}_{visual}.usda", package, visual))
        eye = UsdGeom.Xformable(stage.GetPrimAtPath(f"{HOLDER}/Camera")).MakeMatrixXform()
        rep.orchestrator.set_capture_on_play(False)
        size = tuple(RENDER_SCALE * side for side in package.size)
        product = rep.create.render_product(f"{HOLDER}/Camera", size)
        annotator = rep.AnnotatorRegistry.get_annotator("rgb" if what == "rgb" else "distance_to_image_plane")
        annotator.attach(product)
        pictures = []
        for c2w in package.c2w:
            eye.Set(Gf.Matrix4d(*usd_camera_matrix(c2w).ravel().tolist()))
            self.app.update()
            rep.orchestrator.step(rt_subframes=SUBFRAMES, delta_time=0.0, pause_timeline=False)
            pictures.append(np.array(annotator.get_data())[..., :3] if what == "rgb" else np.array(annotator.get_data()))
        annotator.detach()
        product.destroy()
        if any(picture.shape[:2] != size[::-1] for picture in pictures):
            return None
        return np.stack(pictures) if pictures else None

    def load(self, stage: Path, package: Package) -> None:
        from isaacsim.core.experimental.prims import Articulation, RigidPrim

        self._open(stage)
        self.manager.set_physics_sim_device("cpu")
        _, choose, self._step = self._differences()
        self.facts["physics"] = choose()
        self.app.update()
        self.manager.initialize_physics()  # takes a step or two of its own
        if package.probes:
            self._probes = RigidPrim([probe.path for probe in package.probes])
        if package.robot and package.routes:
            self._robots = RigidPrim([f"{route.robot}/chassis" for route in package.routes])
            self._wheels = Articulation([route.robot for route in package.routes])
            self._turning = self._wheels.get_dof_indices([joint for joint, _ in wheel_joints(package.robot)])
            self._sides = [side for _, side in wheel_joints(package.robot)]

    def poses(self) -> tuple[np.ndarray, np.ndarray]:
        found = [group.get_world_poses() for group in (self._probes, self._robots) if group is not None]
        return tuple(np.concatenate([pair[part].numpy() for pair in found]).astype(float) for part in (0, 1))

    def drive(self, wheels: np.ndarray) -> None:
        self._wheels.set_dof_velocity_targets(wheels[:, self._sides].astype(np.float32), dof_indices=self._turning)

    def step(self, dt: float) -> None:
        self._step()

    def close(self) -> None:
        self.app.close()


# --- the experiment ---------------------------------------------------------------------------------------------------


class Pilot:
    """Pure pursuit (Coulter 1992) of one route by a two-wheeled robot, which stops and turns at sharp corners."""

    def __init__(self, route: Route, robot: dict[str, Any]) -> None:
        self.points, self.robot = route.points, robot
        steps = np.diff(self.points, axis=0)
        self.lengths = np.linalg.norm(steps, axis=1)
        self.directions = steps / self.lengths[:, None]
        self.arc_at = np.r_[0.0, np.cumsum(self.lengths)]
        turns = np.einsum("si,si->s", self.directions[:-1], self.directions[1:]) < math.cos(SHARP)
        self.stops = np.r_[np.flatnonzero(turns), len(steps) - 1]
        self.segment, self.progress, self.done, self.speed, self.turn = 0, 0.0, False, 0.0, 0.0

    def wheels(self, xy: np.ndarray, yaw: float, *, held: bool) -> tuple[float, float]:
        """Left and right wheel speeds [rad/s]."""
        while True:
            along = float((xy - self.points[self.segment]) @ self.directions[self.segment])
            stop = int(self.stops[np.searchsorted(self.stops, self.segment)])
            left = self.lengths[self.segment] - along
            if left >= (CORNER_TOLERANCE if self.segment == stop else 0.0):
                break
            if self.segment == len(self.lengths) - 1:
                self.done = True
                break
            self.segment += 1
        arc = self.arc_at[self.segment] + min(max(along, 0.0), self.lengths[self.segment])
        self.progress = max(self.progress, arc)
        ahead = arc + LOOKAHEAD
        on = min(int(np.searchsorted(self.arc_at[1:], ahead)), stop)
        target = self.points[on] + (ahead - self.arc_at[on]) * self.directions[on]
        error = math.remainder(math.atan2(*(target - xy)[::-1]) - yaw, 2 * math.pi)
        speed = min(SPEED, 0.03 + math.sqrt(ACCELERATION * max(self.arc_at[stop + 1] - arc, 0.0)))
        speed *= min(max(1 - abs(error) / TURN_IN_PLACE, 0.0), 1.0)
        bend = math.sin(error) if abs(error) < math.pi / 2 else math.copysign(1.0, error)
        turn = min(max(2 * max(speed, 0.3) * bend / LOOKAHEAD, -TURN_RATE), TURN_RATE) * self.robot["track"] / 2
        if self.done or held:
            speed = turn = 0.0
        change = ACCELERATION / CONTROL_HZ
        self.speed += min(max(speed - self.speed, -change), change)
        self.turn += min(max(turn - self.turn, -change), change)
        radius = self.robot["wheel_radius"]
        return (self.speed - self.turn) / radius, (self.speed + self.turn) / radius


def allowed_seconds(route: Route) -> float:
    """Twice what the way takes when nothing is in it."""
    steps = np.diff(route.points, axis=0)
    bends = np.abs([math.remainder(a, 2 * math.pi) for a in np.diff(np.arctan2(steps[:, 1], steps[:, 0]))])
    sharp = bends[bends > SHARP]
    return 2 * (route.length / SPEED + len(sharp) + 1.2 * float(sharp.sum()) / TURN_RATE + 2.5)


def experiment(backend: Backend, package: Package) -> dict[str, Any]:
    """Let the probes fall and drive the routes in a loaded stage; rows of what happened."""
    count, routes = len(package.probes), package.routes if package.robot else ()
    if not count and not routes:
        return {"probes": [], "routes": [], "simulated_s": 0.0}
    positions, _ = backend.poses()
    _check_places(positions, package, len(routes))
    falls, ticks = [positions[:count]], 0

    def tick() -> tuple[np.ndarray, np.ndarray]:
        nonlocal ticks
        for _ in range(round(1 / (CONTROL_HZ * DT))):
            backend.step(DT)
        ticks += 1
        return backend.poses()

    for _ in range(round((SETTLE_S - REST_S) * CONTROL_HZ)):
        earlier, _ = tick()
        falls.append(earlier[:count])
    for _ in range(round(REST_S * CONTROL_HZ)):
        positions, quats = tick()
        falls.append(positions[:count])
    speeds = np.linalg.norm(positions - earlier, axis=1) * CONTROL_HZ / round(REST_S * CONTROL_HZ)
    bottom = lowest_collider(package) if count else 0.0
    fallen = np.stack(falls, axis=1)
    probes = [judge_probe(*row, bottom=bottom) for row in zip(package.probes, fallen, speeds[:count], strict=True)]
    pilots, limits = [Pilot(route, package.robot) for route in routes], [allowed_seconds(route) for route in routes]
    ways, held, stuck, marks = [positions[count:]], [math.inf] * len(routes), [False] * len(routes), [(0.0, 0.0)] * len(routes)
    lean, now = np.ones(len(routes)), 0.0
    while routes and now < min(max(limits), max(held) + BRAKE_S):
        yaws = _yaws(quats[count:])
        standing = [math.isfinite(since) for since in held]
        rows = zip(pilots, positions[count:, :2], yaws, standing, strict=True)
        backend.drive(np.array([pilot.wheels(xy, yaw, held=stands) for pilot, xy, yaw, stands in rows]))
        positions, quats = tick()
        now += 1 / CONTROL_HZ
        ways.append(positions[count:])
        lean = np.minimum(lean, 1 - 2 * (quats[count:, 1:3] ** 2).sum(axis=1))
        for row, pilot in enumerate(pilots):
            if pilot.progress > marks[row][0] + 0.02:
                marks[row] = pilot.progress, now
            if math.isinf(held[row]) and not pilot.done:
                stuck[row] = now - marks[row][1] > STUCK_S or now > limits[row] - BRAKE_S
            if math.isinf(held[row]) and (pilot.done or stuck[row]):
                held[row] = now
    way = np.stack(ways)
    rows = [judge_route(r, way[:, i], held[i], stuck[i], float(lean[i])) for i, r in enumerate(routes)]
    return {"probes": probes, "routes": rows, "simulated_s": ticks / CONTROL_HZ}


def _check_places(positions: np.ndarray, package: Package, robots: int) -> None:
    """Rows must be the bodies they are taken for: an engine that orders them otherwise would mix up every figure."""
    wanted = [probe.start for probe in package.probes]
    wanted += [np.array([*route.points[0], route.floor_z]) for route in package.routes[:robots]]
    if len(positions) != len(wanted):
        raise ReceiptError(f"{len(positions)} bodies were loaded, expected {len(wanted)}")
    off = np.abs(positions - np.array(wanted))
    if not (np.isfinite(off).all() and off[:, :2].max() < 0.02 and off[:, 2].max() < 0.3):
        raise ReceiptError(f"bodies are not where they were put: {off.max():.3f} m off")


def _yaws(quats: np.ndarray) -> np.ndarray:
    w, x, y, z = quats.T
    return np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))


def judge_probe(probe: Probe, way: np.ndarray, speed: float, *, bottom: float) -> dict[str, Any]:
    """``way`` is (t, 3), a row a control period from the start on; ``bottom`` is the lowest point of the world [m]."""
    errors = way[:, 2] - SHAPES[probe.kind][0] - probe.floor_z
    drifts = np.hypot(way[:, 0] - probe.x, way[:, 1] - probe.y)
    whole = bool(np.isfinite(way).all())
    return {
        "name": probe.name,
        "height_error": round(float(errors[-1]), 5) if math.isfinite(errors[-1]) else None,
        "speed": round(float(speed), 5) if math.isfinite(speed) else None,
        "fell": not whole or _fell(probe, errors, drifts, left=bool(way[-1, 2] < bottom)),
    }


def _fell(probe: Probe, heights: np.ndarray, drifts: np.ndarray, *, left: bool) -> bool:
    """Through the floor or out of the world, and not just over an edge onto what carries it lower down.

    The rule of the physics gate (lyra_sim/physics/drop.py), where its reasons stand; a test compares the two.
    """
    below = heights < -FALL_DEPTH - FALL_SLOPE * drifts
    if not below.any():
        return False
    if left or (heights[-1] - heights[-2]) * CONTROL_HZ < -FALLING:
        return True
    first, half_width = int(np.argmax(below)), SHAPES[probe.kind][0]
    round_an_edge = ROUND_AN_EDGE * math.sqrt(half_width**2 - max(half_width + float(heights[first]), 0.0) ** 2)
    hole = drifts[first] < probe.room and heights[-1] < -probe.below_band - FALL_DEPTH
    return bool(drifts[first] < round_an_edge or hole)


def judge_route(route: Route, way: np.ndarray, held: float, stuck: bool, upright: float) -> dict[str, Any]:
    """``way`` is (t, 3), a row a control period; ``held`` when the robot was stopped [s]."""
    way = way[: round((min(held, len(way) / CONTROL_HZ) + BRAKE_S) * CONTROL_HZ) + 1]
    chords = np.array([*way[:-1:3, :2], way[-1, :2]])
    missed = float(np.linalg.norm(way[-1, :2] - route.points[-1]))
    gone = np.linalg.norm(way[:, :2] - way[0, :2], axis=1)
    fell = bool(not np.isfinite(way).all() or (way[:, 2] < way[0, 2] - FALL_DEPTH - FALL_SLOPE * gone).any())
    return {
        "name": route.name,
        "planned_length": round(route.length, 5),
        "driven_length": None if fell else round(float(np.linalg.norm(np.diff(chords, axis=0), axis=1).sum()), 5),
        "final_error": None if fell else round(missed, 5),
        "upright_cosine": round(upright, 5) if math.isfinite(upright) else None,
        "stuck": bool(stuck),
        "fell": fell,
        "arrived": bool(not fell and not stuck and missed <= ARRIVAL),
    }


# --- pictures ---------------------------------------------------------------------------------------------------------


def compare_depth(predicted: np.ndarray, rendered: np.ndarray) -> list[dict[str, Any]]:
    """A row a view: the rendered z-depth at the middles of the predicted pixels, where no edge is near.

    ``rendered`` is RENDER_SCALE times larger; infinite where nothing was hit. A hit where none was predicted, or the other
    way round, counts as a pixel that is off.
    """
    middle = RENDER_SCALE // 2
    rows = []
    for ours, theirs in zip(predicted.astype(float), rendered[:, middle::RENDER_SCALE, middle::RENDER_SCALE], strict=True):
        filled = np.pad(ours, 1, mode="edge")
        around = np.stack([filled[1 + dy : 1 + dy + ours.shape[0], 1 + dx : 1 + dx + ours.shape[1]]
                           for dy in (-1, 0, 1) for dx in (-1, 0, 1)])  # fmt: skip
        jump = around.max(axis=0) - around.min(axis=0)  # NaN beside a miss
        plain = jump <= NEAR_EDGE * np.maximum(1.0, ours)
        miss = np.isnan(around).all(axis=0)
        errors = np.abs(np.where(np.isfinite(theirs), theirs, np.nan) - ours)
        judged, absent = plain | miss, ~np.isfinite(theirs)
        hits = errors[plain & ~absent]
        wrong = int((plain & absent).sum() + (miss & ~absent).sum() + (hits > 0.05).sum())
        rows.append(
            {
                "compared": int(judged.sum()),
                "off_by_5cm": wrong,
                "median": round(float(np.median(hits)), 5) if len(hits) else None,
            }
        )
    return rows


def compare_rgb(predicted: np.ndarray, rendered: np.ndarray) -> list[dict[str, Any]]:
    """A row a view: correlation of luminance at the predicted size (another tone curve doesn't matter), and brightness."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    rows = []
    for ours, theirs in zip(predicted, rendered, strict=True):
        height, width = ours.shape[:2]
        small = theirs.reshape(height, RENDER_SCALE, width, RENDER_SCALE, 3).astype(float).mean(axis=(1, 3))
        a, b = (picture.astype(float) @ weights for picture in (ours, small))
        flat = a.std() < 1e-9 or b.std() < 1e-9
        rows.append(
            {
                "correlation": None if flat else round(float(np.corrcoef(a.ravel(), b.ravel())[0, 1]), 5),
                "mean_level": round(float(theirs.mean()), 3),
                "deviation": round(float(theirs.std()), 3),
            }
        )
    return rows


# --- the receipt ------------------------------------------------------------------------------------------------------


def make_receipt(backend: Backend, package: Package, *, robots: Path, gate: Path | None, folder: Path) -> dict[str, Any]:
    """Run everything in ``backend``; ``folder`` holds the stages meanwhile. No time, host or path enters the receipt."""
    items: dict[str, Any] = {"depth": _absent("this engine renders nothing"), "rgb": _absent("this engine renders nothing")}
    if backend.visual and not len(package.c2w):
        items = {"depth": _absent("no view was predicted"), "rgb": _absent("no view was predicted")}
    elif backend.visual:
        depth = backend.views(package, folder, "depth", "mesh")
        rgb = backend.views(package, folder, "rgb", backend.visual)
        empty = "its pictures came back empty"
        items["depth"] = _absent(empty) if depth is None else {"rows": compare_depth(package.z_depth, depth)}
        items["rgb"] = _absent(empty) if rgb is None else {"rows": compare_rgb(package.rgb, rgb), "visual": backend.visual}
    backend.load(backend.author(folder / "physics.usda", package, robots), package)
    found = experiment(backend, package)
    items["probes"] = {"rows": found["probes"]} if found["probes"] else _absent("no probe point in the package")
    items["routes"] = {"rows": found["routes"]} if found["routes"] else _absent("no route, or no robot that fits")
    ours = {} if gate is None else {row["name"]: row for row in _read_json(gate)["routes"]}
    same = bool(ours) and package.robot is not None and _read_json(gate)["robot"] == package.robot["template"]
    for row in found["routes"]:
        twin = ours.get(row["name"]) if same else None
        row["ours"] = None if twin is None else {"arrived": twin["arrived"], "driven_length": round(twin["driven_length"], 5)}
    return {
        "receipt_version": RECEIPT_VERSION,
        "made_by": TOOL,
        "engine": dict(backend.facts),
        "package": {"manifest_sha256": package.manifest_sha256, "damaged_files": list(package.damaged)},
        "simulated_s": round(found["simulated_s"], 3),
        "items": items,
        "verdict": verdict(package, items),
    }


def verdict(package: Package, items: dict[str, Any]) -> str:
    """``fail``: something fell, rests off the floor, stopped short, was damaged or stands elsewhere.

    ``partial``: something wasn't measured.
    """
    rows = {name: item.get("rows", []) for name, item in items.items()}
    compared = sum(row["compared"] for row in rows["depth"])
    off = sum(row["off_by_5cm"] for row in rows["depth"])
    resting = [row for row in rows["probes"] if not row["fell"]]
    on_floor = sum(row["height_error"] is not None and abs(row["height_error"]) <= ON_FLOOR for row in resting)
    failed = len(resting) < len(rows["probes"]) or on_floor < LEAST_ON_FLOOR * len(resting)
    failed = failed or not all(row["arrived"] for row in rows["routes"])
    if package.damaged or failed or off > 0.2 * compared:
        return "fail"
    return "pass" if all(rows.values()) else "partial"


def _absent(why: str) -> dict[str, str]:
    return {"why": why}


def find_gate(world: Path) -> Path | None:
    """gate_physx.json of the build whose package this is: beside it, or among the build's steps."""
    near = [world.parent / "gate_physx.json", *sorted(world.parent.glob("steps/*_assess/gate_physx.json"))]
    return next((path for path in near if path.is_file()), None)


def main(arguments: list[str] | None = None, *, engine: Callable[..., Backend] = IsaacSim) -> int:
    """Write the receipt; exit code 0, 1 for a failed one, 3 for none. ``engine`` is started with ``headless``."""
    parser = argparse.ArgumentParser(description="Prove a world package in Isaac Sim; writes receipt.json.")
    parser.add_argument("world", type=Path, metavar="WORLD_FOLDER")
    parser.add_argument("--out", type=Path, default=Path("receipt.json"))
    parser.add_argument("--robots", type=Path, default=Path(__file__).resolve().parents[1] / "usd_templates" / "robots")
    parser.add_argument("--gate", type=Path, help="gate_physx.json of the build, to compare route lengths with")
    parser.add_argument("--window", action="store_true", help="show the application instead of running headless")
    given = parser.parse_args(arguments)
    try:
        package = read_package(given.world.resolve())
    except ReceiptError as error:
        print(error, file=sys.stderr)
        return 3
    backend: Backend | None = None
    code = 3
    try:
        backend = engine(headless=not given.window)
        with tempfile.TemporaryDirectory(prefix="receipt-") as folder:
            gate = given.gate or find_gate(package.folder)
            receipt = make_receipt(backend, package, robots=given.robots, gate=gate, folder=Path(folder))
        given.out.write_text(json.dumps(receipt, indent=1, sort_keys=True, allow_nan=False) + "\n", encoding="utf-8")
        print(f"{given.out}: {receipt['verdict']}", flush=True)
        code = 1 if receipt["verdict"] == "fail" else 0
    except ReceiptError as error:
        print(error, file=sys.stderr, flush=True)
    except Exception:  # noqa: BLE001 - whatever a simulator raises, there is no receipt
        traceback.print_exc()  # here and now: Isaac Sim may end the process when it is closed
    finally:
        if backend is not None:
            backend.close()
    return code


if __name__ == "__main__":
    sys.exit(main())
