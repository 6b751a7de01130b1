"""The generator without a network: known frames warped into the view, holes filled from what surrounds them.

Photos come first, wherever one of them shows the place. What no photo shows is taken from frames drawn before, so that a
guess once made stays, and only then made up. Frames are drawn in groups: the last of each first, for the others to follow.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, Float64

from lyra_sim.generators.blending_kernels import LEAST_PENALTY, SHARPNESS, blend_layers, weigh
from lyra_sim.generators.generator import Condition, Generated
from lyra_sim.generators.inpainting import bridged, fill_holes
from lyra_sim.generators.known_frame import KnownFrame
from lyra_sim.generators.memory import SpatialMemory
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.geometry.rigid import transform_points
from lyra_sim.rendering.surface_warp import MAX_STEP, warp_surface
from lyra_sim.scene.generate import GenerateConfig

GROUP = 8
"""Frames that are drawn from the same photos. Convention."""
FEATHER = 0.04
"""Border along which a photo fades into the next, as a share of its longer side. Tuned, unrecorded."""
LEAST_HOLES = 0.01
"""Share of a photo without depth from which on its colours are shown there too. Tuned, unrecorded."""
BRIDGED_TRUST = 1e-3
"""What a colour without measured depth is worth beside one with it: it wins within about a degree of its own ray.
Tuned, unrecorded."""
SAME_VIEW = (LEAST_PENALTY + 0.03) ** -SHARPNESS
"""Weight from which on a photo's colour is in its place whatever its depth: within 0.3 degrees of its ray, and away from the
photo's border. Derived."""
SAME_WAY = 0.8
"""Cosine between two views that look the same way. Tuned, unrecorded."""
GUESSES = 1
"""Earlier frames, for either end of a group, whose made-up pixels are looked up beside the one just before. Convention."""


class Reproject:
    """See the module. Needs no GPU, no weights and no training, and draws the same frames every time."""

    def __init__(self, cfg: GenerateConfig) -> None:
        self.retrieved = cfg.retrieved

    def generate(self, condition: Condition) -> Generated:
        cameras, parts, latest = condition.cameras, [], condition.latest
        for start in range(0, len(cameras), GROUP):
            group = cameras.select(np.arange(start, min(start + GROUP, len(cameras))))
            photos, guesses = known_frames(condition.memory, group, count=self.retrieved)
            guesses = [*guesses, latest]
            last = draw(photos, guesses, group.select(np.array([len(group) - 1])))
            latest = _frame(last, group, condition.latest.id)
            if len(group) > 1:
                others = draw(photos, [*guesses, latest], group.select(np.arange(len(group) - 1)))
                parts.append(others)
            parts.append(last)
        return Generated(
            rgb=np.concatenate([part.rgb for part in parts]),
            invented=np.concatenate([part.invented for part in parts]),
            z_depth=np.concatenate([part.z_depth for part in parts]),
            in_scale=True,
        )


def known_frames(memory: SpatialMemory, group: CameraPath, *, count: int) -> tuple[list[KnownFrame], list[KnownFrame]]:
    """Photos, and frames drawn before, that show what the group's first and last camera look at."""
    photos, guesses = [id for id in memory.ids if id < 0], [id for id in memory.ids if id >= 0]
    ends = [group.select(np.array([n])) for n in sorted({0, len(group) - 1})]
    shown = {id: None for end in ends for id in memory.retrieve(end, count=count, among=photos)}
    shown |= {_beside(end.c2w[0], photos, memory): None for end in ends}
    made = {id: None for end in ends for id in memory.retrieve(end, count=GUESSES, among=guesses)}
    return [memory.frame(id) for id in shown], [memory.frame(id) for id in made]


