"""Frame depth by Depth Anything 3 (plug-in ``frame_depth:depth_anything_3``; Lin et al. 2025), all frames looked at together.

Its own ``inference`` puts the cameras that were given in the place of those it saw, and divides depth by one factor between
the two. What it saw is worth more here: the factor is found beside the one that known depth tells, and the two are compared
(:mod:`lyra_sim.generators.photo_evidence`). So the parts that ``inference`` is made of are called: ``input_processor``,
``forward`` and ``output_processor``, with the cameras given to those networks that take them.

The licence is that of the checkpoint: nested, giant and large (Lyra 2.0 takes DA3NESTED-GIANT-LARGE-1.1) are CC BY-NC 4.0,
base, small, metric and mono are Apache-2.0. ``depth-anything-3`` 0.1.1 asks for numpy < 2 and for much that depth doesn't need:
``pip install --no-deps depth-anything-3``, then what its import asks for. What is here was tested against a stand-in with that
release's signatures and exact depth, and has run with the release's own code and random weights (small, metric, and nested of
these two); trained weights were not at hand.
"""

import numpy as np
import torch
from jaxtyping import Float32, Float64, UInt8

from lyra_sim.depth.providers.on_device import depth_at_size, nearest_at_size
from lyra_sim.depth.providers.provider import (
    LEARNED_CONFIDENCE,
    ProvidedDepth,
    ProviderOptions,
    Scale,
    check_frames,
    device_name,
    weights_folder,
)
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.geometry.rigid import invert_rigid, nearest_rotation

NAME = "depth_anything_3"
SIDE = 504
"""Longer side of the images it sees [px], in whole patches of 14. Convention."""
ALONE = ("da3metric-large", "da3mono-large")
"""Networks that look at each frame on its own and take no cameras."""
CANONICAL_FOCAL = 300.0
"""The metric network tells metres at this focal length [px of its input]; another one multiplies them. Convention."""
SKY = 0.3
"""Share of sky from which on its own code takes a pixel for sky, and puts it at the depth of what is far. Convention."""
LEAST_WAY = 0.1
"""Cameras are given in units of their median distance from the first one, or of this much where that is less. Convention."""


class DepthAnything3Depth:
    """See the module."""

    def __init__(self, options: ProviderOptions) -> None:
        from depth_anything_3.api import DepthAnything3

        folder = weights_folder(NAME, options, files=("config.json", "model.safetensors"))
        self._device = device_name(NAME, options)
        self._side = options.side or SIDE
        self._model = DepthAnything3.from_pretrained(str(folder)).to(self._device).eval()
        self._alone = self._model.model_name in ALONE

    def estimate(self, frames: UInt8[np.ndarray, "n h w 3"], cameras: CameraPath | None) -> ProvidedDepth:
        """Depth of all frames together; cameras, where given, are told to the network but not put in place of what it sees."""
        check_frames(NAME, frames, cameras)
        height, width = frames.shape[1:3]
        w2c = None if cameras is None else normalised(cameras.c2w)
        K = None if cameras is None else cameras.K.astype(np.float32)
        images, told_w2c, told_K = self._model.input_processor(list(frames), w2c, K, self._side, "upper_bound_resize")
        given = cameras is not None and not self._alone
        # some networks judge their own depth on pixels drawn at random
        with torch.random.fork_rng(devices=[self._device] if self._device.startswith("cuda") else []):
            torch.manual_seed(0)
            raw = self._model.forward(
                images[None].float().to(self._device),
                told_w2c[None].float().to(self._device) if given else None,
                told_K[None].float().to(self._device) if given else None,
                [],
            )
        found = self._model.output_processor(raw)
        z = torch.from_numpy(np.array(found.depth, np.float32))
        trust = torch.full_like(z, LEARNED_CONFIDENCE)
        if found.conf is not None:  # 1 to infinity; sky is given exactly 1
            trust = 1 - 1 / torch.from_numpy(np.array(found.conf, np.float32)).clamp(min=1)
        sky = raw.get("sky")
        known = torch.isfinite(z) & (z > 0) & (trust > 0)
        if sky is not None:
            known &= sky.reshape(z.shape).cpu() < SKY
        scale: Scale = "metric" if bool(found.is_metric) else "free"
        if self._model.model_name == "da3mono-large":
            scale = "per_frame"
        elif self._model.model_name == "da3metric-large" and told_K is not None:
            focal = (told_K[:, 0, 0] + told_K[:, 1, 1]) / 2
            z, scale = z * focal.float()[:, None, None] / CANONICAL_FOCAL, "metric"
        z_depth = depth_at_size(torch.where(known, z, torch.nan), height, width)
        confidence = torch.where(torch.isnan(z_depth), 0, nearest_at_size(trust, height, width))
        seen = None if found.extrinsics is None else _cameras(found.extrinsics, found.intrinsics, z.shape[2], z.shape[1])
        return ProvidedDepth(
            z_depth=z_depth.numpy(),
            confidence=confidence.numpy(),
            cameras=None if seen is None else seen.resized(width, height),
            scale=scale,
        )


def normalised(c2w: Float64[np.ndarray, "n 4 4"]) -> Float32[np.ndarray, "n 4 4"]:
    """World-to-camera as the network was trained: the first camera is the world, its way to the others about 1."""
    first_from_camera = invert_rigid(c2w[0]) @ c2w
    way = float(np.median(np.linalg.norm(first_from_camera[:, :3, 3], axis=1)))
    first_from_camera[:, :3, 3] /= max(way, LEAST_WAY)
    return invert_rigid(first_from_camera).astype(np.float32)


def _cameras(w2c: np.ndarray, K: np.ndarray, width: int, height: int) -> CameraPath:
    """Of world-to-camera matrices of three or four rows, whose rotations are orthonormal to half precision only."""
    square = np.tile(np.eye(4), (len(w2c), 1, 1))
    square[:, :3] = w2c[:, :3]
    square[:, :3, :3] = [nearest_rotation(rotation) for rotation in square[:, :3, :3]]
    return CameraPath(c2w=invert_rigid(square), K=np.asarray(K, np.float64), width=width, height=height)
