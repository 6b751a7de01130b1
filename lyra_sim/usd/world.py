"""The entry layers of a package: world.usda, made from the template, and world_splat.usda around it."""

from pathlib import Path
from typing import Any

from pxr import Sdf, Usd

from lyra_sim.errors import UsdError
from lyra_sim.resources import resource_dir
from lyra_sim.usd.stage import new_layer, save

GEOMETRY_LAYER = "payload/geometry.usdc"
SPLAT_LAYER = "payload/splat.usdc"

VISUAL_MESH = "/Geometry/visual_mesh"
COLLISION_HULLS = "/Geometry/collision_hulls"
COLLISION_TRIMESH = "/Geometry/collision_trimesh"
SPLAT_ROOT = "/Splat"

_VISUAL = "/World{{visual={0}}}Environment/Visual/{1}"
_COLLISION = "/World{{collision={0}}}Environment/Collision/shapes"
PAYLOADS = {
    _VISUAL.format("mesh", "mesh"): (GEOMETRY_LAYER, VISUAL_MESH),
    _VISUAL.format("both", "mesh"): (GEOMETRY_LAYER, VISUAL_MESH),
    _VISUAL.format("splat", "splat"): (SPLAT_LAYER, SPLAT_ROOT),
    _VISUAL.format("both", "splat"): (SPLAT_LAYER, SPLAT_ROOT),
    _COLLISION.format("hulls"): (GEOMETRY_LAYER, COLLISION_HULLS),
    _COLLISION.format("trimesh"): (GEOMETRY_LAYER, COLLISION_TRIMESH),
}
"""Prim of the template that holds a payload -> the layer and prim that it loads."""


def write_world(path: Path, *, facts: dict[str, Any]) -> None:
    """Write ``world.usda``: the template, closed in itself, with payload arcs and ``facts`` as customLayerData."""
    template_path = resource_dir("usd_templates") / "world.usda"
    layer = new_layer(".usda")
    layer.TransferContent(Sdf.Layer.FindOrOpen(str(template_path)))
    layer.documentation = (
        "A world made by lyra-sim. Variants of /World: visual (mesh, splat, both), collision (hulls, trimesh, none), lighting."
    )
    _inline_references(layer, template_path.parent)
    for holder, (file, target) in PAYLOADS.items():
        spec = layer.GetPrimAtPath(holder)
        if spec is None:
            raise UsdError(
                str(template_path),
                f"no prim {holder}",
                expected="the prims that payloads hang on",
                likely="The template was edited.",
            )
        spec.payloadList.Prepend(Sdf.Payload(f"./{file}", target))
    layer.customLayerData = facts
    save(layer, path)


def write_splat_wrapper(path: Path) -> None:
    """Write a layer that opens ``world.usda`` with splats selected, for tools that take a path and nothing else."""
    layer = new_layer(".usda")
    layer.documentation = (
        "world.usda with visual=splat. Needs a renderer of ParticleField3DGaussianSplat (Isaac Sim 6 or later)."
    )
    layer.subLayerPaths.append("./world.usda")
    world = Sdf.CreatePrimInLayer(layer, "/World")
    world.variantSelections["visual"] = "splat"
    layer.defaultPrim = "World"
    save(layer, path)


def open_world(path: Path, **selections: str) -> Usd.Stage:
    """Open a package's entry layer with variants of the default prim chosen in the session layer, so nothing is edited."""
    stage = Usd.Stage.Open(str(path))
    for name, choice in selections.items():
        select_variant(stage, name, choice)
    return stage


def select_variant(stage: Usd.Stage, name: str, choice: str) -> None:
    """Choose a variant of the default prim in the session layer."""
    variant_set = stage.GetDefaultPrim().GetVariantSet(name)
    if choice not in variant_set.GetVariantNames():
        raise UsdError(
            stage.GetRootLayer().identifier, f"no variant {name}={choice}", expected=f"one of {variant_set.GetVariantNames()}"
        )
    with Usd.EditContext(stage, stage.GetSessionLayer()):
        variant_set.SetVariantSelection(choice)


def _inline_references(layer: Sdf.Layer, folder: Path) -> None:
    """Put each referenced template prim in the place of the prim that references it, inside variants too."""
    holders: list[Sdf.Path] = []

    def collect(path: Sdf.Path) -> None:
        spec = layer.GetObjectAtPath(path) if path.IsPrimPath() or path.IsPrimVariantSelectionPath() else None
        if isinstance(spec, Sdf.PrimSpec) and spec.hasReferences:
            holders.append(path)

    layer.Traverse(Sdf.Path.absoluteRootPath, collect)
    for path in sorted(holders):
        (reference,) = layer.GetPrimAtPath(path).referenceList.GetAddedOrExplicitItems()
        source = Sdf.Layer.FindOrOpen(str(folder / reference.assetPath))
        if source is None or source.GetPrimAtPath(reference.primPath) is None:
            raise UsdError(
                str(folder / reference.assetPath),
                f"no prim {reference.primPath}",
                expected=f"what {path} in world.usda references",
            )
        Sdf.CopySpec(source, reference.primPath, layer, path)
