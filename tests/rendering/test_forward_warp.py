"""Forward warp: shifts that are known exactly, what hides what, and what is left out."""

import math
from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lyra_sim.errors import GeometryError
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.rendering import forward_warp as module
from lyra_sim.rendering.forward_warp import SHARPNESS, Warped, _splat, forward_warp

WIDTH, HEIGHT, FOCAL = 32, 24, 16.0


def camera_at(*xs: float, scale: int = 1) -> CameraPath:
    """Cameras side by side that look along z."""
    c2w = np.repeat(np.eye(4)[None], len(xs), axis=0)
    c2w[:, 0, 3] = xs
    K = np.array([[scale * FOCAL, 0, scale * WIDTH / 2], [0, scale * FOCAL, scale * HEIGHT / 2], [0, 0, 1]])
    return CameraPath(c2w=c2w, K=np.repeat(K[None], len(xs), axis=0), width=scale * WIDTH, height=scale * HEIGHT)


def picture(channels: int) -> np.ndarray:
    return np.random.default_rng(channels).uniform(-3, 3, (channels, HEIGHT, WIDTH)).astype(np.float32)


def warp(values: np.ndarray, z_depth: np.ndarray, *cameras: CameraPath, device: str = "cpu", **options: float) -> Warped:
    """On arrays; what comes back is arrays under the names of ``Warped``."""
    made = forward_warp(torch.from_numpy(values).to(device), torch.from_numpy(z_depth).to(device), *cameras, **options)
    arrays = (t.cpu().numpy() for t in (made.values, made.z_depth, made.known))
    return Arrays(*arrays)  # type: ignore[return-value]


class Arrays(NamedTuple):
    values: np.ndarray
    z_depth: np.ndarray
    known: np.ndarray


def flat(z: float) -> np.ndarray:
    return np.full((HEIGHT, WIDTH), z, np.float32)


def test_its_own_camera_gets_the_image_back() -> None:
    warped = warp(picture(3), flat(2), camera_at(0), camera_at(0))
    assert warped.known.all()
    assert warped.values[0] == pytest.approx(picture(3), abs=1e-6) and warped.z_depth[0] == pytest.approx(flat(2))


@settings(max_examples=20, deadline=None)
@given(pixels=st.integers(-31, 31), channels=st.integers(1, 5), hole=st.sampled_from([-1.0, 0.0, 9.0]))
def test_a_flat_wall_shifts(pixels: int, channels: int, hole: float) -> None:
    values = picture(channels)
    warped = warp(values, flat(2), camera_at(0), camera_at(pixels * 2 / FOCAL), hole=hole)
    kept = slice(max(0, -pixels), min(WIDTH, WIDTH - pixels))
    from_ = slice(max(0, pixels), min(WIDTH, WIDTH + pixels))
    assert np.abs(warped.values[0][:, :, kept] - values[:, :, from_]).max() < 1e-4
    assert warped.known[0].sum() == HEIGHT * (WIDTH - abs(pixels)) and warped.known[0][:, kept].all()
    assert (warped.values[0][:, ~warped.known[0]] == np.float32(hole)).all()
    assert np.isnan(warped.z_depth[0][~warped.known[0]]).all()


def test_half_a_pixel_averages_neighbours() -> None:
    values = picture(1)
    warped = warp(values, flat(2), camera_at(0), camera_at(0.5 * 2 / FOCAL))
    assert warped.values[0, 0, :, :-1] == pytest.approx((values[0, :, 1:] + values[0, :, :-1]) / 2, abs=1e-5)


def test_what_is_near_hides_what_is_far() -> None:
    """A post 1 m away before a wall at 4 m: seen from the side, it stands before wall that was seen beside it."""
    z_depth, values = flat(4), np.zeros((1, HEIGHT, WIDTH), np.float32)
    z_depth[:, 10:22], values[:, :, 10:22] = 1, 1
    warped = warp(values, z_depth, camera_at(0), camera_at(0.25))
    shift = round(0.25 * FOCAL)
    post = slice(10 + 2 - shift, 22 - 2 - shift)
    assert (warped.values[0, 0, :, post] > 0.99).all() and warped.z_depth[0, :, post] == pytest.approx(1, abs=0.01)
    assert set(np.unique(warped.values[0, 0].round(2))) <= {-1.0, 0.0, 1.0}, "nothing in between: jumps are left out"


def test_pixels_at_a_jump_and_without_depth_are_left_out() -> None:
    z_depth = flat(2)
    z_depth[:, 16:] = 3
    z_depth[5, 4] = np.nan
    known = warp(picture(1), z_depth, camera_at(0), camera_at(0)).known[0]
    assert not known[:, 14:18].any() and known[:, 18:].all()
    assert not known[3:8, 2:7].any() and known[8:, :14].all()


def test_a_slope_within_the_limit_stays() -> None:
    z_depth = np.repeat(np.linspace(2, 2.3, WIDTH, dtype=np.float32)[None], HEIGHT, axis=0)
    assert warp(picture(1), z_depth, camera_at(0), camera_at(0)).known.all()


