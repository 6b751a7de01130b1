"""The two real rooms against their truths: the true mesh of the house, and depth no geometry ever used.

The truth mesh of the house (8 MB) and the other half of the living room's frames aren't in the repository; these tests
are skipped where they are absent. `benchmarks/` measures the same figures for the whole examples.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from lyra_sim.data.capture import Capture
from lyra_sim.data.solid import Solid
from lyra_sim.data.world import MetricWorld
from lyra_sim.meshing.room_side import faces_towards_free
from lyra_sim.meshing.solidify import solidify
from lyra_sim.quality.truth.surface import TrueSurface, surface_distances, truth_metrics
from lyra_sim.reconstructors.fuse import reconstruct
from lyra_sim.rendering.ray_casting import RayCaster
from lyra_sim.scene.sources import RgbdSource
from lyra_sim.scene.spec import CaptureConfig, MeshConfig, SceneSpec
from tests.scene_parts import captured, metric_world


def line_to_solid(cfg: SceneSpec, out: Path) -> tuple[Capture, MetricWorld, Solid]:
    capture = captured(cfg, out)
    world = metric_world(cfg, capture, reconstruct(capture, cfg.reconstruct))
    return capture, world, solidify(world, cfg.mesh, min_depth=cfg.capture.min_depth)


def test_small_house_against_its_true_mesh(shared_data: Path, tmp_path: Path) -> None:
    """F-score at 5 cm on observed faces, 4 cm voxels, all 64 views."""
    house = shared_data / "scene_small_house"
    rgbd = RgbdSource(
        frames=house / "rgbd" / "rgb", depth=house / "rgbd" / "depth_mm", cameras=house / "rgbd" / "transforms.json"
    )
    cfg = SceneSpec(name="small_house", rgbd=rgbd, scale="metric", up="z", mesh=MeshConfig(voxel_size=0.04))
    _, world, solid = line_to_solid(cfg, tmp_path / "capture")
    np.testing.assert_array_equal(world.world_from_input.matrix, np.eye(4))
    truth = TrueSurface.load([house / "scene_visual.glb", house / "ceiling_visual.glb"])
    judged = solid.mesh.face_seen & faces_towards_free(solid.mesh, solid.free_space)
    figures = {metric.name: metric for metric in truth_metrics(*surface_distances(solid.mesh, judged, truth, world, seed=7))}
    assert figures["truth.f_score_5cm"].value >= 0.93
    assert figures["truth.f_score_2cm"].value >= 0.90
    assert figures["truth.accuracy"].value <= 0.01 and figures["truth.completeness"].value <= 0.01


def test_livingroom_depth_of_skipped_views(shared_data: Path, tmp_path: Path) -> None:
    """Built from every other frame, the mesh predicts the depth of those in between to a centimetre."""
    room = shared_data / "rgbd_livingroom1"
    rgbd = RgbdSource(
        frames=room / "image", depth=room / "depth", cameras=room / "trajectory.log", intrinsics=room / "intrinsics.json"
    )
    cfg = SceneSpec(
        name="livingroom", rgbd=rgbd, scale="metric", capture=CaptureConfig(hold_out_every=2), mesh=MeshConfig(voxel_size=0.02)
    )
    capture, world, solid = line_to_solid(cfg, tmp_path / "capture")
    everything = replace(world, views=capture.views, cameras=capture.cameras.moved(world.world_from_input))
    caster = RayCaster(solid.mesh.vertices, solid.mesh.faces)
    errors = []
    for index in capture.held_out:
        hits = caster.cast_camera(everything.cameras, index, near=0.2)
        error = np.abs(hits.t - everything.z_depth(index))
        error[np.isnan(hits.t) & ~np.isnan(everything.z_depth(index))] = np.inf
        errors.append(error[~np.isnan(error)])
    assert len(capture.held_out) == 36
    assert np.median(np.concatenate(errors)) <= 0.01
