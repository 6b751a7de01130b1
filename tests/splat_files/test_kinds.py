"""A file's kind is told by what is in it, whatever it is called; what isn't read is named, with what converts it."""

import gzip
import json
import struct
import zipfile

import numpy as np
import pytest

from lyra_sim.errors import InputError
from lyra_sim.splat_files.kinds import recognised
from lyra_sim.splat_files.reading import read_splats
from lyra_sim.splat_files.writing import write_splats
from tests.splat_files.clouds import cloud, columns_of, write_columns


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.ply", "3DGS PLY"), ("a.compressed.ply", "compressed PLY"), ("a.spz", "SPZ"), ("a.sog", "SOG"), ("a.splat", ".splat")],
)
def test_the_name_doesnt_matter(tmp_path, name, kind):
    write_splats(cloud(60), tmp_path / name)
    for other in ("scan.ply", "scan.spz", "scan.splat", "scan", "scan.bin"):
        path = tmp_path / other
        path.write_bytes((tmp_path / name).read_bytes())
        assert recognised(path)[0] == kind
        assert read_splats(path).kind == kind


def test_a_sog_in_parts_is_its_folder_or_its_meta_json(tmp_path):
    write_splats(cloud(60), tmp_path / "scan" / "meta.json")
    assert recognised(tmp_path / "scan")[0] == recognised(tmp_path / "scan" / "meta.json")[0] == "SOG"


def mesh_ply() -> bytes:
    head = "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n"
    return (
        head + "element face 1\nproperty list uchar int vertex_indices\nend_header\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n"
    ).encode()


OTHERS = {
    "a.glb": (b"glTF" + bytes(60), "a GLB", "give it under 'mesh'"),
    "a.usdc": (b"PXR-USDC" + bytes(60), "a USD file", None),
    "a.obj": (b"v 0 0 0\nv 1 0 0\n", "an OBJ mesh", "give it under 'mesh'"),
    "mesh.ply": (mesh_ply(), "a mesh: a PLY with 1 faces", "under 'mesh'"),
    "a.ply.gz": (gzip.compress(b"ply\nformat ascii 1.0\n"), "not SPZ inside: a PLY", "gunzip -k a.ply.gz"),
    "a.png": (b"\x89PNG\r\n\x1a\n" + bytes(60), "a PNG image", None),
    "a.ksplat": (struct.pack("<BBxxIII", 0, 1, 1, 1, 500) + bytes(9000), "a .ksplat", "splat-transform a.ksplat a.ply"),
    "renamed.bin": (struct.pack("<BBxxIII", 0, 1, 1, 1, 500) + bytes(9000), "a .ksplat", "splat-transform renamed.bin"),
    "a.lcc": (b'{"version": "4.0"}', "an LCC capture", "splat-transform a.lcc a.ply"),
    "lod-meta.json": (b'{"lodLevels": 3}', "a streamed SOG", "splat-transform lod-meta.json"),
    "a.splat": (bytes(range(256)) * 3, "rows make no sense", None),
    "b.splat": (b"\x00\x01" * 33, "nothing known", None),
    "a.txt": (b"splats of my flat", "nothing known: it begins with b'splats o'", "splat-transform"),
    "empty.ply": (b"", "the file is empty", None),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_isnt_read_is_named(tmp_path, name):
    body, said, advice = OTHERS[name]
    (tmp_path / name).write_bytes(body)
    with pytest.raises(InputError) as caught:
        read_splats(tmp_path / name)
    assert said in str(caught.value) and (advice is None or advice in str(caught.value))


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"scan.ply": b"ply\n"}, r"with scan.ply inside"),
        ({"lod-meta.json": b"{}"}, "a streamed SOG"),
        ({"a.usdc": b"PXR-USDC"}, "a USDZ package"),
        ({"readme.txt": b""}, "a zip without meta.json"),
    ],
)
def test_zips_of_other_things(tmp_path, members, said):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    with pytest.raises(InputError, match=said):
        read_splats(tmp_path / "a.zip")


def test_sog_version_1_is_named_with_the_way_round(tmp_path):
    (tmp_path / "meta.json").write_text(json.dumps({"means": {"shape": [4, 3]}}), encoding="utf-8")
    with pytest.raises(InputError, match="SOG version 1"):
        read_splats(tmp_path / "meta.json")


def test_a_folder_of_something_else(tmp_path):
    with pytest.raises(InputError, match=r"a folder without meta\.json"):
        read_splats(tmp_path)


def test_a_dot_splat_with_a_few_odd_rows_is_one_nevertheless(tmp_path):
    write_splats(cloud(1000), tmp_path / "a.splat")
    table = np.frombuffer((tmp_path / "a.splat").read_bytes(), np.uint8).reshape(-1, 32).copy()
    table[3, :4] = np.frombuffer(np.float32(np.nan).tobytes(), np.uint8)
    table[5, 28:] = 128
    (tmp_path / "a.splat").write_bytes(table.tobytes())
    assert len(read_splats(tmp_path / "a.splat").splats) == 998


def test_splats_with_a_table_of_faces_beside_them_are_no_mesh(tmp_path):
    path = write_columns(tmp_path / "a.ply", columns_of(cloud(5)))
    body = path.read_bytes().replace(b"end_header\n", b"element face 0\nproperty list uchar int vertex_indices\nend_header\n")
    path.write_bytes(body)
    assert len(read_splats(path).splats) == 5
