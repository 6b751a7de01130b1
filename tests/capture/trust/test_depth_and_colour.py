"""RGB-D whose numbers mean something else: every reading is named, and nothing is named where nothing can tell."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lyra_sim.data.capture import Capture
from lyra_sim.errors import FrameError
from lyra_sim.geometry.cameras import CameraPath, pixel_rays
from lyra_sim.scene.spec import SceneSpec
from tests.rooms import Room, camera_path, furnished_room, look
from tests.scene_parts import captured


def walk(*, turn_deg: float, views: int = 30) -> Room:
    """Views on a round of 0.8 m through the larger room, looking outwards."""
    angle = np.radians(turn_deg) * np.arange(views)
    centres = np.c_[2.1 + 0.8 * np.cos(angle), 2.0 + 0.8 * np.sin(angle), 1.3 + 0.1 * np.sin(3 * angle)]
    return replace(
        furnished_room(), cameras=camera_path([look(centre, yaw, -0.2) for centre, yaw in zip(centres, angle, strict=True)])
    )


def read(room: Room, folder: Path, *, depth=lambda z, room: 1000 * z, focal: float = 1.0, colour=None, **source) -> Capture:
    """``depth`` makes counts of z-depth [m] seen through a lens of ``focal`` times the stated focal length."""
    room.write_rgbd(folder)
    K = room.cameras.K.copy()
    K[:, 0, 0] *= focal
    K[:, 1, 1] *= focal
    path = CameraPath(c2w=room.cameras.c2w, K=K, width=room.cameras.width, height=room.cameras.height)
    seen = replace(room, cameras=path)
    for index, z in enumerate(seen.rendered[1]):
        counts = np.clip(np.round(depth(z.astype(np.float64), seen)), 0, 65535).astype(np.uint16)
        Image.fromarray(counts).save(folder / "depth_mm" / f"{index:04d}.png")
    if colour is not None:
        images = [np.asarray(Image.open(path)) for path in sorted((folder / "rgb").iterdir())]
        for index in range(len(images)):
            Image.fromarray(colour(images, index)).save(folder / "rgb" / f"{index:04d}.png")
    rgbd = {"frames": folder / "rgb", "depth": folder / "depth_mm", "cameras": folder / "transforms.json", **source}
    cfg = SceneSpec.model_validate({"name": "room", "rgbd": rgbd, "scale": "metric", "up": "z"})
    return captured(cfg, folder / "out")


def ray_distance(z: np.ndarray, room: Room) -> np.ndarray:
    return 1000 * z * np.linalg.norm(pixel_rays(room.cameras.K[0], room.cameras.width, room.cameras.height), axis=2)


@pytest.mark.parametrize("turn_deg", [pytest.param(0.5, marks=pytest.mark.nightly), 7.5])
@pytest.mark.parametrize(
    ("depth", "focal", "text"),
    [
        (ray_distance, 1.0, "Set rgbd.depth_kind: ray"),
        (lambda z, room: 1000 * z[::-1, ::-1], 1.0, "depth turned half round"),
        (lambda z, room: 5000 * z, 1.0, "Set rgbd.depth_unit: 0.0002"),
        (lambda z, room: 1000 * z, 0.7, "lens of its own, focal length about 63 px"),
    ],
    ids=["ray", "turned", "a five thousandth", "wider lens"],
)
def test_what_depth_means_is_named(tmp_path: Path, turn_deg: float, depth, focal: float, text: str) -> None:
    views = 30 if turn_deg > 5 else 60
    with pytest.raises(FrameError) as caught:
        read(walk(turn_deg=turn_deg, views=views), tmp_path / "room", depth=depth, focal=focal)
    assert text in str(caught.value)


def noisy(z: np.ndarray, room: Room) -> np.ndarray:
    """A stereo camera with 8 cm of noise at 2 m: 1σ = 2 % of z², an own seed for each frame."""
    rng = np.random.default_rng(int(1e6 * z[0, 0]) % 2**32)
    return 1000 * (z + 0.02 * z**2 * rng.normal(size=z.shape))


def test_noise_is_not_being_out_of_step(tmp_path: Path) -> None:
    assert read(walk(turn_deg=7.5), tmp_path / "room", depth=noisy).depth is not None


@pytest.mark.parametrize(
    ("depth", "text"),
    [
        (lambda z, room: ray_distance(noisy(z, room) / 1000, room), "Set rgbd.depth_kind: ray"),
        (lambda z, room: noisy(z, room)[::-1, ::-1], "depth turned half round"),
    ],
    ids=["ray", "turned"],
)
def test_what_noisy_depth_means_is_named_too(tmp_path: Path, depth, text: str) -> None:
    with pytest.raises(FrameError) as caught:
        read(walk(turn_deg=7.5), tmp_path / "room", depth=depth)
    assert text in str(caught.value)


def test_a_centimetre_at_arms_length_is_not_being_out_of_step(tmp_path: Path) -> None:
    """The room at an eighth, as a phone sees a cupboard: 8 mm too far in one frame, too near in the next, smooth in each."""
    large, k = walk(turn_deg=7.5), 0.125
    c2w = large.cameras.c2w.copy()
    c2w[:, :3, 3] *= k
    small = replace(
        large,
        air_low=k * large.air_low,
        air_high=k * large.air_high,
        boxes={name: (k * low, k * high) for name, (low, high) in large.boxes.items()},
        cameras=replace(large.cameras, c2w=c2w),
    )
    frame = itertools.count()
    off = [0.004, -0.004]
    assert read(small, tmp_path / "room", depth=lambda z, room: 1000 * (z + off[next(frame) % 2])).depth is not None


def test_inverse_depth_is_named(tmp_path: Path) -> None:
    with pytest.raises(FrameError, match="read as inverse depth"):
        read(walk(turn_deg=7.5), tmp_path / "room", depth=lambda z, room: 4000 / z)


@pytest.mark.parametrize("turn_deg", [0.05, pytest.param(0.5, marks=pytest.mark.nightly), 7.5])
def test_right_depth_passes_however_slowly_the_camera_turns(tmp_path: Path, turn_deg: float) -> None:
    capture = read(walk(turn_deg=turn_deg), tmp_path / "room")
    assert (capture.frame_agreement is None) == (turn_deg < 0.1), "a camera held still proves nothing"
    assert capture.frame_agreement is None or capture.frame_agreement > 0.9


def test_a_turn_on_the_spot_names_no_scale(tmp_path: Path) -> None:
    """Positions a thousand times smaller fit it as well as any: that is no reason to correct a unit."""
    c2w = [look(np.array([2.1, 2.0, 1.3]), np.radians(6.0) * index, -0.2) for index in range(40)]
    room = replace(furnished_room(), cameras=camera_path(c2w))
    with pytest.raises(FrameError) as caught:
        read(room, tmp_path / "room", focal=0.7)
    assert "depth_unit" not in str(caught.value) and "positions" not in str(caught.value)


def late(frames: int):
    return lambda images, index: images[max(index - frames, 0)]


@pytest.mark.parametrize(
    ("colour", "text"),
    [
        pytest.param(late(1), "colour that lags 1 frame behind", marks=pytest.mark.nightly),
        pytest.param(late(4), "colour image k \\+ 4", marks=pytest.mark.nightly),
        pytest.param(
            lambda images, index: images[min(index + 2, len(images) - 1)], "runs 2 frames ahead", marks=pytest.mark.nightly
        ),
        (lambda images, index: np.roll(images[index], 12, axis=1), "shifted by about 12 px across and 0 px down"),
    ],
    ids=["late", "four late", "early", "aside"],
)
def test_colour_of_other_depth_is_named(tmp_path: Path, colour, text: str) -> None:
    with pytest.raises(FrameError, match=text):
        read(walk(turn_deg=7.5), tmp_path / "room", colour=colour)


@pytest.mark.parametrize("amount", [0, pytest.param(25, marks=pytest.mark.nightly)])
def test_dark_noisy_and_blank_colour_of_its_own_depth_passes(tmp_path: Path, amount: int) -> None:
    rng = np.random.default_rng(1)

    def spoilt(images: list[np.ndarray], index: int) -> np.ndarray:
        if amount == 0:
            return np.full_like(images[index], 20)
        dim = images[index] * rng.uniform(0.4, 0.9) + rng.normal(0, amount, images[index].shape)
        return np.clip(dim, 0, 255).astype(np.uint8)

    assert read(walk(turn_deg=7.5), tmp_path / "room", colour=spoilt).frame_agreement is not None


def test_ray_distance_that_is_stated_becomes_z_depth(tmp_path: Path) -> None:
    room = walk(turn_deg=7.5, views=12)
    capture = read(room, tmp_path / "room", depth=ray_distance, depth_kind="ray")
    np.testing.assert_allclose(capture.views.z_depth(3), room.rendered[1][3], atol=0.0021)
    assert capture.frame_agreement is not None and capture.frame_agreement > 0.9


def test_z_depth_that_is_stated_to_be_ray_distance_is_named(tmp_path: Path) -> None:
    with pytest.raises(FrameError, match=r"Set rgbd\.depth_kind: z"):
        read(walk(turn_deg=7.5), tmp_path / "room", depth_kind="ray")
