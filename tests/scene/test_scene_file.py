"""Scene files: layers, overrides, presets, paths, schema. Faults are in ``broken/``."""

from pathlib import Path

import pytest
import yaml

from lyra_sim import plugins
from lyra_sim.errors import InputError, SpecError
from lyra_sim.physics.robots import ROBOTS
from lyra_sim.plugins import PluginSpec
from lyra_sim.resources import resource_dir
from lyra_sim.scene.scene_file import json_schema, load_scenes, source_paths
from lyra_sim.scene.spec import CollideConfig, MeshConfig, RobotConfig, SceneSpec
from lyra_sim.scene.strict_yaml import MAX_BYTES, parse_yaml, read_yaml

SOURCE = {"frames": "rgb/", "depth": "depth", "cameras": "transforms.json"}


def write(folder: Path, *scenes, **top) -> Path:
    path = folder / "scenes.yaml"
    rows = [{"rgbd": SOURCE, **scene} for scene in scenes]
    path.write_text(yaml.safe_dump({"version": 1, **top, "scenes": rows}))
    return path


def test_each_layer_wins_over_the_one_below(tmp_path):
    path = write(
        tmp_path,
        {"name": "room", "mesh": {"voxel_size": 0.06}},
        {"name": "other", "preset": "production"},
        defaults={"preset": "standard", "mesh": {"target_faces": 5000, "voxel_size": 0.07}},
    )
    room, other = load_scenes(path)
    assert room.mesh.voxel_size == 0.06, "scene over defaults"
    assert room.mesh.target_faces == 5000, "defaults over preset"
    assert room.mesh.min_voxel_size == 0.015, "preset over model default"
    assert room.mesh.max_voxels == 40_000_000
    assert room.robot.radius == 0.25, "model default"
    assert (other.mesh.voxel_size, other.mesh.min_voxel_size) == (0.07, 0.01)
    room, other = load_scenes(path, ["scenes.room.mesh.voxel_size=0.05", "defaults.mesh.target_faces=700"])
    assert (room.mesh.voxel_size, other.mesh.voxel_size) == (0.05, 0.07), "an override over everything"
    assert (room.mesh.target_faces, other.mesh.target_faces) == (700, 700)


def test_overrides_are_yaml_and_may_name_scenes_by_glob(tmp_path):
    path = write(tmp_path, {"name": "a1"}, {"name": "a2"}, {"name": "b"})
    scenes = load_scenes(path, ["scenes.a*.assess.engines=[newton]", "scenes.b.scale={camera_height: 1.2}", "defaults.seed=11"])
    assert [scene.assess.engines for scene in scenes] == [("newton",), ("newton",), ("physx", "newton")]
    assert scenes[2].scale.camera_height == 1.2 and {scene.seed for scene in scenes} == {11}


def test_an_override_can_choose_the_preset(tmp_path):
    (room,) = load_scenes(write(tmp_path, {"name": "room"}), ["scenes.room.preset=production"])
    assert room.mesh.max_voxels == 120_000_000


def test_a_choice_is_replaced_not_mixed(tmp_path):
    path = write(tmp_path, {"name": "room", "scale": {"camera_height": 1.2}}, defaults={"scale": {"metres_per_unit": 2.0}})
    (room,) = load_scenes(path)
    assert room.scale.camera_height == 1.2 and not hasattr(room.scale, "metres_per_unit")


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("mesh.voxel_size=0", "'scenes.room.mesh.voxel_size' is 0 (expected greater than 0 or 'auto')"),
        ("mesh.voxel_size=-0.02", "'scenes.room.mesh.voxel_size' is -0.02 (expected greater than 0 or 'auto')"),
        ("robot.band_low=0.7", "'scenes.room.robot' is {'band_low': 0.7} (expected band_low (0.7) below band_high (0.62))"),
        ("robot={band_low: 0.3, band_high: 0.3}", "(expected band_low (0.3) below band_high (0.3))"),
        ("capture.max_depth=0.05", "(expected min_depth (0.1) below max_depth (0.05))"),
        ("robot.radius=0.1", "'scenes.room.robot.radius' is 0.1 (expected greater than or equal to 0.138)"),
        ("assess.engines=[newton, newton]", "(expected each engine once: one that runs twice agrees with itself)"),
        ("rgbd.frames=no", "'scenes.room.rgbd.frames' is False (expected a path)"),
        ("assess.engines=[]", "'scenes.room.assess.engines' is []"),
        (
            "assess.engines=[newton, physix]",
            "'scenes.room.assess.engines.1' is 'physix' (expected a plug-in of kind physics: physx, newton).\n"
            "  Did you mean 'physx'?\n  lyra-sim plugins lists what is installed, docs/plugins.md",
        ),
    ],
)
def test_values_that_make_no_sense_together_are_refused(tmp_path, override, expected):
    with pytest.raises(SpecError) as caught:
        load_scenes(write(tmp_path, {"name": "room"}), [f"scenes.room.{override}"])
    assert expected in str(caught.value)


