"""Splats of other tools: read, doubted, and looked at as a surface."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64, Int32, UInt8
from scipy import ndimage
from scipy.spatial.transform import Rotation

from lyra_sim.capture.survey.dense_samples import thinned
from lyra_sim.capture.survey.main_part import main_part
from lyra_sim.capture.survey.standing_room import cell_for
from lyra_sim.data.given import ReadingNotes
from lyra_sim.data.splats import Splats
from lyra_sim.errors import InputError
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.rendering.splat_depth import SplatDepth
from lyra_sim.rendering.splat_view import render_splats
from lyra_sim.splat_files.reading import read_splats
from lyra_sim.splat_files.sound import Reading

OPAQUE = 0.5
"""Splats that block less of the light than this are haze where the survey looks for floors and walls. Tuned, unrecorded."""
REACH = 1.5
"""A splat fills space up to this many standard deviations from its mean. Tuned, unrecorded."""
FLAKES = 6
"""Cells that hang together with fewer others than this are floaters. Tuned, unrecorded."""
MOST_SIDE = 64
"""Points taken along one axis of a splat at the most. Convention."""
BACKGROUND = (0.96, 0.96, 0.95)
"""Colour where no splat is, of the rendered views. Convention."""


def read_given_splats(path: Path) -> Reading:
    """Splats of any kind of file that is read, degrees 1 and 2 of harmonics filled up to 3 with zeros.

    That changes no colour, and simulators take degree 0 or 3 only.

    Raises:
        InputError: As :func:`lyra_sim.splat_files.reading.read_splats`.
    """
    reading = read_splats(path)
    sh_coeffs = reading.splats.sh_coeffs
    missing = 0 if sh_coeffs.shape[1] == 1 else 16 - sh_coeffs.shape[1]
    filled = np.pad(sh_coeffs, ((0, 0), (0, missing), (0, 0)))
    return replace(reading, splats=replace(reading.splats, sh_coeffs=filled))


class SplatSight:
    """Splats as a camera sees them: blended colours, and the depth at which half of the light is blocked."""

    def __init__(self, splats: Splats) -> None:
        self._splats, self._depth = splats, SplatDepth(splats)

    def view(
        self, cameras: CameraPath, index: int, *, near: float = 0.0
    ) -> tuple[UInt8[np.ndarray, "h w 3"], Float32[np.ndarray, "h w"]]:
        """Colours, and z-depth with NaN where less than half of the light is blocked."""
        seen = render_splats(self._splats, cameras, index, background=BACKGROUND, near=max(near, 0.01))
        return seen.rgb_bytes, self._depth.view(cameras, index, near=max(near, 0.01))


@dataclass(frozen=True, kw_only=True)
class Shell:
    """The cells that opaque splats fill, as a mesh of their faces towards empty cells."""

    vertices: Float64[np.ndarray, "v 3"]
    faces: Int32[np.ndarray, "f 3"]
    samples: Float64[np.ndarray, "m 3"]
    """The middle of every cell."""


def surveyed(splats: Splats, notes: ReadingNotes) -> tuple[Splats, ReadingNotes]:
    """The splats that make up the place itself [metres, z up], without sky and what else hangs far outside; and notes of it."""
    solid = np.flatnonzero(splats.opacities >= OPAQUE)
    if not len(solid):
        return splats, notes
    part = main_part(splats.means[solid], splats.scales[solid].max(axis=1))
    left_out = part.left_out("opaque splats")
    if not left_out:
        return splats, notes
    return splats.select(solid[part.kept]), replace(notes, left_out=notes.left_out + left_out)


def opaque_surface(splats: Splats, cell: float, *, subject: str) -> Shell:
    """What a survey may take for solid: cells of edge ``cell`` [frame units] with opaque splats in them, without floaters.

    Raises:
        InputError: No splat is opaque, none hang together, or they span no building.
    """
    solid = splats.opacities >= OPAQUE
    if not solid.any():
        raise InputError(subject, "no splat blocks half of the light", expected="splats that form surfaces")
    cell_for(np.percentile(splats.means[solid].astype(np.float64), [1, 99], axis=0), subject=subject)
    at = np.floor(thinned(_filled(splats, solid, cell / 2), cell) / cell).astype(np.int64)
    low = at.min(axis=0) - 1
    shape = at.max(axis=0) - low + 2
    if np.prod(shape.astype(float)) > 4e8:
        raise InputError(
            subject,
            f"opaque splats span {' × '.join(f'{side * cell:.3g}' for side in shape)} m",
            expected="a building",
            likely="The unit isn't what was said, or a few floaters lie far away.",
            next_step="Set 'scale', or remove the floaters.",
        )
    filled = np.zeros(shape, bool)
    filled[tuple((at - low).T)] = True
    labels, _ = ndimage.label(filled, np.ones((3, 3, 3), bool))
    filled &= np.bincount(labels.ravel())[labels] >= FLAKES
    if not filled.any():
        raise InputError(subject, "opaque splats form no surface", expected="splats that hang together")
    vertices, faces = _faces_of(filled)
    return Shell(vertices=(vertices + low) * cell, faces=faces, samples=(np.argwhere(filled) + low + 0.5) * cell)


def _filled(splats: Splats, solid: np.ndarray, spacing: float) -> Float64[np.ndarray, "m 3"]:
    """Points over the two longer axes of every solid splat, at most ``spacing`` apart for all but the largest."""
    turn = Rotation.from_quat(splats.quats_wxyz[solid], scalar_first=True).as_matrix()
    means, scales = splats.means[solid].astype(np.float64), splats.scales[solid].astype(np.float64)
    order = np.argsort(-scales, axis=1, kind="stable")[:, :2]
    rows = np.arange(len(means))
    axes = [turn[rows, :, order[:, k]] * (REACH * scales[rows, order[:, k]])[:, None] for k in (0, 1)]
    sides = [np.clip(np.ceil(np.linalg.norm(axis, axis=1) / spacing).astype(int), 0, MOST_SIDE // 2) for axis in axes]
    key = sides[0] * MOST_SIDE + sides[1]
    points = []
    for number in np.unique(key):
        ids = np.flatnonzero(key == number)
        a, b = number // MOST_SIDE, number % MOST_SIDE
        u, v = np.meshgrid(np.linspace(-1, 1, 2 * a + 1) if a else [0.0], np.linspace(-1, 1, 2 * b + 1) if b else [0.0])
        inside = u**2 + v**2 <= 1.0001
        offsets = np.stack([u[inside], v[inside]], axis=1)
        grown = offsets[None, :, :1] * axes[0][ids][:, None] + offsets[None, :, 1:] * axes[1][ids][:, None]
        points.append((means[ids][:, None] + grown).reshape(-1, 3))
    return np.concatenate(points)


def _faces_of(filled: np.ndarray) -> tuple[Float64[np.ndarray, "v 3"], Int32[np.ndarray, "f 3"]]:
    """Two triangles for every face between a filled and an empty cell; corners aren't shared."""
    padded = np.pad(filled, 1)
    quads = []
    for axis in range(3):
        others = [k for k in range(3) if k != axis]
        for side in (0, 1):
            shifted = np.roll(padded, -1 if side else 1, axis=axis)
            at = np.argwhere(padded & ~shifted) - 1
            corners = np.repeat(at[:, None, :], 4, axis=1).astype(np.float64)
            corners[:, :, axis] += side
            corners[:, [1, 2], others[0]] += 1
            corners[:, [2, 3], others[1]] += 1
            quads.append(corners)
    every = np.concatenate(quads)
    first = 4 * np.arange(len(every))[:, None]
    faces = np.concatenate([first + np.array(corners) for corners in ((0, 1, 2), (0, 2, 3))])
    return every.reshape(-1, 3), faces.astype(np.int32)
