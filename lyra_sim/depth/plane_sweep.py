"""Depth of several photos without learned weights: plane sweep, agreement between views, planar priors, masks."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Bool, Float32, Float64, UInt8

from lyra_sim.data.capture import Capture, DepthFacts
from lyra_sim.data.depth import MEASURED_CONFIDENCE, DepthEstimate, DepthMap
from lyra_sim.data.views import MOVING, SKY, STATIC
from lyra_sim.depth.confidence import measured_confidence
from lyra_sim.depth.consistency import agree
from lyra_sim.depth.exposure import evened, gains
from lyra_sim.depth.moving import moving_masks
from lyra_sim.depth.planes.planar_priors import fill
from lyra_sim.depth.resample import depth_to_size, nearest_to_size, shrunk, working_size
from lyra_sim.depth.sky import sky_masks
from lyra_sim.depth.sweep.edges import without_rims
from lyra_sim.depth.sweep.neighbours import Neighbours, choose_neighbours
from lyra_sim.depth.sweep.view_sweep import sweep
from lyra_sim.errors import GeometryError
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.scene.spec import CaptureConfig, DepthConfig

CONFIRMING = 16
"""Neighbours that may confirm or contradict a depth. Convention."""
SIGMA_OF_MAD = 1.4826
"""Standard deviation of a normal distribution per median absolute deviation. Derived."""

Maps = Mapping[int, Float32[np.ndarray, "h w"]]
"""By view; views without depth are missing."""


def estimate(capture: Capture, cfg: DepthConfig, *, limits: CaptureConfig) -> DepthEstimate:
    """Depth of every used view (plug-in ``depth:plane_sweep``); held-out views get none and confirm none.

    Raises:
        GeometryError: There is one photo, or all were taken from one spot.
    """
    if not np.ptp(capture.cameras.centres[list(capture.used)], axis=0).any():
        count = len(capture.used)
        raise GeometryError(
            "depth.backend",
            "plane_sweep for one photo" if count == 1 else f"plane_sweep for {count} photos from one spot",
            expected="photos from two or more places",
            likely="Without parallax nothing tells how far anything is.",
            next_step="Take more photos; of one alone, depth.backend: auto guesses a room.",
        )
    width, height = working_size(capture.cameras.width, capture.cameras.height, cfg.side)
    cameras = capture.cameras.resized(width, height)
    rgb = [
        shrunk(evened(capture.views.rgb(view), gain), width, height) for view, gain in enumerate(gains(_of_used_views(capture)))
    ]
    nothing = [np.zeros((height, width), bool) for _ in rgb]
    sky = sky_masks(capture, width=width, height=height) if cfg.masks == "auto" else nothing
    up = capture.world_from_capture.rotation.T @ np.array([0.0, 0.0, 1.0])
    per_metre = 1 / capture.world_from_capture.scale
    neighbours = choose_neighbours(
        cameras,
        capture.sparse,
        capture.used,
        count=cfg.sources,
        confirming=CONFIRMING,
        up=up,
        min_depth=limits.min_depth * per_metre,
        max_depth=None if limits.max_depth == "auto" else limits.max_depth * per_metre,
    )
    z, confidence, sigma = _measure(rgb, cameras, neighbours, cfg, sky, up)
    moving = moving_masks(rgb, cameras, [z.get(view) for view in range(len(rgb))]) if cfg.masks == "auto" else nothing
    unknown = np.full((height, width), np.nan, np.float32)
    depths = [np.where(moving[view], np.nan, z.get(view, unknown)).astype(np.float32) for view in range(len(rgb))]
    trust = [np.where(np.isfinite(depth), confidence.get(view, 0), 0).astype(np.float32) for view, depth in enumerate(depths)]
    if cfg.planar_priors:
        kept = np.array(capture.used)
        filled = fill(
            [rgb[view].astype(np.float32) / 255 for view in kept],
            cameras.select(kept),
            [depths[view] for view in kept],
            [trust[view] for view in kept],
            up=up,
            sky=[sky[view] | moving[view] for view in kept],
        )
        for view, depth, sure in zip(kept, *filled, strict=True):
            depths[view], trust[view] = depth, sure
    maps = tuple(
        _at_view_size(*parts, capture, view)
        for view, parts in enumerate(zip(depths, trust, labelled(sky, moving), strict=True))
    )
    return DepthEstimate(maps=maps, facts=_facts(maps, capture.used, sigma))


def _of_used_views(capture: Capture) -> Capture:
    """The capture without sightings by held-out views, so that not even their exposure reaches the depth."""
    seen = capture.sparse
    if seen is None or not capture.held_out:
        return capture
    mine = np.isin(seen.view_index, capture.used)
    point_index, view_index, xy = seen.point_index[mine], seen.view_index[mine], seen.xy[mine]
    return replace(capture, sparse=replace(seen, point_index=point_index, view_index=view_index, xy=xy))


def _measure(
    rgb: list[UInt8[np.ndarray, "h w 3"]],
    cameras: CameraPath,
    neighbours: dict[int, Neighbours],
    cfg: DepthConfig,
    sky: list[Bool[np.ndarray, "h w"]],
    up: Float64[np.ndarray, "3"],
) -> tuple[Maps, Maps, float]:
    """Depth that views agree on, its confidence, and the typical relative disagreement."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with torch.no_grad():
        colours = [torch.from_numpy(image.astype(np.float32) / 255).permute(2, 0, 1).contiguous().to(device) for image in rgb]
        images = [colour.mean(dim=0) for colour in colours]
        swept, scores = {}, {}
        for view, around in neighbours.items():
            if around.sources:
                found = sweep(images, cameras, view, around, planes=cfg.planes, up=up)
                z = torch.where(torch.from_numpy(sky[view]).to(device), torch.nan, found.z_depth)
                swept[view], scores[view] = without_rims(z, colours[view]), found.score
        depths, confidences, differences = {}, {}, []
        for view in swept:
            agreement = agree(swept, cameras, view, [other for other in neighbours[view].confirming if other in swept])
            kept = (agreement.agreeing >= cfg.min_views) & (agreement.through <= agreement.agreeing)
            depths[view] = torch.where(kept, agreement.z_depth, torch.nan).cpu().numpy()
            confidences[view] = torch.where(kept, measured_confidence(agreement, scores[view]), 0).cpu().numpy()
            differences.append(agreement.difference[kept].cpu().numpy())
    every = np.concatenate(differences) if differences else np.zeros(0)
    return depths, confidences, SIGMA_OF_MAD * float(np.median(every)) if len(every) else 0.0


