"""tools/isaac_receipt.py, all but its Isaac Sim: what it reads, drives, compares and writes."""

import ast
import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest

from lyra_sim.physics.controller import Limits, PurePursuit
from lyra_sim.physics.robots import DiffDrive
from tests.isaac.packages import ROBOTS, SCRIPT, Kinematics, gate_result, load_script

script = load_script()


def run(package: Path, engine: Kinematics, tmp_path: Path, gate: Path | None = None) -> dict:
    read = script.read_package(package)
    return script.make_receipt(engine, read, robots=ROBOTS, gate=gate, folder=tmp_path)


def test_a_faithful_engine_passes_with_the_lengths_it_drove(package: Path, tmp_path: Path) -> None:
    gate = tmp_path / "gate_physx.json"
    gate.write_text(json.dumps(gate_result(package, robot="diff_drive", longer=1.01)))
    receipt = run(package, Kinematics(), tmp_path, gate)
    assert receipt["verdict"] == "pass" and receipt["package"]["damaged_files"] == []
    probes, routes = receipt["items"]["probes"]["rows"], receipt["items"]["routes"]["rows"]
    assert {row["height_error"] for row in probes} == {0.0} and not any(row["fell"] for row in probes)
    assert [row["name"] for row in probes] == ["ball_000", "fast_ball_000"]
    for row, length in zip(routes, (3.0, 3.5), strict=True):
        assert row["arrived"] and row["planned_length"] == length
        assert row["driven_length"] == pytest.approx(length, rel=0.01) and row["final_error"] < 0.03
        assert row["ours"] == {"arrived": True, "driven_length": round(1.01 * length, 5)}
    assert all(
        row["off_by_5cm"] == 0 and row["median"] == 0 and row["compared"] > 500 for row in receipt["items"]["depth"]["rows"]
    )
    assert all(row["correlation"] == 1.0 for row in receipt["items"]["rgb"]["rows"])


def test_lengths_of_another_robot_are_not_compared(package: Path, tmp_path: Path) -> None:
    gate = tmp_path / "gate_physx.json"
    gate.write_text(json.dumps(gate_result(package, robot="skid_steer")))
    receipt = run(package, Kinematics(), tmp_path, gate)
    assert [row["ours"] for row in receipt["items"]["routes"]["rows"]] == [None, None]


def test_the_same_run_gives_the_same_bytes_and_names_no_place(package: Path, tmp_path: Path) -> None:
    first, second = (json.dumps(run(package, Kinematics(), tmp_path), sort_keys=True) for _ in range(2))
    assert first == second and str(tmp_path) not in first


def test_what_falls_fails(package: Path, tmp_path: Path) -> None:
    def hole(time: float, positions: np.ndarray) -> np.ndarray:
        return positions - np.array([[0, 0, 0.2 * (time > 1)]] + [[0, 0, 0]] * (len(positions) - 1))

    receipt = run(package, Kinematics(hole), tmp_path)
    assert [row["fell"] for row in receipt["items"]["probes"]["rows"]] == [True, False]
    assert receipt["verdict"] == "fail"

    def void(time: float, positions: np.ndarray) -> np.ndarray:
        return np.where(np.arange(len(positions))[:, None] == 0, np.nan if time > 1 else positions, positions)

    receipt = run(package, Kinematics(void), tmp_path)  # an engine that exploded
    assert receipt["items"]["probes"]["rows"][0]["fell"] and receipt["verdict"] == "fail"
    json.dumps(receipt, allow_nan=False)


def test_a_robot_that_goes_under_has_not_arrived(package: Path, tmp_path: Path) -> None:
    def sinking(time: float, positions: np.ndarray) -> np.ndarray:
        return positions - np.array([[0, 0, 0]] * (len(positions) - 1) + [[0, 0, 0.6 * (time > 6)]])

    (good, bad) = run(package, Kinematics(sinking), tmp_path)["items"]["routes"]["rows"]
    assert good["arrived"] and bad["fell"] and not bad["arrived"] and bad["driven_length"] is None


