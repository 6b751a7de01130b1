"""A package measured anew: sound it holds, and what was edited in it fails, whatever was written about it before."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from lyra_sim.data.capture import DepthFacts
from lyra_sim.data.report import Metric
from lyra_sim.data.sparse import SparsePoints
from lyra_sim.data.splats import Splats
from lyra_sim.data.world import HeldOut
from lyra_sim.errors import InputError
from lyra_sim.geometry.cameras import project, unproject
from lyra_sim.navigation.again import found_again
from lyra_sim.navigation.occupancy import main_band
from lyra_sim.physics.gate import GateRun
from lyra_sim.quality.depth import judged_views
from lyra_sim.quality.image import image_metrics
from lyra_sim.quality.published import (
    agreement_of_package,
    assess_package,
    package_metrics,
    pictures_of_package,
    since_measured,
    witness_of_package,
)
from lyra_sim.quality.witness.published_views import call_against
from lyra_sim.store.digests import folder_digest
from lyra_sim.usd.published.place import find_package
from lyra_sim.usd.published.reading import read_package
from tests.broken_worlds.good import GoodWorld, good_world
from tests.broken_worlds.package_faults import added_box, without
from tests.command_line import lyra_sim
from tests.quality.worlds import capture_of, room_surface
from tests.usd.breaks import GEOMETRY, HULLS, on_attribute

CABINETS = (f"{HULLS}/clutter_010", f"{HULLS}/clutter_011")


@pytest.fixture(scope="module")
def flat(tmp_path_factory: pytest.TempPathFactory) -> GoodWorld:
    return good_world(tmp_path_factory.mktemp("flat"))


@pytest.fixture(scope="module")
def capture(flat: GoodWorld) -> Path:
    folder = flat.world.views.folder
    capture_of(flat.world, held_out=tuple(range(4, 36, 8))).save(folder)
    return folder


@pytest.fixture(scope="module")
def sound_package(flat: GoodWorld, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return flat.write(tmp_path_factory.mktemp("flat_package"))


@pytest.fixture
def package(sound_package: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound_package, tmp_path / "scene" / "world"))


def test_a_guessed_package_is_not_assessed_until_a_truth_is_asked(
    tmp_path: Path, flat: GoodWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lyra_sim.quality.published.run_gates", lambda *a, **k: GateRun(results={}, failures={}))
    guess = replace(flat, world=replace(flat.world, depth_kind="one photo")).write(tmp_path / "guess")
    sure = flat.write(tmp_path / "sure")
    surface = room_surface(flat.room)
    trimesh.Trimesh(surface.vertices, surface.faces, process=False).export(tmp_path / "truth.ply")
    routes = {
        name: assess_package(path, against=against, engines=(), out=tmp_path).report["navigation.routes"].value
        for name, path, against in (("guess", guess, ()), ("sure", sure, ()), ("asked", guess, (tmp_path / "truth.ply",)))
    }
    assert routes["guess"] is None and routes["asked"] == routes["sure"] > 0


def figures(path: Path, *against: Path) -> dict[str, Metric]:
    """All but rules and physics."""
    package = read_package(find_package(path))
    navigation = found_again(package.navigation, package.hulls, main_band(package.navigation))
    called = call_against(package, against, seed=7)
    found = [*package_metrics(package, navigation), *witness_of_package(package, navigation, called)]
    return {metric.name: metric for metric in found}


def looks(path: Path, *against: Path) -> dict[str, Metric]:
    """What its splats look like, and whether what is seen is what is hit."""
    package = read_package(find_package(path))
    navigation = found_again(package.navigation, package.hulls, main_band(package.navigation))
    called = call_against(package, against, seed=7)
    found = [*pictures_of_package(package, called.capture), *agreement_of_package(package, navigation)]
    return {metric.name: metric for metric in found}


def points_of(flat: GoodWorld, *, count: int) -> SparsePoints:
    """Exact points of the flat's surface, each sighted by every view that shows it."""
    world, rng = flat.world, np.random.default_rng(4)
    depths = [world.z_depth(index) for index in range(len(world.cameras))]
    seeds = [unproject(z, world.cameras.K[i], world.cameras.c2w[i]).reshape(-1, 3) for i, z in enumerate(depths)]
    points = rng.permutation(np.concatenate(seeds))[:count].astype(np.float64)
    rows, views, xy = [], [], []
    for view, z in enumerate(depths):
        uv, ahead = project(points, world.cameras.K[view], world.cameras.w2c[view])
        column, row = np.floor(uv).astype(int).T
        inside = (ahead > 0.1) & (row >= 0) & (row < z.shape[0]) & (column >= 0) & (column < z.shape[1])
        shown = np.flatnonzero(inside)
        shown = shown[np.abs(z[row[shown], column[shown]] - ahead[shown]) < 0.01]
        K = world.cameras.K[view]
        rows.append(shown)
        views.append(np.full(len(shown), view))
        xy.append((uv[shown] - K[:2, 2]) / np.diag(K)[:2])
    return SparsePoints(
        points=points,
        point_index=np.concatenate(rows).astype(np.int32),
        view_index=np.concatenate(views).astype(np.int32),
        xy=np.concatenate(xy),
    )


