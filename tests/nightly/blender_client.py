"""What Blender makes of a stage or a GLB, and a picture of it. Runs in an environment of its own that has ``bpy``.

    python blender_client.py FILE --facts facts.json [--picture picture.png --eye X Y Z --target X Y Z]

Nothing of lyra-sim or OpenUSD is imported here: Blender brings its own USD, which can't live beside another one.
"""

import argparse
import json
from pathlib import Path

import bpy
from mathutils import Vector

DOME_OF_OURS = 500.0
"""Intensity of the dome of usd_templates/lights.usda; Blender takes intensities as they are, so they are divided by it."""


def load(file: Path) -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    if file.suffix == ".glb":
        done = bpy.ops.import_scene.gltf(filepath=str(file))
    else:
        done = bpy.ops.wm.usd_import(filepath=str(file), light_intensity_scale=1 / (4 * DOME_OF_OURS))
    if done != {"FINISHED"}:
        raise SystemExit(f"Blender ended the import of {file.name} with {done}")


def facts() -> dict[str, object]:
    """Objects with their bounds in Blender's world, materials with their images, units."""
    units = bpy.context.scene.unit_settings
    return {
        "version": bpy.app.version_string,
        "metres_per_unit": units.scale_length,
        "unit_system": units.system,
        "meshes": {thing.name: mesh_facts(thing) for thing in bpy.data.objects if thing.type == "MESH"},
        "lights": {thing.name: [thing.data.type, *thing.matrix_world.translation] for thing in lights()},
        "materials": {material.name: material_facts(material) for material in bpy.data.materials},
    }


def lights() -> list[bpy.types.Object]:
    return [thing for thing in bpy.data.objects if thing.type == "LIGHT"]


def mesh_facts(thing: bpy.types.Object) -> dict[str, object]:
    points = [thing.matrix_world @ vertex.co for vertex in thing.data.vertices]
    return {
        "low": [min(point[axis] for point in points) for axis in range(3)],
        "high": [max(point[axis] for point in points) for axis in range(3)],
        "faces": len(thing.data.polygons),
        "materials": [material.name for material in thing.data.materials],
        "uv_layers": [layer.name for layer in thing.data.uv_layers],
        "colors": [layer.name for layer in thing.data.color_attributes],
    }


def material_facts(material: bpy.types.Material) -> dict[str, object]:
    """The picture or attribute that base colour comes from."""
    nodes = material.node_tree.nodes if material.node_tree else []
    (surface,) = [node for node in nodes if node.type == "BSDF_PRINCIPLED"] or [None]
    links = surface.inputs["Base Color"].links if surface else []
    source = links[0].from_node if links else None
    while source is not None and source.type == "MIX":  # glTF's colour factor
        source = next((slot.links[0].from_node for slot in source.inputs if slot.links), None)
    image = getattr(source, "image", None)
    return {
        "source": source.type if source else None,
        "image_size": list(image.size) if image else None,
        "color_space": image.colorspace_settings.name if image else None,
        "attribute": getattr(source, "attribute_name", None) or getattr(source, "layer_name", None),
    }


def render(picture: Path, eye: Vector, target: Vector) -> None:
    """A small Cycles picture on the CPU, colours as plain sRGB."""
    scene = bpy.context.scene
    camera = bpy.data.objects.new("eye", bpy.data.cameras.new("eye"))
    scene.collection.objects.link(camera)
    camera.location, camera.rotation_euler = eye, (target - eye).to_track_quat("-Z", "Y").to_euler()
    camera.data.angle, camera.data.clip_start = 1.4, 0.02
    scene.camera = camera
    scene.render.engine, scene.cycles.device = "CYCLES", "CPU"
    scene.cycles.samples, scene.cycles.seed, scene.cycles.use_denoising = 24, 0, False
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 240, 180, 100
    scene.render.image_settings.file_format = "PNG"
    scene.render.filepath = str(picture)
    scene.view_settings.view_transform = "Standard"
    bpy.ops.render.render(write_still=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="What Blender makes of a world.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--facts", type=Path, required=True)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--eye", type=float, nargs=3)
    parser.add_argument("--target", type=float, nargs=3)
    options = parser.parse_args()
    load(options.file)
    options.facts.write_text(json.dumps(facts(), indent=1), encoding="utf-8")
    if options.picture:
        render(options.picture, Vector(options.eye), Vector(options.target))


if __name__ == "__main__":
    main()