def test_a_blocked_robot_is_stuck_within_seconds(package: Path, tmp_path: Path) -> None:
    engine = Kinematics(lambda time, positions: np.minimum(positions, [[0.3, 9, 9]]))
    receipt = run(package, engine, tmp_path)
    straight, bent = receipt["items"]["routes"]["rows"]
    assert straight["stuck"] and not straight["arrived"] and straight["final_error"] == pytest.approx(1.2, abs=0.01)
    assert bent["arrived"] and receipt["verdict"] == "fail" and receipt["simulated_s"] < 25


def test_bodies_in_another_order_are_refused(package: Path, tmp_path: Path) -> None:
    with pytest.raises(script.ReceiptError, match="not where they were put"):
        run(package, Kinematics(lambda time, positions: positions[::-1]), tmp_path)
    with pytest.raises(script.ReceiptError, match="not where they were put"):
        run(package, Kinematics(lambda time, positions: positions + np.array([0.03, 0, 0])), tmp_path)  # a neighbour's place


def test_a_file_with_other_bytes_is_named(package: Path, tmp_path: Path) -> None:
    (package / "world_splat.usda").write_text("#usda 1.0\n")
    receipt = run(package, Kinematics(), tmp_path)
    assert receipt["package"]["damaged_files"] == ["world_splat.usda"] and receipt["verdict"] == "fail"


def test_nothing_measured_is_no_pass(package: Path, tmp_path: Path) -> None:
    engine = Kinematics()
    engine.visual = None
    receipt = run(package, engine, tmp_path)
    assert receipt["verdict"] == "partial"
    assert receipt["items"]["depth"] == receipt["items"]["rgb"] == {"why": "this engine renders nothing"}


