"""Given meshes and splats: surveyed from inside, seen from all sides, exact where they are, refused where they are broken."""

import json
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from lyra_sim.capture.survey.mesh_files import read_given_mesh
from lyra_sim.capture.survey.splat_surface import opaque_surface, read_given_splats
from lyra_sim.conventions import c2w_opengl_from_opencv
from lyra_sim.data.capture import Capture
from lyra_sim.data.splats import Splats
from lyra_sim.errors import GeometryError, InputError, SpecError
from lyra_sim.geometry.cameras import unproject
from lyra_sim.reconstructors.given_splats import keep_given
from lyra_sim.scene.sources import SurfaceSource
from lyra_sim.scene.spec import SceneSpec
from lyra_sim.steps.capture import capture as capture_step
from lyra_sim.usd.given_mesh import files_of_usd, read_usd_mesh
from tests.capture.given_rooms import mesh_of, splats_of, write_spz
from tests.rooms import camera_path, furnished_room, look
from tests.scene_parts import captured


@pytest.fixture(scope="module")
def room():
    return furnished_room(views=4)


def surface(files: Path | list[Path], **keys) -> SceneSpec:
    source = keys.pop("source", {})
    keys = {"up": "z", "scale": "metric", **keys}
    return SceneSpec.model_validate({"name": "room", "surface": {"files": files, "views": 60, **source}, **keys})


def survey(cfg: SceneSpec, out: Path) -> Capture:
    return captured(cfg, out)


@pytest.fixture(scope="module")
def surveyed(room, tmp_path_factory) -> Capture:
    folder = tmp_path_factory.mktemp("given")
    mesh_of(room).export(folder / "room.ply")
    capture = survey(surface(folder / "room.ply"), folder / "out")
    capture.save(folder / "out")
    return Capture.load(folder / "out")


def test_every_camera_stands_in_the_air_of_both_rooms(room, surveyed):
    centres = surveyed.cameras.centres
    assert not room.solid(centres).any()
    assert room.distance(centres).min() > 0.14
    assert (centres[:, 0] < 4.0).any() and (centres[:, 0] > 4.12).any(), "the door leads to the second room"
    off = np.abs(centres[:, 2, None] - [0.4, 1.2]).min(axis=1)
    assert off.max() < 0.06, "never on the low box, 0.35 m high"


def test_depth_lies_on_the_true_surface(room, surveyed):
    for index in range(0, len(surveyed.views), 7):
        points = unproject(surveyed.views.z_depth(index), surveyed.cameras.K[index], surveyed.cameras.c2w[index])
        points = points[np.isfinite(points).all(axis=2)]
        assert len(points) > 70_000
        assert np.quantile(room.distance(points), 0.999) < 0.002


def test_nearly_all_of_the_room_side_is_seen_twice(room, surveyed):
    """Counted on an exact sample of the faces that look into air, not by the survey's own cells."""
    rng = np.random.default_rng(0)
    mesh = mesh_of(room)
    points, faces = trimesh.sample.sample_surface(mesh, 4000, seed=1)
    sides = [points + sign * 0.01 * mesh.face_normals[faces] for sign in (1, -1)]
    into_air = [~room.solid(side) for side in sides]
    points = np.concatenate([point[air] for point, air in zip((points, points), into_air, strict=True)])
    points = points[rng.permutation(len(points))[:2000]]
    seen = np.zeros(len(points), int)
    for index in range(len(surveyed.views)):
        w2c, K = surveyed.cameras.w2c[index], surveyed.cameras.K[index]
        camera = points @ w2c[:3, :3].T + w2c[:3, 3]
        with np.errstate(divide="ignore", invalid="ignore"):
            uv = camera[:, :2] / camera[:, 2:] * [K[0, 0], K[1, 1]] + K[:2, 2]
        ok = (camera[:, 2] > 0.1) & (uv >= 0).all(1) & (uv < [320, 240]).all(1)
        z = surveyed.views.z_depth(index)[uv[ok].astype(int)[:, 1], uv[ok].astype(int)[:, 0]]
        seen[ok] += np.abs(z - camera[ok, 2]) < 0.05
    assert (seen >= 1).mean() > 0.97
    assert (seen >= 2).mean() > 0.93


