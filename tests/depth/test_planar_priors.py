"""Blank walls filled from their rims, in analytic rooms where the sweep is played by the truth at textured pixels."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy import ndimage

from lyra_sim.data.depth import MEASURED_CONFIDENCE
from lyra_sim.depth.planes.planar_priors import fill
from lyra_sim.geometry.cameras import unproject
from tests.rooms import Room, camera_path, furnished_room, look

UP = np.array([0.0, 0.0, 1.0])
INNER_WALL = 4.0
"""x of the wall with the doorway, on the side most cameras are [m]."""
FREE_BOX = (np.array([1.4, 2.9, 0.0]), np.array([1.9, 3.3, 1.3]))
"""Stands 0.7 m before the wall y = 4 m."""


def plain_room(*, views: int) -> Room:
    """The furnished room seen by a camera that walks level and takes in floor and ceiling, as photos of a room do."""
    room = furnished_room(views=views)
    poses = [
        look(centre, index * 1.1, np.radians([-10.0, 2.0, 9.0, -4.0][index % 4]))
        for index, centre in enumerate(room.cameras.centres)
    ]
    boxes = {**room.boxes, "free_box": FREE_BOX}
    return replace(room, boxes=boxes, cameras=camera_path(poses, width=240, height=180, focal=95.0))


@dataclass(frozen=True)
class Blank:
    """What the filling gets, what it made of it, and the truth."""

    measured: list[np.ndarray]
    confidence: list[np.ndarray]
    filled: list[np.ndarray]
    trust: list[np.ndarray]
    truth: list[np.ndarray]
    points: list[np.ndarray]
    blank: list[np.ndarray]

    def new(self, view: int) -> np.ndarray:
        return np.isfinite(self.filled[view]) & ~np.isfinite(self.measured[view])

    def errors(self) -> np.ndarray:
        """Relative errors of all filled pixels."""
        parts = [(z / t - 1)[self.new(k)] for k, (z, t) in enumerate(zip(self.filled, self.truth, strict=True))]
        return np.concatenate(parts)


def painted(room: Room) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
    """Images whose walls are one white, depth, points, and which pixels are blank."""
    images, depths = room.rendered
    path = room.cameras
    rgb, truth, points, blank = [], [], [], []
    for image, z, K, c2w in zip(images, depths, path.K, path.c2w, strict=True):
        p = unproject(z, K, c2w)
        walls = (np.abs(p[..., :2] - room.air_low[:2]) < 1e-4) | (np.abs(p[..., :2] - room.air_high[:2]) < 1e-4)
        inner = np.abs(p[..., 0] - INNER_WALL) < 1e-4
        box = ((p > FREE_BOX[0] - 1e-4) & (p < FREE_BOX[1] + 1e-4)).all(-1)
        outer = walls.any(-1)
        colour = image.astype(np.float32) / 255
        colour[outer | inner] = (0.86, 0.86, 0.84)
        colour[(walls[..., 1]) & ~inner] *= 0.94
        colour[box] = (0.3, 0.45, 0.7)
        rgb.append(colour)
        truth.append(z)
        points.append(p)
        blank.append(outer | inner)
    return rgb, truth, points, blank


def swept(rgb: np.ndarray, z: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Noisy truth where a 5x5 window holds texture, nothing elsewhere."""
    grey = rgb.mean(-1)
    spread = ndimage.uniform_filter(grey**2, 5) - ndimage.uniform_filter(grey, 5) ** 2
    noisy = z * (1 + 0.003 * rng.standard_normal(z.shape))
    return np.where(spread > 0.012**2, noisy, np.nan).astype(np.float32)


def filled_room(room: Room) -> Blank:
    rgb, truth, points, blank = painted(room)
    rng = np.random.default_rng(5)
    measured = [swept(image, z, rng) for image, z in zip(rgb, truth, strict=True)]
    confidence = [np.where(np.isfinite(z), 0.9, 0).astype(np.float32) for z in measured]
    sky = [np.zeros(z.shape, bool) for z in truth]
    filled, trust = fill(rgb, room.cameras, measured, confidence, up=UP, sky=sky)
    return Blank(measured, confidence, filled, trust, truth, points, blank)


