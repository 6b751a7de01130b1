"""The whole way from a metric world's depth to its Solid, with the invariant checked at the end."""

from collections.abc import Iterator

import numpy as np

from lyra_sim.data.mesh import TriMesh
from lyra_sim.data.solid import Solid
from lyra_sim.data.world import MetricWorld
from lyra_sim.errors import GeometryError
from lyra_sim.geometry.cameras import CameraPath, unproject
from lyra_sim.meshing.carve import carve, choose_voxel_size, extent
from lyra_sim.meshing.colour import face_seen, vertex_colours, vertex_normals
from lyra_sim.meshing.surface import closed_surface
from lyra_sim.meshing.texture import bake
from lyra_sim.spec import MeshConfig

INTERIOR_TOLERANCE = 0.03
"""Thinning may change the volume of the air inside by this fraction."""
EXTENT_STRIDE = 8
"""Every n-th pixel is enough to find the extent."""


def solidify(world: MetricWorld, cfg: MeshConfig, *, min_depth: float) -> Solid:
    """Carve, close, colour. Fails rather than return a surface that lost the interior a camera moved through.

    Args:
        world: Metric world; its depth is fused as measured.
        cfg: Voxel size, budgets.
        min_depth: Nearest depth that counts [m].
    """
    cameras = world.cameras

    def depths() -> Iterator[np.ndarray]:
        return (world.z_depth(index) for index in range(len(cameras)))

    low, high = extent(_sparse_points(world), cameras, margin=3 * cfg.min_voxel_size)
    exact = cfg.voxel_size != "auto"
    wanted = cfg.min_voxel_size if cfg.voxel_size == "auto" else cfg.voxel_size
    voxel_size = choose_voxel_size(low, high, wanted=wanted, max_voxels=cfg.max_voxels, exact=exact)
    carved = carve(depths(), cameras, low=low, high=high, voxel_size=voxel_size, min_depth=min_depth)
    vertices, faces, surface_facts = closed_surface(carved, target_faces=cfg.target_faces)
    grid = carved.free_space
    seen = face_seen(vertices, faces, grid)
    colours = vertex_colours(
        vertices, vertex_normals(vertices, faces), cameras, world.views.rgb, world.z_depth, tolerance=3 * voxel_size
    )
    mesh = TriMesh(vertices=vertices, faces=faces, colors=colours, face_seen=seen)
    texture = bake(mesh, cameras, world.views.rgb, world.z_depth, metres_per_texel=cfg.texel_size, tolerance=2 * voxel_size)
    facts = {
        "texel_size_m": None if texture is None else round(texture.metres_per_texel, 5),
        "voxel_size_m": voxel_size,
        "voxel_size_wanted_m": wanted,
        "extent_m": [round(float(x), 3) for x in high - low],
        "seen_area_share": round(float(mesh.face_areas()[seen].sum() / mesh.face_areas().sum()), 4),
        **carved.facts,
        **surface_facts,
    }
    air_lost = surface_facts["matter_change_m3"] / (grid.free.sum() * voxel_size**3)
    if abs(air_lost) > INTERIOR_TOLERANCE:
        raise GeometryError(
            "surface",
            f"thinning changed the air inside by {-air_lost:+.1%}",
            expected=f"at most {INTERIOR_TOLERANCE:.0%}",
            likely="Too few faces for this much surface.",
            next_step="Raise mesh.target_faces.",
        )
    return Solid(mesh=mesh, free_space=grid, texture=texture, facts=facts)


def _sparse_points(world: MetricWorld) -> Iterator[np.ndarray]:
    cameras = world.cameras
    for index in range(len(cameras)):
        z = world.z_depth(index)[::EXTENT_STRIDE, ::EXTENT_STRIDE]
        K = cameras.K[index].copy()
        K[:2] /= EXTENT_STRIDE
        K[:2, 2] += 0.5 - 0.5 / EXTENT_STRIDE
        sparse = CameraPath(c2w=cameras.c2w[index : index + 1], K=K[None], width=z.shape[1], height=z.shape[0])
        yield unproject(z, sparse.K[0], sparse.c2w[0])
