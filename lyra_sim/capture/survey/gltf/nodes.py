"""The node tree of a glTF scene: where every mesh stands, as often as it stands there."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

from lyra_sim.capture.survey.gltf.accessors import Accessors
from lyra_sim.capture.survey.gltf.file import GltfFile

INSTANCING = "EXT_mesh_gpu_instancing"
MOST_INSTANCES = 1_000_000
"""Instances of a scene; more are refused. Convention."""
IDENTITY = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
"""Of the format. Convention."""


@dataclass(frozen=True, kw_only=True)
class Placement:
    """A mesh at a node."""

    node: int
    mesh: int
    skin: int | None
    weights: list[Any] | None
    """Of morph targets, where the node states its own."""
    world_from_node: Float64[np.ndarray, "4 4"]
    count: int
    """How many instances stand there."""


@dataclass(frozen=True, kw_only=True)
class Placed:
    """What a scene shows, and how much of the file it leaves."""

    placements: tuple[Placement, ...]
    world_from_node: dict[int, Float64[np.ndarray, "4 4"]]
    invisible: int
    """Nodes with geometry under one that KHR_node_visibility switches off."""
    elsewhere: int
    """Nodes with geometry in no scene or in another one."""


def placed(file: GltfFile, accessors: Accessors) -> Placed:
    """Walk the scene that the file opens with (all roots where it names none)."""
    nodes = file.items("nodes")
    roots = _roots(file, nodes)
    world: dict[int, np.ndarray] = {}
    placements: list[Placement] = []
    invisible = count = 0
    pending = [(root, np.eye(4), True) for root in reversed(roots)]
    while pending:
        index, world_from_parent, shown = pending.pop()
        node = file.item("nodes", index, named_by="the node tree")
        where = f"nodes[{index}]"
        if index in world:
            raise file.broken(where, "it has two parents or is its own ancestor", expected="a tree (glTF 2.0, 3.5.2)")
        world[index] = world_from_parent @ _local(file, node, where)
        visibility = file.extension(node, "KHR_node_visibility", where)
        shown = shown and (visibility is None or visibility.get("visible", True) is not False)
        children = file.listed(node, "children", where)
        pending += [(child, world[index], shown) for child in reversed(children)]
        if "mesh" not in node:
            continue
        if not shown:
            invisible += 1
            continue
        here = _instance_count(file, accessors, node, where)
        count += here
        if count > MOST_INSTANCES:
            raise file.broken(where, f"more than {MOST_INSTANCES} instances", expected=f"at most {MOST_INSTANCES}")
        placements.append(
            Placement(
                node=index,
                mesh=node["mesh"],
                skin=file.whole(node, "skin", where) if "skin" in node else None,
                weights=file.listed(node, "weights", where) if "weights" in node else None,
                world_from_node=world[index],
                count=here,
            )
        )
    elsewhere = sum(isinstance(node, dict) and "mesh" in node and k not in world for k, node in enumerate(nodes))
    return Placed(placements=tuple(placements), world_from_node=world, invisible=invisible, elsewhere=elsewhere)


def _roots(file: GltfFile, nodes: list[Any]) -> list[Any]:
    if file.items("scenes"):
        scene = file.item("scenes", file.tree.get("scene", 0), named_by="scene")
        return file.listed(scene, "nodes", "scenes")
    children = {child for node in nodes if isinstance(node, dict) for child in _hashable(node.get("children", []))}
    return [index for index in range(len(nodes)) if index not in children]


def _hashable(children: Any) -> Iterator[int]:
    return (child for child in children if isinstance(child, int)) if isinstance(children, list) else iter(())


def _local(file: GltfFile, node: dict[str, Any], where: str) -> Float64[np.ndarray, "4 4"]:
    if "matrix" in node:
        return np.array(file.numbers(node, "matrix", where, IDENTITY)).reshape(4, 4).T
    translation = np.array(file.numbers(node, "translation", where, (0.0, 0.0, 0.0)))
    rotation = np.array(file.numbers(node, "rotation", where, (0.0, 0.0, 0.0, 1.0)))
    scale = np.array(file.numbers(node, "scale", where, (1.0, 1.0, 1.0)))
    return _composed(translation[None], rotation[None], scale[None])[0]


def _composed(
    translation: Float64[np.ndarray, "k 3"], quats_xyzw: Float64[np.ndarray, "k 4"], scale: Float64[np.ndarray, "k 3"]
) -> Float64[np.ndarray, "k 4 4"]:
    length = np.linalg.norm(quats_xyzw, axis=1, keepdims=True)
    x, y, z, w = np.where(length > 0, quats_xyzw / np.where(length > 0, length, 1), [0.0, 0.0, 0.0, 1.0]).T
    out = np.zeros((len(translation), 4, 4))
    out[:, 0, :3] = np.stack([1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)], axis=1)
    out[:, 1, :3] = np.stack([2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)], axis=1)
    out[:, 2, :3] = np.stack([2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)], axis=1)
    out[:, :3, :3] *= scale[:, None, :]
    out[:, :3, 3] = translation
    out[:, 3, 3] = 1
    return out


def _instance_count(file: GltfFile, accessors: Accessors, node: dict[str, Any], where: str) -> int:
    """Of EXT_mesh_gpu_instancing; 1 for an ordinary node."""
    attributes = file.child(file.extension(node, INSTANCING, where) or {}, "attributes", where)
    counts = {accessors.count(index, named_by=f"{where}.{name}") for name, index in attributes.items()}
    if len(counts) > 1:
        raise file.broken(where, f"instance attributes of {sorted(counts)} elements", expected="one number of instances")
    return counts.pop() if counts else 1


def world_from_mesh(file: GltfFile, accessors: Accessors, placement: Placement) -> Float64[np.ndarray, "k 4 4"]:
    """A matrix for every instance at a node. They are made when they are needed: a count costs its writer nothing."""
    where = f"nodes[{placement.node}]"
    told = file.extension(file.item("nodes", placement.node, named_by="the node tree"), INSTANCING, where)
    attributes = file.child(told or {}, "attributes", where)
    count = placement.count
    if not attributes:
        return placement.world_from_node[None]
    kinds = {"TRANSLATION": ("VEC3", 0.0), "ROTATION": ("VEC4", 0.0), "SCALE": ("VEC3", 1.0)}
    held = {name: attributes[name] for name in kinds if name in attributes}
    values = {
        name: accessors.numbers(held[name], (kind,), named_by=f"{where}.{name}")
        if name in held
        else np.full((count, int(kind[3])), fill)
        for name, (kind, fill) in kinds.items()
    }
    matrices: Float64[np.ndarray, "k 4 4"] = placement.world_from_node @ _composed(
        values["TRANSLATION"], values["ROTATION"], values["SCALE"]
    )
    return matrices