def test_command_line_names_a_folder_that_is_no_package(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert script.main([str(tmp_path), "--out", str(tmp_path / "receipt.json")]) == 3
    assert "manifest.json: not there" in capsys.readouterr().err
    assert not (tmp_path / "receipt.json").exists()


def test_the_command_line_writes_what_it_says_and_closes_the_engine(package: Path, tmp_path: Path) -> None:
    engine = Kinematics()
    (package.parent / "gate_physx.json").write_text(json.dumps(gate_result(package, robot="diff_drive")))
    assert script.main([str(package), "--out", str(tmp_path / "receipt.json")], engine=lambda headless: engine) == 0
    receipt = json.loads((tmp_path / "receipt.json").read_text())
    assert receipt["items"]["routes"]["rows"][0]["ours"] is not None and engine.closed
    engine = Kinematics(lambda time, positions: positions - [[0, 0, time > 1]])
    code = script.main([str(package), "--out", str(tmp_path / "receipt.json")], engine=lambda headless: engine)
    assert code == 1 and engine.closed


def test_depth_errors_are_found_where_there_is_no_edge() -> None:
    """A floor of bands 2 m and 4 m away, seen by an engine that is 3 cm, or 8 cm, off."""
    ours = np.full((1, 48, 64), 2.0, np.float32)
    ours[:, :, 32:] = 4.0
    big = np.repeat(np.repeat(ours, 9, axis=1), 9, axis=2)
    (row,) = script.compare_depth(ours, big + 0.03)
    assert row == {"compared": 48 * 62, "off_by_5cm": 0, "median": 0.03}  # two columns beside the edge are left out
    assert script.compare_depth(ours, big - 0.08)[0]["off_by_5cm"] == 48 * 62
    assert script.compare_depth(ours, np.full_like(big, np.inf))[0] == {
        "compared": 48 * 62,
        "off_by_5cm": 48 * 62,
        "median": None,
    }
    open_sky = np.full_like(ours, np.nan)
    assert script.compare_depth(open_sky, np.full_like(big, np.inf))[0]["off_by_5cm"] == 0
    assert script.compare_depth(open_sky, big)[0] == {"compared": 48 * 64, "off_by_5cm": 48 * 64, "median": None}


def test_only_the_middle_of_each_small_pixel_is_asked() -> None:
    ours = np.full((1, 4, 4), 2.0, np.float32)
    big = np.full((1, 36, 36), 9.0, np.float32)
    big[:, 4::9, 4::9] = 2.0
    assert script.compare_depth(ours, big)[0] == {"compared": 16, "off_by_5cm": 0, "median": 0.0}


def test_a_black_or_flat_picture_has_no_correlation() -> None:
    ours = np.random.default_rng(1).integers(0, 255, (1, 4, 4, 3)).astype(np.uint8)
    (row,) = script.compare_rgb(ours, np.zeros((1, 36, 36, 3), np.uint8))
    assert row == {"correlation": None, "mean_level": 0.0, "deviation": 0.0}
    darker = np.repeat(np.repeat(ours // 2 + 20, 9, axis=1), 9, axis=2)
    assert script.compare_rgb(ours, darker)[0]["correlation"] > 0.999
    assert script.compare_rgb(ours, 255 - darker)[0]["correlation"] < -0.999


def test_the_pilot_drives_like_that_of_the_gate() -> None:
    """Both steer the same point-like robot along a way with a bend and a sharp corner."""
    points = np.array([[0.0, 0.0], [2.0, 0.0], [3.0, 0.2], [3.0, 2.0]])
    robot = DiffDrive()
    route = script.Route("way", points, 0.0, 0)
    pilot = script.Pilot(route, {"track": robot.track, "wheel_radius": robot.wheel_radius})
    gate = PurePursuit([points], robot=robot, limits=Limits(), dt=1 / 30)
    ways = []
    for steer in (
        lambda xy, yaw: pilot.wheels(xy, yaw, held=False),
        lambda xy, yaw: gate.wheel_velocities(xy[None], np.array([yaw]), np.zeros(1, bool))[0],
    ):
        xy, yaw, way = points[0].copy(), 0.0, []
        for _ in range(400):
            left, right = (robot.wheel_radius * speed for speed in steer(xy, yaw))
            yaw += (right - left) / robot.track / 30
            xy = xy + (left + right) / 60 * np.array([math.cos(yaw), math.sin(yaw)])
            way.append(xy)
        ways.append(np.array(way))
    assert pilot.done and gate.done.all()
    assert np.abs(ways[0] - ways[1]).max() < 1e-9


def test_allowed_time_is_that_of_the_gate() -> None:
    from lyra_sim.physics.controller import expected_duration

    points = np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.2]])
    expected = 2 * expected_duration(points, Limits())
    assert script.allowed_seconds(script.Route("way", points, 0.0, 0)) == pytest.approx(expected)


def test_probes_suit_the_room_they_have() -> None:
    points = [{"x": float(i), "y": 0.0, "floor_z": 0.0, "room": room} for i, room in enumerate((0.5, 0.5, 0.5, 0.1, 0.1))]
    names = [probe.name for probe in script.choose_probes(points)]
    assert names[:5] == ["ball_000", "box_001", "small_ball_002", "small_ball_003", "small_ball_004"]
    assert names[5:] == [f"fast_ball_{number:03d}" for number in range(5)]


