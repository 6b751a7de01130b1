"""glTF files of people who mean harm, or whose tools failed: one clear error each, and memory that stays small."""

import base64
import json
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from lyra_sim.capture.survey.mesh_files import read_given_mesh
from lyra_sim.errors import InputError
from tests.capture.survey.glb_writer import CUBE, CUBE_FACES, QUAD, QUAD_FACES, QUAD_UV, Glb, hall, save_tree

PACKED = Path(__file__).parents[1] / "packed"
MOST_MB = 120
"""Python and numpy may hold at most this while a file of a few kB is refused [MB]."""


def refused(path: Path) -> str:
    tracemalloc.start()
    try:
        with pytest.raises(InputError) as raised:
            read_given_mesh(path)
        assert tracemalloc.get_traced_memory()[1] < MOST_MB * 1e6
    finally:
        tracemalloc.stop()
    return str(raised.value)


def cube() -> Glb:
    glb = Glb()
    glb.node(mesh=glb.mesh(glb.primitive(CUBE, CUBE_FACES)))
    return glb


def changed(kind: str) -> Glb:
    glb = cube()
    tree = glb.tree
    primitive = tree["meshes"][0]["primitives"][0]
    match kind:
        case "cycle":
            tree["nodes"] = [{"children": [1]}, {"children": [0], "mesh": 0}]
        case "two parents":
            tree["nodes"] = [{"children": [2]}, {"children": [2]}, {"mesh": 0}]
            tree["scenes"][0]["nodes"] = [0, 1]
        case "million instances":
            entry = {"componentType": 5126, "type": "VEC3", "count": 2_000_000_000, "sparse": {"count": 0}}
            held = {"TRANSLATION": glb.add("accessors", entry)}
            tree["nodes"][0]["extensions"] = {"EXT_mesh_gpu_instancing": {"attributes": held}}
        case "instances of instances":
            held = {"TRANSLATION": glb.accessor(np.zeros((2000, 3), "<f4"))}
            tree["nodes"] = [{"mesh": 0, "extensions": {"EXT_mesh_gpu_instancing": {"attributes": held}}} for _ in range(1500)]
            tree["scenes"][0]["nodes"] = list(range(1500))
        case "same mesh a million times":
            tree["meshes"][0]["primitives"] = [primitive] * 3000
            tree["nodes"] = [{"mesh": 0}] * 1000
            tree["scenes"][0]["nodes"] = list(range(1000))
        case "instance counts differ":
            held = {"TRANSLATION": glb.accessor(np.zeros((2, 3), "<f4")), "SCALE": glb.accessor(np.ones((3, 3), "<f4"))}
            tree["nodes"][0]["extensions"] = {"EXT_mesh_gpu_instancing": {"attributes": held}}
        case "zeros":
            primitive["attributes"]["POSITION"] = glb.add(
                "accessors", {"componentType": 5126, "type": "VEC3", "count": 100_000_000, "sparse": {"count": 0}}
            )
        case "count":
            tree["accessors"][0]["count"] = 1_000_000
        case "stride":
            tree["bufferViews"][0]["byteStride"] = 4
        case "negative":
            tree["accessors"][0]["count"] = -1
        case "offset":
            tree["accessors"][0]["byteOffset"] = 1 << 39
        case "view":
            tree["bufferViews"][0]["byteLength"] = 1 << 30
        case "index":
            primitive["indices"] = glb.indices(np.array([0, 1, 900]))
        case "type":
            tree["accessors"][0]["componentType"] = 5130
        case "float indices":
            primitive["indices"] = glb.accessor(np.zeros(3, "<f4"))
        case "no such accessor":
            primitive["attributes"]["POSITION"] = 77
        case "text for a number":
            tree["nodes"][0]["scale"] = ["1", 1, 1]
        case "infinite":
            tree["nodes"][0]["translation"] = [float("inf"), 0, 0]
        case "list for an object":
            tree["meshes"][0]["primitives"] = [[]]
        case "mode":
            primitive["mode"] = 99
        case "sparse beyond":
            index, data = glb.view(b"\xff\xff\0\0"), glb.view(b"\0" * 12)
            tree["accessors"][0]["sparse"] = {
                "count": 1,
                "indices": {"bufferView": index, "componentType": 5123},
                "values": {"bufferView": data},
            }
        case "joints":
            glb.add("skins", {"joints": [55]})
            tree["nodes"][0]["skin"] = 0
            primitive["attributes"] |= {"JOINTS_0": 0, "WEIGHTS_0": 0}
    return glb


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("cycle", "two parents or is its own ancestor|no triangle"),
        ("two parents", "two parents or is its own ancestor"),
        ("million instances", "'count' is 2000000000"),
        ("instances of instances", "instances"),
        ("same mesh a million times", "36000000 triangles, instances counted each"),
        ("instance counts differ", r"instance attributes of \[2, 3\] elements"),
        ("zeros", "100000000 zeros of which 0 are replaced"),
        ("count", "its view's end"),
        ("stride", "a stride of 4 bytes"),
        ("negative", "'count' is -1"),
        ("offset", "its view's end"),
        ("view", "its buffer's end"),
        ("index", "an index is 900"),
        ("type", "componentType 5130"),
        ("float indices", "indices of type float32"),
        ("no such accessor", "it names accessors 77"),
        ("text for a number", "'scale' is"),
        ("infinite", "'translation' is|isn't JSON"),
        ("list for an object", "a primitive isn't an object"),
        ("mode", "'mode' is 99"),
        ("sparse beyond", "it replaces element 65535"),
        ("joints", "a joint isn't a node of the scene"),
    ],
)
def test_lies_are_one_clear_error(tmp_path, kind, text):
    import re

    assert re.search(text, refused(changed(kind).save(tmp_path / "a.glb")))


