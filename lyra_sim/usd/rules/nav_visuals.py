"""Nav-Environment rules NE.2xx (meshes) and NE.3xx (splats): arrays that are whole, finite and fit together."""

from collections.abc import Iterator

import numpy as np
from pxr import Usd, UsdGeom, UsdPhysics, UsdShade

from lyra_sim.usd.rules.stage_view import Finding, View, numpy_of
from lyra_sim.usd.stage import label_of

_COEFFICIENTS = "radiance:sphericalHarmonicsCoefficients"
_COLOR_INPUTS = ("diffuseColor", "emissiveColor", "specularColor")
_DATA_INPUTS = ("normal", "roughness", "metallic", "occlusion", "displacement")
_EIGHT_BIT = (".png", ".jpg", ".jpeg", ".bmp", ".tga", ".webp")
"""Endings of pictures that hold display-referred colours where they hold colours at all."""
_PER_SPLAT = ("scales", "orientations", "opacities")


def labels(view: View) -> Iterator[Finding]:
    for mesh in view.meshes:
        if not mesh.GetPrim().HasAPI(UsdPhysics.CollisionAPI) and label_of(mesh.GetPrim()) is None:
            yield (
                str(mesh.GetPath()),
                "a visual mesh without a semantic class label: segmentation sensors return nothing for it",
            )


def extents(view: View) -> Iterator[Finding]:
    for prim in view.prims:
        if not (prim.IsA(UsdGeom.Mesh) or prim in view.splat_fields):
            continue
        points = numpy_of(prim.GetAttribute("points" if prim.IsA(UsdGeom.Mesh) else "positions")).reshape(-1, 3)
        attribute = UsdGeom.Boundable(prim).GetExtentAttr()
        if not attribute.HasAuthoredValue():
            yield str(prim.GetPath()), "no extent is authored"
        elif len(points) and np.isfinite(points).all():
            low, high = numpy_of(attribute).reshape(2, 3)
            slack = 1e-5 * max(1.0, float(np.abs(points).max()))
            if (points.min(axis=0) < low - slack).any() or (points.max(axis=0) > high + slack).any():
                yield str(prim.GetPath()), "points lie outside the authored extent and would be culled"


def finite_points(view: View) -> Iterator[Finding]:
    for mesh in view.meshes:
        points = numpy_of(mesh.GetPointsAttr())
        if not np.isfinite(points).all():
            yield str(mesh.GetPath()), f"point {int(np.argwhere(~np.isfinite(points))[0][0])} is not finite"


def topology(view: View) -> Iterator[Finding]:
    for mesh in view.meshes:
        counts, indices = numpy_of(mesh.GetFaceVertexCountsAttr()), numpy_of(mesh.GetFaceVertexIndicesAttr())
        point_count = len(numpy_of(mesh.GetPointsAttr()))
        if len(counts) == 0 or point_count == 0:
            yield str(mesh.GetPath()), "the mesh is empty"
        elif counts.sum() != len(indices):
            yield str(mesh.GetPath()), f"faceVertexCounts sum to {counts.sum()} but there are {len(indices)} indices"
        elif counts.min() < 3 or indices.min() < 0 or indices.max() >= point_count:
            yield str(mesh.GetPath()), f"a face has fewer than 3 corners or an index outside 0..{point_count - 1}"


def normals(view: View) -> Iterator[Finding]:
    for mesh in view.meshes:
        primvar = UsdGeom.PrimvarsAPI(mesh).GetPrimvar("normals")
        from_primvar = bool(primvar and primvar.HasAuthoredValue())
        values = np.array(primvar.ComputeFlattened()) if from_primvar else numpy_of(mesh.GetNormalsAttr())
        interpolation = str(primvar.GetInterpolation() if from_primvar else mesh.GetNormalsInterpolation())
        wanted = _value_count(mesh, interpolation)
        if len(values) == 0:
            yield str(mesh.GetPath()), "no normals are authored"
        elif len(values) != wanted:
            yield str(mesh.GetPath()), f"{len(values)} normals for {interpolation} interpolation, expected {wanted}"
        elif not np.isfinite(values).all() or np.abs(np.linalg.norm(values, axis=1) - 1).max() > 1e-3:
            yield str(mesh.GetPath()), "a normal isn't finite or not of unit length"