def test_an_open_house_is_surveyed_from_inside_and_not_from_its_roof(room, tmp_path):
    mesh_of(room, ceiling=False).export(tmp_path / "open.obj")
    capture = survey(surface([tmp_path / "open.obj"], source={"views": 12}), tmp_path / "out")
    assert (capture.cameras.centres[:, 2] < 1.4).all()
    assert not room.solid(capture.cameras.centres).any()


def test_the_same_mesh_gives_the_same_bytes(room, tmp_path):
    mesh_of(room).export(tmp_path / "room.ply")
    for out in ("a", "b"):
        survey(surface(tmp_path / "room.ply", source={"views": 8}), tmp_path / out).save(tmp_path / out)
    names = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert len(names) > 16
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in names)


def test_gltf_says_its_unit_and_its_up_axis(room, tmp_path):
    mesh = mesh_of(room)
    mesh.apply_transform(trimesh.transformations.rotation_matrix(-np.pi / 2, [1, 0, 0]))
    mesh.export(tmp_path / "room.glb")
    capture = survey(surface(tmp_path / "room.glb", up="auto", scale="auto", source={"views": 8}), tmp_path / "out")
    assert (capture.scale.metres_per_unit, capture.scale.source) == (1.0, "unit of the glTF")
    world = capture.world_from_capture.apply(capture.cameras.centres)
    assert (world[:, 2] > 0.3).all() and (world[:, 2] < 1.4).all()
    assert capture.given.files == ("room.glb",) and capture.depth is not None and capture.depth.kind == "given mesh"


def test_a_stated_unit_scales_what_is_read(room, tmp_path):
    mesh = mesh_of(room)
    mesh.apply_scale(100)
    mesh.export(tmp_path / "cm.ply")
    cfg = surface(tmp_path / "cm.ply", scale={"metres_per_unit": 0.01}, source={"views": 8, "start": [200, 200, 0]})
    capture = survey(cfg, tmp_path / "out")
    assert 20 < np.median(capture.cameras.centres[:, 2]) < 150, "the capture frame is the file's own"
    z = capture.views.z_depth(0)
    assert 50 < np.nanmax(z) < 900


def test_usd_brings_unit_axis_colour_and_instances(tmp_path):
    text = """#usda 1.0
(
    upAxis = "Y"
    metersPerUnit = 0.01
)
def Xform "A" (
    references = </Proto>
)
{
    double3 xformOp:translate = (10, 0, 0)
    uniform token[] xformOpOrder = ["xformOp:translate"]
}
def Xform "Proto"
{
    def Mesh "Quad"
    {
        int[] faceVertexCounts = [4]
        int[] faceVertexIndices = [0, 1, 2, 3]
        point3f[] points = [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)]
        color3f[] primvars:displayColor = [(1, 0, 0)]
    }
    def Mesh "Guide"
    {
        uniform token purpose = "guide"
        int[] faceVertexCounts = [3]
        int[] faceVertexIndices = [0, 1, 2]
        point3f[] points = [(0, 0, 5), (1, 0, 5), (1, 1, 5)]
    }
}
"""
    (tmp_path / "a.usda").write_text(text, encoding="utf-8")
    read = read_usd_mesh(tmp_path / "a.usda")
    assert (read.metres_per_unit, read.up, len(read.mesh.faces)) == (0.01, "y", 4)
    assert sorted(set(np.round(read.mesh.vertices[:, 0]).tolist())) == [0, 1, 10, 11]
    assert (read.mesh.corner_rgb == [255, 0, 0]).all()
    assert files_of_usd(tmp_path / "a.usda") == (tmp_path / "a.usda",)


