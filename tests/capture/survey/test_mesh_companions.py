"""Files beside a given mesh: an image that was changed makes the capture due again, and none is kept twice."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from lyra_sim.capture.survey.mesh_companions import files_named_by
from lyra_sim.capture.survey.mesh_files import read_given_mesh
from lyra_sim.scene.spec import SceneSpec
from lyra_sim.steps.capture import capture

RED, BLUE = (250, 0, 0), (0, 0, 250)
UV = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
CORNERS = [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]


def picture(path: Path, rgb: tuple[int, int, int] = RED) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), rgb).save(path)
    return path


def obj(folder: Path, *, library: str, image: str) -> Path:
    lines = [f"mtllib {library}", *(f"v {x} {y} {z}" for x, y, z in CORNERS), *(f"vt {u} {v}" for u, v in UV)]
    lines += ["usemtl skin", "f 1/1 2/2 3/3", "f 1/1 3/3 4/4"]
    (folder / "a.obj").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / library).write_text(f"newmtl skin\nKd 1 1 1\nmap_Kd {image}\n", encoding="utf-8")
    return folder / "a.obj"


def ply(folder: Path, *, image: str) -> Path:
    lines = ["ply", "format ascii 1.0", f"comment TextureFile {image}", "element vertex 4"]
    lines += [f"property float {name}" for name in ("x", "y", "z", "s", "t")]
    lines += ["element face 2", "property list uchar int vertex_indices", "end_header"]
    lines += [" ".join(map(str, (*corner, *uv))) for corner, uv in zip(CORNERS, UV, strict=True)]
    (folder / "a.ply").write_text("\n".join([*lines, "3 0 1 2", "3 0 2 3"]) + "\n", encoding="utf-8")
    return folder / "a.ply"


def glb(folder: Path, *, image: str, parts: int = 1) -> Path:
    """Its buffer is a file too; every part is a mesh of its own with the same material."""
    data = np.array(CORNERS, "<f4").tobytes() + np.array(UV, "<f4").tobytes() + np.array([0, 1, 2, 0, 2, 3], "<u4").tobytes()
    (folder / "corners.bin").write_bytes(data)
    views = [(0, 48), (48, 32), (80, 24)]
    kinds = [(5126, 4, "VEC3"), (5126, 4, "VEC2"), (5125, 6, "SCALAR")]
    one = {"primitives": [{"attributes": {"POSITION": 0, "TEXCOORD_0": 1}, "indices": 2, "material": 0}]}
    tree = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": list(range(parts))}],
        "nodes": [{"mesh": n, "translation": [2.0 * n, 0, 0]} for n in range(parts)],
        "meshes": [one] * parts,
        "materials": [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}],
        "textures": [{"source": 0}],
        "images": [{"uri": image}],
        "buffers": [{"uri": "corners.bin", "byteLength": len(data)}],
        "bufferViews": [{"buffer": 0, "byteOffset": start, "byteLength": size} for start, size in views],
        "accessors": [
            {"bufferView": n, "componentType": kind, "count": count, "type": of, "min": [0, 0, 0], "max": [1, 1, 0]}
            if n == 0
            else {"bufferView": n, "componentType": kind, "count": count, "type": of}
            for n, (kind, count, of) in enumerate(kinds)
        ],
    }
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    (folder / "a.glb").write_bytes(struct.pack("<4sIIII", b"glTF", 2, 20 + len(text), len(text), 0x4E4F534A) + text)
    return folder / "a.glb"


def sources(mesh: Path) -> tuple[Path, ...]:
    cfg = {"name": "s", "surface": {"files": [mesh]}, "scale": "metric", "up": "z"}
    return capture.sources_of(SceneSpec.model_validate(cfg))


@pytest.mark.parametrize("kind", ["obj", "ply", "glb"])
@pytest.mark.parametrize("name", ["skin.png", "my red skin.png"])
def test_an_image_that_is_read_belongs_to_the_key(tmp_path: Path, kind: str, name: str) -> None:
    """What the reader shows in red comes from the file that is named."""
    image = picture(tmp_path / name)
    match kind:
        case "obj":
            mesh = obj(tmp_path, library="my materials.mtl", image=name)
        case "ply":
            mesh = ply(tmp_path, image=name)
        case _:
            mesh = glb(tmp_path, image=name)
    (read,) = read_given_mesh(mesh).mesh.images
    assert (read == RED).all(), "otherwise the file isn't one that matters"
    assert image in sources(mesh)
    assert sources(mesh)[0] == mesh
    if kind == "obj":
        assert tmp_path / "my materials.mtl" in sources(mesh)
    if kind == "glb":
        assert tmp_path / "corners.bin" in sources(mesh)


def test_names_in_a_glb_may_be_encoded(tmp_path: Path) -> None:
    image = picture(tmp_path / "images" / "my skin.png")
    assert image in files_named_by(glb(tmp_path, image="images/my%20skin.png"))


def test_options_before_an_image_are_no_part_of_its_name(tmp_path: Path) -> None:
    image = picture(tmp_path / "skin.png")
    assert image in files_named_by(obj(tmp_path, library="a.mtl", image="-s 1 1 1 skin.png"))


@pytest.mark.parametrize(
    "name",
    ["a" * 5000, "nul\x00byte.png", "gone.png", "data:image/png;base64,AAAA", "."],
    ids=["long", "nul", "gone", "data", "folder"],
)
def test_names_of_no_file_are_passed_over(tmp_path: Path, name: str) -> None:
    assert files_named_by(ply(tmp_path, image=name)) == ()
    assert files_named_by(glb(tmp_path, image=name)) == (tmp_path / "corners.bin",)
    assert files_named_by(obj(tmp_path, library="a.mtl", image=name)) == (tmp_path / "a.mtl",)


@pytest.mark.parametrize("body", [b"", b"glTF", b"\xff" * 64, struct.pack("<4sIIII", b"glTF", 2, 24, 4, 0x4E4F534A) + b"[1] "])
def test_broken_files_name_nothing(tmp_path: Path, body: bytes) -> None:
    for suffix in (".glb", ".ply", ".obj", ".stl"):
        (tmp_path / f"a{suffix}").write_bytes(body)
        assert files_named_by(tmp_path / f"a{suffix}") == ()
    assert files_named_by(tmp_path / "missing.glb") == ()


def test_parts_that_share_a_texture_keep_one(tmp_path: Path) -> None:
    picture(tmp_path / "skin.png")
    mesh = read_given_mesh(glb(tmp_path, image="skin.png", parts=5)).mesh
    assert len(mesh.faces) == 10
    assert [image.shape for image in mesh.images] == [(4, 4, 3)]
    assert (mesh.image_index == 0).all()


def test_textures_that_differ_stay_apart(tmp_path: Path) -> None:
    scene = trimesh.Scene()
    for number, rgb in enumerate((RED, BLUE, RED)):
        material = trimesh.visual.material.PBRMaterial(baseColorTexture=Image.new("RGB", (4, 4), rgb), name=f"m{number}")
        quad = trimesh.Trimesh(np.add(CORNERS, [0, 0, number]), [[0, 1, 2], [0, 2, 3]], process=False)
        quad.visual = trimesh.visual.TextureVisuals(uv=UV, material=material)
        scene.add_geometry(quad, node_name=f"n{number}", geom_name=f"g{number}")
    plain = trimesh.Trimesh(np.add(CORNERS, [0, 0, 9]), [[0, 1, 2]], process=False)
    scene.add_geometry(plain, node_name="plain", geom_name="plain")
    scene.export(tmp_path / "a.glb")
    mesh = read_given_mesh(tmp_path / "a.glb").mesh
    assert len(mesh.images) == 2
    height = mesh.vertices[mesh.faces[:, 0], 2]
    for number, rgb in enumerate((RED, BLUE, RED)):
        for index in mesh.image_index[height == number]:
            assert (mesh.images[index] == rgb).all()
    assert (mesh.image_index[height == 9] == -1).all()