def test_a_sound_package_holds_against_its_capture(sound_package: Path, capture: Path) -> None:
    found = figures(sound_package, capture)
    assert {name: metric.verdict for name, metric in found.items() if metric.verdict != "pass"} == {}
    assert found["witness.ghost"].n > 10_000


def test_and_against_the_true_surface(sound_package: Path, flat: GoodWorld, tmp_path: Path) -> None:
    truth = room_surface(flat.room)
    trimesh.Trimesh(truth.vertices, truth.faces, process=False).export(tmp_path / "truth.ply")
    found = figures(sound_package, tmp_path / "truth.ply")
    assert {name: metric.verdict for name, metric in found.items() if metric.verdict != "pass"} == {}
    assert found["witness.reading_difference"].value == pytest.approx(0, abs=1e-6)


def test_two_cabinets_without_hulls_fail_against_the_capture_and_on_their_own(package: Path, capture: Path) -> None:
    without(*CABINETS)(package)
    found = figures(package, capture)
    for name in ("witness.ghost", "witness.ghost_patch", "package.map_bare", "collision.largest_gap"):
        assert found[name].verdict == "fail", found[name]
    assert found["package.files_changed"].value == 1 and "geometry.usdc" in found["package.files_changed"].note


def test_without_anything_to_hold_it_against_there_is_no_witness(sound_package: Path) -> None:
    found = figures(sound_package)
    assert found["witness.ghost"].verdict == "not-measured" and "--against" in found["witness.ghost"].note


def test_a_capture_of_photos_is_a_witness_by_points_that_were_kept_back(flat: GoodWorld, package: Path, tmp_path: Path) -> None:
    """Nothing but points: what depth there is was estimated."""
    views = flat.world.views
    kept_back = points_of(flat, count=6000)
    estimated = DepthFacts(kind="plane sweep", sigma_relative=0.01, figures={})
    folder = tmp_path / "photos"
    shutil.copytree(views.folder, folder)
    capture_of(flat.world, depth=estimated, kept_back=kept_back).save(folder)
    sound = figures(package, folder)
    assert sound["witness.ghost"].verdict == sound["witness.phantom"].verdict == "pass", sound["witness.ghost"]
    assert sound["witness.rays"].note.startswith("kept-back points") and 400 < sound["witness.ghost"].n <= 12_000
    without(*CABINETS)(package)
    assert figures(package, folder)["witness.ghost"].verdict == "fail"


def test_splats_are_held_against_the_photos_of_the_capture(flat: GoodWorld, package: Path, capture: Path) -> None:
    """What a build would say of the same splats, from the cameras and the splats that lie in the package now."""

    def of(splats: Splats) -> dict[str, float]:
        found = image_metrics(replace(flat.world, splats=splats), judged_views(36, held_out=(), at_most=12))
        return {metric.name: pytest.approx(metric.value, abs=0.02) for metric in found}

    def pictures() -> dict[str, float | None]:
        return {name: metric.value for name, metric in looks(package, capture).items() if name.startswith("image.")}

    sound = pictures()
    assert sound == of(flat.world.splats)
    field, wider = "/Splat/gaussians", np.float32(3)
    on_attribute("payload/splat.usdc", f"{field}.scales", lambda scales: scales * wider)(package)
    blurred = pictures()
    assert blurred == of(replace(flat.world.splats, log_scales=flat.world.splats.log_scales + np.log(wider)))
    assert blurred["image.input.ssim"] < sound["image.input.ssim"] - 0.05
    on_attribute("payload/splat.usdc", f"{field}.opacities", lambda opacities: opacities * np.float32(0.01))(package)
    assert looks(package, capture)["image.input.covered"].verdict == "warn"


def test_held_out_views_judge_the_splats(flat: GoodWorld, capture: Path, tmp_path: Path) -> None:
    apart = np.arange(4, 36, 8)
    kept = np.setdiff1d(np.arange(36), apart)
    names = tuple(flat.world.views.names[index] for index in apart)
    held_out = HeldOut(names=names, cameras=flat.world.cameras.select(apart))
    world = replace(
        flat.world, views=flat.world.views.select(kept.tolist()), cameras=flat.world.cameras.select(kept), held_out=held_out
    )
    package = replace(flat, world=world).write(tmp_path / "out")
    found = looks(package, capture)
    assert found["image.held_out.psnr"].n == len(apart) and "image.input.psnr" not in found


def test_what_nobody_named_photos_for_is_not_measured(sound_package: Path, flat: GoodWorld, tmp_path: Path) -> None:
    truth = room_surface(flat.room)
    trimesh.Trimesh(truth.vertices, truth.faces, process=False).export(tmp_path / "truth.ply")
    for against in ((), (tmp_path / "truth.ply",)):
        found = looks(sound_package, *against)
        assert found["image.input.psnr"].verdict == "not-measured" and "--against" in found["image.input.psnr"].note


