"""The network of Lyra 2.0 (2026): Wan 2.1's image-to-video transformer, and what lets it see a spatial memory.

A subclass of diffusers' model, so that its loading, offloading, attention backends and compilation of repeated blocks are
there as they stand. Own are the packed history, the camera and correspondence encoders, and that whatever doesn't depend
on the sampler's step is worked out once a chunk, in :meth:`WorldTransformer3DModel.prepare`.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import register_to_config
from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
from jaxtyping import Float
from torch import nn

from lyra_sim.errors import GeometryError
from lyra_sim_lyra2.conditions.correspondence import SLOT_CHANNELS
from lyra_sim_lyra2.conditions.history_packing import LYRA2_NAME, HistoryPacking
from lyra_sim_lyra2.network.memory_attention import MemoryAttnProcessor, TokenMemory
from lyra_sim_lyra2.network.packed_tokens import PATCH, patches, pooled, rotary_angles, unpatched

LATENT_CHANNELS = 16
MASK_CHANNELS = 4
CAMERA_CHANNELS = 384
"""6 of a ray, for each of the 64 pixels of a latent."""
OCTAVES = 2
"""Of the correspondence: sine and cosine at π and 2 π."""
TOKENS_TOGETHER = 4096
"""Tokens whose correspondence is spread over octaves at once: 20,480 features each."""


@dataclass(frozen=True, kw_only=True)
class PreparedChunk:
    """All that a chunk's steps have in common, on the network's device."""

    history: Float[torch.Tensor, "1 m d"]
    """Tokens of what came before."""
    own_condition: Float[torch.Tensor, "1 n e"]
    """Mask and condition of the tokens to be generated, not yet embedded: they go in beside the noise."""
    blocks: tuple[TokenMemory, ...]
    text: Float[torch.Tensor, "b 512 words"]
    """Captions, not yet embedded: one for each of the sampler's branches."""
    picture: Float[torch.Tensor, "1 p picture"]
    grid: tuple[int, int, int]
    """New latents, and the rows and columns of their patches."""

    def branch(self, number: int) -> "PreparedChunk":
        """One of the sampler's branches alone."""
        return replace(self, text=self.text[number : number + 1])


