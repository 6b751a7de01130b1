"""glTF by its specification: every way to say where surface is and what colour it has, and an account of the rest."""

import numpy as np
import pytest
from PIL import Image

from lyra_sim.capture.survey.mesh_files import read_given_mesh
from lyra_sim.errors import InputError
from lyra_sim.rendering.painted_view import PaintedScene
from tests.capture.survey.glb_writer import CUBE, CUBE_FACES, QUAD, QUAD_FACES, QUAD_UV, Glb, hall
from tests.capture.survey.meshes import area_of, areas, bounds, colours, corners, volume
from tests.rooms import camera_path

ATLAS = np.zeros((64, 64, 3), np.uint8)
ATLAS[:32, :32], ATLAS[:32, 32:], ATLAS[32:, :32], ATLAS[32:, 32:] = (220, 30, 30), (30, 200, 30), (40, 60, 220), (230, 220, 40)


def read(glb: Glb, tmp_path, name: str = "a.glb"):
    return read_given_mesh(glb.save(tmp_path / name))


def test_instances_of_one_node_stand_where_each_is(tmp_path):
    rng = np.random.default_rng(0)
    moves = rng.uniform(-3, 3, (7, 3)).astype("<f4")
    turns = rng.normal(size=(7, 4)).astype("<f4")
    turns /= np.linalg.norm(turns, axis=1, keepdims=True)
    sizes = rng.uniform(0.5, 2, (7, 3)).astype("<f4")
    one, many = Glb(), Glb()
    parent = {"translation": [1, 2, 3], "scale": [2, 2, 2]}
    cube = many.mesh(many.primitive(CUBE, CUBE_FACES))
    held = {"TRANSLATION": many.accessor(moves), "ROTATION": many.accessor(turns), "SCALE": many.accessor(sizes)}
    leaf = many.node(root=False, mesh=cube, extensions={"EXT_mesh_gpu_instancing": {"attributes": held}})
    many.node(children=[leaf], **parent)
    many.uses("EXT_mesh_gpu_instancing")
    cube = one.mesh(one.primitive(CUBE, CUBE_FACES))
    leaves = [
        one.node(root=False, mesh=cube, translation=m.tolist(), rotation=q.tolist(), scale=s.tolist())
        for m, q, s in zip(moves, turns, sizes, strict=True)
    ]
    one.node(children=leaves, **parent)
    apart, instanced = read(one, tmp_path, "one.glb"), read(many, tmp_path, "many.glb")
    assert np.allclose(corners(apart.mesh), corners(instanced.mesh), atol=1e-5)
    assert instanced.notes.taken["instances"] == 7 and len(instanced.mesh.faces) == 84


@pytest.mark.parametrize(
    ("dtype", "low", "high"), [("<i2", -32767, 32767), ("<u2", 0, 65535), ("i1", -127, 127), ("u1", 0, 255)]
)
def test_normalized_integers_stand_for_a_part_of_one(tmp_path, dtype, low, high):
    glb = Glb()
    stored = np.where(CUBE > 0, high, low).astype(dtype)
    uv = np.where(QUAD_UV > 0, high if low == 0 else 0, 0).astype(dtype)
    primitive = glb.primitive(
        glb.accessor(stored, normalized=True, min=[low] * 3, max=[high] * 3),
        CUBE_FACES,
        COLOR_0=glb.accessor(np.full((8, 4), high, dtype), normalized=True),
    )
    if low == 0:
        primitive["attributes"]["TEXCOORD_0"] = glb.accessor(np.tile(uv, (2, 1)), normalized=True)
    glb.node(mesh=glb.mesh(primitive), scale=[4, 4, 4])
    glb.uses("KHR_mesh_quantization")
    mesh = read(glb, tmp_path).mesh
    assert np.allclose(bounds(mesh), [[4 * (low / high)] * 3, [4, 4, 4]])
    assert (mesh.corner_rgb == 255).all()


