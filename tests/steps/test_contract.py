"""A step's signature is its contract: what it says is derived, and what it says wrongly is refused before anything runs."""

from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from lyra_sim.errors import SpecError
from lyra_sim.runner import step_table
from lyra_sim.scene.spec import AssessConfig, CaptureConfig, MeshConfig, SceneSpec
from lyra_sim.steps.contract import check_table
from lyra_sim.steps.step import step

SCENE = SceneSpec.model_validate({"name": "room", "rgbd": {"frames": "rgb", "depth": "depth", "cameras": "t.json"}})


class Walls:
    def __init__(self, text: str) -> None:
        self.text = text

    @classmethod
    def load(cls, folder: Path) -> "Walls":
        return cls((folder / "walls.txt").read_text())


class Roof:
    def __init__(self, text: str) -> None:
        self.text = text

    @classmethod
    def load(cls, folder: Path, walls: Walls) -> "Roof":
        return cls((folder / "roof.txt").read_text() + walls.text)


@step(version=1)
def walls(*, mesh: MeshConfig, capture_: CaptureConfig, name: str, seed: int, out: Path) -> Walls:
    """Build walls."""
    (out / "walls.txt").write_text(f"{name} {seed} {mesh.target_faces} {capture_.max_views}")
    return Walls("in memory")


@step(version=1, plugins=lambda: (), sources=lambda: ())
def roof(walls: Walls, *, out: Path) -> Roof:
    (out / "roof.txt").write_text("roof over ")
    return Roof("in memory")


def test_needs_reads_and_name_are_those_of_the_signature() -> None:
    assert (walls.name, walls.needs, walls.loads) == ("walls", (), ())
    assert walls.reads == ("mesh", "capture", "name"), "the seed enters every key by itself"
    assert (roof.needs, roof.reads, roof.loads) == (("walls",), (), ("walls",))
    assert walls.__doc__ == "Build walls." and "mesh" in signature(walls).parameters


def test_a_call_returns_what_it_wrote(tmp_path: Path) -> None:
    """Not what the function had in memory: the next step of a build is handed what lies on disk, too."""
    made = walls(mesh=SCENE.mesh, capture_=SCENE.capture, name="a", seed=3, out=tmp_path / "deep" / "walls")
    assert made.text == "a 3 60000 5000"
    assert roof(made, out=tmp_path / "roof").text == "roof over a 3 60000 5000"


def test_the_runner_hands_over_the_parts_of_the_scene_that_are_named(tmp_path: Path) -> None:
    walls.run(SCENE, {}, out=tmp_path)
    assert (tmp_path / "walls.txt").read_text() == "room 7 60000 5000"


def test_what_files_and_plugins_follow_from_is_read_too() -> None:
    def sources(capture: CaptureConfig) -> tuple[Path, ...]:
        return (Path("a"),) * capture.max_views

    def plugins(assess: AssessConfig) -> tuple[str, ...]:
        return assess.engines

    @step(version=1, sources=sources, plugins=plugins)
    def proof(*, out: Path) -> Walls: ...

    assert proof.reads == ("capture", "assess")
    assert len(proof.sources_of(SCENE)) == 5000 and proof.plugins_of(SCENE) == ("physx", "newton")


def unknown(*, voxels: int, out: Path) -> Walls: ...
def misspelt(*, mehs: MeshConfig, out: Path) -> Walls: ...
def mistaken(*, mesh: CaptureConfig, out: Path) -> Walls: ...
def untyped(*, mesh, out: Path) -> Walls: ...
def whole(*, out: Path, **scene: Any) -> Walls: ...
def homeless(*, mesh: MeshConfig) -> Walls: ...
def unloadable(*, out: Path) -> int: ...
def orphan(*, out: Path) -> Roof: ...


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (unknown, "step 'unknown': its parameter 'voxels' is no field of the scene (expected fields of SceneSpec)"),
        (misspelt, "Did you mean 'mesh'?"),
        (mistaken, "its parameter 'mesh' is CaptureConfig (expected MeshConfig"),
        (untyped, "its parameter 'mesh' is of no stated type (expected MeshConfig"),
        (whole, "it takes **scene"),
        (homeless, "no folder to write to (expected a keyword parameter 'out: Path')"),
        (unloadable, "it returns int, which can't be loaded"),
        (orphan, "Roof.load takes walls (expected the folder, and of nothing what it takes to load)"),
    ],
)
def test_a_signature_that_is_none_is_refused_where_it_stands(function: Callable[..., Any], message: str) -> None:
    with pytest.raises(SpecError) as refused:
        step(version=1)(function)
    assert message in str(refused.value)


def test_sources_and_plugins_take_fields_alone() -> None:
    with pytest.raises(SpecError, match="its parameter 'scene' is no field"):
        step(version=1, sources=lambda scene: ())(walls.function)


@step(version=1)
def tower(roof: Walls, *, out: Path) -> Walls: ...


@step(version=1)
def shed(*, out: Path) -> Walls: ...


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ((roof,), "step 'roof': it needs walls (expected needs that come before it)"),
        ((walls, roof, tower), "step 'tower': its parameter 'roof' is Walls (expected Roof, which is what it is given)"),
        ((walls, shed), "step 'shed': it returns Walls, as walls does (expected a type of its own)"),
        ((walls, walls), "step 'walls': there are two of that name"),
    ],
)
def test_steps_that_do_not_fit_together_are_refused(table: tuple[Any, ...], message: str) -> None:
    with pytest.raises(SpecError) as refused:
        check_table(table)
    assert message in str(refused.value)


def test_the_real_steps_fit_together_and_none_takes_the_whole_scene() -> None:
    table = step_table()
    assert len({entry.contract.result for entry in table}) == len(table)
    assert all(set(entry.reads) <= set(SceneSpec.model_fields) for entry in table)


def test_a_step_may_keep_work_in_a_folder_of_its_own(tmp_path: Path) -> None:
    def hut(*, out: Path, kept: Path | None = None) -> Walls:
        (out / "walls.txt").write_text(str(kept and kept.name))
        return Walls.load(out)

    hut = step(version=1)(hut)
    assert hut.contract.keeps and not hut.reads
    hut.run(SCENE, {}, out=tmp_path, kept=tmp_path / "before")
    assert Walls.load(tmp_path).text == "before"
    hut.run(SCENE, {}, out=tmp_path)
    assert Walls.load(tmp_path).text == "None"


def test_what_is_kept_is_a_folder_that_may_be_absent() -> None:
    def hut(*, out: Path, kept: Path) -> Walls:
        """Take it for granted."""

    with pytest.raises(SpecError, match="its parameter 'kept' is Path"):
        step(version=1)(hut)
