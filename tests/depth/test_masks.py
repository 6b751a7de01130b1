"""Moving things and sky against analytic scenes where both are known exactly."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lyra_sim.data.capture import Capture
from lyra_sim.data.scale import ScaleEstimate
from lyra_sim.data.sparse import SparsePoints
from lyra_sim.data.views import MOVING, SKY, STATIC, Views
from lyra_sim.depth.moving import moving_masks
from lyra_sim.depth.plane_sweep import labelled
from lyra_sim.depth.sky import sky_masks
from lyra_sim.geometry.cameras import pixel_rays
from lyra_sim.geometry.rigid import Similarity
from tests.rooms import Room, camera_path, look

POST = (np.array([3.0, 1.3, 0.0]), np.array([3.15, 1.45, 2.4]))


def _walked_room(walker: list[np.ndarray | None]) -> tuple[Room, list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
    """A room with a post that stands and a box that walks: images, true depth, and where the box is seen."""
    eyes = [look(np.array([0.5 + 0.12 * k, 1.4 + 0.15 * (k % 3), 1.3]), 0.1 * np.sin(k), -0.12) for k in range(len(walker))]
    room = Room(
        air_low=np.zeros(3),
        air_high=np.array([6.0, 4.0, 2.4]),
        boxes={"post": POST, "chest": (np.array([4.8, 2.6, 0.0]), np.array([5.6, 3.4, 0.8]))},
        cameras=camera_path(eyes),
    )
    images, depths, seen = [], [], []
    for c2w, low in zip(eyes, walker, strict=True):
        alone = replace(room, cameras=camera_path([c2w]))
        rgb, z = alone.rendered[0][0], alone.rendered[1][0]
        if low is None:
            there = np.zeros(z.shape, bool)
        else:
            box = {"walker": (low, low + np.array([0.4, 0.4, 1.5]))}
            peopled = replace(alone, boxes={**alone.boxes, **box})
            new_rgb, new_z = peopled.rendered[0][0], peopled.rendered[1][0]
            there = new_z < z - 1e-4
            rgb, z = np.where(there[..., None], np.clip(new_rgb // 4 + np.array([120, 0, 0]), 0, 255), rgb), new_z
        images.append(rgb.astype(np.uint8))
        depths.append(z)
        seen.append(there)
    return room, images, depths, seen


@pytest.mark.parametrize("depth_of_it", ["unknown", "true"])
def test_a_box_that_walks_is_masked_and_a_post_that_stands_is_not(depth_of_it: str) -> None:
    walker = [None if k in (0, 5, 9) else np.array([4.2, 0.4 + 0.35 * k, 0.0]) for k in range(10)]
    room, images, depths, seen = _walked_room(walker)
    given = [
        np.where(there & (depth_of_it == "unknown"), np.nan, z).astype(np.float32)
        for z, there in zip(depths, seen, strict=True)
    ]
    masks = moving_masks(images, room.cameras, given)
    hit = sum(int((mask & there).sum()) for mask, there in zip(masks, seen, strict=True))
    assert hit / sum(int(there.sum()) for there in seen) > 0.8
    for mask, there in zip(masks, seen, strict=True):
        allowed = np.pad(there, 4)
        allowed = np.any([np.roll(allowed, (a, b), (0, 1)) for a in range(-4, 5) for b in range(-4, 5)], axis=0)[4:-4, 4:-4]
        assert not (mask & ~allowed).any()


def test_nothing_is_masked_where_nothing_moved() -> None:
    room, images, depths, _ = _walked_room([None] * 6)
    assert not any(mask.any() for mask in moving_masks(images, room.cameras, depths))


def test_without_depth_nothing_is_masked() -> None:
    room, images, depths, _ = _walked_room([np.array([4.2, 0.4 + 0.35 * k, 0.0]) for k in range(6)])
    blind = [np.full_like(z, np.nan) for z in depths]
    assert not any(mask.any() for mask in moving_masks(images, room.cameras, blind))
    assert not any(mask.any() for mask in moving_masks(images, room.cameras, [None] * 6))


def _street(folder: Path, *, ceiling: float | None, above: tuple[int, int, int]) -> tuple[Capture, list[np.ndarray]]:
    """A walk between two white house fronts 5 m high, open at the end; above them sky with a cloud, or a ceiling."""
    width, height, focal = 240, 180, 150.0
    cameras = camera_path(
        [look(np.array([2.0 * k, 0.0, 1.5]), 0.0, 0.12) for k in range(5)], width=width, height=height, focal=focal
    )
    (folder / "rgb").mkdir(parents=True)
    rng = np.random.default_rng(5)
    truth, points, point_index, view_index, xy = [], [], [], [], []
    for view, c2w in enumerate(cameras.c2w):
        directions = pixel_rays(cameras.K[view], width, height).astype(float) @ c2w[:3, :3].T
        eye = c2w[:3, 3]
        with np.errstate(divide="ignore", invalid="ignore"):
            ground = np.where(directions[..., 2] < 0, -eye[2] / directions[..., 2], np.inf)
            front = np.abs(4.0 / directions[..., 1])
            hits_front = eye[2] + front * directions[..., 2] < 5.0
            top = np.where(directions[..., 2] > 0, ((ceiling or np.inf) - eye[2]) / directions[..., 2], np.inf)
        front[~hits_front] = np.inf
        z = np.minimum(np.minimum(ground, front), top)
        end = (80.0 if ceiling is None else 10.0) - eye[0]
        low_at_end = eye[2] + end / directions[..., 0] * directions[..., 2] < 4.0
        z = np.where((end / directions[..., 0] < z) & low_at_end, end / directions[..., 0], z)
        image = rng.normal(0, 2.0, (height, width, 3))
        v, u = np.mgrid[:height, :width]
        cloud = np.exp(-(((u - 120) / 30) ** 2 + ((v - 20) / 9) ** 2))[..., None]
        image += np.array(above) * (1 - cloud) + 245 * cloud
        place = eye + np.where(np.isfinite(z), z, 0)[..., None] * directions
        pattern = (np.floor(place[..., 0] * 1.5) + np.floor(place[..., 2] * 1.5)) % 3
        wall = np.where((pattern == 0)[..., None], [70, 60, 50], [240, 240, 236])
        tone = np.where((ground <= z)[..., None], 150.0 + 20 * (pattern == 1)[..., None], wall)
        solid = np.isfinite(z) & ~((top <= z) & (ceiling is not None))
        image[solid] += tone[solid] - np.array(above) * (1 - cloud[solid]) - 245 * cloud[solid]
        Image.fromarray(np.clip(image, 0, 255).astype(np.uint8)).save(folder / "rgb" / f"{view}.png")
        truth.append(~np.isfinite(z))
        likely = z[solid] / z[solid].sum()  # features are found on the far fronts more than on the near ground
        pick = rng.choice(np.flatnonzero(solid), 150, replace=False, p=likely)
        rays = pixel_rays(cameras.K[view], width, height).reshape(-1, 3)[pick]
        point_index += list(range(len(points), len(points) + 150))
        points += list(place.reshape(-1, 3)[pick])
        view_index += [view] * 150
        xy += list(rays[:, :2])
    Image.fromarray(np.full((height, width), 255, np.uint8)).save(folder / "valid.png")
    capture = Capture(
        views=Views(folder=folder, names=tuple("01234"), rgb_suffix=".png", units_per_depth_count=None),
        cameras=cameras,
        world_from_capture=Similarity.identity(),
        scale=ScaleEstimate(metres_per_unit=1.0, sigma_relative=0.5, source="assumed camera height 1.5 m"),
        held_out=(),
        frame_agreement=None,
        up_source="declared z",
        depth=None,
        sparse=SparsePoints(
            points=np.array(points),
            point_index=np.array(point_index, np.int32),
            view_index=np.array(view_index, np.int32),
            xy=np.array(xy, np.float64),
        ),
    )
    return capture, truth


@pytest.mark.parametrize("above", [(90, 140, 220), (250, 250, 250)], ids=["blue", "overcast"])
def test_sky_over_a_street_of_white_houses(tmp_path: Path, above: tuple[int, int, int]) -> None:
    capture, truth = _street(tmp_path, ceiling=None, above=above)
    for mask, sky in zip(sky_masks(capture, width=240, height=180), truth, strict=True):  # white on white is harder
        assert (mask & sky).sum() / (mask | sky).sum() > (0.95 if above[0] < 200 else 0.9)


@pytest.mark.parametrize("above", [(90, 140, 220), (250, 250, 250)], ids=["blue", "white"])
def test_a_ceiling_is_no_sky(tmp_path: Path, above: tuple[int, int, int]) -> None:
    capture, _ = _street(tmp_path, ceiling=3.0, above=above)
    assert not any(mask.any() for mask in sky_masks(capture, width=240, height=180))


def test_labels_put_what_moves_before_the_sky() -> None:
    sky, moving = np.array([[True, True, False]]), np.array([[False, True, False]])
    np.testing.assert_array_equal(labelled([sky], [moving])[0], [[SKY, MOVING, STATIC]])


def test_no_sky_in_the_indoor_sets(shared_data: Path) -> None:
    """White ceilings of a rendered house and a hall; true depth at a grid of pixels stands in for shared points."""
    from tests.depth.indoor import capture_of

    for name in ("scene_small_house", "scene_small_warehouse"):
        capture = capture_of(shared_data / name / "rgbd", every=8)
        assert not any(mask.any() for mask in sky_masks(capture, width=256, height=192))
