"""The video as the network remembers it: latents of its own pixels, and the codec's running state."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64

from lyra_sim_lyra2.codec.video_codec import DecoderStream, EncoderStream, VideoCodec
from lyra_sim_lyra2.conditions.latent_grid import FRAMES_A_LATENT

KEPT = 24
"""Latents kept beside the first: more than any packing looks back on."""


@dataclass
class VideoHistory:
    """Grows by a chunk at a time and keeps its size: the first latent, the newest ones, and two streams.

    What was decoded is encoded again, so that the network sees its own past as a viewer does (Lyra 2.0, 2026). The state
    after n chunks depends on the first frame and on the latents that were sampled, and on nothing else: an interrupted video
    is gone on from by playing its latents again.
    """

    encoder: EncoderStream
    decoder: DecoderStream
    latents: Float[torch.Tensor, "c n h8 w8"]
    frames: Int64[np.ndarray, "n"]
    """Index of the video frame whose camera each latent has."""

    @classmethod
    def start(cls, codec: VideoCodec, first: Float[torch.Tensor, "3 h w"]) -> "VideoHistory":
        """Of a video that is nothing but its first frame, repeated."""
        primed = codec.prime(first)
        return cls(
            encoder=primed.encoder,
            decoder=primed.decoder,
            latents=primed.latents,
            frames=np.zeros(primed.latents.shape[1], np.int64),
        )

    def extend(self, sampled: Float[torch.Tensor, "c n h8 w8"]) -> Float[torch.Tensor, "3 t h w"]:
        """Show a chunk and remember it as shown: its frames, -1..1."""
        video = self.decoder.decode(sampled)
        again = self.encoder.encode(video)
        newest = self.frames[-1] + FRAMES_A_LATENT * np.arange(1, 1 + again.shape[1])
        self.latents = torch.cat([self.latents, again], dim=1)
        self.frames = np.concatenate([self.frames, newest])
        if len(self.frames) > 1 + KEPT:
            self.latents = torch.cat([self.latents[:, :1], self.latents[:, -KEPT:]], dim=1)
            self.frames = np.concatenate([self.frames[:1], self.frames[-KEPT:]])
        return video
