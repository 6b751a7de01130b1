"""The video codec as a stream: cut anywhere, it gives what diffusers gives for the whole video."""

from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKLWan
from torch import nn

from lyra_sim.errors import GeometryError, InputError
from lyra_sim_lyra2.codec.video_codec import PRIMED_LATENTS, VideoCodec

FRAMES, HEIGHT, WIDTH = 25, 16, 24
ENCODED, DECODED = 5e-7, 3e-6
"""How far the published system's own streams are from the whole video."""


def tiny(seed: int = 0) -> AutoencoderKLWan:
    """Random weights, every one of them: diffusers starts norms at one."""
    torch.manual_seed(seed)
    autoencoder = AutoencoderKLWan(base_dim=8).eval()
    for layer in autoencoder.modules():
        for name, parameter in layer.named_parameters(recurse=False):
            if name == "gamma":
                nn.init.uniform_(parameter, 0.5, 1.0)
    return autoencoder


@cache
def whole() -> tuple[AutoencoderKLWan, torch.Tensor, torch.Tensor, torch.Tensor]:
    """A VAE, a video, and what diffusers makes of it: normalised latents, and frames from those."""
    autoencoder = tiny()
    torch.manual_seed(1)
    video = torch.rand(3, FRAMES, HEIGHT, WIDTH) * 2 - 1
    mean, std = (
        torch.tensor(x)[:, None, None, None] for x in (autoencoder.config.latents_mean, autoencoder.config.latents_std)
    )
    with torch.inference_mode():
        latents = (autoencoder.encode(video[None]).latent_dist.mode()[0] - mean) / std
        frames = autoencoder.decode((latents * std + mean)[None]).sample[0]
    assert 0.05 < frames.std() < 2
    return autoencoder, video, latents, frames


@pytest.mark.parametrize(
    ("cuts", "at_once"),
    [((), 20), ((), 1), ((), 2), ((1,), 4), ((3,), 2), ((2, 4, 6), 1), ((1, 2, 3, 4, 5, 6), 3), ((1, 6), 5)],
)
def test_a_video_cut_anywhere_gives_what_the_whole_gives(cuts: tuple[int, ...], at_once: int) -> None:
    """Both ways, whichever tokens are given together and whichever go through together."""
    autoencoder, video, latents, frames = whole()
    codec = VideoCodec(autoencoder, tokens_at_once=at_once)
    edges = [0, *cuts, 7]
    encoder, decoder = codec.encoder_stream(), codec.decoder_stream()
    encoded, decoded = [], []
    for first, last in pairwise(edges):
        encoded.append(encoder.encode(video[:, max(4 * first - 3, 0) : 4 * last - 3]))
        decoded.append(decoder.decode(latents[:, first:last]))
        assert encoded[-1].shape[1] == last - first and decoded[-1].shape[1] == 4 * (last - first) - 3 * (first == 0)
    assert (torch.cat(encoded, dim=1) - latents).abs().max() <= ENCODED
    assert (torch.cat(decoded, dim=1) - frames).abs().max() <= DECODED


def test_a_stream_that_forgets_its_past_would_be_seen() -> None:
    """The tests above could fail: a chunk decoded without what came before it differs by far more than their bounds."""
    autoencoder, _, latents, frames = whole()
    fresh = VideoCodec(autoencoder).decoder_stream().decode(latents[:, 3:])
    assert (fresh[:, 1:] - frames[:, 13:]).abs().max() > 1e-2


def test_a_copy_goes_on_from_where_the_stream_stood() -> None:
    """And neither sees the other, so a video can be gone on from a snapshot."""
    autoencoder, video, latents, _ = whole()
    codec = VideoCodec(autoencoder)
    decoder, encoder = codec.decoder_stream(), codec.encoder_stream()
    decoder.decode(latents[:, :3])
    encoder.encode(video[:, :9])
    saved_decoder, saved_encoder = decoder.copy(), encoder.copy()
    frames, again = decoder.decode(latents[:, 3:]), encoder.encode(video[:, 9:])
    decoder.decode(-latents)
    assert torch.equal(saved_decoder.decode(latents[:, 3:]), frames)
    assert torch.equal(saved_encoder.encode(video[:, 9:]), again)


