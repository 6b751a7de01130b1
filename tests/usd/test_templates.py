"""The templates open by themselves, and what is edited in them arrives in the package."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from pxr import Sdf, Usd, UsdGeom, UsdLux, UsdPhysics, UsdUtils

from lyra_sim.errors import UsdError
from lyra_sim.resources import resource_dir
from lyra_sim.usd import world as entry

NO_LAMPS = np.zeros((0, 3))
NAMES = ("world.usda", "physics_scene.usda", "materials.usda", "looks.usda", "lights.usda")


@pytest.fixture
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An editable copy that the author uses."""
    copy = Path(shutil.copytree(resource_dir("usd_templates"), tmp_path / "usd_templates"))
    monkeypatch.setattr(entry, "resource_dir", lambda name: tmp_path / name)
    return copy


@pytest.mark.parametrize("name", NAMES)
def test_template_opens_by_itself(name: str) -> None:
    path = resource_dir("usd_templates") / name
    stage = Usd.Stage.Open(str(path))
    assert stage.GetDefaultPrim()
    assert not UsdUtils.ComputeAllDependencies(str(path))[2]
    assert UsdGeom.GetStageUpAxis(stage) == "Z"
    assert all(prim.IsDefined() and prim.GetTypeName() for prim in stage.Traverse())


def test_edits_of_templates_reach_the_world(templates: Path, tmp_path: Path) -> None:
    lights = Sdf.Layer.FindOrOpen(str(templates / "lights.usda"))
    lights.GetAttributeAtPath("/Lights/dome.inputs:intensity").default = 123.0
    lights.Save()
    scene = Sdf.Layer.FindOrOpen(str(templates / "physics_scene.usda"))
    scene.GetAttributeAtPath("/physicsScene.physics:gravityMagnitude").default = 9.8
    scene.Save()
    entry.write_world(tmp_path / "world.usda", facts={"lyra_sim": {"name": "x"}}, lamps=np.array([[1.0, 2, 3], [4, 5, 6]]))
    layer = Sdf.Layer.FindOrOpen(str(tmp_path / "world.usda"))
    assert not any("usd_templates" in name or "lights" in name for name in layer.GetCompositionAssetDependencies())
    assert layer.customLayerData["lyra_sim"]["name"] == "x"
    stage = Usd.Stage.Open(layer, load=Usd.Stage.LoadNone)
    assert UsdLux.DomeLight.Get(stage, "/World/DomeLight").GetIntensityAttr().Get() == 123.0
    lamps = [prim.GetName() for prim in stage.GetPrimAtPath("/World/Lamps").GetChildren()]
    assert lamps == ["lamp_000", "lamp_001"]
    hung = UsdGeom.XformCache().GetLocalToWorldTransform(stage.GetPrimAtPath("/World/Lamps/lamp_001"))
    assert hung.ExtractTranslation() == (4, 5, 6)
    assert UsdPhysics.Scene.Get(stage, "/physicsScene").GetGravityMagnitudeAttr().Get() == pytest.approx(9.8)


def test_a_template_without_its_payload_prims_is_an_error(templates: Path, tmp_path: Path) -> None:
    world = Sdf.Layer.FindOrOpen(str(templates / "world.usda"))
    collision = world.GetPrimAtPath("/World{collision=hulls}Environment/Collision")
    del collision.nameChildren["shapes"]
    world.Save()
    with pytest.raises(UsdError, match=r"no prim /World\{collision=hulls\}"):
        entry.write_world(tmp_path / "world.usda", facts={}, lamps=NO_LAMPS)


def test_a_reference_to_nothing_is_an_error(templates: Path, tmp_path: Path) -> None:
    (templates / "materials.usda").write_text("#usda 1.0\n")
    with pytest.raises(UsdError, match="no prim /PhysicsMaterials"):
        entry.write_world(tmp_path / "world.usda", facts={}, lamps=NO_LAMPS)


def test_a_world_without_a_roof_has_no_lamps(templates: Path, tmp_path: Path) -> None:
    entry.write_world(tmp_path / "world.usda", facts={}, lamps=NO_LAMPS)
    stage = Usd.Stage.Open(str(tmp_path / "world.usda"), load=Usd.Stage.LoadNone)
    assert stage.GetPrimAtPath("/World/DistantLight") and not stage.GetPrimAtPath("/World/Lamps")
