"""The network on views of a capture, with the neighbours and the range of depths that the plane sweep has."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8

from lyra_sim.depth.network.cost_volume import Geometry
from lyra_sim.depth.network.network import DepthNetwork
from lyra_sim.depth.sweep.neighbours import Neighbours
from lyra_sim.depth.sweep.view_sweep import BEYOND
from lyra_sim.geometry.cameras import CameraPath


@dataclass(frozen=True, kw_only=True)
class Inferred:
    """Of one view, every pixel."""

    z_depth: Float32[np.ndarray, "h w"]
    """[capture units]."""
    sigma: Float32[np.ndarray, "h w"]
    """Relative error that two thirds of the depths stay within."""
    normal: Float32[np.ndarray, "h w 3"]
    """Unit, in the camera's frame, towards it."""


def infer(
    network: DepthNetwork,
    rgb: Sequence[UInt8[np.ndarray, "h w 3"]],
    cameras: CameraPath,
    view: int,
    around: Neighbours,
    *,
    up: Float[np.ndarray, "3"],
    sigma_factor: float,
) -> Inferred:
    """Depth of one view.

    Args:
        network: On the device that is to work.
        rgb: Of all views, at the cameras' size.
        cameras: All of them.
        view: To find the depth of.
        around: Its sources, at least one, and its range of depths.
        up: Against gravity, in the capture frame.
        sigma_factor: What was fitted after training.
    """
    device = next(network.parameters()).device
    chosen = [view, *around.sources]
    geometry = geometry_of(cameras, view, around, up)
    geometry = Geometry(
        **{name: getattr(geometry, name).to(device) for name in ("K", "source_from_target", "range", "up", "present")}
    )
    photos = torch.from_numpy(np.stack([rgb[index] for index in chosen])).to(device).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad(), torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda"):
        told = network(photos[None], geometry)
    return Inferred(
        z_depth=(1 / told.inverse_depth[0]).cpu().numpy(),
        sigma=(told.log_sigma[0].exp() * sigma_factor).cpu().numpy(),
        normal=told.normal[0].permute(1, 2, 0).cpu().numpy(),
    )


def geometry_of(cameras: CameraPath, view: int, around: Neighbours, up: Float[np.ndarray, "3"]) -> Geometry:
    """What the network is told of the cameras."""
    sources = list(around.sources)
    source_from_target = cameras.w2c[sources] @ cameras.c2w[view]
    return Geometry(
        K=torch.from_numpy(cameras.K[[view, *sources]]).float()[None],
        source_from_target=torch.from_numpy(source_from_target).float()[None],
        range=torch.tensor([[BEYOND / around.far, 1 / around.near]]),
        up=torch.from_numpy(cameras.c2w[view, :3, :3].T @ up).float()[None],
        present=torch.ones((1, len(sources)), dtype=torch.bool),
    )