def test_an_engine_of_an_installed_package_may_be_named(tmp_path, monkeypatch):
    theirs = PluginSpec(kind="physics", name="bullet", target="their_package:Engine", version="1")
    monkeypatch.setattr(plugins, "_third_party", lambda: (theirs,))
    (room,) = load_scenes(write(tmp_path, {"name": "room"}), ["scenes.room.assess.engines=[bullet]"])
    assert room.assess.engines == ("bullet",)


def write_source(folder: Path, **scene) -> Path:
    path = folder / "scenes.yaml"
    path.write_text(yaml.safe_dump({"version": 1, "scenes": [{"name": "room", **scene}]}))
    return path


@pytest.mark.parametrize(("key", "field"), [("photos", "images"), ("video", "file"), ("transforms", "file")])
def test_a_source_may_be_a_bare_path(tmp_path, key, field):
    (short,) = load_scenes(write_source(tmp_path, **{key: "things"}))
    (long,) = load_scenes(write_source(tmp_path, **{key: {field: "things"}}))
    assert short == long and getattr(getattr(short, key), field) == tmp_path / "things"
    assert source_paths(short) == {f"{key}.{field}": tmp_path / "things"}


SEVERAL = "exactly one of rgbd, photos, video, colmap, transforms, surface, splats"
POINT = {"photo": "a", "pixel": [1, 2]}


@pytest.mark.parametrize(
    ("scene", "expected"),
    [
        ({}, f"(expected {SEVERAL}; none given)"),
        ({"photos": "a", "video": "b"}, f"(expected {SEVERAL}; photos and video given)"),
        ({"photos": 3}, "'scenes.room.photos' is 3 (expected a path, or a mapping of keys to values)"),
        ({"photos": {"image": "a"}}, "Did you mean 'images'?"),
        ({"photos": "a", "scale": [{"camera_hight": 1.2}]}, "unknown key 'scenes.room.scale.0.camera_hight'"),
        (
            {"photos": "a", "scale": [{"camera_height": -1}]},
            "'scenes.room.scale.0.camera_height' is -1 (expected greater than 0)",
        ),
        (
            {"photos": "a", "scale": {"known_distance": {"a": POINT, "metres": 2}}},
            "'scenes.room.scale.known_distance.b' is missing",
        ),
    ],
)
def test_sources_and_scales_that_make_no_sense_are_refused(tmp_path, scene, expected):
    with pytest.raises(SpecError) as caught:
        load_scenes(write_source(tmp_path, **scene))
    assert expected in str(caught.value)


def test_several_things_may_tell_the_scale(tmp_path):
    distance = {"known_distance": {"a": POINT, "b": {"photo": "b", "pixel": [3, 4.5]}, "metres": 2}, "sigma_relative": 0.01}
    (scene,) = load_scenes(write_source(tmp_path, photos="a", scale=[{"camera_height": 1.2}, distance]))
    height, length = scene.scale
    assert (height.camera_height, height.sigma_relative) == (1.2, 0.03)
    assert (length.known_distance.metres, length.sigma_relative, length.known_distance.b.pixel) == (2, 0.01, (3, 4.5))


