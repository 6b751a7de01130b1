"""Photos whose profile isn't sRGB come back in sRGB and are counted; sRGB passes byte for byte; a broken profile is named.

``quarters_p3.jpg``, ``.png`` and ``quarters_srgb.jpg`` were written by libvips 8.18.7 with the profiles it carries,
``quarters_p3.heic``, ``quarters_nclx_p3.heic`` and ``quarters_pq.heic`` by pillow-heif 1.8.1 from the PNG, the last two without
a profile, with the container's own numbers: 64x48 pixels, a quarter each of red, green, blue and yellow.
"""

import importlib.util
import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from lyra_sim.capture.intake.colour_notes import notes_of_colours
from lyra_sim.capture.intake.photo_folder import take_in_folder
from lyra_sim.data.capture import Capture
from lyra_sim.errors import InputError
from lyra_sim.scene.sources import PhotosSource, RgbdSource
from lyra_sim.scene.spec import CaptureConfig, SceneSpec
from tests.capture.recorded_layouts import WRITERS, walk
from tests.scene_parts import captured

HERE = Path(__file__).parent
COLOURS = np.array([[220, 40, 40], [40, 180, 60], [50, 70, 210], [230, 200, 60]])
needs_heic = pytest.mark.skipif(importlib.util.find_spec("pi_heif") is None, reason="pi-heif (the extra heic) isn't installed")


def quarters(image: Image.Image) -> np.ndarray:
    pixels = np.asarray(image.convert("RGB")).astype(int)
    return np.array([pixels[12, 16], pixels[12, 48], pixels[36, 16], pixels[36, 48]])


def taken(folder: Path):
    return take_in_folder(folder, unreadable="refuse", limits=CaptureConfig(), work=folder.parent / "work")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    return tmp_path / "photos"


def profile_of(name: str) -> bytes:
    with Image.open(HERE / name) as image:
        return image.info["icc_profile"]


P3 = profile_of("quarters_p3.jpg")


@pytest.mark.parametrize("kind", ["jpg", "png", pytest.param("heic", marks=needs_heic)])
def test_display_p3_arrives_as_srgb_and_is_counted(folder: Path, kind: str) -> None:
    shutil.copyfile(HERE / f"quarters_p3.{kind}", folder / f"a.{kind}")
    photos = taken(folder)
    with Image.open(photos.photos[0].file) as image:
        assert "icc_profile" not in image.info, "nobody converts it again"
        np.testing.assert_allclose(quarters(image), COLOURS, atol=4 if kind == "heic" else 2)
    if kind != "heic":
        with Image.open(folder / f"a.{kind}") as image:
            assert np.abs(quarters(image) - COLOURS).max() > 30, "as they are stored they are others"
    assert notes_of_colours(photos, "photos").lines == ("photos: 1 images were brought to sRGB from sP3C",)


@needs_heic
def test_primaries_that_a_heic_states_count_and_hdr_is_refused(folder: Path) -> None:
    shutil.copyfile(HERE / "quarters_nclx_p3.heic", folder / "a.heic")
    photos = taken(folder)
    with Image.open(photos.photos[0].file) as image:
        np.testing.assert_allclose(quarters(image), COLOURS, atol=5)
    assert notes_of_colours(photos, "photos").remarks == ("1 images were brought to sRGB from Display P3",)
    shutil.copyfile(HERE / "quarters_pq.heic", folder / "b.heic")
    with pytest.raises(InputError, match=r"b\.heic: HEIC in HDR \(transfer characteristics 16\)"):
        taken(folder)


