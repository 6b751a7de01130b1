"""Photos baked into one atlas over the seen faces, so that big flat triangles keep their detail."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32, UInt8
from scipy import ndimage

from lyra_sim.data.mesh import Texture, TriMesh
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.meshing.charts import laid_flat
from lyra_sim.meshing.colour import NEUTRAL
from lyra_sim.meshing.texture_kernels import gather


def bake(
    mesh: TriMesh,
    cameras: CameraPath,
    rgb: Callable[[int], UInt8[np.ndarray, "h w 3"]],
    z_depth: Callable[[int], Float32[np.ndarray, "h w"]],
    *,
    metres_per_texel: float,
    tolerance: float,
) -> Texture | None:
    """Lay the seen faces flat and average the photos that see each texel, nearest and most frontal first.

    Args:
        mesh: In the metric world.
        rgb, z_depth: Photo and metric depth by camera index.
        metres_per_texel: Wanted size of a texel on the surface [m].
        tolerance: A texel is visible where the measured depth is this close to its own [m].
        cameras: In the metric world.

    Returns:
        None when no face was seen.
    """
    seen = np.flatnonzero(mesh.face_seen).astype(np.int32)
    if len(seen) == 0:
        return None
    atlas = laid_flat(mesh, seen, metres_per_texel)
    height, width = atlas.face.shape
    covered = atlas.face >= 0
    face = atlas.face[covered]
    corners = mesh.vertices[mesh.faces[seen]].astype(np.float64)
    points = np.einsum("nk,nki->ni", atlas.weights[covered].astype(np.float64), corners[face])
    normals = mesh.face_normals()[seen][face].astype(np.float64)
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
    st = np.stack([atlas.corners[..., 0] / width, 1 - atlas.corners[..., 1] / height], axis=-1)
    return Texture(
        image=np.ascontiguousarray(image),
        face_index=seen,
        uv=np.clip(st, 0, 1).astype(np.float32),
        metres_per_texel=atlas.metres_per_texel,
    )
