"""Splats to start from where photos show something that no depth tells of."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float32, Float64

from lyra_sim.conventions import sh_dc_from_rgb
from lyra_sim.data.capture import Capture
from lyra_sim.data.splats import Splats
from lyra_sim.depth.resample import nearest_to_size, shrunk, working_size
from lyra_sim.geometry.cameras import CameraPath, unproject
from lyra_sim.reconstructors.guessed_depth import depth_range
from lyra_sim.rendering.splat_view import render_splats

SIDE = 96
"""Longer side of the images it is taken from [px]. Convention."""
REACH = 2.0
"""Farthest it may lie, in the largest depth known: beyond what was measured, near enough to be moved in training.
Tuned, unrecorded."""
COVERED = 0.5
"""Coverage by the surface from which on a pixel needs nothing more. Convention."""


def backdrop(surface: Splats, capture: Capture, guesses: Mapping[int, Float32[np.ndarray, "hh ww"]], *, budget: int) -> Splats:
    """At most ``budget`` round splats in pixels of used photos that have no depth and that the surface leaves open.

    What a sensor measured nothing of lies beyond its reach: a window's view, a far wall. Where photos gave no depth they
    merely didn't match, so surfaces are continued (:mod:`lyra_sim.reconstructors.guessed_depth`) before the far backdrop,
    which shows beside and between them. The sky of photos is masked and gets nothing. Training moves all of it; no mesh
    rests on it.
    """
    width, height = working_size(capture.cameras.width, capture.cameras.height, SIDE)
    cameras = capture.cameras.resized(width, height)
    farthest = REACH * depth_range(capture)[1]
    points: list[Float64[np.ndarray, "n 3"]] = []
    colours: list[Float32[np.ndarray, "n 3"]] = []
    sizes: list[np.ndarray] = []
    for index in capture.used:
        rgb = shrunk(capture.views.rgb(index), width, height) / np.float32(255)
        wanted = _open_pixels(surface, capture, cameras, index)
        layers = [np.full(wanted.shape, farthest, np.float32)]
        if index in guesses:
            layers.append(nearest_to_size(guesses[index], width, height))
        for layer in layers:
            guess = np.where(wanted, layer, np.float32(np.nan))
            seeded = np.isfinite(guess)
            points.append(unproject(guess, cameras.K[index], cameras.c2w[index])[seeded])
            colours.append(rgb[seeded])
            sizes.append(guess[seeded].astype(np.float64) / cameras.K[index, 0, 0])
    return _round_splats(np.concatenate(points), np.concatenate(colours), np.concatenate(sizes), budget)


def _open_pixels(surface: Splats, capture: Capture, cameras: CameraPath, index: int) -> Bool[np.ndarray, "hh ww"]:
    """Pixels of the standing scene without depth that the surface doesn't cover."""
    views = capture.views
    blank = views.valid(index) & views.static(index) & ~np.isfinite(views.z_depth(index))
    coverage = render_splats(surface, cameras, index, near=0.0).alpha
    return nearest_to_size(blank, cameras.width, cameras.height) & (coverage < COVERED)


def _round_splats(
    points: Float64[np.ndarray, "n 3"], rgb: Float32[np.ndarray, "n 3"], size: Float64[np.ndarray, "n"], budget: int
) -> Splats:
    kept = np.linspace(0, len(points) - 1, min(budget, len(points))).round().astype(np.int64)
    grown = np.sqrt(len(points) / max(1, len(kept)))
    return Splats(
        means=points[kept].astype(np.float32),
        quats_wxyz=np.tile(np.array([1, 0, 0, 0], np.float32), (len(kept), 1)),
        log_scales=np.repeat(np.log(size[kept] * grown)[:, None], 3, axis=1).astype(np.float32),
        opacity_logits=np.zeros(len(kept), np.float32),
        sh_coeffs=sh_dc_from_rgb(rgb[kept])[:, None],
    )
