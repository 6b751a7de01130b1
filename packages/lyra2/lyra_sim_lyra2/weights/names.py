"""Names of the network's parameters: as Wan 2.1 and Lyra 2.0 publish them, and as diffusers and this package hold them."""

import re
from collections.abc import Callable

MODULES = {
    "patch_embedding": "patch_embedding",
    "text_embedding.0": "condition_embedder.text_embedder.linear_1",
    "text_embedding.2": "condition_embedder.text_embedder.linear_2",
    "time_embedding.0": "condition_embedder.time_embedder.linear_1",
    "time_embedding.2": "condition_embedder.time_embedder.linear_2",
    "time_projection.1": "condition_embedder.time_proj",
    "img_emb.proj.0": "condition_embedder.image_embedder.norm1",
    "img_emb.proj.1": "condition_embedder.image_embedder.ff.net.0.proj",
    "img_emb.proj.3": "condition_embedder.image_embedder.ff.net.2",
    "img_emb.proj.4": "condition_embedder.image_embedder.norm2",
    "head.head": "proj_out",
}
"""Published module → ours, outside blocks."""
BLOCK_MODULES = {
    "self_attn.q": "attn1.to_q",
    "self_attn.k": "attn1.to_k",
    "self_attn.v": "attn1.to_v",
    "self_attn.o": "attn1.to_out.0",
    "self_attn.norm_q": "attn1.norm_q",
    "self_attn.norm_k": "attn1.norm_k",
    "cam_encoder": "attn1.camera_encoder",
    "buffer_encoder.0": "attn1.buffer_encoder.0",
    "buffer_encoder.1": "attn1.buffer_encoder.1",
    "norm3": "norm2",
    "cross_attn.q": "attn2.to_q",
    "cross_attn.k": "attn2.to_k",
    "cross_attn.v": "attn2.to_v",
    "cross_attn.o": "attn2.to_out.0",
    "cross_attn.norm_q": "attn2.norm_q",
    "cross_attn.norm_k": "attn2.norm_k",
    "cross_attn.k_img": "attn2.add_k_proj",
    "cross_attn.v_img": "attn2.add_v_proj",
    "cross_attn.norm_k_img": "attn2.norm_added_k",
    "ffn.0": "ffn.net.0.proj",
    "ffn.2": "ffn.net.2",
}
"""The same inside a block. The affine norm before cross-attention is the third there and the second here."""
TABLES = {"head.modulation": "scale_shift_table"}
"""Parameters that belong to no layer."""
COUNTERS = "accum_"
"""Start of the names of training counters."""
UNUSED = "attn2.norm_added_q."
"""In diffusers' files of Wan 2.1, and used by nothing: image tokens are keys and values only."""

_BLOCK = re.compile(r"(blocks\.\d+)\.(.+)")
_PATCH_LAYER = re.compile(r"clean_patch_embeddings\.\d+")
_MEMORY = re.compile(r"(clean_patch_embeddings\.\d+|blocks\.\d+\.attn1\.(camera_encoder|buffer_encoder\.[01]))\.(weight|bias)")


def native_module(published: str) -> str | None:
    """Our name of a published layer; None where there is no such layer."""
    return _module(published, MODULES, BLOCK_MODULES)


def published_module(native: str) -> str | None:
    """The published name of one of our layers; None where there is no such layer."""
    return _module(native, _inverse(MODULES), _inverse(BLOCK_MODULES))


def native_name(published: str) -> str:
    """Our name of a published parameter; unchanged where no rule knows it."""
    return _parameter(published, native_module, TABLES, ("modulation", "scale_shift_table"))


def published_name(native: str) -> str:
    """The published name of one of our parameters; unchanged where no rule knows it."""
    return _parameter(native, published_module, _inverse(TABLES), ("scale_shift_table", "modulation"))


def is_memory(native: str) -> bool:
    """Whether a parameter of ours is one that Lyra 2.0 adds to Wan 2.1."""
    return _MEMORY.fullmatch(native) is not None


def no_weight(name: str) -> bool:
    """Whether a name, in either naming, is of something that the network doesn't compute with."""
    return name.startswith(COUNTERS) or UNUSED in name


def _module(name: str, outside: dict[str, str], inside: dict[str, str]) -> str | None:
    if _PATCH_LAYER.fullmatch(name):
        return name
    if (block := _BLOCK.fullmatch(name)) is not None:
        renamed = inside.get(block[2])
        return None if renamed is None else f"{block[1]}.{renamed}"
    return outside.get(name)


def _parameter(
    name: str, of_module: Callable[[str], str | None], tables: dict[str, str], table_of_block: tuple[str, str]
) -> str:
    if name in tables:
        return tables[name]
    if (block := _BLOCK.fullmatch(name)) is not None and block[2] == table_of_block[0]:
        return f"{block[1]}.{table_of_block[1]}"
    module, _, kind = name.rpartition(".")
    renamed = of_module(module)
    return name if renamed is None else f"{renamed}.{kind}"


def _inverse(table: dict[str, str]) -> dict[str, str]:
    return {ours: theirs for theirs, ours in table.items()}