def primvars(view: View) -> Iterator[Finding]:
    for mesh in view.meshes:
        for primvar in UsdGeom.PrimvarsAPI(mesh).GetPrimvarsWithAuthoredValues():
            flat = primvar.ComputeFlattened()
            wanted = _value_count(mesh, str(primvar.GetInterpolation())) * primvar.GetElementSize()
            if flat is None or (hasattr(flat, "__len__") and len(flat) != wanted):
                found = "unreadable (indices out of range?)" if flat is None else f"{len(flat)} values"
                yield (
                    str(mesh.GetPath()),
                    f"{primvar.GetName()}: {found} for {primvar.GetInterpolation()} interpolation, expected {wanted}",
                )


def polygons(view: View) -> Iterator[Finding]:
    for mesh in view.meshes:
        scheme = mesh.GetSubdivisionSchemeAttr().Get()
        if scheme != UsdGeom.Tokens.none:
            yield str(mesh.GetPath()), f"subdivisionScheme is {scheme}: renderers would round the room off"


def materials(view: View) -> Iterator[Finding]:
    shown = (UsdGeom.Tokens.default_, UsdGeom.Tokens.render)
    for mesh in view.meshes:
        if mesh.ComputePurpose() in shown and not all(map(_has_surface, _bindable(mesh))):
            yield str(mesh.GetPath()), "no material with a surface is bound: renderers such as RTX show it plain grey"


def texture_color_spaces(view: View) -> Iterator[Finding]:
    for prim in view.prims:
        shader = UsdShade.Shader(prim) if prim.IsA(UsdShade.Shader) else None
        if not shader or shader.GetShaderId() != "UsdPreviewSurface":
            continue
        for name in (*_COLOR_INPUTS, *_DATA_INPUTS):
            source = _source(shader, name)
            if not source or source.GetShaderId() != "UsdUVTexture":
                continue
            file, space = source.GetInput("file"), source.GetInput("sourceColorSpace")
            if not file or not str(file.Get() or "").strip("@").lower().endswith(_EIGHT_BIT):
                continue
            read_as = str(space.Get()) if space and space.Get() else "auto"
            wrong = "raw" if name in _COLOR_INPUTS else "sRGB"
            if read_as == wrong:
                yield (
                    str(source.GetPath()),
                    f"the texture feeds {name} and is read as {read_as}: colours come out too bright"
                    if name in _COLOR_INPUTS
                    else f"the texture feeds {name} and is read as {read_as}: its numbers are bent as if they were colours",
                )


def splat_color_space(view: View) -> Iterator[Finding]:
    for prim in view.splat_fields:
        if not any(prefix.GetAttribute("colorSpace:name").Get() for prefix in _with_ancestors(prim)):
            yield str(prim.GetPath()), "no colour space is stated: colours of photos are then taken as linear and washed out"


def splat_lengths(view: View) -> Iterator[Finding]:
    for prim in view.splat_fields:
        count = len(_values(prim, "positions"))
        if count == 0:
            yield str(prim.GetPath()), "no positions"
        for name in _PER_SPLAT:
            found = len(_values(prim, name))
            if found != count:
                yield str(prim.GetPath()), f"{name} has {found} values for {count} splats and would be ignored"
        per_splat = (_degree(prim) + 1) ** 2
        found = len(_values(prim, _COEFFICIENTS))
        if found != count * per_splat:
            yield str(prim.GetPath()), f"{found} SH coefficients, expected {count} x {per_splat}"