def test_a_refused_call_leaves_the_stream_as_it_was() -> None:
    autoencoder, video, latents, _ = whole()
    encoder = VideoCodec(autoencoder).encoder_stream()
    with pytest.raises(GeometryError, match="4 frames"):
        encoder.encode(video[:, :4])
    encoder.encode(video[:, :5])
    with pytest.raises(GeometryError, match="3 frames"):
        encoder.encode(video[:, 5:8])
    assert (encoder.encode(video[:, 5:]) - latents[:, 2:]).abs().max() <= ENCODED


def test_priming_is_a_frame_that_stood_still() -> None:
    """Encoded as 97 frames, decoded again, both streams standing after it."""
    autoencoder = tiny()
    torch.manual_seed(2)
    first, chunk = torch.rand(3, HEIGHT, WIDTH) * 2 - 1, torch.randn(16, 2, HEIGHT // 8, WIDTH // 8)
    codec = VideoCodec(autoencoder, tokens_at_once=8)
    primed = codec.prime(first)
    still = first[:, None].expand(-1, 97, -1, -1)
    assert primed.latents.shape == (16, PRIMED_LATENTS, HEIGHT // 8, WIDTH // 8)
    encoder, decoder = codec.encoder_stream(), codec.decoder_stream()
    assert torch.equal(encoder.encode(still), primed.latents)
    shown = decoder.decode(torch.cat([primed.latents, chunk], dim=1))[:, 97:]
    played = primed.decoder.decode(chunk)
    assert played.shape[1] == 8 and (played - shown).abs().max() <= DECODED
    assert (primed.encoder.encode(played) - encoder.encode(played)).abs().max() <= ENCODED


def test_what_does_not_fit_is_refused() -> None:
    codec = VideoCodec(whole()[0])
    with pytest.raises(GeometryError, match="20x16"):
        codec.encoder_stream().encode(torch.zeros(3, 1, 16, 20))
    with pytest.raises(GeometryError, match="of 8 channels"):
        codec.decoder_stream().decode(torch.zeros(8, 1, 2, 3))
    with pytest.raises(InputError, match="another layout"):
        VideoCodec(AutoencoderKLWan(base_dim=4, z_dim=4, is_residual=True, patch_size=2, in_channels=12, out_channels=12))


def test_a_folder_is_loaded_whole_or_not_at_all(tmp_path: Path) -> None:
    autoencoder, video, latents, _ = whole()
    autoencoder.save_pretrained(tmp_path / "vae")
    codec = VideoCodec.load(tmp_path / "vae", tokens_at_once=2)
    assert (codec.encoder_stream().encode(video) - latents).abs().max() <= ENCODED
    with pytest.raises(InputError, match=r"no config\.json"):
        VideoCodec.load(tmp_path)
    (tmp_path / "vae" / "diffusion_pytorch_model.safetensors").write_bytes(b"cut off")
    with pytest.raises(InputError, match="no AutoencoderKLWan can be read"):
        VideoCodec.load(tmp_path / "vae")


@pytest.mark.gpu
def test_joined_kernels_give_what_the_plain_layers_give() -> None:
    """In float32, with channels few enough for two dimensions and more: on a GPU, against the CPU."""
    torch.backends.cudnn.allow_tf32 = False
    autoencoder, video, latents, frames = tiny(), *whole()[1:]
    codec = VideoCodec(autoencoder, device="cuda", tokens_at_once=2)
    assert (codec.encoder_stream().encode(video).cpu() - latents).abs().max() <= 1e-5
    assert (codec.decoder_stream().decode(latents).cpu() - frames).abs().max() <= 1e-4
