"""The generated video: how much of it photos carry, whether anything was drawn there, and how well it fits what is known."""

import numpy as np
from jaxtyping import Bool, Float32, Float64

from lyra_sim.data.capture import Capture
from lyra_sim.data.report import Metric
from lyra_sim.data.video import KNOWN, GeneratedFrames, WorldVideo
from lyra_sim.generators.frames_on_disk import PhotoFrames
from lyra_sim.generators.known_frame import KnownFrame
from lyra_sim.quality.figures.metrics import measured
from lyra_sim.rendering.surface_warp_kernels import sample_bilinear

SAME_CENTRE, SAME_DIRECTION = 1e-6, 1e-4
"""A frame stands where a photo was taken when their centres are this near, as a fraction of the photo's median depth, and their
rotation matrices differ by no more than this in any number. Convention."""

BLACK_LEVEL = 8
"""A pixel with no channel above this is black: nothing that was lit looks so, a codec's noise does. Convention."""
BLACK_SHARE = 0.5
"""A frame is black when more of its pixels than this were drawn black; a dark photo carried over isn't. Convention."""
NAMED = 4
"""Black frames that are named. Convention."""


def generated_metrics(video: WorldVideo, capture: Capture) -> list[Metric]:
    """None for a scene without a path."""
    frames, facts = video.frames, video.facts
    if frames is None or facts is None:
        return []
    chunks = facts.chunks
    n = len(frames)
    residuals = [chunk.depth_residual for chunk in chunks if chunk.depth_residual is not None]
    weights = [chunk.last - chunk.first + 1 for chunk in chunks]
    known = float(np.average([chunk.known_share for chunk in chunks], weights=weights))
    new = float(np.average([chunk.new_share for chunk in chunks], weights=weights))
    seen = [chunk for chunk in chunks if chunk.camera_scale is not None]
    conflicts = sum(chunk.depth_scale_conflict for chunk in seen)
    revisits = revisit_psnr(frames, capture)
    black = black_frames(frames)
    told = ", ".join(map(str, black[:NAMED])) + (f" and {len(black) - NAMED} more" if len(black) > NAMED else "")
    return [
        measured("generated.frames", n, n=n, note=f"by {facts.backend}"),
        measured("generated.black_frames", len(black), n=n, note=f"frames {told}" if black else ""),
        measured("generated.known", known, n=n, note="of all pixels"),
        measured("generated.made_up", 1 - known, n=n, note="of all pixels"),
        measured("generated.new", new, n=n, note="of all pixels"),
        measured("generated.depth_residual", max(residuals, default=np.nan), n=len(residuals), note="worst chunk's median"),
        *([measured("generated.depth_scale_conflicts", conflicts, n=len(seen), note=f"of {len(seen)} chunks")] if seen else []),
        *(
            [measured("generated.revisit", min(revisits.values()), n=len(revisits), note=f"frames {sorted(revisits)}")]
            if revisits
            else []
        ),
    ]


def black_frames(frames: GeneratedFrames) -> list[int]:
    """Frames of which most was drawn, and drawn black: the generator had nothing to go on there."""
    return [index for index in range(len(frames)) if _drawn_black(frames, index) > BLACK_SHARE]


def _drawn_black(frames: GeneratedFrames, index: int) -> float:
    """Share of a frame's pixels that no photo shows and that are black."""
    black = frames.rgb(index).max(axis=2) <= BLACK_LEVEL
    return float((black & frames.invented(index)).mean()) if black.mean() > BLACK_SHARE else 0.0


def revisit_psnr(frames: GeneratedFrames, capture: Capture) -> dict[int, float]:
    """PSNR [dB] of every frame that stands where a photo was taken, against that photo, over pixels that photos carry."""
    photos = PhotoFrames(capture=capture, side=max(frames.cameras.width, frames.cameras.height))
    taken = capture.cameras.select(np.array(capture.used))
    scores = {}
    for index, c2w in enumerate(frames.cameras.c2w):
        distance = np.linalg.norm(taken.centres - c2w[:3, 3], axis=1)
        turned = np.abs(taken.c2w[:, :3, :3] - c2w[:3, :3]).max(axis=(1, 2))
        for position in np.flatnonzero(turned < SAME_DIRECTION):
            photo = photos.frame(photos.ids[position])
            if not np.isfinite(photo.z_depth).any() or distance[position] > SAME_CENTRE * np.nanmedian(photo.z_depth):
                continue
            there, inside = _through_the_frame(photo, frames.cameras.K[index], frames.cameras.width, frames.cameras.height)
            counted = inside & (frames.origin(index) == KNOWN)
            if counted.any():
                error = ((frames.rgb(index).astype(np.float64) - there)[counted] ** 2).mean()
                scores[index] = float(10 * np.log10(255**2 / max(error, 1e-6)))
    return scores


def _through_the_frame(
    photo: KnownFrame, K: Float64[np.ndarray, "3 3"], width: int, height: int
) -> tuple[Float32[np.ndarray, "h w 3"], Bool[np.ndarray, "h w"]]:
    """The photo as a camera at its own place with other intrinsics sees it, and the pixels that it reaches."""
    u, v = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    rays = np.stack([(u - K[0, 2]) / K[0, 0], (v - K[1, 2]) / K[1, 1]], axis=-1)
    at = rays * [photo.K[0, 0], photo.K[1, 1]] + [photo.K[0, 2], photo.K[1, 2]]
    reach = np.array([photo.rgb.shape[1], photo.rgb.shape[0]])
    inside = ((at >= 0) & (at <= reach)).all(axis=-1)
    return sample_bilinear(photo.rgb.astype(np.float32), at[None].astype(np.float32))[0], inside
