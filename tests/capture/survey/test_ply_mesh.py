"""PLY meshes in all their spellings, and those that lie about themselves."""

import struct
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from lyra_sim.capture.survey.mesh_files import read_given_mesh
from lyra_sim.errors import InputError
from tests.capture.survey.meshes import areas, colours

HEAD = "ply\nformat {} 1.0\nelement vertex {}\nproperty float x\nproperty float y\nproperty float z\n"
QUAD = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], "<f4")
END = "end_header\n"


def test_polygons_of_any_size_in_one_file(tmp_path):
    """An L of six corners has an inward one: a fan from its first corner would cover more than the L."""
    points = np.array(
        [[2, 1, 0], [1, 1, 0], [1, 2, 0], [0, 2, 0], [0, 0, 0], [2, 0, 0], [5, 0, 0], [6, 0, 0], [5, 1, 0]], "<f4"
    )
    body = points.tobytes() + struct.pack("<B6i", 6, *range(6)) + struct.pack("<B3i", 3, 6, 7, 8) + struct.pack("<B2i", 2, 0, 1)
    head = HEAD.format("binary_little_endian", 9) + "element face 3\nproperty list uchar int vertex_index\n" + END
    (tmp_path / "a.ply").write_bytes(head.encode() + body)
    read = read_given_mesh(tmp_path / "a.ply")
    assert areas(read.mesh).sum() == pytest.approx(3.5) and len(read.mesh.faces) == 5
    assert [str(one) for one in read.notes.left_out] == ["1 faces left out: they have fewer than three corners"]


def test_strips_of_the_stanford_scans(tmp_path):
    head = HEAD.format("binary_big_endian", 4) + "element tristrips 1\nproperty list int int vertex_indices\n" + END
    strip = [0, 1, 3, 2, -1, 0, 1, 2]
    body = QUAD.astype(">f4").tobytes() + struct.pack(f">{len(strip) + 1}i", len(strip), *strip)
    (tmp_path / "a.ply").write_bytes(head.encode() + body)
    mesh = read_given_mesh(tmp_path / "a.ply").mesh
    assert areas(mesh).tolist() == [0.5, 0.5, 0.5]
    normal = np.cross(*(mesh.vertices[mesh.faces][:, k] - mesh.vertices[mesh.faces][:, 0] for k in (1, 2)))
    assert (normal[:, 2] > 0).all()


@pytest.mark.parametrize("kind", ["vertex uchar", "vertex float", "vertex ushort", "face"])
def test_colours_of_every_spelling(tmp_path, kind):
    of, _, dtype = kind.partition(" ")
    code = {"uchar": "B", "float": "f", "ushort": "H", "": "B"}[dtype]
    rgb = {"B": (200, 100, 0), "f": (200 / 255, 100 / 255, 0.0), "H": (200 * 257, 100 * 257, 0)}[code]
    names = "".join(f"property {dtype or 'uchar'} {name}\n" for name in ("red", "green", "blue"))
    colour = struct.pack(f"<3{code}", *rgb)
    head = HEAD.format("binary_little_endian", 4) + (names if of == "vertex" else "")
    head += "element face 1\nproperty list uchar int vertex_indices\n" + (names if of == "face" else "") + END
    body = b"".join(p.tobytes() + (colour if of == "vertex" else b"") for p in QUAD)
    body += struct.pack("<B4i", 4, 0, 1, 2, 3) + (colour if of == "face" else b"")
    (tmp_path / "a.ply").write_bytes(head.encode() + body)
    assert np.allclose(colours(read_given_mesh(tmp_path / "a.ply").mesh), [200, 100, 0], atol=1)


def test_textures_by_corner_as_meshlab_writes_them(tmp_path):
    for name, rgb in (("one.png", (200, 0, 0)), ("two.png", (0, 0, 200))):
        Image.new("RGB", (4, 4), rgb).save(tmp_path / name)
    head = "ply\nformat ascii 1.0\ncomment TextureFile one.png\ncomment TextureFile two.png\nelement vertex 4\n"
    head += "property float x\nproperty float y\nproperty float z\nproperty float quality\nelement face 2\n"
    head += "property list uchar int vertex_indices\nproperty list uchar float texcoord\nproperty int texnumber\n"
    head += "element camera 1\nproperty float view_px\n" + END
    rows = ["0 0 0 1", "1 0 0 1", "1 1 0 1", "0 1 0 1", "3 0 1 2 6 0 0 1 0 1 1 0", "3 0 2 3 6 0 0 1 1 0 1 1", "0.5"]
    (tmp_path / "a.ply").write_text(head + "\n".join(rows) + "\n", encoding="utf-8")
    read = read_given_mesh(tmp_path / "a.ply")
    assert colours(read.mesh).tolist() == [[200, 0, 0], [0, 0, 200]]
    assert [str(one) for one in read.notes.left_out] == [
        "1 properties of vertex left out: quality",
        "1 rows of element camera left out: they are no faces",
    ]


