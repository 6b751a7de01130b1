"""Frame depth without a network: plane sweep and agreement between the frames (plug-in ``frame_depth:plane_sweep``).

Only the frames and their cameras tell it, so it is as slow as it is on photos, and knows nothing where the camera stood still.
"""

import numpy as np
import torch
from jaxtyping import UInt8

from lyra_sim.depth.confidence import measured_confidence
from lyra_sim.depth.consistency import agree
from lyra_sim.depth.plane_sweep import CONFIRMING
from lyra_sim.depth.providers.on_device import depth_at_size, nearest_at_size, planes
from lyra_sim.depth.providers.provider import ProvidedDepth, ProviderOptions, check_frames, device_name
from lyra_sim.depth.resample import shrunk, working_size
from lyra_sim.depth.sweep.edges import without_rims
from lyra_sim.depth.sweep.neighbours import WIDEST_DISPARITY, choose_neighbours
from lyra_sim.depth.sweep.view_sweep import sweep
from lyra_sim.errors import GeometryError
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.scene.spec import DepthConfig

NAME = "plane_sweep"
LEAST_STEP = 1e-9
"""Cameras nearer to each other than this, as a fraction of the longest way between two, stand in one spot. Convention."""


class PlaneSweepFrames:
    """See the module."""

    def __init__(self, options: ProviderOptions) -> None:
        self._cfg = DepthConfig()
        self._side = options.side or self._cfg.side
        self._device = device_name(NAME, options)

    def estimate(self, frames: UInt8[np.ndarray, "n h w 3"], cameras: CameraPath | None) -> ProvidedDepth:
        """Depth in the units of the cameras; one frame alone has none.

        Raises:
            GeometryError: There are no cameras, or they don't fit the frames.
        """
        check_frames(NAME, frames, cameras)
        if cameras is None:
            raise GeometryError(
                f"frame_depth '{NAME}'",
                "frames without cameras",
                expected="the camera of every frame",
                likely="Parallax tells depth only between cameras that are known.",
            )
        height, width = frames.shape[1:3]
        small_width, small_height = working_size(width, height, self._side)
        small = cameras.resized(small_width, small_height)
        up = -small.c2w[:, :3, 1].mean(axis=0)
        up = up / max(float(np.linalg.norm(up)), 1e-9)
        gaps = np.linalg.norm(small.centres[:, None] - small.centres[None], axis=2)
        steps = gaps[gaps > LEAST_STEP * max(float(gaps.max()), LEAST_STEP)]
        if len(steps) == 0:
            return ProvidedDepth(
                z_depth=np.full(frames.shape[:3], np.nan, np.float32),
                confidence=np.zeros(frames.shape[:3], np.float32),
                cameras=None,
                scale="cameras",
            )
        neighbours = choose_neighbours(
            small,
            None,
            tuple(range(len(frames))),
            count=self._cfg.sources,
            confirming=CONFIRMING,
            up=up,
            min_depth=float(small.K[0, 0, 0] * steps.min() / (WIDEST_DISPARITY * small_width)),
            max_depth=None,
        )
        with torch.no_grad():
            colours = planes(np.stack([shrunk(frame, small_width, small_height) for frame in frames]), self._device)
            images = list(colours.mean(dim=1))
            swept, scores = {}, {}
            for view, around in neighbours.items():
                if around.sources:
                    found = sweep(images, small, view, around, planes=self._cfg.planes, up=up)
                    swept[view], scores[view] = without_rims(found.z_depth, colours[view]), found.score
            z = torch.full_like(colours[:, 0], torch.nan)
            trust = torch.zeros_like(z)
            for view in swept:
                agreement = agree(swept, small, view, [other for other in neighbours[view].confirming if other in swept])
                kept = (agreement.agreeing >= self._cfg.min_views) & (agreement.through <= agreement.agreeing)
                z[view] = torch.where(kept & torch.isfinite(agreement.z_depth), agreement.z_depth, torch.nan)
                trust[view] = measured_confidence(agreement, scores[view])
            full = depth_at_size(z, height, width)
            confidence = torch.where(torch.isnan(full), 0, nearest_at_size(trust, height, width))
        return ProvidedDepth(z_depth=full.cpu().numpy(), confidence=confidence.cpu().numpy(), cameras=None, scale="cameras")
