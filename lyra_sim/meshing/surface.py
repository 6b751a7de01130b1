"""From decided voxels to one closed, manifold, outward surface that keeps the navigable interior."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Int
from scipy import ndimage

from lyra_sim.data.grid import FREE, SOLID
from lyra_sim.data.solid import SurfaceFacts
from lyra_sim.errors import GeometryError
from lyra_sim.meshing.carve import BACK_VOXELS, Carved
from lyra_sim.meshing.field_kernels import enclosed_volume, within_reach

INTERIOR_TOLERANCE = 0.03
"""Thinning may change the volume of the air inside by this fraction. Convention."""
KEPT_SHARE = 0.98
"""Thinning leaves this share of the measured surface within a voxel of where it was. Convention."""
KEPT_SAMPLES = 20_000
"""Points of the measured surface that are asked. Convention."""
SHELL = 0.1
"""Thickness of matter kept outside free space [m], more where voxels are coarse; beyond it is outside air.
Tuned, unrecorded."""


def closed_surface(carved: Carved, *, target_faces: int) -> tuple[np.ndarray, np.ndarray, SurfaceFacts]:
    """Vertices (float32) [m], faces (int32) and figures of the closed surface between free and solid.

    Marching cubes in Lorensen's form (Lorensen and Cline 1987) is edge-manifold on every field that has no exact
    zero. Its triangles are thinned to ``target_faces`` by quadrics (Garland and Heckbert 1997) and made manifold
    again by manifold3d; to twice as many as often as that costs more than 3 % of the air or moves measured surface by more than
    a voxel, for a ragged border of what was seen takes most of the triangles of a large hall; and where nothing of it serves
    they are merged by manifold3d within half a voxel. What isn't closed, manifold and outward is never handed on.

    Raises:
        GeometryError: No stage leaves it closed and manifold.
    """
    from skimage.measure import marching_cubes

    grid = carved.free_space
    field, pad = _matter_field(carved)
    vertices, faces, _, _ = marching_cubes(field, 0.0, method="lorensen")
    vertices = (vertices + 0.5 - pad) * grid.voxel_size + grid.origin
    faces = np.ascontiguousarray(faces[:, ::-1])
    if signed_volume(vertices, faces) < 0:
        faces = np.ascontiguousarray(faces[:, ::-1])
    most = INTERIOR_TOLERANCE * float(grid.free.sum()) * grid.voxel_size**3
    volume = signed_volume(vertices, faces)
    samples = _measured(vertices, carved)
    for stage, made in _stages(vertices, faces, target_faces, grid.voxel_size):
        candidate = made()
        after = signed_volume(*candidate)
        kept = stage == "marching_cubes" or (abs(after - volume) <= most and _kept(samples, *candidate, grid.voxel_size))
        if after > 0 and kept and is_closed_manifold(*candidate):
            facts = SurfaceFacts(
                faces_marching_cubes=len(faces),
                faces=len(candidate[1]),
                kept=stage,
                matter_change_m3=round(after - volume, 6),
            )
            return candidate[0].astype(np.float32), candidate[1].astype(np.int32), facts
    raise GeometryError(
        "surface",
        "it isn't closed and manifold after any stage",
        next_step="Report this with the capture; it should not happen.",
    )


def _measured(vertices: np.ndarray, carved: Carved) -> np.ndarray:
    """Vertices (n, 3) where the surface was measured, evenly thinned out to at most KEPT_SAMPLES."""
    index = np.clip(carved.free_space.indices(vertices), 0, np.array(carved.measured.shape) - 1)
    measured = np.flatnonzero(carved.measured[tuple(index.T)])
    return vertices[measured[:: max(len(measured) // KEPT_SAMPLES, 1)][:KEPT_SAMPLES]]


def _kept(samples: np.ndarray, vertices: np.ndarray, faces: np.ndarray, voxel_size: float) -> bool:
    from lyra_sim.rendering.ray_casting import RayCaster

    if not len(samples) or not len(faces):
        return len(samples) == 0
    distances = RayCaster(vertices.astype(np.float32), faces.astype(np.int32)).distances(samples)
    return float((distances <= voxel_size).mean()) >= KEPT_SHARE


def _stages(
    vertices: np.ndarray, faces: np.ndarray, target_faces: int, voxel_size: float
) -> Iterator[tuple[str, Callable[[], tuple[np.ndarray, np.ndarray]]]]:
    """Ways to the fewest faces first; a ragged border needs more of them than a smooth one."""
    while target_faces < len(faces):
        yield "thinned", partial(_thin, vertices, faces, target_faces)
        target_faces *= 2
    yield "merged", lambda: _merge_coplanar(vertices, faces, voxel_size / 2)
    yield "marching_cubes", lambda: (vertices, faces)


def _matter_field(carved: Carved) -> tuple[Float32[np.ndarray, "nx ny nz"], int]:
    """Positive in matter, negative in air [m], never zero; matter is cut off ``SHELL`` outside free space."""
    voxel_size = carved.free_space.voxel_size
    reach = max(int(BACK_VOXELS) + 1, int(np.ceil(SHELL / voxel_size)))
    pad = reach + 2
    field = np.pad(_smooth_frontier(carved), pad, constant_values=voxel_size)
    near = np.pad(carved.free_space.free, pad).astype(np.uint8)
    for axis in range(3):
        near = ndimage.maximum_filter1d(near, 2 * reach + 1, axis=axis)
    labels, _ = ndimage.label(near == 0)  # the outside; far pockets inside big pieces of matter stay solid
    field[labels == labels[0, 0, 0]] = -0.5 * voxel_size
    return field, pad


def _smooth_frontier(carved: Carved) -> Float32[np.ndarray, "nx ny nz"]:
    """The field with its border between free and unseen space smoothed, no voxel changing sides.

    That border is a staircase of view frustums and shadows; smooth, it costs a fraction of the triangles. Voxels
    within one of a measured surface keep their distances.
    """
    states, voxel_size = carved.free_space.states, carved.free_space.voxel_size
    matter = states != FREE
    smooth = ndimage.gaussian_filter(np.where(matter, np.float32(1), np.float32(-1)), 1.0, truncate=2.0) * np.float32(
        voxel_size
    )
    tiny = np.float32(0.02 * voxel_size)
    smooth = _on_its_side(smooth, matter, tiny)
    measured = ndimage.binary_dilation(states == SOLID)
    near = within_reach(carved.distance, states == FREE, states == SOLID, np.float32(voxel_size))
    return np.where(measured & np.isfinite(near), _on_its_side(-near, matter, tiny), smooth)


def _on_its_side(field: np.ndarray, matter: np.ndarray, tiny: np.float32) -> Float32[np.ndarray, "nx ny nz"]:
    """The field with no value nearer to zero than ``tiny`` and the decided sign everywhere: the decision is what holds."""
    return np.where(matter, np.maximum(field, tiny), np.minimum(field, -tiny))


def _merge_coplanar(vertices: np.ndarray, faces: np.ndarray, tolerance: float) -> tuple[np.ndarray, np.ndarray]:
    return _from_manifold(_to_manifold(vertices, faces).simplify(tolerance))


def _thin(vertices: np.ndarray, faces: np.ndarray, target_faces: int) -> tuple[np.ndarray, np.ndarray]:
    import fast_simplification

    if len(faces) <= target_faces:
        return vertices, faces
    thin = fast_simplification.simplify(vertices.astype(np.float32), faces.astype(np.int32), target_count=target_faces)
    return _from_manifold(_to_manifold(*thin))


def _to_manifold(vertices: np.ndarray, faces: np.ndarray) -> Any:
    import manifold3d

    mesh = manifold3d.Mesh(np.ascontiguousarray(vertices, np.float32), np.ascontiguousarray(faces, np.uint32))
    return manifold3d.Manifold(mesh)


def _from_manifold(solid: Any) -> tuple[np.ndarray, np.ndarray]:
    mesh = solid.to_mesh()
    return np.array(mesh.vert_properties[:, :3], np.float64), np.array(mesh.tri_verts, np.int64)


def signed_volume(vertices: Float[np.ndarray, "v 3"], faces: Int[np.ndarray, "f 3"]) -> float:
    """Volume enclosed [m^3], positive when faces are wound outward."""
    return float(enclosed_volume(np.ascontiguousarray(vertices), np.ascontiguousarray(faces)))


def is_closed_manifold(vertices: Float[np.ndarray, "v 3"], faces: Int[np.ndarray, "f 3"]) -> bool:
    """Every edge in exactly two faces that run through it in opposite directions, and manifold3d agrees."""
    import manifold3d

    if len(faces) == 0:
        return False
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).astype(np.int64)
    forward, backward = edges[:, 0] * len(vertices) + edges[:, 1], edges[:, 1] * len(vertices) + edges[:, 0]
    unique, counts = np.unique(forward, return_counts=True)
    if (counts != 1).any() or not np.array_equal(unique, np.unique(backward)):
        return False
    return bool(_to_manifold(vertices, faces).status() == manifold3d.Error.NoError)