@pytest.mark.parametrize("dtype", ["<i2", "<u2", "i1", "u1"])
def test_integers_that_are_not_normalized_are_themselves(tmp_path, dtype):
    glb = Glb()
    glb.node(mesh=glb.mesh(glb.primitive(glb.accessor((CUBE * 100).astype(dtype)), CUBE_FACES)), scale=[0.01] * 3)
    glb.uses("KHR_mesh_quantization")
    assert np.allclose(bounds(read(glb, tmp_path).mesh), [[0] * 3, [1] * 3])


def shown(glb: Glb, tmp_path) -> np.ndarray:
    """The unit quad of a file, looked at straight from above: 20 x 20 pixels of its middle 83 %."""
    scene = PaintedScene(read(glb, tmp_path).mesh)
    down = np.diag([1.0, -1, -1, 1])
    down[:3, 3] = [0.5, 0.5, 1.0]
    rgb, _ = scene.view(camera_path([down], width=20, height=20, focal=24.0), 0)
    return rgb


def textured_quad(transform: dict | None = None, *, uv: np.ndarray = QUAD_UV, **attributes) -> Glb:
    glb = Glb()
    info = {"index": glb.texture(ATLAS)}
    if transform is not None:
        info["extensions"] = {"KHR_texture_transform": transform}
        glb.uses("KHR_texture_transform", required=False)
    look = glb.material(texture=info)
    extra = {name: glb.accessor(np.asarray(values, "<f4")) for name, values in attributes.items()}
    stored = uv if uv.dtype.kind == "u" else uv.astype("<f4")
    glb.node(mesh=glb.mesh(glb.primitive(QUAD, QUAD_FACES, look, TEXCOORD_0=glb.accessor(stored), **extra)))
    return glb


def test_texture_coordinates_count_down(tmp_path):
    rgb = shown(textured_quad(), tmp_path)
    assert rgb[2, 2].tolist() == [40, 60, 220] and rgb[2, 17].tolist() == [230, 220, 40]
    assert rgb[17, 2].tolist() == [220, 30, 30] and rgb[17, 17].tolist() == [30, 200, 30], "(0, 0) is the image's upper left"


def test_a_transform_picks_a_part_of_an_atlas(tmp_path):
    part = {"offset": [0.5, 0.0], "scale": [0.5, 0.5]}
    assert (shown(textured_quad(part), tmp_path) == (30, 200, 30)).all()


def test_a_transform_of_whole_numbers_as_gltfpack_writes_them(tmp_path):
    part = {"offset": [0.5, 0.0], "scale": [0.5 / 4095, 0.5 / 4095]}
    stored = (QUAD_UV * 4095).astype("<u2")
    assert (shown(textured_quad(part, uv=stored), tmp_path) == (30, 200, 30)).all()


def test_a_transform_turns_as_in_blender_and_three_js(tmp_path):
    """A quarter turn about the upper left, counter-clockwise in the image: (u, v) becomes (v, -u)."""
    turned = shown(textured_quad({"rotation": np.pi / 2}), tmp_path)
    by_hand = shown(textured_quad(uv=np.stack([QUAD_UV[:, 1], -QUAD_UV[:, 0]], axis=1)), tmp_path)
    other_way = shown(textured_quad(uv=np.stack([-QUAD_UV[:, 1], QUAD_UV[:, 0]], axis=1)), tmp_path)
    assert (turned == by_hand).mean() > 0.95
    assert (turned == other_way).mean() < 0.9


def test_a_transform_scales_before_it_turns(tmp_path):
    told = {"rotation": 0.3, "scale": [0.5, 2.0], "offset": [0.1, 0.2]}
    c, s = np.cos(0.3), np.sin(0.3)
    u, v = QUAD_UV[:, 0] * 0.5, QUAD_UV[:, 1] * 2
    by_hand = np.stack([c * u + s * v + 0.1, -s * u + c * v + 0.2], axis=1)
    assert (shown(textured_quad(told), tmp_path) == shown(textured_quad(uv=by_hand), tmp_path)).mean() > 0.95


