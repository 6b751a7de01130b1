"""What a video says its numbers mean: transfer curve, primaries and matrix, and frames brought to sRGB by them.

FFmpeg's scaler, as PyAV drives it, takes every transfer curve as SDR. HLG and PQ are therefore undone here, from the frame's
own Y'CbCr; the curves are :mod:`lyra_sim.conventions`'. Numbers of tags are those of ITU-T H.273.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from av.codec.context import CodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from jaxtyping import Float32, UInt8

from lyra_sim.capture.intake.dolby_vision import CONVERT
from lyra_sim.conventions import (
    RGB709_FROM_RGB2020,
    RGB709_FROM_RGBP3,
    SDR_WHITE_CD_M2,
    light_from_hlg,
    light_from_pq,
    linear_from_srgb,
    srgb_bytes_from_linear,
)
from lyra_sim.errors import InputError

UNSTATED = (0, 2, 3)
"""Tags that say nothing: 2 is "unspecified", 0 and 3 are reserved. Convention."""
PQ, HLG = 16, 18
"""SMPTE ST 2084 and ARIB STD-B67, both in ITU-R BT.2100. Convention."""
BT2020, P3 = 9, 12
"""Primaries wider than sRGB's that cameras write. Convention."""

_SDR = (1, 4, 5, 6, 7, 11, 12, 13, 14, 15)
"""Curves of pictures for a usual screen. Their numbers are shown as they are, as players do: each stands for a camera's side,
and screens undo them all alike. Convention."""
_AS_SRGB = (1, 5, 6, 7, 22)
"""BT.709's own primaries and those of SD television, which differ from them by less than cameras do. Convention."""
_NAMES = {0: "reserved", 2: "unspecified", 3: "reserved", 8: "linear", 9: "logarithmic", 10: "logarithmic"}
_TRANSFERS = {1: "BT.709", 16: "PQ", 17: "SMPTE ST 428-1", 18: "HLG", 14: "BT.2020", 15: "BT.2020", **_NAMES}
_LUMA = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    BT2020: (0.2627, 0.0593),
}
"""Weights of red and blue in the luma of each matrix (H.273, table 4)."""
_MATRIX_OF_PRIMARIES = {1: 1, 5: 5, 6: 6, BT2020: BT2020}
"""What goes with primaries where the matrix isn't stated."""
SD_LINES, SD_COLUMNS = 576, 1024
"""Pictures that are no larger are SD television's where nothing is stated, and BT.601; all others are BT.709, as players take
them. Convention."""
IPT_C2 = 15
"""Matrix coefficients of Dolby Vision's profile 5. Convention."""
_ROWS = 256
"""Rows that are worked on at once: a 4K frame in floating point would be hundreds of megabytes. Convention."""


@dataclass(frozen=True, kw_only=True)
class ColourTags:
    """H.273 numbers; 2 is unspecified."""

    transfer: int = 2
    primaries: int = 2
    matrix: int = 2

    def filled_from(self, other: "ColourTags") -> "ColourTags":
        """Self, with ``other``'s where it says nothing itself."""
        return ColourTags(
            transfer=other.transfer if self.transfer in UNSTATED else self.transfer,
            primaries=other.primaries if self.primaries in UNSTATED else self.primaries,
            matrix=other.matrix if self.matrix in (2, 3) else self.matrix,  # 0 is a matrix: RGB has none
        )


def tags_of(tagged: VideoFrame | CodecContext) -> ColourTags:
    """Of a frame, by the stream itself; or of a codec before it decoded anything, by the container.

    A decoder forgets the container's tags where the stream has none, so both have to be asked.
    """
    assert isinstance(tagged, VideoFrame | VideoCodecContext)
    return ColourTags(transfer=int(tagged.color_trc), primaries=int(tagged.color_primaries), matrix=int(tagged.colorspace))


def check_tags(tags: ColourTags, file: Path) -> None:
    """Refuse what can't be brought to sRGB, rather than show it in wrong colours.

    Raises:
        InputError: The transfer curve or the matrix is none that is undone here.
    """
    if tags.transfer not in (*UNSTATED, *_SDR, PQ, HLG):
        name = _TRANSFERS.get(tags.transfer, "unknown")
        raise InputError(
            str(file),
            f"transfer characteristics {tags.transfer} ({name})",
            expected="SDR, HLG or PQ",
            likely="It is an intermediate for grading, not a finished picture.",
            next_step="ffmpeg -i IN -vf zscale=transfer=bt709:matrix=bt709:primaries=bt709,format=yuv420p OUT.mp4",
        )
    if tags.matrix not in (0, *UNSTATED, *_LUMA):
        raise InputError(
            str(file),
            f"matrix coefficients {tags.matrix}",
            expected="Y'CbCr of BT.601, BT.709 or BT.2020 (not constant luminance), or RGB",
            likely="Dolby Vision without a compatible base layer."
            if tags.matrix == IPT_C2
            else "ICtCp or constant luminance, which studios use.",
            next_step=CONVERT if tags.matrix == IPT_C2 else "ffmpeg -i IN -vf zscale=matrix=bt709,format=yuv420p OUT.mp4",
        )


