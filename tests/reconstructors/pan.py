"""A slow pan through the analytic room, small enough to train on in a second."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from lyra_sim.data.capture import Capture
from lyra_sim.data.splats import Splats
from lyra_sim.quality.image import likeness
from lyra_sim.rendering.splat_view import render_splats
from lyra_sim.scene.sources import RgbdSource
from lyra_sim.scene.spec import CaptureConfig, SceneSpec
from tests import scene_parts
from tests.rooms import Room, camera_path, look

WIDTH, HEIGHT, FOCAL = 80, 60, 60.0
HOLD_OUT_EVERY = 4
"""Of eight views 0 and 4 are held out …"""
STOPS = (3, 0, 1, 2, 5, 4, 6, 7)
"""… which stand between the others, so that what they show was seen."""


def pan(room: Room) -> Room:
    """The same room seen by eight cameras that walk 0.7 m and turn 56 degrees."""
    poses = [look(np.array([1.4 + 0.1 * k, 2.2, 1.2]), np.radians(-70 + 8 * k), np.radians(-12)) for k in STOPS]
    return replace(room, cameras=camera_path(poses, width=WIDTH, height=HEIGHT, focal=FOCAL))


def captured(files: Path, out: Path) -> Capture:
    """What ``Room.write_rgbd`` wrote, read as the capture step does."""
    source = RgbdSource(frames=files / "rgb", depth=files / "depth_mm", cameras=files / "transforms.json")
    scene = SceneSpec(name="pan", rgbd=source, scale="metric", up="z", capture=CaptureConfig(hold_out_every=HOLD_OUT_EVERY))
    capture = scene_parts.captured(scene, out)
    capture.save(out)
    return capture


def held_out_psnr(capture: Capture, splats: Splats) -> float:
    """As the report measures it [dB]."""
    scores = []
    for index in capture.held_out:
        valid = capture.views.valid(index) & capture.views.static(index)
        view = render_splats(splats, capture.cameras, index)
        scores.append(likeness(capture.views.rgb(index), view.rgb_bytes, valid).psnr)
    return float(np.mean(scores))


def copied(capture: Capture, folder: Path) -> Capture:
    """The same with images that may be written over."""
    shutil.copytree(capture.views.folder, folder)
    return replace(capture, views=replace(capture.views, folder=folder))