def test_a_transform_may_name_another_set_of_coordinates(tmp_path):
    told = {"texCoord": 1}
    assert (shown(textured_quad(told, TEXCOORD_1=np.full((4, 2), 0.1)), tmp_path) == (220, 30, 30)).all()


def test_strips_and_fans_keep_their_side(tmp_path):
    for mode, order in ((5, [0, 1, 3, 2]), (6, [0, 1, 2, 3]), (4, None)):
        glb = Glb()
        indices = None if order is None else glb.indices(np.array(order), "u1" if mode == 5 else "<u2")
        glb.node(mesh=glb.mesh({**glb.primitive(QUAD, QUAD_FACES if indices is None else indices), "mode": mode}))
        mesh = read(glb, tmp_path).mesh
        normal = np.cross(*(corners(mesh)[:, k] - corners(mesh)[:, 0] for k in (1, 2)))
        assert len(mesh.faces) == 2 and (normal[:, 2] > 0).all() and areas(mesh).sum() == pytest.approx(1), mode


def test_corners_without_indices(tmp_path):
    glb = Glb()
    glb.node(mesh=glb.mesh(glb.primitive(CUBE[CUBE_FACES.ravel()])))
    assert volume(read(glb, tmp_path).mesh) == pytest.approx(1)


def test_a_sparse_accessor_replaces_what_it_names(tmp_path):
    glb = Glb()
    for base in (True, False):
        values = QUAD.astype("<f4")
        index = glb.view(np.array([2], "<u2").tobytes())
        data = glb.view(np.array([[3, 3, 0]], "<f4").tobytes())
        entry = {"componentType": 5126, "type": "VEC3", "count": 4, "sparse": {}}
        entry["sparse"] = {
            "count": 1,
            "indices": {"bufferView": index, "componentType": 5123},
            "values": {"bufferView": data},
        }
        if base:
            entry["bufferView"] = glb.view(values.tobytes())
        glb.node(mesh=glb.mesh(glb.primitive(glb.add("accessors", entry), np.array([[0, 1, 2]]))))
    mesh = read(glb, tmp_path)
    assert len(mesh.mesh.faces) == 1 and mesh.dropped == 1, "zeros but for one corner are no triangle"
    assert bounds(mesh.mesh)[1].tolist() == [3, 3, 0]


def test_mirrored_parts_keep_their_outside(tmp_path):
    glb = Glb()
    cube = glb.mesh(glb.primitive(CUBE, CUBE_FACES))
    glb.node(mesh=cube, scale=[-2, 1, 1])
    glb.node(mesh=cube, scale=[-1, 1, -1], translation=[9, 0, 0])
    matrix = np.diag([1.0, 1, -1, 1])
    matrix[:3, 3] = [20, 0, 0]
    glb.node(mesh=cube, matrix=matrix.T.reshape(-1).tolist())
    held = {"TRANSLATION": glb.accessor(np.array([[30, 0, 0], [40, 0, 0]], "<f4"))}
    held["SCALE"] = glb.accessor(np.array([[1, -1, 1], [1, 1, 1]], "<f4"))
    glb.node(mesh=cube, extensions={"EXT_mesh_gpu_instancing": {"attributes": held}})
    mesh = read(glb, tmp_path).mesh
    assert volume(mesh) == pytest.approx(2 + 1 + 1 + 2)


