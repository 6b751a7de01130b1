"""Are the cameras what their file says? Depth of one view must land on the depth of the next."""

from dataclasses import dataclass

import numpy as np

from lyra_sim.conventions import c2w_opengl_from_opencv
from lyra_sim.data.views import Views
from lyra_sim.errors import FrameError
from lyra_sim.geometry.cameras import CameraPath, project, unproject
from lyra_sim.geometry.rigid import invert_rigid

SOURCES = 16
"""Views whose depth is warped. Convention."""
STRIDES = (1, 3, 7)
"""Index distances to the views it is warped into. Tuned, unrecorded."""
AGREE_RELATIVE = 0.02
"""Depth agrees within this fraction of itself. Tuned, unrecorded."""
ENOUGH = 0.55
"""Agreement of right cameras is far above this even with occlusion; of wrong ones far below. Tuned, unrecorded."""
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
    """Warped points that land within 2 % of the measured depth, of all that land in the image, 0..1."""
    behind: float
    """Points that fall behind the camera they are warped into, 0..1."""
    pairs: int


def check_frames(cameras: CameraPath, views: Views, *, subject: str, scene: str, axes: str, depth_unit: str) -> Agreement:
    """Agreement of the cameras as read; a FrameError that names the reading that fits better if they don't fit.

    One view alone can't be checked. Other readings tried: OpenGL/OpenCV axes swapped, world-to-camera taken for
    camera-to-world, both, and camera positions in another unit than the depth.

    Args:
        cameras: As read, OpenCV axes, capture units.
        views: With depth in the same units.
        subject: Camera file, for the message.
        axes: Axes the file was read as.
        depth_unit: As written in the scene file.
        scene: For the message.

    Raises:
        FrameError: Depth of one view doesn't land on the depth of the next; the reading that fits better is named.
    """
    pairs = _pairs(len(views))
    depths = {index: views.z_depth(index)[::4, ::4] for index in sorted({i for pair in pairs for i in pair})}
    small = cameras.resized(-(-cameras.width // 4), -(-cameras.height // 4))
    # sampling every 4th pixel keeps pixel 4k's centre at 4k + 0.5, i.e. shifts the principal point
    K = cameras.K.copy()
    K[:, :2] /= 4
    K[:, 0, 2] += 0.5 - 0.125
    K[:, 1, 2] += 0.5 - 0.125
    small = CameraPath(c2w=cameras.c2w, K=K, width=small.width, height=small.height)
    read = _agreement(small, depths, pairs, "as read")
    if len(views) == 1 or read.share >= ENOUGH:
        return read
    swapped = "opengl" if axes == "opencv" else "opencv"
    flipped = c2w_opengl_from_opencv(cameras.c2w)
    candidates = {f"{swapped} axes": flipped, "world-to-camera matrices": invert_rigid(cameras.c2w)}
    candidates[f"world-to-camera matrices in {swapped} axes"] = c2w_opengl_from_opencv(invert_rigid(flipped))
    tried = [
        _agreement(CameraPath(c2w=c2w, K=small.K, width=small.width, height=small.height), depths, pairs, name)
        for name, c2w in candidates.items()
    ]
    for factor, words in _SCALES.items():
        c2w = cameras.c2w.copy()
        c2w[:, :3, 3] /= factor
        path = CameraPath(c2w=c2w, K=small.K, width=small.width, height=small.height)
        tried.append(_agreement(path, depths, pairs, f"camera positions {words}"))
    best = max(tried, key=lambda agreement: agreement.share)
    found = (
        f"{read.share:.0%} of the depth agrees between neighbouring views, "
        f"{read.behind:.0%} of the points lie behind the next camera"
        if read.pairs
        else "no depth of any view falls into a neighbouring one"
    )
    expected = f"> {ENOUGH:.0%} agreeing"
    if best.share < ENOUGH or best.share < 1.5 * read.share:
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
    elif "positions" in best.reading:
        fix = f"Depth was read in '{depth_unit}'; correct rgbd.depth_unit, or scale the cameras, of scene '{scene}'."
    else:
        fix = f"Invert the matrices of the camera file of scene '{scene}'."
    raise FrameError(
        subject,
        found,
        expected=expected,
        likely=f"The file is read as camera-to-world in {axes} axes; read as {best.reading}, {best.share:.0%} would agree.",
        next_step=fix,
    )


def _pairs(count: int) -> list[tuple[int, int]]:
    sources = np.unique(np.linspace(0, count - 1, SOURCES).astype(int))
    return [(int(i), int(i + stride)) for i in sources for stride in STRIDES if i + stride < count]


def _agreement(cameras: CameraPath, depths: dict[int, np.ndarray], pairs: list[tuple[int, int]], reading: str) -> Agreement:
    agreeing = landed = behind = warped = used = 0
    w2c = cameras.w2c
    for source, target in pairs:
        points = unproject(depths[source], cameras.K[source], cameras.c2w[source]).reshape(-1, 3)
        points = points[np.isfinite(points).all(axis=1)]
        uv, z = project(points, cameras.K[target], w2c[target])
        warped += len(z)
        behind += int((z <= 0).sum())
        inside = (z > 0) & (uv >= 0).all(axis=1) & (uv[:, 0] < cameras.width) & (uv[:, 1] < cameras.height)
        if inside.sum() < 50:
            continue
        pixel = uv[inside].astype(int)
        there = depths[target][pixel[:, 1], pixel[:, 0]]
        known = np.isfinite(there)
        difference = np.abs(there - z[inside])[known]
        agreeing += int((difference < AGREE_RELATIVE * there[known]).sum())
        landed += int(known.sum())
        used += 1
    return Agreement(reading=reading, share=agreeing / max(landed, 1), behind=behind / max(warped, 1), pairs=used)
