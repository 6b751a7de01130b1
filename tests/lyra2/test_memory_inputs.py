"""The network's inputs: order of the past, camera maps, the buffer's slots, and what is refused."""

import numpy as np
import pytest
import torch

from lyra_sim.errors import GeometryError
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim_lyra2.conditions.camera_maps import camera_maps
from lyra_sim_lyra2.conditions.correspondence import new_correspondence, slot_coordinates, spatial_correspondence
from lyra_sim_lyra2.conditions.history_packing import LYRA2, HistoryPacking, Segment
from lyra_sim_lyra2.conditions.latent_grid import pixel_unshuffle
from lyra_sim_lyra2.conditions.memory_inputs import MemoryInputs, memory_inputs
from lyra_sim_lyra2.conditions.seen_frame import SeenFrame

WIDTH, HEIGHT = 48, 32
K = np.array([[32.0, 0, 24], [0, 32.0, 16], [0, 0, 1]])


def cameras(*xs: float, width: int = WIDTH) -> CameraPath:
    c2w = np.repeat(np.eye(4)[None], len(xs), axis=0)
    c2w[:, 0, 3] = xs
    return CameraPath(c2w=c2w, K=np.repeat(K[None], len(xs), axis=0), width=width, height=HEIGHT)


def seen(x: float, brightness: float, *, width: int = WIDTH) -> SeenFrame:
    colours = torch.full((3, HEIGHT, width), float(brightness))
    return SeenFrame(colours=colours, z_depth=torch.full((HEIGHT, width), 2.0), camera=cameras(x, width=width))


def encode(video: torch.Tensor) -> torch.Tensor:
    """Two channels: mean brightness, and how many frames came before."""
    kept = video[0, ::4, ::8, ::8]
    return torch.stack([kept, torch.arange(float(len(kept)))[:, None, None].expand_as(kept)])


