"""Are the cameras what their file says? Depth of one view must land on the depth of the next."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np

from lyra_sim.capture.trust.colour_check import SamePoints
from lyra_sim.capture.trust.depth_readings import DepthReading, Depths, depth_readings
from lyra_sim.conventions import c2w_opengl_from_opencv
from lyra_sim.data.views import Views
from lyra_sim.errors import FrameError
from lyra_sim.geometry.cameras import CameraPath, project, unproject
from lyra_sim.geometry.rigid import invert_rigid

SOURCES = 16
"""Views whose depth is warped. Convention."""
STRIDES = (1, 3, 7)
"""Index distances to the views it is warped into. Tuned, unrecorded."""
FARTHER = (15, 31, 63, 127)
"""The same where those hardly move: a camera held still agrees with itself, whatever is wrong. Convention."""
MOVES = 0.08
"""Only pairs whose points move by this share of the image's width may vote, by their median … Tuned, unrecorded."""
PARALLAX = 0.02
"""… and on a scale only those that move by this share more or less for being as near as they are: where a camera only turns,
positions a thousand times smaller fit as well. Tuned, unrecorded."""
ACROSS = 160
"""Pixels across that are enough; of smaller images every one is taken. Convention."""
AGREE_RELATIVE, AGREE_M, AGREE_NEAR = 0.02, 0.01, 0.05
"""Depth agrees within this fraction of itself, or within this length where that is more, up to this fraction [1, m, 1]: phones
are a centimetre off at arm's length (an app's own recording of a door at 0.25 m agreed by 46 %). Tuned on that recording."""
NOISY, MOST_NOISY = 2.5, 0.1
"""… or within so many times the noise that the images themselves show, of both together, up to this fraction. Convention."""
ENOUGH = 0.55
"""Agreement of right cameras is far above this even with occlusion; of wrong ones far below. Tuned, unrecorded."""
DOUBTFUL, FITS, CLEARLY = 0.8, 0.85, 0.15
"""Under ``DOUBTFUL`` another reading is named though ``ENOUGH`` agrees, if it reaches ``FITS`` and so much more than as read:
distance along the ray is nearly z-depth in the middle of the image, and agrees there. Tuned, unrecorded."""
SEARCHED = 0.1
"""A reading whose number was searched for has to be so much better than one without: of thirty, one fits by chance. Tuned,
unrecorded."""
THINNED, LOOKED_AT = 4, 4
"""Readings are tried on every so many pairs first; so many that fit best there are then tried on all. Convention."""
_SCALES = {
    10.0: "ten times smaller",
    100.0: "a hundred times smaller",
    1000.0: "a thousand times smaller",
    0.1: "ten times larger",
    0.01: "a hundred times larger",
    0.001: "a thousand times larger",
}
"""What camera positions are divided by, in words."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How well depth and cameras fit together under one reading of the camera file."""

    reading: str
    share: float
    """Warped points that land on the measured depth, within what its noise allows, of all that land in the image, 0..1."""
    behind: float
    """Points that fall behind the camera they are warped into, 0..1."""
    pairs: int
    """That share anything."""
    telling: int
    """Those that move enough to vote, which are all that ``share`` counts; 0 where none does."""
    same: tuple[SamePoints, ...] = ()
    """What the telling pairs agree about, in the images that every so many pixels were taken of."""