def test_what_is_seen_is_what_is_hit_or_the_package_fails(package: Path) -> None:
    sound = looks(package)
    assert sound["agreement.views"].value >= 100
    assert {
        name for name, metric in sound.items() if metric.name.startswith("agreement.mesh") and metric.verdict == "fail"
    } == set()
    without(*CABINETS)(package)
    damaged = looks(package)
    for shown in ("mesh", "splat"):
        name = f"agreement.{shown}.ghost_off_surface"
        assert damaged[name].value > sound[name].value + 0.01, (sound[name], damaged[name])


def test_a_moved_hull_fails(package: Path, capture: Path) -> None:
    on_attribute(GEOMETRY, f"{CABINETS[0]}.points", lambda points: points + np.float32([0.6, 0.0, 0.0]))(package)
    found = figures(package, capture)
    for name in ("witness.phantom", "package.map_blocked", "package.map_bare"):
        assert found[name].verdict == "fail", found[name]


def test_an_added_hull_in_free_air_fails(package: Path, capture: Path) -> None:
    added_box("clutter_900", [2.0, 1.2, 0.25], [3.0, 2.2, 0.4])(package)
    found = figures(package, capture)
    assert found["package.map_blocked"].verdict == found["witness.phantom"].verdict == "fail"
    assert found["package.map_blocked"].note.startswith("around 2.5")


def test_an_edited_map_fails(package: Path) -> None:
    file = package / "occupancy_map" / "map.png"
    pixels = np.asarray(Image.open(file)).copy()
    pixels[pixels == 0] = 255
    Image.fromarray(pixels).save(file)
    assert figures(package)["package.map_blocked"].verdict == "fail"


def test_a_floor_tile_without_its_hull_fails(package: Path) -> None:
    without(f"{HULLS}/floor_002")(package)
    assert figures(package)["package.map_without_floor"].verdict == "fail"


def test_what_was_measured_before_is_told_apart(package: Path) -> None:
    place = find_package(package)
    (package.parent / "metrics.json").write_text(json.dumps({"world": folder_digest(package)}))
    assert since_measured(place, folder_digest(package)) == ""
    (package / "world_splat.usda").write_text("#usda 1.0\n")
    place = find_package(package)
    words = "the package was changed since it was measured: world_splat.usda was changed"
    assert since_measured(place, folder_digest(package)) == words
    (package.parent / "metrics.json").unlink()
    assert since_measured(place, folder_digest(package)) == words.replace("measured", "written")


def test_a_capture_of_another_place_is_refused(package: Path, capture: Path) -> None:
    facts = json.loads((package / "manifest.json").read_text())
    facts["world_from_input"][0][3] += 0.2
    (package / "manifest.json").write_text(json.dumps(facts))
    with pytest.raises(InputError, match=r"stands 0\.2 m from where the package has it"):
        figures(package, capture)


def test_what_it_cannot_be_held_against_is_named(sound_package: Path, tmp_path: Path) -> None:
    for path, words in ((tmp_path, "no capture.json"), (tmp_path / "none", "no such file"), (tmp_path / "x.stl", "mesh")):
        with pytest.raises(InputError, match=words):
            figures(sound_package, path)


@pytest.mark.physics
def test_the_command_finds_a_removed_cabinet_and_leaves_the_published_figures_alone(
    package: Path, capture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (package.parent / "metrics.json").write_text(json.dumps({"world": "another"}))
    without(*CABINETS)(package)
    arguments = ["assess", str(package), "--against", str(capture), "--engine", "physx", "--out", str(tmp_path / "again")]
    code, shown = lyra_sim(arguments, capsys)
    lines = shown.splitlines()
    assert code == 1 and lines[0].startswith("the package was changed since it was measured: payload/geometry.usdc"), shown
    assert any("fit for driving   FAIL" in line for line in lines)
    assert json.loads((tmp_path / "again" / "metrics.json").read_text())["world"] == folder_digest(package)
    assert (tmp_path / "again" / "gate_physx.json").is_file()
    assert json.loads((package.parent / "metrics.json").read_text()) == {"world": "another"}


def test_it_refuses_to_write_into_the_package(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, shown = lyra_sim(["assess", str(package), "--out", str(package / "again")], capsys)
    assert code == 2 and "lies in the package" in shown


def test_a_foreign_folder_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, shown = lyra_sim(["assess", str(tmp_path)], capsys)
    assert code == 3 and "no world.usda in it" in shown


@pytest.mark.parametrize("torn", [False, True])
def test_a_package_without_a_layer_is_one_error(package: Path, capsys: pytest.CaptureFixture[str], torn: bool) -> None:
    (package / GEOMETRY).unlink()
    if torn:
        (package / GEOMETRY).write_bytes(b"PXR-USDC")
    code, shown = lyra_sim(["assess", str(package)], capsys)
    assert code == 3 and "InputError" in shown and "geometry.usdc" in shown, shown
