"""What docs/engines.md says of the engines, felt; and that the gate and the package rely on nothing they differ in."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pxr import Gf, Usd, UsdGeom, UsdPhysics, UsdShade, Vt
from scipy.spatial import ConvexHull

from lyra_sim.collision.convex.engine_limits import few_faced
from lyra_sim.collision.convex.pieces import Piece, convex_hull
from lyra_sim.physics import gate_stage
from lyra_sim.physics.gate import run_gate
from lyra_sim.physics.gate_stage import author_drive, author_drops
from lyra_sim.physics.robots import DiffDrive
from lyra_sim.resources import resource_dir
from lyra_sim.scene.spec import AlignConfig
from tests.collision.solids import general, prism
from tests.physics.engine_run import positions
from tests.physics.relied_on import relied_on
from tests.physics.worlds import navigation, room, write_world

ENGINES = ("physx", "newton")
SLAB = np.array([[x, y, z] for z in (-0.3, 0.0) for y in (-2.0, 2.0) for x in (-2.0, 2.0)])
BALL, GAP, SPEED = 0.01, 0.02, 0.2


def new_stage(path: Path, *, gravity: float = 9.81, friction: tuple[float, float] = (0.5, 0.5)) -> Usd.Stage:
    stage = Usd.Stage.CreateNew(str(path))
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.z)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    stage.SetDefaultPrim(UsdGeom.Xform.Define(stage, "/World").GetPrim())
    scene = UsdPhysics.Scene.Define(stage, "/physicsScene")
    scene.CreateGravityMagnitudeAttr(gravity)
    scene.CreateGravityDirectionAttr(Gf.Vec3f(0, 0, -1))
    material = UsdShade.Material.Define(stage, "/World/ground")
    physics = UsdPhysics.MaterialAPI.Apply(material.GetPrim())
    physics.CreateStaticFrictionAttr(friction[0])
    physics.CreateDynamicFrictionAttr(friction[1])
    return stage


def slope(tangent: float) -> np.ndarray:
    """world_from_slab of a slope that goes down along x."""
    angle = np.arctan(tangent)
    turn = np.eye(4)
    turn[:3, :3] = [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    return turn


def bind(stage: Usd.Stage, prim: Usd.Prim) -> None:
    UsdShade.MaterialBindingAPI.Apply(prim).Bind(
        UsdShade.Material.Get(stage, "/World/ground"), UsdShade.Tokens.weakerThanDescendants, "physics"
    )


def add_hull(stage: Usd.Stage, path: str, points: np.ndarray, *, world_from_hull: np.ndarray | None = None) -> None:
    vertices, faces = convex_hull(points, max_vertices=len(points))
    mesh = UsdGeom.Mesh.Define(stage, path)
    mesh.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(vertices))
    mesh.CreateFaceVertexCountsAttr([3] * len(faces))
    mesh.CreateFaceVertexIndicesAttr(faces.ravel().tolist())
    mesh.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    UsdPhysics.CollisionAPI.Apply(mesh.GetPrim())
    UsdPhysics.MeshCollisionAPI.Apply(mesh.GetPrim()).CreateApproximationAttr(UsdPhysics.Tokens.convexHull)
    bind(stage, mesh.GetPrim())
    if world_from_hull is not None:
        mesh.AddTransformOp().Set(Gf.Matrix4d(*world_from_hull.T.ravel().tolist()))


def add_body(
    stage: Usd.Stage,
    path: str,
    at: np.ndarray,
    *,
    radius: float = 0.1,
    box: bool = False,
    turn: Gf.Quatf | None = None,
    velocity: np.ndarray | None = None,
) -> str:
    body = UsdGeom.Xform.Define(stage, path)
    body.AddTranslateOp().Set(Gf.Vec3d(*np.asarray(at, float).tolist()))
    if turn is not None:
        body.AddOrientOp().Set(turn)
    rigid = UsdPhysics.RigidBodyAPI.Apply(body.GetPrim())
    UsdPhysics.MassAPI.Apply(body.GetPrim()).CreateMassAttr(1.0)
    if velocity is not None:
        rigid.CreateVelocityAttr(Gf.Vec3f(*np.asarray(velocity, float).tolist()))
    if box:
        shape = UsdGeom.Cube.Define(stage, f"{path}/shape")
        shape.CreateSizeAttr(2 * radius)
    else:
        shape = UsdGeom.Sphere.Define(stage, f"{path}/shape")
        shape.CreateRadiusAttr(radius)
    UsdPhysics.CollisionAPI.Apply(shape.GetPrim())
    bind(stage, shape.GetPrim())
    return path


def felt_inside(engine: str, points: np.ndarray, folder: Path) -> float:
    """How far inside of a hull slow small balls first feel it, at the worst of its corners and faces [m]."""
    hull = ConvexHull(points)
    ends = [
        (points[corner], hull.equations[(hull.simplices == corner).any(axis=1), :3].mean(axis=0)) for corner in hull.vertices
    ]
    ends += [(points[face].mean(axis=0), plane[:3]) for face, plane in zip(hull.simplices, hull.equations, strict=True)]
    normals = np.array([out / np.linalg.norm(out) for _, out in ends])
    stage = new_stage(folder / "hull.usda", gravity=1e-6)
    add_hull(stage, "/World/hull", points)
    UsdGeom.Scope.Define(stage, "/World/Balls")
    group = UsdPhysics.CollisionGroup.Define(stage, "/World/movers")
    group.CreateFilteredGroupsRel().SetTargets(["/World/movers"])
    Usd.CollectionAPI(group.GetPrim(), "colliders").CreateIncludesRel().SetTargets(["/World/Balls"])
    bodies = [
        add_body(stage, f"/World/Balls/b{number}", at + (GAP + BALL) * out, radius=BALL, velocity=-SPEED * out)
        for number, ((at, _), out) in enumerate(zip(ends, normals, strict=True))
    ]
    stage.Save()
    way = positions(engine, folder / "hull.usda", bodies, dt=1 / 480, steps=200)
    moved = np.linalg.norm(np.diff(way, axis=0) + SPEED / 480 * normals, axis=2) > 0.05 * SPEED / 480
    first = np.where(moved.any(axis=0), moved.argmax(axis=0) + 1, len(way) - 1)
    progress = np.einsum("ni,ni->n", way[0] - way[first, np.arange(len(bodies))], normals)
    return float(progress.max() - GAP)


class TestHulls:
    @pytest.mark.parametrize("engine", ENGINES)
    @pytest.mark.parametrize("points", [general(34), prism(32)], ids=["34 corners", "32 sides"])
    def test_up_to_64_faces_and_corners_are_felt_where_they_are(self, engine: str, points: np.ndarray, tmp_path: Path) -> None:
        assert felt_inside(engine, points, tmp_path) < 0.0015

    @pytest.mark.parametrize(
        ("engine", "points"), [("physx", general(35)), ("newton", prism(33))], ids=["66 faces in physx", "66 corners in newton"]
    )
    def test_one_corner_more_is_felt_millimetres_inside(self, engine: str, points: np.ndarray, tmp_path: Path) -> None:
        assert felt_inside(engine, points, tmp_path) > 0.005

    def test_what_we_make_of_such_a_hull_is_felt_where_it_is(self, tmp_path: Path) -> None:
        points = general(60)
        assert felt_inside("physx", points, tmp_path) > 0.015
        (piece,) = few_faced([Piece(label="clutter", points=points)], max_vertices=60, tolerance=0.1)
        (tmp_path / "ours").mkdir()
        assert felt_inside("physx", np.asarray(piece.points, np.float64), tmp_path / "ours") < 0.0015


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("sides", [4, 12])
def test_a_box_on_a_sloping_hull_neither_sinks_nor_creeps(engine: str, sides: int, tmp_path: Path) -> None:
    """A slope of 0.1 at friction 0.5. With one contact a pair, Newton's box sank by 2.5 mm and crept by 2.6 mm a second."""
    world_from_slab = slope(0.1)
    up, half = world_from_slab[:3, 2], float(np.arctan(0.1)) / 2
    stage = new_stage(tmp_path / "slope.usda")
    slab = SLAB if sides == 4 else prism(sides) * (4.0, 4.0, 0.5) - (0.0, 0.0, 0.15)
    add_hull(stage, "/World/slab", slab, world_from_hull=world_from_slab)
    turn = Gf.Quatf(float(np.cos(half)), 0.0, float(np.sin(half)), 0.0)
    box = add_body(stage, "/World/box", 0.1005 * up, box=True, turn=turn)
    stage.Save()
    way = positions(engine, tmp_path / "slope.usda", [box], dt=1 / 120, steps=240, every=120)[:, 0]
    assert np.linalg.norm(way[2] - way[1]) < 0.002, "creep in a second"
    assert 0.1 - way[2] @ up < 0.001, "depth"


