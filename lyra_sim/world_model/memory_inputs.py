"""What the network of Lyra 2.0 (2026) is conditioned on, made from known frames: history, camera maps and correspondence."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from lyra_sim.errors import GeometryError
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.rendering.forward_warp import forward_warp
from lyra_sim.world_model.camera_maps import camera_maps
from lyra_sim.world_model.correspondence import new_correspondence, spatial_correspondence
from lyra_sim.world_model.history_packing import LYRA2, HistoryPacking
from lyra_sim.world_model.latent_grid import FRAMES_A_LATENT, PIXELS_A_LATENT
from lyra_sim.world_model.seen_frame import SeenFrame

Encode = Callable[[Float32[np.ndarray, "3 t h w"]], Float32[np.ndarray, "c n h8 w8"]]
"""A video (-1..1) to latents: its first frame alone, then four frames each; t = 1 + 4 (n - 1)."""


@dataclass(frozen=True, kw_only=True)
class MemoryInputs:
    """The network's inputs along time: the packed history, then the latents to be generated."""

    latents: Float32[np.ndarray, "c t h8 w8"]
    """Clean history; zeros where the noise goes."""
    condition: Float32[np.ndarray, "d t h8 w8"]
    """Latents (of the history again, of the warped latest frame for new ones), then 384 channels of camera maps."""
    mask: Float32[np.ndarray, "4 t h8 w8"]
    """Ones: every position has its condition."""
    correspondence: Float32[np.ndarray, "e t h8 w8"]
    """256 channels a slot; zeros at positions of the video's own past, which the network leaves out."""


def memory_inputs(
    *,
    history: Float32[np.ndarray, "c n h8 w8"],
    history_cameras: CameraPath,
    first: SeenFrame,
    latest: SeenFrame,
    retrieved: Sequence[SeenFrame],
    targets: CameraPath,
    encode: Encode,
    packing: HistoryPacking = LYRA2,
) -> MemoryInputs:
    """Everything that the network is given but text, picture embedding and noise.

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
    shown = [first] * (packing.spatial_count - len(retrieved)) + list(retrieved)
    temporal = packing.temporal_picks(history.shape[1])
    spatial_latents = np.concatenate([encode(frame.colours[:, None]) for frame in shown], axis=1)
    history_latents = packing.arrange(history[:, temporal], spatial_latents)

    spatial_cameras = CameraPath(
        c2w=np.concatenate([frame.camera.c2w for frame in shown]),
        K=np.concatenate([frame.camera.K for frame in shown]),
        width=targets.width,
        height=targets.height,
    )
    latest_w2c = latest.camera.w2c[0]
    history_maps = packing.arrange(
        camera_maps(history_cameras.select(temporal), latest_w2c), camera_maps(spatial_cameras, latest_w2c)
    )
    last_of_latents = np.arange(FRAMES_A_LATENT - 1, len(targets), FRAMES_A_LATENT)
    new_maps = camera_maps(targets.select(last_of_latents), latest_w2c)
    warped = warped_latest(latest, targets, encode)

    new = new_correspondence(retrieved, targets, slots=packing.spatial_count)
    own = spatial_correspondence(packing.spatial_count, targets.height, targets.width)
    nothing = np.zeros((own.shape[0], packing.temporal_count, *own.shape[2:]), np.float32)
    latents = np.concatenate([history_latents, np.zeros_like(warped)], axis=1)
    known = np.concatenate([history_latents, warped], axis=1)
    condition = np.concatenate([known, np.concatenate([history_maps, new_maps], axis=1)])
    return MemoryInputs(
        latents=latents,
        condition=condition,
        mask=np.ones((4, *latents.shape[1:]), np.float32),
        correspondence=np.concatenate([packing.arrange(nothing, own), new], axis=1),
    )


def warped_latest(latest: SeenFrame, targets: CameraPath, encode: Encode) -> Float32[np.ndarray, "c t h8 w8"]:
    """Latents of the latest frame carried to all new cameras; black where it shows nothing.

    The first one is put before itself for the latent that stands alone, and that latent is dropped.
    """
    carried = forward_warp(latest.colours, latest.z_depth, latest.camera, targets).values.transpose(1, 0, 2, 3)
    return encode(np.concatenate([carried[:, :1], carried], axis=1))[:, 1:]


def _check(
    history: np.ndarray, history_cameras: CameraPath, frames: Sequence[SeenFrame], targets: CameraPath, packing: HistoryPacking
) -> None:
    size = (targets.height, targets.width)
    if targets.height % PIXELS_A_LATENT or targets.width % PIXELS_A_LATENT or len(targets) % FRAMES_A_LATENT:
        raise GeometryError(
            "memory inputs",
            f"{len(targets)} frames of {targets.width}x{targets.height} to generate",
            expected=f"sides in multiples of {PIXELS_A_LATENT}, frames in multiples of {FRAMES_A_LATENT}",
        )
    other = [frame.z_depth.shape for frame in frames if frame.z_depth.shape != size]
    if other or (history_cameras.height, history_cameras.width) != size:
        found = other[0] if other else (history_cameras.height, history_cameras.width)
        raise GeometryError(
            "memory inputs",
            f"a known frame of {found[1]}x{found[0]}",
            expected=f"{size[1]}x{size[0]}, as the new ones",
            likely="A photo keeps its own size in the memory.",
            next_step="Resample its colours and depth, and its camera with them.",
        )
    grid = (targets.height // PIXELS_A_LATENT, targets.width // PIXELS_A_LATENT)
    if history.shape[2:] != grid or len(history_cameras) != history.shape[1]:
        raise GeometryError(
            "memory inputs",
            f"history latents of {history.shape[1:]} with {len(history_cameras)} cameras",
            expected=f"latents of {grid}, one camera each",
        )
    if len(frames) - 2 > packing.spatial_count:
        raise GeometryError("memory inputs", f"{len(frames) - 2} retrieved frames", expected=f"at most {packing.spatial_count}")
