"""Triangle meshes as UsdGeom.Mesh, and the visual mesh with one prim per label."""

import numpy as np
from jaxtyping import Float32, Int32, UInt8
from pxr import Sdf, Usd, UsdGeom, UsdShade, Vt

from lyra_sim.conventions import linear_from_srgb
from lyra_sim.data.mesh import TriMesh
from lyra_sim.resources import resource_dir
from lyra_sim.usd.parts import OUTER_SHELL, Part, split_by_label
from lyra_sim.usd.stage import set_extent, set_label, vec3f_array

COLOR_SPACE = "lin_rec709_scene"
"""Of displayColor: USD takes colours as linear unless told otherwise, and so do renderers that never look at the name."""

_LOOKS = "Looks"


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


def define_visual_mesh(stage: Usd.Stage, path: str, mesh: TriMesh, face_labels: UInt8[np.ndarray, "f"]) -> tuple[Part, ...]:
    """Author ``<path>/<label>`` for every label that has faces, bound to a material that shows their photographed colour.

    ``unseen`` holds the border of space nobody looked into: it stays visible, grey, so that what a depth camera sees is
    what physics collides with. ``outer_shell`` closes the solid from outside; its purpose is ``guide``, so viewers look
    into the room through it unless guides are switched on, and sensors inside never meet it.
    """
    root = UsdGeom.Xform.Define(stage, path).GetPrim()
    material = _copy_looks(stage, path)
    UsdShade.MaterialBindingAPI.Apply(root).Bind(material)
    Usd.ColorSpaceAPI.Apply(root).CreateColorSpaceNameAttr().Set(COLOR_SPACE)
    parts = split_by_label(mesh, face_labels)
    for part in parts:
        prim = define_mesh(stage, f"{path}/{part.name}", part.vertices, part.faces)
        set_normals(prim, part.corner_normals.reshape(-1, 3), UsdGeom.Tokens.faceVarying)
        set_vertex_colors(prim, part.colors)
        set_label(prim.GetPrim(), "unseen" if part.name == OUTER_SHELL else part.name)
        if part.name == OUTER_SHELL:
            prim.CreatePurposeAttr(UsdGeom.Tokens.guide)
    return parts


def _copy_looks(stage: Usd.Stage, path: str) -> UsdShade.Material:
    """Copy the template's materials under ``path``, so that a payload of ``path`` brings them along."""
    looks = Sdf.Layer.FindOrOpen(str(resource_dir("usd_templates") / "looks.usda"))
    Sdf.CopySpec(looks, f"/{_LOOKS}", stage.GetRootLayer(), f"{path}/{_LOOKS}")
    return UsdShade.Material.Get(stage, f"{path}/{_LOOKS}/vertex_colors")
