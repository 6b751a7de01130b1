"""The robot template opens by itself and is the robot the controller thinks it drives."""

import numpy as np
import pytest
from pxr import Gf, Usd, UsdGeom, UsdPhysics, UsdSemantics

from lyra_sim.physics.robots import ROBOTS, DiffDrive, largest_robot_within, smallest_radius
from lyra_sim.resources import resource_dir
from lyra_sim.scene.spec import SMALLEST_ROBOT, SMALLEST_SKID_STEER


@pytest.fixture(scope="module", params=ROBOTS, ids=lambda robot: robot.template)
def robot(request: pytest.FixtureRequest) -> DiffDrive:
    return request.param


@pytest.fixture(scope="module")
def stage(robot: DiffDrive) -> Usd.Stage:
    return Usd.Stage.Open(str(resource_dir("usd_templates") / "robots" / f"{robot.template}.usda"))


def test_the_largest_that_fits_is_chosen() -> None:
    chosen = {0.4: "diff_drive_60cm", 0.25: "diff_drive", 0.22: "diff_drive_30cm", 0.15: "diff_drive_small"}
    for radius, template in chosen.items():
        robot = largest_robot_within(radius)
        assert robot is not None and robot.template == template
    assert largest_robot_within(0.1) is None
    skid = largest_robot_within(0.25, kind="skid_steer")
    assert skid is not None and skid.kind == "skid_steer"
    assert largest_robot_within(0.2, kind="skid_steer") is None
    assert (smallest_radius(), smallest_radius("skid_steer")) == (SMALLEST_ROBOT, SMALLEST_SKID_STEER)


def test_they_are_listed_largest_first_and_every_layer_is_one_of_them() -> None:
    sizes = [robot.footprint_radius for robot in ROBOTS]
    assert sizes == sorted(sizes, reverse=True)
    layers = {path.stem for path in (resource_dir("usd_templates") / "robots").glob("*.usda")}
    assert layers == {robot.template for robot in ROBOTS}


@pytest.mark.parametrize(("template", "width"), [("diff_drive_60cm", 0.6), ("diff_drive_30cm", 0.3)])
def test_the_ones_named_by_their_width_are_that_wide(template: str, width: float) -> None:
    stage = Usd.Stage.Open(str(resource_dir("usd_templates") / "robots" / f"{template}.usda"))
    box = UsdGeom.BBoxCache(0, ["default", "render"]).ComputeWorldBound(stage.GetPrimAtPath("/Robot")).ComputeAlignedRange()
    assert box.GetSize()[1] == pytest.approx(width, abs=1e-3)


def test_layer_stands_alone(stage: Usd.Stage) -> None:
    assert stage.GetDefaultPrim().GetPath() == "/Robot"
    assert UsdGeom.GetStageUpAxis(stage) == "Z"
    assert UsdGeom.GetStageMetersPerUnit(stage) == 1.0
    assert not stage.GetRootLayer().GetExternalReferences()
    assert not stage.GetRootLayer().GetExternalAssetDependencies()
    assert all(prim.GetTypeName() for prim in stage.Traverse())


def test_validators_find_nothing(stage: Usd.Stage) -> None:
    from pxr import UsdValidation

    validators = UsdValidation.ValidationRegistry().GetOrLoadAllValidators()
    issues = UsdValidation.ValidationContext(validators).Validate(stage)
    assert [issue.GetMessage() for issue in issues] == []


def test_it_is_labelled(stage: Usd.Stage) -> None:
    labels = UsdSemantics.LabelsAPI(stage.GetPrimAtPath("/Robot"), "class")
    assert list(labels.GetLabelsAttr().Get()) == ["robot"]