def test_targets_of_another_size() -> None:
    """Twice the size leaves holes between pixels, half of it leaves none: nothing is drawn that wasn't carried."""
    larger = warp(picture(1), flat(2), camera_at(0), camera_at(0, scale=2))
    assert larger.known.shape == (1, 2 * HEIGHT, 2 * WIDTH) and larger.known.mean() == pytest.approx(0.25)
    assert larger.values[0, 0, ::2, ::2] == pytest.approx(picture(1)[0], abs=1e-5)


def test_targets_keep_their_order() -> None:
    both = warp(picture(2), flat(2), camera_at(0), camera_at(*np.linspace(-1, 1, 20)))
    one = warp(picture(2), flat(2), camera_at(0), camera_at(np.linspace(-1, 1, 20)[17]))
    assert np.array_equal(both.values[17], one.values[0])


def test_nothing_behind_the_camera_arrives() -> None:
    backwards = camera_at(0)
    turned = CameraPath(c2w=backwards.c2w @ np.diag([-1.0, 1, -1, 1]), K=backwards.K, width=WIDTH, height=HEIGHT)
    assert not warp(picture(1), flat(2), camera_at(0), turned).known.any()


def test_a_camera_of_another_size_than_the_depth_is_refused() -> None:
    with pytest.raises(GeometryError, match="1 cameras of 64x48 for depth of 32x24"):
        warp(picture(1), flat(2), camera_at(0, scale=2), camera_at(0))


def bumpy(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture and a surface like a curtain, with a step in it; all rows are alike."""
    rng = np.random.default_rng(seed)
    x = np.mgrid[:HEIGHT, :WIDTH][1]
    z = 2 + 0.2 * np.sin(x / 5 + rng.uniform(0, 6)) + np.where(x > rng.integers(8, 24), 1.5, 0)
    return rng.uniform(-3, 3, (2, HEIGHT, WIDTH)).astype(np.float32), z.astype(np.float32)


@pytest.mark.parametrize("seed", range(5))
def test_whole_steps_add_up_to_what_real_numbers_do(seed: int) -> None:
    """Pixels anywhere, over the border, on whole columns and rows, near and far, some behind the camera."""
    rng = np.random.default_rng(seed)
    moved = np.stack([rng.uniform(-2, 8, (2, 60)), rng.uniform(-2, 7, (2, 60)), rng.uniform(-1, 5, (2, 60))]).astype(np.float32)
    moved[:2, :, ::3] = moved[:2, :, ::3].round()
    carried = rng.uniform(-3, 3, (2, 60))
    largest = torch.tensor(moved[2].max(), dtype=torch.float64)
    found = _splat(torch.from_numpy(carried), torch.from_numpy(moved), largest, rows=5, columns=6, hole=9.0)
    expected, known = _splatted(carried, moved, rows=5, columns=6)
    assert np.array_equal(found.known.numpy(), known) and (found.values.numpy().transpose(0, 2, 3, 1)[~known] == 9).all()
    both = np.concatenate([found.values.numpy(), found.z_depth.numpy()[:, None]], axis=1).transpose(0, 2, 3, 1)
    assert np.abs(both[known] - expected[known]).max() < 1e-6


@pytest.mark.parametrize("at_once", [1, 3, 16])
def test_what_is_drawn_at_once_changes_nothing(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    values, z_depth = bumpy(3)
    targets = camera_at(*np.linspace(-0.5, 0.5, 20))
    before = warp(values, z_depth, camera_at(0), targets)
    monkeypatch.setattr(module, "TARGETS_AT_ONCE", at_once)
    after = warp(values, z_depth, camera_at(0), targets)
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(before, after, strict=True))


@pytest.mark.gpu
def test_a_gpu_gives_the_same_bits_twice_and_nearly_those_of_a_cpu() -> None:
    values, z_depth = bumpy(7)
    targets = camera_at(*np.linspace(-0.5, 0.5, 20))
    there = [warp(values, z_depth, camera_at(0), targets, device="cuda") for _ in range(2)]
    here = warp(values, z_depth, camera_at(0), targets)
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(*there, strict=True))
    both = there[0].known & here.known
    assert (there[0].known == here.known).mean() > 0.999
    assert np.abs(there[0].values - here.values).transpose(0, 2, 3, 1)[both].max() < 1e-4


def _splatted(carried: np.ndarray, moved: np.ndarray, *, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """The definition, pixel by pixel."""
    sums, weights = np.zeros((moved.shape[1], rows, columns, len(carried) + 1)), np.zeros((moved.shape[1], rows, columns))
    scale = SHARPNESS / (math.log1p(float(moved[2].max())) + 1e-7)
    for n, pixel in np.ndindex(moved.shape[1:]):
        u, v, z = moved[:, n, pixel].astype(float) - [1, 1, 0]
        if z <= 0:
            continue
        for column in (math.floor(u), math.ceil(u)):
            for row in (math.floor(v), math.ceil(v)):
                if 0 <= column < columns and 0 <= row < rows:
                    weight = math.exp(-scale * math.log1p(z)) * (1 - abs(u - column)) * (1 - abs(v - row))
                    weights[n, row, column] += weight
                    sums[n, row, column] += weight * np.array([*carried[:, pixel], z])
    known = weights > 0
    return sums / np.where(known, weights, 1)[..., None], known
