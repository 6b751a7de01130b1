"""Anybody's USD stage as one surface: shapes, subsets, instancers, materials, and an account of what isn't shown."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pxr import Gf, Sdf, Usd, UsdGeom, UsdShade, Vt

from lyra_sim.errors import InputError
from lyra_sim.usd.given_mesh import read_usd_mesh
from lyra_sim.usd.given_shapes import TOLERANCE_M
from tests.capture.survey.glb_writer import CUBE, CUBE_FACES
from tests.capture.survey.meshes import area_of, areas, bounds, colours, volume

PACKED = Path(__file__).parents[1] / "capture" / "survey" / "packed"
GREEN, RED, BLUE = (63, 203, 63), (218, 63, 63), (63, 89, 218)


def new(tmp_path, *, unit: float = 1.0) -> Usd.Stage:
    stage = Usd.Stage.CreateNew(str(tmp_path / "a.usda"))
    UsdGeom.SetStageMetersPerUnit(stage, unit)
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.z)
    return stage


def read(stage: Usd.Stage):
    stage.GetRootLayer().Save()
    return read_usd_mesh(Path(stage.GetRootLayer().realPath))


def cube(stage: Usd.Stage, at: str, shift: tuple[float, float, float] = (0, 0, 0)) -> UsdGeom.Mesh:
    mesh = UsdGeom.Mesh.Define(stage, at)
    mesh.CreatePointsAttr(Vt.Vec3fArray.FromNumpy((CUBE + shift).astype(np.float32)))
    mesh.CreateFaceVertexCountsAttr([3] * 12)
    mesh.CreateFaceVertexIndicesAttr(CUBE_FACES.ravel().tolist())
    mesh.CreateSubdivisionSchemeAttr("none")
    return mesh


def look(stage: Usd.Stage, at: str, kind: str = "UsdPreviewSurface", **inputs) -> UsdShade.Material:
    material = UsdShade.Material.Define(stage, at)
    shader = UsdShade.Shader.Define(stage, f"{at}/s")
    shader.CreateIdAttr(kind)
    for name, value in inputs.items():
        type_ = Sdf.ValueTypeNames.Asset if isinstance(value, Sdf.AssetPath) else Sdf.ValueTypeNames.Color3f
        shader.CreateInput(name, type_).Set(value)
    output = material.CreateSurfaceOutput() if kind == "UsdPreviewSurface" else material.CreateSurfaceOutput("mdl")
    output.ConnectToSource(shader.ConnectableAPI(), "surface")
    return material


def bind(prim, material: UsdShade.Material) -> None:
    UsdShade.MaterialBindingAPI.Apply(prim).Bind(material)


def test_subsets_bring_their_own_materials(tmp_path):
    stage = new(tmp_path)
    mesh = cube(stage, "/cube")
    bind(mesh.GetPrim(), look(stage, "/rest", diffuseColor=(0.7, 0.05, 0.05)))
    for name, rgb, faces in (("floor", (0.05, 0.6, 0.05), [0, 1]), ("side", (0.05, 0.1, 0.7), [4, 5, 1, 99])):
        subset = UsdGeom.Subset.CreateGeomSubset(mesh, name, UsdGeom.Tokens.face, faces, "materialBind")
        bind(subset.GetPrim(), look(stage, f"/{name}", diffuseColor=rgb))
    found = read(stage)
    assert [area_of(found.mesh, rgb) for rgb in (GREEN, BLUE, RED)] == pytest.approx([1, 1, 4])
    assert [str(one) for one in found.notes.left_out] == [
        "1 faces in two GeomSubsets left out: the mesh contradicts itself",
        "1 faces of GeomSubsets that aren't there left out: the mesh contradicts itself",
    ]


@pytest.mark.written_by("Blender")
def test_what_blender_wrote():
    found = read_usd_mesh(PACKED / "blender.usdc")
    assert (found.metres_per_unit, found.up) == (1.0, "z")
    assert np.allclose(bounds(found.mesh), [[0, 0, 0], [4, 3, 2.5]], atol=1e-5)
    assert area_of(found.mesh, GREEN) == pytest.approx(12)
    assert area_of(found.mesh, RED) == pytest.approx(12 + 35)
    assert area_of(found.mesh, BLUE) == pytest.approx(6 + 5.5 + 3), "the L is one polygon with an inward corner"
    assert not found.notes.lines


ROUND = {
    "Sphere": ({"radius": 0.7}, 4 * np.pi * 0.49, 4 / 3 * np.pi * 0.343),
    "Cylinder": ({"radius": 0.5, "height": 2.0}, 2 * np.pi * 0.5 * 2.5, np.pi * 0.25 * 2),
    "Cone": ({"radius": 0.5, "height": 1.2}, np.pi * 0.5 * (0.5 + 1.3), np.pi * 0.25 * 0.4),
    "Capsule": ({"radius": 0.5, "height": 1.0}, np.pi + np.pi, np.pi * 0.25 + 4 / 3 * np.pi * 0.125),
    "Cube": ({"size": 3.0}, 54, 27),
}


@pytest.mark.parametrize("kind", ROUND)
@pytest.mark.parametrize("axis", ["X", "Y", "Z"])
@pytest.mark.parametrize("unit", [1.0, 0.01])
def test_shapes_are_within_a_millimetre_and_wound_outward(tmp_path, kind, axis, unit):
    stage = new(tmp_path, unit=unit)
    values, area, inside = ROUND[kind]
    prim = stage.DefinePrim("/thing", kind)
    for name, value in values.items():
        prim.GetAttribute(name).Set(value / unit)
    if prim.HasAttribute("axis"):
        prim.GetAttribute("axis").Set(axis)
    found = read(stage)
    assert areas(found.mesh).sum() * unit**2 == pytest.approx(area, rel=0.006)
    assert volume(found.mesh) * unit**3 == pytest.approx(inside, rel=0.006)
    extent = UsdGeom.Boundable.ComputeExtentFromPlugins(UsdGeom.Boundable(prim), Usd.TimeCode.Default())
    assert np.abs(bounds(found.mesh) - np.array(extent)).max() * unit < 1.5 * TOLERANCE_M
    if kind != "Cube":
        middle = found.mesh.vertices[found.mesh.faces].mean(axis=1) * unit
        assert found.notes.remarks == ("1 analytic shapes stand as polyhedra, within 1 mm up to 25 m of radius",)
        if kind == "Sphere":
            assert 0.7 - np.linalg.norm(middle, axis=1).min() < TOLERANCE_M


@pytest.mark.parametrize(("axis", "normal", "size"), [("Z", 2, (2, 3, 0)), ("Y", 1, (2, 0, 3)), ("X", 0, (0, 3, 2))])
def test_planes_lie_as_usd_says(tmp_path, axis, normal, size):
    stage = new(tmp_path)
    plane = UsdGeom.Plane.Define(stage, "/p")
    plane.CreateWidthAttr(2.0)
    plane.CreateLengthAttr(3.0)
    plane.CreateAxisAttr(axis)
    mesh = read(stage).mesh
    assert np.allclose(np.ptp(mesh.vertices, axis=0), size)
    points = mesh.vertices[mesh.faces]
    assert (np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0])[:, normal] > 0).all()


def test_purposes_visibility_and_types_that_are_not_read(tmp_path):
    stage = new(tmp_path)
    cube(stage, "/shown")
    for k, purpose in enumerate(("guide", "proxy", "render")):
        UsdGeom.Imageable(cube(stage, f"/p{k}", (2 + k, 0, 0))).CreatePurposeAttr(purpose)
    UsdGeom.Xform.Define(stage, "/dark")
    cube(stage, "/dark/c", (9, 0, 0))
    UsdGeom.Imageable(stage.GetPrimAtPath("/dark")).MakeInvisible()
    UsdGeom.BasisCurves.Define(stage, "/curves")
    stage.DefinePrim("/odd", "AcmeWall")
    cube(stage, "/off", (12, 0, 0)).GetPrim().SetActive(False)
    found = read(stage)
    assert len(found.mesh.faces) == 24
    assert [str(one) for one in found.notes.left_out] == [
        "1 prims left out: their purpose is 'guide'",
        "1 prims left out: their purpose is 'proxy'",
        "1 prims left out: they are invisible",
        "1 BasisCurves prims left out: the type isn't read",
        "1 AcmeWall prims left out: USD has no schema of that type here",
    ]


def test_units_cages_variants_and_time(tmp_path):
    stage = Usd.Stage.CreateNew(str(tmp_path / "a.usda"))
    mesh = cube(stage, "/cube")
    mesh.CreateSubdivisionSchemeAttr("catmullClark")
    mesh.AddTranslateOp().GetAttr().Set((5.0, 0, 0), 10.0)
    mesh.GetPrim().GetVariantSets().AddVariantSet("size").AddVariant("big")
    mesh.GetPrim().GetVariantSets().GetVariantSet("size").SetVariantSelection("big")
    mesh.CreateHoleIndicesAttr([0, 1])
    found = read(stage)
    assert (found.metres_per_unit, found.up) == (0.01, "y")
    assert bounds(found.mesh)[0, 0] == 5, "moved by its earliest sample, as viewers open it"
    assert areas(found.mesh).sum() == pytest.approx(5)
    assert found.notes.remarks == (
        "2 faces are holes",
        "1 subdivision surfaces stand as their cage",
        "metersPerUnit isn't stated; USD's fallback, 0.01, is taken",
        "upAxis isn't stated; USD's fallback, Y, is taken",
        "1 variant sets stand as selected: /cube {size=big}",
    )


def test_payloads_of_another_unit_are_read_and_told(tmp_path):
    part = Usd.Stage.CreateNew(str(tmp_path / "part.usda"))
    UsdGeom.SetStageMetersPerUnit(part, 0.01)
    cube(part, "/part")
    part.SetDefaultPrim(part.GetPrimAtPath("/part"))
    part.GetRootLayer().Save()
    stage = new(tmp_path)
    stage.DefinePrim("/held").GetPayloads().AddPayload("part.usda")
    found = read(stage)
    assert len(found.mesh.faces) == 12
    assert found.notes.remarks == ("1 layers have another unit (part.usda: 0.01 m, stage: 1 m); USD converts nothing",)


def test_a_texture_by_another_name_turned_and_shifted(tmp_path):
    pixels = np.zeros((2, 2, 3), np.uint8)
    pixels[0, 0], pixels[0, 1], pixels[1, 0], pixels[1, 1] = (200, 0, 0), (0, 200, 0), (0, 0, 200), (200, 200, 0)
    Image.fromarray(pixels).save(tmp_path / "skin.png")
    stage = new(tmp_path)
    mesh = cube(stage, "/cube")
    UsdGeom.PrimvarsAPI(mesh).CreatePrimvar("UVMap", Sdf.ValueTypeNames.TexCoord2fArray, "vertex").Set([(0.25, 0.25)] * 8)
    material = look(stage, "/m", diffuseColor=(1, 0, 0))
    surface = UsdShade.Shader(stage.GetPrimAtPath("/m/s"))
    texture, move, reader = (UsdShade.Shader.Define(stage, f"/m/{name}") for name in ("texture", "move", "reader"))
    for shader, kind in ((texture, "UsdUVTexture"), (move, "UsdTransform2d"), (reader, "UsdPrimvarReader_float2")):
        shader.CreateIdAttr(kind)
    texture.CreateInput("file", Sdf.ValueTypeNames.Asset).Set("skin.png")
    texture.CreateInput("st", Sdf.ValueTypeNames.Float2).ConnectToSource(move.ConnectableAPI(), "result")
    move.CreateInput("in", Sdf.ValueTypeNames.Float2).ConnectToSource(reader.ConnectableAPI(), "result")
    move.CreateInput("rotation", Sdf.ValueTypeNames.Float).Set(90.0)
    move.CreateInput("translation", Sdf.ValueTypeNames.Float2).Set((1.0, 0.5))
    reader.CreateInput("varname", Sdf.ValueTypeNames.String).Set("UVMap")
    surface.GetInput("diffuseColor").ConnectToSource(texture.ConnectableAPI(), "rgb")
    bind(mesh.GetPrim(), material)
    assert (colours(read(stage).mesh) == (0, 200, 0)).all(), "(0.25, 0.25) turned is (-0.25, 0.25), moved (0.75, 0.75)"


def test_colours_of_mdl_and_images_that_are_gone(tmp_path):
    stage = new(tmp_path)
    bind(cube(stage, "/a").GetPrim(), look(stage, "/omni", "OmniPBR", diffuse_color_constant=(0.7, 0.05, 0.05)))
    bind(cube(stage, "/b", (2, 0, 0)).GetPrim(), look(stage, "/odd", "AcmeGlass"))
    bind(cube(stage, "/c", (4, 0, 0)).GetPrim(), look(stage, "/gone", "OmniPBR", diffuse_texture=Sdf.AssetPath("gone.png")))
    found = read(stage)
    assert area_of(found.mesh, RED) == pytest.approx(6) and area_of(found.mesh, (178, 178, 178)) == pytest.approx(12)
    assert [str(one) for one in found.notes.left_out] == [
        "1 materials left out: their base colour isn't stated in a way that is read",
        "1 images left out: gone.png",
    ]


def instancer(stage, at: str, targets: list[str], positions: list) -> UsdGeom.PointInstancer:
    made = UsdGeom.PointInstancer.Define(stage, at)
    made.CreatePrototypesRel().SetTargets(targets)
    made.CreateProtoIndicesAttr([0] * len(positions))
    made.CreatePositionsAttr([Gf.Vec3f(*map(float, one)) for one in positions])
    return made


def test_instances_switched_off_and_prototypes_elsewhere(tmp_path):
    stage = new(tmp_path)
    stage.OverridePrim("/Library")
    cube(stage, "/Library/c")
    stage.GetPrimAtPath("/Library").SetSpecifier(Sdf.SpecifierOver)
    made = instancer(stage, "/World/many", ["/Library/c"], [(0, 0, 0), (2, 0, 0), (4, 0, 0), (6, 0, 0)])
    made.CreateInvisibleIdsAttr([1])
    made.GetPrim().SetMetadata("inactiveIds", Sdf.Int64ListOp.CreateExplicit([3]))
    found = read(stage)
    assert sorted(set(found.mesh.vertices[:, 0].tolist())) == [0, 1, 4, 5]
    assert [str(one) for one in found.notes.left_out] == [
        "2 instances left out: they are switched off (invisibleIds or inactiveIds)"
    ]


def refused(path: Path) -> str:
    tracemalloc.start()
    try:
        with pytest.raises(InputError) as raised:
            read_usd_mesh(path)
        assert tracemalloc.get_traced_memory()[1] < 120e6
    finally:
        tracemalloc.stop()
    return str(raised.value)


def hostile(stage: Usd.Stage, kind: str) -> None:
    match kind:
        case "holds itself":
            cube(stage, "/many/c")
            instancer(stage, "/many", ["/many"], [(0, 0, 0), (1, 0, 0)])
        case "hold each other":
            instancer(stage, "/one", ["/two"], [(0, 0, 0)])
            instancer(stage, "/two", ["/one"], [(0, 0, 0)])
        case "instances of instances":
            cube(stage, "/c")
            below = "/c"
            for k in range(5):
                instancer(stage, f"/i{k}", [below], [(0, 0, 0)] * 300)
                below = f"/i{k}"
        case "indices":
            cube(stage, "/c")
            instancer(stage, "/many", ["/c"], [(0, 0, 0)]).CreateProtoIndicesAttr([7])
        case "lengths":
            cube(stage, "/c")
            instancer(stage, "/many", ["/c"], [(0, 0, 0)] * 2).CreateProtoIndicesAttr([0])
        case "no prototype":
            instancer(stage, "/many", ["/gone"], [(0, 0, 0)])
        case "spheres by the million":
            UsdGeom.Sphere.Define(stage, "/s").CreateRadiusAttr(500.0)
            instancer(stage, "/many", ["/s"], [(0, 0, 0)] * 1000)
        case "reference gone":
            cube(stage, "/c")
            stage.DefinePrim("/r").GetReferences().AddReference("gone.usda")
        case "reference over the net":
            cube(stage, "/c")
            stage.DefinePrim("/r").GetReferences().AddReference("http://example.org/a.usda")
        case "reference to itself":
            stage.DefinePrim("/r").GetReferences().AddInternalReference("/r/below")
            stage.DefinePrim("/r/below").GetReferences().AddInternalReference("/r")
        case "nothing":
            stage.DefinePrim("/empty", "Xform")
        case "contradiction":
            cube(stage, "/c").CreateFaceVertexCountsAttr([3, -1, 34])


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("holds itself", "the PointInstancer /many holds itself"),
        ("hold each other", "holds itself"),
        ("instances of instances", "instances"),
        ("indices", "names prototype 7"),
        ("lengths", "has 1 indices, 2 positions"),
        ("no prototype", "names /gone"),
        ("spheres by the million", "triangles, instances counted each"),
        ("reference gone", "part of the scene isn't there"),
        ("reference over the net", "part of the scene isn't there"),
        ("reference to itself", "part of the scene isn't there"),
        ("nothing", "no triangle to build from"),
        ("contradiction", "other corners than they count"),
    ],
)
def test_stages_that_lie_are_one_clear_error(tmp_path, kind, text):
    stage = new(tmp_path)
    hostile(stage, kind)
    stage.GetRootLayer().Save()
    assert text in refused(tmp_path / "a.usda")


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("a.usda", b"#usda 1.0\n" + b'def "a" {\n' * 200_000, "prims nested 200000 deep"),
        ("a.usda", b"#usda 1.0\ndef Mesh", "can't be opened"),
        ("a.usdc", b"PXR-USDC" + b"\xff" * 200, "can't be opened"),
        ("a.usdz", b"PK\x03\x04" + b"\0" * 50, "can't be opened"),
        ("a.usd", b"glTF\x02\0\0\0", "it is a binary glTF file"),
    ],
)
def test_files_that_are_no_stage(tmp_path, name, data, text):
    (tmp_path / name).write_bytes(data)
    assert text in refused(tmp_path / name)


def test_a_stage_that_was_cut_short(tmp_path):
    data = (PACKED / "blender.usdc").read_bytes()
    for cut in (9, 100, 1000, len(data) // 2, len(data) - 1):
        (tmp_path / "a.usdc").write_bytes(data[:cut])
        assert "can't be opened" in refused(tmp_path / "a.usdc")
