"""The examples as a user runs them: through the command line, on real files, to a proven world."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import trimesh
import yaml

from lyra_sim.data.occupancy import OccupancyMap
from lyra_sim.data.report import Report
from lyra_sim.scene.scene_file import load_scenes, source_paths
from tests.house.files import ROOT

EXAMPLES = ROOT / "examples"
EVERY = 2
"""The reduced scene keeps every second view of the walk through the house."""
REDUCED = {
    "mesh.voxel_size": 0.06,
    "mesh.target_faces": 30000,
    "reconstruct.splat_spacing": 0.04,
    "reconstruct.iterations": 120,
    "reconstruct.train_side": 320,
    "collide.concavity": 0.1,
    "navigate.probes": 20,
    "navigate.routes": 4,
    "assess.pictures": 2,
}


def lyra_sim(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lyra_sim.command.cli", *map(str, arguments)], cwd=ROOT, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def reduced_house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scene file for half the views of small_house; the files are the example's own."""
    folder = tmp_path_factory.mktemp("reduced")
    source = yaml.safe_load((EXAMPLES / "scenes.yaml").read_text(encoding="utf-8"))
    (scene,) = (entry for entry in source["scenes"] if entry["name"] == "small_house")
    for kind in ("frames", "depth"):
        (folder / kind).mkdir()
        for path in sorted((EXAMPLES / scene["rgbd"][kind]).iterdir())[::EVERY]:
            (folder / kind / path.name).symlink_to(path)
        scene["rgbd"][kind] = str(folder / kind)
    scene["rgbd"]["cameras"] = str(EXAMPLES / scene["rgbd"]["cameras"])
    scene["truth"] = {"occupancy_map": str(EXAMPLES / scene["truth"]["occupancy_map"])}
    (folder / "scenes.yaml").write_text(yaml.safe_dump({**source, "scenes": [scene]}), encoding="utf-8")
    return folder / "scenes.yaml"


@pytest.fixture(scope="module")
def build_arguments(reduced_house: Path) -> list[str | Path]:
    overrides = [part for key, value in REDUCED.items() for part in ("--set", f"scenes.small_house.{key}={value}")]
    return ["build", reduced_house, "--out", reduced_house.parent / "out", *overrides]


@pytest.fixture(scope="module")
def built(build_arguments: list[str | Path]) -> Path:
    """``out/small_house`` after a first build."""
    done = lyra_sim(*build_arguments)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return Path(build_arguments[3]) / "small_house"


def test_scene_file_names_files_that_exist() -> None:
    scenes = load_scenes(EXAMPLES / "scenes.yaml")
    assert [scene.name for scene in scenes] == ["small_house", "small_house_photos", "livingroom"]
    for scene in scenes:
        missing = [path for path in source_paths(scene).values() if not path.exists()]
        assert not missing, scene.name


@pytest.mark.parametrize(("name", "count"), [("small_house", 64), ("livingroom", 36)])
def test_every_frame_has_depth(name: str, count: int) -> None:
    (scene,) = (scene for scene in load_scenes(EXAMPLES / "scenes.yaml") if scene.name == name)
    frames, depths = ({path.stem for path in folder.iterdir()} for folder in (scene.source.frames, scene.source.depth))
    assert len(frames) == count and frames == depths


@pytest.mark.physics
@pytest.mark.timeout(600)
def test_output_has_the_promised_files(built: Path) -> None:
    for name in (
        "metrics.json",
        "report.html",
        "world/world.usda",
        "world/world_splat.usda",
        "world/manifest.json",
        "world/occupancy_map/map.yaml",
        "exports/splats.ply",
        "exports/mesh.glb",
        "exports/hulls.glb",
    ):
        assert (built / name).is_file() and (built / name).stat().st_size > 0, name


@pytest.mark.physics
def test_nothing_failed_and_both_engines_drove(built: Path) -> None:
    report = Report.load(built)
    assert report.verdict in ("pass", "warn")
    assert not [metric for metric in report.metrics if metric.verdict == "fail"]
    for engine in ("physx", "newton"):
        driven = report[f"physics.{engine}.routes_driven"]
        assert driven.value == 1.0 and driven.n >= 4
        assert report[f"physics.{engine}.length_error"].value <= 0.05
        assert report[f"physics.{engine}.probes_fell"].value == 0
    assert report["usd.errors"].value == 0


