"""Predictions against an analytic room: each pixel's depth by the slab method, cameras level and looking round."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lyra_sim.data.files import read_arrays, read_json
from lyra_sim.exporters.predictions import EYE_HEIGHT, HEIGHT, VIEWS, WIDTH, eye_cameras, write_predictions
from tests.facts import SOLID_FACTS
from tests.quality.worlds import capture_of
from tests.usd.worlds import AIR, TABLE, World, box_world


@pytest.fixture(scope="module")
def world() -> World:
    return box_world()


def write(world: World, folder: Path) -> Path:
    write_predictions(folder, mesh=world.mesh, splats=world.world.splats, navigation=world.navigation)
    return folder


def distances_to_box(low: np.ndarray, high: np.ndarray, eye: np.ndarray, rays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ray parameters of entry and exit (Kay and Kajiya 1986)."""
    with np.errstate(divide="ignore"):
        a, b = (low - eye) / rays, (high - eye) / rays
    return np.minimum(a, b).max(axis=-1), np.maximum(a, b).min(axis=-1)


def test_depth_is_that_of_the_room(world: World, tmp_path: Path) -> None:
    folder = write(world, tmp_path / "predictions")
    facts, arrays = read_json(folder / "predictions.json"), read_arrays(folder / "views.npz")
    K = np.array(facts["camera"]["K"])
    u, v = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    in_camera = np.stack([(u - K[0, 2]) / K[0, 0], (v - K[1, 2]) / K[1, 1], np.ones_like(u)], axis=-1)
    hit_table = 0
    for c2w, z_depth in zip(np.array(facts["c2w"]), arrays["z_depth"], strict=True):
        rays = in_camera @ c2w[:3, :3].T
        _, out = distances_to_box(*AIR, c2w[:3, 3], rays)
        entry, leave = distances_to_box(*TABLE, c2w[:3, 3], rays)
        before = (entry > 0) & (entry < leave)
        truth = np.where(before, np.minimum(entry, out), out)
        hit_table += int((before & (entry < out)).sum())
        assert np.mean(np.abs(z_depth - truth) < 1e-4) > 0.995  # rays through an edge may go either way
    assert hit_table > 100


def test_cameras_stand_level_at_spawns_and_look_all_ways(world: World) -> None:
    c2w = eye_cameras(world.navigation)
    assert c2w.shape == (VIEWS, 4, 4)
    spawns = world.navigation.spawns
    for number, camera in enumerate(c2w):
        x, y, yaw = spawns[number % len(spawns)]
        assert np.allclose(camera[:3, 3], [x, y, EYE_HEIGHT]) and np.allclose(camera[:3, 1], [0, 0, -1])
        assert np.linalg.det(camera[:3, :3]) == pytest.approx(1)
        if number == 0:
            assert np.allclose(camera[:3, 2], [np.cos(yaw), np.sin(yaw), 0])
    headings = np.sort(np.arctan2(c2w[:, 1, 2], c2w[:, 0, 2]))
    assert np.diff(headings, append=headings[0] + 2 * np.pi).max() < np.deg2rad(90)


def test_eyes_stand_on_the_floor_below_them(world: World) -> None:
    raised = replace(world.navigation, probes=np.array([[-1.0, 0.0, 0.3], [-1.0, -1.0, 0.0]]), probe_room=np.ones(2))
    assert {round(float(z), 6) for z in eye_cameras(raised)[:, 2, 3]} == {round(EYE_HEIGHT + 0.3, 6), EYE_HEIGHT}


def test_splats_are_seen_from_the_same_eyes(world: World, tmp_path: Path) -> None:
    """One red splat 1 m before the first eye is red in the middle of its picture, and the rest is black."""
    eye = eye_cameras(world.navigation)[0]
    splats = world.world.splats
    one = type(splats)(
        means=(eye[:3, 3] + eye[:3, 2])[None].astype(np.float32),
        quats_wxyz=np.float32([[1, 0, 0, 0]]),
        log_scales=np.full((1, 3), np.log(0.05), np.float32),
        opacity_logits=np.float32([6.0]),
        sh_coeffs=(np.float32([[[1, 0, 0]]]) - 0.5) / np.float32(0.28209479),
    )
    write_predictions(tmp_path, mesh=world.mesh, splats=one, navigation=world.navigation)
    picture = read_arrays(tmp_path / "views.npz")["rgb"][0].astype(int)
    middle = picture[HEIGHT // 2, WIDTH // 2]
    assert middle[0] > 200 and middle[1:].max() < 20 and picture[0, 0].max() == 0


def test_equal_inputs_give_equal_bytes(world: World, tmp_path: Path) -> None:
    first, second = (write(world, tmp_path / name) for name in "ab")
    for name in ("predictions.json", "views.npz"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_nowhere_to_stand_gives_no_view_but_still_probes(world: World, tmp_path: Path) -> None:
    nowhere = replace(world.navigation, spawns=np.zeros((0, 3)), robot_radius=0.05)
    write_predictions(tmp_path, mesh=world.mesh, splats=world.world.splats, navigation=nowhere)
    facts = read_json(tmp_path / "predictions.json")
    assert facts["c2w"] == [] and facts["robot"] is None and len(facts["probes"]) == 1
    assert read_arrays(tmp_path / "views.npz")["z_depth"].shape == (0, HEIGHT, WIDTH)


def test_the_author_step_puts_them_into_the_package_and_its_manifest(world: World, tmp_path: Path) -> None:
    from lyra_sim.data.colliders import Collision
    from lyra_sim.data.grid import FREE, FreeSpace
    from lyra_sim.data.solid import Solid
    from lyra_sim.data.video import WorldVideo
    from lyra_sim.scene.spec import SceneSpec
    from lyra_sim.steps.author import author

    space = FreeSpace(states=np.full((2, 2, 2), FREE, np.uint8), origin=np.zeros(3), voxel_size=1.0)
    inputs = {
        "capture": capture_of(world.world),
        "generate": WorldVideo(frames=None, facts=None),
        "align": world.world,
        "mesh": Solid(mesh=world.mesh, free_space=space, texture=world.texture, facts=SOLID_FACTS),
        "collide": Collision(colliders=world.colliders, navigation=world.navigation),
    }
    scene = {"name": "attic", "rgbd": {"frames": "rgb", "depth": "depth", "cameras": "transforms.json"}}
    bundle = author.run(SceneSpec.model_validate(scene), inputs, out=tmp_path)
    files = read_json(bundle.world / "manifest.json")["files"]
    assert {"predictions/predictions.json", "predictions/views.npz"} <= set(files)
