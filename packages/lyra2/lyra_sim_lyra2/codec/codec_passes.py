"""One pass through either half of Wan 2.1's VAE, with its past as a value that goes in and comes out.

The layers are diffusers' own; how they are run is ours. Every causal convolution is handed the last two frames of what it saw,
so any number of tokens can go through at once; only the first frame of a video, which has no time to upsample, goes alone.
On a GPU what lies between the convolutions is joined (``codec_kernels``), and convolutions of few channels, for which cuDNN
has no fast kernel in three dimensions, are run in two with the three frames they see as channels: the same sums.
"""

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import nn

Cache = tuple[torch.Tensor | None, ...]
"""What each convolution remembers, in the order in which they run; empty before the first frame. Its tensors are never
changed in place, so that the tuple itself is a snapshot."""
FEW_CHANNELS = 96
"""Up to here a convolution runs in two dimensions: 530 TFLOP/s on an H100 against 245 (cuDNN 9.19)."""
COLOURS = 4
"""Up to here even that has no fast kernel unless zeros fill the channels up to a multiple."""
ALIGNED = 8
LAYOUT = torch.channels_last_3d

Video = Float[torch.Tensor, "1 _c _t _h _w"]
"""Of one video, at any depth of the network."""


class Past:
    """Of a pass: what was kept before, taken in turn, and what is kept now."""

    def __init__(self, before: Cache) -> None:
        self.first = not before
        self.now: list[torch.Tensor | None] = []
        self._before: Iterator[torch.Tensor | None] = iter(before)

    def take(self) -> torch.Tensor | None:
        return next(self._before) if not self.first else None

    def joined(self, x: torch.Tensor) -> torch.Tensor:
        """With the two frames before it, zeros where there is none."""
        kept = self.take()
        seen = F.pad(x, (0, 0, 0, 0, 2, 0)) if kept is None else torch.cat([kept, x], dim=2)
        self.now.append(seen[:, :, -2:].clone())
        return seen


class PlainPasses:
    """Step by step, on any device."""

    def encode(self, network: Any, x: Video, cache: Cache) -> tuple[Video, Cache]:
        """Moments of one frame at a video's start (an empty cache), of 4 k frames later."""
        past = Past(cache)
        x = self._entered(network.conv_in, x, past)
        for layer in network.down_blocks:
            x = self._resampled(layer, x, past) if hasattr(layer, "resample") else self._residual(layer, x, past)
        x = self._last(network.norm_out, network.conv_out, self._middle(network.mid_block, x, past), past)
        return x, tuple(past.now)

    def decode(self, network: Any, x: Video, cache: Cache) -> tuple[Video, Cache]:
        """One frame of one latent at a video's start, four of every other."""
        past = Past(cache)
        x = self._middle(network.mid_block, self._entered(network.conv_in, x, past), past)
        for block in network.up_blocks:
            for layer in block.resnets:
                x = self._residual(layer, x, past)
            for layer in block.upsamplers or ():
                x = self._resampled(layer, x, past)
        x = self._last(network.norm_out, network.conv_out, x, past)
        return x, tuple(past.now)

    def _middle(self, block: Any, x: Video, past: Past) -> Video:
        x = self._residual(block.resnets[0], x, past)
        for attention, layer in zip(block.attentions, block.resnets[1:], strict=True):
            x = self._residual(layer, attention(x), past)
        return x

    def _resampled(self, layer: Any, x: Video, past: Past) -> Video:
        if layer.mode == "upsample3d":
            if past.first:
                past.now.append(None)  # the second token's convolution doesn't see the first
            else:
                pairs = _rows(_convolved(layer.time_conv, past.joined(x))).unflatten(3, (2, -1))
                x = _video(pairs.permute(0, 3, 1, 2, 4).flatten(0, 1))
        frames = x.transpose(1, 2).flatten(0, 1)
        if layer.mode.startswith("upsample"):
            frames = layer.resample[1](_doubled(frames))
        else:
            frames = layer.resample(frames)
        x = frames.unflatten(0, (len(x), -1)).transpose(1, 2)
        if layer.mode == "downsample3d":
            kept = past.take()
            past.now.append(x[:, :, -1:].clone(memory_format=LAYOUT))
            x = x if kept is None else _convolved(layer.time_conv, torch.cat([kept, x], dim=2))
        return x

    def _entered(self, conv: nn.Conv3d, x: Video, past: Past) -> Video:
        return _convolved(conv, past.joined(x))

    def _residual(self, block: Any, x: Video, past: Past) -> Video:
        inner = _convolved(block.conv1, past.joined(F.silu(block.norm1(x))))
        inner = _convolved(block.conv2, past.joined(F.silu(block.norm2(inner))))
        return inner + _shortcut(block, x)

    def _last(self, norm: Any, conv: nn.Conv3d, x: Video, past: Past) -> Video:
        return _convolved(conv, past.joined(F.silu(norm(x))))