def test_exported_mesh_is_closed_and_has_the_house_in_it(built: Path) -> None:
    """Read with another library than the one that made it; the house is 19.0 x 11.4 m."""
    parts = trimesh.load_scene(built / "exports" / "mesh.glb").geometry
    assert set(parts) == {"seen", "unseen"}
    mesh = trimesh.util.concatenate([trimesh.Trimesh(part.vertices, part.faces, process=False) for part in parts.values()])
    mesh.merge_vertices()
    assert mesh.is_watertight and mesh.is_winding_consistent
    sides = np.sort(mesh.extents)[::-1]
    assert 10.0 < sides[0] < 22.0 and 6.0 < sides[1] < 14.0


def test_exported_hulls_are_convex(built: Path) -> None:
    hulls = trimesh.load(built / "exports" / "hulls.glb").geometry
    assert len(hulls) > 10
    assert all(hull.is_convex and hull.volume > 0 for hull in hulls.values())


def test_map_agrees_with_the_authors_lidar(built: Path) -> None:
    """Where our map says free, theirs must not say occupied; our own count, not the report's."""
    ours, theirs = OccupancyMap.load(built / "world" / "occupancy_map"), OccupancyMap.load(EXAMPLES / "small_house" / "nav_map")
    centres = ours.centres(np.argwhere(ours.free))
    grey = theirs.sample(centres)
    known = grey != 127
    assert len(centres) * ours.resolution**2 > 20.0
    assert (grey[known] == 255).mean() >= 0.95
    report = Report.load(built)
    assert report["truth.map.occupied_recall"].value >= 0.85
    assert report["navigation.reachable_area"].value >= 40.0


def test_stage_opens_in_plain_usd(built: Path) -> None:
    from pxr import Usd, UsdGeom, UsdUtils

    path = str(built / "world" / "world.usda")
    assert not UsdUtils.ComputeAllDependencies(path)[2], "unresolved assets"
    stage = Usd.Stage.Open(path)
    assert UsdGeom.GetStageUpAxis(stage) == "Z" and UsdGeom.GetStageMetersPerUnit(stage) == 1.0
    cache = UsdGeom.BBoxCache(Usd.TimeCode.Default(), [UsdGeom.Tokens.default_, UsdGeom.Tokens.guide])
    size = cache.ComputeWorldBound(stage.GetDefaultPrim()).ComputeAlignedRange().GetSize()
    assert 10.0 < max(size) < 25.0


def test_nothing_written_names_this_machine(built: Path) -> None:
    """A world is handed on; no file of it may hold the paths it was built from."""
    texts = [
        path for path in built.rglob("*") if path.suffix in (".json", ".usda", ".yaml", ".html") and "steps" not in path.parts
    ]
    assert texts
    for path in texts:
        text = path.read_text(encoding="utf-8")
        assert str(ROOT) not in text and str(built.parent) not in text, path.name


def test_a_second_build_does_nothing(built: Path, build_arguments: list[str | Path]) -> None:
    before = {path: path.stat().st_mtime_ns for path in built.rglob("*.json")}
    done = lyra_sim(*build_arguments)
    assert done.returncode == 0, done.stderr
    assert {path: path.stat().st_mtime_ns for path in built.rglob("*.json")} == before


def test_dry_run_names_what_a_change_would_do(built: Path, build_arguments: list[str | Path]) -> None:
    done = lyra_sim(*build_arguments, "--dry-run", "--set", "scenes.small_house.collide.max_hulls=200")
    assert done.returncode == 0, done.stderr
    assert "collide.max_hulls" in done.stdout


def test_validate_accepts_the_world(built: Path) -> None:
    done = lyra_sim("validate", built / "world" / "world.usda")
    assert done.returncode == 0, done.stdout + done.stderr


def test_manifest_says_where_the_scale_comes_from(built: Path) -> None:
    manifest = json.loads((built / "world" / "manifest.json").read_text(encoding="utf-8"))
    world_from_input = np.array(manifest["world_from_input"])
    assert world_from_input.shape == (4, 4)
    np.testing.assert_allclose(world_from_input, np.eye(4), atol=1e-9, err_msg="a metric, z-up input keeps its frame")
