"""The world package: a folder that opens by itself in any USD application.

::

    world.usda             entry: metrics, variants, payload arcs, physics scene, lights
    world_splat.usda       the same with visual=splat
    world_both.usda        the same with visual=both
    world.usdz             optional: world.usda and all it needs in one file
    payload/geometry.usdc  /Geometry/{visual_mesh,collision_hulls,collision_trimesh}
    payload/texture.png    photo atlas of the visual mesh
    payload/splat.usdc     /Splat/gaussians; above 4 GiB /Splat/gaussians_000 …, each in a layer splat_000.usdc …
    occupancy_map/         map.yaml and map.png (nav2, MobilityGen)
    cameras.json           where the views stood that it was built from, and those that were held out
    manifest.json          spawn poses, probes, routes, floor, scale with its source, digests
"""

from pathlib import Path

import numpy as np
from PIL import Image
from pxr import Sdf, Usd, UsdGeom

from lyra_sim.data.colliders import Colliders
from lyra_sim.data.mesh import Texture, TriMesh
from lyra_sim.data.navigation import Navigation
from lyra_sim.data.splats import Splats
from lyra_sim.data.video import WalkFacts
from lyra_sim.data.world import MetricWorld
from lyra_sim.usd import world as entry
from lyra_sim.usd.colliders import define_hulls, define_trimesh
from lyra_sim.usd.degeneracies import with_parted_vertices, without_caps, without_needles
from lyra_sim.usd.lamps import lamp_places
from lyra_sim.usd.manifest import provenance, write_manifest
from lyra_sim.usd.mesh_parts import split_by_label
from lyra_sim.usd.meshes import define_visual_mesh, new_geometry_layer
from lyra_sim.usd.partition import MOST_LAYER_BYTES, partition, splat_bytes
from lyra_sim.usd.published.cameras import write_cameras
from lyra_sim.usd.splats import GAUSSIANS, define_splats
from lyra_sim.usd.stage import new_layer, save
from lyra_sim.usd.usdz import write_usdz

TEXTURE_FILE = "texture.png"
"""Beside the geometry layer."""

HALF_SPLAT_LAYER = "payload/splat_half.usdc"
"""Optional smaller twin of the splat layer; no variant loads it, because not every reader takes half floats."""

WRAPPERS = {
    "splat": "world.usda with visual=splat. Needs a renderer of ParticleField3DGaussianSplat (Isaac Sim 6 or later).",
    "both": "world.usda with visual=both: splats over the mesh: looks of the one, shadows and depth of the other.",
}
"""Choice of ``visual`` that a wrapper layer opens with, and what it tells about itself."""


def write_package(
    folder: Path,
    *,
    name: str,
    world: MetricWorld,
    mesh: TriMesh,
    colliders: Colliders,
    navigation: Navigation,
    texture: Texture | None = None,
    half_splats: bool = False,
    usdz: bool = False,
    drawn: WalkFacts | None = None,
) -> None:
    """Write the package into ``folder``. Equal inputs give equal bytes, file by file.

    Args:
        folder: Empty or absent.
        name: Of the scene; travels in customLayerData and the manifest.
        world: Splats, scale and ``world_from_input``; metres, z-up.
        mesh: Closed surface in the same frame.
        colliders: Hulls, and one label for each face of ``mesh``.
        navigation: Map, spawn poses and routes.
        texture: Photo atlas over faces of ``mesh``; without one, vertex colours are all there is.
        half_splats: Also write the splats in half precision.
        usdz: Also write the world as one file, which takes its size once more.
        drawn: Facts of the video whose frames were added, for the record: who drew it, and under which licence.
    """
    write_geometry(folder / entry.GEOMETRY_LAYER, mesh=mesh, colliders=colliders, texture=texture)
    write_splats(folder / entry.SPLAT_LAYER, world.splats)
    if half_splats:
        write_splats(folder / HALF_SPLAT_LAYER, world.splats, half=True)
    facts = {"lyra_sim": {"name": name, **provenance(world, drawn)}}
    entry.write_world(folder / "world.usda", facts=facts, lamps=lamp_places(mesh, navigation))
    for visual, documentation in WRAPPERS.items():
        entry.write_wrapper(folder / f"world_{visual}.usda", visual=visual, documentation=documentation)
    if usdz:
        write_usdz(folder / "world.usdz", folder / "world.usda")
    navigation.occupancy.save(folder / "occupancy_map")
    write_cameras(folder, world.views.names, world.cameras, world.held_out)
    write_manifest(folder, name=name, world=world, mesh=mesh, colliders=colliders, navigation=navigation, drawn=drawn)


