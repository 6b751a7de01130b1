"""Layers with our metrics, and the few things every authored prim shares. Positions are in the metric world, z-up."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from pxr import Gf, Sdf, Usd, UsdGeom, UsdSemantics, Vt

from lyra_sim.errors import UsdError

SEMANTIC_TAXONOMY = "class"
"""Instance name of the labels API that Isaac Sim's sensors read."""


def new_layer(suffix: str) -> Sdf.Layer:
    """An empty layer held in memory, z-up, in metres and kilograms; ``suffix`` (``.usda``, ``.usdc``) picks the format.

    Nothing touches the disk before :func:`save`, so a failed author step leaves no half layer behind and the same
    path can be authored twice in one process. Metrics are authored on every layer: they aren't inherited.
    """
    layer = Sdf.Layer.CreateAnonymous(suffix)
    for key, value in {"upAxis": UsdGeom.Tokens.z, "metersPerUnit": 1.0, "kilogramsPerUnit": 1.0}.items():
        layer.pseudoRoot.SetInfo(key, value)
    return layer


def save(layer: Sdf.Layer, path: Path) -> None:
    """Write the layer. Equal content gives equal bytes, text and crate alike.

    Raises:
        UsdError: It couldn't be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not layer.Export(str(path)):
        raise UsdError(str(path), "the layer couldn't be written", likely="The folder is read-only or the disk is full.")
    stored = Sdf.Layer.Find(str(path))
    if stored is not None:  # somebody in this process still holds the older content
        stored.Reload(force=True)


def vec3f_array(rows: Float[np.ndarray, "n 3"]) -> Vt.Vec3fArray:
    """Rows as USD stores them."""
    return Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(rows, np.float32))


def set_extent(prim: Usd.Prim, low: Float[np.ndarray, "3"], high: Float[np.ndarray, "3"]) -> None:
    """Author the local bounding box, without which viewers compute it from every point at every frame."""
    corners = Vt.Vec3fArray([Gf.Vec3f(*map(float, low)), Gf.Vec3f(*map(float, high))])
    UsdGeom.Boundable(prim).CreateExtentAttr(corners)


def set_label(prim: Usd.Prim, label: str) -> None:
    """Author the semantic class."""
    UsdSemantics.LabelsAPI.Apply(prim, SEMANTIC_TAXONOMY).CreateLabelsAttr([label])


def label_of(prim: Usd.Prim) -> str | None:
    """The semantic class authored on ``prim``, or None."""
    labels: Any = prim.GetAttribute(f"semantics:labels:{SEMANTIC_TAXONOMY}").Get()
    return str(labels[0]) if labels else None
