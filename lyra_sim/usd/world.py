"""The entry layers of a package: world.usda, made from the template, and wrappers that open it with other variants."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64
from pxr import Gf, Sdf, Usd

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


LAMPS = "/World{lighting=studio}Lamps"


def write_world(path: Path, *, facts: dict[str, Any], lamps: Float64[np.ndarray, "n 3"]) -> None:
    """Write ``world.usda``: the template, closed in itself, with payload arcs.

    Args:
        path: The file.
        facts: customLayerData.
        lamps: Places of the template's lamp in ``lighting=studio`` [m].
    """
    template_path = resource_dir("usd_templates") / "world.usda"
    layer = new_layer(".usda")
    layer.TransferContent(Sdf.Layer.FindOrOpen(str(template_path)))
    layer.documentation = (
        "A world made by lyra-sim. Variants of /World: visual (mesh, splat, both), collision (hulls, trimesh, none), "
        "lighting (studio, dome, none)."
    )
    _inline_references(layer, template_path.parent)
    for holder, (file, target) in PAYLOADS.items():
        _prim(layer, holder, template_path).payloadList.Prepend(Sdf.Payload(f"./{file}", target))
    _hang_lamps(layer, template_path, lamps)
    layer.customLayerData = facts
    save(layer, path)


def write_wrapper(path: Path, *, visual: str, documentation: str) -> None:
    """Write a layer that opens ``world.usda`` with ``visual`` selected, for tools that take a path and nothing else."""
    layer = new_layer(".usda")
    layer.documentation = documentation
    layer.subLayerPaths.append("./world.usda")
    world = Sdf.CreatePrimInLayer(layer, "/World")
    world.variantSelections["visual"] = visual
    layer.defaultPrim = "World"
    save(layer, path)


def select_variant(stage: Usd.Stage, name: str, choice: str) -> None:
    """Choose a variant of the default prim in the session layer.

    Raises:
        UsdError: There is no such variant.
    """
    variant_set = stage.GetDefaultPrim().GetVariantSet(name)
    if choice not in variant_set.GetVariantNames():
        raise UsdError(
            stage.GetRootLayer().identifier, f"no variant {name}={choice}", expected=f"one of {variant_set.GetVariantNames()}"
        )
    with Usd.EditContext(stage, stage.GetSessionLayer()):
        variant_set.SetVariantSelection(choice)


def _prim(layer: Sdf.Layer, path: str, template: Path) -> Sdf.PrimSpec:
    spec = layer.GetPrimAtPath(path)
    if spec is None:
        raise UsdError(
            str(template), f"no prim {path}", expected="the prims that a world fills in", likely="The template was edited."
        )
    return spec


def _hang_lamps(layer: Sdf.Layer, template: Path, lamps: Float64[np.ndarray, "n 3"]) -> None:
    """Copy the one lamp to every place, or take the group away where there are none."""
    one = _prim(layer, f"{LAMPS}/lamp", template)
    for index, place in enumerate(lamps.tolist()):
        copy = f"{LAMPS}/lamp_{index:03d}"
        Sdf.CopySpec(layer, one.path, layer, copy)
        layer.GetAttributeAtPath(f"{copy}.xformOp:translate").default = Gf.Vec3d(*place)
    group = _prim(layer, LAMPS, template)
    del group.nameChildren["lamp"]
    if not len(lamps):
        del group.nameParent.nameChildren[group.name]


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
