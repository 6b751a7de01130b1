"""Splats of other tools: read, doubted, and looked at as a surface."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64, Int32, UInt8
from scipy import ndimage
from scipy.spatial.transform import Rotation

from lyra_sim.capture.survey.dense_samples import thinned
from lyra_sim.capture.survey.mesh_files import check_file
from lyra_sim.capture.survey.spz import read_spz
from lyra_sim.capture.survey.standing_room import cell_for
from lyra_sim.data.splats import Splats
from lyra_sim.errors import GeometryError, InputError
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.rendering.splat_depth import SplatDepth
from lyra_sim.rendering.splat_view import render_splats

SUFFIXES = (".ply", ".spz")
GZIP = b"\x1f\x8b"
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

FARTHEST, LARGEST_LOG_SCALE = 1e9, 20.0
"""No splat of a place lies farther from its origin [units] or is larger; sums in 32 bits break down beyond. Derived."""


def read_given_splats(path: Path) -> tuple[Splats, str]:
    """Splats of a 3DGS PLY or an SPZ file, told by content, with unit quaternions; and the format's name.

    Raises:
        InputError: Missing, broken, empty, with numbers that are none, or with activated values where raw ones belong.
    """
    check_file(path, SUFFIXES, expected="splats in a PLY or SPZ file")
    with path.open("rb") as stream:
        packed = stream.read(2) == GZIP
    try:
        splats = read_spz(path) if packed else Splats.load_ply(path)
    except GeometryError as error:
        raise InputError(
            str(path),
            error.found,
            expected="finite splats",
            likely="Training diverged, or the file is damaged.",
            next_step="Drop such splats in the tool they come from.",
        ) from error
    if len(splats) == 0:
        raise InputError(str(path), "it holds no splats", expected="Gaussian splats")
    if not packed:
        _refuse_activated(splats, path)
    if np.abs(splats.means).max() > FARTHEST or splats.log_scales.max() > LARGEST_LOG_SCALE:
        raise InputError(
            str(path),
            f"a splat {np.abs(splats.means).max():.3g} units away, or of scale e^{splats.log_scales.max():.3g}",
            expected="splats of a place",
            likely="Training diverged, or the file is damaged.",
            next_step="Drop such splats in the tool they come from.",
        )
    length = np.linalg.norm(splats.quats_wxyz.astype(np.float64), axis=1, keepdims=True)
    if (length < 1e-12).any():
        raise InputError(str(path), f"the rotation of splat {int(length.argmin())} is zero", expected="quaternions")
    unit = Splats(
        means=splats.means,
        quats_wxyz=(splats.quats_wxyz / length).astype(np.float32),
        log_scales=splats.log_scales,
        opacity_logits=splats.opacity_logits,
        sh_coeffs=_whole_degree(splats.sh_coeffs),
    )
    return unit, "SPZ" if packed else "3DGS PLY"


def _whole_degree(sh_coeffs: Float32[np.ndarray, "n k 3"]) -> Float32[np.ndarray, "n d 3"]:
    """Degrees 1 and 2 filled up to 3 with zeros, which changes no colour: simulators take degree 0 or 3 only."""
    missing = 0 if sh_coeffs.shape[1] == 1 else 16 - sh_coeffs.shape[1]
    return np.pad(sh_coeffs, ((0, 0), (0, missing), (0, 0)))


def _refuse_activated(splats: Splats, path: Path) -> None:
    """Raw values cover both signs; activated ones lie in 0..1, or above 0. Either would render as fog."""
    logits, scales = splats.opacity_logits, splats.log_scales
    if len(splats) > 1 and logits.min() >= 0 and 0.5 < logits.max() <= 1:
        raise InputError(
            str(path),
            f"every opacity lies in {logits.min():.2f} to {logits.max():.2f}",
            expected="logits, as 3DGS stores them",
            likely="The opacities are activated already (0..1).",
            next_step="Export them raw, or apply log(x / (1 - x)).",
        )
    if len(splats) > 1 and scales.min() > 0:
        raise InputError(
            str(path),
            f"every scale lies above 0 ({scales.min():.3g} to {scales.max():.3g})",
            expected="natural logarithms, as 3DGS stores them",
            likely="The scales are activated already.",
            next_step="Export them raw, or take their logarithm.",
        )


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
