"""PSNR and SSIM of known differences."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lyra_sim.quality.depth import ViewSet
from lyra_sim.quality.image import image_metrics, likeness
from tests.quality.worlds import room_world
from tests.rooms import Room


def test_known_error_has_its_psnr() -> None:
    photo = np.full((32, 32, 3), 100, np.uint8)
    everywhere = np.ones((32, 32), bool)
    assert likeness(photo, photo + np.uint8(51), everywhere).psnr == pytest.approx(-20 * np.log10(0.2), abs=1e-6)
    same = likeness(photo, photo, everywhere)
    assert (same.psnr, same.ssim) == (100.0, pytest.approx(1.0))


def test_invalid_pixels_do_not_count() -> None:
    photo = np.full((40, 40, 3), 100, np.uint8)
    render, valid = photo.copy(), np.ones((40, 40), bool)
    render[:, :10], valid[:, :10] = 0, False
    assert likeness(photo, render, valid).psnr == 100.0
    assert likeness(photo, render, np.ones((40, 40), bool)).psnr < 20


def test_splats_of_the_room_look_like_the_room(tiny_room: Room, tmp_path: Path) -> None:
    metrics = {
        m.name: m for m in image_metrics(room_world(tiny_room, tmp_path / "views"), ViewSet(name="input", indices=(0, 9, 18)))
    }
    assert metrics["image.input.psnr"].value > 20
    assert metrics["image.input.covered"].value > 0.97
    assert metrics["image.input.psnr"].n == 3


def test_what_lies_behind_given_geometry_is_no_part_of_it(tiny_room: Room, tmp_path: Path) -> None:
    """A yard under a pale sky that nobody gave: splats have none, and are right."""
    room = room_world(tiny_room, tmp_path / "views")
    for file in sorted((tmp_path / "views" / "rgb").iterdir()):
        image = np.asarray(Image.open(file)).copy()
        depth_file = tmp_path / "views" / "z_depth" / f"{file.stem}.png"
        counts = np.asarray(Image.open(depth_file)).copy()
        half = image.shape[0] // 2
        image[:half], counts[:half] = 246, 0
        Image.fromarray(image).save(file)
        Image.fromarray(counts).save(depth_file)
    views = ViewSet(name="input", indices=(0, 9, 18))
    figures = {m.name: m for m in image_metrics(room, views, given=True)}
    assert "given.psnr" not in {m.name for m in image_metrics(room, views)}
    assert figures["image.input.psnr"].value < 15 < 20 < figures["given.psnr"].value and figures["given.psnr"].n == 3
