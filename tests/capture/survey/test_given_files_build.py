"""``lyra-sim build`` over files that people bring: the world they hold, or a refusal that names what isn't read."""

import numpy as np
import pytest
from PIL import Image

from lyra_sim.data.capture import Capture
from tests.capture.survey.glb_writer import CUBE, CUBE_FACES, Glb, hall
from tests.command_line import lyra_sim

SCENES = "version: 1\ndefaults: {preset: preview, seed: 7}\nscenes:\n  - {name: hall, surface: {files: [FILE], views: 12}}\n"


def captured(folder, name: str, capsys, *, fails: bool = False):
    (folder / "scenes.yaml").write_text(SCENES.replace("FILE", name), encoding="utf-8")
    code, said = lyra_sim(["build", str(folder / "scenes.yaml"), "--out", str(folder / "out"), "--until", "capture"], capsys)
    assert (code != 0) == fails, said
    return said, folder / "out" / "hall" / "steps" / "01_capture"


def furnished(*, instanced: bool) -> Glb:
    glb = Glb()
    hall(glb, glb.material((0.6, 0.5, 0.4)))
    shelf = glb.mesh(glb.primitive(CUBE * [0.3, 1.8, 0.4], CUBE_FACES, glb.material((0.2, 0.3, 0.6))))
    places = np.array([[0.2, 0, 2.5], [1.2, 0, 2.5], [2.2, 0, 2.5], [3.2, 0, 2.5]], "<f4")
    if instanced:
        held = {"TRANSLATION": glb.accessor(places)}
        glb.node(mesh=shelf, extensions={"EXT_mesh_gpu_instancing": {"attributes": held}})
        glb.uses("EXT_mesh_gpu_instancing")
    else:
        for place in places:
            glb.node(mesh=shelf, translation=place.tolist())
    return glb


def test_an_instanced_hall_is_the_hall(tmp_path, capsys):
    seen = []
    for instanced in (False, True):
        folder = tmp_path / str(instanced)
        folder.mkdir()
        furnished(instanced=instanced).save(folder / "hall.glb")
        _, step = captured(folder, "hall.glb", capsys)
        seen.append(Capture.load(step))
    assert [one.given.triangles for one in seen] == [120, 120]
    for index in range(len(seen[0].views)):
        assert np.array_equal(*(one.views.z_depth(index) for one in seen), equal_nan=True)


def test_a_quantized_hall_has_its_size_and_its_colour(tmp_path, capsys):
    pixels = np.full((64, 64, 3), (220, 30, 30), np.uint8)
    pixels[:32, 32:] = (30, 200, 30)
    glb = Glb()
    info = {
        "index": glb.texture(pixels),
        "extensions": {"KHR_texture_transform": {"offset": [0.5, 0], "scale": [0.5 / 4095] * 2}},
    }
    stored = np.round((CUBE - 0.5) * 2 * 32767).astype("<i2")
    positions = glb.accessor(stored, normalized=True, min=[-32767] * 3, max=[32767] * 3)
    uv = glb.accessor(np.round((0.1 + 0.8 * CUBE[:, :2]) * 4095).astype("<u2"))
    cube = glb.mesh(glb.primitive(positions, CUBE_FACES, glb.material(texture=info), TEXCOORD_0=uv))
    plain = Glb()
    hall(plain)
    for node in plain.tree["nodes"]:
        middle = np.array(node["translation"]) + np.array(node["scale"]) / 2
        glb.node(mesh=cube, translation=middle.tolist(), scale=(np.array(node["scale"]) / 2).tolist())
    glb.uses("KHR_mesh_quantization", "KHR_texture_transform")
    glb.save(tmp_path / "hall.glb")
    _, step = captured(tmp_path, "hall.glb", capsys)
    capture = Capture.load(step)
    assert 0.3 < np.nanmax(capture.views.z_depth(0)) < 5.6
    assert np.abs(np.asarray(Image.open(sorted((step / "rgb").iterdir())[0])).astype(int) - (30, 200, 30)).max() < 12


def test_a_refusal_names_the_extension_and_the_command(tmp_path, capsys):
    glb = Glb()
    hall(glb)
    glb.uses("KHR_meshopt_compression")
    glb.save(tmp_path / "hall.glb")
    said, _ = captured(tmp_path, "hall.glb", capsys, fails=True)
    assert "it requires the extension KHR_meshopt_compression, which isn't read" in said
    assert "npx gltfpack -i hall.glb -o hall_plain.glb -noq" in said


def test_what_is_left_out_is_told_on_the_console(tmp_path, capsys):
    glb = Glb()
    hall(glb)
    glb.node(mesh=glb.mesh({**glb.primitive(CUBE), "mode": 0}))
    glb.save(tmp_path / "hall.glb")
    said, _ = captured(tmp_path, "hall.glb", capsys)
    assert "note: hall.glb: 1 point primitives left out: they have no surface" in said


@pytest.mark.parametrize("name", ["hall.usda"])
def test_subsets_colour_what_the_cameras_see(tmp_path, capsys, name):
    from pxr import Sdf, Usd, UsdGeom, UsdShade, Vt

    plain = Glb()
    hall(plain)
    stage = Usd.Stage.CreateNew(str(tmp_path / name))
    UsdGeom.SetStageMetersPerUnit(stage, 0.01)
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
    boxes = [(np.array(node["translation"]), np.array(node["scale"])) for node in plain.tree["nodes"]]
    points = np.concatenate([CUBE * size + low for low, size in boxes]) * 100
    faces = np.concatenate([CUBE_FACES + 8 * k for k in range(len(boxes))])
    mesh = UsdGeom.Mesh.Define(stage, "/hall")
    mesh.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(points.astype(np.float32)))
    mesh.CreateFaceVertexCountsAttr([3] * len(faces))
    mesh.CreateFaceVertexIndicesAttr(faces.ravel().tolist())
    mesh.CreateSubdivisionSchemeAttr("none")
    for label, rgb, of_it in (("floor", (0, 1, 0), range(12)), ("rest", (1, 0, 0), range(12, len(faces)))):
        material = UsdShade.Material.Define(stage, f"/{label}")
        shader = UsdShade.Shader.Define(stage, f"/{label}/s")
        shader.CreateIdAttr("UsdPreviewSurface")
        shader.CreateInput("diffuseColor", Sdf.ValueTypeNames.Color3f).Set(rgb)
        material.CreateSurfaceOutput().ConnectToSource(shader.ConnectableAPI(), "surface")
        subset = UsdGeom.Subset.CreateGeomSubset(mesh, label, UsdGeom.Tokens.face, list(of_it), "materialBind")
        UsdShade.MaterialBindingAPI.Apply(subset.GetPrim()).Bind(material)
    stage.GetRootLayer().Save()
    _, step = captured(tmp_path, name, capsys)
    rgb = np.concatenate([np.asarray(Image.open(file)).reshape(-1, 3) for file in sorted((step / "rgb").iterdir())]).astype(int)
    green, red = (np.abs(rgb - colour).max(axis=1) < 30 for colour in ((0, 255, 0), (255, 0, 0)))
    assert (green | red).mean() > 0.98 and 0.1 < green.mean() < 0.6