def test_colours_multiply_as_the_specification_says(tmp_path):
    glb = Glb()
    half = np.full((4, 3), 0.5, "<f4")
    glb.node(mesh=glb.mesh(glb.primitive(QUAD, QUAD_FACES, glb.material((0.5, 1, 0.2)), COLOR_0=glb.accessor(half))))
    glb.node(mesh=glb.mesh(glb.primitive(np.add(QUAD, [0, 0, 1]), QUAD_FACES, glb.material())))
    glb.node(mesh=glb.mesh(glb.primitive(np.add(QUAD, [0, 0, 2]), QUAD_FACES)))
    old = {"KHR_materials_pbrSpecularGlossiness": {"diffuseFactor": [0, 0, 1, 1]}}
    glb.node(mesh=glb.mesh(glb.primitive(np.add(QUAD, [0, 0, 3]), QUAD_FACES, glb.material((1, 0, 0), extensions=old))))
    plain = {"KHR_materials_unlit": {}}
    glb.node(mesh=glb.mesh(glb.primitive(np.add(QUAD, [0, 0, 4]), QUAD_FACES, glb.material((1, 0, 0), extensions=plain))))
    mesh = read(glb, tmp_path).mesh
    found = {round(float(z)): rgb for z, rgb in zip(corners(mesh)[:, 0, 2], colours(mesh).tolist(), strict=True)}
    assert found == {0: [137, 188, 89], 1: [255, 255, 255], 2: [178, 178, 178], 3: [0, 0, 255], 4: [255, 0, 0]}


@pytest.mark.parametrize(("kind", "extension"), [("WEBP", "EXT_texture_webp"), ("AVIF", "EXT_texture_avif")])
def test_images_of_newer_kinds(tmp_path, kind, extension):
    glb = Glb()
    source = glb.image(np.full((8, 8, 3), (30, 200, 30), np.uint8), kind)
    index = glb.add("textures", {"extensions": {extension: {"source": source}}})
    look = glb.material(texture={"index": index})
    glb.node(mesh=glb.mesh(glb.primitive(QUAD, QUAD_FACES, look, TEXCOORD_0=glb.accessor(QUAD_UV.astype("<f4")))))
    glb.uses(extension)
    assert np.abs(shown(glb, tmp_path).astype(int) - (30, 200, 30)).max() <= 4


def test_a_skin_stands_as_its_joints_do(tmp_path):
    glb = Glb()
    bind = np.eye(4)
    bind[:3, 3] = [0, -1, 0]
    joint = glb.node(translation=[0, 1, 5])
    skin = glb.add("skins", {"joints": [joint], "inverseBindMatrices": glb.accessor(bind.T.reshape(1, 16).astype("<f4"))})
    weights = np.tile([1.0, 0, 0, 0], (4, 1)).astype("<f4")
    held = {"JOINTS_0": glb.accessor(np.zeros((4, 4), "u1")), "WEIGHTS_0": glb.accessor(weights)}
    glb.node(mesh=glb.mesh(glb.primitive(QUAD, QUAD_FACES, **held)), skin=skin, translation=[100, 0, 0])
    found = read(glb, tmp_path)
    assert np.allclose(bounds(found.mesh), [[0, 0, 5], [1, 1, 5]]), "its own node's place doesn't count (glTF 2.0, 3.7.3.3)"
    assert found.notes.remarks == ("1 skinned primitives stand as their joints do",)


def test_morphs_stand_at_the_weights_of_the_file(tmp_path):
    glb = Glb()
    primitive = glb.primitive(QUAD, QUAD_FACES)
    primitive["targets"] = [{"POSITION": glb.positions(np.tile([0, 0, 2.0], (4, 1)))}]
    glb.node(mesh=glb.mesh(primitive, weights=[0.5]))
    found = read(glb, tmp_path)
    assert (found.mesh.vertices[:, 2] == 1).all() and "morph targets" in found.notes.remarks[0]