@pytest.mark.parametrize("cut", [3, 11, 19, 60, 400, -1])
def test_a_file_that_was_cut_short_is_called_so(tmp_path, cut):
    data = cube().save(tmp_path / "a.glb").read_bytes()
    (tmp_path / "a.glb").write_bytes(data[:cut])
    said = refused(tmp_path / "a.glb")
    assert "cut short" in said or "truncated" in said or "doesn't begin as such a file does" in said


@pytest.mark.parametrize("text", [b"[" * 200_000, b'{"a":' * 100_000, b"[1]", b"{", b"\xff\xfe\xff"])
def test_json_that_is_none_of_a_scene(tmp_path, text):
    refused(save_tree(tmp_path / "a.glb", text))


def test_a_chain_of_nodes_is_as_deep_as_it_likes(tmp_path):
    glb = cube()
    glb.tree["nodes"] = [{"children": [k + 1], "translation": [0.5, 0, 0]} for k in range(20_000)] + [{"mesh": 0}]
    assert read_given_mesh(glb.save(tmp_path / "a.glb")).mesh.vertices[:, 0].max() == 10_001


@pytest.mark.parametrize(
    "uri",
    [
        "../outside.bin",
        "/etc/hostname",
        "http://example.org/a.bin",
        "file:" + "///etc/hostname",
        "%2e%2e/outside.bin",
        "a/../../outside.bin",
    ],
)
@pytest.mark.parametrize("what", ["buffers", "images"])
def test_files_from_elsewhere_are_never_opened(tmp_path, uri, what):
    (tmp_path / "outside.bin").write_bytes(b"\0" * 4096)
    (tmp_path / "in").mkdir()
    glb = cube()
    if what == "images":
        look = glb.material(texture={"index": glb.add("textures", {"source": glb.add("images", {"uri": uri})})})
        glb.node(mesh=glb.mesh(glb.primitive(QUAD, QUAD_FACES, look, TEXCOORD_0=glb.accessor(QUAD_UV.astype("<f4")))))
    path = glb.save_text(tmp_path / "in" / "a.gltf", embedded=True)
    if what == "buffers":
        tree = json.loads(path.read_text())
        tree["buffers"][0]["uri"] = uri
        path.write_text(json.dumps(tree))
    assert "expected a file in the folder of the glTF" in refused(path)


def test_a_link_that_leads_out_is_not_followed(tmp_path):
    (tmp_path / "outside.bin").write_bytes(b"\0" * 4096)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "corners.bin").symlink_to(tmp_path / "outside.bin")
    path = cube().save_text(tmp_path / "in" / "a.gltf", embedded=True)
    tree = json.loads(path.read_text())
    tree["buffers"][0]["uri"] = "corners.bin"
    path.write_text(json.dumps(tree))
    assert "in the folder of the glTF" in refused(path)


@pytest.mark.parametrize(
    ("uri", "text"),
    [
        ("data:application/octet-stream;base64,%%%", "isn't base64"),
        ("data:text/plain,hello", "a data URI that begins"),
        ("data:application/octet-stream;base64," + base64.b64encode(b"short").decode(), "as its byteLength says"),
        (7, "its uri isn't a text"),
        ("corners_that_are_gone.bin", "is missing"),
    ],
)
def test_data_inside_the_text_that_is_none(tmp_path, uri, text):
    path = cube().save_text(tmp_path / "a.gltf", embedded=True)
    tree = json.loads(path.read_text())
    tree["buffers"][0]["uri"] = uri
    path.write_text(json.dumps(tree))
    assert text in refused(path)


