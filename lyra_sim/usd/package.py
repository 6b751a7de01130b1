"""The world package: a folder that opens by itself in any USD application.

::

    world.usda             entry: metrics, variants, payload arcs, physics scene, lights
    world_splat.usda       the same with visual=splat
    payload/geometry.usdc  /Geometry/{visual_mesh,collision_hulls,collision_trimesh}
    payload/texture.png    photo atlas of the visual mesh
    payload/splat.usdc     /Splat/gaussians
    occupancy_map/         map.yaml and map.png (nav2, MobilityGen)
    manifest.json          spawn poses, routes, scale with its source, digests
"""

from pathlib import Path

import numpy as np
from PIL import Image
from pxr import Usd, UsdGeom

from lyra_sim.data.colliders import Colliders
from lyra_sim.data.mesh import TriMesh
from lyra_sim.data.navigation import Navigation
from lyra_sim.data.splats import Splats
from lyra_sim.data.texture import Texture
from lyra_sim.data.world import MetricWorld
from lyra_sim.usd import world as entry
from lyra_sim.usd.degeneracies import with_parted_vertices, without_caps
from lyra_sim.usd.geometry import define_visual_mesh, new_geometry_layer
from lyra_sim.usd.manifest import provenance, write_manifest
from lyra_sim.usd.parts import split_by_label
from lyra_sim.usd.physics import define_hulls, define_trimesh
from lyra_sim.usd.splats import GAUSSIANS, define_splats
from lyra_sim.usd.stage import new_layer, save

TEXTURE_FILE = "texture.png"
"""Beside the geometry layer."""

HALF_SPLAT_LAYER = "payload/splat_half.usdc"
"""Optional smaller twin of the splat layer; no variant loads it, because not every reader takes half floats."""


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
    """
    write_geometry(folder / entry.GEOMETRY_LAYER, mesh=mesh, colliders=colliders, texture=texture)
    write_splats(folder / entry.SPLAT_LAYER, world.splats)
    if half_splats:
        write_splats(folder / HALF_SPLAT_LAYER, world.splats, half=True)
    entry.write_world(folder / "world.usda", facts={"lyra_sim": {"name": name, **provenance(world)}})
    entry.write_splat_wrapper(folder / "world_splat.usda")
    navigation.occupancy.save(folder / "occupancy_map")
    write_manifest(folder, name=name, world=world, mesh=mesh, colliders=colliders, navigation=navigation)


def write_geometry(path: Path, *, mesh: TriMesh, colliders: Colliders, texture: Texture | None = None) -> None:
    """Write the layer with everything made of triangles, and the atlas beside it; the default prim shows the visual mesh."""
    corner_uv = np.full((len(mesh.faces), 3, 2), np.nan, np.float32)
    if texture is not None:
        corner_uv[texture.face_index] = texture.uv
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(texture.image).save(path.parent / TEXTURE_FILE, compress_level=6)
    mesh, face_labels, corner_uv = without_caps(with_parted_vertices(mesh), colliders.face_labels, corner_uv)
    layer = new_geometry_layer(entry.VISUAL_MESH, f"./{TEXTURE_FILE}" if texture else None)
    stage = Usd.Stage.Open(layer)
    stage.SetDefaultPrim(UsdGeom.Xform.Define(stage, "/Geometry").GetPrim())
    parts = split_by_label(mesh, face_labels, corner_uv)
    define_visual_mesh(stage, entry.VISUAL_MESH, parts)
    define_hulls(stage, entry.COLLISION_HULLS, colliders)
    define_trimesh(stage, entry.COLLISION_TRIMESH, mesh)
    save(layer, path)


def write_splats(path: Path, splats: Splats, *, half: bool = False) -> None:
    """Write a layer with one splat field; the field sits under an Xform so that it can be moved."""
    stage = Usd.Stage.Open(new_layer(path.suffix))
    stage.SetDefaultPrim(UsdGeom.Xform.Define(stage, entry.SPLAT_ROOT).GetPrim())
    define_splats(stage, f"{entry.SPLAT_ROOT}/{GAUSSIANS}", splats, half=half)
    save(stage.GetRootLayer(), path)
