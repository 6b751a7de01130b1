"""What every plug-in of kind ``exporter`` keeps (:mod:`lyra_sim.exporters.exporter`)."""

from pathlib import Path

import pytest

from lyra_sim.data.stage import StageBundle
from lyra_sim.exporters.exporter import Exporter
from lyra_sim.plugins import PluginSpec, load_plugin
from lyra_sim.usd.rules.validate import validate_stage
from tests.contracts.declared import declared, must_run
from tests.usd.worlds import World, box_world


@pytest.fixture(scope="module", params=declared("exporter"))
def spec(request: pytest.FixtureRequest) -> PluginSpec:
    must_run(request.param)
    return request.param


@pytest.fixture(scope="module")
def room() -> World:
    return box_world()


def exported(spec: PluginSpec, room: World, out: Path) -> StageBundle:
    export: Exporter = load_plugin("exporter", spec.name)
    given = room.world, room.mesh, room.colliders, room.navigation
    return export(*given, name="box_room", out=out, texture=room.texture)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_world_is_there_sound_and_the_same_again(spec: PluginSpec, room: World, tmp_path: Path) -> None:
    bundle, again = (exported(spec, room, tmp_path / name) for name in "ab")
    assert bundle.folder == tmp_path / "a" and bundle.stage.is_file() and bundle.stage.parent == bundle.world
    assert validate_stage(bundle.stage).count("error") == 0
    assert contents(bundle.folder) == contents(again.folder)
