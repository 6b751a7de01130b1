"""validate_stage: no issue on our package by any tool, others' faults passed on, and hostile stages survived."""

from pathlib import Path

import pytest
from pxr import Usd, UsdGeom

from lyra_sim.data.stage import StageBundle
from lyra_sim.errors import EnvironmentNotReady, InputError
from lyra_sim.usd.rules.validate import validate_stage
from tests.usd.breaks import BREAKS, GEOMETRY, on_stage
from tests.usd.worlds import all_issues

ODD = """#usda 1.0
( defaultPrim = "World" )
def Xform "World"
{
    def Mesh "nothing" ( prepend apiSchemas = ["PhysicsCollisionAPI"] ) {}
    def ParticleField3DGaussianSplat "gaussians"
    {
        string positions = "here"
        uniform int radiance:sphericalHarmonicsDegree = -7
        float3[] scales = [(1, 1, 1)]
    }
}
"""


def test_no_tool_has_anything_to_say_about_our_package(bundle: StageBundle) -> None:
    assert all_issues(bundle.stage) == []
    assert validate_stage(bundle.splat_stage) == []


def test_openusd_and_nvidia_findings_are_passed_on(package: Path) -> None:
    def nest_and_duplicate(stage: Usd.Stage) -> None:
        UsdGeom.Cube.Define(stage, "/Geometry/visual_mesh/floor/knob")  # a Gprim below a Gprim
        points = UsdGeom.Mesh.Get(stage, "/Geometry/collision_hulls/clutter_000").GetPointsAttr()
        points.Set([points.Get()[1], *points.Get()[1:]])

    on_stage(GEOMETRY, nest_and_duplicate)(package)
    found = {(issue.tool, issue.rule, issue.path) for issue in all_issues(package / "world.usda")}
    knob = "/World/Environment/Visual/mesh/floor/knob"
    assert any(tool == "openusd" and path == knob for tool, _, path in found)
    assert any(tool == "nvidia" and rule == "WeldChecker" for tool, rule, _ in found)


def test_nvidia_schema_rule_sees_splats(package: Path) -> None:
    next(fault for fault in BREAKS if fault.name == "opacity_not_logit").edit(package)
    issues = [issue for issue in all_issues(package / "world.usda") if issue.tool == "nvidia"]
    assert {(issue.rule, issue.variant, issue.severity) for issue in issues} == {
        ("GaussianSplatSchemaChecker", "visual=both", "error")
    }


def test_one_issue_says_where_and_under_which_variant(package: Path) -> None:
    next(fault for fault in BREAKS if fault.name == "hole_in_floor").edit(package)
    issues = [issue for issue in validate_stage(package / "world.usda") if issue.tool == "nav-environment"]
    assert [str(issue) for issue in issues] == [
        "error: nav-environment NE.111 /World/Environment/Collision/shapes/closed_mesh [collision=trimesh]: "
        "the triangle collider has 3 open edges; bodies slip through holes"
    ]


def test_rubbish_is_an_issue(tmp_path: Path) -> None:
    for name, data in {
        "text.usda": b"#usda 1.0\ndef Xform {",
        "crate.usdc": b"PXR-USDC" + b"\xff" * 200,
        "no.usd": b"",
    }.items():
        (tmp_path / name).write_bytes(data)
        (issue,) = validate_stage(tmp_path / name)
        assert (issue.tool, issue.severity, issue.path) == ("reader", "error", name)


def test_odd_but_legal_values_do_not_stop_the_other_rules(tmp_path: Path) -> None:
    """Wrongly typed opinions, empty meshes, colliders without points: each costs an issue, none costs the report."""
    (tmp_path / "odd.usda").write_text(ODD)
    rules = {issue.rule for issue in validate_stage(tmp_path / "odd.usda") if issue.tool == "nav-environment"}
    assert {"NE.001", "NE.005", "NE.102", "NE.204", "NE.301", "NE.306", "NE.403"} <= rules


def test_time_limit(bundle: StageBundle) -> None:
    (issue,) = validate_stage(bundle.stage, timeout_s=0.05)
    assert (issue.tool, issue.rule) == ("reader", "timeout")


def test_memory_limit(bundle: StageBundle) -> None:
    (issue,) = validate_stage(bundle.stage, memory_bytes=150 << 20)
    assert (issue.tool, issue.rule) == ("reader", "crash")


def test_missing_file() -> None:
    with pytest.raises(InputError, match="no such file"):
        validate_stage(Path("nowhere.usda"))


def test_a_missing_validator_is_no_fault_of_the_stage(bundle: StageBundle, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "usd_validation_nvidia.py").write_text("raise ImportError('not here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(EnvironmentNotReady, match="usd-validation-nvidia: it can't be imported") as caught:
        validate_stage(bundle.stage)
    assert caught.value.exit_code == 4 and "pip install usd-validation-nvidia" in str(caught.value)
