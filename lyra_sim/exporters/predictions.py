"""What we expect another simulator to find in a world, in the package itself: depth, looks, floor heights, the robot.

``tools/isaac_receipt.py`` runs where lyra-sim isn't installed. It gets from ``predictions/`` what it compares with:

::

    predictions.json   views, probe points, the robot that fits the routes
    views.npz          z_depth (n, h, w) [m], NaN for a miss; rgb (n, h, w, 3) of the splats, display-referred sRGB
"""

from dataclasses import asdict
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from lyra_sim.data.files import write_arrays, write_json
from lyra_sim.data.mesh import TriMesh
from lyra_sim.data.navigation import Navigation
from lyra_sim.data.splats import Splats
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.physics.robots import largest_robot_within
from lyra_sim.rendering.ray_casting import RayCaster
from lyra_sim.rendering.splat_view import render_splats

PREDICTIONS_VERSION = 1
"""Of predictions.json; raised when a field changes meaning. Convention."""

FOLDER = "predictions"
"""In the package."""

VIEWS = 12
"""Views that are predicted; enough to look every way from three places. Convention."""
WIDTH, HEIGHT = 64, 48
"""[px]; small, because the package carries them: the question is where surfaces stand, not how they look. Convention."""
FIELD_OF_VIEW = np.deg2rad(90.0)
"""Horizontal [rad], as robots' cameras have. Convention."""
EYE_HEIGHT = 0.4
"""Above the floor [m], inside the height band that the map knows to be free. Convention."""
GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))
"""Multiples of it fill the circle evenly, however many there are [rad]. Derived."""
OVERSAMPLING = 3
"""Splat pictures are rendered this much larger and averaged: a splat thinner than a pixel would else flicker. Convention."""


def write_predictions(folder: Path, *, mesh: TriMesh, splats: Splats, navigation: Navigation) -> None:
    """Write ``folder``; the same inputs give the same bytes.

    Args:
        folder: ``<package>/predictions``.
        mesh: Closed surface in the metric world.
        splats: In the same frame.
        navigation: Spawn poses to look from, probe points, and the clearance that decides which robot drives.
    """
    folder.mkdir(parents=True, exist_ok=True)
    c2w = eye_cameras(navigation)
    K = intrinsics(WIDTH, HEIGHT)
    z_depth = np.zeros((len(c2w), HEIGHT, WIDTH), np.float32)
    rgb = np.zeros((len(c2w), HEIGHT, WIDTH, 3), np.uint8)
    if len(c2w):
        cameras = CameraPath(c2w=c2w, K=np.repeat(K[None], len(c2w), axis=0), width=WIDTH, height=HEIGHT)
        caster, fine = RayCaster(mesh.vertices, mesh.faces), cameras.resized(WIDTH * OVERSAMPLING, HEIGHT * OVERSAMPLING)
        for index in range(len(cameras)):
            z_depth[index] = caster.cast_camera(cameras, index).t
            shown = np.clip(render_splats(splats, fine, index).rgb, 0, 1)
            blocks = shown.reshape(HEIGHT, OVERSAMPLING, WIDTH, OVERSAMPLING, 3).mean(axis=(1, 3))
            rgb[index] = (blocks * 255 + 0.5).astype(np.uint8)
    robot = largest_robot_within(navigation.robot_radius)
    probes = np.column_stack([navigation.probes, navigation.probe_room])
    write_json(
        folder / "predictions.json",
        {
            "predictions_version": PREDICTIONS_VERSION,
            "camera": {"width": WIDTH, "height": HEIGHT, "K": K.tolist(), "axes": "OpenCV: x right, y down, z forward"},
            "c2w": c2w.tolist(),
            "probes": [{"x": x, "y": y, "floor_z": z, "room": room} for x, y, z, room in np.round(probes, 6).tolist()],
            "robot": None if robot is None else asdict(robot),
        },
    )
    write_arrays(folder / "views.npz", z_depth=z_depth, rgb=rgb)


def intrinsics(width: int, height: int) -> Float64[np.ndarray, "3 3"]:
    """Square pixels, the principal point in the middle [px]."""
    focal = width / 2 / np.tan(FIELD_OF_VIEW / 2)
    return np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]], np.float64)


def eye_cameras(navigation: Navigation) -> Float64[np.ndarray, "n 4 4"]:
    """c2w of level cameras above the spawn poses in turn, each looking another way. None without a spawn."""
    spawns = navigation.spawns[:VIEWS]
    poses = []
    for number in range(VIEWS if len(spawns) else 0):
        x, y, yaw = spawns[number % len(spawns)]
        yaw = yaw + number * GOLDEN_ANGLE
        c2w = np.eye(4)
        c2w[:3, 0] = np.sin(yaw), -np.cos(yaw), 0.0  # right
        c2w[:3, 1] = 0.0, 0.0, -1.0  # down
        c2w[:3, 2] = np.cos(yaw), np.sin(yaw), 0.0  # forward
        c2w[:3, 3] = x, y, _floor_height(navigation, x, y) + EYE_HEIGHT
        poses.append(c2w)
    return np.array(poses, np.float64).reshape(-1, 4, 4)


def _floor_height(navigation: Navigation, x: float, y: float) -> float:
    """Of the nearest probe point [m]; 0, the main floor, where there is none."""
    if not len(navigation.probes):
        return 0.0
    nearest = np.argmin(np.hypot(navigation.probes[:, 0] - x, navigation.probes[:, 1] - y))
    return float(navigation.probes[nearest, 2])
