"""A given mesh read twice: alike, or by how much not, or why there is no second reading."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh

from lyra_sim.geometry.rigid import Similarity
from lyra_sim.quality.witness.given_surface import given_witness, read_again, reading_metric
from tests.capture.survey.glb_writer import CUBE, CUBE_FACES, Glb, hall

UPRIGHT = Similarity(scale=1.0, rotation=np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]), translation=np.zeros(3))
"""glTF is y-up."""
CENTRES = np.array([[2.0, 2.0, 1.0], [3.0, 1.0, 1.0]])


def furnished(folder: Path, *, instanced: bool = False) -> Path:
    glb = Glb()
    hall(glb, glb.material((0.6, 0.5, 0.4)))
    shelf = glb.mesh(glb.primitive(CUBE * [0.3, 1.8, 0.4], CUBE_FACES, glb.material((0.2, 0.3, 0.6))))
    places = np.array([[0.2, 0, 2.5], [1.2, 0, 2.5]], "<f4")
    if instanced:
        held = {"TRANSLATION": glb.accessor(places)}
        glb.node(mesh=shelf, extensions={"EXT_mesh_gpu_instancing": {"attributes": held}})
        glb.uses("EXT_mesh_gpu_instancing")
    else:
        for place in places:
            glb.node(mesh=shelf, translation=place.tolist())
    glb.save(folder / "hall.glb")
    return folder / "hall.glb"


def test_two_readers_agree_about_a_plain_hall(tmp_path: Path) -> None:
    reading = read_again([furnished(tmp_path)])
    metric = reading_metric(reading)
    assert metric.verdict == "pass" and metric.value == pytest.approx(0, abs=1e-6)
    witness = given_witness(reading, CENTRES, reach=20.0, seed=7)
    assert witness.kind == "second reading" and len(witness) > 100_000
    assert np.linalg.norm(witness.ends - witness.origins, axis=1).max() <= 20


def test_shelves_that_the_second_reader_never_sees_are_counted(tmp_path: Path) -> None:
    reading = read_again([furnished(tmp_path, instanced=True)])
    metric = reading_metric(reading)
    assert metric.verdict == "pass" and "EXT_mesh_gpu_instancing" in metric.note and reading.counted == len(reading.own.faces)
    assert given_witness(reading, CENTRES, reach=20.0, seed=7).kind == "own reading"


@pytest.mark.parametrize("instanced", [False, True], ids=["as nodes", "as instances of one node"])
def test_a_reader_that_loses_a_shelf_fails(instanced: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours, as it once was: instances, transforms or parts that weren't followed; instances no second library follows too."""
    file = furnished(tmp_path, instanced=instanced)
    from lyra_sim.quality.witness import given_surface

    whole = given_surface.read_any_mesh

    def losing(path: Path):
        read = whole(path)
        faces = read.mesh.faces[:-12]
        mesh = replace(
            read.mesh,
            faces=faces,
            corner_rgb=read.mesh.corner_rgb[:-12],
            image_index=read.mesh.image_index[:-12],
            uv=read.mesh.uv[:-12],
        )
        return replace(read, mesh=mesh)

    monkeypatch.setattr(given_surface, "read_any_mesh", losing)
    assert reading_metric(read_again([file]).moved(UPRIGHT)).verdict == "fail"


def test_a_stage_is_walked_again(tmp_path: Path) -> None:
    from pxr import Usd, UsdGeom

    stage = Usd.Stage.CreateNew(str(tmp_path / "a.usda"))
    box = trimesh.creation.box((2, 3, 4))
    mesh = UsdGeom.Mesh.Define(stage, "/hall/box")
    mesh.CreatePointsAttr(box.vertices.astype(np.float32))
    mesh.CreateFaceVertexCountsAttr([3] * len(box.faces))
    mesh.CreateFaceVertexIndicesAttr(box.faces.ravel().tolist())
    UsdGeom.Xformable(stage.GetPrimAtPath("/hall/box")).AddTranslateOp().Set((5, 6, 7))
    stage.GetRootLayer().Save()
    reading = read_again([tmp_path / "a.usda"])
    assert reading.other is not None and reading.why == "read again by a plain walk of the stage"
    np.testing.assert_allclose(reading.other.vertices.mean(axis=0), [5, 6, 7])
    UsdGeom.Cylinder.Define(stage, "/hall/pipe")
    stage.GetRootLayer().Save()
    assert "Cylinder" in read_again([tmp_path / "a.usda"]).why


def test_area_is_told_by_height(tmp_path: Path) -> None:
    """One box is as large as another that stands lower, and yet another one."""
    for name, z in (("low.ply", 0.5), ("high.ply", 3.5)):
        box = trimesh.creation.box((1, 1, 1))
        box.apply_translation([0, 0, z])
        box.export(tmp_path / name)
    low, high = (read_again([tmp_path / name]) for name in ("low.ply", "high.ply"))
    assert reading_metric(low).value == pytest.approx(0, abs=1e-6)
    assert reading_metric(replace(low, other=high.own)).value == pytest.approx(1.0)
