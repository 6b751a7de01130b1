"""What the mesh step costs: seconds by part and peak memory for 200 posed depth frames of 320x240 at 3 cm voxels.

    python benchmarks/solid.py                                         frames of a six-room house of boxes, rendered here
    python benchmarks/solid.py --walk FOLDER [--frames 200] [--truth scene.glb ceiling.glb]

FOLDER is what ``benchmarks/rendered_walk.py`` writes; ``--frames`` are taken evenly from it. With ``--truth`` the surface is
compared with those meshes too. Each run is a process of its own, so that peak memory is its own; kernels are compiled before.
"""

import argparse
import json
import multiprocessing
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lyra_sim.alignment.metric_world import to_metric_world
from lyra_sim.conventions import c2w_opengl_from_opencv
from lyra_sim.data.depth import PosedDepth
from lyra_sim.data.world import MetricWorld
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.meshing import carve, solidify, surface
from lyra_sim.quality.truth.surface import TrueSurface, surface_distances, truth_metrics
from lyra_sim.reconstructors.fuse import reconstruct
from lyra_sim.rendering.ray_casting import RayCaster
from lyra_sim.scene.sources import RgbdSource
from lyra_sim.scene.spec import MeshConfig, SceneSpec
from lyra_sim.steps.capture import capture as capture_step

