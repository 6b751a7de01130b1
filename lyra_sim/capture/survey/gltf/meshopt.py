"""Buffer views that meshopt compressed (EXT_meshopt_compression), as the bytes they stand for.

The library's own Python package is an alpha release that has to be compiled, so the decoder is ours, by the extension's
specification; the tests hold it to files that gltfpack and gltf-transform wrote.
"""

from typing import Any

import numpy as np
from jaxtyping import Int16, UInt8

from lyra_sim.capture.survey.gltf.file import GltfFile

NAME = "EXT_meshopt_compression"
MOST_RATIO = 512
"""Bytes out over bytes in: a group of 16 zero deltas costs two bits, 64 bytes from one. Convention."""
MODES = ("ATTRIBUTES", "TRIANGLES", "INDICES")
FILTERS = ("NONE", "OCTAHEDRAL", "QUATERNION", "EXPONENTIAL")


def decompressed(file: GltfFile, told: dict[str, Any], where: str) -> memoryview:
    """The bytes of a view.

    Args:
        file: The glTF.
        told: What the extension says of the view.
        where: The view, for errors.
    """
    from lyra_sim.capture.survey.gltf.meshopt_kernels import decode_attributes, decode_indices, decode_triangles

    stream = np.frombuffer(file.part(told, where), np.uint8)
    count, stride = file.whole(told, "count", where), file.whole(told, "byteStride", where, most=256)
    mode, kind = told.get("mode"), told.get("filter", "NONE")
    if mode not in MODES or kind not in FILTERS:
        raise file.broken(where, f"meshopt mode {mode!r}, filter {kind!r}", expected=f"{MODES}, {FILTERS}")
    if count * stride > MOST_RATIO * max(len(stream), 1):
        raise file.broken(
            where, f"{count} elements of {stride} bytes in {len(stream)} bytes", expected="as many as they can hold"
        )
    if mode == "ATTRIBUTES":
        if stride == 0 or stride % 4:
            raise file.broken(where, f"a stride of {stride} bytes", expected="a multiple of 4")
        attributes = np.zeros((count, stride), np.uint8)
        used = decode_attributes(stream, attributes)
        filtered = _filtered(file, attributes, kind, where) if used == len(stream) else attributes
        return _whole(file, filtered, used, len(stream), where)
    if stride not in (2, 4) or (mode == "TRIANGLES" and count % 3) or kind != "NONE":
        raise file.broken(where, f"{count} indices of {stride} bytes, filter {kind}", expected="2 or 4 bytes each, unfiltered")
    indices = np.zeros(count, np.uint32)
    used = decode_triangles(stream, indices.reshape(-1, 3)) if mode == "TRIANGLES" else decode_indices(stream, indices)
    return _whole(file, indices.astype(np.uint16 if stride == 2 else np.uint32), used, len(stream), where)


def _whole(file: GltfFile, values: np.ndarray, used: int, size: int, where: str) -> memoryview:
    if used != size:
        found = "its meshopt stream ends early or isn't one" if used < 0 else f"{size - used} bytes are left over"
        raise file.broken(where, found, expected="a meshopt stream")
    return memoryview(np.ascontiguousarray(values).tobytes())


def _filtered(file: GltfFile, raw: UInt8[np.ndarray, "n s"], kind: str, where: str) -> np.ndarray:
    """Appendix B of the extension: vectors, quaternions and floats that were bent into shape for compression."""
    if kind == "NONE" or not len(raw):
        return raw
    stride = raw.shape[1]
    if kind == "EXPONENTIAL":
        words = raw.view("<i4")
        with np.errstate(over="ignore"):
            return np.ldexp(((words << 8) >> 8).astype(np.float64), np.clip(words >> 24, -126, 126)).astype(np.float32)
    if stride != 8 and not (kind == "OCTAHEDRAL" and stride == 4):
        raise file.broken(where, f"filter {kind} on elements of {stride} bytes", expected="8 bytes")
    return _quaternions(raw.view("<i2")) if kind == "QUATERNION" else _octahedral(raw.view("<i2" if stride == 8 else "i1"))


def _octahedral(values: np.ndarray) -> np.ndarray:
    one = np.maximum(values[:, 2].astype(np.float64), 1)
    x, y = values[:, 0] / one, values[:, 1] / one
    z = 1 - np.abs(x) - np.abs(y)
    fold = np.minimum(z, 0)
    x, y = x - np.copysign(fold, x), y - np.copysign(fold, y)
    vectors = np.stack([x, y, z], axis=1)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    out = values.copy()
    out[:, :3] = np.rint(vectors * np.iinfo(values.dtype).max)
    return out


def _quaternions(values: Int16[np.ndarray, "n 4"]) -> Int16[np.ndarray, "n 4"]:
    one = (values[:, 3].astype(np.int32) | 3).astype(np.float64)
    three = values[:, :3] / np.where(one == 0, 1, one)[:, None] / np.sqrt(2)
    rest = np.sqrt(np.maximum(0, 1 - (three**2).sum(axis=1)))
    largest = values[:, 3].astype(np.int32) & 3
    out = np.empty_like(values)
    rows = np.arange(len(values))
    for k, part in enumerate((rest, three[:, 0], three[:, 1], three[:, 2])):
        out[rows, (largest + k) % 4] = np.rint(np.clip(part, -1, 1) * 32767)
    return out