def test_a_view_camera_looks_where_the_prediction_looks(package: Path, tmp_path: Path) -> None:
    from pxr import Gf, Usd, UsdGeom

    read = script.read_package(package)
    stage = Usd.Stage.Open(str(script.author_views(tmp_path / "views.usda", read, "mesh")))
    camera = UsdGeom.Camera(stage.GetPrimAtPath(f"{script.HOLDER}/Camera"))
    eye = UsdGeom.Xformable(camera.GetPrim()).MakeMatrixXform()
    for c2w in read.c2w:
        eye.Set(Gf.Matrix4d(*script.usd_camera_matrix(c2w).ravel().tolist()))
        frustum = camera.GetCamera(Usd.TimeCode.Default()).frustum
        assert np.allclose(frustum.ComputeViewDirection(), c2w[:3, 2]) and np.allclose(frustum.ComputeUpVector(), -c2w[:3, 1])
        assert np.allclose(frustum.position, c2w[:3, 3])
    assert camera.GetCamera(0).GetFieldOfView(Gf.Camera.FOVHorizontal) == pytest.approx(90, abs=1e-3)
    vertical = 2 * math.degrees(math.atan(read.size[1] / 2 / read.K[1, 1]))
    assert camera.GetCamera(0).GetFieldOfView(Gf.Camera.FOVVertical) == pytest.approx(vertical, abs=1e-3)
    world = stage.GetPrimAtPath("/World")
    assert world.GetVariantSet("visual").GetVariantSelection() == "mesh"
    assert world.GetVariantSet("collision").GetVariantSelection() == "none"


def test_the_pages_camera_looks_along_the_spawns_yaw() -> None:
    """docs/isaac.md, way 1: XformCommonAPI with 90 degrees about x and yaw - 90 about z."""
    from pxr import Gf, Usd, UsdGeom

    stage = Usd.Stage.CreateInMemory()
    camera = UsdGeom.Camera.Define(stage, "/World/Eye")
    for yaw in (0.0, 0.7, -2.5):
        UsdGeom.XformCommonAPI(camera).SetRotate(Gf.Vec3f(90, 0, math.degrees(yaw) - 90))
        frustum = camera.GetCamera(0).frustum
        assert np.allclose(frustum.ComputeViewDirection(), [math.cos(yaw), math.sin(yaw), 0], atol=1e-6)
        assert np.allclose(frustum.ComputeUpVector(), [0, 0, 1], atol=1e-6)
    assert 'Gf.Vec3f(90, 0, math.degrees(spawn["yaw"]) - 90)' in (SCRIPT.parents[1] / "docs" / "isaac.md").read_text()


def test_the_physics_stage_puts_every_body_where_its_row_says(package: Path, tmp_path: Path) -> None:
    from pxr import Usd, UsdGeom, UsdPhysics

    read = script.read_package(package)
    stage = Usd.Stage.Open(str(script.author_physics(tmp_path / "physics.usda", read, ROBOTS)))
    (scene,) = [prim for prim in stage.Traverse() if prim.IsA(UsdPhysics.Scene)]
    assert scene.GetAttribute("physxScene:timeStepsPerSecond").Get() == 120 == round(1 / script.DT)
    assert "PhysxSceneAPI" in scene.GetMetadata("apiSchemas").GetAppliedItems()  # usd-core alone doesn't know the schema
    cache = UsdGeom.XformCache()
    for probe in read.probes:
        found = cache.GetLocalToWorldTransform(stage.GetPrimAtPath(probe.path)).ExtractTranslation()
        assert np.allclose(found, probe.start)
    for route in read.routes:
        frame = np.array(cache.GetLocalToWorldTransform(stage.GetPrimAtPath(f"{route.robot}/chassis")))
        ahead = (route.points[1] - route.points[0]) / np.linalg.norm(route.points[1] - route.points[0])
        assert np.allclose(frame[3, :2], route.points[0]) and np.allclose(frame[0, :2], ahead, atol=1e-6)
        for joint, _ in script.wheel_joints(read.robot):
            assert stage.GetPrimAtPath(f"{route.robot}/joints/{joint}").IsA(UsdPhysics.RevoluteJoint)
    assert not stage.GetPrimAtPath("/World/Environment/Visual").IsActive()


def test_a_missing_robot_is_named(package: Path, tmp_path: Path) -> None:
    with pytest.raises(script.ReceiptError, match="--robots"):
        script.author_physics(tmp_path / "physics.usda", script.read_package(package), tmp_path)


