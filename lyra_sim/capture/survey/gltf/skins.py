"""Morphs and skins of glTF: a mesh stands as its weights and joints stand in the file, which is its rest pose as a rule."""

from collections import Counter
from typing import Any

import numpy as np
from jaxtyping import Float64

from lyra_sim.capture.survey.gltf.accessors import Accessors, as_numbers
from lyra_sim.capture.survey.gltf.file import GltfFile
from lyra_sim.capture.survey.gltf.nodes import Placement, world_from_mesh
from lyra_sim.capture.survey.gltf.primitives import Shape

MOST_SETS = 4
"""Of joints: four each. Convention."""


def posed(
    file: GltfFile,
    accessors: Accessors,
    placement: Placement,
    primitive: dict[str, Any],
    shape: Shape,
    world_from_node: dict[int, Float64[np.ndarray, "4 4"]],
    said: Counter[str],
    where: str,
) -> tuple[Float64[np.ndarray, "v 3"], Float64[np.ndarray, "k 4 4"]]:
    """Vertices of a primitive and the matrices that bring them to the world.

    Args:
        file: The glTF.
        accessors: Of it.
        placement: The node.
        primitive: Whose vertices they are.
        shape: Of the primitive.
        world_from_node: Of every node in the scene.
        said: Remarks to count up.
        where: The primitive, for errors.
    """
    vertices = _morphed(file, accessors, placement, primitive, shape, said, where)
    named = file.child(primitive, "attributes", where)
    if placement.skin is None or "JOINTS_0" not in named:
        return vertices, world_from_mesh(file, accessors, placement)
    skin = file.item("skins", placement.skin, named_by=where)
    joints = file.listed(skin, "joints", f"skins[{placement.skin}]")
    if not joints or not all(isinstance(joint, int) and joint in world_from_node for joint in joints):
        raise file.broken(f"skins[{placement.skin}]", "a joint isn't a node of the scene")
    matrices = np.stack([world_from_node[joint] for joint in joints])
    if "inverseBindMatrices" in skin:
        inverse = accessors.numbers(skin["inverseBindMatrices"], ("MAT4",), named_by=f"skins[{placement.skin}]")
        if len(inverse) < len(joints):
            raise file.broken(f"skins[{placement.skin}]", f"{len(inverse)} matrices", expected=f"{len(joints)}, its joints")
        matrices = matrices @ inverse[: len(joints)].reshape(-1, 4, 4).transpose(0, 2, 1)
    total = np.zeros((len(vertices), 3))
    whole = np.zeros(len(vertices))
    for k in range(MOST_SETS):
        if f"JOINTS_{k}" not in named or f"WEIGHTS_{k}" not in named:
            break
        index = _of(file, accessors, named, shape, f"JOINTS_{k}", where).astype(np.int64)
        weight = _of(file, accessors, named, shape, f"WEIGHTS_{k}", where)
        if len(index) and index.max() >= len(joints):
            raise file.broken(where, f"joint {index.max()}", expected=f"below {len(joints)}, the skin's joints")
        for joint, share in zip(index.T, weight.T, strict=True):
            moved = np.einsum("vij,vj->vi", matrices[joint][:, :3, :3], vertices) + matrices[joint][:, :3, 3]
            total += share[:, None] * moved
            whole += share
    said["skinned primitives stand as their joints do"] += 1
    safe = np.where(whole > 0, whole, 1)
    return np.where(whole[:, None] > 0, total / safe[:, None], vertices), np.eye(4)[None]


def _of(
    file: GltfFile, accessors: Accessors, named: dict[str, Any], shape: Shape, name: str, where: str
) -> Float64[np.ndarray, "v 4"]:
    if name in shape.packed:
        entry = file.item("accessors", named[name], named_by=where)
        values = as_numbers(shape.packed[name], normalized=entry.get("normalized") is True)
    else:
        values = accessors.numbers(named[name], ("VEC4",), named_by=f"{where}.{name}")
    if values.ndim != 2 or values.shape[1] != 4 or (len(shape.used) and shape.used.max() >= len(values)):
        raise file.broken(where, f"{len(values)} elements of {name}", expected="one for every vertex")
    return values[shape.used]


def _morphed(
    file: GltfFile,
    accessors: Accessors,
    placement: Placement,
    primitive: dict[str, Any],
    shape: Shape,
    said: Counter[str],
    where: str,
) -> Float64[np.ndarray, "v 3"]:
    """Vertices plus their morph targets at the weights of the node, else of the mesh, else none."""
    targets = file.listed(primitive, "targets", where)
    if not targets:
        return shape.vertices
    said["primitives with morph targets stand at the weights in the file"] += 1
    mesh = file.item("meshes", placement.mesh, named_by=where)
    weights = placement.weights if placement.weights is not None else file.listed(mesh, "weights", where)
    vertices = shape.vertices
    for target, weight in zip(targets, weights, strict=False):
        if not isinstance(target, dict) or not isinstance(weight, int | float):
            raise file.broken(where, "a morph target or its weight isn't one")
        if weight and "POSITION" in target:
            moved = accessors.numbers(target["POSITION"], ("VEC3",), named_by=f"{where}.targets")
            if len(shape.used) and shape.used.max() >= len(moved):
                raise file.broken(where, f"{len(moved)} elements of a morph target", expected="one for every vertex")
            vertices = vertices + float(weight) * moved[shape.used]
    return vertices
