"""Writes SOG, version 2. Tables and the palette of harmonics are found by k-means (Lloyd 1982) from fixed starts."""

import io
import json
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Int64, UInt8

from lyra_sim.data.splats import Splats
from lyra_sim.splat_files.opacity_bytes import bytes_of_logits
from lyra_sim.splat_files.quaternion_packing import packed_tagged_bytes
from lyra_sim.splat_files.sog import IN_ROW
from lyra_sim.splat_files.sog_files import META
from lyra_sim.splat_files.space_order import space_order

TABLE = 256
"""Values that a byte can name. Derived."""
ROUNDS = 12
"""Of k-means. Tuned, unrecorded."""
PALETTE = 4096
"""Rows at the most; the work grows with them. Tuned, unrecorded."""
LEARNT_FROM = 65_536
"""Rows the palette is found from. Tuned, unrecorded."""
AT_ONCE = 8192
"""Rows compared with the palette at once, to bound memory. Convention."""
EPOCH = (1980, 1, 1, 0, 0, 0)
"""Of every file in the zip, so that equal splats give equal bytes. Convention."""


def write_sog(splats: Splats, path: Path, *, antialiased: bool | None) -> None:
    """One zip, or for a path named ``meta.json`` that file with its images beside it."""
    order = space_order(splats.means)
    parts = _parts(splats, order, antialiased=antialiased)
    if path.name == META:
        for name, body in parts.items():
            (path.parent / name).write_bytes(body)
        return
    with zipfile.ZipFile(path, "w") as archive:  # stored: the images are packed already
        for name, body in parts.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), body)


def _parts(splats: Splats, order: Int64[np.ndarray, "n"], *, antialiased: bool | None) -> dict[str, bytes]:
    means = splats.means[order].astype(np.float64)
    logs = np.sign(means) * np.log1p(np.abs(means))
    low, high = logs.min(axis=0), logs.max(axis=0)
    words = np.round((logs - low) / np.maximum(high - low, 1e-30) * 65535).astype(np.int64)
    scale_table, scale_numbers = _tabled(splats.log_scales[order])
    dc_table, dc_numbers = _tabled(splats.sh_coeffs[order, 0])
    opacities = bytes_of_logits(splats.opacity_logits[order])[:, None]
    parts = {
        "means_l.webp": _webp(words & 255),
        "means_u.webp": _webp(words >> 8),
        "scales.webp": _webp(scale_numbers),
        "quats.webp": _webp(packed_tagged_bytes(splats.quats_wxyz[order])),
        "sh0.webp": _webp(np.concatenate([dc_numbers, opacities], axis=1)),
    }
    meta: dict[str, Any] = {
        "version": 2,
        "asset": {"generator": "lyra-sim"},
        "count": len(order),
        "means": {"mins": low.tolist(), "maxs": high.tolist(), "files": ["means_l.webp", "means_u.webp"]},
        "scales": {"codebook": scale_table.tolist(), "files": ["scales.webp"]},
        "quats": {"files": ["quats.webp"]},
        "sh0": {"codebook": dc_table.tolist(), "files": ["sh0.webp"]},
    }
    if antialiased:
        meta["model"] = "antialiased"
    if splats.sh_degree:
        k = splats.sh_coeffs.shape[1] - 1
        palette, label = _palette(splats.sh_coeffs[order, 1:].reshape(len(order), 3 * k))
        table, numbers = _tabled(palette)
        image = np.zeros((math.ceil(len(palette) / IN_ROW) * IN_ROW, k, 3), np.uint8)
        image[: len(palette)] = numbers.reshape(-1, k, 3)
        parts["shN_centroids.webp"] = _webp_of(image.reshape(-1, IN_ROW * k, 3))
        parts["shN_labels.webp"] = _webp(np.stack([label & 255, label >> 8, 0 * label], axis=1))
        meta["shN"] = {
            "count": len(palette),
            "bands": splats.sh_degree,
            "codebook": table.tolist(),
            "files": ["shN_centroids.webp", "shN_labels.webp"],
        }
    parts[META] = json.dumps(meta).encode()
    return parts