def write_geometry(path: Path, *, mesh: TriMesh, colliders: Colliders, texture: Texture | None = None) -> None:
    """Write the layer with everything made of triangles, and the atlas beside it; the default prim shows the visual mesh."""
    corner_uv = np.full((len(mesh.faces), 3, 2), np.nan, np.float32)
    if texture is not None:
        corner_uv[texture.face_index] = texture.uv
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(texture.image).save(path.parent / TEXTURE_FILE, compress_level=6)
    mesh, face_labels, corner_uv = without_needles(with_parted_vertices(mesh), colliders.face_labels, corner_uv)
    mesh, face_labels, corner_uv = without_caps(mesh, face_labels, corner_uv)
    layer = new_geometry_layer(
        visual=entry.VISUAL_MESH, hulls=entry.COLLISION_HULLS, texture_file=f"./{TEXTURE_FILE}" if texture else None
    )
    stage = Usd.Stage.Open(layer)
    stage.SetDefaultPrim(UsdGeom.Xform.Define(stage, "/Geometry").GetPrim())
    parts = split_by_label(mesh, face_labels, corner_uv)
    define_visual_mesh(stage, entry.VISUAL_MESH, parts)
    define_hulls(stage, entry.COLLISION_HULLS, colliders)
    define_trimesh(stage, entry.COLLISION_TRIMESH, mesh)
    save(layer, path)


def write_splats(path: Path, splats: Splats, *, half: bool = False, most_layer_bytes: int = MOST_LAYER_BYTES) -> None:
    """Write a layer with all splats below ``/Splat``, an Xform, so that they can be moved.

    Where one layer would exceed ``most_layer_bytes``, each part becomes a field in a layer of its own beside it, and the
    layer at ``path`` brings them together.
    """
    parts = partition(splats, max(1, most_layer_bytes // splat_bytes(splats, half=half)))
    if len(parts) == 1:
        _write_field(path, splats, GAUSSIANS, half=half)
        return
    whole = new_layer(path.suffix)
    root = Sdf.CreatePrimInLayer(whole, entry.SPLAT_ROOT)
    root.specifier, root.typeName, whole.defaultPrim = Sdf.SpecifierDef, "Xform", root.name
    for index, part in enumerate(parts):
        file, name = f"{path.stem}_{index:03d}{path.suffix}", f"{GAUSSIANS}_{index:03d}"
        _write_field(path.parent / file, part, name, half=half)
        field = Sdf.PrimSpec(root, name, Sdf.SpecifierDef)
        field.referenceList.Prepend(Sdf.Reference(f"./{file}", f"{entry.SPLAT_ROOT}/{name}"))
    save(whole, path)


def _write_field(path: Path, splats: Splats, name: str, *, half: bool) -> None:
    """Write a layer with the one field ``/Splat/<name>``."""
    stage = Usd.Stage.Open(new_layer(path.suffix))
    stage.SetDefaultPrim(UsdGeom.Xform.Define(stage, entry.SPLAT_ROOT).GetPrim())
    define_splats(stage, f"{entry.SPLAT_ROOT}/{name}", splats, half=half)
    save(stage.GetRootLayer(), path)
