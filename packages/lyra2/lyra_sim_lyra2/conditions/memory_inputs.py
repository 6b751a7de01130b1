"""What the network of Lyra 2.0 (2026) is conditioned on, made from known frames: history, camera maps and correspondence."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32

from lyra_sim.errors import GeometryError
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.rendering.forward_warp import forward_warp
from lyra_sim_lyra2.conditions.camera_maps import camera_maps
from lyra_sim_lyra2.conditions.correspondence import new_correspondence, spatial_correspondence
from lyra_sim_lyra2.conditions.history_packing import LYRA2, HistoryPacking
from lyra_sim_lyra2.conditions.latent_grid import FRAMES_A_LATENT, PIXELS_A_LATENT
from lyra_sim_lyra2.conditions.seen_frame import SeenFrame

Encode = Callable[[Float32[torch.Tensor, "3 t h w"]], Float32[torch.Tensor, "c n h8 w8"]]
"""A video (-1..1) to latents: its first frame alone, then four frames each; t = 1 + 4 (n - 1)."""


@dataclass(frozen=True, kw_only=True)
class MemoryInputs:
    """The network's inputs along time: the packed history, then the latents to be generated."""

    latents: Float32[torch.Tensor, "c t h8 w8"]
    """Clean history; zeros where the noise goes."""
    condition_latents: Float32[torch.Tensor, "c t h8 w8"]
    """Latents of the history again, and of the warped latest frame for new ones."""
    camera_maps: Float32[torch.Tensor, "384 t h8 w8"]
    mask: Float32[torch.Tensor, "4 t h8 w8"]
    """Ones: every position has its condition."""
    correspondence: Float32[torch.Tensor, "e t h8 w8"]
    """256 channels a slot; zeros at positions of the video's own past, which the network leaves out."""

    @property
    def condition(self) -> Float32[torch.Tensor, "d t h8 w8"]:
        """Latents, then camera maps: as the published network takes them."""
        return torch.cat([self.condition_latents, self.camera_maps])


@torch.no_grad()
def memory_inputs(
    *,
    history: Float32[torch.Tensor, "c n h8 w8"],
    history_cameras: CameraPath,
    first: SeenFrame,
    latest: SeenFrame,
    retrieved: Sequence[SeenFrame],
    targets: CameraPath,
    encode: Encode,
    packing: HistoryPacking = LYRA2,
) -> MemoryInputs:
    """Everything that the network is given but text, picture embedding and noise, on the history's device.

    Args:
        history: Latents of the video so far, repeats of its first frame before it where it is young.
        history_cameras: One for each of them.
        first: The video's first frame; it stands in for retrieved frames that are missing.
        latest: The frame just before the new ones; cameras are told relative to it.
        retrieved: From the spatial memory, the best last. All of the targets' size.
        targets: Cameras of the frames to be generated, four a latent.
        encode: The VAE.
        packing: Order and number of what came before.
    """
    _check(history, history_cameras, (first, latest, *retrieved), targets, packing)
    device = history.device
    shown = [first] * (packing.spatial_count - len(retrieved)) + list(retrieved)
    temporal = packing.temporal_picks(history.shape[1])
    alone = {id(frame): encode(frame.colours[:, None]) for frame in shown}  # the first frame stands in more than once
    spatial_latents = torch.cat([alone[id(frame)] for frame in shown], dim=1)
    history_latents = packing.arrange(history[:, torch.from_numpy(temporal).to(device)], spatial_latents)

    spatial_cameras = CameraPath(
        c2w=np.concatenate([frame.camera.c2w for frame in shown]),
        K=np.concatenate([frame.camera.K for frame in shown]),
        width=targets.width,
        height=targets.height,
    )
    latest_w2c = latest.camera.w2c[0]
    history_maps = packing.arrange(
        camera_maps(history_cameras.select(temporal), latest_w2c, device), camera_maps(spatial_cameras, latest_w2c, device)
    )
    last_of_latents = np.arange(FRAMES_A_LATENT - 1, len(targets), FRAMES_A_LATENT)
    new_maps = camera_maps(targets.select(last_of_latents), latest_w2c, device)
    warped = warped_latest(latest, targets, encode)

    latents = torch.cat([history_latents, torch.zeros_like(warped)], dim=1)
    return MemoryInputs(
        latents=latents,
        condition_latents=torch.cat([history_latents, warped], dim=1),
        camera_maps=torch.cat([history_maps, new_maps], dim=1),
        mask=latents.new_ones((4, *latents.shape[1:])),
        correspondence=_correspondence(retrieved, targets, packing, device),
    )


def _correspondence(
    retrieved: Sequence[SeenFrame], targets: CameraPath, packing: HistoryPacking, device: torch.device
) -> Float32[torch.Tensor, "e t h8 w8"]:
    """Of all positions; the largest of the inputs (1.4 GB at full size), so its parts are written to where they belong."""
    new = new_correspondence(retrieved, targets, slots=packing.spatial_count, device=device)
    whole = new.new_zeros((new.shape[0], packing.count + new.shape[1], *new.shape[2:]))
    whole[:, packing.count :] = new
    del new
    spatial = torch.tensor(packing.is_spatial, device=device).nonzero()[:, 0]
    whole[:, spatial] = spatial_correspondence(packing.spatial_count, targets.height, targets.width, device)
    return whole


def warped_latest(latest: SeenFrame, targets: CameraPath, encode: Encode) -> Float32[torch.Tensor, "c t h8 w8"]:
    """Latents of the latest frame carried to all new cameras; black where it shows nothing.

    The first one is put before itself for the latent that stands alone, and that latent is dropped.
    """
    carried = forward_warp(latest.colours, latest.z_depth, latest.camera, targets).values.transpose(0, 1)
    return encode(torch.cat([carried[:, :1], carried], dim=1))[:, 1:]


def _check(
    history: torch.Tensor,
    history_cameras: CameraPath,
    frames: Sequence[SeenFrame],
    targets: CameraPath,
    packing: HistoryPacking,
) -> None:
    size = (targets.height, targets.width)
    if targets.height % PIXELS_A_LATENT or targets.width % PIXELS_A_LATENT or len(targets) % FRAMES_A_LATENT:
        raise GeometryError(
            "memory inputs",
            f"{len(targets)} frames of {targets.width}x{targets.height} to generate",
            expected=f"sides in multiples of {PIXELS_A_LATENT}, frames in multiples of {FRAMES_A_LATENT}",
        )
    other = [tuple(frame.z_depth.shape) for frame in frames if tuple(frame.z_depth.shape) != size]
    if other or (history_cameras.height, history_cameras.width) != size:
        found = other[0] if other else (history_cameras.height, history_cameras.width)
        raise GeometryError(
            "memory inputs",
            f"a known frame of {found[1]}x{found[0]}",
            expected=f"{size[1]}x{size[0]}, as the new ones",
            likely="A photo keeps its own size in the memory.",
            next_step="Take it at their size with SeenFrame.of.",
        )
    grid = (targets.height // PIXELS_A_LATENT, targets.width // PIXELS_A_LATENT)
    if tuple(history.shape[2:]) != grid or len(history_cameras) != history.shape[1]:
        raise GeometryError(
            "memory inputs",
            f"history latents of {tuple(history.shape[1:])} with {len(history_cameras)} cameras",
            expected=f"latents of {grid}, one camera each",
        )
    if len(frames) - 2 > packing.spatial_count:
        raise GeometryError("memory inputs", f"{len(frames) - 2} retrieved frames", expected=f"at most {packing.spatial_count}")
