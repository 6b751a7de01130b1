"""The author step: what the runner hands it, what it leaves in the folder, what its key rests on."""

from pathlib import Path

import numpy as np

from lyra_sim.data.collision import Collision
from lyra_sim.data.grid import FREE, FreeSpace
from lyra_sim.data.solid import Solid
from lyra_sim.spec import SceneSpec
from lyra_sim.steps.author import STEP
from lyra_sim.usd.world import open_world
from tests.usd.worlds import World


def test_step_writes_a_package_named_after_the_scene(small_world: World, tmp_path: Path) -> None:
    space = FreeSpace(states=np.full((2, 2, 2), FREE, np.uint8), origin=np.zeros(3), voxel_size=1.0)
    inputs = {
        "align": small_world.world,
        "mesh": Solid(mesh=small_world.mesh, free_space=space, texture=small_world.texture, facts={}),
        "collide": Collision(colliders=small_world.colliders, navigation=small_world.navigation),
    }
    spec = SceneSpec.model_validate(
        {
            "name": "attic",
            "rgbd": {"frames": "rgb", "depth": "depth", "cameras": "transforms.json"},
            "author": {"half_splats": True},
        }
    )
    bundle = STEP.run(inputs, spec, out=tmp_path)
    assert STEP.load(tmp_path, inputs) == bundle
    stage = open_world(bundle.stage)
    facts = stage.GetRootLayer().customLayerData["lyra_sim"]
    assert (facts["name"], facts["invented"]) == ("attic", "none invented")
    assert (bundle.world / "payload" / "splat_half.usdc").is_file()
    assert (bundle.exports / "hulls.glb").is_file()
    assert (STEP.needs, STEP.reads) == (("align", "mesh", "collide"), ("name", "author"))
