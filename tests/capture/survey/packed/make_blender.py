"""Makes ``blender.glb``, ``blender_draco.glb``, ``blender.usdc`` and ``blender.obj`` by bpy 5.0.1; see make.sh.

A box of 4 x 3 x 2.5 m whose floor has a material of its own, two cubes that share a mesh (one of them mirrored and
stretched), and an L-shaped slab that is a single polygon.
"""

import sys
from pathlib import Path

import bpy

LOOKS = {"floor": (0.05, 0.6, 0.05, 1), "wall": (0.7, 0.05, 0.05, 1), "thing": (0.05, 0.1, 0.7, 1)}


def material(name: str) -> bpy.types.Material:
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    made.node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value = LOOKS[name]
    return made


def add(name: str, mesh: bpy.types.Mesh, location=(0, 0, 0), scale=(1, 1, 1)) -> None:
    thing = bpy.data.objects.new(name, mesh)
    thing.location, thing.scale = location, scale
    bpy.context.scene.collection.objects.link(thing)


def main(folder: Path) -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    looks = {name: material(name) for name in LOOKS}
    corners = [(x, y, z) for z in (0, 2.5) for y in (0, 3) for x in (0, 4)]
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    room = bpy.data.meshes.new("room")
    room.from_pydata(corners, [], quads)
    room.materials.append(looks["floor"])
    room.materials.append(looks["wall"])
    for index, polygon in enumerate(room.polygons):
        polygon.material_index = min(index, 1)
    add("room", room)
    cube = bpy.data.meshes.new("cube")
    unit = [(x, y, z) for z in (0, 1) for y in (0, 1) for x in (0, 1)]
    cube.from_pydata(unit, [], [tuple(reversed(quad)) for quad in quads])
    cube.materials.append(looks["thing"])
    add("cube", cube, location=(1, 1, 0))
    add("mirrored", cube, location=(3, 1, 0), scale=(-0.5, 1, 1.5))
    slab = bpy.data.meshes.new("slab")
    slab.from_pydata([(0, 0, 0), (2, 0, 0), (2, 1, 0), (1, 1, 0), (1, 2, 0), (0, 2, 0)], [], [(0, 1, 2, 3, 4, 5)])
    slab.materials.append(looks["thing"])
    add("slab", slab, location=(0.5, 0.5, 2.0))
    bpy.ops.export_scene.gltf(filepath=str(folder / "blender.glb"))
    bpy.ops.export_scene.gltf(filepath=str(folder / "blender_draco.glb"), export_draco_mesh_compression_enable=True)
    bpy.ops.wm.usd_export(filepath=str(folder / "blender.usdc"), export_materials=True, triangulate_meshes=False)
    bpy.ops.wm.obj_export(filepath=str(folder / "blender.obj"), export_triangulated_mesh=False)


main(Path(sys.argv[1]).resolve())
