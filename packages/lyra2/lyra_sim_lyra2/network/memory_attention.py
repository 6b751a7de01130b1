"""Self-attention that knows where its tokens look from, and where what they show was seen before (Lyra 2.0, 2026)."""

from typing import Any, NamedTuple

import torch
from diffusers.models.attention_dispatch import dispatch_attention_fn
from jaxtyping import Float


class TokenMemory(NamedTuple):
    """What a block is told of every token; none of it changes from step to step of the sampler."""

    cos: Float[torch.Tensor, "1 l 1 d"]
    sin: Float[torch.Tensor, "1 l 1 d"]
    """Of the rotary angles, float32, one for each pair of features."""
    cameras: Float[torch.Tensor, "1 l 1536"]
    """Rays of the token's pixels."""
    seen_before: Float[torch.Tensor, "1 l b"]
    """The block's own summary of the token's correspondence; zeros where it has none."""


class MemoryAttnProcessor:
    """diffusers' processor of Wan, with cameras and correspondence added to what queries and keys are made of, never values.

    Added there, they say which tokens belong together and leave alone what is carried from one to another.
    """

    _attention_backend = None
    _parallel_config = None
    flash4 = False
    """Use flash-attn-4 (Zadouri et al. 2026) in place of the backend: diffusers knows it only as a download."""

    def __call__(
        self,
        attn: Any,
        hidden_states: torch.Tensor,
        encoder_hidden_states: torch.Tensor | None,
        attention_mask: torch.Tensor | None,
        rotary_emb: TokenMemory,
    ) -> torch.Tensor:
        cos, sin, cameras, seen_before = rotary_emb
        placed = hidden_states + attn.camera_encoder(cameras) + attn.buffer_encoder[1](seen_before)
        query = _turned(attn.norm_q(attn.to_q(placed)).unflatten(2, (attn.heads, -1)), cos, sin)
        key = _turned(attn.norm_k(attn.to_k(placed)).unflatten(2, (attn.heads, -1)), cos, sin)
        value = attn.to_v(hidden_states).unflatten(2, (attn.heads, -1))
        if self.flash4:
            mixed = _flash4(query, key, value)
        else:
            mixed = dispatch_attention_fn(query, key, value, backend=self._attention_backend)
        return attn.to_out[0](mixed.flatten(2, 3).type_as(hidden_states))


def _turned(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Rotary embedding of pairs of neighbouring features, in float32 whatever the weights are kept in."""
    even, odd = x.float().unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2).type_as(x)


@torch.library.custom_op("lyra_sim::flash4", mutates_args=())
def _flash4(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """Attention [b l heads d] by flash-attn-4, as one operation that a compiled block doesn't look into."""
    from flash_attn.cute import flash_attn_func

    mixed = flash_attn_func(query, key, value)
    return mixed[0] if isinstance(mixed, tuple) else mixed


@_flash4.register_fake
def _(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    return torch.empty_like(query)
