"""Capture and align with what they take of a scene: tests state whole scenes, the rooms' functions take parts of them."""

from pathlib import Path

from lyra_sim.alignment.metric_world import to_metric_world
from lyra_sim.alignment.scale import settle_scale
from lyra_sim.capture.frame.stated import Stated
from lyra_sim.data.capture import Capture
from lyra_sim.data.depth import PosedDepth
from lyra_sim.data.scale import ScaleEstimate
from lyra_sim.data.world import MetricWorld, Reconstruction
from lyra_sim.geometry.floor import Floor
from lyra_sim.scene.spec import SceneSpec
from lyra_sim.steps.capture import capture


def stated(scene: SceneSpec) -> Stated:
    """What the scene says of its frame."""
    height = scene.capture.assumed_camera_height
    return Stated(scene=scene.name, scale=scene.scale, up=scene.up, assumed_camera_height=height)


def captured(scene: SceneSpec, out: Path) -> Capture:
    """The scene's source, read into ``out``."""
    return capture.run(scene, {}, out=out)


def metric_world(scene: SceneSpec, views: Capture, reconstruction: Reconstruction) -> MetricWorld:
    """A reconstruction of views with depth, aligned as the scene says."""
    return to_metric_world(
        PosedDepth.of(views),
        reconstruction,
        scale=scene.scale,
        config=scene.align,
        assumed_camera_height=scene.capture.assumed_camera_height,
        scene=scene.name,
    )


def settled_scale(scene: SceneSpec, views: Capture, floor: Floor) -> ScaleEstimate:
    """The scale over a floor, as the scene says."""
    height = scene.capture.assumed_camera_height
    return settle_scale(views, scene.scale, floor, views.cameras.centres, scene=scene.name, assumed_camera_height=height)