def test_every_part_stays_inside_the_footprint_and_touches_the_floor(stage: Usd.Stage, robot: DiffDrive) -> None:
    lowest, reach = [], []
    angles = np.linspace(0, 2 * np.pi, 64)
    for prim in stage.Traverse():
        if not prim.HasAPI(UsdPhysics.CollisionAPI):
            continue
        world = UsdGeom.Xformable(prim).ComputeLocalToWorldTransform(0)
        circle = np.stack([np.cos(angles), np.sin(angles), np.zeros(64)], axis=1)
        if prim.IsA(UsdGeom.Cube):
            half = UsdGeom.Cube(prim).GetSizeAttr().Get() / 2
            points = np.array([(x, y, z) for x in (-half, half) for y in (-half, half) for z in (-half, half)])
            moved = np.array([world.Transform(Gf.Vec3d(*point)) for point in points.tolist()])
            reach.append(np.hypot(moved[:, 0], moved[:, 1]).max())
            lowest.append(moved[:, 2].min())
            continue
        radius = UsdGeom.Sphere(prim).GetRadiusAttr().Get()  # cylinders keep it under the same name
        if prim.IsA(UsdGeom.Cylinder):
            half = UsdGeom.Cylinder(prim).GetHeightAttr().Get() / 2
            rims = np.concatenate([circle * radius + (0, 0, side * half) for side in (-1, 1)])
            points = rims if UsdGeom.Cylinder(prim).GetAxisAttr().Get() == "Z" else rims[:, [0, 2, 1]]
        else:
            points = np.concatenate([circle * radius, circle[:, [0, 2, 1]] * radius, [(0, 0, -radius)]])
        moved = np.array([world.Transform(Gf.Vec3d(*point)) for point in points.tolist()])
        reach.append(np.hypot(moved[:, 0], moved[:, 1]).max())
        lowest.append(moved[:, 2].min())
    assert len(reach) == (5 if robot.scrubs else 4)
    assert max(reach) <= robot.footprint_radius
    on_floor = 4 if robot.scrubs else 3
    np.testing.assert_allclose(sorted(lowest)[:on_floor], 0, atol=1e-4)
    assert max(lowest) > 0.6 * robot.wheel_radius  # the chassis clears bumps


def test_controller_knows_wheels_and_track(stage: Usd.Stage, robot: DiffDrive) -> None:
    assert len(robot.left_wheels) == len(robot.right_wheels)
    for left, right in zip(robot.left_wheels, robot.right_wheels, strict=True):
        wheels = [stage.GetPrimAtPath(f"/Robot/wheel_{side}") for side in (left, right)]
        places = [UsdGeom.Xformable(wheel).ComputeLocalToWorldTransform(0).ExtractTranslation() for wheel in wheels]
        assert places[0][1] - places[1][1] == pytest.approx(robot.track, abs=1e-5)
        assert places[0][0] == places[1][0] and (places[0][0] == 0.0) != robot.scrubs
        for wheel in wheels:
            radius = stage.GetPrimAtPath(f"{wheel.GetPath()}/shape").GetAttribute("radius").Get()
            assert radius == pytest.approx(robot.wheel_radius, abs=1e-5)
    for wheel in robot.wheels:
        assert stage.GetPrimAtPath(f"/Robot/joints/{wheel}_wheel_joint").HasAPI(UsdPhysics.DriveAPI, "angular")


def test_joint_frames_meet(stage: Usd.Stage) -> None:
    for prim in Usd.PrimRange(stage.GetPrimAtPath("/Robot/joints")):
        if prim.IsA(UsdPhysics.Joint):
            joint, ends = UsdPhysics.Joint(prim), []
            for body, place in (
                (joint.GetBody0Rel(), joint.GetLocalPos0Attr()),
                (joint.GetBody1Rel(), joint.GetLocalPos1Attr()),
            ):
                target = UsdGeom.Xformable(stage.GetPrimAtPath(body.GetTargets()[0]))
                ends.append(target.ComputeLocalToWorldTransform(0).Transform(Gf.Vec3d(place.Get())))
            assert (ends[0] - ends[1]).GetLength() < 1e-6, prim.GetPath()


def test_inertias_belong_to_solid_bodies_and_the_mass_centre_is_behind_the_axle(stage: Usd.Stage, robot: DiffDrive) -> None:
    total, moment = 0.0, 0.0
    for prim in stage.Traverse():
        if prim.HasAPI(UsdPhysics.RigidBodyAPI):
            mass = UsdPhysics.MassAPI(prim)
            a, b, c = sorted(mass.GetDiagonalInertiaAttr().Get())
            assert a > 0 and a + b >= c * (1 - 1e-6)
            world = UsdGeom.Xformable(prim).ComputeLocalToWorldTransform(0)
            total += mass.GetMassAttr().Get()
            moment += mass.GetMassAttr().Get() * world.Transform(Gf.Vec3d(mass.GetCenterOfMassAttr().Get()))[0]
    size = robot.footprint_radius / 0.23
    assert 5 < total / size**3 < 20
    if robot.scrubs:
        assert moment / total == pytest.approx(0, abs=1e-6)  # or front and rear wheels would scrub unequally
    else:
        assert -0.14 / 2 < moment / total / size < -0.02  # between axle and caster, nearer the axle
