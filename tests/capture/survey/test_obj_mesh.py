"""OBJ meshes: indices both ways, polygons, materials with options, and statements that are no surface."""

import numpy as np
import pytest
from PIL import Image

from lyra_sim.capture.survey.mesh_files import read_given_mesh
from lyra_sim.errors import InputError
from tests.capture.survey.meshes import areas, colours

QUAD = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\nvn 0 0 1\n"


def read(tmp_path, text: str):
    (tmp_path / "a.obj").write_text(text, encoding="utf-8")
    return read_given_mesh(tmp_path / "a.obj")


@pytest.mark.parametrize(
    "faces",
    [
        "f 1 2 3 4",
        "f -4 -3 -2 -1",
        "f 1/1 2/2 3/3 4/4",
        "f 1//1 2//1 3//1 4//1",
        "f 1/1/1 2/2/1 3/3/1 4/4/1",
        "f 1 2 3 \\\n4",
        "f\t1\t2 3  4 # all",
    ],
)
def test_one_face_in_every_spelling(tmp_path, faces):
    mesh = read(tmp_path, QUAD + faces + "\n").mesh
    assert areas(mesh).sum() == pytest.approx(1) and (mesh.faces.shape, len(mesh.vertices)) == ((2, 3), 4)


def test_relative_indices_count_from_where_they_stand(tmp_path):
    second = QUAD.replace("v 0", "v 10").replace("v 1 ", "v 11 ")
    mesh = read(tmp_path, QUAD + "usemtl a\nf -4 -3 -2 -1\n" + second + "usemtl b\nf -4 -3 -2 -1\nusemtl a\nf 1 2 3\n").mesh
    assert areas(mesh).sum() == pytest.approx(2.5)


def test_materials_with_maps_options_and_spaces(tmp_path):
    pixels = np.zeros((2, 2, 3), np.uint8)
    pixels[0, 0], pixels[0, 1], pixels[1, 0], pixels[1, 1] = (200, 0, 0), (0, 200, 0), (0, 0, 200), (200, 200, 0)
    Image.fromarray(pixels).save(tmp_path / "my skin.png")
    looks = "newmtl skin one\nKd 0 0 0\nmap_Kd -o 0.5 0.5 -s 0.5 0.5 -clamp on my skin.png\nnewmtl flat\nKd 0 1 0\n"
    (tmp_path / "my looks.mtl").write_text(looks, encoding="utf-8")
    found = read(tmp_path, "mtllib my looks.mtl\n" + QUAD + "usemtl skin one\nf 1/1 2/2 3/3\nusemtl flat\nf 1 3 4\n")
    assert colours(found.mesh).tolist() == [[0, 200, 0], [0, 255, 0]], "upper right quarter of the image"
    assert not found.notes.lines


def test_colours_at_the_vertices(tmp_path):
    for high in (1, 255):
        text = "".join(f"v {x} {y} 0 {high} 0 0\n" for x, y in ((0, 0), (1, 0), (0, 1)))
        assert colours(read(tmp_path, text + "f 1 2 3\n").mesh).tolist() == [[255, 0, 0]]


def test_everything_that_is_left_out_is_told(tmp_path):
    text = (
        "mtllib gone.mtl\nmtllib ../out.mtl\n" + QUAD + "usemtl steel\nf 1 2 3\nf 1 1 2\nl 1 2\np 1\nsurf 0 1 0 1 1\nflux 3\n"
    )
    assert [str(one) for one in read(tmp_path, text).notes.left_out] == [
        "1 material libraries left out: 'gone.mtl' is missing",
        "1 material libraries left out: '../out.mtl' lies outside the folder of the mesh",
        "1 materials left out: steel: no library that was found has them",
        "1 'l' statements left out: they are lines",
        "1 'p' statements left out: they are points",
        "1 'surf' statements left out: free-form surfaces aren't read: tessellate them",
        "1 statements left out: they aren't known (flux)",
        "1 triangles left out: they have no area, or corners that aren't numbers or not there",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no mesh at all\n", "it has no vertices"),
        ("v 1 two 3\nf 1 1 1\n", "isn't numbers"),
        (QUAD + "f 1/1 2 3/3\n", "a face is written '1/1 2 3/3'"),
        (QUAD + "f one two three\n", "names what isn't a number"),
        (QUAD + "f 1 2 99999999999999999999\n", "names what isn't a number"),
        (QUAD + "f 1 2 900\n", "no triangle to build from"),
        (QUAD + "f -9 -8 -7\n", "no triangle to build from"),
        (QUAD + "f 1 2\n", "no triangle to build from"),
        ("v 0 0 0\0\n", "bytes that are no text"),
    ],
)
def test_what_is_broken_is_one_clear_error(tmp_path, text, said):
    with pytest.raises(InputError, match=said):
        read(tmp_path, text)


@pytest.mark.parametrize("name", ["../out.png", "/etc/hostname", "C:\\pictures\\a.png", "http://example.org/a.png"])
def test_maps_from_elsewhere_are_left_out_by_name(tmp_path, name):
    (tmp_path / "in").mkdir()
    Image.new("RGB", (4, 4), (1, 2, 3)).save(tmp_path / "out.png")
    (tmp_path / "in" / "a.mtl").write_text(f"newmtl m\nmap_Kd {name}\n", encoding="utf-8")
    found = read(tmp_path / "in", "mtllib a.mtl\n" + QUAD + "usemtl m\nf 1/1 2/2 3/3\n")
    assert not found.mesh.images and [one.what for one in found.notes.left_out] == ["images"]
