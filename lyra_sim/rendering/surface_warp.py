"""A depth image seen from other cameras, as a surface: no cracks where it comes nearer, cut at depth edges.

Forward splatting (:mod:`~lyra_sim.rendering.forward_warp`) is what Lyra 2.0 feeds its network; a picture that people look at
needs the sheet between the samples too (Mark et al. 1997, "Post-rendering 3D warping").
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Shaped

from lyra_sim.geometry.cameras import CameraPath

MAX_STEP = 0.08
"""Relative depth step between neighbouring pixels beyond which the sheet is cut. A floor 1 m below the camera, 8 m away and
seen with f = 400 px steps 2 % a pixel. Tuned, unrecorded."""
NEAR = 0.02
"""Points that come nearer than this fraction of the depth they were seen at are left out. Tuned, unrecorded."""


@dataclass(frozen=True, kw_only=True)
class Warped:
    """What one depth image shows to ``n`` other cameras."""

    z_depth: Float32[np.ndarray, "n h w"]
    """Along the target's optical axis, in the units of the source depth; NaN where it shows nothing."""
    source_px: Float32[np.ndarray, "n h w 2"]
    """Where in the source image each pixel comes from [px]; the centre of its top-left pixel is (0.5, 0.5). NaN: nowhere."""

    def sample(self, image: Shaped[np.ndarray, "hs ws c"]) -> Float32[np.ndarray, "n h w c"]:
        """Bilinear samples of an image that lies over the source depth; 0 where it shows nothing."""
        from lyra_sim.rendering.surface_warp_kernels import sample_bilinear

        return sample_bilinear(np.ascontiguousarray(image, np.float32), self.source_px)


def warp_surface(
    z_depth: Float32[np.ndarray, "hs ws"],
    K: Float64[np.ndarray, "3 3"],
    c2w: Float64[np.ndarray, "4 4"],
    targets: CameraPath,
    *,
    max_step: float = MAX_STEP,
) -> Warped:
    """Triangulate a depth image and draw it into the target cameras with a z-buffer; surfaces seen from behind aren't drawn.

    Args:
        z_depth: Of the source; NaN is a hole.
        K: Of the source [px].
        c2w: Of the source, in the frame of ``targets``.
        targets: Cameras to draw for.
        max_step: Relative depth step that is taken for an edge.
    """
    from lyra_sim.rendering.surface_warp_kernels import warp

    nearest, source = warp(
        np.ascontiguousarray(z_depth, np.float32),
        np.ascontiguousarray(K),
        np.ascontiguousarray(targets.w2c @ c2w),
        np.ascontiguousarray(targets.K),
        targets.height,
        targets.width,
        max_step,
        NEAR,
    )
    nearest[np.isinf(nearest)] = np.nan
    return Warped(z_depth=nearest, source_px=source)
