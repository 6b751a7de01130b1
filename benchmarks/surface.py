"""Our carved surface beside Open3D's voxel block grid on the same depth: time, closedness, and F-score against truth.

Needs the house's true mesh, which isn't in the repository; says so and stops where it is absent.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from lyra_sim.alignment.metric_world import to_metric_world
from lyra_sim.conventions import K_to_integer_centres
from lyra_sim.data.depth import PosedDepth
from lyra_sim.data.mesh import TriMesh
from lyra_sim.data.world import MetricWorld
from lyra_sim.meshing.carve import carve, extent
from lyra_sim.meshing.colour import face_seen
from lyra_sim.meshing.surface import closed_surface, is_closed_manifold
from lyra_sim.quality.truth.surface import TrueSurface, surface_distances, truth_metrics
from lyra_sim.reconstructors.fuse import reconstruct
from lyra_sim.rendering.open3d_loader import load_open3d
from lyra_sim.scene.sources import RgbdSource
from lyra_sim.scene.spec import SceneSpec
from lyra_sim.steps.capture import capture as capture_step

HOUSE = Path(__file__).parents[1].parent / "shared" / "data" / "scene_small_house"
RUNS = 3


def main() -> int:
    if not HOUSE.is_dir():
        print("surface: the true mesh of small_house isn't beside this checkout; nothing was measured", file=sys.stderr)
        return 0
    rgbd = HOUSE / "rgbd"
    source = RgbdSource(frames=rgbd / "rgb", depth=rgbd / "depth_mm", cameras=rgbd / "transforms.json")
    cfg = SceneSpec(name="small_house", rgbd=source, scale="metric", up="z")
    truth = TrueSurface.load([HOUSE / "scene_visual.glb", HOUSE / "ceiling_visual.glb"])
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
        depths = [world.z_depth(index) for index in range(len(world.cameras))]
        print(f"small_house, {len(depths)} views of 640x480, median of {RUNS} runs after a warm-up\n")
        print("| surface | voxel | seconds | faces | closed, manifold | accuracy | completeness | F@2cm | F@5cm |")
        print("|---|---|---|---|---|---|---|---|---|")
        for voxel_size in (0.04, 0.03):
            for name, make in (("carved, thinned", ours), ("Open3D VoxelBlockGrid, as extracted", open3d)):
                make(world, depths, voxel_size)
                seconds = []
                for _ in range(RUNS):
                    started = time.perf_counter()
                    mesh = make(world, depths, voxel_size)
                    seconds.append(time.perf_counter() - started)
                figures = {
                    m.name: m.value for m in truth_metrics(*surface_distances(mesh, mesh.face_seen, truth, world, seed=7))
                }
                closed = "yes" if is_closed_manifold(mesh.vertices, mesh.faces) else "no"
                print(
                    f"| {name} | {voxel_size:g} m | {statistics.median(seconds):.1f} | {len(mesh.faces):,} | {closed} "
                    f"| {1000 * figures['truth.accuracy']:.1f} mm | {1000 * figures['truth.completeness']:.1f} mm "
                    f"| {figures['truth.f_score_2cm']:.3f} | {figures['truth.f_score_5cm']:.3f} |"
                )
    return 0


def ours(world: MetricWorld, depths: list[np.ndarray], voxel_size: float) -> TriMesh:
    """Carving, decision, closed surface and its thinning: everything mesh does but colours."""
    points = (np.asarray(world.splats.means, np.float64) for _ in range(1))
    low, high = extent(points, world.cameras)
    carved = carve(iter(depths), world.cameras, low=low - 0.1, high=high + 0.1, voxel_size=voxel_size, min_depth=0.1)
    vertices, faces, _ = closed_surface(carved, target_faces=60_000)
    return _grey(vertices, faces, face_seen(vertices, faces, carved.free_space, carved.measured))


def open3d(world: MetricWorld, depths: list[np.ndarray], voxel_size: float) -> TriMesh:
    """Dong et al. 2022 as Open3D ships it: weighted average of projective distances in hashed blocks, then marching cubes."""
    o3d = load_open3d()
    core = o3d.core
    grid = o3d.t.geometry.VoxelBlockGrid(
        attr_names=("tsdf", "weight"),
        attr_dtypes=(core.float32, core.float32),
        attr_channels=((1,), (1,)),
        voxel_size=voxel_size,
        block_resolution=16,
        block_count=40_000,
    )
    K = K_to_integer_centres(world.cameras.K)
    for index, z_depth in enumerate(depths):
        image = o3d.t.geometry.Image(core.Tensor(np.nan_to_num(z_depth, nan=0.0)))
        lens, w2c = core.Tensor(K[index]), core.Tensor(world.cameras.w2c[index])
        blocks = grid.compute_unique_block_coordinates(image, lens, w2c, 1.0, 8.0, 4.0)
        grid.integrate(blocks, image, lens, w2c, 1.0, 8.0, 4.0)
    mesh = grid.extract_triangle_mesh(weight_threshold=1.0)
    faces = np.ascontiguousarray(mesh.triangle.indices.numpy(), np.int32)
    return _grey(mesh.vertex.positions.numpy(), faces, np.ones(len(faces), bool))


def _grey(vertices: np.ndarray, faces: np.ndarray, seen: np.ndarray) -> TriMesh:
    colors = np.full((len(vertices), 3), 128, np.uint8)
    return TriMesh(vertices=np.ascontiguousarray(vertices, np.float32), faces=faces, colors=colors, face_seen=seen)


if __name__ == "__main__":
    sys.exit(main())