def test_the_smallest_radius_is_that_of_the_smallest_robot():
    assert RobotConfig.model_json_schema()["properties"]["radius"]["minimum"] == ROBOTS[-1].footprint_radius
    RobotConfig(radius=ROBOTS[-1].footprint_radius)


@pytest.mark.parametrize(
    "override", ["", "seed=3", "scenes.room=3", "scenes.room.name=x", "scenes=3", "scenes.room.=3", "scenes.room.mesh=null"]
)
def test_a_malformed_override_names_itself(tmp_path, override):
    with pytest.raises(SpecError, match="--set"):
        load_scenes(write(tmp_path, {"name": "room"}), [override])


def test_sources_are_relative_to_the_file_and_come_back_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, {"name": "room", "truth": {"mesh": ["a.glb", "b.glb"]}})
    (room,) = load_scenes("scenes.yaml")
    assert source_paths(room) == {
        "rgbd.frames": tmp_path / "rgb",
        "rgbd.depth": tmp_path / "depth",
        "rgbd.cameras": tmp_path / "transforms.json",
        "truth.mesh.0": tmp_path / "a.glb",
        "truth.mesh.1": tmp_path / "b.glb",
    }


def test_presets_are_the_ones_a_scene_may_name_and_preview_is_the_default(tmp_path):
    assert {path.stem for path in resource_dir("configs").glob("*.yaml")} >= {"preview", "standard", "production"}
    assert read_yaml(resource_dir("configs") / "preview.yaml").data == {}
    (room,) = load_scenes(write(tmp_path, {"name": "room"}))
    assert (room.preset, room.mesh, room.collide) == ("preview", MeshConfig(), CollideConfig())


def test_finer_presets_ask_for_more(tmp_path):
    scenes = load_scenes(write(tmp_path, *({"name": name, "preset": name} for name in ("preview", "standard", "production"))))
    for better, worse in zip(scenes[1:], scenes[:-1], strict=True):
        assert better.mesh.min_voxel_size < worse.mesh.min_voxel_size
        for section, field in (
            ("mesh", "max_voxels"),
            ("collide", "max_hulls"),
            ("navigate", "probes"),
            ("reconstruct", "max_splats"),
        ):
            assert getattr(getattr(better, section), field) > getattr(getattr(worse, section), field)


def test_merge_keys_and_aliases_work_within_bounds(tmp_path):
    path = tmp_path / "scenes.yaml"
    path.write_text(
        "version: 1\nscenes:\n"
        "  - &first\n    name: a\n    rgbd: &src {frames: f, depth: d, cameras: c.json}\n    mesh: {target_faces: 900}\n"
        "  - <<: *first\n    name: b\n"
        "  - {name: c, rgbd: *src}\n"
    )
    a, b, c = load_scenes(path, ["scenes.a.mesh.target_faces=800"])
    assert (a.mesh.target_faces, b.mesh.target_faces, c.mesh.target_faces) == (800, 900, MeshConfig().target_faces)


def test_files_that_are_no_scene_files(tmp_path):
    path = tmp_path / "scenes.yaml"
    path.write_bytes(b"version: 1 #" + b"x" * MAX_BYTES)
    with pytest.raises(SpecError, match="bytes"):
        read_yaml(path)
    path.write_bytes(b"\xff\xfe\x00v")
    with pytest.raises(InputError, match="UTF-8"):
        read_yaml(path)
    with pytest.raises(InputError, match="can't be read"):
        read_yaml(tmp_path)
    with pytest.raises(SpecError, match="nested too deeply"):
        parse_yaml("[" * 5000, subject="deep")


def test_the_schema_lists_every_key_and_accepts_partial_defaults():
    schema = json_schema()
    scene = schema["properties"]["scenes"]["items"]
    assert set(scene["properties"]) == set(SceneSpec.model_fields) and scene["required"] == ["name"]
    assert "name" not in schema["properties"]["defaults"]["properties"]
    assert schema["$defs"]["MeshConfig"]["properties"]["min_voxel_size"]["default"] == MeshConfig().min_voxel_size
    assert all(model["additionalProperties"] is False for model in schema["$defs"].values())
