"""The meshes of anybody's USD stage with their colours, as one surface in the stage's own frame and unit."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lyra_sim.capture.survey.mesh_files import USD_SUFFIXES, ReadMesh, check_file, finished, painted, reduced
from lyra_sim.conventions import srgb_bytes_from_linear
from lyra_sim.data.painted_mesh import PaintedMesh
from lyra_sim.errors import InputError

SHOWN = ("default", "render")
"""Purposes whose geometry counts; guides and proxies are stand-ins."""


def read_usd_mesh(path: Path) -> ReadMesh:
    """All polygon meshes that are shown when the stage is opened, instances and references included.

    Raises:
        InputError: The file is missing or broken, or holds no triangle.
    """
    from pxr import Tf, Usd, UsdGeom

    check_file(path, USD_SUFFIXES, expected="a USD stage")
    try:
        stage = Usd.Stage.Open(str(path))
    except Tf.ErrorException as error:
        raise InputError(
            str(path),
            "it can't be opened as a USD stage",
            expected="usd, usda, usdc or usdz",
            likely="The file is truncated or of another type.",
        ) from error
    cache = UsdGeom.XformCache()
    images: dict[str, np.ndarray | None] = {}
    parts: list[PaintedMesh] = []
    dropped = 0
    for prim in stage.Traverse(Usd.TraverseInstanceProxies(Usd.PrimDefaultPredicate)):
        if prim.IsA(UsdGeom.PointInstancer):
            raise InputError(
                str(path),
                f"a PointInstancer, {prim.GetPath()}",
                expected="meshes, references and instances of prims",
                next_step="Make its instances real in the tool it comes from.",
            )
        if not prim.IsA(UsdGeom.Mesh):
            continue
        imageable = UsdGeom.Imageable(prim)
        if imageable.ComputePurpose() not in SHOWN or imageable.ComputeVisibility() == UsdGeom.Tokens.invisible:
            continue
        part, lost = _part(prim, np.array(cache.GetLocalToWorldTransform(prim)).T, images)
        dropped += lost
        parts += [part] if part is not None else []
    read = finished(path, parts, dropped, glb=False)
    up, unit = str(UsdGeom.GetStageUpAxis(stage)).lower(), float(UsdGeom.GetStageMetersPerUnit(stage))
    if not (np.isfinite(unit) and unit > 0):
        raise InputError(str(path), f"its metersPerUnit is {unit:g}", expected="a length above 0")
    return ReadMesh(
        mesh=read.mesh,
        metres_per_unit=unit,
        up="z" if up == "z" else "y",
        source="USD stage",
        dropped=dropped,
    )


def files_of_usd(path: Path) -> tuple[Path, ...]:
    """Layers and images that the stage draws on, where they are files."""
    from pxr import Tf, UsdUtils

    try:
        layers, assets, _ = UsdUtils.ComputeAllDependencies(str(path))
    except Tf.ErrorException:
        return ()  # reading it will say what is wrong
    named = [layer.realPath for layer in layers] + list(assets)
    files = {Path(name) for name in named if name and "[" not in name}
    return tuple(sorted(file for file in files if file.is_file()))


def _part(prim: Any, world_from_prim: np.ndarray, images: dict[str, np.ndarray | None]) -> tuple[PaintedMesh | None, int]:
    from pxr import UsdGeom

    mesh = UsdGeom.Mesh(prim)
    points, counts, indices = mesh.GetPointsAttr().Get(), mesh.GetFaceVertexCountsAttr().Get(), None
    indices = mesh.GetFaceVertexIndicesAttr().Get()
    if points is None or counts is None or indices is None:
        return None, 0
    vertices, counts, indices = np.array(points, np.float64), np.array(counts, np.int64), np.array(indices, np.int64)
    if len(vertices) == 0 or (counts < 0).any() or (counts < 3).all() or counts.sum() != len(indices):
        return None, len(counts)
    corners = _fan(counts)
    vertices = vertices @ world_from_prim[:3, :3].T + world_from_prim[:3, 3]
    face_of_corner = np.repeat(np.arange(len(counts)), counts)
    gathered = (indices, face_of_corner)
    colour = _primvar(prim, "displayColor", corners, *gathered)
    uv = _primvar(prim, "st", corners, *gathered)
    image, flat = _material(prim, images)
    rgb = None
    if flat is not None:
        rgb = np.broadcast_to(srgb_bytes_from_linear(flat), (len(corners), 3, 3))
    elif colour is not None and image is None:
        rgb = srgb_bytes_from_linear(colour)
    elif image is not None:
        rgb = np.full((len(corners), 3, 3), 255, np.uint8)
    return painted(vertices, indices[corners], corner_rgb=rgb, uv=uv, image=image)


def _fan(counts: np.ndarray) -> np.ndarray:
    """Corners (positions in the index list) of triangles that fan out over every polygon."""
    starts = np.cumsum(counts) - counts
    triangles = np.maximum(counts - 2, 0)
    first = np.repeat(starts, triangles)
    step = np.arange(triangles.sum()) - np.repeat(np.cumsum(triangles) - triangles, triangles)
    return np.stack([first, first + step + 1, first + step + 2], axis=1)


def _primvar(prim: Any, name: str, corners: np.ndarray, indices: np.ndarray, face_of_corner: np.ndarray) -> np.ndarray | None:
    """Values at the corners (t, 3, k) of a primvar; None where it is absent or of the wrong length."""
    from pxr import UsdGeom

    primvar = UsdGeom.PrimvarsAPI(prim).FindPrimvarWithInheritance(name)
    flattened = primvar.ComputeFlattened() if primvar and primvar.HasValue() else None
    if flattened is None:
        return None
    values = np.array(flattened, np.float64)
    at = {
        UsdGeom.Tokens.constant: np.zeros_like(corners),
        UsdGeom.Tokens.uniform: face_of_corner[corners],
        UsdGeom.Tokens.vertex: indices[corners],
        UsdGeom.Tokens.varying: indices[corners],
        UsdGeom.Tokens.faceVarying: corners,
    }.get(primvar.GetInterpolation())
    if at is None or values.ndim != 2 or at.min() < 0 or at.max() >= len(values):
        return None
    return values[at]


def _material(prim: Any, images: dict[str, np.ndarray | None]) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Image and linear colour of the bound UsdPreviewSurface's diffuse input; each None where it has none."""
    from pxr import UsdShade

    material = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial()[0]
    if not material:
        return None, None
    shader = material.ComputeSurfaceSource()[0]
    diffuse = shader.GetInput("diffuseColor") if shader else None
    if not diffuse:
        return None, None
    sources = diffuse.GetValueProducingAttributes()
    if not sources:
        return None, None
    producer = UsdShade.Shader(sources[0].GetPrim())
    file = producer.GetInput("file") if producer else None
    asset = file.Get() if file else None
    if asset is not None:
        name = asset.resolvedPath or asset.path
        if name not in images:
            images[name] = _image(name)
        return images[name], None
    value = sources[0].Get()
    return None, np.array(value, np.float64) if value is not None and len(value) == 3 else None


def _image(name: str) -> np.ndarray | None:
    """Pixels of an image asset, also of one inside a package; None where it can't be had: colours are no geometry."""
    from pxr import Ar

    asset = Ar.GetResolver().OpenAsset(Ar.ResolvedPath(name))
    if not asset:
        return None
    try:
        with Image.open(io.BytesIO(bytes(asset.GetBuffer()))) as image:
            return reduced(image)
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
