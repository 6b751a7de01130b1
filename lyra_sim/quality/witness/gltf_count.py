"""Triangles that a glTF says it draws, counted from its JSON alone: where no second library follows a file, what a reader lost
still shows in the number.

Packed geometry keeps its counts in the open, and what moves triangles doesn't change how many there are.
"""

from typing import Any

TRIANGLES, STRIP, FAN = 4, 5, 6
"""Modes of a primitive that have a surface (glTF 2.0, 3.7.2.1). Derived."""


def drawn_triangles(tree: dict[str, Any]) -> int:
    """Of the scene that is shown, each mesh as often as nodes and their instances draw it; what is switched off isn't."""
    scenes, nodes, meshes = (tree.get(key, []) for key in ("scenes", "nodes", "meshes"))
    if not scenes:
        return 0
    of_mesh = [sum(_of_primitive(tree, primitive) for primitive in mesh.get("primitives", [])) for mesh in meshes]
    total, left = 0, list(scenes[tree.get("scene", 0)].get("nodes", []))
    while left:
        node = nodes[left.pop()]
        extensions = node.get("extensions", {})
        if extensions.get("KHR_node_visibility", {}).get("visible", True) is False:
            continue
        held = list(extensions.get("EXT_mesh_gpu_instancing", {}).get("attributes", {}).values())
        if "mesh" in node:
            total += of_mesh[node["mesh"]] * (tree["accessors"][held[0]]["count"] if held else 1)
        left += node.get("children", [])
    return total


def _of_primitive(tree: dict[str, Any], primitive: dict[str, Any]) -> int:
    mode = primitive.get("mode", TRIANGLES)
    if mode not in (TRIANGLES, STRIP, FAN):
        return 0
    corners = tree["accessors"][primitive.get("indices", primitive["attributes"]["POSITION"])]["count"]
    return int(corners) // 3 if mode == TRIANGLES else max(int(corners) - 2, 0)