class TestWhatEnginesDifferIn:
    @pytest.mark.parametrize(("engine", "axis"), [("physx", 0), ("newton", 1)])
    def test_velocity_of_a_turned_body(self, engine: str, axis: int, tmp_path: Path) -> None:
        """PhysX takes ``physics:velocity`` along the world's axes, Newton along the body's."""
        stage = new_stage(tmp_path / "turned.usda", gravity=1e-6)
        add_hull(stage, "/World/slab", SLAB - (0.0, 0.0, 5.0))
        quarter = Gf.Quatf(float(np.sqrt(0.5)), 0.0, 0.0, float(np.sqrt(0.5)))
        ball = add_body(stage, "/World/ball", np.array([0.0, 0.0, 1.0]), turn=quarter, velocity=np.array([1.0, 0.0, 0.0]))
        stage.Save()
        way = positions(engine, tmp_path / "turned.usda", [ball], dt=1 / 120, steps=120, every=120)[:, 0]
        np.testing.assert_allclose((way[1] - way[0]), np.eye(3)[axis], atol=0.01)

    def test_static_friction_in_physx_depends_on_the_step(self, tmp_path: Path) -> None:
        """Static 0.8, dynamic 0.5, let go 0.01 mm above a slope of 0.7: it holds at 1/60 s and slides at 1/120 s."""
        world_from_slab, half = slope(0.7), float(np.arctan(0.7)) / 2
        stage = new_stage(tmp_path / "steep.usda", friction=(0.8, 0.5))
        add_hull(stage, "/World/slab", SLAB, world_from_hull=world_from_slab)
        turn = Gf.Quatf(float(np.cos(half)), 0.0, float(np.sin(half)), 0.0)
        box = add_body(stage, "/World/box", 0.10001 * world_from_slab[:3, 2], box=True, turn=turn)
        stage.Save()
        slid = {}
        for rate in (60, 120):
            way = positions("physx", tmp_path / "steep.usda", [box], dt=1 / rate, steps=rate // 2, every=rate // 2)[:, 0]
            slid[rate] = np.linalg.norm(way[1] - way[0])
        assert slid[60] < 0.001 and slid[120] > 0.1

    @pytest.mark.parametrize(("engine", "held"), [("physx", True), ("newton", False)])
    def test_colliders_of_a_point_instancer(self, engine: str, held: bool, tmp_path: Path) -> None:
        stage = new_stage(tmp_path / "instances.usda")
        add_hull(stage, "/World/elsewhere", SLAB + np.array([50.0, 0.0, 0.0]))
        instancer = UsdGeom.PointInstancer.Define(stage, "/World/instances")
        add_hull(stage, "/World/instances/slab", SLAB)
        instancer.CreatePrototypesRel().SetTargets(["/World/instances/slab"])
        instancer.CreatePositionsAttr([Gf.Vec3f(10, 0, 0)])
        instancer.CreateProtoIndicesAttr([0])
        ball = add_body(stage, "/World/ball", np.array([10.0, 0.0, 0.3]))
        stage.Save()
        way = positions(engine, tmp_path / "instances.usda", [ball], dt=1 / 120, steps=120, every=120)[:, 0]
        assert (abs(way[1, 2] - 0.1) < 0.005) == held

    def test_newton_refuses_mirrored_hulls(self, tmp_path: Path) -> None:
        stage = new_stage(tmp_path / "mirrored.usda")
        add_hull(stage, "/World/slab", SLAB, world_from_hull=np.diag([-1.0, 1.0, 1.0, 1.0]))
        ball = add_body(stage, "/World/ball", np.array([0.0, 0.0, 0.3]))
        stage.Save()
        stage_file = tmp_path / "mirrored.usda"
        assert positions("physx", stage_file, [ball], dt=1 / 120, steps=120, every=120)[1, 0, 2] == pytest.approx(0.1, abs=5e-3)
        with pytest.raises(RuntimeError, match="size of zero"):
            positions("newton", stage_file, [ball], dt=1 / 120, steps=1)


def test_the_gates_stages_rely_on_none_of_it(tmp_path: Path) -> None:
    probes = [(x, 0.5, 0.0) for x in (-2.0, -1.0, 0.0, 1.0, 2.0, 2.8)]
    way = navigation(room(), probes=probes, routes={"l": [(-2.0, -2.0), (1.8, -2.0), (1.8, 0.0)]})
    world = write_world(tmp_path / "world.usda", room())
    drop, _ = author_drops(tmp_path / "drop.usda", world=world, navigation=way, seed=1)
    author_drive(tmp_path / "drive.usda", world=world, navigation=way, robot=DiffDrive())
    assert drop.shots, "there are bodies that move"
    for name in ("drop", "drive"):
        assert list(relied_on(Usd.Stage.Open(str(tmp_path / f"{name}.usda")))) == []


def test_what_the_gate_finds_hangs_on_no_static_friction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PhysX, on a floor that slopes by 3 degrees: bodies and wheels do the same where all friction is dynamic, robots' too."""
    way = navigation(
        room(), probes=[(-2.0, 1.0, 0.105), (1.5, 1.0, -0.079)], routes={"l": [(-2.0, -2.0), (1.8, -2.0), (1.8, 0.0)]}
    )
    found = {}
    for name in ("as_written", "dynamic_alone"):
        folder = tmp_path / name
        folder.mkdir()
        world = write_world(folder / "world.usda", room(), tilt_deg=3.0)
        if name == "dynamic_alone":
            monkeypatch.setattr(gate_stage, "_open_stage", without_static_friction(gate_stage._open_stage))
        found[name] = run_gate(world, way, engine="physx", out=folder, seed=7, limit_s=120.0)
    first, second = found["as_written"], found["dynamic_alone"]
    assert [route.arrived for route in first.routes] == [route.arrived for route in second.routes] == [True]
    assert first.routes[0].length_error == pytest.approx(second.routes[0].length_error, abs=0.005)
    for one, other in zip(first.probes, second.probes, strict=True):
        assert (one.fell, one.settled, one.on_floor) == (other.fell, other.settled, other.on_floor), one.name


def without_static_friction(
    opened: Callable[[Path, Path], tuple[Usd.Stage, int]],
) -> Callable[[Path, Path], tuple[Usd.Stage, int]]:
    """The gate's stage with every material's static friction brought down to its dynamic one."""

    def open_stage(path: Path, world: Path) -> tuple[Usd.Stage, int]:
        stage, count = opened(path, world)
        changed = 0
        for prim in stage.Traverse():
            if prim.HasAPI(UsdPhysics.MaterialAPI):
                material = UsdPhysics.MaterialAPI(prim)
                material.GetStaticFrictionAttr().Set(material.GetDynamicFrictionAttr().Get())
                changed += 1
        assert changed
        return stage, count

    return open_stage


def test_what_stands_on_our_floors_stands_by_dynamic_friction_alone() -> None:
    """A world tilted as far as align takes (align.max_tilt_deg) needs less than a quarter of the least dynamic friction."""
    stage = Usd.Stage.Open(str(resource_dir("usd_templates") / "materials.usda"))
    dynamic = [
        UsdPhysics.MaterialAPI(prim).GetDynamicFrictionAttr().Get()
        for prim in stage.Traverse()
        if prim.HasAPI(UsdPhysics.MaterialAPI)
    ]
    assert len(dynamic) == 3 and min(dynamic) > 4 * np.tan(np.radians(AlignConfig().max_tilt_deg))


def test_all_that_is_relied_on_is_found(tmp_path: Path) -> None:
    stage = new_stage(tmp_path / "all.usda")
    UsdGeom.PointInstancer.Define(stage, "/World/instances")
    add_hull(stage, "/World/slab", SLAB, world_from_hull=np.diag([-1.0, 1.0, 1.0, 1.0]))
    quarter = Gf.Quatf(float(np.sqrt(0.5)), 0.0, 0.0, float(np.sqrt(0.5)))
    add_body(stage, "/World/ball", np.zeros(3), turn=quarter, velocity=np.array([1.0, 0.0, 0.0]))
    assert [line.split(": ")[1] for line in relied_on(stage)] == ["instancer", "mirrored", "turned and moving"]