def _at_view_size(
    z: Float32[np.ndarray, "h w"],
    confidence: Float32[np.ndarray, "h w"],
    label: UInt8[np.ndarray, "h w"],
    capture: Capture,
    view: int,
) -> DepthMap:
    width, height = capture.cameras.width, capture.cameras.height
    full, mask = depth_to_size(z, width, height), nearest_to_size(label, width, height)
    full[(mask != STATIC) | ~capture.views.valid(view)] = np.nan
    trust = np.where(np.isfinite(full), nearest_to_size(confidence, width, height), 0).astype(np.float32)
    return DepthMap(z_depth=full, confidence=trust, mask=mask)


def _facts(maps: tuple[DepthMap, ...], used: tuple[int, ...], sigma: float) -> DepthFacts:
    """Shares of pixels over the used views."""
    kept = [maps[view] for view in used]

    def share(found: list[np.ndarray]) -> float:
        return round(float(np.mean([part.mean() for part in found])), 5)

    known = [np.isfinite(each.z_depth) for each in kept]
    return DepthFacts(
        kind="plane sweep",
        sigma_relative=round(sigma, 6),
        figures={
            "measured": share([each.confidence >= MEASURED_CONFIDENCE for each in kept]),
            "planar_prior": share(
                [there & (each.confidence < MEASURED_CONFIDENCE) for each, there in zip(kept, known, strict=True)]
            ),
            "sky": share([each.mask == SKY for each in kept]),
            "moving": share([each.mask == MOVING for each in kept]),
            "views_without_depth": round(float(np.mean([not there.any() for there in known])), 5),
        },
    )


def labelled(
    sky: Sequence[Bool[np.ndarray, "h w"]], moving: Sequence[Bool[np.ndarray, "h w"]]
) -> list[UInt8[np.ndarray, "h w"]]:
    """``STATIC``, ``SKY`` or ``MOVING`` of every pixel; what moves is in front of the sky.

    :func:`lyra_sim.depth.sky.sky_masks` needs no depth and comes before a sweep, which leaves the sky out;
    :func:`lyra_sim.depth.moving.moving_masks` needs depth that other views confirmed.
    """
    out = []
    for above, moved in zip(sky, moving, strict=True):
        label = np.full(above.shape, STATIC, np.uint8)
        label[above] = SKY
        label[moved] = MOVING
        out.append(label)
    return out