def test_everything_that_is_left_out_is_told(tmp_path):
    glb = Glb()
    hall(glb, glb.material((0.5, 0.5, 0.5), alphaMode="BLEND"))
    for mode in (0, 1, 3):
        glb.node(mesh=glb.mesh({**glb.primitive(QUAD), "mode": mode}))
    glb.node(mesh=0, root=False)
    glb.node(mesh=0, extensions={"KHR_node_visibility": {"visible": False}})
    broken = glb.add("images", {"bufferView": glb.view(b"no image"), "mimeType": "image/png"})
    missing = glb.add("images", {"uri": "gone.png"})
    for source in (broken, missing):
        look = glb.material(texture={"index": glb.add("textures", {"source": source})})
        glb.node(mesh=glb.mesh(glb.primitive(QUAD, QUAD_FACES, look, TEXCOORD_0=glb.accessor(QUAD_UV.astype("<f4")))))
    glb.add("textures", {"source": broken})
    glb.add("animations", {})
    glb.node(mesh=glb.mesh(glb.primitive(QUAD, np.array([[0, 0, 1]]))))
    glb.uses("ACME_walls", required=False)
    notes = read(glb, tmp_path).notes
    assert [str(one) for one in notes.left_out] == [
        "1 point primitives left out: they have no surface",
        "1 line primitives left out: they have no surface",
        "1 line strip primitives left out: they have no surface",
        "1 nodes with geometry left out: they are switched off (KHR_node_visibility)",
        "1 nodes with geometry left out: they are not in the scene that the file opens with",
        "1 triangles left out: they have no area, or corners that aren't numbers",
        "2 base colour images left out: images[0]: UnidentifiedImageError; images[1]: the file 'gone.png' is missing",
        "1 animations left out: the scene stands as its nodes do",
        "1 textures left out: they are no base colour of what is shown",
    ]
    assert notes.remarks == (
        "the extension ACME_walls isn't understood: what it says is not in the world",
        "1 materials let light pass; their surface is taken as solid",
    )
    assert (notes.held["nodes with geometry"], notes.taken["nodes with geometry"]) == (14, 12)


@pytest.mark.parametrize(
    ("extension", "step"),
    [
        ("ACME_walls", "Export it without this extension"),
        ("KHR_meshopt_compression", "npx gltfpack -i a.glb -o a_plain.glb -noq"),
        ("KHR_texture_basisu", "npx @gltf-transform/cli ktxdecompress a.glb a_plain.glb"),
        ("KHR_gaussian_splatting", "Splats belong under 'splats'"),
    ],
)
def test_a_required_extension_that_is_not_known_is_refused_by_name(tmp_path, extension, step):
    glb = Glb()
    hall(glb)
    glb.uses(extension)
    with pytest.raises(InputError, match=f"it requires the extension {extension}") as raised:
        read(glb, tmp_path)
    assert step in str(raised.value)


def test_basis_images_that_have_a_stand_in_are_read_from_it(tmp_path):
    glb = Glb()
    index = glb.add("textures", {"source": glb.image(ATLAS[:8, :8]), "extensions": {"KHR_texture_basisu": {"source": 0}}})
    look = glb.material(texture={"index": index})
    glb.node(mesh=glb.mesh(glb.primitive(QUAD, QUAD_FACES, look, TEXCOORD_0=glb.accessor(QUAD_UV.astype("<f4")))))
    glb.uses("KHR_texture_basisu", required=False)
    assert area_of(read(glb, tmp_path).mesh, (220, 30, 30)) == pytest.approx(1)


@pytest.mark.parametrize("embedded", [True, False])
def test_text_gltf_with_its_buffer_inside_or_beside(tmp_path, embedded):
    glb = Glb()
    hall(glb)
    Image.fromarray(ATLAS).save(tmp_path / "my skin.png")
    look = glb.material(texture={"index": glb.add("textures", {"source": glb.add("images", {"uri": "my%20skin.png"})})})
    glb.node(mesh=glb.mesh(glb.primitive(QUAD, QUAD_FACES, look, TEXCOORD_0=glb.accessor(QUAD_UV.astype("<f4")))))
    read_ = read_given_mesh(glb.save_text(tmp_path / "a.gltf", embedded=embedded))
    assert len(read_.mesh.faces) == 74 and len(read_.mesh.images) == 1 and read_.notes.format == "glTF 2.0"
