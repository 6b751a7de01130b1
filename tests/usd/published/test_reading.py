"""A package read back is what was written; one that is damaged, foreign or old is named."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pxr import Gf, UsdGeom, UsdPhysics

from lyra_sim.data.world import HeldOut
from lyra_sim.errors import InputError
from lyra_sim.navigation.again import found_again
from lyra_sim.navigation.occupancy import main_band
from lyra_sim.usd.published.place import find_package
from lyra_sim.usd.published.reading import Package, read_package
from tests.broken_worlds.good import GoodWorld
from tests.usd.breaks import GEOMETRY, HULLS, on_stage


def read(path: Path) -> Package:
    return read_package(find_package(path))


def test_what_was_written_is_read_back(flat: GoodWorld, sound_package: Path) -> None:
    found = read(sound_package)
    assert (found.name, found.unread, found.place.changed) == ("flat", (), ())
    assert [(hull.name, hull.label, hull.seen) for hull in found.hulls] == [
        (hull.name, hull.label, hull.seen) for hull in flat.colliders.hulls
    ]
    for mine, theirs in zip(found.hulls, flat.colliders.hulls, strict=True):
        np.testing.assert_array_equal(np.unique(mine.vertices, axis=0), np.unique(theirs.vertices, axis=0))
        middle = theirs.vertices.mean(axis=0)
        assert (mine.planes() @ np.append(middle, 1.0) < 0).all(), "wound outward"
    np.testing.assert_allclose(found.cameras.c2w, flat.world.cameras.c2w, atol=1e-8)
    assert found.view_names == flat.world.views.names
    assert found.held_out is None and found.splats is not None
    for name in ("means", "log_scales", "sh_coeffs"):
        np.testing.assert_allclose(getattr(found.splats, name), getattr(flat.world.splats, name), atol=1e-5)
    assert found.surface is not None and found.visual is not None
    assert found.visual.face_areas().sum() == pytest.approx(flat.solid.mesh.face_areas().sum(), rel=1e-4)
    assert found.surface.face_areas().sum() == pytest.approx(
        flat.solid.mesh.face_areas()[flat.solid.mesh.face_seen].sum(), rel=1e-4
    )


def test_views_that_were_held_out_are_told_apart(flat: GoodWorld, tmp_path: Path) -> None:
    """They are in cameras.json by a flag, and aren't among those that the world was built from."""
    kept, apart = np.arange(1, 36), np.array([0])
    world = flat.world
    names = tuple(f"{name} again" for name in world.views.names[:1])
    held_out = HeldOut(names=names, cameras=world.cameras.select(apart))
    built = replace(world, views=world.views.select(kept.tolist()), cameras=world.cameras.select(kept), held_out=held_out)
    found = read(replace(flat, world=built).write(tmp_path))
    assert found.held_out is not None and found.held_out.names == names
    np.testing.assert_allclose(found.held_out.cameras.c2w, world.cameras.c2w[:1], atol=1e-8)
    assert found.view_names == world.views.names[1:] and len(found.cameras) == 35
    rows = json.loads((found.place.folder / "cameras.json").read_text())["views"]
    assert [row["held_out"] for row in rows] == [False] * 35 + [True]


def test_cameras_of_an_older_package_are_read(flat: GoodWorld, package: Path) -> None:
    facts = json.loads((package / "cameras.json").read_text())
    for row in facts["views"]:
        del row["held_out"]
    (package / "cameras.json").write_text(json.dumps({**facts, "cameras_version": 1}))
    found = read(package)
    assert found.view_names == flat.world.views.names and found.held_out is None


def test_what_follows_from_its_map_is_found_again(flat: GoodWorld, sound_package: Path) -> None:
    package, built = read(sound_package), flat.navigation
    found = found_again(package.navigation, package.hulls, main_band(package.navigation))
    assert (found.reachable_area, found.route_coverage, found.doorways) == (
        built.reachable_area,
        built.route_coverage,
        built.doorways,
    )
    assert found.probe_gap == built.probe_gap
    np.testing.assert_array_equal(found.probes, built.probes)
    np.testing.assert_array_equal(found.floor, built.floor)


