"""Raster pictures of a world for its report: views side by side, plans cut open, colliders by label."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, UInt8
from PIL import Image

from lyra_sim.data.colliders import LABELS, Hull, Label
from lyra_sim.data.occupancy import FREE_CELL, OCCUPIED, OccupancyMap
from lyra_sim.data.world import MetricWorld
from lyra_sim.quality.depth import MATCH_M, NEAR_M, depth_error
from lyra_sim.rendering.mesh_view import MeshScene
from lyra_sim.rendering.splat_view import render_splats

LABEL_RGB: dict[Label, tuple[int, int, int]] = {
    "floor": (214, 201, 173),
    "wall": (139, 160, 178),
    "ceiling": (190, 190, 190),
    "clutter": (224, 142, 69),
    "unseen": (150, 118, 166),
}
"""Colours of collider labels in every picture."""
ERROR_RGB = ((20, 33, 61), (38, 120, 142), (233, 196, 106), (193, 18, 31))
"""Depth error from 0 to MATCH_M; anything larger keeps the last colour. Convention."""
NOT_MEASURED_RGB = (128, 128, 128)
"""Colour of pixels without depth. Convention."""
OCCUPIED_RGB, UNKNOWN_RGB, FREE_RGB, REACHABLE_RGB = (45, 49, 54), (198, 200, 203), (250, 250, 248), (205, 230, 208)
"""Colours of the map's cells. Convention."""


@dataclass(frozen=True, kw_only=True)
class ViewPictures:
    """One camera's photo beside what the world shows there."""

    name: str
    photo: UInt8[np.ndarray, "h w 3"]
    splats: UInt8[np.ndarray, "h w 3"]
    mesh: UInt8[np.ndarray, "h w 3"]
    depth_error: UInt8[np.ndarray, "h w 3"]


def view_pictures(world: MetricWorld, scene: MeshScene, index: int, *, width: int) -> ViewPictures:
    """Render splats, mesh and depth error at a capture camera, at most ``width`` [px] wide."""
    scale = min(1.0, width / world.cameras.width)
    size = round(world.cameras.width * scale), round(world.cameras.height * scale)
    cameras = world.cameras.resized(*size)
    mesh = scene.view(cameras, index, near=NEAR_M)
    rows, columns = (((np.arange(n) + 0.5) / scale).astype(int) for n in size[::-1])
    truth = world.z_depth(index)[np.ix_(rows.clip(max=world.cameras.height - 1), columns.clip(max=world.cameras.width - 1))]
    return ViewPictures(
        name=world.views.names[index],
        photo=np.asarray(Image.fromarray(world.views.rgb(index)).resize(size, Image.Resampling.LANCZOS)),
        splats=render_splats(world.splats, cameras, index).rgb_bytes,
        mesh=mesh.rgb,
        depth_error=error_colors(depth_error(mesh.z_depth, truth)),
    )


def error_colors(error: Float32[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w 3"]:
    """Depth errors [m] on the ERROR_RGB ramp; grey where nothing was measured."""
    at = np.clip(np.nan_to_num(error, nan=0.0, posinf=MATCH_M) / MATCH_M, 0, 1) * (len(ERROR_RGB) - 1)
    stops = np.arange(len(ERROR_RGB))
    ramp = np.stack([np.interp(at, stops, np.array(ERROR_RGB)[:, channel]) for channel in range(3)], axis=-1)
    ramp[np.isnan(error)] = NOT_MEASURED_RGB
    return (ramp + 0.5).astype(np.uint8)


def hull_scene(hulls: Sequence[Hull]) -> MeshScene:
    """All hulls as one mesh, coloured by label."""
    starts = np.cumsum([0] + [len(hull.vertices) for hull in hulls[:-1]])
    return MeshScene(
        np.concatenate([hull.vertices for hull in hulls]),
        np.concatenate([hull.faces + start for hull, start in zip(hulls, starts, strict=True)]).astype(np.int32),
        np.concatenate([np.tile(np.array(LABEL_RGB[hull.label], np.uint8), (len(hull.vertices), 1)) for hull in hulls]),
    )


def map_colors(
    occupancy: OccupancyMap, reachable: Bool[np.ndarray, "nx ny"], points: Float64[np.ndarray, "n 2"]
) -> UInt8[np.ndarray, "n 3"]:
    """Colours of the map at world points; ``reachable`` cells are tinted."""
    cells = occupancy.sample(points)
    colors = np.empty((len(points), 3), np.uint8)
    colors[:] = UNKNOWN_RGB
    colors[cells == FREE_CELL] = FREE_RGB
    colors[cells == OCCUPIED] = OCCUPIED_RGB
    index = occupancy.indices(points)
    inside = ((index >= 0) & (index < occupancy.cells.shape)).all(1)
    colors[np.flatnonzero(inside)[reachable[tuple(index[inside].T)]]] = REACHABLE_RGB
    return colors


def resized(picture: UInt8[np.ndarray, "h w 3"], width: int) -> UInt8[np.ndarray, "nh nw 3"]:
    """The picture at another width, its shape kept."""
    height = max(1, round(picture.shape[0] * width / picture.shape[1]))
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BOX))


def jpeg_uri(picture: UInt8[np.ndarray, "h w 3"], *, quality: int = 82) -> str:
    """A photo-like picture as a data URI."""
    return _uri(picture, "jpeg", quality=quality, optimize=True)


def png_uri(picture: UInt8[np.ndarray, "h w 3"]) -> str:
    """A picture with few colours or hard edges as a data URI."""
    return _uri(picture, "png", optimize=True)


def _uri(picture: np.ndarray, kind: str, **options: int | bool) -> str:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, kind, **options)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def used_labels(hulls: Sequence[Hull]) -> tuple[Label, ...]:
    """Labels that occur, in the order of LABELS."""
    return tuple(label for label in LABELS if any(hull.label == label for hull in hulls))