def test_it_stands_alone() -> None:
    """Under Isaac Sim there is no lyra_sim; Kit's modules can't be imported before the application runs."""
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"))
    top = {name for node in tree.body for name in _imported(node)}
    assert top <= {*sys.stdlib_module_names, "numpy"}
    assert "lyra_sim" not in {name for node in ast.walk(tree) for name in _imported(node)}


def test_it_keeps_to_the_rubric_for_scripts() -> None:
    """NVIDIA's isaac-sim-validator (IsaacSim v6.0.1): a stated window, no omni.isaac, the application closed."""
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"))
    (start,) = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "SimulationApp"]
    assert {"headless", "width", "height"} <= {key.value for key in start.args[0].keys}
    modules = [n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    assert not [name for name in modules if name.startswith("omni.isaac")]
    assert "self.app.close()" in SCRIPT.read_text(encoding="utf-8")
    (first,) = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module == "isaacsim"]
    inside = next(n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.name == "IsaacSim")
    later = [n.lineno for n in ast.walk(inside) if isinstance(n, ast.ImportFrom) and n.module.startswith("isaacsim.")]
    assert len(later) >= 4 and min(later) > start.lineno > first.lineno
    assert script.SETTLE_S + script.BRAKE_S >= 3.0


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    return [node.module.partition(".")[0]] if isinstance(node, ast.ImportFrom) and node.module else []


def test_routes_that_go_nowhere_are_refused(package: Path) -> None:
    facts = json.loads((package / "manifest.json").read_text())
    facts["routes"][0]["waypoints"] = [[0, 0], [0, 0]]
    (package / "manifest.json").write_text(json.dumps(facts))
    with pytest.raises(script.ReceiptError, match="coincide"):
        script.read_package(package)


@pytest.mark.physics
def test_physx_on_a_real_package(package: Path, tmp_path: Path) -> None:
    """The same receipt code with PhysX, in a process of its own, as anybody would call it."""
    import subprocess

    out = tmp_path / "receipt.json"
    command = [sys.executable, str(SCRIPT.with_name("ovphysx_backend.py")), str(package), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    receipt = json.loads(out.read_text())
    assert receipt["engine"]["name"] == "ovphysx" and receipt["verdict"] == "partial"
    assert all(abs(row["height_error"]) < 0.005 and not row["fell"] for row in receipt["items"]["probes"]["rows"])
    for row in receipt["items"]["routes"]["rows"]:
        assert row["arrived"] and row["driven_length"] == pytest.approx(row["planned_length"], rel=0.02)


def test_a_robot_that_stops_elsewhere_has_not_arrived() -> None:
    route = script.Route("way", np.array([[0.0, 0.0], [2.0, 0.0]]), 0.0, 0)
    for end, arrived in ((1.86, True), (1.8, False), (2.2, False)):
        way = np.column_stack([np.linspace(0, end, 121), np.zeros(121), np.full(121, 0.1)])
        row = script.judge_route(route, way, held=4.0, stuck=False, upright=1.0)
        assert row["arrived"] == arrived and row["final_error"] == pytest.approx(abs(2.0 - end), abs=1e-5)


def test_a_robot_on_a_slope_has_not_fallen() -> None:
    """It may end lower by a tenth of its way."""
    route = script.Route("way", np.array([[0.0, 0.0], [2.0, 0.0]]), 0.0, 0)
    x = np.linspace(0, 2, 121)
    slope = np.column_stack([x, 0 * x, 0.1 - 0.08 * x])
    row = script.judge_route(route, slope, held=4.0, stuck=False, upright=0.99)
    assert row["arrived"] and not row["fell"] and row["driven_length"] == pytest.approx(2.0)
    assert script.judge_route(route, slope - [0, 0, 0.2] * (x > 1)[:, None], 4.0, False, 0.99)["fell"]