class WorldTransformer3DModel(WanTransformer3DModel):
    """See the module. Names of parameters are diffusers', with ``attn1.camera_encoder`` and ``attn1.buffer_encoder`` in every
    block, and ``clean_patch_embeddings`` beside the blocks."""

    config: Any
    blocks: Any
    patch_embedding: Any
    # What diffusers and torch type no closer.

    @register_to_config
    def __init__(
        self,
        patch_size: tuple[int, ...] = (1, PATCH, PATCH),
        num_attention_heads: int = 40,
        attention_head_dim: int = 128,
        in_channels: int = 2 * LATENT_CHANNELS + MASK_CHANNELS,
        out_channels: int = LATENT_CHANNELS,
        text_dim: int = 4096,
        freq_dim: int = 256,
        ffn_dim: int = 13824,
        num_layers: int = 40,
        cross_attn_norm: bool = True,
        qk_norm: str | None = "rms_norm_across_heads",
        eps: float = 1e-6,
        image_dim: int | None = 1280,
        added_kv_proj_dim: int | None = 5120,
        rope_max_seq_len: int = 1024,
        pos_embed_seq_len: int | None = None,
        packing: str = LYRA2_NAME,
        slots: int = 5,
        buffer_width: int = 256,
    ) -> None:
        super().__init__(
            patch_size=patch_size,
            num_attention_heads=num_attention_heads,
            attention_head_dim=attention_head_dim,
            in_channels=in_channels,
            out_channels=out_channels,
            text_dim=text_dim,
            freq_dim=freq_dim,
            ffn_dim=ffn_dim,
            num_layers=num_layers,
            cross_attn_norm=cross_attn_norm,
            qk_norm=qk_norm,
            eps=eps,
            image_dim=image_dim,
            added_kv_proj_dim=added_kv_proj_dim,
            rope_max_seq_len=rope_max_seq_len,
            pos_embed_seq_len=pos_embed_seq_len,
        )
        del self.rope  # ours are pooled over packed patches
        dim = num_attention_heads * attention_head_dim
        spread = SLOT_CHANNELS * slots * PATCH**2 * 2 * OCTAVES
        for block in self.blocks:
            block.attn1.camera_encoder = nn.Linear(CAMERA_CHANNELS * PATCH**2, dim, bias=False)
            block.attn1.buffer_encoder = nn.ModuleList(
                [nn.Linear(spread, buffer_width, bias=False), nn.Linear(buffer_width, dim, bias=False)]
            )
            block.attn1.set_processor(MemoryAttnProcessor())
        self.clean_patch_embeddings = nn.ModuleList(
            nn.Linear(in_channels * math.prod(segment.patch(PATCH)), dim) for segment in self.packing.segments
        )

    @property
    def packing(self) -> HistoryPacking:
        """How the first positions are packed; those after them are generated."""
        return HistoryPacking.parse(self.config.packing)

    @torch.no_grad()
    def prepare(
        self,
        *,
        latents: Float[torch.Tensor, "16 t h w"],
        condition_latents: Float[torch.Tensor, "16 t h w"],
        mask: Float[torch.Tensor, "4 t h w"],
        camera_maps: Float[torch.Tensor, "384 t h w"],
        correspondence: Float[torch.Tensor, "slots t h w"],
        text: Float[torch.Tensor, "b 512 words"],
        picture: Float[torch.Tensor, "1 p picture"],
    ) -> PreparedChunk:
        """Everything of a chunk that is the same at all steps.

        Args:
            latents: Clean history, then whatever stands in for the new ones (it isn't read).
            condition_latents, mask, camera_maps, correspondence: See
                :class:`~lyra_sim_lyra2.conditions.memory_inputs.MemoryInputs`.
            text: Of the captions, one for each branch of the sampler.
            picture: Of the latest frame.
        """
        packing = self.packing
        frames, height, width = latents.shape[1:]
        self._check(frames - packing.count, height, width, correspondence.shape[0])
        rows, columns = height // PATCH, width // PATCH
        device, dtype = latents.device, self.dtype
        angles = rotary_angles(frames, rows, columns, self.config.attention_head_dim).to(device)
        rays = _patch_channels(camera_maps[None].float())
        known = torch.cat([latents, mask, condition_latents])[None].float()

        history, turns, cameras, seen = [], [], [], []
        start = 0
        for number, segment in enumerate(packing.segments):
            span = slice(start, start + segment.count)
            start = span.stop
            _, kh, kw = segment.kernel
            weight, bias = self._embedding(number, device)
            history.append(F.linear(patches(known[:, :, span], segment.patch(PATCH)).to(dtype), weight, bias))
            turns.append(pooled(angles[:, :, span], segment.kernel))
            cameras.append(pooled(rays[:, :, span], segment.kernel))
            moved = None
            if segment.spatial:
                moved = patches(F.avg_pool3d(correspondence[None, :, span].float(), (1, kh, kw)), self.config.patch_size)
            seen.append((history[-1].shape[1], moved))
        new = slice(start, frames)
        turns.append(pooled(angles[:, :, new], (1, 1, 1)))
        cameras.append(pooled(rays[:, :, new], (1, 1, 1)))
        seen.append((turns[-1].shape[1], patches(correspondence[None, :, new].float(), self.config.patch_size)))

        turn = torch.cat(turns, dim=1)[:, :, None]
        cos, sin, ray_tokens = turn.cos(), turn.sin(), torch.cat(cameras, dim=1).to(dtype)
        summaries = self._summaries(seen, dtype)
        return PreparedChunk(
            history=torch.cat(history, dim=1),
            own_condition=patches(torch.cat([mask, condition_latents])[None, :, new].float(), self.config.patch_size).to(dtype),
            blocks=tuple(TokenMemory(cos, sin, ray_tokens, summary) for summary in summaries),
            text=text.to(dtype),
            picture=picture.to(dtype),
            grid=(frames - start, rows, columns),
        )

    @torch.no_grad()
    def velocity(
        self, noisy: Float[torch.Tensor, "16 n h w"], timestep: float, chunk: PreparedChunk
    ) -> Float[torch.Tensor, "b 16 n h w"]:
        """Flow-matching velocity of the new latents at one step (noise minus data), one for each branch; float32.

        Args:
            noisy: The new latents as they stand.
            timestep: 0 (data) to 1000 (noise).
            chunk: From :meth:`prepare`.
        """
        branches, dtype = len(chunk.text), self.dtype
        weight, bias = (p.to(noisy.device) for p in (self.patch_embedding.weight, self.patch_embedding.bias))
        own = torch.cat([patches(noisy[None], self.config.patch_size).to(dtype), chunk.own_condition], dim=2)
        tokens = torch.cat([chunk.history, F.linear(own, weight.flatten(1), bias)], dim=1).expand(branches, -1, -1)
        time = torch.full((branches,), timestep, dtype=torch.float32, device=noisy.device)
        temb, modulation, text, picture = self.condition_embedder(time, chunk.text, chunk.picture.expand(branches, -1, -1))
        context, modulation = torch.cat([picture, text], dim=1), modulation.unflatten(1, (6, -1))
        for block, memory in zip(self.blocks, chunk.blocks, strict=True):
            tokens = block(tokens, context, modulation, memory)
        tokens = tokens[:, chunk.history.shape[1] :]
        shift, scale = (self.scale_shift_table.to(temb.device) + temb.unsqueeze(1)).chunk(2, dim=1)
        tokens = self.proj_out((self.norm_out(tokens.float()) * (1 + scale) + shift).to(dtype))
        return unpatched(tokens.float(), *chunk.grid)

    def forward(self, *args: object, **kwargs: object) -> torch.Tensor:
        """One step; :meth:`velocity` under the name that hooks of diffusers wrap."""
        return self.velocity(*args, **kwargs)  # type: ignore[arg-type]

    def _embedding(self, number: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        layer: Any = self.clean_patch_embeddings[number]
        return layer.weight.to(device), layer.bias.to(device)

    def _summaries(self, seen: list[tuple[int, torch.Tensor | None]], dtype: torch.dtype) -> list[Float[torch.Tensor, "1 l b"]]:
        """Of every block: the first of its two correspondence layers, for all tokens.

        Tokens of the video's own past have no correspondence; their summary is zero, so that the second layer, which has no
        bias, adds nothing.
        """
        count = sum(tokens for tokens, _ in seen)
        device = next(moved.device for _, moved in seen if moved is not None)
        width = self.config.buffer_width
        out = [torch.zeros((1, count, width), dtype=dtype, device=device) for _ in self.blocks]
        layers = [block.attn1.buffer_encoder[0].weight.to(device) for block in self.blocks]
        first = 0
        for tokens, moved in seen:
            for start in range(0, tokens if moved is not None else 0, TOKENS_TOGETHER):
                part = moved[:, start : start + TOKENS_TOGETHER]  # type: ignore[index]
                spread = torch.cat([f(part * (math.pi * 2.0**o)) for o in range(OCTAVES) for f in (torch.sin, torch.cos)], -1)
                spread = spread.to(dtype)
                at = slice(first + start, first + start + part.shape[1])
                for summary, layer in zip(out, layers, strict=True):
                    summary[:, at] = F.linear(spread, layer)
            first += tokens
        return out

    def _check(self, new: int, height: int, width: int, channels: int) -> None:
        if new < 1 or height % PATCH or width % PATCH:
            raise GeometryError(
                "world model",
                f"{new} new latents of {width}x{height}",
                expected=f"at least one, sides in multiples of {PATCH}",
                next_step=f"Give frames whose sides are multiples of {8 * PATCH} px.",
            )
        if channels != SLOT_CHANNELS * self.config.slots:
            raise GeometryError(
                "world model",
                f"correspondence of {channels} channels",
                expected=f"{SLOT_CHANNELS * self.config.slots}: the weights were trained with {self.config.slots} slots",
            )


def _patch_channels(x: Float[torch.Tensor, "b c t h w"]) -> Float[torch.Tensor, "b c4 t h2 w2"]:
    """Pixels of the network's patch as channels: channel c of (y, x) in the patch becomes 4 c + 2 y + x."""
    x = x.unflatten(4, (-1, PATCH)).unflatten(3, (-1, PATCH))
    return x.permute(0, 1, 4, 6, 2, 3, 5).flatten(1, 3)
