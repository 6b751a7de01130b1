"""Between pixels and latents, as a stream: Wan 2.1's causal VAE with what it remembers carried from call to call.

Its convolutions look back in time only, so a video cut anywhere between tokens gives the same latents and frames as the
video at once, as long as every convolution is handed the last two frames of its own past. diffusers' ``AutoencoderKLWan`` has
such caches, and clears them with every call; here they belong to a stream.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from torch import nn

from lyra_sim.errors import GeometryError, InputError
from lyra_sim_lyra2.codec.codec_passes import LAYOUT, Cache, JoinedPasses, PlainPasses
from lyra_sim_lyra2.conditions.latent_grid import FRAMES_A_LATENT, PIXELS_A_LATENT

PRIMED_LATENTS = 25
"""Of the first frame, repeated: the past of a video that has none yet (Lyra 2.0)."""
TOKENS_AT_ONCE = 4
"""More is no faster on an H100, and takes 1.9 GB each at 480x832."""


class VideoCodec:
    """The VAE on its device; streams come from here and may run side by side.

    Latents are float32, and normalised by channel: what the transformer works in. Frames are float32 in -1..1.
    """

    def __init__(
        self,
        autoencoder: nn.Module,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
        tokens_at_once: int = TOKENS_AT_ONCE,
    ) -> None:
        """
        Args:
            autoencoder: diffusers' ``AutoencoderKLWan``; it is moved, converted and laid out anew in place.
            dtype: Of its work. bfloat16 is what it was trained in.
            device: Where it stays.
            tokens_at_once: Latents in one pass: more takes more memory. Results differ by rounding only.

        Raises:
            InputError: It is another VAE than Wan 2.1's.
        """
        config: Any = autoencoder.config
        if config.is_residual or config.patch_size is not None or list(config.temperal_downsample) != [False, True, True]:
            raise InputError("video codec", "a VAE of another layout", expected="Wan 2.1's: 8x8 pixels and 4 frames a latent")
        if tokens_at_once < 1:
            raise ValueError(f"{tokens_at_once} tokens at once; at least 1")
        self._dtype, self._device, self._tokens = dtype, torch.device(device), tokens_at_once
        self._vae: Any = nn.Module.to(autoencoder, device=device, dtype=dtype).eval().requires_grad_(False)
        for layer in self._vae.modules():
            if isinstance(layer, nn.Conv3d | nn.Conv2d):
                layout = LAYOUT if isinstance(layer, nn.Conv3d) else torch.channels_last
                layer.weight.data = layer.weight.data.contiguous(memory_format=layout)
        self._mean, self._std = (
            torch.tensor(values, dtype=torch.float32, device=device)[:, None, None, None]
            for values in (config.latents_mean, config.latents_std)
        )
        self._passes = JoinedPasses() if self._device.type == "cuda" else PlainPasses()

    @classmethod
    def load(cls, path: Path, **options: Any) -> "VideoCodec":
        """From a diffusers folder; ``options`` are those of the class.

        Raises:
            InputError: It isn't there, or isn't a whole VAE.
        """
        from diffusers import AutoencoderKLWan

        if not (path / "config.json").is_file():
            raise InputError(
                str(path),
                "no config.json in it",
                expected="the folder of an AutoencoderKLWan",
                next_step="Write it with: lyra-sim weights convert SRC DST",
            )
        try:
            autoencoder, report = AutoencoderKLWan.from_pretrained(
                path, local_files_only=True, use_safetensors=True, output_loading_info=True
            )
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise InputError(str(path), f"no AutoencoderKLWan can be read from it ({error})") from error
        if lost := sorted(report["missing_keys"]):
            raise InputError(str(path), f"{len(lost)} weights are missing, the first is {lost[0]}")
        return cls(autoencoder, **options)

    @property
    def device(self) -> torch.device:
        return self._device

    @property
    def channels(self) -> int:
        """Of a latent."""
        return int(self._vae.config.z_dim)

    def encoder_stream(self) -> "EncoderStream":
        """A video's start."""
        return EncoderStream(self, ())

    def decoder_stream(self) -> "DecoderStream":
        """A video's start."""
        return DecoderStream(self, ())

    def prime(self, first: Float[torch.Tensor, "3 h w"]) -> "PrimedCodec":
        """Streams whose past is one frame that stood still for 97: where the published loop starts."""
        encoder, decoder = self.encoder_stream(), self.decoder_stream()
        still = first[:, None].expand(-1, 1 + FRAMES_A_LATENT * (PRIMED_LATENTS - 1), -1, -1)
        latents = encoder.encode(still)
        for start, stop in _cuts(True, PRIMED_LATENTS, self._tokens):
            decoder.decode(latents[:, start:stop])  # for what it remembers; 97 frames at once would only take memory
        return PrimedCodec(latents=latents, encoder=encoder, decoder=decoder)

    def _input(self, x: torch.Tensor) -> torch.Tensor:
        return x.to(self._device, self._dtype).contiguous(memory_format=LAYOUT)

    def _encode(self, video: Float[torch.Tensor, "3 t h w"], cache: Cache) -> tuple[Float[torch.Tensor, "c n h8 w8"], Cache]:
        moments, cache = self._passes.encode(self._vae.encoder, self._input(video[None]), cache)
        mode = self._vae.quant_conv(moments)[0, : self.channels].float()
        return ((mode - self._mean) / self._std).contiguous(), cache

    def _decode(self, latents: Float[torch.Tensor, "c n h8 w8"], cache: Cache) -> tuple[Float[torch.Tensor, "3 t h w"], Cache]:
        known = latents.to(self._device, torch.float32) * self._std + self._mean
        told = self._vae.post_quant_conv(self._input(known[None]))
        frames, cache = self._passes.decode(self._vae.decoder, told, cache)
        return frames[0].float().clamp(-1, 1).contiguous(), cache


