"""Memory vectors worked out on paper: a camera slides along a flat wall in whole pixels, so that every warp is a shift."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

DEPTH = 2.0
KNOWN, NEW, STEP_PX = 9, 8, 4
"""Known frames slide right by STEP_PX each; the new ones slide back to where the first stood."""
HISTORY = 27
"""Latents: the first frame repeated, then frames 4 and 8."""
SLOTS = 5


def write_vectors(path: Path, *, height: int, width: int, **changed: np.ndarray) -> None:
    """A file as the published network's vectors come in; ``changed`` replaces tensors (``__`` for a dot)."""
    focal = float(width // 2)
    K = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]], np.float32)
    shifts = np.concatenate([STEP_PX * np.arange(KNOWN), STEP_PX * np.linspace(KNOWN - 2, 0, NEW).round()]).astype(int)
    shifts[-1] = 0
    w2c = np.repeat(np.eye(4, dtype=np.float32)[None], KNOWN + NEW, axis=0)
    w2c[:, 0, 3] = -shifts * DEPTH / focal
    rng = np.random.default_rng(height)
    wall = rng.uniform(-1, 1, (3, height, width + STEP_PX * KNOWN)).round(2)
    video = np.stack([wall[:, :, s : s + width] for s in shifts[:KNOWN]], axis=1).astype(np.float16)
    history = rng.normal(size=(1, 16, HISTORY, height // 8, width // 8)).astype(np.float16)
    tensors = {
        "input.depth": np.full((2, height, width), DEPTH, np.float32),
        "input.depth_last": np.full((height, width), DEPTH, np.float32),
        "input.w2c": w2c,
        "input.K": np.repeat(K[None], KNOWN + NEW, axis=0),
        "input.video": video,
        "input.history": history,
        **_outputs(shifts, video.astype(np.float32), history.astype(np.float32), focal),
        **{name.replace("__", "."): value for name, value in changed.items()},
    }
    metadata = {
        "retrieved": json.dumps([[0, 0]]),
        "cached_frames": json.dumps([0, 8]),
        "history_frames": str(KNOWN),
        "new_latents": str(NEW // 4),
        "image_hw": f"{height},{width}",
    }
    save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, path, metadata=metadata)


def _outputs(shifts: np.ndarray, video: np.ndarray, history: np.ndarray, focal: float) -> dict[str, np.ndarray]:
    """Frame 0 is retrieved: the last new camera stands where it stood, and frame 8 shows the right of that view only."""
    _, _, height, width = video.shape
    new = shifts[KNOWN + 3 :: 4]
    temporal = np.array([0, *range(HISTORY - 19, HISTORY)])
    frame_of = np.maximum(KNOWN - 1 - 4 * (HISTORY - 1 - temporal), 0)
    own = _encoded(video[:, :1]).repeat(5, axis=1)
    past = history[0][:, temporal]
    latents = np.concatenate([past[:, :1], own, past[:, 1:], np.zeros((16, 2, *past.shape[2:]))], axis=1)

    carried = np.stack([_shifted(video[:, KNOWN - 1], s - shifts[KNOWN - 1], -1.0) for s in new], axis=1)
    condition = latents.copy()
    condition[:, -2:] = np.concatenate([_encoded(carried[:, i : i + 1]) for i in range(2)], axis=1)
    seen_from = shifts[np.concatenate([frame_of[:1], np.zeros(5, int), frame_of[1:]])]
    maps = np.stack([_camera_map(s - shifts[KNOWN - 1], height, width, focal) for s in (*seen_from, *new)], axis=1)

    names = np.stack(np.broadcast_arrays(np.linspace(-1, 1, width)[None], np.linspace(-1, 1, height)[:, None]))
    slots = []
    for slot in range(SLOTS):
        spatial = np.stack([np.concatenate([names, np.full((1, height, width), z)]) for z in np.linspace(-1, 1, 5)], axis=1)
        spatial = np.concatenate([spatial, np.full_like(spatial[:1], -1 if slot == 0 else 1)])
        if slot == 0:
            best = np.concatenate([names, np.ones((2, height, width))])
            fresh = np.stack([_shifted(best, s, -1.0) for s in new], axis=1)
        else:
            fresh = np.full((4, 2, height, width), -1.0)
            fresh[3] = 1.0
        nothing = np.zeros((4, 1, height, width))
        slots.append(_squares(np.concatenate([nothing, spatial, nothing.repeat(19, axis=1), fresh], axis=1)))
    return {
        "output.latents": latents[None].astype(np.float32),
        "output.condition": np.concatenate([condition, _squares(maps)])[None].astype(np.float16),
        "output.mask": np.ones((1, 4, *latents.shape[1:]), np.float32),
        "output.correspondence": np.concatenate(slots)[None].astype(np.float16),
    }


def _shifted(image: np.ndarray, pixels: int, hole: float) -> np.ndarray:
    """What a camera so many pixels further right sees."""
    out, width = np.full_like(image, hole), image.shape[-1]
    if pixels >= 0:
        out[..., : width - pixels] = image[..., pixels:]
    else:
        out[..., -pixels:] = image[..., :pixels]
    return out


def _camera_map(pixels: int, height: int, width: int, focal: float) -> np.ndarray:
    x, y = (np.arange(width) + 0.5 - width / 2) / focal, (np.arange(height) + 0.5 - height / 2) / focal
    ray = np.stack(np.broadcast_arrays(x[None], y[:, None], np.ones((1, 1))))
    origin = np.zeros((3, height, width))
    origin[0] = pixels * DEPTH / focal
    return np.concatenate([origin, ray / np.sqrt((ray**2).sum(axis=0))])


def _squares(images: np.ndarray) -> np.ndarray:
    """Channels c of pixel (y, x) of a square of 8: 64 c + 8 y + x."""
    return np.concatenate([images[c : c + 1, :, y::8, x::8] for c in range(len(images)) for y in range(8) for x in range(8)])


def _encoded(video: np.ndarray) -> np.ndarray:
    height, width = video.shape[2:]
    mean = np.zeros((3, video.shape[1], height // 8, width // 8))
    for y in range(8):
        for x in range(8):
            mean += video[:, :, y::8, x::8] / 64
    return np.concatenate([mean] * 6)[:16]