def test_a_texture_lands_where_its_coordinates_say(tmp_path):
    pixels = np.zeros((2, 2, 3), np.uint8)
    pixels[0, 0], pixels[1, 1] = [250, 0, 0], [0, 0, 250]
    quad = trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], [[0, 1, 2], [0, 2, 3]], process=False)
    material = trimesh.visual.material.PBRMaterial(baseColorTexture=Image.fromarray(pixels))
    uv = [[0, 0], [1, 0], [1, 1], [0, 1]]
    quad.visual = trimesh.visual.TextureVisuals(uv=uv, material=material)
    quad.export(tmp_path / "quad.glb")
    from lyra_sim.rendering.painted_view import PaintedScene

    scene = PaintedScene(read_given_mesh(tmp_path / "quad.glb").mesh)
    down = np.diag([1.0, -1, -1, 1])
    down[:3, 3] = [0.5, 0.5, 1.0]
    rgb, z = scene.view(camera_path([down], width=20, height=20, focal=24.0), 0)
    assert np.allclose(z, 1, atol=1e-5)
    assert rgb[5, 5].tolist() == [250, 0, 0], "upper left: u small, v large"
    assert rgb[15, 15].tolist() == [0, 0, 250]


def test_stated_cameras_are_used_as_they_are(room, tmp_path):
    mesh_of(room).export(tmp_path / "room.ply")
    c2w = [look(np.array([1.0, 1.5, 1.1]), 0.2 * k, -0.2) for k in range(4)]
    frames = [{"file_path": f"{k}.png", "transform_matrix": c2w_opengl_from_opencv(m).tolist()} for k, m in enumerate(c2w)]
    lens = {"w": 64, "h": 48, "fl_x": 40, "fl_y": 40, "cx": 32, "cy": 24}
    (tmp_path / "cameras.json").write_text(json.dumps({**lens, "frames": frames}), encoding="utf-8")
    cfg = surface(tmp_path / "room.ply", source={"cameras": tmp_path / "cameras.json"})
    capture = survey(cfg, tmp_path / "out")
    assert np.allclose(capture.cameras.c2w, np.stack(c2w)) and capture.views.z_depth(0).shape == (48, 64)


@pytest.mark.parametrize("suffix", [".ply", ".spz"])
def test_given_splats_stay_the_worlds_and_give_its_depth(room, tmp_path, suffix):
    splats = splats_of(room)
    path = tmp_path / f"room{suffix}"
    splats.save_ply(path) if suffix == ".ply" else write_spz(path, splats)
    cfg = SceneSpec.model_validate({"name": "r", "splats": {"file": path, "views": 14}, "up": "z", "scale": "metric"})
    capture = captured(cfg, tmp_path / "out")
    capture.save(tmp_path / "out")
    capture = Capture.load(tmp_path / "out")
    assert not room.solid(capture.cameras.centres).any()
    errors = []
    for index in range(0, len(capture.views), 3):
        points = unproject(capture.views.z_depth(index), capture.cameras.K[index], capture.cameras.c2w[index])
        errors.append(room.distance(points[np.isfinite(points).all(axis=2)]))
    assert np.median(np.concatenate(errors)) < 0.01 and np.quantile(np.concatenate(errors), 0.9) < 0.05
    world = keep_given(capture, cfg.reconstruct)
    assert np.array_equal(world.splats.means, read_given_splats(path).splats.means)
    assert world.surface is not None and 0.9 < (room.distance(world.surface.means.astype(float)) < 0.05).mean()


def test_harmonics_come_in_degree_0_or_3(room, tmp_path):
    for degree, wanted in ((0, 0), (1, 3), (2, 3), (3, 3)):
        splats = splats_of(room, degree=degree)
        splats.save_ply(tmp_path / "a.ply")
        read = read_given_splats(tmp_path / "a.ply").splats
        assert read.sh_degree == wanted
        assert np.array_equal(read.sh_coeffs[:, : (degree + 1) ** 2], splats.sh_coeffs)
        assert not read.sh_coeffs[:, (degree + 1) ** 2 :].any()


