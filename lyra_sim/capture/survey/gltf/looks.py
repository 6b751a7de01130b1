"""Base colours of glTF materials: factor, image, and how texture coordinates reach it."""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, UInt8
from PIL import Image

from lyra_sim.capture.survey.gltf.accessors import Accessors
from lyra_sim.capture.survey.gltf.extensions import SEE_THROUGH
from lyra_sim.capture.survey.gltf.file import GltfFile
from lyra_sim.capture.survey.painting import reduced
from lyra_sim.errors import InputError

SOURCES = ("EXT_texture_webp", "EXT_texture_avif", "MSFT_texture_dds")
"""Extensions of a texture that name an image in place of its ``source``."""
REPEAT = 10497
"""glTF's code of an image that repeats. Convention."""
OTHER_TEXTURES = ("normalTexture", "occlusionTexture", "emissiveTexture")
KTX2 = b"\xabKTX 20\xbb"


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a primitive's surface looks where no light falls."""

    linear: Float64[np.ndarray, "3"] | None
    """Base colour factor, linear Rec. 709; None: no material at all."""
    image: UInt8[np.ndarray, "h w 3"] | None = None
    uv_set: int = 0
    """Which TEXCOORD the image is laid by."""
    uv_from_stored: Float64[np.ndarray, "2 3"] | None = None
    """KHR_texture_transform, on coordinates as the file has them (v down)."""
    wraps: bool = True
    """False: beyond the image its edge or its mirror image is meant."""


class Looks:
    """Materials of one file; each image is decoded once, and what can't be is counted."""

    def __init__(self, file: GltfFile, accessors: Accessors) -> None:
        self._file, self._accessors = file, accessors
        self._looks: dict[Any, Look] = {}
        self._images: dict[int, UInt8[np.ndarray, "h w 3"] | None] = {}
        self.unread: list[str] = []
        """What is wrong with each image that a material needs and doesn't get."""
        self.taken: set[int] = set()
        """Textures that colour something."""
        self.see_through: set[int] = set()
        """Materials whose surface lets light pass."""

    def of(self, index: Any) -> Look:
        """The look of a material; of none where ``index`` is None."""
        if index is None:
            return Look(linear=None)
        if index not in self._looks:
            self._looks[index] = self._read(self._file.item("materials", index, named_by="a primitive"), index)
        return self._looks[index]

    def _read(self, material: dict[str, Any], index: int) -> Look:
        file, where = self._file, f"materials[{index}]"
        if material.get("alphaMode") == "BLEND" or SEE_THROUGH & set(file.child(material, "extensions", where)):
            self.see_through.add(index)
        old = file.extension(material, "KHR_materials_pbrSpecularGlossiness", where)
        told = file.child(material, "pbrMetallicRoughness", where) if old is None else old
        factor, texture = ("baseColorFactor", "baseColorTexture") if old is None else ("diffuseFactor", "diffuseTexture")
        linear = np.array(file.numbers(told, factor, where, (1.0, 1.0, 1.0, 1.0))[:3])
        if texture not in told:
            return Look(linear=linear)
        info = file.child(told, texture, where)
        image, wraps = self._texture(info.get("index"), where)
        change = file.extension(info, "KHR_texture_transform", where)
        uv_set = file.whole(info, "texCoord", where, default=0)
        if change is None:
            return Look(linear=linear, image=image, uv_set=uv_set, wraps=wraps)
        return Look(
            linear=linear,
            image=image,
            uv_set=file.whole(change, "texCoord", where, default=uv_set),
            uv_from_stored=_transform(file, change, where),
            wraps=wraps,
        )

    def _texture(self, index: Any, where: str) -> tuple[UInt8[np.ndarray, "h w 3"] | None, bool]:
        texture = self._file.item("textures", index, named_by=where)
        where = f"textures[{index}]"
        told = self._file.child(texture, "extensions", where)
        source = texture.get("source")
        for name in SOURCES:
            if name in told:
                source = self._file.child(told, name, where).get("source", source)
        sampler = self._file.item("samplers", texture["sampler"], named_by=where) if "sampler" in texture else {}
        wraps = all(sampler.get(side, REPEAT) == REPEAT for side in ("wrapS", "wrapT"))
        if source is None:
            why = "KHR_texture_basisu isn't read" if "KHR_texture_basisu" in told else "it names no image"
            self.unread.append(f"{where}: {why}")
            return None, wraps
        if source not in self._images:
            self._images[source] = self._image(source, where)
        if self._images[source] is not None:
            self.taken.add(index)
        return self._images[source], wraps

    def _image(self, index: Any, where: str) -> UInt8[np.ndarray, "h w 3"] | None:
        entry = self._file.item("images", index, named_by=where)
        where = f"images[{index}]"
        try:
            data = (
                self._accessors.view(entry["bufferView"], named_by=where)
                if "bufferView" in entry
                else self._file.data_of(entry.get("uri"), named_by=where)
            )
        except FileNotFoundError as error:
            self.unread.append(f"{where}: the file '{error}' is missing")
            return None
        if bytes(data[: len(KTX2)]) == KTX2:
            self.unread.append(f"{where}: it is KTX 2, which isn't read")
            return None
        try:
            with Image.open(io.BytesIO(data)) as image:
                return reduced(image)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            self.unread.append(f"{where}: {type(error).__name__}")
            return None
        except InputError as error:
            raise InputError(str(self._file.path), f"{where}: {error.found}", expected=error.expected) from error


def _transform(file: GltfFile, told: dict[str, Any], where: str) -> Float64[np.ndarray, "2 3"]:
    """Scale, turn, shift. Positive angles turn counter-clockwise as seen in the image, where v points down.

    The listing in the extension's text turns the other way (its issue 1563); its prose, its test model, Blender, Babylon
    and three.js turn as here.
    """
    scale = np.array(file.numbers(told, "scale", where, (1.0, 1.0)))
    offset = np.array(file.numbers(told, "offset", where, (0.0, 0.0)))
    angle = file.numbers({"rotation": [told.get("rotation", 0.0)]}, "rotation", where, (0.0,))[0]
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array([[cosine, sine], [-sine, cosine]])
    return np.concatenate([turn * scale, offset[:, None]], axis=1)