class JoinedPasses(PlainPasses):
    """With fewer passes over memory, on a GPU."""

    def __init__(self) -> None:
        self._flat: dict[nn.Conv3d, torch.Tensor] = {}

    def _entered(self, conv: nn.Conv3d, x: Video, past: Past) -> Video:
        if conv.in_channels > COLOURS:
            return super()._entered(conv, x, past)
        seen = _rows(past.joined(x))
        three = torch.cat([seen[:-2], seen[1:-1], seen[2:]], dim=3)
        three = F.pad(three, (0, -three.shape[3] % ALIGNED)).permute(0, 3, 1, 2)
        return _video(F.conv2d(three, self._flattened(conv), conv.bias, padding=1).permute(0, 2, 3, 1))

    def _residual(self, block: Any, x: Video, past: Past) -> Video:
        from lyra_sim_lyra2.codec.codec_kernels import add_in_place

        inner = self._normed(block.norm1, block.conv1, x, None, past)
        inner = self._normed(block.norm2, block.conv2, inner, block.conv1.bias, past)
        add_in_place(_rows(inner), block.conv2.bias, _rows(_shortcut(block, x)))
        return inner

    def _last(self, norm: Any, conv: nn.Conv3d, x: Video, past: Past) -> Video:
        return self._normed(norm, conv, x, None, past) + conv.bias[:, None, None, None]  # type: ignore[index]

    def _normed(self, norm: Any, conv: nn.Conv3d, x: Video, bias: torch.Tensor | None, past: Past) -> Video:
        """Norm, SiLU and convolution; the convolution's own bias is left to what follows."""
        from lyra_sim_lyra2.codec.codec_kernels import norm_silu

        kept, channels = past.take(), conv.in_channels
        stacked = channels <= FEW_CHANNELS
        before = None if kept is None else _rows(kept)
        seen = norm_silu(_rows(x), bias, norm.gamma.flatten(), before, stacked=stacked)
        if not stacked:
            past.now.append(_video(seen[-2:].clone()))
            return F.conv3d(_video(seen), conv.weight, None, padding=(0, 1, 1))
        newest = seen[-1, :, :, channels:].unflatten(2, (2, channels)).permute(2, 0, 1, 3)
        past.now.append(_video(newest.contiguous()))
        out = F.conv2d(seen.permute(0, 3, 1, 2), self._flattened(conv), None, padding=1)
        return _video(out.permute(0, 2, 3, 1))

    def _flattened(self, conv: nn.Conv3d) -> torch.Tensor:
        """Weights with time among the channels."""
        if conv not in self._flat:
            weight = conv.weight.transpose(1, 2).flatten(1, 2)
            weight = F.pad(weight, (0, 0, 0, 0, 0, -weight.shape[1] % ALIGNED))
            self._flat[conv] = weight.contiguous(memory_format=torch.channels_last)
        return self._flat[conv]


def _convolved(conv: Any, seen: Video) -> Video:
    """Padded in space, never in time."""
    _, height, width = conv.kernel_size
    return F.conv3d(seen, conv.weight, conv.bias, conv.stride, (0, height // 2, width // 2))


def _shortcut(block: Any, x: Video) -> Video:
    return x if isinstance(block.conv_shortcut, nn.Identity) else _convolved(block.conv_shortcut, x)


def _doubled(frames: Float[torch.Tensor, "t c h w"]) -> Float[torch.Tensor, "t c 2*h 2*w"]:
    """Every pixel four times; channels-last."""
    rows = frames.permute(0, 2, 3, 1)
    twice = rows[:, :, None, :, None].expand(-1, -1, 2, -1, 2, -1).reshape(len(rows), 2 * rows.shape[1], -1, rows.shape[3])
    return twice.permute(0, 3, 1, 2)


def _rows(x: Float[torch.Tensor, "1 c t h w"]) -> Float[torch.Tensor, "t h w c"]:
    """As rows of channels; no copy where it is channels-last already."""
    return x[0].permute(1, 2, 3, 0).contiguous()


def _video(rows: Float[torch.Tensor, "t h w c"]) -> Float[torch.Tensor, "1 c t h w"]:
    return rows.permute(3, 0, 1, 2)[None]
