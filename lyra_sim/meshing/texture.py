"""Photos baked into one atlas over the seen faces, so that big flat triangles keep their detail."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32, UInt8
from scipy import ndimage

from lyra_sim.data.mesh import TriMesh
from lyra_sim.data.texture import Texture
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.meshing.colour import NEUTRAL
from lyra_sim.meshing.texture_kernels import gather, rasterise

PADDING = 3
"""Texels between charts, so that filtering never bleeds."""
MAX_SIDE = 4096
"""Largest atlas edge [texels]; texels grow until it fits."""


def bake(
    mesh: TriMesh,
    cameras: CameraPath,
    rgb: Callable[[int], UInt8[np.ndarray, "h w 3"]],
    z_depth: Callable[[int], Float32[np.ndarray, "h w"]],
    *,
    metres_per_texel: float,
    tolerance: float,
) -> Texture | None:
    """Unwrap the seen faces with xatlas and average the photos that see each texel, nearest and most frontal first.

    Args:
        mesh: In the metric world.
        rgb, z_depth: Photo and metric depth by camera index.
        metres_per_texel: Wanted size of a texel on the surface [m].
        tolerance: A texel is visible where the measured depth is this close to its own [m].

    Returns:
        None when no face was seen.
    """
    seen = np.flatnonzero(mesh.face_seen).astype(np.int32)
    if len(seen) == 0:
        return None
    uv, width, height, metres_per_texel = _unwrap(mesh, seen, metres_per_texel)
    face, weights = rasterise(uv.astype(np.float64), width, height)
    covered = face >= 0
    corners = mesh.vertices[mesh.faces[seen]].astype(np.float64)
    points = np.einsum("nk,nki->ni", weights[covered].astype(np.float64), corners[face[covered]])
    normals = mesh.face_normals()[seen][face[covered]].astype(np.float64)
    total, weight = np.zeros((len(points), 3)), np.zeros(len(points))
    w2c = cameras.w2c
    for index in range(len(cameras)):
        gather(
            points,
            normals,
            z_depth(index),
            rgb(index),
            cameras.K[index],
            w2c[index],
            cameras.centres[index],
            tolerance,
            total,
            weight,
        )
    image = np.full((height, width, 3), NEUTRAL, np.uint8)
    known = np.zeros((height, width), bool)
    known[covered] = weight > 0
    image[known] = np.clip(total[weight > 0] / weight[weight > 0, None] + 0.5, 0, 255).astype(np.uint8)
    if known.any():  # gutters and unseen texels take the nearest known colour
        nearest = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
        image = image[tuple(nearest)]
    st = np.stack([uv[..., 0] / width, 1 - uv[..., 1] / height], axis=-1)
    return Texture(
        image=np.ascontiguousarray(image),
        face_index=seen,
        uv=np.clip(st, 0, 1).astype(np.float32),
        metres_per_texel=metres_per_texel,
    )


def _unwrap(mesh: TriMesh, seen: np.ndarray, metres_per_texel: float) -> tuple[np.ndarray, int, int, float]:
    """Corners in texels (t, 3, 2), x right, y down; image size; the texel size that fitted."""
    import xatlas

    used, inverse = np.unique(mesh.faces[seen], return_inverse=True)
    faces = inverse.reshape(-1, 3).astype(np.uint32)
    while True:
        atlas = xatlas.Atlas()
        atlas.add_mesh(mesh.vertices[used], faces)
        packing = xatlas.PackOptions()
        packing.texels_per_unit, packing.padding, packing.bilinear = 1.0 / metres_per_texel, PADDING, True
        atlas.generate(xatlas.ChartOptions(), packing)
        if max(atlas.width, atlas.height) <= MAX_SIDE:
            break
        metres_per_texel *= 1.05 * max(atlas.width, atlas.height) / MAX_SIDE
    _, corners, uv = atlas[0]
    return uv[corners].astype(np.float64) * [atlas.width, atlas.height], int(atlas.width), int(atlas.height), metres_per_texel