def refused(path) -> str:
    tracemalloc.start()
    try:
        with pytest.raises(InputError) as raised:
            read_given_mesh(path)
        assert tracemalloc.get_traced_memory()[1] < 60e6
    finally:
        tracemalloc.stop()
    return str(raised.value)


FACE = "element face {}\nproperty list {} int vertex_indices\n"
SPLATS = "".join(f"property float {name}\n" for name in ("opacity", "f_dc_0", "scale_0", "rot_0"))


@pytest.mark.parametrize(
    ("head", "body", "text"),
    [
        (
            HEAD.format("binary_little_endian", 4_000_000_000) + FACE.format(1, "uchar"),
            QUAD.tobytes(),
            "4000000000, as its header",
        ),
        (HEAD.format("binary_little_endian", 4) + FACE.format(4_000_000_000, "uchar"), QUAD.tobytes(), "within element face"),
        (
            HEAD.format("binary_little_endian", 4) + FACE.format(1, "uint"),
            QUAD.tobytes() + b"\xff\xff\xff\x7f",
            "within element face",
        ),
        (HEAD.format("ascii", 4_000_000_000) + FACE.format(1, "uchar"), b"0 0 0\n", "of which 1 fit"),
        (HEAD.format("ascii", 1) + FACE.format(1, "uchar"), b"0 0 0\n900000000 0 1 2\n", "isn't what the header says"),
        (HEAD.format("ascii", 1) + FACE.format(1, "uchar"), b"0 zero 0\n3 0 0 0\n", "isn't what the header says"),
        (HEAD.format("ascii", -1) + FACE.format(1, "uchar"), b"", "its header says -1 vertex"),
        (HEAD.format("ascii", 1).replace("float x", "quaternion x") + FACE.format(1, "uchar"), b"", "quaternion x"),
        (HEAD.format("utf16", 1) + FACE.format(1, "uchar"), b"", "format utf16"),
        ("ply\nformat ascii 1.0\nelement face 1\nproperty list uchar int vertex_indices\n", b"3 0 1 2\n", "no vertices"),
        (HEAD.format("ascii", 1) + "element face 1\nproperty list uchar int loops\n", b"0 0 0\n3 0 0 0\n", "no vertex_indices"),
        (HEAD.format("ascii", 1) + SPLATS, b"0 0 0 0 0 0 0\n", "1 Gaussian splats without faces"),
        (HEAD.format("ascii", 3) + FACE.format(1, "uchar"), b"0 0 0\n1 0 0\n0 1 0\n3 0 1 7\n", "no triangle to build from"),
        (HEAD.format("ascii", 1) + "element face 1\n", b"0 0 0\n", "within element face"),
    ],
)
def test_headers_that_lie(tmp_path, head, body, text):
    (tmp_path / "a.ply").write_bytes((head + END).encode() + body)
    assert text in refused(tmp_path / "a.ply")


@pytest.mark.parametrize("name", ["../out.png", "/etc/hostname", "gone.png", "http://example.org/a.png"])
def test_images_from_elsewhere_are_left_out_by_name(tmp_path, name):
    (tmp_path / "in").mkdir()
    Image.new("RGB", (4, 4), (1, 2, 3)).save(tmp_path / "out.png")
    head = f"ply\nformat ascii 1.0\ncomment TextureFile {name}\nelement vertex 3\n"
    head += "".join(f"property float {k}\n" for k in ("x", "y", "z", "s", "t")) + FACE.format(1, "uchar") + END
    (tmp_path / "in" / "a.ply").write_text(head + "0 0 0 0 0\n1 0 0 1 0\n0 1 0 0 1\n3 0 1 2\n", encoding="utf-8")
    read = read_given_mesh(tmp_path / "in" / "a.ply")
    assert not read.mesh.images and read.notes.left_out[0].what == "images" and name in read.notes.left_out[0].why
