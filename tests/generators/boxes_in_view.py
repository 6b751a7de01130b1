"""Analytic places to remember: cameras inside a box, whose walls are seen exactly; and retrieval written out plainly."""

import numpy as np

from lyra_sim.generators.known_frame import KnownFrame
from lyra_sim.geometry.cameras import CameraPath, pixel_rays

WIDTH, HEIGHT = 64, 48
K = np.array([[50.0, 0, 32], [0, 50.0, 24], [0, 0, 1]])


def level_c2w(x: float, y: float, heading: float) -> np.ndarray:
    """At eye height 0, looking along the heading in the xy plane; z is up."""
    forward, down = np.array([np.cos(heading), np.sin(heading), 0]), np.array([0.0, 0, -1])
    c2w = np.eye(4)
    c2w[:3, :3] = np.stack([np.cross(down, forward), down, forward], axis=1)
    c2w[:3, 3] = x, y, 0
    return c2w


def inside_box(c2w: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """z-depth of the box's inner faces at samples as the memory takes them: pixel (x, y) stands at (x, y) in K."""
    lens = K + np.array([[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]])
    rays = pixel_rays(lens, WIDTH, HEIGHT).astype(np.float64) @ c2w[:3, :3].T
    with np.errstate(divide="ignore", invalid="ignore"):
        far = np.where(rays == 0, np.inf, (np.where(rays > 0, high, low) - c2w[:3, 3]) / rays)
    return far.min(axis=-1).astype(np.float32)


def known(id: int, c2w: np.ndarray, z_depth: np.ndarray) -> KnownFrame:
    rgb = np.zeros((*z_depth.shape, 3), np.uint8)
    return KnownFrame(id=id, rgb=rgb, z_depth=z_depth, invented=None, K=K, c2w=c2w)


def corridor(count: int, *, step: float = 0.25, first_id: int = 0, above: float = 0.0) -> list[KnownFrame]:
    """A walk down an endless corridor, the look swaying from wall to wall; every wall but the far end's is seen exactly.

    Cross walls every 6 m, with the middle open for the camera alone to pass, keep each view to its own stretch.
    """
    frames = []
    for n in range(count):
        x = step * n
        stretch = np.floor(x / 6.0) * 6.0
        c2w = level_c2w(x, 0.4 * np.sin(0.7 * n), 0.6 * np.sin(0.3 * n))
        low, high = np.array([stretch - 1e-3, -1.5, -1.4]), np.array([stretch + 6.0, 1.5, 1.2])
        z_depth = inside_box(c2w, low, high)
        c2w[2, 3] += above
        frames.append(known(first_id + n, c2w, z_depth))
    return frames


def targets_at(*cameras: np.ndarray, scale: float = 1.0) -> CameraPath:
    """Cameras of the frames' lens, or of a larger or smaller picture of the same view."""
    path = CameraPath(c2w=np.stack(cameras), K=np.repeat(K[None], len(cameras), axis=0), width=WIDTH, height=HEIGHT)
    return path.resized(round(scale * WIDTH), round(scale * HEIGHT))


def plainly_covered(
    frames: list[KnownFrame], targets: CameraPath, *, absolute: float, relative: float
) -> dict[int, np.ndarray]:
    """For every frame the pixels of all views that it shows, as the rule is worded: written without kernels or index."""
    least: dict[int, np.ndarray] = {}
    width, height = -(-targets.width // 4), -(-targets.height // 4)
    for frame in frames:
        z = frame.z_depth[::4, ::4].astype(np.float64)
        y, x = np.mgrid[: z.shape[0], : z.shape[1]]
        lens = frame.K / 4
        camera = np.stack([(x - lens[0, 2]) / lens[0, 0] * z, (y - lens[1, 2]) / lens[1, 1] * z, z], axis=-1)[np.isfinite(z)]
        world = camera @ frame.c2w[:3, :3].T + frame.c2w[:3, 3]
        images = np.full((len(targets), height, width), np.inf)
        for v, w2c in enumerate(targets.w2c):
            seen = world @ w2c[:3, :3].T + w2c[:3, 3]
            seen = seen[seen[:, 2] > 0]
            at = seen[:, :2] / seen[:, 2:] * (targets.K[v, [0, 1], [0, 1]] / 4) + targets.K[v, :2, 2] / 4
            column, row = np.rint(at).astype(np.int64).T
            inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            np.minimum.at(images[v], (row[inside], column[inside]), seen[inside, 2].astype(np.float32))
        least[frame.id] = images
    nearest = np.minimum.reduce(list(least.values()))
    return {id: np.isfinite(images) & (images <= nearest * (1 + relative) + absolute) for id, images in least.items()}


def plainly_retrieved(
    shown: dict[int, np.ndarray], *, count: int, covered_by: int | None = None
) -> tuple[list[int], list[int]]:
    """Picks, the best first, and what each adds."""
    left = dict(shown)
    covered = left.pop(covered_by).copy() if covered_by is not None else np.zeros_like(next(iter(shown.values())))
    picks, gains = [], []
    while left and len(picks) < count:
        best = max(left, key=lambda id: int((left[id] & ~covered).sum()))
        gain = int((left[best] & ~covered).sum())
        if gain == 0:
            break
        picks.append(best)
        gains.append(gain)
        covered |= left.pop(best)
    return picks, gains
