"""A walk through a scene that exists as meshes, rendered as the posed RGB-D frames a depth camera would have taken.

    python benchmarks/rendered_walk.py OUT --visual scene.glb [ceiling.glb] --collision scene_collision.glb [--noise kinect]

The way is planned where the true collision mesh leaves room, through everything that can be reached, at a height of 1.25 m. The
result is an ordinary ``rgbd`` source: ``rgb/``, ``depth_mm/`` and ``transforms.json``. Meshes are z-up and in metres.
"""

import argparse
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.graph import MCP_Geometric

from lyra_sim.capture.survey.dense_samples import surface_samples
from lyra_sim.capture.survey.mesh_files import read_given_mesh
from lyra_sim.capture.survey.standing_room import CELL, find_standing
from lyra_sim.conventions import c2w_opengl_from_opencv
from lyra_sim.data.given import PaintedMesh
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.rendering.painted_view import PaintedScene

EYE = 1.25
"""Height of the camera above the floor [m]."""
WIDTH, HEIGHT, FOCAL = 320, 240, 200.0
"""77 by 62 degrees, as depth cameras have."""
ROOM = 0.3
"""The walk keeps this far from what blocks it [m], as far as doors let it."""
BLOCKS = (0.1, 1.5)
"""Heights above the floor in which something is in the way [m]."""
APART = 2.2
"""Between the places where the walker turns around once [m]."""
TURN = 10
"""Frames of a turn."""
LEAST, MOST = 200, 400
"""Frames of a walk."""
PITCHES = (-0.35, -0.1, 0.2)
"""Taken in turn, up positive [rad]."""
RESOLUTION = 0.05
"""Of the plan that the way is found in [m]."""


@dataclass(frozen=True, kw_only=True)
class Walk:
    """Frames to render, and the scene they are rendered from."""

    scene: PaintedScene
    cameras: CameraPath
    length: float
    """Of the way [m]."""
    stops: int


def plan_walk(visual: list[Path], collision: list[Path]) -> Walk:
    """From place to nearest place through all that can be reached from inside."""
    mesh = PaintedMesh.joined([read_given_mesh(path).mesh for path in visual])
    true = PaintedMesh.joined([read_given_mesh(path).mesh for path in collision])
    scene = PaintedScene(mesh)
    samples = np.concatenate([surface_samples(part.vertices, part.faces, CELL / 2) for part in (mesh, true)])
    standing = find_standing(samples, scene.caster, start=None, subject=visual[0].name)
    floor = float(np.median(standing.places[:, 2]))
    fine = surface_samples(true.vertices, true.faces, RESOLUTION / 2)
    fine = np.concatenate([fine, surface_samples(mesh.vertices, mesh.faces, RESOLUTION / 2)])
    low = standing.places[:, :2].min(axis=0) - 2
    shape = np.ceil((standing.places[:, :2].max(axis=0) + 2 - low) / RESOLUTION).astype(int)
    inside = (fine[:, 2] > floor + BLOCKS[0]) & (fine[:, 2] < floor + BLOCKS[1])
    at = np.floor((fine[inside, :2] - low) / RESOLUTION).astype(int)
    at = at[((at >= 0) & (at < shape)).all(axis=1)]
    free = np.ones(shape, bool)
    free[tuple(at.T)] = False
    clearance = ndimage.distance_transform_edt(free) * RESOLUTION
    costs = np.where(clearance >= ROOM, 1 + 0.3 / np.maximum(clearance, 0.1), np.where(clearance >= 0.22, 8.0, -1.0))
    cells = np.floor((standing.places[:, :2] - low) / RESOLUTION).astype(int)
    cells = cells[costs[tuple(cells.T)] > 0]
    start = np.floor((standing.start[:2] - low) / RESOLUTION).astype(int)
    stops = _thinned(cells[np.argsort(-clearance[tuple(cells.T)], kind="stable")], APART / RESOLUTION)
    ways, left, here = [], [tuple(stop) for stop in stops], tuple(start if costs[tuple(start)] > 0 else stops[0])
    visited = 0
    while left:
        paths = MCP_Geometric(costs)
        reached, _ = paths.find_costs([here])
        far = np.array([reached[stop] for stop in left])
        if not np.isfinite(far).any():
            break
        here = left.pop(int(np.argmin(far)))
        ways.append((np.array(paths.traceback(here)) + 0.5) * RESOLUTION + low)
        visited += 1
    cameras, length = _frames(ways, floor + EYE)
    return Walk(scene=scene, cameras=cameras, length=length, stops=visited)


def _thinned(cells: np.ndarray, apart: float) -> np.ndarray:
    kept: list[np.ndarray] = []
    for cell in cells:
        if all(np.linalg.norm(cell - other) >= apart for other in kept):
            kept.append(cell)
    return np.array(kept)