def doubts_about(tags: ColourTags, stream: ColourTags, container: ColourTags) -> tuple[str, ...]:
    """What had to be guessed of the colours, to be told: nothing where tags are whole and agree.

    Args:
        tags: As they are read: the stream's, the container's where that says nothing.
        stream: The frame's own.
        container: The container's.
    """
    doubts = []
    if container.transfer not in UNSTATED and stream.transfer not in UNSTATED and container.transfer != stream.transfer:
        names = [_TRANSFERS.get(one.transfer, str(one.transfer)) for one in (container, stream)]
        doubts.append(f"the container says its transfer is {names[0]}, the stream {names[1]}: read as the stream's")
    if tags.transfer in (0, 3):
        doubts.append(f"its transfer tag {tags.transfer} is reserved: colours are read as SDR")
    elif tags.transfer in UNSTATED and tags.primaries == BT2020:
        doubts.append("BT.2020 colours without a transfer tag, as log footage has them: read as SDR, which may look flat")
    if tags.primaries not in (*UNSTATED, *_AS_SRGB, BT2020, P3):
        doubts.append(f"its primaries, number {tags.primaries}, are read as sRGB's")
    return tuple(doubts)


def matrix_of(frame: VideoFrame, tags: ColourTags) -> int:
    """The tagged one; where there is none, what goes with the primaries, else with the picture's size."""
    if tags.matrix not in (0, *UNSTATED):
        return tags.matrix
    small = frame.height <= SD_LINES and frame.width <= SD_COLUMNS
    return _MATRIX_OF_PRIMARIES.get(tags.primaries, 5 if small else 1)


def srgb_of(frame: VideoFrame, tags: ColourTags, *, width: int, height: int) -> UInt8[np.ndarray, "h w 3"]:
    """The frame scaled to ``width`` x ``height`` pixels, in sRGB.

    HDR is shown as on a screen whose white is BT.2408's reference white; highlights above it and colours that sRGB hasn't are
    cut. SDR in wider primaries keeps its greys.

    Args:
        frame: Of any format.
        tags: Sound by :func:`check_tags`.
        width: [px]
        height: [px]
    """
    hdr = tags.transfer in (PQ, HLG)
    wide = BT2020 if hdr and tags.primaries in UNSTATED else tags.primaries  # HLG and PQ are defined in BT.2020
    rgb709 = {BT2020: RGB709_FROM_RGB2020, P3: RGB709_FROM_RGBP3}.get(wide, np.eye(3))
    if not hdr:
        matrix = None if frame.format.is_rgb else matrix_of(frame, tags)
        shown = frame.to_ndarray(width=width, height=height, format="rgb24", src_colorspace=matrix)
        if wide not in (BT2020, P3):
            return shown
        return _by_rows(shown, lambda rows: linear_from_srgb(rows.astype(np.float32) / 255) @ rgb709.T)
    signal = _signal(frame, BT2020 if tags.matrix in (0, *UNSTATED) else tags.matrix, width=width, height=height)
    light_from = light_from_pq if tags.transfer == PQ else light_from_hlg
    return _by_rows(signal, lambda rows: light_from(rows) / SDR_WHITE_CD_M2 @ rgb709.T)


def _by_rows(picture: np.ndarray, linear_of: Callable[[np.ndarray], np.ndarray]) -> UInt8[np.ndarray, "h w 3"]:
    parts = [srgb_bytes_from_linear(linear_of(picture[top : top + _ROWS])) for top in range(0, len(picture), _ROWS)]
    return np.concatenate(parts)


def _signal(frame: VideoFrame, matrix: int, *, width: int, height: int) -> Float32[np.ndarray, "h w 3"]:
    """Non-linear R'G'B' in 0..1. The scaler only resizes and brings chroma to full size; its own RGB of deep colour is off by a
    third of an 8-bit level."""
    if frame.format.is_rgb:
        return frame.to_ndarray(width=width, height=height, format="rgb48le").astype(np.float32) / np.float32(65535)
    full = int(frame.color_range) == 2
    extent = 2 if full else 1
    deep = frame.to_ndarray(
        width=width,
        height=height,
        format="yuv444p16le",
        src_colorspace=matrix,
        dst_colorspace=matrix,
        src_color_range=extent,
        dst_color_range=extent,
    ).astype(np.float32)
    if full:  # samples were shifted up to 16 bits
        scale = np.float32(65536 - 2 ** (16 - frame.format.components[0].bits))
        y, cb, cr = deep[..., 0] / scale, (deep[..., 1] - 32768) / scale, (deep[..., 2] - 32768) / scale
    else:
        y, cb, cr = (deep[..., 0] / 256 - 16) / 219, (deep[..., 1] / 256 - 128) / 224, (deep[..., 2] / 256 - 128) / 224
    red, blue = _LUMA[matrix]
    r, b = y + 2 * (1 - red) * cr, y + 2 * (1 - blue) * cb
    g = (y - red * r - blue * b) / (1 - red - blue)
    return np.clip(np.stack([r, g, b], axis=-1), 0, 1, dtype=np.float32)
