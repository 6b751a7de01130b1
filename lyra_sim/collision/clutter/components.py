"""Measured matter that no slab explains, as connected components with body behind their measured skin."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32, Int32, Int64
from scipy import ndimage

from lyra_sim.collision.convex.containment import HullSet
from lyra_sim.collision.measured.measured_voxels import VoxelSurface
from lyra_sim.data.grid import FREE, SOLID, UNSEEN, FreeSpace
from lyra_sim.errors import GeometryError

MIN_VOLUME = 8e-4
"""Measured matter below this, touching nothing else, is a speck of depth noise [m^3]. Tuned, unrecorded."""
MAX_GROWTH = 0.3
"""Components are given body this far into the unseen space behind their skin [m]. Tuned, unrecorded."""
MIN_EXPOSED = 6
"""A component with fewer free-facing voxels is the remains of a surface that a slab already covers. Tuned, unrecorded."""


@dataclass(frozen=True, kw_only=True)
class Component:
    """One connected lump of measured matter plus the unseen matter just behind it."""

    indices: Int64[np.ndarray, "n 3"]
    """Grid indices of its voxels."""
    measured: int
    """Voxels that were measured; the rest was grown into unseen space."""
    volume: float
    """[m^3]"""


def find_components(
    free_space: FreeSpace, surface: VoxelSurface, structure: HullSet
) -> tuple[tuple[Component, ...], dict[str, Any]]:
    """Components by falling measured volume, and what was dropped: specks, and matter hidden behind slabs' surfaces.

    A voxel is explained by the structure when its surface lies within a voxel of a slab, as the gate for coverage asks.
    """
    voxel = free_space.voxel_size
    solid = np.argwhere(free_space.states == SOLID)
    left = solid[~structure.contains(surface.of(solid, free_space), margin=voxel)]
    mask = np.zeros(free_space.states.shape, bool)
    mask[tuple(left.T)] = True
    labels, count = ndimage.label(mask, np.ones((3, 3, 3), bool))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    exposed = free_facing(free_space.states, left)
    skins = np.bincount(labels[tuple(left[exposed].T)], minlength=count + 1)[1:]
    keep = np.flatnonzero((sizes * voxel**3 >= MIN_VOLUME) & (skins >= MIN_EXPOSED))
    keep = keep[np.lexsort((keep, -sizes[keep]))]
    boxes = ndimage.find_objects(labels)
    components = tuple(_grown(labels, int(i) + 1, boxes[int(i)], free_space, structure) for i in keep)
    specks = np.flatnonzero((sizes * voxel**3 < MIN_VOLUME) & (skins > 0))
    hidden = np.setdiff1d(np.arange(count), np.concatenate([keep, specks]))
    facts = {
        "components": len(keep),
        "dropped_specks": len(specks),
        "dropped_specks_litres": round(float(sizes[specks].sum()) * voxel**3 * 1e3, 3),
        "dropped_hidden": len(hidden),
        "dropped_hidden_litres": round(float(sizes[hidden].sum()) * voxel**3 * 1e3, 3),
        "speck_limit_litres": MIN_VOLUME * 1e3,
    }
    return components, facts


def free_facing(states: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """True for voxels with a free face neighbour."""
    facing = np.zeros(len(indices), bool)
    for axis in range(3):
        for step in (-1, 1):
            near = indices.copy()
            near[:, axis] = np.clip(near[:, axis] + step, 0, states.shape[axis] - 1)
            facing |= states[tuple(near.T)] == FREE
    return facing


def _grown(labels: np.ndarray, label: int, box: tuple[slice, ...], free_space: FreeSpace, structure: HullSet) -> Component:
    """Grow into unseen voxels that are nearer to this skin than to free air: behind it, never out of its shadow's edge."""
    voxel = free_space.voxel_size
    extent = max(part.stop - part.start for part in box) * voxel
    growth = min(MAX_GROWTH, extent / 2)
    pad = int(np.ceil(growth / voxel)) + 2
    low = np.array([max(part.start - pad, 0) for part in box])
    high = np.array([min(part.stop + pad, size) for part, size in zip(box, labels.shape, strict=True)])
    window = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    own = labels[window] == label
    states = free_space.states[window]
    to_skin = ndimage.distance_transform_edt(~own)
    free = states == FREE
    to_free = ndimage.distance_transform_edt(~free) if free.any() else np.full(own.shape, np.inf)
    behind = (states == UNSEEN) & (to_skin * voxel <= growth) & (to_free >= to_skin + 0.5)
    whole = ndimage.binary_fill_holes(own | behind) & ~free
    added = np.argwhere(whole & ~own)
    inside = added[structure.contains(free_space.centres(added + low))]
    whole[tuple(inside.T)] = False
    indices = np.argwhere(whole) + low
    return Component(indices=indices, measured=int(own.sum()), volume=len(indices) * voxel**3)


def mesh_of_voxels(
    indices: Int64[np.ndarray, "n 3"], free_space: FreeSpace, *, max_faces: int
) -> tuple[Float32[np.ndarray, "v 3"], Int32[np.ndarray, "f 3"]]:
    """Closed, manifold, outward surface of a set of voxels [m], at most about ``max_faces`` triangles.

    Marching cubes in Lorensen's tables (1987) with midpoints is edge-manifold on any input; decimation breaks that, and
    manifold3d repairs it (measured on 60 hostile fields). If the repair changes the volume, the undecimated surface is kept.

    Raises:
        GeometryError: No surface of it is closed and manifold.
    """
    import fast_simplification
    from skimage.measure import marching_cubes

    low = indices.min(axis=0) - 1
    solid = np.zeros(indices.max(axis=0) - low + 2, np.float32)
    solid[tuple((indices - low).T)] = 1.0
    raw, faces, _, _ = marching_cubes(solid, 0.5, method="lorensen")
    faces = faces[:, ::-1]
    vertices = ((raw.astype(np.float64) + low + 0.5) * free_space.voxel_size + free_space.origin).astype(np.float32)
    full = _wrapped(vertices, faces)
    if full is None:
        raise GeometryError("component", "its marching-cubes surface isn't manifold", expected="a closed surface")
    if len(full[1]) <= max_faces:
        return full
    thin_vertices, thin_faces = fast_simplification.simplify(full[0], full[1], target_count=max_faces)
    thin = _wrapped(thin_vertices, thin_faces)
    if thin is None or not 0.8 < _volume(*thin) / _volume(*full) < 1.25:
        return full
    return thin


def _wrapped(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Through manifold3d and back; None unless it is a valid, outward solid."""
    import manifold3d

    mesh = manifold3d.Mesh(
        vert_properties=np.array(vertices, np.float32, order="C"), tri_verts=np.array(faces, np.uint32, order="C")
    )
    mesh.merge()
    solid = manifold3d.Manifold(mesh)
    if solid.status() != manifold3d.Error.NoError or solid.volume() <= 0:
        return None
    out = solid.to_mesh()
    return np.array(out.vert_properties[:, :3], np.float32), np.array(out.tri_verts, np.int32)


def _volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    from lyra_sim.collision.convex.pieces import volume

    return volume(vertices, faces)