def check_frames(
    cameras: CameraPath, views: Views, *, subject: str, scene: str, axes: str, depth_unit: str | float, depth_kind: str = "z"
) -> Agreement:
    """Agreement of the cameras as read; a FrameError that names the reading that fits better if they don't fit.

    One view alone can't be checked, nor views that hardly move: then nothing is proven and nothing refused. Other readings
    tried: OpenGL/OpenCV axes swapped, world-to-camera taken for camera-to-world, both, camera positions in another unit than
    the depth, and those of :mod:`depth_readings`.

    Args:
        cameras: As read, OpenCV axes, capture units.
        views: With depth in the same units.
        subject: Camera file, for the message.
        scene: For the message.
        axes: Axes the file was read as.
        depth_unit: As written in the scene file.
        depth_kind: As written in the scene file; the views hold z-depth either way.

    Raises:
        FrameError: Depth of one view doesn't land on the depth of the next; the reading that fits better is named.
    """
    step = step_of(cameras)
    pairs = _pairs(len(views), STRIDES)
    farther = _pairs(len(views), FARTHER)
    depths = {index: views.z_depth(index)[::step, ::step] for index in sorted({i for pair in pairs for i in pair})}
    small = cameras.resized(-(-cameras.width // step), -(-cameras.height // step))
    # sampling every 4th pixel keeps pixel 4k's centre at 4k + 0.5, i.e. shifts the principal point
    K = cameras.K.copy()
    K[:, :2] /= step
    K[:, :2, 2] += 0.5 - 0.5 / step
    small = CameraPath(c2w=cameras.c2w, K=K, width=small.width, height=small.height)
    within = _tolerance(depths)
    read = _agreement(small, depths, pairs, "as read", within)
    if read.pairs and read.telling < len(pairs) / 2 and farther:
        pairs = pairs + farther
        more = sorted({i for pair in farther for i in pair} - set(depths))
        depths |= {index: views.z_depth(index)[::step, ::step] for index in more}
        read = _agreement(small, depths, pairs, "as read", within)
    if len(views) == 1 or (read.pairs and not read.telling) or read.share >= DOUBTFUL:
        return read
    swapped = "opengl" if axes == "opencv" else "opencv"
    closest: list[tuple[float, DepthReading]] = []
    for other in chain(
        _camera_readings(small, depths, swapped=swapped),
        depth_readings(small, depths, depth_unit=depth_unit, depth_kind=depth_kind, focal_px=float(cameras.K[0, 0, 0])),
        _position_readings(small, depths),
    ):
        share = _agreement(other.cameras, other.depths, pairs[::THINNED], other.name, within, scaled=other.scaled).share
        closest.append((share - (SEARCHED if other.searched else 0), other))
        closest = sorted(closest, key=lambda entry: -entry[0])[:LOOKED_AT]
    fixes = {other.name: f"{other.fix} for scene '{scene}'." for _, other in closest if other.fix}
    judged = [
        (_agreement(one.cameras, one.depths, pairs, one.name, within, scaled=one.scaled), one.searched) for _, one in closest
    ]
    best, _ = max(judged, key=lambda entry: entry[0].share - (SEARCHED if entry[1] else 0))
    if read.share >= ENOUGH and not (best.share >= FITS and best.share >= read.share + CLEARLY):
        return read
    found = (
        f"{read.share:.0%} of the depth agrees between neighbouring views, "
        f"{read.behind:.0%} of the points lie behind the next camera"
        if read.pairs
        else "no depth of any view falls into a neighbouring one"
    )
    expected = f"> {ENOUGH if read.share < ENOUGH else FITS:.0%} agreeing"
    if best.share < ENOUGH or (read.share < ENOUGH and best.share < 1.5 * read.share):
        raise FrameError(
            subject,
            found,
            expected=expected,
            likely="No two neighbouring views overlap, however the file is read."
            if max(read.pairs, best.pairs) == 0
            else f"No other reading fits either (best: {best.reading}, {best.share:.0%}): "
            "cameras and images may be out of step, or from different runs.",
            next_step=f"Check that camera k of scene '{scene}' belongs to image k.",
        )
    if "axes" in best.reading and "world" not in best.reading:
        fix = f"Set rgbd.axes: {swapped} for scene '{scene}'."
    elif best.reading in fixes:
        fix = fixes[best.reading]
    elif "positions" in best.reading:
        fix = f"Depth was read in '{depth_unit}'; correct rgbd.depth_unit, or scale the cameras, of scene '{scene}'."
    else:
        fix = f"Invert the matrices of the camera file of scene '{scene}'."
    raise FrameError(
        subject,
        found,
        expected=expected,
        likely=(
            f"Depth is read as {'z-depth' if depth_kind == 'z' else 'distance along the ray'} in '{depth_unit}'"
            if best.reading in fixes
            else f"The file is read as camera-to-world in {axes} axes"
        )
        + f"; read as {best.reading}, {best.share:.0%} would agree.",
        next_step=fix,
    )


def _camera_readings(cameras: CameraPath, depths: Depths, *, swapped: str) -> Iterator[DepthReading]:
    """The file in other axes, which ``swapped`` names, with matrices of the other direction, and both."""
    flipped = c2w_opengl_from_opencv(cameras.c2w)
    named = {
        f"{swapped} axes": flipped,
        "world-to-camera matrices": invert_rigid(cameras.c2w),
        f"world-to-camera matrices in {swapped} axes": c2w_opengl_from_opencv(invert_rigid(flipped)),
    }
    for name, c2w in named.items():
        path = CameraPath(c2w=c2w, K=cameras.K, width=cameras.width, height=cameras.height)
        yield DepthReading(name=name, fix="", depths=depths, cameras=path, scaled=False, searched=False)


def _position_readings(cameras: CameraPath, depths: Depths) -> Iterator[DepthReading]:
    """Cameras in another unit than their depth."""
    for factor, words in _SCALES.items():
        c2w = cameras.c2w.copy()
        c2w[:, :3, 3] /= factor
        path = CameraPath(c2w=c2w, K=cameras.K, width=cameras.width, height=cameras.height)
        name = f"camera positions {words}"
        yield DepthReading(name=name, fix="", depths=depths, cameras=path, scaled=True, searched=False)


def step_of(cameras: CameraPath) -> int:
    """Every how many pixels depth and colour are looked at."""
    return max(1, cameras.width // ACROSS)


def _pairs(count: int, strides: tuple[int, ...]) -> list[tuple[int, int]]:
    sources = np.unique(np.linspace(0, count - 1, SOURCES).astype(int))
    return [(int(i), int(i + stride)) for i in sources for stride in strides if i + stride < count]


def _tolerance(depths: Depths) -> float:
    """Share of depth that may part two measurements of one point: a sensor that errs by 4 % isn't out of step for it.

    Noise is what second differences along the rows show: they vanish on planes, whatever way these face, and where surfaces
    end they are outliers of a median.
    """
    bent = []
    for depth in depths.values():
        middle = depth[:, 1:-1]
        with np.errstate(invalid="ignore"):
            second = np.abs(depth[:, 2:] + depth[:, :-2] - 2 * middle) / middle
        bent.append(second[np.isfinite(second)])
    found = np.concatenate(bent)
    sigma = float(np.median(found)) / 0.6745 / np.sqrt(6) if len(found) else 0.0
    return float(np.clip(NOISY * np.sqrt(2) * sigma, AGREE_RELATIVE, MOST_NOISY))


def _agreement(
    cameras: CameraPath, depths: Depths, pairs: list[tuple[int, int]], reading: str, within: float, *, scaled: bool = False
) -> Agreement:
    """Agreement of the pairs that can tell.

    Args:
        cameras: Under this reading.
        depths: By view, under this reading.
        pairs: Views that are warped, and into which.
        reading: Its name.
        within: Share of depth that may part two measurements of one point.
        scaled: Only parallax can tell it.
    """
    agreeing = landed = behind = warped = used = telling = 0
    same = []
    w2c = cameras.w2c
    for source, target in pairs:
        points = unproject(depths[source], cameras.K[source], cameras.c2w[source])
        rows, columns = np.nonzero(np.isfinite(points).all(axis=2))
        points = points[rows, columns]
        uv, z = project(points, cameras.K[target], w2c[target])
        warped += len(z)
        behind += int((z <= 0).sum())
        inside = (z > 0) & (uv >= 0).all(axis=1) & (uv[:, 0] < cameras.width) & (uv[:, 1] < cameras.height)
        if inside.sum() < 50:
            continue
        used += 1
        moved = uv[inside] - np.stack([columns[inside], rows[inside]], axis=1)
        if np.median(np.linalg.norm(moved, axis=1)) < MOVES * cameras.width:
            continue
        if scaled:
            far = cameras.c2w[source, :3, 3] + 1e4 * (points[inside] - cameras.c2w[source, :3, 3])
            at_infinity, _ = project(far, cameras.K[target], w2c[target])
            if np.median(np.linalg.norm(uv[inside] - at_infinity, axis=1)) < PARALLAX * cameras.width:
                continue
        pixel = uv[inside].astype(int)
        there = depths[target][pixel[:, 1], pixel[:, 0]]
        known = np.isfinite(there)
        with np.errstate(invalid="ignore"):
            agree = np.abs(there - z[inside]) < np.maximum(within * there, np.minimum(AGREE_M, AGREE_NEAR * there))
        agreeing += int(agree.sum())
        from_pixel = np.stack([columns[inside], rows[inside]], axis=1)[agree].astype(np.int64)
        same.append(
            SamePoints(source=source, target=target, source_pixels=from_pixel, target_pixels=pixel[agree].astype(np.int64))
        )
        landed += int(known.sum())
        telling += 1
    return Agreement(
        reading=reading,
        share=agreeing / max(landed, 1),
        behind=behind / max(warped, 1),
        pairs=used,
        telling=telling,
        same=tuple(same),
    )
