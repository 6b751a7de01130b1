"""SuperSplat's compressed PLY: 16 bytes a splat, placed between the bounds of the 256 splats it is stored with.

A table ``chunk`` holds the bounds of positions, log scales and, in newer files, colours; ``vertex`` holds four words a splat
(position and log scale in 11, 10 and 11 bits, the rotation in 2 + 3 × 10, colour and opacity in a byte each); ``sh`` holds the
harmonics in a byte each over -4..4, all red, then green, then blue. Checked against splat-transform 3.7 in both directions.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt32

from lyra_sim.conventions import rgb_from_sh_dc, sh_dc_from_rgb
from lyra_sim.data.given import LeftOut
from lyra_sim.data.splats import Splats
from lyra_sim.errors import InputError
from lyra_sim.splat_files.limits import check_count
from lyra_sim.splat_files.opacity_bytes import bytes_of_logits, logits_of_bytes
from lyra_sim.splat_files.ply import DEGREES, says_antialiased
from lyra_sim.splat_files.ply_header import PlyHeader, read_tables
from lyra_sim.splat_files.quaternion_packing import packed_ten_bits, ten_bits
from lyra_sim.splat_files.raw_splats import RawSplats
from lyra_sim.splat_files.space_order import space_order

IN_CHUNK = 256
"""Splats that share bounds. Convention."""
WORDS = ("packed_position", "packed_rotation", "packed_scale", "packed_color")
BITS = (11, 10, 11)
"""Of a word's three parts. Convention."""
REACH = 4.0
"""Harmonics beyond this are cut off. Convention."""
BOUNDS = tuple(
    f"{end}_{of}"
    for kind in (("x", "y", "z"), ("scale_x", "scale_y", "scale_z"), ("r", "g", "b"))
    for end in ("min", "max")
    for of in kind
)
"""Properties of ``chunk``, three by three."""


def is_compressed(header: PlyHeader) -> bool:
    """Whether a PLY is one of these."""
    vertex = header.element("vertex")
    return header.element("chunk") is not None and vertex is not None and WORDS[0] in vertex.properties


