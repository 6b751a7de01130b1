"""Depth that is an estimate, noisy and sometimes wrong: the world it makes is still closed, level and open at its door."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.transform import Rotation

from lyra_sim.data.grid import FREE
from lyra_sim.data.solid import Solid
from lyra_sim.data.world import MetricWorld
from lyra_sim.errors import GeometryError
from lyra_sim.geometry.cameras import unproject
from lyra_sim.geometry.depth_noise import off_edges, oriented
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.meshing.carve import carve
from lyra_sim.meshing.solidify import solidify
from lyra_sim.meshing.surface import is_closed_manifold, signed_volume
from lyra_sim.reconstructors.fuse import reconstruct
from lyra_sim.scene.sources import CameraHeightScale, PhotosSource
from lyra_sim.scene.spec import MeshConfig, ReconstructConfig, SceneSpec
from tests.estimated import estimated_capture, estimated_depth
from tests.rooms import Room
from tests.scene_parts import metric_world

FRAME_FROM_ROOM = Similarity(
    scale=2.7, rotation=Rotation.from_euler("xyz", [95, 10, -30], degrees=True).as_matrix(), translation=np.array([1.0, 2, -4])
)


@pytest.fixture(scope="module")
def built(tiny_room: Room, tmp_path_factory: pytest.TempPathFactory) -> tuple[MetricWorld, Solid]:
    capture = estimated_capture(tiny_room, tmp_path_factory.mktemp("estimated"), frame_from_room=FRAME_FROM_ROOM)
    height = float(np.median(tiny_room.cameras.centres[:, 2]))
    cfg = SceneSpec(name="room", photos=PhotosSource(images=Path("photos")), scale=CameraHeightScale(camera_height=height))
    world = metric_world(cfg, capture, reconstruct(capture, ReconstructConfig(splat_spacing=0.05)))
    return world, solidify(world, MeshConfig(min_voxel_size=0.04), min_depth=0.1, depth=capture.depth)


def in_room(world: MetricWorld, points: np.ndarray) -> np.ndarray:
    """World points of true room points."""
    return world.world_from_input.apply(FRAME_FROM_ROOM.apply(points))


def test_metres_and_level(built: tuple[MetricWorld, Solid], tiny_room: Room) -> None:
    world, _ = built
    assert abs(world.scale.metres_per_unit * FRAME_FROM_ROOM.scale - 1) < 2 * world.scale.sigma_relative
    up = world.world_from_input.rotation @ FRAME_FROM_ROOM.rotation @ [0, 0, 1]
    assert np.degrees(np.arccos(up[2])) < 0.5
    np.testing.assert_allclose(world.cameras.centres[:, 2], tiny_room.cameras.centres[:, 2], atol=0.03)


def test_the_surface_is_closed_and_no_camera_is_in_matter(built: tuple[MetricWorld, Solid]) -> None:
    world, solid = built
    assert is_closed_manifold(solid.mesh.vertices, solid.mesh.faces)
    assert signed_volume(solid.mesh.vertices, solid.mesh.faces) > 0
    assert (solid.free_space.sample(world.cameras.centres) == FREE).all()


def test_the_floor_is_flat(built: tuple[MetricWorld, Solid], tiny_room: Room) -> None:
    """Rays straight down on open floor meet the mesh within 3 cm of z = 0."""
    from lyra_sim.rendering.open3d_loader import load_open3d

    world, solid = built
    xy = np.random.default_rng(0).uniform([0.3, 0.3], [6.7, 3.7], (2000, 2))
    columns = np.stack([np.c_[xy, np.full(len(xy), z)] for z in (0.02, 0.3, 0.72, 1.0)])
    open_floor = ~tiny_room.solid(columns).any(axis=0) & (tiny_room.distance(np.c_[xy, np.full(len(xy), 0.4)]) > 0.15)
    above = in_room(world, np.c_[xy[open_floor], np.full(open_floor.sum(), 0.5)])
    above = above[solid.free_space.sample(above) == FREE]
    assert len(above) > 800
    core = load_open3d().core
    scene = load_open3d().t.geometry.RaycastingScene()
    scene.add_triangles(core.Tensor(solid.mesh.vertices.astype(np.float32)), core.Tensor(solid.mesh.faces.astype(np.uint32)))
    rays = np.c_[above, np.tile([0, 0, -1.0], (len(above), 1))].astype(np.float32)
    height = above[:, 2] - scene.cast_rays(core.Tensor(rays))["t_hit"].numpy()
    assert np.mean(np.abs(height) < 0.03) > 0.95


def test_the_door_is_open_and_the_walls_stand(built: tuple[MetricWorld, Solid], tiny_room: Room) -> None:
    world, solid = built
    door = np.array([[x, y, z] for x in (3.9, 4.06, 4.2) for y in (1.6, 1.85, 2.1) for z in (0.2, 0.6, 1.0, 1.5)])
    assert (solid.free_space.sample(in_room(world, door)) == FREE).mean() > 0.97
    rng = np.random.default_rng(1)
    matter = rng.uniform(tiny_room.air_low - 0.25, tiny_room.air_high + 0.25, (60_000, 3))
    deep = matter[tiny_room.solid(matter) & (tiny_room.distance(matter) > 0.05)]
    assert (solid.free_space.sample(in_room(world, deep)) == FREE).mean() < 0.01


def test_the_voxel_is_no_finer_than_the_noise(built: tuple[MetricWorld, Solid], tiny_room: Room, tmp_path: Path) -> None:
    world, solid = built
    assert solid.facts.voxel_size_m == 0.04
    capture = estimated_capture(tiny_room, tmp_path, sigma=0.05, frame_from_room=FRAME_FROM_ROOM)
    noisier = solidify(world, MeshConfig(), min_depth=0.1, depth=capture.depth)
    assert noisier.facts.depth_noise_m == pytest.approx(0.05 * 2.2, rel=0.3)
    assert noisier.facts.voxel_size_m >= 0.06


@pytest.mark.parametrize(("trust", "tunnel"), [(0.3, False), (1.0, True)])
def test_one_doubted_patch_digs_no_tunnel(tiny_room: Room, trust: float, tunnel: bool) -> None:
    """A wall nobody measured but one view, which sees far behind it: matter if that view doubts it, air if it is sure."""
    _, depths = tiny_room.rendered
    z, trusts, liar = depths.copy(), np.ones_like(depths), -1
    for index in range(len(z)):
        points = unproject(depths[index], tiny_room.cameras.K[index], tiny_room.cameras.c2w[index])
        patch = (points[..., 0] > 6.99) & (np.abs(points[..., 1:] - [2.0, 1.4]) < 0.4).all(axis=-1)
        if liar < 0 and patch.sum() > 200:
            liar = index
            z[index][patch] += 1.0
            trusts[index][patch] = trust
        else:
            z[index][patch] = np.nan
    assert liar >= 0
    carved = carve(
        iter(z),
        tiny_room.cameras,
        low=tiny_room.air_low - 0.8,
        high=tiny_room.air_high + 0.8,
        voxel_size=0.06,
        min_depth=0.1,
        trusts=iter(trusts),
        sigma_relative=0.01,
    )
    free = carved.free_space.centres(np.argwhere(carved.free_space.free))
    behind = (free[:, 0] > 7.15).sum()
    assert behind > 50 if tunnel else behind == 0


def test_normals_of_noisy_depth_are_fitted(tiny_room: Room) -> None:
    """Fitted normals stay near the truth where those of neighbouring pixels are noise."""
    _, depths = tiny_room.rendered
    K = tiny_room.cameras.K[0]
    exact = oriented(depths[0], K, 0.0)
    noisy, _ = estimated_depth(depths[0], sigma=0.01, grain=0.008, wrong=0.0)
    angles = []
    for sigma in (0.01, 0.0):
        cosine = (oriented(noisy, K, sigma) * exact).sum(axis=-1)
        angles.append(np.degrees(np.arccos(np.clip(cosine[np.isfinite(cosine)], -1, 1))))
    assert np.median(angles[0]) < 8 < 0.4 * np.median(angles[1])
    perfect = oriented(depths[0], K, 0.003)
    same = (perfect * exact).sum(axis=-1)
    assert np.nanquantile(np.degrees(np.arccos(np.clip(same, -1, 1))), 0.9) < 1


def test_edges_are_dropped_but_not_slanted_planes(tiny_room: Room) -> None:
    """Every pixel beside a jump goes, nine in ten others stay, and of a bare slanted plane all do."""
    _, depths = tiny_room.rendered
    kept = np.isfinite(off_edges(depths[1]))
    jump = np.abs(np.diff(np.log(depths[1]), axis=1)) > 0.2
    assert jump.sum() > 50 and not kept[:, :-1][jump].any() and not kept[:, 1:][jump].any()
    assert kept.mean() > 0.8
    u, v = np.meshgrid(np.arange(160.0), np.arange(120.0))
    slanted = (1 / (0.1 + 0.004 * u + 0.001 * v)).astype(np.float32)
    assert np.isfinite(off_edges(slanted)).all()


def test_a_world_that_was_hardly_measured_is_refused(built: tuple[MetricWorld, Solid], tiny_room: Room, tmp_path: Path) -> None:
    """One column of pixels in sixteen: thin fans of free space, bounded almost wholly by what nobody saw."""
    world, _ = built
    capture = estimated_capture(tiny_room, tmp_path, frame_from_room=FRAME_FROM_ROOM)
    for path in (tmp_path / "depth" / "z_depth").iterdir():
        counts = np.array(Image.open(path))
        counts[:, np.arange(counts.shape[1]) % 48 > 3] = 0
        Image.fromarray(counts).save(path)
    fans = replace(world, views=capture.views)
    with pytest.raises(GeometryError, match=r"% of the surface around its free space was measured(?s:.*)kept in steps/"):
        solidify(fans, MeshConfig(min_voxel_size=0.05), min_depth=0.1, depth=capture.depth)