def splat_finite(view: View) -> Iterator[Finding]:
    for prim in view.splat_fields:
        for name in ("positions", *_PER_SPLAT, _COEFFICIENTS):
            values = _values(prim, name)
            if not np.isfinite(values).all():
                yield str(prim.GetPath()), f"{name}: value {int(np.argwhere(~np.isfinite(values))[0][0])} is not finite"


def splat_opacities(view: View) -> Iterator[Finding]:
    for prim in view.splat_fields:
        values = _values(prim, "opacities")
        if len(values) and (np.nanmin(values) < 0 or np.nanmax(values) > 1):
            span = f"{np.nanmin(values):.3g} to {np.nanmax(values):.3g}"
            yield (
                str(prim.GetPath()),
                f"opacities run from {span}, not within 0..1; a PLY's logits were written without the sigmoid",
            )


def splat_scales(view: View) -> Iterator[Finding]:
    for prim in view.splat_fields:
        values = _values(prim, "scales")
        if len(values) and np.nanmin(values) <= 0:
            yield (
                str(prim.GetPath()),
                f"a scale is {np.nanmin(values):.3g}, not > 0; a PLY's logarithms were written without exp",
            )


def splat_quats(view: View) -> Iterator[Finding]:
    for prim in view.splat_fields:
        values = _values(prim, "orientations")
        if len(values):
            off = np.abs(np.linalg.norm(values.reshape(len(values), -1), axis=1) - 1)
            if np.nanmax(off) > 2e-3:
                yield str(prim.GetPath()), f"orientation {int(np.nanargmax(off))} is off unit length by {np.nanmax(off):.3g}"


def splat_degree(view: View) -> Iterator[Finding]:
    for prim in view.splat_fields:
        if _degree(prim) not in (0, 3):
            yield str(prim.GetPath()), f"SH degree {_degree(prim)}; renderers agree on 0 and 3 only, pad with zeros"


def _bindable(mesh: UsdGeom.Mesh) -> list[Usd.Prim]:
    """What materials are bound to: the mesh's material subsets where it has some, else itself."""
    subsets = UsdShade.MaterialBindingAPI(mesh).GetMaterialBindSubsets()
    return [subset.GetPrim() for subset in subsets] or [mesh.GetPrim()]


def _has_surface(prim: Usd.Prim) -> bool:
    material, _ = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial()
    return bool(material) and any(output.HasConnectedSource() for output in material.GetSurfaceOutputs())


def _with_ancestors(prim: Usd.Prim) -> Iterator[Usd.Prim]:
    """A colour space is inherited. Not asked of OpenUSD, which takes names that it wasn't built with for none."""
    while prim and not prim.IsPseudoRoot():
        yield prim
        prim = prim.GetParent()


def _source(shader: UsdShade.Shader, name: str) -> UsdShade.Shader | None:
    """The shader that an input is connected to."""
    connected = shader.GetInput(name)
    for source in connected.GetConnectedSources()[0] if connected else ():
        return UsdShade.Shader(source.source.GetPrim())
    return None


def _values(prim: Usd.Prim, name: str) -> np.ndarray:
    """The float attribute, or its half twin where only that is authored, as the schema resolves them."""
    values = numpy_of(prim.GetAttribute(name))
    return values if len(values) else numpy_of(prim.GetAttribute(name + "h"))


def _degree(prim: Usd.Prim) -> int:
    return int(prim.GetAttribute("radiance:sphericalHarmonicsDegree").Get())


def _value_count(mesh: UsdGeom.Mesh, interpolation: str) -> int:
    """Values that an interpolation wants on this mesh."""
    match interpolation:
        case "vertex" | "varying":
            return len(numpy_of(mesh.GetPointsAttr()))
        case "uniform":
            return len(numpy_of(mesh.GetFaceVertexCountsAttr()))
        case "faceVarying":
            return len(numpy_of(mesh.GetFaceVertexIndicesAttr()))
        case _:
            return 1
