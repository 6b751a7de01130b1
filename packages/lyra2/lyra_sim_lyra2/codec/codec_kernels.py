"""CUDA kernels of the video codec, in Triton: what lies between two convolutions, in one pass over memory.

Imported only where there is a GPU. All tensors are channels-last, which makes a row of channels one piece of memory.
"""

import torch
import triton
import triton.language as tl

ELEMENTS = 4096
"""Of a program's block, channels padded to a power of two."""
FLAT = 2048


@triton.jit
def _norm_silu(x, bias, gamma, out, rows, pixels, frames, channels, scale, BIAS: tl.constexpr, STACK: tl.constexpr,
               ROWS: tl.constexpr, WIDE: tl.constexpr):  # fmt: skip
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    column = tl.arange(0, WIDE)
    inside = (row < rows)[:, None] & (column < channels)[None, :]
    value = tl.load(x + row[:, None] * channels + column[None, :], mask=inside, other=0.0).to(tl.float32)
    if BIAS:
        value += tl.load(bias + column, mask=column < channels, other=0.0).to(tl.float32)[None, :]
    length = tl.maximum(tl.sqrt(tl.sum(value * value, axis=1)), 1e-12)
    weight = tl.load(gamma + column, mask=column < channels, other=0.0).to(tl.float32) * scale
    value = value / length[:, None] * weight[None, :]
    value = value * tl.sigmoid(value)
    frame, pixel = row // pixels, row % pixels
    if STACK:
        for back in tl.static_range(3):
            target = frame + 2 - back
            place = ((target * pixels + pixel) * 3 + back) * channels
            tl.store(out + place[:, None] + column[None, :], value, mask=inside & (target < frames)[:, None])
    else:
        place = ((frame + 2) * pixels + pixel) * channels
        tl.store(out + place[:, None] + column[None, :], value, mask=inside)


@triton.jit
def _add(x, bias, other, count, channels, BLOCK: tl.constexpr):
    place = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = place < count
    value = tl.load(x + place, mask=inside).to(tl.float32) + tl.load(other + place, mask=inside).to(tl.float32)
    value += tl.load(bias + place % channels, mask=inside).to(tl.float32)
    tl.store(x + place, value, mask=inside)


def norm_silu(
    x: torch.Tensor, bias: torch.Tensor | None, gamma: torch.Tensor, kept: torch.Tensor | None, *, stacked: bool
) -> torch.Tensor:
    """RMS norm over channels and SiLU, with the two frames before it.

    Args:
        x: [t, h, w, c].
        bias: Added to ``x`` first: that of the convolution it comes from.
        gamma: Weight of the norm, [c].
        kept: [2, h, w, c], done already; None: zeros.
        stacked: The three frames that a convolution sees, as channels of one.

    Returns:
        [2 + t, h, w, c], or stacked [t, h, w, 3 c].
    """
    frames, height, width, channels = x.shape
    shape = (frames, height, width, 3 * channels) if stacked else (frames + 2, height, width, channels)
    out = torch.empty(shape, dtype=x.dtype, device=x.device)
    if stacked:
        parts = out.unflatten(3, (3, channels))
        _fill(parts[0, :, :, 0], kept, 0)
        _fill(parts[0, :, :, 1], kept, 1)
        if frames > 1:
            _fill(parts[1, :, :, 0], kept, 1)
    else:
        _fill(out[0], kept, 0)
        _fill(out[1], kept, 1)
    rows, wide = frames * height * width, triton.next_power_of_2(channels)
    together = max(ELEMENTS // wide, 1)
    _norm_silu[(triton.cdiv(rows, together),)](
        x, gamma if bias is None else bias, gamma, out, rows, height * width, frames, channels, channels**0.5,
        BIAS=bias is not None, STACK=stacked, ROWS=together, WIDE=wide,
    )  # fmt: skip
    return out


def add_in_place(x: torch.Tensor, bias: torch.Tensor, other: torch.Tensor) -> None:
    """``x += bias + other``; [t, h, w, c]."""
    _add[(triton.cdiv(x.numel(), FLAT),)](x, bias, other, x.numel(), x.shape[3], BLOCK=FLAT)


def _fill(place: torch.Tensor, kept: torch.Tensor | None, number: int) -> None:
    if kept is None:
        place.zero_()
    else:
        place.copy_(kept[number])
