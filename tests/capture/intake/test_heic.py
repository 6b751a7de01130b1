"""HEIC photos: four colours come back upright with their EXIF, damage never ends the build, and without pi-heif it is said.

``quarters.heic`` was written by pillow-heif 1.8.1 (x265): 64x48 pixels, a quarter each of red, green, blue and yellow, stored
with EXIF orientation 6, which HEIC holds as a turn of its own; maker and a focal length of 26 mm on film.
"""

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lyra_sim.capture.intake import heic
from lyra_sim.capture.intake.photo_folder import take_in_folder
from lyra_sim.errors import InputError
from lyra_sim.scene.spec import CaptureConfig

QUARTERS = Path(__file__).with_name("quarters.heic")
needs_decoder = pytest.mark.skipif(
    importlib.util.find_spec("pi_heif") is None, reason="pi-heif (the extra heic) isn't installed"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    shutil.copyfile(QUARTERS, tmp_path / "photos" / "IMG_0001.HEIC")
    return tmp_path / "photos"


def taken(folder: Path, **limits):
    return take_in_folder(folder, unreadable="skip", limits=CaptureConfig(**limits), work=folder.parent / "work")


@pytest.mark.written_by("pillow-heif")
@needs_decoder
def test_a_phones_photo_arrives_upright_with_its_colours(folder: Path) -> None:
    (photo,) = taken(folder).photos
    assert (photo.name, photo.width, photo.height, photo.file.suffix) == ("IMG_0001", 48, 64, ".png")
    assert photo.focal_px == pytest.approx(26 / 43.27 * 80, rel=1e-3)
    with Image.open(photo.file) as image:
        pixels = np.asarray(image).astype(int)
    blue, red, yellow, green = pixels[16, 12], pixels[16, 36], pixels[48, 12], pixels[48, 36]
    arrived, stored = np.array([blue, red, yellow, green]), [[50, 70, 210], [220, 40, 40], [230, 200, 60], [40, 180, 60]]
    np.testing.assert_allclose(arrived, stored, atol=3)
    assert [path.name for path in photo.file.parent.iterdir()] == ["IMG_0001.png"]


@needs_decoder
def test_what_a_header_promises_is_capped_before_decoding(folder: Path) -> None:
    with pytest.raises(InputError, match=r"HEIC of 48x64 pixels \(expected at most 3071 pixels\)"):
        taken(folder, max_pixels=48 * 64 - 1)
    assert len(taken(folder, max_pixels=48 * 64).photos) == 1


@needs_decoder
@pytest.mark.parametrize("keep", [100, 400, 700, 830])
def test_a_cut_file_is_damaged_by_name(folder: Path, keep: int) -> None:
    (folder / "IMG_0001.HEIC").write_bytes(QUARTERS.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"IMG_0001\.HEIC: HEIC, damaged \("):
        taken(folder)


def test_a_decoder_that_crashes_takes_nobody_with_it(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """libheif 1.23 does so on one file in 300 whose bytes were changed at random."""
    Image.new("RGB", (64, 48), (9, 99, 9)).save(folder / "IMG_0002.jpg")
    (tmp_path / "pi_heif.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(heic.importlib.util, "find_spec", lambda name: object())
    photos = taken(folder)
    assert [photo.name for photo in photos.photos] == ["IMG_0002"]
    ((name, reason),) = photos.skipped
    assert name == "IMG_0001.HEIC" and "HEIC, damaged (its decoder crashed)" in reason


def test_without_the_decoder_the_way_out_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heic.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"IMG_0001\.HEIC: HEIC[\s\S]*lyra-sim\[heic\][\s\S]*magick mogrify -format jpg"):
        taken(folder)
    Image.new("RGB", (64, 48), (9, 99, 9)).save(folder / "IMG_0002.jpg")
    ((name, reason),) = taken(folder).skipped
    assert name == "IMG_0001.HEIC" and "pip install 'lyra-sim[heic]'" in reason