@pytest.mark.parametrize("into", [lambda folder: folder / "world.usda", lambda folder: folder, lambda folder: folder.parent])
def test_it_is_found_by_its_scene_its_folder_and_its_layer(package: Path, into: Callable[[Path], Path]) -> None:
    assert find_package(into(package)).folder == package


def test_a_hull_is_where_the_stage_puts_it_and_what_is_switched_off_is_not_there(package: Path) -> None:
    def change(stage):
        UsdGeom.Xformable(stage.GetPrimAtPath(f"{HULLS}/clutter_010")).AddTranslateOp().Set(Gf.Vec3d(0.5, 0, 0))
        UsdPhysics.CollisionAPI(stage.GetPrimAtPath(f"{HULLS}/clutter_011")).CreateCollisionEnabledAttr(False)
        box = UsdGeom.Cube.Define(stage, f"{HULLS}/box").GetPrim()
        UsdPhysics.CollisionAPI.Apply(box)

    before = {hull.name: hull for hull in read(package).hulls}
    on_stage(GEOMETRY, change)(package)
    found = read(package)
    after = {hull.name: hull for hull in found.hulls}
    assert before.keys() - after.keys() == {"clutter_011"}
    moved = after["clutter_010"].vertices.mean(axis=0) - before["clutter_010"].vertices.mean(axis=0)
    np.testing.assert_allclose(moved, [0.5, 0, 0], atol=1e-6)
    assert [path.rpartition("/")[2] for path in found.unread] == ["box"]
    assert found.place.changed == ("payload/geometry.usdc was changed",)


def test_files_that_were_added_and_lost_are_told(package: Path) -> None:
    (package / "notes.txt").write_text("mine")
    (package / "payload" / "texture.png").unlink()
    assert find_package(package).changed == ("notes.txt was added", "payload/texture.png is missing")


def manifest_edit(change: Callable[[dict], object]) -> Callable[[Path], object]:
    def edit(package: Path) -> None:
        facts = json.loads((package / "manifest.json").read_text())
        change(facts)
        (package / "manifest.json").write_text(json.dumps(facts))

    return edit


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "foreign": (lambda package: (package / "manifest.json").unlink(), "no manifest.json in it"),
    "no stage": (lambda package: (package / "world.usda").unlink(), "no world.usda in it"),
    "half a manifest": (lambda package: (package / "manifest.json").write_text('{"manifest_ver'), "not JSON"),
    "another manifest": (lambda package: (package / "manifest.json").write_text("[1]"), "no manifest_version"),
    "later": (manifest_edit(lambda facts: facts.update(manifest_version=9)), "manifest_version 9"),
    "older": (manifest_edit(lambda facts: facts.pop("floor")), "no floor in it"),
    "no digests": (manifest_edit(lambda facts: facts.pop("files")), "it lists no files"),
    "not a number": (manifest_edit(lambda facts: facts["spawns"][0].update(x=float("nan"))), "numbers that can't be"),
    "mirrored": (manifest_edit(lambda facts: facts["world_from_input"][0].__setitem__(0, -1.0)), "not a readable manifest"),
    "text": (manifest_edit(lambda facts: facts.update(probes="many")), "not a readable manifest"),
    "lost layer": (lambda package: (package / GEOMETRY).unlink(), "geometry.usdc isn't there or can't be read"),
    "torn layer": (lambda package: (package / GEOMETRY).write_bytes(b"PXR-USDC"), "geometry.usdc isn't there or can't be read"),
    "no map": (lambda package: shutil.rmtree(package / "occupancy_map"), "no readable map.yaml"),
    "no cameras": (lambda package: (package / "cameras.json").unlink(), "the file is missing"),
    "bent camera": (
        lambda package: (package / "cameras.json").write_text((package / "cameras.json").read_text().replace('"K"', '"k"')),
        "not readable as cameras",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_one_clear_error(name: str, package: Path) -> None:
    edit, words = BROKEN[name]
    edit(package)
    with pytest.raises(InputError) as raised:
        read(package)
    assert words in str(raised.value)


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        find_package(tmp_path / "none")
