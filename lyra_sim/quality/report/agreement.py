"""The report's section on what is seen and what is hit: where phantoms and ghosts lie, and the views with most of them."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float64, UInt8

from lyra_sim.data.colliders import Hull
from lyra_sim.data.solid import Solid
from lyra_sim.data.splats import Splats
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.quality.agreement import AGREE, APART_M, FENCE, GHOST, NOTHING_SEEN, PHANTOM, Looks, Shown, look_around
from lyra_sim.quality.report import pictures
from lyra_sim.quality.report.page import Figure, Section, image, swatches
from lyra_sim.quality.report.plan_svg import PlanSvg
from lyra_sim.rendering.mesh_view import MeshScene
from lyra_sim.rendering.splat_view import render_splats

PHANTOM_RGB, GHOST_RGB, FENCE_RGB = (214, 40, 57), (33, 105, 214), (150, 118, 166)
"""Colours of views and maps. Convention."""
AGREE_RGB, NOTHING_RGB = (222, 226, 222), (70, 70, 74)
"""Colours of views and maps. Convention."""
CELL_M = 0.05
"""Edge of the cells of both maps [m]. Convention."""
FULL_AT = 30
"""Pixels in a cell from which on its colour is full. Convention."""
VIEW_WIDTH = 320
"""Of a view [px]. Convention."""
_KIND_RGB = {AGREE: AGREE_RGB, PHANTOM: PHANTOM_RGB, GHOST: GHOST_RGB, NOTHING_SEEN: NOTHING_RGB, FENCE: FENCE_RGB}
_WORDS: dict[Shown, str] = {"splat": "splats, which cameras see", "mesh": "mesh, which depth sensors see"}


def agreement_section(
    looks: Mapping[Shown, Looks] | None,
    hulls: Sequence[Hull],
    solid: Solid,
    splats: Splats,
    mesh: MeshScene,
    ground: UInt8[np.ndarray, "h w 3"],
    *,
    low: Float64[np.ndarray, "2"],
    high: Float64[np.ndarray, "2"],
) -> Section | None:
    """None where there was no place to look from; ``ground`` is a picture of the rectangle from ``low`` to ``high`` [m].

    Args:
        looks: What was seen and would be hit, by what is shown.
        hulls: Of the world.
        solid: Voxels and surface.
        splats: As they are shown.
        mesh: As it is shown.
        ground: Seen from above.
        low, high: Corners of the ground [m].
    """
    if looks is None:
        return None
    figures = [_map_figure(shown, found, ground, low, high) for shown, found in looks.items()]
    found, scene = looks["splat"], pictures.hull_scene(hulls) if hulls else None
    for kind, word in ((PHANTOM, "phantoms"), (GHOST, "ghosts")):
        counts = (found.kind == kind).sum(axis=(1, 2))
        worst = int(np.argmax(counts))
        if counts[worst] and scene is not None:
            views = _view(found.cameras, worst, hulls, solid, splats, mesh, scene)
            x, y, z = found.cameras.centres[worst]
            share = counts[worst] / found.kind[worst].size
            caption = f"The view with most {word}, {100 * share:.0f} % of its pixels, from ({x:.2f}, {y:.2f}, {z:.2f})."
            strip = "".join(image(pictures.png_uri(picture), alt=f"{name}, {word}") for name, picture in views)
            figures.append(Figure(html=f'<div class="strip">{strip}</div>', caption=caption, wide=True))
    keys = swatches(
        [
            ("phantom: hit before it is seen", PHANTOM_RGB),
            ("ghost: seen, nothing there to hit", GHOST_RGB),
            ("fence before unseen space", FENCE_RGB),
            ("nothing measured to see", NOTHING_RGB),
            ("agree", AGREE_RGB),
        ]
    )
    text = (
        f"{len(found.cameras)} views from where robots have cameras: what is shown against the first collider, "
        f"{100 * APART_M:g} cm apart or more along the ray. Views from left to right: splats, mesh, colliders, "
        f"verdict on the splats.<br>{keys}"
    )
    return Section(title="What is seen and what is hit", text=text, figures=tuple(figures))


def _map_figure(
    shown: Shown,
    found: Looks,
    ground: UInt8[np.ndarray, "h w 3"],
    low: Float64[np.ndarray, "2"],
    high: Float64[np.ndarray, "2"],
) -> Figure:
    picture = disagreement_map(found, ground, low, high)
    plan = PlanSvg(pictures.png_uri(picture), low=low, high=high)
    caption = (
        f"The {_WORDS[shown]}: {100 * found.share(PHANTOM):.2f} % phantoms, {100 * found.share(GHOST):.2f} % ghosts "
        f"of {found.judged:,} judged pixels; {100 * found.share(PHANTOM, off_surface=True):.2f} % and "
        f"{100 * found.share(GHOST, off_surface=True):.2f} % are as far off in every direction."
    )
    return Figure(html=plan.html(label=f"phantoms and ghosts of the {shown} from above"), caption=caption)


def disagreement_map(
    found: Looks, ground: UInt8[np.ndarray, "h w 3"], low: Float64[np.ndarray, "2"], high: Float64[np.ndarray, "2"]
) -> UInt8[np.ndarray, "h w 3"]:
    """Phantoms and ghosts from above over a paled ``ground``; a cell takes the colour of what it has more of."""
    size = np.maximum(np.ceil((high - low) / CELL_M).astype(int), 1)
    counts = {}
    for kind in (PHANTOM, GHOST):
        cells = np.floor((found.points(kind)[:, :2] - low) / CELL_M).astype(int)
        inside = np.isfinite(cells).all(axis=1) & ((cells >= 0) & (cells < size)).all(axis=1)
        flat = np.ravel_multi_index(tuple(cells[inside].T), tuple(size))
        counts[kind] = np.bincount(flat, minlength=int(size.prod())).reshape(size)
    height, width = ground.shape[:2]
    x = ((np.arange(width) + 0.5) / width * (high - low)[0] / CELL_M).astype(int).clip(max=size[0] - 1)
    y = ((height - np.arange(height) - 0.5) / height * (high - low)[1] / CELL_M).astype(int).clip(max=size[1] - 1)
    picture = 0.35 * ground.astype(np.float32) + 0.65 * 255
    phantom, ghost = (counts[kind][np.ix_(x, y)].T for kind in (PHANTOM, GHOST))
    for count, colour in (
        (np.where(phantom >= ghost, phantom, 0), PHANTOM_RGB),
        (np.where(ghost > phantom, ghost, 0), GHOST_RGB),
    ):
        strength = np.minimum(np.log1p(count) / np.log1p(FULL_AT), 1.0)[..., None]
        picture = (1 - strength) * picture + strength * np.array(colour, np.float32)
    return (picture + 0.5).astype(np.uint8)


def _view(
    cameras: CameraPath,
    index: int,
    hulls: Sequence[Hull],
    solid: Solid,
    splats: Splats,
    mesh: MeshScene,
    colliders: MeshScene,
) -> tuple[tuple[str, np.ndarray], ...]:
    """Splats, mesh, colliders and the kinds of pixels of one view, larger than it was judged."""
    one = cameras.select(np.array([index])).resized(VIEW_WIDTH, VIEW_WIDTH * cameras.height // cameras.width)
    kinds = look_around(one, hulls, solid, splats)["splat"].kind[0]
    verdict = np.zeros((*kinds.shape, 3), np.uint8)
    for kind, colour in _KIND_RGB.items():
        verdict[kinds == kind] = colour
    return (
        ("splats", render_splats(splats, one, 0).rgb_bytes),
        ("mesh", mesh.view(one, 0).rgb),
        ("colliders", colliders.view(one, 0).rgb),
        ("verdict", verdict),
    )
