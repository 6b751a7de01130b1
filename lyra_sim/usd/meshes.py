"""Triangle meshes as UsdGeom.Mesh, and the visual mesh with one prim per label."""

import numpy as np
from jaxtyping import Float32, Int32, UInt8
from pxr import Sdf, Usd, UsdGeom, UsdShade, Vt

from lyra_sim.conventions import linear_from_srgb
from lyra_sim.resources import resource_dir
from lyra_sim.usd.mesh_parts import OUTER_SHELL, Part
from lyra_sim.usd.stage import new_layer, set_extent, set_label, vec3f_array

COLOR_SPACE = "lin_rec709_scene"
"""Of displayColor: USD takes colours as linear unless told otherwise, and so do renderers that never look at the name."""

_LOOKS = "Looks"
HULL_MATERIALS = "PhysicsMaterials"
"""Scope among the hulls that holds their contact materials."""


def define_mesh(
    stage: Usd.Stage, path: str, vertices: Float32[np.ndarray, "v 3"], faces: Int32[np.ndarray, "f 3"]
) -> UsdGeom.Mesh:
    """Author points, topology and extent of polygons that are never subdivided; right-handed, so outward as wound."""
    mesh = UsdGeom.Mesh.Define(stage, path)
    mesh.CreatePointsAttr(vec3f_array(vertices))
    mesh.CreateFaceVertexCountsAttr(Vt.IntArray.FromNumpy(np.full(len(faces), 3, np.int32)))
    mesh.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(np.ascontiguousarray(faces, np.int32).ravel()))
    mesh.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    set_extent(mesh.GetPrim(), vertices.min(axis=0), vertices.max(axis=0))
    return mesh


def set_normals(mesh: UsdGeom.Mesh, normals: Float32[np.ndarray, "n 3"], interpolation: str) -> None:
    """Author unit normals; ``uniform`` is one a face, ``faceVarying`` one a corner."""
    mesh.CreateNormalsAttr(vec3f_array(normals))
    mesh.SetNormalsInterpolation(interpolation)


def set_vertex_colors(mesh: UsdGeom.Mesh, colors: UInt8[np.ndarray, "v 3"]) -> None:
    """Author displayColor from sRGB, linear and indexed: 8-bit colours repeat so often that indices pay."""
    packed = colors.astype(np.int64) @ [1 << 16, 1 << 8, 1]
    _, first, indices = np.unique(packed, return_index=True, return_inverse=True)
    primvar = mesh.CreateDisplayColorPrimvar(UsdGeom.Tokens.vertex)
    primvar.Set(vec3f_array(linear_from_srgb(colors[first] / 255.0)))
    primvar.SetIndices(Vt.IntArray.FromNumpy(indices.astype(np.int32).ravel()))


def set_uv(mesh: UsdGeom.Mesh, corner_uv: Float32[np.ndarray, "f 3 2"]) -> None:
    """Author texture coordinates a corner, indexed: corners meet in few places of an atlas."""
    values, indices = np.unique(corner_uv.reshape(-1, 2), axis=0, return_inverse=True)
    primvar = UsdGeom.PrimvarsAPI(mesh).CreatePrimvar("st", Sdf.ValueTypeNames.TexCoord2fArray, UsdGeom.Tokens.faceVarying)
    primvar.Set(Vt.Vec2fArray.FromNumpy(np.ascontiguousarray(values, np.float32)))
    primvar.SetIndices(Vt.IntArray.FromNumpy(indices.astype(np.int32).ravel()))


def define_visual_mesh(stage: Usd.Stage, path: str, parts: tuple[Part, ...]) -> None:
    """Author ``<path>/<label>`` for every part: photographed colours per vertex and, where it has one, the photo texture.

    ``unseen`` holds the border of space nobody looked into: it stays visible, grey, so that what a depth camera sees is
    what physics collides with. ``outer_shell`` closes the solid from outside; its purpose is ``guide``, so viewers look
    into the room through it unless guides are switched on, and sensors inside never meet it.

    Args:
        stage: On a layer of :func:`new_geometry_layer`, whose materials are bound here.
        path: Prim path of the group.
        parts: See :func:`lyra_sim.usd.mesh_parts.split_by_label`; those without texture coordinates do without the texture.
    """
    root = UsdGeom.Xform.Define(stage, path).GetPrim()
    looks = {prim.GetName(): UsdShade.Material(prim) for prim in stage.GetPrimAtPath(f"{path}/{_LOOKS}").GetChildren()}
    UsdShade.MaterialBindingAPI.Apply(root).Bind(looks["vertex_colors"])
    Usd.ColorSpaceAPI.Apply(root).CreateColorSpaceNameAttr().Set(COLOR_SPACE)
    for part in parts:
        mesh = define_mesh(stage, f"{path}/{part.name}", part.vertices, part.faces)
        prim = mesh.GetPrim()
        set_normals(mesh, part.corner_normals.reshape(-1, 3), UsdGeom.Tokens.faceVarying)
        set_vertex_colors(mesh, part.colors)
        set_label(prim, "unseen" if part.name == OUTER_SHELL else part.name)
        if part.name == OUTER_SHELL:
            mesh.CreatePurposeAttr(UsdGeom.Tokens.guide)
        elif part.corner_uv is not None and "photo" in looks:
            set_uv(mesh, part.corner_uv)
            UsdShade.MaterialBindingAPI.Apply(prim).Bind(looks["photo"])


def new_geometry_layer(*, visual: str, hulls: str, texture_file: str | None) -> Sdf.Layer:
    """A binary layer that holds only the templates' materials, within what they are bound to, so that payloads bring them.

    Sdf.CopySpec orders fields by the addresses of their names, which differ between processes and would show in the
    bytes of a crate. A trip through text, done here while the layer is small, puts them into one order.

    Args:
        visual: Prim path of the visual mesh; its render materials come to be at ``<visual>/Looks``.
        hulls: Prim path of the hulls; contact materials at ``<hulls>/PhysicsMaterials``.
        texture_file: Asset path of the photo atlas; without one there is no material ``photo``.
    """
    draft, layer = new_layer(".usda"), new_layer(".usdc")
    _copy_template(draft, "looks.usda", f"/{_LOOKS}", f"{visual}/{_LOOKS}")
    _copy_template(draft, "materials.usda", "/HullMaterials", f"{hulls}/{HULL_MATERIALS}")
    if texture_file is None:
        del draft.GetPrimAtPath(f"{visual}/{_LOOKS}").nameChildren["photo"]
    else:
        texture = draft.GetPrimAtPath(f"{visual}/{_LOOKS}/photo/texture")
        Sdf.AttributeSpec(texture, "inputs:file", Sdf.ValueTypeNames.Asset).default = Sdf.AssetPath(texture_file)
    layer.ImportFromString(draft.ExportToString())
    return layer


def _copy_template(draft: Sdf.Layer, file: str, source: str, target: str) -> None:
    """Copy a template's prim to ``target``, below Xforms."""
    template = Sdf.Layer.FindOrOpen(str(resource_dir("usd_templates") / file))
    parent = Sdf.CreatePrimInLayer(draft, Sdf.Path(target).GetParentPath())
    for ancestor in (parent, parent.nameParent):
        ancestor.specifier, ancestor.typeName = Sdf.SpecifierDef, "Xform"
    Sdf.CopySpec(template, source, draft, target)
