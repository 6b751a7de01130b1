"""Base colours of anybody's USD materials: UsdPreviewSurface, the constants and textures of MDL's OmniPBR and MaterialX."""

import io
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64, UInt8
from PIL import Image

from lyra_sim.capture.survey.painting import reduced

COLOURS = ("diffuseColor", "diffuse_color_constant", "diffuse_reflection_color", "base_color", "baseColor", "diffuse_tint")
TEXTURES = ("diffuse_texture", "base_color_texture", "diffuse_reflection_color_image", "albedo_texture")
CONTEXTS = ("", "mdl", "mtlx")
"""Render contexts whose surface is looked at, the universal one first."""
DEFAULT_UV = "st"
MOST_LINKS = 8
"""Shaders between a surface and its texture coordinates. Convention."""


@dataclass(frozen=True, kw_only=True)
class UsdLook:
    """How a bound material colours a surface; all None where nothing is bound or understood."""

    linear: Float64[np.ndarray, "3"] | None = None
    image: UInt8[np.ndarray, "h w 3"] | None = None
    uv_name: str = DEFAULT_UV
    uv_from_stored: Float64[np.ndarray, "2 3"] | None = None
    """Of a UsdTransform2d, v up."""
    colour_name: str | None = None
    """A primvar that the material reads its colour from."""


class UsdLooks:
    """Materials of one stage, each looked at once."""

    def __init__(self, time: Any) -> None:
        self._time = time
        self._looks: dict[str, UsdLook] = {}
        self._images: dict[str, UInt8[np.ndarray, "h w 3"] | None] = {}
        self.unread_images: list[str] = []
        self.unread_materials: set[str] = set()
        self.taken: set[str] = set()

    def of(self, prim: Any) -> UsdLook:
        """The look that is bound to a prim or a GeomSubset."""
        from pxr import UsdShade

        material = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial()[0]
        if not material:
            return UsdLook()
        name = str(material.GetPath())
        if name not in self._looks:
            found = self._read(material)
            (self.taken.add if found is not None else self.unread_materials.add)(name)
            self._looks[name] = found or UsdLook()
        return self._looks[name]

    def _read(self, material: Any) -> UsdLook | None:
        """None where the material says a colour in a way that isn't known."""
        for context in CONTEXTS:
            shader = material.ComputeSurfaceSource(context)[0]
            if not shader:
                continue
            for name in TEXTURES:
                file = shader.GetInput(name)
                asset = file.Get(self._time) if file else None
                if asset is not None and str(getattr(asset, "path", "")):
                    return UsdLook(image=self._asset(asset))
            for name in COLOURS:
                found = shader.GetInput(name)
                if found:
                    return self._of_input(found)
            if shader.GetIdAttr().Get() == "UsdPreviewSurface":
                return UsdLook(linear=np.full(3, 0.18))  # its diffuseColor where none is written
        return None

    def _of_input(self, diffuse: Any) -> UsdLook | None:
        from pxr import UsdShade

        sources = diffuse.GetValueProducingAttributes()
        if not sources:
            return None
        value = sources[0].Get(self._time)
        producer = UsdShade.Shader(sources[0].GetPrim())
        kind = str(producer.GetIdAttr().Get() or "") if producer else ""
        if UsdShade.Utils.GetType(sources[0].GetName()) == UsdShade.AttributeType.Input or not kind:
            return UsdLook(linear=np.array(value, np.float64)) if value is not None and len(value) == 3 else None
        if kind.startswith("UsdPrimvarReader_float3") or kind.startswith("UsdPrimvarReader_float4"):
            name = producer.GetInput("varname")
            return UsdLook(colour_name=str(name.Get(self._time)) if name else "displayColor")
        file = producer.GetInput("file")
        asset = file.Get(self._time) if file else None
        if asset is None:
            return None
        uv_name, change = self._coordinates(producer)
        return UsdLook(image=self._asset(asset), uv_name=uv_name, uv_from_stored=change)

    def _coordinates(self, texture: Any) -> tuple[str, Float64[np.ndarray, "2 3"] | None]:
        """Name of the primvar that a texture is laid by, and what is done to it on the way."""
        from pxr import UsdShade

        change: np.ndarray | None = None
        port = texture.GetInput("st")
        for _ in range(MOST_LINKS):
            sources = port.GetValueProducingAttributes() if port else []
            node = UsdShade.Shader(sources[0].GetPrim()) if sources else None
            kind = str(node.GetIdAttr().Get() or "") if node else ""
            if node and kind.startswith("UsdPrimvarReader"):
                name = node.GetInput("varname")
                values = name.GetValueProducingAttributes() if name else []
                return str(values[0].Get(self._time) or DEFAULT_UV) if values else DEFAULT_UV, change
            if not node or kind != "UsdTransform2d":
                break
            here = self._transform(node)
            if change is None:
                change = here
            else:  # the outer change is met first
                change = np.column_stack([change[:, :2] @ here[:, :2], change[:, :2] @ here[:, 2] + change[:, 2]])
            port = node.GetInput("in")
        return DEFAULT_UV, change

    def _transform(self, node: Any) -> Float64[np.ndarray, "2 3"]:
        def value(name: str, default: Any) -> Any:
            port = node.GetInput(name)
            held = port.Get(self._time) if port else None
            return default if held is None else held

        angle = np.radians(float(value("rotation", 0.0)))
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        scale, move = np.array(value("scale", (1, 1)), np.float64), np.array(value("translation", (0, 0)), np.float64)
        return np.column_stack([turn * scale, move])

    def _asset(self, asset: Any) -> UInt8[np.ndarray, "h w 3"] | None:
        name = asset.resolvedPath or asset.path
        if name not in self._images:
            self._images[name] = _image(name)
            if self._images[name] is None:
                self.unread_images.append(str(asset.path)[:80])
        return self._images[name]


def _image(name: str) -> UInt8[np.ndarray, "h w 3"] | None:
    """Pixels of an image asset, also of one inside a package; None where it can't be had: colours are no geometry."""
    from pxr import Ar

    asset = Ar.GetResolver().OpenAsset(Ar.ResolvedPath(name))
    if not asset:
        return None
    try:
        with Image.open(io.BytesIO(bytes(asset.GetBuffer()))) as image:
            return reduced(image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def subsets_of(prim: Any, face_count: int, time: Any, odd: Counter[str]) -> list[tuple[Any, Int64[np.ndarray, "n"]]]:
    """Material subsets of a mesh: the prim that a material is bound to, and its faces."""
    from pxr import UsdGeom, UsdShade

    found = []
    taken = np.zeros(face_count, bool)
    for subset in UsdShade.MaterialBindingAPI(prim).GetMaterialBindSubsets():
        if subset.GetElementTypeAttr().Get(time) != UsdGeom.Tokens.face:
            odd["GeomSubsets not of faces"] += 1
            continue
        faces = np.array(subset.GetIndicesAttr().Get(time) or [], np.int64)
        inside = (faces >= 0) & (faces < face_count)
        odd["faces of GeomSubsets that aren't there"] += int((~inside).sum())
        faces = np.unique(faces[inside])
        odd["faces in two GeomSubsets"] += int(taken[faces].sum())
        faces = faces[~taken[faces]]
        taken[faces] = True
        found.append((subset.GetPrim(), faces))
    return found
