"""Files that gltf-transform, gltfpack and Blender wrote (``packed/make.sh``) hold the scene that they were given."""

from pathlib import Path

import numpy as np
import pytest

from lyra_sim.capture.survey.gltf.accessors import Accessors
from lyra_sim.capture.survey.gltf.file import GltfFile
from lyra_sim.capture.survey.mesh_files import read_given_mesh
from tests.capture.survey.meshes import area_of, areas, bounds, colours
from tests.capture.survey.packed_source import source, strip_source

PACKED = Path(__file__).parents[1] / "packed"
GREEN, RED, BLUE = (63, 203, 63), (218, 63, 63), (63, 89, 218)
"""sRGB of Blender's base colours .05 .6 .05, .7 .05 .05 and .05 .1 .7. An MTL's Kd is taken as it is shown."""


@pytest.mark.written_by("gltf-transform")
@pytest.mark.written_by("gltfpack")
@pytest.mark.parametrize(
    "name",
    ["draco", "meshopt", "quantized", "instanced", "webp", "gltfpack_instanced", "gltfpack_floats"],
)
def test_a_packed_scene_is_the_scene(tmp_path, name):
    plain = read_given_mesh(source().save(tmp_path / "a.glb")).mesh
    read = read_given_mesh(PACKED / f"{name}.glb")
    assert len(read.mesh.faces) == len(plain.faces) == 510
    assert np.abs(bounds(read.mesh) - bounds(plain)).max() < 0.003
    assert areas(read.mesh).sum() == pytest.approx(areas(plain).sum(), rel=2e-3)
    for rgb in ((220, 30, 30), (30, 200, 30), (40, 60, 220), (230, 220, 40)):
        within, rel = (60, 0.2) if name == "webp" else (6, 0.03)  # that tool packs WebP with losses, 16 pixels a side here
        assert area_of(read.mesh, rgb, within=within) == pytest.approx(area_of(plain, rgb, within=within), rel=rel), rgb
    untextured = ~read.mesh.textured
    mean = (colours(read.mesh)[untextured] * areas(read.mesh)[untextured, None]).sum(0) / areas(read.mesh)[untextured].sum()
    true = (colours(plain)[~plain.textured] * areas(plain)[~plain.textured, None]).sum(0) / areas(plain)[~plain.textured].sum()
    assert np.abs(mean - true).max() < 1.5
    assert not read.notes.lines
    assert read.notes.taken["instances"] == 5


def test_indices_that_meshopt_packed(tmp_path):
    plain = read_given_mesh(strip_source().save(tmp_path / "a.glb")).mesh
    read = read_given_mesh(PACKED / "meshopt_strip.glb").mesh
    assert len(read.faces) == len(plain.faces) == 78
    assert areas(read).sum() == pytest.approx(areas(plain).sum(), rel=1e-3)


@pytest.mark.parametrize(
    ("name", "stride", "degrees"), [("meshopt_ball", 4, 1.2), ("gltfpack_ball", 4, 1.2), ("gltfpack_ball_fine", 8, 0.1)]
)
def test_normals_that_meshopt_folded_onto_an_octahedron(name, stride, degrees):
    """No colour or shape hangs on them, but a view that fails to unpack fails the file: a ball's normals are its own places."""
    file = GltfFile(PACKED / f"{name}.glb")
    attributes = file.items("meshes")[0]["primitives"][0]["attributes"]
    view = file.items("bufferViews")[file.items("accessors")[attributes["NORMAL"]]["bufferView"]]
    told = view["extensions"]["EXT_meshopt_compression"]
    assert (told["filter"], told["byteStride"]) == ("OCTAHEDRAL", stride)
    arrays = Accessors(file)
    normals, places = (arrays.numbers(attributes[part], ("VEC3",), named_by="it") for part in ("NORMAL", "POSITION"))
    low, high = places.min(axis=0), places.max(axis=0)
    outward = (places - (low + high) / 2) * (np.array([1, np.cos(0.1), 1]) / ((high - low) / 2))
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    cosines = (outward * normals / np.linalg.norm(normals, axis=1, keepdims=True)).sum(axis=1)
    assert len(normals) == 144 and (normals[:, 2] < -0.5).any() and (normals[:, 2] > 0.5).any()
    assert np.degrees(np.arccos(np.clip(cosines, -1, 1))).max() < degrees
    assert np.abs(np.linalg.norm(normals, axis=1) - 1).max() < 0.02


@pytest.mark.written_by("Blender")
@pytest.mark.parametrize("name", ["blender.glb", "blender_draco.glb", "blender.obj"])
def test_what_blender_wrote(name):
    mesh = read_given_mesh(PACKED / name).mesh
    green, red, blue = ((13, 153, 13), (178, 13, 13), (13, 25, 178)) if name.endswith("obj") else (GREEN, RED, BLUE)
    assert np.allclose(bounds(mesh), [[0, 0, -3], [4, 2.5, 0]], atol=1e-3)
    assert area_of(mesh, green) == pytest.approx(12, rel=1e-3)
    assert area_of(mesh, red) == pytest.approx(12 + 2 * 2.5 * 7, rel=1e-3)
    assert area_of(mesh, blue) == pytest.approx(6 + 2 * (0.5 + 0.75 + 1.5) + 3, rel=1e-3), "two cubes and an L of 3 m²"