def test_higher_harmonics_turn_with_the_splats(room):
    from scipy.spatial.transform import Rotation

    from lyra_sim.geometry.rigid import Similarity
    from lyra_sim.rendering.splat_view import colors_towards

    splats = splats_of(room, degree=3)
    turn = Rotation.from_rotvec([0.3, -1.1, 0.7]).as_matrix()
    moved = splats.moved(Similarity(scale=2.0, rotation=turn, translation=np.array([1.0, 2, 3])))
    directions = np.random.default_rng(2).normal(size=(len(splats), 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    before, after = (colors_towards(s.sh_coeffs, d) for s, d in ((splats, directions), (moved, directions @ turn.T)))
    assert np.abs(before - after).max() < 1e-5
    assert np.abs(before - colors_towards(moved.sh_coeffs, directions)).max() > 0.1, "unturned directions differ"


def broken_splats(**changed) -> Splats:
    count = 40
    fields = {
        "means": np.random.default_rng(0).normal(size=(count, 3)).astype(np.float32),
        "quats_wxyz": np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1)),
        "log_scales": np.full((count, 3), -3, np.float32),
        "opacity_logits": np.full(count, 2, np.float32),
        "sh_coeffs": np.zeros((count, 1, 3), np.float32),
    }
    return Splats(**{**fields, **changed})


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"opacity_logits": np.linspace(0.1, 0.99, 40, dtype=np.float32)}, "activated already"),
        ({"log_scales": np.full((40, 3), 0.03, np.float32)}, "scales are activated already"),
        ({"quats_wxyz": np.zeros((40, 4), np.float32)}, "40 with a rotation of zero"),
        ({"log_scales": np.linspace(-4, 100, 120, dtype=np.float32).reshape(40, 3)}, "a scale of up to e"),
        ({"means": np.full((40, 3), 1e20, np.float32)}, "1e+20 units away".replace("+", r"\+")),
    ],
)
def test_splats_that_would_render_as_fog_are_refused(tmp_path, changed, text):
    broken_splats(**changed).save_ply(tmp_path / "a.ply")
    with pytest.raises(InputError, match=text):
        read_given_splats(tmp_path / "a.ply")


def test_splats_in_centimetres_are_refused_before_they_are_sampled():
    """A metre's size of surface sampled at half a cell would take gigabytes here."""
    spread = np.random.default_rng(0).uniform(-900, 900, (40, 3)).astype(np.float32)
    with pytest.raises(GeometryError):
        opaque_surface(broken_splats(means=spread, log_scales=np.full((40, 3), np.log(30.0), np.float32)), 0.1, subject="a.ply")


@pytest.mark.parametrize(
    ("prim", "counts", "unit", "said"),
    [
        ("BasisCurves", "[3]", 1.0, "1 BasisCurves prims left out: the type isn't read"),
        ("Mesh", "[3, -1, 4]", 1.0, "no triangle to build from"),
        ("Mesh", "[3, 3]", 0.0, "metersPerUnit is 0"),
    ],
)
def test_usd_that_cannot_be_read_rightly_is_refused(tmp_path, prim, counts, unit, said):
    text = f"""#usda 1.0
(
    metersPerUnit = {unit}
    upAxis = "Z"
)
def {prim} "thing"
{{
    int[] faceVertexCounts = {counts}
    int[] faceVertexIndices = [0, 1, 2, 0, 2, 1]
    point3f[] points = [(0, 0, 0), (1, 0, 0), (0, 1, 0)]
}}
"""
    (tmp_path / "a.usda").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        read_usd_mesh(tmp_path / "a.usda")


def test_splats_with_nan_are_dropped_and_told(tmp_path):
    splats = broken_splats()
    splats.means[3, 1] = np.nan
    splats.save_ply(tmp_path / "a.ply")
    reading = read_given_splats(tmp_path / "a.ply")
    assert len(reading.splats) == 39 and "1 splats with values that aren't numbers left out" in reading.notes.lines[0]


def test_a_stray_triangle_of_a_scan_stays_out_of_the_survey(room, tmp_path):
    stray = trimesh.Trimesh([[3000.0, 0, 0], [3001, 0, 0], [3000, 1, 0]], [[0, 1, 2]], process=False)
    fine = mesh_of(room).subdivide().subdivide()
    trimesh.util.concatenate([fine, stray]).export(tmp_path / "room.ply")
    fine.export(tmp_path / "clean.ply")
    capture = survey(surface(tmp_path / "room.ply"), tmp_path / "out")
    clean = survey(surface(tmp_path / "clean.ply"), tmp_path / "clean")
    assert capture.given.survey.standing == clean.given.survey.standing and clean.told == ()
    assert capture.told[0].startswith("room.ply: 1 triangles far outside left out: ") and len(capture.told) == 1