WIDTH, HEIGHT, FOCAL = 320, 240, 200.0
PARTS: dict[str, tuple[Any, str]] = {
    "integrate": (carve, "_fused"),
    "decide": (carve, "_decide"),
    "field": (surface, "_matter_field"),
    "thin": (surface, "_thin"),
    "surface": (solidify, "closed_surface"),
    "colours": (solidify, "vertex_colours"),
    "texture": (solidify, "bake"),
}
"""Functions whose time is taken, where they are looked up. ``field`` and ``thin`` are within ``surface``."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--walk", type=Path, help="an RGB-D folder: rgb/, depth_mm/, transforms.json")
    parser.add_argument("--truth", type=Path, nargs="+", default=[], help="meshes to compare the surface with")
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--voxel", type=float, default=0.03)
    parser.add_argument("--faces", type=int, default=60_000)
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        walk = Path(folder) / "walk"
        chosen(asked.walk, walk, asked.frames) if asked.walk else rendered(walk, asked.frames)
        spawn = multiprocessing.get_context("spawn")
        found = []
        for run in range(asked.runs + 1):  # the first compiles
            with spawn.Pool(1) as pool:
                result = pool.apply(measure, (walk, asked.truth if run == asked.runs else [], asked.voxel, asked.faces))
            if run > 0:
                found.append(result)
    names = [*PARTS, "whole"]
    print(f"{asked.frames} frames of {WIDTH}x{HEIGHT}, voxels of {asked.voxel:g} m, load {os.getloadavg()[0]:.1f}")
    print(f"median of {asked.runs} runs: wall seconds (CPU seconds of all threads)\n")
    print("| " + " | ".join([*names, "voxels", "faces", "peak memory"]) + " |")
    print("|" + "---|" * (len(names) + 3))
    middle = [tuple(statistics.median(result["seconds"][name][k] for result in found) for k in (0, 1)) for name in names]
    cells = [f"{wall:.1f} ({cpu:.1f})" for wall, cpu in middle]
    last = found[-1]
    memory = f"{max(result['peak_gb'] for result in found):.2f} GB"
    print("| " + " | ".join([*cells, f"{last['voxels']:.3g}", f"{last['faces']:,}", memory]) + " |")
    for name, value in last["truth"].items():
        print(f"{name} {value:.4f}")


def measure(walk: Path, truth: list[Path], voxel: float, faces: int) -> dict[str, Any]:
    """One run of the mesh step, in a process of its own."""
    cfg = SceneSpec(
        name="walk",
        rgbd=RgbdSource(frames=walk / "rgb", depth=walk / "depth_mm", cameras=walk / "transforms.json"),
        scale="metric",
        up="z",
    )
    with tempfile.TemporaryDirectory() as folder:
        capture = capture_step.run(cfg, {}, out=Path(folder) / "capture")
        world = to_metric_world(
            PosedDepth.of(capture),
            reconstruct(capture, cfg.reconstruct),
            scale=cfg.scale,
            config=cfg.align,
            assumed_camera_height=cfg.capture.assumed_camera_height,
            scene=cfg.name,
        )
        seconds = {name: [0.0, 0.0] for name in [*PARTS, "whole"]}
        for name, (module, function) in PARTS.items():
            setattr(module, function, timed(getattr(module, function), seconds[name]))
        config = MeshConfig(voxel_size=voxel, max_voxels=100_000_000, target_faces=faces)
        solid = timed(solidify.solidify, seconds["whole"])(world, config, min_depth=cfg.capture.min_depth)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        return {
            "seconds": seconds,
            "peak_gb": peak,
            "voxels": solid.facts.carve.voxels,
            "faces": len(solid.mesh.faces),
            "truth": compared(solid.mesh, world, truth) if truth else {},
        }


def compared(mesh: Any, world: MetricWorld, truth: list[Path]) -> dict[str, float]:
    true = TrueSurface.load(truth).moved(world.world_from_input)
    return {m.name: m.value for m in truth_metrics(*surface_distances(mesh, mesh.face_seen, true, world, seed=7))}


def timed(function: Callable, total: list[float]) -> Callable:
    """The function, adding its wall and CPU seconds to ``total``."""

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            return function(*args, **kwargs)
        finally:
            total[0] += time.perf_counter() - wall
            total[1] += time.process_time() - cpu

    return wrapped


def chosen(walk: Path, out: Path, count: int) -> None:
    """``count`` frames of a walk, evenly spaced, as links."""
    facts = json.loads((walk / "transforms.json").read_text(encoding="utf-8"))
    frames = facts["frames"]
    keep = sorted({round(n) for n in np.linspace(0, len(frames) - 1, min(count, len(frames)))})
    (out / "rgb").mkdir(parents=True)
    (out / "depth_mm").mkdir()
    for index in keep:
        photo = walk / frames[index]["file_path"]
        (out / "rgb" / photo.name).symlink_to(photo.resolve())
        depth = walk / "depth_mm" / f"{photo.stem}.png"
        (out / "depth_mm" / depth.name).symlink_to(depth.resolve())
    facts["frames"] = [frames[index] for index in keep]
    (out / "transforms.json").write_text(json.dumps(facts), encoding="utf-8")


def rendered(out: Path, count: int) -> None:
    """A house of 12 x 8 x 2.5 m: six rooms with doors, a cupboard, a table and a low box each; a walk that turns around."""
    boxes = [([-0.3, -0.3, -0.3], [12.3, 8.3, 0.0]), ([-0.3, -0.3, 2.5], [12.3, 8.3, 2.8])]
    boxes += [([-0.3, -0.3, 0], [0, 8.3, 2.5]), ([12, -0.3, 0], [12.3, 8.3, 2.5])]
    boxes += [([0, -0.3, 0], [12, 0, 2.5]), ([0, 8, 0], [12, 8.3, 2.5])]
    for x in (4.0, 8.0):
        boxes += [([x, 0, 0], [x + 0.1, 1.5, 2.5]), ([x, 2.4, 0], [x + 0.1, 5.6, 2.5]), ([x, 6.5, 0], [x + 0.1, 8, 2.5])]
        boxes += [([x, 1.5, 2.05], [x + 0.1, 2.4, 2.5]), ([x, 5.6, 2.05], [x + 0.1, 6.5, 2.5])]
    boxes += [([0, 4.0, 0], [9.5, 4.1, 2.5]), ([10.4, 4.0, 0], [12, 4.1, 2.5]), ([9.5, 4.0, 2.05], [10.4, 4.1, 2.5])]
    for x in (0.0, 4.1, 8.1):
        for y in (0.0, 4.1):
            boxes += [([x, y, 0], [x + 1.0, y + 0.5, 1.8]), ([x + 2.6, y + 0.1, 0], [x + 3.2, y + 0.6, 0.4])]
            boxes += [([x + 1.6, y + 3.0, 0.71], [x + 2.8, y + 3.6, 0.74])]
            boxes += [([x + a, y + b, 0], [x + a + 0.05, y + b + 0.05, 0.71]) for a in (1.65, 2.7) for b in (3.05, 3.5)]
    corners = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)], float)
    sides = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]])
    quads = np.concatenate([sides[:, [0, 1, 2]], sides[:, [0, 2, 3]]])
    vertices = np.concatenate([np.array(low) + corners * (np.array(high) - low) for low, high in boxes])
    faces = np.concatenate([quads + 8 * n for n in range(len(boxes))]).astype(np.int32)
    caster = RayCaster(vertices, faces)
    stops = np.array([[2, 2], [6, 2], [10, 2], [10, 6], [6, 6], [2, 6]]) + 0.05
    at = np.linspace(0, len(stops) - 1, count)
    centres = np.stack([np.interp(at, np.arange(len(stops)), stops[:, k]) for k in (0, 1)], axis=1)
    poses = []
    for index, (x, y) in enumerate(centres):
        yaw, pitch = 0.37 * index, (-0.35, -0.1, 0.2)[index % 3]
        ahead = np.array([np.cos(yaw) * np.cos(pitch), np.sin(yaw) * np.cos(pitch), np.sin(pitch)])
        right = np.array([np.sin(yaw), -np.cos(yaw), 0.0])
        c2w = np.eye(4)
        c2w[:3, :3] = np.stack([right, np.cross(ahead, right), ahead], axis=1)
        c2w[:3, 3] = x, y, 1.25
        poses.append(c2w)
    K = np.array([[FOCAL, 0, WIDTH / 2], [0, FOCAL, HEIGHT / 2], [0, 0, 1.0]])
    cameras = CameraPath(c2w=np.stack(poses), K=np.tile(K, (count, 1, 1)), width=WIDTH, height=HEIGHT)
    (out / "rgb").mkdir(parents=True)
    (out / "depth_mm").mkdir()
    frames = []
    for index in range(count):
        hits = caster.cast_camera(cameras, index)
        shade = (80 + 37 * (np.maximum(hits.face, 0) % 4)).astype(np.uint8)
        Image.fromarray(np.repeat(shade[..., None], 3, axis=-1)).save(out / "rgb" / f"{index:04d}.png")
        depth = np.nan_to_num(np.round(hits.t * 1000)).astype(np.uint16)
        Image.fromarray(depth).save(out / "depth_mm" / f"{index:04d}.png")
        matrix = c2w_opengl_from_opencv(cameras.c2w[index]).tolist()
        frames.append({"file_path": f"rgb/{index:04d}.png", "transform_matrix": matrix})
    lens = {"w": WIDTH, "h": HEIGHT, "fl_x": FOCAL, "fl_y": FOCAL, "cx": WIDTH / 2, "cy": HEIGHT / 2}
    (out / "transforms.json").write_text(json.dumps({**lens, "frames": frames}), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
