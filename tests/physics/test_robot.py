"""The robot template opens by itself and is the robot the controller thinks it drives."""

import numpy as np
import pytest
from pxr import Gf, Usd, UsdGeom, UsdPhysics, UsdSemantics

from lyra_sim.physics.controller import ROBOTS, DiffDrive, largest_robot_within
from lyra_sim.resources import resource_dir


@pytest.fixture(scope="module", params=ROBOTS, ids=lambda robot: robot.template)
def robot(request: pytest.FixtureRequest) -> DiffDrive:
    return request.param


@pytest.fixture(scope="module")
def stage(robot: DiffDrive) -> Usd.Stage:
    return Usd.Stage.Open(str(resource_dir("usd_templates") / "robots" / f"{robot.template}.usda"))


def test_the_largest_that_fits_is_chosen() -> None:
    assert largest_robot_within(0.25) == ROBOTS[0]
    assert largest_robot_within(0.22) == ROBOTS[1]
    assert largest_robot_within(0.1) is None


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
    assert len(reach) == 4
    assert max(reach) <= robot.footprint_radius
    assert sorted(np.round(lowest, 4))[:3] == [0, 0, 0]
    assert max(lowest) > 0.6 * robot.wheel_radius  # the chassis clears bumps


def test_controller_knows_wheels_and_track(stage: Usd.Stage, robot: DiffDrive) -> None:
    wheels = [stage.GetPrimAtPath(f"/Robot/wheel_{side}") for side in ("left", "right")]
    places = [UsdGeom.Xformable(wheel).ComputeLocalToWorldTransform(0).ExtractTranslation() for wheel in wheels]
    assert places[0][1] - places[1][1] == pytest.approx(robot.track)
    assert places[0][0] == places[1][0] == 0.0
    radius = UsdGeom.Cylinder(stage.GetPrimAtPath("/Robot/wheel_left/shape")).GetRadiusAttr().Get()
    assert radius == pytest.approx(robot.wheel_radius)


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
    assert 5 < total / (robot.footprint_radius / 0.23) ** 3 < 20
    assert -0.14 / 2 < moment / total < -0.02  # between axle and caster, nearer the axle