def inputs(retrieved: list[SeenFrame], *, new: int = 8, history: int = 25, targets: CameraPath | None = None) -> MemoryInputs:
    latents = torch.arange(float(history))[None, :, None, None].expand(2, history, HEIGHT // 8, WIDTH // 8)
    return memory_inputs(
        history=latents.clone(),
        history_cameras=cameras(*np.linspace(0, 1, history)),
        first=seen(0, 0.25),
        latest=seen(1, 0.5),
        retrieved=retrieved,
        targets=targets or cameras(*np.linspace(1.125, 2, new)),
        encode=encode,
    )


def test_the_past_stands_in_the_networks_order() -> None:
    """Anchor; the first frame in empty slots; retrieved ones, the best last; the recent past, oldest first; then nothing."""
    made = inputs([seen(0.2, -0.5), seen(0.4, 0.75)])
    past = [0, 0.25, 0.25, 0.25, -0.5, 0.75, *range(6, 25)]
    assert made.latents[0, :, 1, 1].tolist() == [*past, 0, 0]
    assert made.condition[0, :25, 1, 1].tolist() == past and made.mask.shape == (4, 27, 4, 6) and (made.mask == 1).all()
    assert made.condition.shape == (2 + 384, 27, 4, 6) and made.correspondence.shape == (1280, 27, 4, 6)


def test_a_full_chunk_makes_45_positions() -> None:
    assert inputs([], new=80).latents.shape[1] == 45


def test_new_positions_are_told_the_latest_frame_carried_along() -> None:
    """A camera that moves right leaves a black rim at the right; the frame put before is dropped again."""
    made = inputs([], targets=cameras(*[1.0] * 4, *[1 + 16 * 2 / 32] * 4))
    assert made.condition[0, 25:, 0].tolist() == [[0.5] * 6, [0.5] * 4 + [-1.0] * 2]
    assert made.condition[1, 25:, 0, 0].tolist() == [1, 2]


def test_cameras_are_told_relative_to_the_latest_at_every_fourth_frame() -> None:
    made = inputs([seen(0.5, 0)])
    origins = made.condition[2, :, 0, 0].numpy()
    assert origins[[0, 4, 5, 24]] == pytest.approx([-1, -1, -0.5, 0]) and origins[25:] == pytest.approx([0.5, 1.0])


def test_camera_maps_hold_origin_and_unit_direction_through_pixel_centres() -> None:
    turned = np.eye(4)
    turned[:3, :3] = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    turned[:3, 3] = [1, 2, 3]
    path = CameraPath(c2w=turned[None], K=K[None], width=WIDTH, height=HEIGHT)
    maps = camera_maps(path, np.eye(4)).numpy().reshape(6, 8, 8, 1, HEIGHT // 8, WIDTH // 8)
    y, x = 11, 37
    ray = turned[:3, :3] @ [(x + 0.5 - 24) / 32, (y + 0.5 - 16) / 32, 1]
    there = maps[:, y % 8, x % 8, 0, y // 8, x // 8]
    assert there == pytest.approx([1, 2, 3, *(ray / np.linalg.norm(ray))], abs=1e-6)
    own = camera_maps(path, np.linalg.inv(turned)).numpy()[:, 0, 0, 0]
    assert own[:192] == pytest.approx(0, abs=1e-6)


def test_slots_are_filled_from_the_last_and_told_best_first() -> None:
    wall = [seen(0, 0), seen(0.5, 0)]
    buffer = new_correspondence(wall, cameras(*[0.5] * 4), slots=5).numpy().reshape(5, 4, 8, 8, 1, HEIGHT // 8, WIDTH // 8)
    best, second = buffer[0], buffer[1]
    names = pixel_unshuffle(slot_coordinates(5, HEIGHT, WIDTH)[4][:, None]).numpy().reshape(3, 8, 8, 1, HEIGHT // 8, WIDTH // 8)
    assert best[:3] == pytest.approx(names, abs=1e-5) and best[3] == pytest.approx(1)
    assert second[2, ..., 0] == pytest.approx(0.5), "the frame before the best has the slot before"
    assert (second[:, ..., -1] == -1).all(), "8 px of it are out of its view: a hole, its depth the least"
    assert (buffer[2:, :3] == -1).all() and (buffer[2:, 3] == 1).all(), "empty"


def test_retrieved_positions_name_their_own_pixels() -> None:
    own = spatial_correspondence(5, HEIGHT, WIDTH).numpy().reshape(5, 4, 64, 5, HEIGHT // 8, WIDTH // 8)
    assert own[0, 2, 0, :, 0, 0] == pytest.approx([-1, -0.5, 0, 0.5, 1])
    assert (own[0, 3] == -1).all() and (own[1:, 3] == 1).all() and np.array_equal(own[0, :3], own[4, :3])
    assert own[0, :2, 0, 0, 0, 0].tolist() == [-1, -1] and own[0, :2, 63, 0, -1, -1].tolist() == [1, 1]


def test_positions_of_the_videos_own_past_correspond_to_nothing() -> None:
    buffer = inputs([seen(0, 0)]).correspondence.numpy()
    assert not buffer[:, [0, *range(6, 25)]].any() and buffer[:, 1:6].any(axis=(0, 2, 3)).all()


@pytest.mark.parametrize(("width", "height"), [(24, 16), (96, 64), (40, 40), (64, 24)])
def test_a_frame_of_another_size_shows_the_same_places(width: int, height: int) -> None:
    """A slanted wall: depth at a pixel of the new camera is that of the wall there, its colour too."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    rays = np.stack([(x + 0.5 - 24) / 32, (y + 0.5 - 16) / 32], axis=-1)
    z = (2 / (1 - 0.2 * rays[..., 0])).astype(np.float32)
    shade = np.clip(128 + 60 * rays[..., 1] * z, 0, 255).astype(np.uint8)
    rgb = np.repeat(shade[..., None], 3, axis=2)
    seen = SeenFrame.of(rgb=rgb, z_depth=z, camera=cameras(0), width=width, height=height)
    there, lens = np.mgrid[:height, :width][::-1] + 0.5, seen.camera.K[0]
    u, v = (there[0] - lens[0, 2]) / lens[0, 0], (there[1] - lens[1, 2]) / lens[1, 1]
    wall = 2 / (1 - 0.2 * u)
    assert lens[0, 0] == pytest.approx(lens[1, 1], rel=0.02)
    assert np.abs(seen.z_depth.numpy() / wall - 1).max() < 0.2 / 32 + 1e-3, "within a pixel of the source"
    inner = (slice(2, -2), slice(2, -2))
    drawn = (seen.colours.numpy()[0] + 1) * 127.5
    assert np.abs(drawn - (128 + 60 * v * wall))[inner].max() < 6


def test_other_packings() -> None:
    packing = HistoryPacking(segments=(Segment(count=2, spatial=False), Segment(count=1, spatial=True)))
    assert (packing.temporal_count, packing.spatial_count, packing.is_spatial) == (2, 1, (False, False, True))
    assert packing.temporal_picks(7).tolist() == [0, 6]
    assert LYRA2.temporal_count == 20 and LYRA2.temporal_picks(25).tolist() == [0, *range(6, 25)]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: inputs([], new=6), "6 frames of 48x32 to generate"),
        (lambda: inputs([seen(0, 0)] * 6), "6 retrieved frames.*at most 5"),
        (lambda: inputs([seen(0, 0, width=64)]), "a known frame of 64x32.*expected 48x32"),
        (lambda: inputs([], history=12), r"12 latents of history.*at least 19"),
        (lambda: inputs([], targets=cameras(0, 0, 0, 0, width=44)), "44x32 to generate"),
        (
            lambda: SeenFrame(colours=torch.zeros(3, 8, 8), z_depth=torch.ones(8, 8), camera=cameras(0)),
            "one camera",
        ),
    ],
)
def test_what_does_not_fit_is_refused(make, message: str) -> None:
    with pytest.raises(GeometryError, match=message):
        make()