def _tabled(values: Float32[np.ndarray, "n m"]) -> tuple[Float32[np.ndarray, "256"], UInt8[np.ndarray, "n m"]]:
    """A table of 256 values, and for every value the number of the nearest in it."""
    different = np.unique(values)
    if len(different) <= TABLE:
        table = np.concatenate([different, np.full(TABLE - len(different), different[-1], np.float32)])
        return table, np.minimum(np.searchsorted(different, values), TABLE - 1).astype(np.uint8)
    flat = np.sort(values.ravel().astype(np.float64))
    # half by how many there are, half evenly: by number alone, the few at the ends would be far from any
    half = (np.arange(TABLE // 2) + 0.5) / (TABLE // 2)
    table_ = np.sort(np.concatenate([np.quantile(flat, half), flat[0] + half * (flat[-1] - flat[0])]))
    ends = np.concatenate([[0.0], np.cumsum(flat)])
    for _ in range(ROUNDS):
        cuts = np.concatenate([[0], np.searchsorted(flat, (table_[1:] + table_[:-1]) / 2), [len(flat)]])
        count = np.diff(cuts)
        table_ = np.sort(np.where(count > 0, np.diff(ends[cuts]) / np.maximum(count, 1), table_))
    table = table_.astype(np.float32)
    return table, np.searchsorted((table[1:] + table[:-1]) / 2, values).astype(np.uint8)


def _palette(rows: Float32[np.ndarray, "n m"]) -> tuple[Float32[np.ndarray, "p m"], Int64[np.ndarray, "n"]]:
    """Rows that stand for all, and for every row the number of the nearest."""
    different, label = np.unique(rows, axis=0, return_inverse=True)
    if len(different) <= PALETTE:
        return different, label.ravel().astype(np.int64)
    seen = rows[np.unique(np.linspace(0, len(rows) - 1, LEARNT_FROM).astype(np.int64))].astype(np.float64)
    spread = different[np.linspace(0, len(different) - 1, PALETTE).astype(np.int64)].astype(np.float64)
    for _ in range(ROUNDS):
        near = _nearest(seen, spread)
        count = np.bincount(near, minlength=PALETTE)
        sums = np.stack([np.bincount(near, column, minlength=PALETTE) for column in seen.T], axis=1)
        spread = np.where(count[:, None] > 0, sums / np.maximum(count, 1)[:, None], spread)
    palette = spread.astype(np.float32)
    return palette, _nearest(rows, palette)


def _nearest(rows: Float[np.ndarray, "n m"], palette: Float[np.ndarray, "p m"]) -> Int64[np.ndarray, "n"]:
    size = (palette.astype(np.float64) ** 2).sum(axis=1)
    found = [
        (size - 2 * rows[begin : begin + AT_ONCE].astype(np.float64) @ palette.T.astype(np.float64)).argmin(axis=1)
        for begin in range(0, len(rows), AT_ONCE)
    ]
    return np.concatenate(found).astype(np.int64)


def _webp(values: np.ndarray) -> bytes:
    """Rows of 3 or 4 bytes as an image about as high as wide."""
    width = 4 * math.ceil(math.sqrt(len(values)) / 4)
    height = math.ceil(len(values) / width)
    image = np.zeros((width * height, values.shape[1]), np.uint8)
    image[: len(values)] = values
    return _webp_of(image.reshape(height, width, values.shape[1]))


def _webp_of(image: UInt8[np.ndarray, "h w c"]) -> bytes:
    from PIL import Image

    packed = io.BytesIO()
    # exact: without it, colours of pixels with opacity 0 are dropped
    Image.fromarray(np.ascontiguousarray(image)).save(packed, "WEBP", lossless=True, exact=True, quality=60, method=4)
    return packed.getvalue()
