"""Which kind of thing every mesh face belongs to."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8

from lyra_sim.collision.convex.containment import HullSet
from lyra_sim.data.colliders import LABELS, Hull
from lyra_sim.data.mesh import TriMesh

FLAT = 0.7
"""A floor or ceiling face points this much up or down at least; what stands in a slab but faces sideways is clutter."""


def face_labels(mesh: TriMesh, hulls: Sequence[Hull], *, tolerance: float) -> UInt8[np.ndarray, "f"]:
    """Index into LABELS for every face: ``unseen`` where it wasn't measured, else by the hull its centre lies in.

    Floors come first, then walls, ceilings, and clutter for all that is left.

    Args:
        mesh: The surface to label.
        hulls: Named hulls.
        tolerance: How far outside a hull its faces may lie [m]: a voxel.
    """
    labels = np.full(len(mesh.faces), LABELS.index("clutter"), np.uint8)
    centres = mesh.triangles.astype(np.float64).mean(axis=1)
    normals = mesh.face_normals()
    fits = {"floor": normals[:, 2] > FLAT, "wall": np.abs(normals[:, 2]) < FLAT, "ceiling": normals[:, 2] < -FLAT}
    for label in ("ceiling", "wall", "floor"):
        chosen = HullSet.of([hull for hull in hulls if hull.label == label])
        index = np.flatnonzero(fits[label])
        near = chosen.contains(centres[index], margin=tolerance)
        labels[index[near]] = LABELS.index(label)
    labels[~mesh.face_seen] = LABELS.index("unseen")
    return labels