@pytest.fixture(scope="module")
def room() -> Blank:
    return filled_room(plain_room(views=32))


def test_blank_walls_are_filled_to_a_hundredth(room: Blank) -> None:
    unknown = sum(int((b & ~np.isfinite(z)).sum()) for b, z in zip(room.blank, room.measured, strict=True))
    known = sum(int((b & room.new(k)).sum()) for k, b in enumerate(room.blank))
    assert unknown > 100_000
    assert known > 0.6 * unknown
    assert (np.abs(room.errors()) < 0.01).mean() > 0.97


def test_nothing_is_filled_in_free_space(room: Blank) -> None:
    assert (room.errors() < -0.04).mean() < 0.002


def test_a_doorway_in_a_blank_wall_stays_open(room: Blank) -> None:
    through = phantom = 0
    for view, (z, p) in enumerate(zip(room.filled, room.points, strict=True)):
        seen = unproject(z, *_camera(view))
        behind = room.new(view) & (p[..., 0] > INNER_WALL + 0.2)
        through += int(behind.sum())
        phantom += int((behind & (np.abs(seen[..., 0] - INNER_WALL) < 0.1)).sum())
    assert through > 1000
    assert phantom <= 0.002 * through


def test_a_free_box_keeps_its_place_before_the_wall(room: Blank) -> None:
    pixels = on_wall = 0
    for view, p in enumerate(room.points):
        box = ((p > FREE_BOX[0] - 1e-3) & (p < FREE_BOX[1] + 1e-3)).all(-1)
        pixels += int(box.sum())
        on_wall += int((box & room.new(view) & (room.filled[view] > 1.05 * room.truth[view])).sum())
    assert pixels > 3000
    assert on_wall < 0.02 * pixels


def test_measured_pixels_stay_bit_for_bit_and_filled_ones_are_marked(room: Blank) -> None:
    for view, measured in enumerate(room.measured):
        there = np.isfinite(measured)
        assert (room.filled[view][there] == measured[there]).all()
        assert (room.trust[view][there] == room.confidence[view][there]).all()
        new = room.new(view)
        assert ((room.trust[view][new] > 0) & (room.trust[view][new] < MEASURED_CONFIDENCE)).all()
        assert (room.trust[view][~np.isfinite(room.filled[view])] == 0).all()


def test_same_input_same_bytes() -> None:
    plain = plain_room(views=8)
    first, second = filled_room(plain), filled_room(plain)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(first.filled, second.filled, strict=True))
    assert all(a.tobytes() == b.tobytes() for a, b in zip(first.trust, second.trust, strict=True))


def test_sky_stays_unknown_and_nothing_comes_of_nothing() -> None:
    plain = plain_room(views=4)
    rgb, truth, _, _ = painted(plain)
    measured = [swept(image, z, np.random.default_rng(1)) for image, z in zip(rgb, truth, strict=True)]
    confidence = [np.where(np.isfinite(z), 0.9, 0).astype(np.float32) for z in measured]
    sky = [np.ones(z.shape, bool) for z in truth]
    filled, _ = fill(rgb, plain.cameras, measured, confidence, up=UP, sky=sky)
    assert all((np.isfinite(a) == np.isfinite(b)).all() for a, b in zip(filled, measured, strict=True))
    empty = [np.full_like(z, np.nan) for z in truth]
    filled, trust = fill(rgb, plain.cameras, empty, [np.zeros_like(z) for z in truth], up=UP, sky=sky)
    assert not any(np.isfinite(z).any() for z in filled) and not any(t.any() for t in trust)


def _camera(view: int) -> tuple[np.ndarray, np.ndarray]:
    path = plain_room(views=32).cameras
    return path.K[view], path.c2w[view]
