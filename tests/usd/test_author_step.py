"""The author step: what the runner hands it, what it leaves in the folder, what its key rests on."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from lyra_sim.data.colliders import Collision
from lyra_sim.data.grid import FREE, FreeSpace
from lyra_sim.data.solid import Solid
from lyra_sim.data.video import GeneratedFrames, WorldVideo
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.scene.spec import SceneSpec
from lyra_sim.steps.author import author
from tests.facts import SOLID_FACTS, WALK
from tests.quality.worlds import capture_of
from tests.usd.worlds import World, opened


def inputs_of(small_world: World, video: WorldVideo) -> dict[str, object]:
    space = FreeSpace(states=np.full((2, 2, 2), FREE, np.uint8), origin=np.zeros(3), voxel_size=1.0)
    return {
        "capture": capture_of(small_world.world),
        "generate": video,
        "align": small_world.world,
        "mesh": Solid(mesh=small_world.mesh, free_space=space, texture=small_world.texture, facts=SOLID_FACTS),
        "collide": Collision(colliders=small_world.colliders, navigation=small_world.navigation),
    }


def test_licence_of_the_weights_travels_with_the_world(small_world: World, tmp_path: Path) -> None:
    camera = CameraPath(c2w=np.eye(4)[None], K=np.eye(3)[None], width=16, height=16)
    weights = {"weights_licence": "research only", "weights_licence_terms": None, "weights_sha256": "abc"}
    video = WorldVideo(
        frames=GeneratedFrames(folder=tmp_path, cameras=camera, units_per_depth_count=1e-3),
        facts=replace(WALK, backend="lyra2", weights=weights),
    )
    spec = SceneSpec.model_validate({"name": "attic", "rgbd": {"frames": "rgb", "depth": "depth", "cameras": "t.json"}})
    bundle = author.run(spec, inputs_of(small_world, video), out=tmp_path / "author")
    stage = opened(bundle.stage)
    for told in (
        stage.GetRootLayer().customLayerData["lyra_sim"],
        json.loads((bundle.world / "manifest.json").read_text())["provenance"],
    ):
        assert (told["generator"], told["weights_licence"], told["weights_sha256"]) == ("lyra2", "research only", "abc")
        assert "drawn frames" in told["invented"] and "weights_licence_terms" not in told


def test_step_writes_a_package_named_after_the_scene(small_world: World, tmp_path: Path) -> None:
    inputs = inputs_of(small_world, WorldVideo(frames=None, facts=None))
    spec = SceneSpec.model_validate(
        {
            "name": "attic",
            "rgbd": {"frames": "rgb", "depth": "depth", "cameras": "transforms.json"},
            "author": {"half_splats": True},
        }
    )
    bundle = author.run(spec, inputs, out=tmp_path)
    assert author.load(tmp_path, inputs) == bundle
    stage = opened(bundle.stage)
    facts = stage.GetRootLayer().customLayerData["lyra_sim"]
    assert (facts["name"], facts["invented"]) == ("attic", "none invented")
    assert (bundle.world / "payload" / "splat_half.usdc").is_file()
    assert (bundle.exports / "hulls.glb").is_file()
    assert (author.needs, author.reads) == (("capture", "generate", "align", "mesh", "collide"), ("author", "name"))