class EncoderStream:
    """A video on its way to latents, part after part."""

    def __init__(self, codec: VideoCodec, cache: Cache) -> None:
        self._codec, self._cache = codec, cache

    def copy(self) -> "EncoderStream":
        """Of where it stands. Costs no memory until one of the two goes on."""
        return EncoderStream(self._codec, self._cache)

    @torch.inference_mode()
    def encode(self, video: Float[torch.Tensor, "3 t h w"]) -> Float[torch.Tensor, "c n h8 w8"]:
        """Latents of the video's next frames: 1 + 4 k at its start, 4 k after that."""
        start, count = not self._cache, video.shape[1]
        if count < 1 or (count - start) % FRAMES_A_LATENT:
            raise GeometryError("video codec", f"{count} frames", expected="1 + 4 k at a video's start, 4 k later")
        _check_sides(*video.shape[-2:])
        parts, cache = [], self._cache
        for first, last in _cuts(start, (count - start) // FRAMES_A_LATENT + start, self._codec._tokens):
            frames = slice(*(_frames_before(tokens, start) for tokens in (first, last)))
            latents, cache = self._codec._encode(video[:, frames], cache)
            parts.append(latents)
        self._cache = cache
        return torch.cat(parts, dim=1)


class DecoderStream:
    """Latents on their way to a video, part after part."""

    def __init__(self, codec: VideoCodec, cache: Cache) -> None:
        self._codec, self._cache = codec, cache

    def copy(self) -> "DecoderStream":
        """Of where it stands. Costs no memory until one of the two goes on."""
        return DecoderStream(self._codec, self._cache)

    @torch.inference_mode()
    def decode(self, latents: Float[torch.Tensor, "c n h8 w8"]) -> Float[torch.Tensor, "3 t h w"]:
        """Frames of the video's next latents: one of its first, four of every other."""
        if latents.shape[0] != self._codec.channels or latents.shape[1] < 1:
            raise GeometryError(
                "video codec",
                f"{latents.shape[1]} latents of {latents.shape[0]} channels",
                expected=f"at least one, of {self._codec.channels}",
            )
        parts, cache = [], self._cache
        for first, last in _cuts(not self._cache, latents.shape[1], self._codec._tokens):
            frames, cache = self._codec._decode(latents[:, first:last], cache)
            parts.append(frames)
        self._cache = cache
        return torch.cat(parts, dim=1)


@dataclass(frozen=True, kw_only=True)
class PrimedCodec:
    """Streams that stand after a video's first frame, and the history that the network is shown."""

    latents: Float[torch.Tensor, "c 25 h8 w8"]
    encoder: EncoderStream
    decoder: DecoderStream


def _cuts(start: bool, tokens: int, at_once: int) -> Sequence[tuple[int, int]]:
    """First and last token of each pass; at a video's start the first passes alone."""
    edges = [0] if start else []
    edges += [*range(int(start), tokens, at_once), tokens]
    return list(pairwise(edges))


def _frames_before(tokens: int, start: bool) -> int:
    return max(FRAMES_A_LATENT * tokens - (FRAMES_A_LATENT - 1) * start, 0)


def _check_sides(height: int, width: int) -> None:
    if height % PIXELS_A_LATENT or width % PIXELS_A_LATENT or not height * width:
        raise GeometryError("video codec", f"frames of {width}x{height}", expected=f"sides in multiples of {PIXELS_A_LATENT}")