def _frames(ways: list[np.ndarray], eye: float) -> tuple[CameraPath, float]:
    """A turn at the end of every way, and as many frames along it as the budget leaves."""
    lengths = [float(np.linalg.norm(np.diff(way, axis=0), axis=1).sum()) for way in ways]
    turn = max(4, min(TURN, MOST // (2 * len(ways))))
    along = np.clip(sum(lengths) / 0.25, LEAST - turn * len(ways), MOST - turn * len(ways))
    poses: list[np.ndarray] = []
    yaw = 0.0
    for way, length in zip(ways, lengths, strict=True):
        smooth = ndimage.gaussian_filter1d(way, 3.0, axis=0, mode="nearest") if len(way) > 4 else way
        for share in (np.arange(round(along * length / max(sum(lengths), 1e-9))) + 0.5) / max(
            round(along * length / max(sum(lengths), 1e-9)), 1
        ):
            k = min(int(share * (len(smooth) - 1)), len(smooth) - 2)
            ahead = smooth[min(k + 8, len(smooth) - 1)] - smooth[k]
            yaw = float(np.arctan2(ahead[1], ahead[0])) if np.linalg.norm(ahead) > 1e-6 else yaw
            poses.append(_pose(smooth[k], eye, yaw, PITCHES[len(poses) % 2]))
        for number in range(turn):
            poses.append(_pose(way[-1], eye, yaw + 2 * np.pi * (number + 1) / turn, PITCHES[len(poses) % 3]))
    K = np.array([[FOCAL, 0, WIDTH / 2], [0, FOCAL, HEIGHT / 2], [0, 0, 1.0]])
    path = CameraPath(c2w=np.stack(poses), K=np.tile(K, (len(poses), 1, 1)), width=WIDTH, height=HEIGHT)
    return path, sum(lengths)


def _pose(xy: np.ndarray, z: float, yaw: float, pitch: float) -> np.ndarray:
    forward = np.array([np.cos(yaw) * np.cos(pitch), np.sin(yaw) * np.cos(pitch), np.sin(pitch)])
    right = np.array([np.sin(yaw), -np.cos(yaw), 0.0])
    c2w = np.eye(4)
    c2w[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    c2w[:3, 3] = [*xy, z]
    return c2w


def write_walk(walk: Walk, out: Path, *, noise: str = "none", seed: int = 7) -> None:
    """Render every frame; with ``kinect``, depth errs by 1.2 mm + 1.9 mm (z - 0.4)² (Nguyen et al. 2012) and loses 2 %."""
    rng = np.random.default_rng(seed)
    (out / "rgb").mkdir(parents=True, exist_ok=True)
    (out / "depth_mm").mkdir(exist_ok=True)
    frames = []
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        shots = pool.map(lambda index: walk.scene.view(walk.cameras, index, near=0.05, smooth=2), range(len(walk.cameras)))
        for index, (rgb, z_depth) in enumerate(shots):
            frames.append(_written(out, index, rgb, z_depth, walk, noise, rng))
    lens = {"w": WIDTH, "h": HEIGHT, "fl_x": FOCAL, "fl_y": FOCAL, "cx": WIDTH / 2, "cy": HEIGHT / 2}
    (out / "transforms.json").write_text(json.dumps({**lens, "frames": frames}), encoding="utf-8")


def _written(
    out: Path, index: int, rgb: np.ndarray, z_depth: np.ndarray, walk: Walk, noise: str, rng: np.random.Generator
) -> dict[str, object]:
    if noise == "kinect":
        z_depth = z_depth + rng.normal(size=z_depth.shape) * (0.0012 + 0.0019 * (z_depth - 0.4) ** 2)
        z_depth = np.where(rng.random(z_depth.shape) < 0.02, np.nan, z_depth)
    counts = np.nan_to_num(np.clip(np.round(z_depth * 1000), 0, 65535), nan=0.0).astype(np.uint16)
    Image.fromarray(rgb).save(out / "rgb" / f"{index:04d}.jpg", quality=92)
    Image.fromarray(counts).save(out / "depth_mm" / f"{index:04d}.png", compress_level=3)
    matrix = c2w_opengl_from_opencv(walk.cameras.c2w[index]).tolist()
    return {"file_path": f"rgb/{index:04d}.jpg", "transform_matrix": matrix}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--visual", type=Path, nargs="+", required=True)
    parser.add_argument("--collision", type=Path, nargs="+", required=True)
    parser.add_argument("--noise", choices=["none", "kinect"], default="none")
    if len(sys.argv) == 1:  # `make bench` runs every script; worlds.py renders the walks that are measured
        parser.print_usage()
        return
    arguments = parser.parse_args()
    walk = plan_walk(arguments.visual, arguments.collision)
    write_walk(walk, arguments.out, noise=arguments.noise)
    print(f"{len(walk.cameras)} frames, {walk.length:.1f} m past {walk.stops} places, in {arguments.out}")


if __name__ == "__main__":
    main()