def test_srgb_passes_byte_for_byte(folder: Path) -> None:
    """By libvips' profile, and by littleCMS's own."""
    shutil.copyfile(HERE / "quarters_srgb.jpg", folder / "a.jpg")
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    with Image.open(folder / "a.jpg") as image:
        assert image.info["icc_profile"]
        image.save(folder / "b.jpg", quality=95, icc_profile=own)
        image.convert("L").save(folder / "c.png", icc_profile=own)
    photos = taken(folder)
    for photo in photos.photos[:2]:
        assert photo.file.read_bytes() == (folder / f"{photo.name}.jpg").read_bytes()
    assert notes_of_colours(photos, "photos").remarks == ()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"nonsense", "a: the colour profile can't be followed (cannot open profile from string), colours are taken as sRGB"),
        (P3[:300], "can't be followed"),
        (P3[:12] + b"link" + P3[16:], "of class 'link'"),
        (P3[:16] + b"GRAY" + P3[20:], "is for GRAY, and the photo is RGB"),
        (P3 + bytes(9 << 20), "it has 9437"),
    ],
    ids=["no profile", "cut", "link", "of grey", "huge"],
)
def test_a_profile_that_cant_be_followed_is_named_and_the_photo_stays(folder: Path, content: bytes, said: str) -> None:
    with Image.open(HERE / "quarters_srgb.jpg") as image:
        image.save(folder / "a.jpg", quality=95, subsampling=0, icc_profile=content)
    photos = taken(folder)
    assert [photo.name for photo in photos.photos] == ["a"]
    (line,) = notes_of_colours(photos, "photos").remarks
    assert said in line
    with Image.open(photos.photos[0].file) as image:
        np.testing.assert_allclose(quarters(image), COLOURS, atol=2)


def test_damaged_profiles_never_end_the_build(folder: Path) -> None:
    rng = np.random.default_rng(3)
    whole = np.frombuffer(P3, np.uint8)
    with Image.open(HERE / "quarters_srgb.jpg") as image:
        for index in range(60):
            broken = whole.copy()
            broken[rng.integers(0, len(whole), 4)] = rng.integers(0, 256, 4)
            image.save(folder / f"{index}.png", icc_profile=broken.tobytes())
    photos = taken(folder)
    assert len(photos.photos) == 60
    assert any(photo.profile_fault for photo in photos.photos)


def adobe_photo(space: int, index: str | None) -> Image.Exif:
    exif = Image.Exif()
    exif[0x8769] = {0xA001: space} | ({} if index is None else {0xA005: {1: index}})
    return exif


@pytest.mark.parametrize(
    ("space", "index", "adobe"), [(65535, "R03", True), (2, None, True), (65535, None, False), (1, "R98", False)]
)
def test_adobe_rgb_by_exif_alone_counts(folder: Path, space: int, index: str | None, adobe: bool) -> None:
    """Cameras set to Adobe RGB tell it by DCF's names and often embed no profile."""
    stored = Image.new("RGB", (64, 48), (189, 44, 44))  # as Adobe RGB stores sRGB's 220, 40, 40
    stored.save(folder / "a.png", exif=adobe_photo(space, index))
    photos = taken(folder)
    with Image.open(photos.photos[0].file) as image:
        np.testing.assert_allclose(quarters(image)[0], COLOURS[0] if adobe else (189, 44, 44), atol=1)
    assert photos.photos[0].colours_from == ("Adobe RGB by EXIF" if adobe else "")


def test_what_was_done_is_told_of_a_scene(folder: Path) -> None:
    stream = io.BytesIO((HERE / "quarters_p3.jpg").read_bytes())
    (folder / "a.jpg").write_bytes(stream.getvalue())
    capture = captured(SceneSpec(name="room", photos=PhotosSource(images=folder / "a.jpg")), folder.parent / "out")
    told = "a.jpg: 1 images were brought to sRGB from sP3C"
    assert told in capture.told and told in Capture.load(folder.parent / "out").told
    np.testing.assert_allclose(quarters(Image.fromarray(capture.views.rgb(0))), COLOURS, atol=4)


def test_images_beside_depth_are_brought_to_srgb_too(tmp_path: Path) -> None:
    """Some of them: all are written alike then."""
    room = walk(3)
    (tmp_path / "scan").mkdir()
    WRITERS["transforms"](tmp_path / "scan", room)
    for name in ("000.png", "001.png"):
        with Image.open(tmp_path / "scan" / "images" / name) as image:
            image.save(tmp_path / "scan" / "images" / name, icc_profile=P3)
    scene = SceneSpec(name="room", rgbd=RgbdSource(folder=tmp_path / "scan"), scale="metric", up="z")
    capture = captured(scene, tmp_path / "out")
    assert "scan: 2 images were brought to sRGB from sP3C" in capture.told
    given = room.rendered[0][0].astype(int)
    assert np.abs(capture.views.rgb(0) - given).max() > 5
    np.testing.assert_array_equal(capture.views.rgb(2), room.rendered[0][2])
