"""The whole way from a metric world's depth to its Solid, with the invariant checked at the end."""

from collections.abc import Iterator

import numpy as np

from lyra_sim.data.capture import DepthFacts
from lyra_sim.data.mesh import TriMesh
from lyra_sim.data.solid import Solid, SolidFacts
from lyra_sim.data.video import GeneratedFrames
from lyra_sim.data.world import MetricWorld
from lyra_sim.errors import GeometryError
from lyra_sim.geometry.cameras import CameraPath, unproject
from lyra_sim.geometry.depth_noise import usable
from lyra_sim.meshing.carve import carve, choose_voxel_size, extent
from lyra_sim.meshing.colour import face_seen, vertex_colours, vertex_normals
from lyra_sim.meshing.drawn_frames import NewSurface
from lyra_sim.meshing.room_side import faces_towards_free, seen_share_of
from lyra_sim.meshing.surface import closed_surface
from lyra_sim.meshing.texture import bake
from lyra_sim.scene.spec import MeshConfig

MARGIN_VOXELS = 3
"""Voxels kept beyond the outermost points: a floor at the very bottom still needs the matter that makes it one. Convention."""
LEAST_SEEN = 0.2
"""A world from photos of which less was measured (share of the surface that borders on free space) is refused: two thirds of
what the figure `mesh.seen_share` fails at. Hulls of such a world would be guesses around guesses. Derived."""
EXTENT_STRIDE = 8
"""Every n-th pixel is enough to find the extent. Convention."""
MEASURED_STRAYS, ESTIMATED_STRAYS = 0.001, 0.01
"""Share of the points left out on either side of the extent: far estimates are the wrong ones. Tuned, unrecorded."""
VOXEL_PER_NOISE = 0.75
"""Edge of a voxel in standard deviations of estimated depth at its median: finer ones would show noise. Tuned, unrecorded."""


def solidify(
    world: MetricWorld,
    cfg: MeshConfig,
    *,
    min_depth: float,
    depth: DepthFacts | None = None,
    drawn: GeneratedFrames | None = None,
) -> Solid:
    """Carve, close, colour. Fails rather than return a surface that lost the interior a camera moved through.

    Args:
        world: Metric world; its depth is fused as measured.
        cfg: Voxel size, budgets.
        min_depth: Nearest depth that counts [m].
        depth: How good the depth is; None: measured.
        drawn: Generated frames in the metric world; they shape and colour only what no photo measured.
    """
    cameras, views = world.cameras, world.views
    estimated = views.estimated
    sigma = 0.0 if depth is None else depth.noise

    def z_depth(index: int) -> np.ndarray:
        z = world.z_depth(index)
        return usable(z, views.static(index)) if estimated else z

    count = range(len(cameras))
    low, high = extent(_sparse_points(world), cameras, strays=ESTIMATED_STRAYS if estimated else MEASURED_STRAYS)
    guesses = None if drawn is None else NewSurface.of(drawn)
    exact = cfg.voxel_size != "auto"
    noise = sigma * _median_depth(world) if estimated else 0.0
    finest = max(cfg.min_voxel_size, float(np.ceil(1000 * VOXEL_PER_NOISE * noise)) / 1000)
    wanted = finest if cfg.voxel_size == "auto" else cfg.voxel_size
    voxel_size = wanted
    for _ in range(2):  # room for matter behind the outermost surface takes voxels too
        margin = MARGIN_VOXELS * voxel_size
        voxel_size = choose_voxel_size(low - margin, high + margin, wanted=voxel_size, max_voxels=cfg.max_voxels, exact=exact)
    if guesses is not None:  # room for what was drawn, unless it would coarsen what was measured
        wider = guesses.extended(low, high)
        if np.prod(np.ceil((wider[1] - wider[0] + 2 * margin) / voxel_size)) <= cfg.max_voxels:
            low, high = wider
    low, high = low - margin, high + margin
    carved = carve(
        (z_depth(index) for index in count),
        cameras,
        low=low,
        high=high,
        voxel_size=voxel_size,
        min_depth=min_depth,
        trusts=(views.confidence(index) for index in count) if estimated else None,
        sigma_relative=sigma,
        one_view=len(cameras) == 1,
        drawn=None if guesses is None else (guesses.z_depths(), guesses.cameras),
    )
    vertices, faces, surface_facts = closed_surface(carved, target_faces=cfg.target_faces)
    known = carved.measured_space
    seen = face_seen(vertices, faces, known, carved.measured)
    colours = vertex_colours(
        vertices,
        vertex_normals(vertices, faces),
        cameras,
        views.rgb,
        z_depth,
        tolerance=max(3 * voxel_size, 2 * noise),
    )
    if guesses is not None:
        colours = guesses.coloured(colours, vertices, vertex_normals(vertices, faces), tolerance=3 * voxel_size)
    mesh = TriMesh(vertices=vertices, faces=faces, colors=colours, face_seen=seen)
    seen_share = seen_share_of(mesh, faces_towards_free(mesh, known))
    if estimated and seen_share < LEAST_SEEN:
        raise _hardly_seen(seen_share, cameras, voxel_size)
    texture = bake(mesh, cameras, views.rgb, z_depth, metres_per_texel=cfg.texel_size, tolerance=max(2 * voxel_size, 2 * noise))
    x, y, z = (round(float(side), 3) for side in high - low)
    facts = SolidFacts(
        texel_size_m=None if texture is None else round(texture.metres_per_texel, 5),
        voxel_size_m=voxel_size,
        voxel_size_wanted_m=wanted,
        depth_noise_m=round(noise, 5) if estimated else None,
        extent_m=(x, y, z),
        seen_area_share=round(float(mesh.face_areas()[seen].sum() / mesh.face_areas().sum()), 4),
        carve=carved.facts,
        surface=surface_facts,
    )
    return Solid(mesh=mesh, free_space=known, texture=texture, facts=facts)


def _median_depth(world: MetricWorld) -> float:
    """Of a sample of all pixels [m]."""
    sample = [world.z_depth(index)[::EXTENT_STRIDE, ::EXTENT_STRIDE].ravel() for index in range(len(world.cameras))]
    return float(np.nanmedian(np.concatenate(sample)))


def _sparse_points(world: MetricWorld) -> Iterator[np.ndarray]:
    cameras = world.cameras
    for index in range(len(cameras)):
        z = world.z_depth(index)[::EXTENT_STRIDE, ::EXTENT_STRIDE]
        K = cameras.K[index].copy()
        K[:2] /= EXTENT_STRIDE
        K[:2, 2] += 0.5 - 0.5 / EXTENT_STRIDE
        sparse = CameraPath(c2w=cameras.c2w[index : index + 1], K=K[None], width=z.shape[1], height=z.shape[0])
        yield unproject(z, sparse.K[0], sparse.c2w[0])


def _hardly_seen(share: float, cameras: CameraPath, voxel_size: float) -> GeometryError:
    steps = np.linalg.norm(np.diff(cameras.centres, axis=0), axis=1)
    return GeometryError(
        "the world",
        f"{share:.0%} of the surface around its free space was measured, with voxels of {voxel_size:g} m",
        expected=f"at least {LEAST_SEEN:.0%} for a world to be built",
        likely=f"Most surfaces are in too few photos for depth; the photos stand {np.median(steps):.2g} m apart.",
        next_step="Take more photos, each sharing most of its view with the next (indoors one every half metre), or build a "
        "shorter stretch. The cameras and depth found so far are kept in steps/.",
    )
