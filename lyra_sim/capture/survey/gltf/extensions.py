"""Extensions of glTF: which are understood, which change nothing that is surveyed, and how the others are got rid of."""

from pathlib import Path

from lyra_sim.capture.survey.gltf.file import GltfFile
from lyra_sim.errors import InputError

READ = frozenset(
    {
        "EXT_mesh_gpu_instancing",
        "EXT_meshopt_compression",
        "EXT_texture_avif",
        "EXT_texture_webp",
        "KHR_draco_mesh_compression",
        "KHR_materials_pbrSpecularGlossiness",
        "KHR_materials_unlit",
        "KHR_mesh_quantization",
        "KHR_node_visibility",
        "KHR_texture_transform",
        "MSFT_texture_dds",
    }
)
"""What they say is taken."""
NOT_SURVEYED = frozenset(
    {
        "ADOBE_materials_clearcoat_specular",
        "ADOBE_materials_clearcoat_tint",
        "CESIUM_primitive_outline",
        "EXT_instance_features",
        "EXT_lights_ies",
        "EXT_lights_image_based",
        "EXT_mesh_features",
        "EXT_mesh_manifold",
        "EXT_structural_metadata",
        "KHR_lights_punctual",
        "KHR_materials_anisotropy",
        "KHR_materials_clearcoat",
        "KHR_materials_dispersion",
        "KHR_materials_emissive_strength",
        "KHR_materials_ior",
        "KHR_materials_iridescence",
        "KHR_materials_sheen",
        "KHR_materials_specular",
        "KHR_materials_variants",
        "KHR_materials_volume",
        "KHR_node_hoverability",
        "KHR_node_selectability",
        "KHR_xmp",
        "KHR_xmp_json_ld",
        "MSFT_lod",
        "MSFT_packing_normalRoughnessMetallic",
        "MSFT_packing_occlusionRoughnessMetallic",
    }
)
"""Lights, gloss and notes: neither where surface is nor its base colour. ``MSFT_lod``'s nodes themselves are the finest."""
SEE_THROUGH = frozenset(
    {"ADOBE_materials_thin_transparency", "KHR_materials_diffuse_transmission", "KHR_materials_transmission"}
)
"""Light passes; the surface is there all the same, and counted as see-through."""
MOVES = frozenset({"KHR_animation_pointer", "KHR_interactivity", "AGI_articulations"})
"""Movement: the scene stands as its nodes do."""
COMMANDS = {
    "EXT_mesh_primitive_restart": "npx @gltf-transform/cli unweld IN OUT",
    "KHR_gaussian_splatting": None,
    "KHR_meshopt_compression": "npx gltfpack -i IN -o OUT -noq",
    "KHR_texture_basisu": "npx @gltf-transform/cli ktxdecompress IN OUT",
}
"""What writes a file without an extension that isn't read."""


def check_required(file: GltfFile) -> tuple[str, ...]:
    """Refuse a file that requires what isn't understood (glTF 2.0, 3.12).

    Returns:
        Remarks about extensions that are used and not understood, without being required.
    """
    required, used = (_names(file, key) for key in ("extensionsRequired", "extensionsUsed"))
    known = READ | NOT_SURVEYED | SEE_THROUGH | MOVES
    for name in required:
        if name not in known:
            raise refused(file.path, name)
    odd = sorted(set(used) - set(required) - known - {"KHR_texture_basisu"})
    return tuple(f"the extension {name} isn't understood: what it says is not in the world" for name in odd)


def refused(path: Path, name: str) -> InputError:
    """The error for a file that can't be read rightly without an extension."""
    command = COMMANDS.get(name)
    if name == "KHR_gaussian_splatting":
        step: str | None = "Splats belong under 'splats': export them as a 3DGS .ply."
    elif command is None:
        step = "Export it without this extension from the tool it comes from."
    else:
        renamed = command.replace("IN", path.name).replace("OUT", f"{path.stem}_plain.glb")
        step = f"Convert it: {renamed}"
    return InputError(
        str(path),
        f"it requires the extension {name}, which isn't read",
        expected="extensions that are known: a reader must not load what it can't understand (glTF 2.0, 3.12)",
        next_step=step,
    )


def _names(file: GltfFile, key: str) -> list[str]:
    names = file.items(key)
    if not all(isinstance(name, str) for name in names):
        raise file.broken(key, "it holds what isn't a name")
    return list(names)
