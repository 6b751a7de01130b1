"""The flat recipes stay short, are typed (``make lint`` runs mypy over them), and each is run whole on a tiny scene."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import trimesh

from lyra_sim import build, load_scenes
from lyra_sim.data.files import read_json
from lyra_sim.data.navigation import Navigation
from lyra_sim.data.solid import Solid
from lyra_sim.scene.sources import RgbdSource, SurfaceSource
from lyra_sim.scene.spec import NavigateConfig
from lyra_sim.steps import STEPS
from tests.boxes import box_mesh
from tests.rooms import Room, camera_path, look

PIPELINES = sorted((Path(__file__).parents[2] / "pipelines").glob("*.py"))
COARSE = 0.08
"""Voxel size [m]: recipes are run for their joints, not for their detail."""
SCENES = f"""version: 1
scenes:
  - name: room
    rgbd: {{frames: rgb, depth: depth_mm, cameras: transforms.json}}
    scale: metric
    up: z
    mesh: {{voxel_size: {COARSE}}}
    reconstruct: {{splat_spacing: 0.06}}
    navigate: {{probes: 8, routes: 1, min_route_length: 1.0}}
    assess: {{engines: [newton], pictures: 1}}
"""


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location("recipe", PIPELINES[0].with_name(name))
    assert spec is not None and spec.loader is not None
    recipe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)
    return recipe


def written(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.name)
def test_a_recipe_is_at_most_100_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 100


@pytest.fixture(scope="module")
def small_room() -> Room:
    """A box with a block in it, seen all round."""
    stops = [(x, y) for x in (0.7, 1.5, 2.3) for y in (0.7, 1.8)]
    poses = [
        look(np.array([x, y, 1.1]), yaw, np.radians(pitch))
        for x, y in stops
        for yaw, pitch in zip(np.arange(4) * np.pi / 2 + 0.4, (-30.0, 12.0, -12.0, -30.0), strict=True)
    ]
    boxes = {"block": (np.array([2.4, 1.9, 0.0]), np.array([3.0, 2.5, 0.5]))}
    return Room(air_low=np.zeros(3), air_high=np.array([3.0, 2.5, 2.2]), boxes=boxes, cameras=camera_path(poses))


@pytest.fixture(scope="module")
def frames(small_room: Room, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_room.write_rgbd(tmp_path_factory.mktemp("recipes") / "frames")


@pytest.mark.physics
def test_the_recipe_of_photos_goes_the_way_of_a_build(frames: Path, tmp_path: Path) -> None:
    """Byte for byte: a call hands on what a build reads back from disk. Then on through physics to the report."""
    scenes = frames / "scenes.yaml"
    scenes.write_text(SCENES, encoding="utf-8")
    (scene,) = load_scenes(scenes)
    report = loaded("photos_to_stage.py").build_stage(scene, tmp_path / "by_hand")
    assert report["physics.newton.routes_driven"].n == 1
    assert build([scene], tmp_path / "built", isolate=False, until="mesh").exit_code == 0
    for number, name in enumerate(STEPS[: STEPS.index("mesh") + 1], start=1):
        made = written(tmp_path / "built" / "room" / "steps" / f"{number:02d}_{name}")
        del made["manifest.json"]
        assert written(tmp_path / "by_hand" / name) == made, name


@pytest.mark.physics
def test_the_recipe_of_rgbd_drives_through_the_world(frames: Path, tmp_path: Path) -> None:
    source = RgbdSource(frames=frames / "rgb", depth=frames / "depth_mm", cameras=frames / "transforms.json")
    drive = NavigateConfig(probes=8, routes=1, min_route_length=1.0)
    report = loaded("rgbd_to_world.py").build_world(source, tmp_path, name="room", voxel=COARSE, drive=drive)
    assert report["physics.newton.routes_driven"].value == 1
    assert (tmp_path / "author" / "world" / "world.usda").is_file() and (tmp_path / "assess" / "report.html").is_file()
    assert Navigation.load(tmp_path / "collide").reachable_area > 1


def test_the_recipe_of_a_mesh_builds_what_the_mesh_encloses(small_room: Room, tmp_path: Path) -> None:
    vertices, faces = box_mesh([(small_room.air_low, small_room.air_high), *small_room.boxes.values()])
    trimesh.Trimesh(vertices, faces, process=False).export(tmp_path / "room.ply")
    source = SurfaceSource(files=(tmp_path / "room.ply",), views=24)
    stage = loaded("mesh_to_world.py").build_world(source, tmp_path / "out", name="room", scale="metric", up="z", voxel=COARSE)
    manifest = read_json(stage.world / "manifest.json")
    assert stage.stage.is_file() and manifest["provenance"]
    seen = Solid.load(tmp_path / "out" / "mesh").mesh
    centres = seen.triangles[seen.face_seen].mean(axis=1)
    assert (small_room.distance(centres.astype(float)) < COARSE).mean() > 0.95
    assert Navigation.load(tmp_path / "out" / "collide").reachable_area > 1


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        ([], 2, "SpecError: arguments: 0 given (expected SCENES.yaml SCENE OUT)."),
        (["scenes.yaml", "attic", "new"], 2, "SpecError: scenes.yaml: no scene is named 'attic' (expected room, hall)."),
        (["scenes.yaml", "room", "."], 2, "SpecError: .: it exists already (expected a new folder)."),
        (["none.yaml", "room", "new"], 3, "InputError: none.yaml: "),
    ],
)
def test_a_mistake_is_one_message_and_an_exit_code(tmp_path, monkeypatch, capsys, arguments, exit_code, message):
    scenes = [f"  - {{name: {name}, rgbd: {{frames: gone, depth: gone, cameras: gone.json}}}}" for name in ("room", "hall")]
    (tmp_path / "scenes.yaml").write_text("\n".join(["version: 1", "scenes:", *scenes]))
    monkeypatch.chdir(tmp_path)
    assert loaded("photos_to_stage.py").main(arguments) == exit_code
    assert capsys.readouterr().err.startswith(message)