def read_compressed_ply(header: PlyHeader) -> RawSplats:
    """Splats of a compressed PLY.

    Raises:
        InputError: Tables or properties are missing, or don't fit each other.
    """
    path, vertex, chunk, rest = (header.path, *(header.element(name) for name in ("vertex", "chunk", "sh")))
    assert vertex is not None and chunk is not None
    check_count(vertex.count, str(path))
    with_colours = all(name in chunk.properties for name in BOUNDS[12:])
    missing = [name for name in WORDS if vertex.properties.get(name) != "u4"]
    missing += [name for name in BOUNDS[: 18 if with_colours else 12] if name not in chunk.properties]
    coefficients = 0 if rest is None else len(rest.properties)
    missing += [name for name in (f"f_rest_{i}" for i in range(coefficients)) if rest and name not in rest.properties]
    if missing or any(one.lists for one in header.elements) or coefficients not in DEGREES or header.order is None:
        raise InputError(
            str(path),
            f"a compressed PLY without {missing[0]}" if missing else f"a compressed PLY with {coefficients} harmonics a splat",
            expected="SuperSplat's layout",
            likely="The file is damaged.",
        )
    if chunk.count != -(-vertex.count // IN_CHUNK) or (rest is not None and rest.count != vertex.count):
        raise InputError(
            str(path),
            f"{vertex.count} splats in {chunk.count} chunks" + (f", harmonics of {rest.count}" if rest is not None else ""),
            expected=f"one chunk for {IN_CHUNK} splats",
            likely="The file is damaged.",
        )
    tables = read_tables(header)
    bounds = np.stack([tables["chunk"][name] for name in BOUNDS[: 18 if with_colours else 12]], axis=1).astype(np.float32)
    bounds = bounds.reshape(len(bounds), -1, 3)[np.arange(vertex.count) // IN_CHUNK]
    position, rotation, scale, colour = (np.asarray(tables["vertex"][name]).astype(np.uint32) for name in WORDS)
    bytes_ = np.stack([(colour >> shift) & 255 for shift in (24, 16, 8, 0)], axis=1).astype(np.uint8)
    rgb = bytes_[:, :3].astype(np.float32) / np.float32(255)
    if with_colours:
        rgb = _between(rgb, bounds[:, 4], bounds[:, 5])
    higher = np.zeros((vertex.count, 0, 3), np.float32)
    degree = DEGREES[coefficients]
    if rest is not None and coefficients:
        packed = np.stack([tables["sh"][f"f_rest_{i}"] for i in range(min(coefficients, 3 * 24))], axis=1)
        higher = _harmonics(packed.astype(np.float32)).reshape(vertex.count, 3, -1).transpose(0, 2, 1)[:, :15]
    left_out = (
        (LeftOut(what="harmonics of degree 4", count=27, why="degree 3 is the highest that is drawn"),) if degree > 3 else ()
    )
    return RawSplats(
        means=_between(_thirds(position), bounds[:, 0], bounds[:, 1]),
        quats_wxyz=ten_bits(rotation),
        log_scales=_between(_thirds(scale), bounds[:, 2], bounds[:, 3]),
        opacity_logits=logits_of_bytes(bytes_[:, 3]),
        sh_coeffs=np.concatenate([sh_dc_from_rgb(rgb)[:, None], higher], axis=1).astype(np.float32),
        kind="compressed PLY",
        antialiased=says_antialiased(header.comments),
        left_out=left_out,
    )


def write_compressed_ply(splats: Splats, path: Path, *, antialiased: bool | None) -> None:
    """Splats in an order that keeps neighbours together, so that bounds are tight."""
    order = space_order(splats.means)
    values = [splats.means[order], np.clip(splats.log_scales[order], -20, 20), rgb_from_sh_dc(splats.sh_coeffs[order, 0])]
    begins = np.arange(0, len(order), IN_CHUNK)
    bounds = [ends.reduceat(value, begins, axis=0) for value in values for ends in (np.minimum, np.maximum)]
    row = np.arange(len(order)) // IN_CHUNK
    shares = [
        (value - bounds[2 * i][row]) / np.maximum(bounds[2 * i + 1][row] - bounds[2 * i][row], np.float32(1e-30))
        for i, value in enumerate(values)
    ]
    rgb = np.round(shares[2] * 255).astype(np.uint32)
    alpha = bytes_of_logits(splats.opacity_logits[order]).astype(np.uint32)
    words = [
        _packed_thirds(shares[0]),
        packed_ten_bits(splats.quats_wxyz[order]),
        _packed_thirds(shares[1]),
        rgb[:, 0] << 24 | rgb[:, 1] << 16 | rgb[:, 2] << 8 | alpha,
    ]
    k = splats.sh_coeffs.shape[1] - 1
    header = ["ply", "format binary_little_endian 1.0"] + (["comment SplatRenderMode: mip"] if antialiased else [])
    header += [f"element chunk {len(begins)}", *(f"property float {name}" for name in BOUNDS)]
    header += [f"element vertex {len(order)}", *(f"property uint {name}" for name in WORDS)]
    if k:
        header += [f"element sh {len(order)}", *(f"property uchar f_rest_{i}" for i in range(3 * k))]
    with path.open("wb") as stream:
        stream.write("\n".join([*header, "end_header", ""]).encode("ascii"))
        stream.write(np.concatenate(bounds, axis=1).astype("<f4").tobytes())
        stream.write(np.stack(words, axis=1).astype("<u4").tobytes())
        if k:
            rest = splats.sh_coeffs[order, 1:].transpose(0, 2, 1).reshape(len(order), 3 * k)
            stream.write(_packed_harmonics(rest).tobytes())


def _between(share: Float32[np.ndarray, "n 3"], low: np.ndarray, high: np.ndarray) -> Float32[np.ndarray, "n 3"]:
    with np.errstate(over="ignore", invalid="ignore"):
        return (low * (1 - share) + high * share).astype(np.float32)


def _thirds(words: UInt32[np.ndarray, "n"]) -> Float32[np.ndarray, "n 3"]:
    """Shares in 0..1 of 11, 10 and 11 bits, the first highest."""
    parts = (words >> 21, words >> 11 & 1023, words & 2047)
    return np.stack([part / np.float32((1 << bits) - 1) for part, bits in zip(parts, BITS, strict=True)], axis=1).astype(
        np.float32
    )


def _packed_thirds(shares: Float32[np.ndarray, "n 3"]) -> UInt32[np.ndarray, "n"]:
    parts = np.round(np.clip(shares.astype(np.float64), 0, 1) * [2047, 1023, 2047]).astype(np.uint32)
    return parts[:, 0] << 21 | parts[:, 1] << 11 | parts[:, 2]


def _harmonics(packed: Float32[np.ndarray, "n m"]) -> Float32[np.ndarray, "n m"]:
    """Middles of 256 steps over the reach, but for the two at its ends, which stand for the ends."""
    share = np.where(packed == 0, 0, np.where(packed == 255, 1, (packed + 0.5) / 256))
    return ((share - 0.5) * (2 * REACH)).astype(np.float32)


def _packed_harmonics(values: Float32[np.ndarray, "n m"]) -> np.ndarray:
    return np.clip(np.floor((values / (2 * REACH) + 0.5) * 256), 0, 255).astype(np.uint8)