def written(folder: Path, kind: str) -> Path:
    path = folder / f"a.{kind.split('_')[0]}"
    quad = trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [1, 1, 0]], [[0, 1, 2]], process=False)
    match kind:
        case "ply_nan":
            quad.vertices[:] = np.nan
            quad.export(path)
        case "ply_flat":
            quad.vertices[2] = quad.vertices[1]
            quad.export(path)
        case "ply_points":
            trimesh.PointCloud(np.eye(3)).export(path)
        case "glb_text" | "obj_empty" | "stl_wrong" | "usda_text":
            path.write_bytes(b"" if kind == "obj_empty" else b"not what the name says")
        case "glb_cut":
            quad.export(path)
            path.write_bytes(path.read_bytes()[:200])
    return path


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("ply_nan", "no triangle to build from"),
        ("ply_flat", "no triangle to build from"),
        ("ply_points", "point cloud, or splats"),
        ("glb_text", "can't be read as a mesh"),
        ("glb_cut", "It is truncated"),
        ("obj_empty", "the file is empty"),
        ("stl_wrong", "unknown kind of file"),
        ("usda_text", "can't be opened as a USD stage"),
        ("glb_missing", "the file is missing"),
    ],
)
def test_broken_meshes_are_one_clear_error(tmp_path, kind, text):
    with pytest.raises(InputError, match=text):
        survey(surface(written(tmp_path, kind)), tmp_path / "out")


def test_triangles_that_are_none_are_left_out_and_counted(room, tmp_path):
    mesh = mesh_of(room)
    faces = np.concatenate([mesh.faces, [[0, 0, 1], [2, 2, 2]]])
    trimesh.Trimesh(mesh.vertices, faces, process=False).export(tmp_path / "a.ply")
    read = read_given_mesh(tmp_path / "a.ply")
    assert (read.dropped, len(read.mesh.faces)) == (2, len(mesh.faces))


@pytest.mark.parametrize(
    ("keys", "error", "text"),
    [
        ({"up": "auto"}, SpecError, "which axis of the PLY points up"),
        ({"scale": "auto"}, SpecError, "how long a unit of the PLY is"),
        ({"scale": "unknown"}, SpecError, "how long a unit of the PLY is"),
        ({"scale": {"camera_height": 1.2}}, SpecError, "the views are virtual"),
        ({"scale": {"metres_per_unit": 100}}, GeometryError, "centimetres"),
        ({"scale": {"metres_per_unit": 0.01}}, GeometryError, "no floor with 1.5 m of headroom"),
        ({"source": {"start": (50.0, 0.0, 0.0)}}, GeometryError, "nothing to stand on within 1 m of start"),
    ],
)
def test_what_nothing_says_is_asked_for(room, tmp_path, keys, error, text):
    mesh_of(room).export(tmp_path / "room.ply")
    with pytest.raises(error, match=text):
        survey(surface(tmp_path / "room.ply", **keys), tmp_path / "out")


def test_a_path_under_mesh_is_a_surface(tmp_path):
    for value in ("a.glb", ["a.glb", "b.glb"]):
        scene = SceneSpec.model_validate({"name": "a", "mesh": value})
        assert isinstance(scene.source, SurfaceSource) and len(scene.source.files) == (1 if isinstance(value, str) else 2)
        assert scene.mesh.voxel_size == "auto"
    with pytest.raises(ValueError, match="not in both"):
        SceneSpec.model_validate({"name": "a", "mesh": "a.glb", "surface": "b.glb"})


def test_images_that_a_mesh_names_enter_its_key(tmp_path):
    (tmp_path / "a.obj").write_text("mtllib a.mtl\nv 0 0 0\n", encoding="utf-8")
    (tmp_path / "a.mtl").write_text("newmtl m\nmap_Kd a.png\n", encoding="utf-8")
    (tmp_path / "a.png").write_bytes(b"x")
    found = capture_step.sources_of(surface(tmp_path / "a.obj"))
    assert {path.name for path in found} == {"a.obj", "a.mtl", "a.png"}
