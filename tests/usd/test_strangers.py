"""Stages that nobody here made: other units, other axes, other colliders, other layouts, and damaged ones."""

from pathlib import Path

import numpy as np
import pytest
from pxr import Sdf, Usd, UsdGeom, UsdPhysics, UsdShade, Vt

from lyra_sim.collision.convex.pieces import convex_hull
from lyra_sim.errors import InputError
from lyra_sim.usd.rules.nav_environment import nav_environment_issues, nav_environment_rules
from lyra_sim.usd.rules.stage_view import variant_views
from lyra_sim.usd.rules.validate import entry_layer
from tests.boxes import box_mesh
from tests.collision.solids import general, prism


def fired(path: Path) -> dict[str, list[str]]:
    """Rule to the paths it names."""
    found: dict[str, list[str]] = {}
    for view in variant_views(path):
        for issue in nav_environment_issues(view, nav_environment_rules()):
            found.setdefault(issue.rule, []).append(issue.path)
    return found


def stranger(path: Path, *, up: str = "Z", metres_per_unit: float = 1.0, default_prim: bool = True) -> Usd.Stage:
    stage = Usd.Stage.CreateNew(str(path))
    UsdGeom.SetStageUpAxis(stage, up)
    UsdGeom.SetStageMetersPerUnit(stage, metres_per_unit)
    root = UsdGeom.Xform.Define(stage, "/Anything").GetPrim()
    if default_prim:
        stage.SetDefaultPrim(root)
    return stage


def box(stage: Usd.Stage, path: str, low: list[float], high: list[float]) -> UsdGeom.Mesh:
    vertices, faces = box_mesh([(np.array(low), np.array(high))])
    mesh = UsdGeom.Mesh.Define(stage, path)
    mesh.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(vertices.astype(np.float32)))
    mesh.CreateFaceVertexCountsAttr([3] * len(faces))
    mesh.CreateFaceVertexIndicesAttr(faces.ravel().tolist())
    UsdPhysics.CollisionAPI.Apply(mesh.GetPrim())
    UsdPhysics.MeshCollisionAPI.Apply(mesh.GetPrim()).CreateApproximationAttr("convexHull")
    return mesh


GEOMETRIC = {"NE.103", "NE.104", "NE.105", "NE.106", "NE.107", "NE.108", "NE.109", "NE.111"}


def test_limits_mean_the_same_in_centimetres_and_y_up(tmp_path: Path) -> None:
    """A floor 40 cm thick with its top at 0 and a block: fit in any unit and along any axis; 4 cm of it nowhere."""
    for up, unit in (("Z", 1.0), ("Y", 1.0), ("Z", 0.01), ("Y", 0.001)):
        for thickness, expected in ((0.4, set()), (0.04, {"NE.107"})):
            stage = stranger(tmp_path / f"{up}_{unit}_{thickness}.usda", up=up, metres_per_unit=unit)
            spans = [[-2, 2], [-2, 2], [-thickness, 0]] if up == "Z" else [[-2, 2], [-thickness, 0], [-2, 2]]
            low, high = np.array(spans).T / unit
            box(stage, "/Anything/ground", low.tolist(), high.tolist())
            stage.Save()
            found = fired(Path(stage.GetRootLayer().realPath))
            assert GEOMETRIC & set(found) == expected, (up, unit)
            assert ("NE.001" in found, "NE.002" in found) == (up == "Y", unit != 1.0)


def test_boxes_and_planes_are_floors_too(tmp_path: Path) -> None:
    for name, height in (("floor", 0.0), ("deep", -0.5)):
        stage = stranger(tmp_path / f"{name}.usda")
        cube = UsdGeom.Cube.Define(stage, "/Anything/ground")
        cube.CreateSizeAttr(4.0)
        cube.AddTranslateOp().Set((0, 0, height - 2.0))
        UsdPhysics.CollisionAPI.Apply(cube.GetPrim())
        stage.Save()
        assert ("NE.109" in fired(tmp_path / f"{name}.usda")) == (height != 0)
    stage = stranger(tmp_path / "plane.usda")
    UsdPhysics.CollisionAPI.Apply(UsdGeom.Plane.Define(stage, "/Anything/ground").GetPrim())
    stage.Save()
    assert not {"NE.101", "NE.109"} & set(fired(tmp_path / "plane.usda"))


def hull_of(stage: Usd.Stage, path: str, points: np.ndarray) -> None:
    vertices, faces = convex_hull(points, max_vertices=len(points))
    mesh = box(stage, path, [0, 0, 0], [1, 1, 1])
    mesh.GetPointsAttr().Set(Vt.Vec3fArray.FromNumpy(vertices))
    mesh.GetFaceVertexCountsAttr().Set([3] * len(faces))
    mesh.GetFaceVertexIndicesAttr().Set(faces.ravel().tolist())