def draw(photos: Sequence[KnownFrame], guesses: Sequence[KnownFrame], cameras: CameraPath) -> Generated:
    """Frames for ``cameras``: first what photos measured, then what they only show, then what was drawn before, then made up.

    A photo shows more than it has depth for. Its colours are right there as long as the camera hardly moves; further off they
    are better than nothing, and count as invented.
    """
    rgb, z_depth, trust = blend_layers(*_warped(photos, [frame.z_depth for frame in photos], cameras))
    invented = trust == 0
    shown = [frame for frame in photos if np.isnan(frame.z_depth).mean() > LEAST_HOLES and np.isfinite(frame.z_depth).any()]
    if shown:
        sheets = [frame.where_shown(bridged(frame.z_depth)) for frame in shown]
        _, colours, weights = _warped(shown, sheets, cameras, max_step=np.inf)
        best = weights.argmax(axis=0)[None]
        weight = np.take_along_axis(weights, best, 0)[0]
        taken = BRIDGED_TRUST * weight > trust
        rgb = np.where(taken[..., None], np.take_along_axis(colours, best[..., None], 0)[0], rgb)
        trust = np.where(taken, weight, trust)
        invented = np.where(taken, weight < SAME_VIEW, invented)
    before = [frame for frame in guesses if np.isfinite(frame.made_up).any()]
    if before and (trust == 0).any():
        drawn_rgb, drawn_z, drawn_trust = blend_layers(*_warped(before, [frame.made_up for frame in before], cameras))
        empty = trust == 0
        rgb, z_depth = np.where(empty[..., None], drawn_rgb, rgb), np.where(empty, drawn_z, z_depth)
        trust = np.where(empty, drawn_trust, trust)
    for n in range(len(cameras)):
        rgb[n], z_depth[n] = fill_holes(rgb[n], z_depth[n], trust[n] > 0)
    return Generated(rgb=(np.clip(rgb, 0, 255) + 0.5).astype(np.uint8), invented=invented, z_depth=z_depth, in_scale=True)


def _warped(
    frames: Sequence[KnownFrame],
    z_depths: Sequence[Float32[np.ndarray, "h w"]],
    cameras: CameraPath,
    *,
    max_step: float = MAX_STEP,
) -> tuple[Float32[np.ndarray, "s n ht wt"], Float32[np.ndarray, "s n ht wt 3"], Float32[np.ndarray, "s n ht wt"]]:
    """Every frame with a depth of its own seen from every camera: z-depth, colours, and what each sample is worth."""
    shape = (len(frames), len(cameras), cameras.height, cameras.width)
    z = np.full(shape, np.nan, np.float32)
    colours, weights = np.zeros((*shape, 3), np.float32), np.zeros(shape, np.float32)
    for s, (frame, depth) in enumerate(zip(frames, z_depths, strict=True)):
        if not np.isfinite(depth).any():
            continue
        warped = warp_surface(depth, frame.K, frame.c2w, cameras, max_step=max_step)
        z[s], colours[s] = warped.z_depth, warped.sample(frame.rgb)
        centres = np.stack([transform_points(w2c, frame.c2w[:3, 3]) for w2c in cameras.w2c])
        height, width = depth.shape
        feather = FEATHER * max(width, height)
        weights[s] = weigh(z[s], warped.source_px, cameras.K, centres, width, height, feather)
    return z, colours, weights


def _beside(c2w: Float64[np.ndarray, "4 4"], photos: Sequence[int], memory: SpatialMemory) -> int:
    """The photo taken nearest to a camera among those that look its way: it may show a lot that it has no depth for."""
    there = np.stack([memory.c2w(id) for id in photos])
    away = np.linalg.norm(there[:, :3, 3] - c2w[:3, 3], axis=1)
    looks_along = there[:, :3, 2] @ c2w[:3, 2] > SAME_WAY
    return photos[int(np.argmin(np.where(looks_along, away, np.inf)))] if looks_along.any() else photos[int(np.argmin(away))]


def _frame(drawn: Generated, group: CameraPath, id: int) -> KnownFrame:
    """The last frame of a group, for the next ones to follow; it is never looked up by its number."""
    return KnownFrame(
        id=id, rgb=drawn.rgb[-1], z_depth=drawn.z_depth[-1], invented=drawn.invented[-1], K=group.K[-1], c2w=group.c2w[-1]
    )