def edited(name: str, folder: Path, edit) -> Path:
    """A packed file with its tree and binary chunk changed."""
    data = (PACKED / name).read_bytes()
    size = struct.unpack("<I", data[12:16])[0]
    tree, body = json.loads(data[20 : 20 + size]), bytearray(data[28 + size :])
    edit(tree, body)
    return save_tree(folder / "a.glb", tree, bytes(body))


def _meshopt(tree: dict, which: str) -> dict:
    told = (view.get("extensions", {}).get("EXT_meshopt_compression") for view in tree["bufferViews"])
    return next(one for one in told if one and one["mode"] == which)


@pytest.mark.parametrize("which", ["ATTRIBUTES", "TRIANGLES"])
@pytest.mark.parametrize(
    ("key", "value"),
    [("count", 3_000_000_000), ("count", 3_000), ("byteLength", 20), ("byteStride", 12), ("mode", "ZIP"), ("filter", "ZIP")],
)
def test_meshopt_streams_that_lie(tmp_path, which, key, value):
    def edit(tree, body):
        told = _meshopt(tree, which)
        told[key] = told["byteStride"] * 2 if (key, which) == ("byteStride", "ATTRIBUTES") else value

    refused(edited("meshopt.glb", tmp_path, edit))


@pytest.mark.parametrize("name", ["meshopt.glb", "meshopt_strip.glb", "gltfpack_instanced.glb", "draco.glb"])
def test_packed_bytes_that_were_damaged_end_in_an_error_or_a_mesh(tmp_path, name):
    """Nothing may crash, hang or take memory, whatever the bytes; a wrong corner can't be told from a right one."""
    rng = np.random.default_rng(3)
    for _ in range(40):

        def edit(tree, body):
            for at in rng.integers(0, len(body), 6):
                body[at] = rng.integers(0, 256)

        try:
            read_given_mesh(edited(name, tmp_path, edit))
        except InputError:
            continue


def _draco_start(tree: dict) -> int:
    told = tree["meshes"][0]["primitives"][0]["extensions"]["KHR_draco_mesh_compression"]
    return tree["bufferViews"][told["bufferView"]].get("byteOffset", 0)


def test_a_draco_header_that_promises_billions_is_not_believed(tmp_path):
    def edit(tree, body):
        start = _draco_start(tree)
        assert body[start : start + 5] == b"DRACO"
        body[start + 12 : start + 22] = b"\xff\xff\xff\xff\x0f\xff\xff\xff\xff\x0f"

    assert "its Draco header says 4294967295 faces" in refused(edited("draco.glb", tmp_path, edit))


def test_draco_data_that_is_none(tmp_path):
    def edit(tree, body):
        body[_draco_start(tree)] = 0

    assert "is no Draco mesh" in refused(edited("draco.glb", tmp_path, edit))


def test_an_image_bomb_is_left_out_or_refused(tmp_path):
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)) + chunk(b"IEND", b"")
    glb = Glb()
    hall(glb)
    source = glb.add("images", {"bufferView": glb.view(png), "mimeType": "image/png"})
    look = glb.material(texture={"index": glb.add("textures", {"source": source})})
    glb.node(mesh=glb.mesh(glb.primitive(QUAD, QUAD_FACES, look, TEXCOORD_0=glb.accessor(QUAD_UV.astype("<f4")))))
    notes = read_given_mesh(glb.save(tmp_path / "a.glb")).notes
    assert [str(one) for one in notes.left_out] == ["1 base colour images left out: images[0]: DecompressionBombError"]


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"PK\x03\x04....", "a zip archive"),
        (b"ply\nformat ascii 1.0\n", "a PLY file"),
        (b"Kaydara FBX Binary  \x00", "an FBX file"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"NGSP\x04", "splats, SPZ 4"),
        (b"PXR-USDC", "a binary USD file"),
        (b"solid cube\nfacet normal", "an STL file"),
        (b"DRACO\x02\x02", "bare Draco data"),
    ],
)
def test_another_kind_of_file_is_named_as_what_it_is(tmp_path, head, name):
    (tmp_path / "a.glb").write_bytes(head + b"\0" * 50)
    assert name in refused(tmp_path / "a.glb")