@pytest.mark.parametrize(
    ("points", "told"),
    [
        (general(34), None),
        (general(35), "66 faces, at most 64"),
        (prism(32), None),
        (prism(33), "66 vertices, at most 64"),
    ],
)
def test_faces_of_a_hull_are_counted_by_their_planes(points: np.ndarray, told: str | None, tmp_path: Path) -> None:
    """PhysX takes 64 faces as they are, Newton 64 vertices; a round column of many triangles has few faces."""
    stage = stranger(tmp_path / "hull.usda")
    hull_of(stage, "/Anything/hull", points)
    stage.Save()
    (view,) = variant_views(tmp_path / "hull.usda")
    found = [issue.message for issue in nav_environment_issues(view, ["NE.106"])]
    assert len(found) == (told is not None) and (told or "") in "".join(found), found


def test_a_mirrored_hull_is_still_wound_outward(tmp_path: Path) -> None:
    stage = stranger(tmp_path / "mirrored.usda")
    box(stage, "/Anything/left", [1, 0, -1], [2, 1, 0])
    UsdGeom.Xformable(stage.GetPrimAtPath("/Anything/left")).AddScaleOp().Set((-1, 1, 1))
    stage.Save()
    assert not {"NE.104", "NE.105"} & set(fired(tmp_path / "mirrored.usda"))


def test_what_is_switched_off_does_not_collide(tmp_path: Path) -> None:
    stage = stranger(tmp_path / "off.usda")
    mesh = box(stage, "/Anything/ground", [-1, -1, -0.4], [1, 1, 0])
    UsdPhysics.CollisionAPI(mesh.GetPrim()).CreateCollisionEnabledAttr(False)
    stage.Save()
    assert "NE.101" in fired(tmp_path / "off.usda")


def test_without_a_default_prim_the_rest_is_still_examined(tmp_path: Path) -> None:
    stage = stranger(tmp_path / "none.usda", default_prim=False)
    box(stage, "/Anything/ground", [-1, -1, -0.4], [1, 1, 0])
    stage.Save()
    found = fired(tmp_path / "none.usda")
    assert {"NE.004", "NE.005", "NE.110", "NE.202", "NE.205"} <= set(found)


def test_assets_that_are_missing_outside_or_absolute(tmp_path: Path) -> None:
    """Kit's own shaders are found by Kit alone, and are no fault of the stage."""
    (tmp_path / "home").mkdir()
    for name in ("beside", "away"):
        layer = Sdf.Layer.CreateNew(str(tmp_path / f"{name}.usda"))
        Sdf.CreatePrimInLayer(layer, "/Thing").specifier = Sdf.SpecifierDef
        layer.defaultPrim = "Thing"
        layer.Save()
    stage = stranger(tmp_path / "home" / "stage.usda")
    stage.DefinePrim("/Anything/gone").GetPayloads().AddPayload("./gone.usd")
    stage.DefinePrim("/Anything/beside").GetReferences().AddReference("../beside.usda")
    stage.DefinePrim("/Anything/away").GetReferences().AddReference(str(tmp_path / "away.usda"))
    for name, file in (("kit", "OmniPBR.mdl"), ("own", "./own.mdl")):
        shader = UsdShade.Shader.Define(stage, f"/Anything/{name}")
        shader.GetPrim().CreateAttribute("info:mdl:sourceAsset", Sdf.ValueTypeNames.Asset).Set(file)
    stage.Save()
    found = fired(tmp_path / "home" / "stage.usda")
    assert {Path(path).name for path in found["NE.401"]} == {"gone.usd", "own.mdl"}
    assert sorted(Path(path).name for path in found["NE.402"]) == ["away.usda", "away.usda", "beside.usda"]


def test_normal_maps_are_numbers(tmp_path: Path) -> None:
    stage = stranger(tmp_path / "maps.usda")
    (tmp_path / "n.png").write_bytes(b"")
    for space in ("sRGB", "raw", None):
        surface = UsdShade.Shader.Define(stage, f"/Anything/m_{space}/surface")
        surface.CreateIdAttr("UsdPreviewSurface")
        texture = UsdShade.Shader.Define(stage, f"/Anything/m_{space}/texture")
        texture.CreateIdAttr("UsdUVTexture")
        texture.CreateInput("file", Sdf.ValueTypeNames.Asset).Set("./n.png")
        if space:
            texture.CreateInput("sourceColorSpace", Sdf.ValueTypeNames.Token).Set(space)
        output = texture.CreateOutput("rgb", Sdf.ValueTypeNames.Float3)
        surface.CreateInput("normal", Sdf.ValueTypeNames.Normal3f).ConnectToSource(output)
    stage.Save()
    assert fired(tmp_path / "maps.usda")["NE.208"] == ["/Anything/m_sRGB/texture"]


def test_a_folder_is_opened_by_its_entry_layer(package: Path, tmp_path: Path) -> None:
    assert entry_layer(package) == package / "world.usda"
    single = tmp_path / "single"
    single.mkdir()
    with pytest.raises(InputError, match="a folder with 0 USD files"):
        entry_layer(single)
    (single / "room.usdc").write_bytes(b"")
    assert entry_layer(single) == single / "room.usdc"
    (single / "hall.usdc").write_bytes(b"")
    with pytest.raises(InputError, match="a folder with 2 USD files"):
        entry_layer(single)
    (single / "stage.usd").write_bytes(b"")
    assert entry_layer(single) == single / "stage.usd"
    (single / "mesh.obj").write_bytes(b"")
    with pytest.raises(InputError, match="not a USD file by its name"):
        entry_layer(single / "mesh.obj")
