"""Photos from strangers: what is sound arrives upright and unchanged, everything else is named, nothing runs away."""

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lyra_sim.capture.intake.photo_folder import take_in_files, take_in_folder
from lyra_sim.capture.intake.photo_names import photo_names, safe_name
from lyra_sim.errors import InputError
from lyra_sim.scene.spec import CaptureConfig

LIMITS = CaptureConfig()
WIDTH, HEIGHT = 48, 32


def picture(seed: int = 0) -> Image.Image:
    """Smooth colours with a bright upper left corner: what is upright shows."""
    rng = np.random.default_rng(seed)
    pixels = np.asarray(Image.fromarray(rng.integers(40, 200, (4, 6, 3), dtype=np.uint8)).resize((WIDTH, HEIGHT))).copy()
    pixels[:8, :8] = 255
    return Image.fromarray(pixels)


def corner(image: Image.Image) -> tuple[str, str]:
    """Where the bright corner lies."""
    light = np.asarray(image.convert("L")) > 240
    rows, columns = np.nonzero(light)
    return (
        "upper" if rows.mean() < image.height / 2 else "lower",
        "left" if columns.mean() < image.width / 2 else "right",
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three sound photos: a.jpg, b.png, c.webp."""
    images = tmp_path / "images"
    images.mkdir()
    picture(1).save(images / "a.jpg", quality=90)
    picture(2).save(images / "b.png")
    picture(3).save(images / "c.webp", lossless=True)
    return images


def taken(images: Path, **options):
    options = {"unreadable": "skip", "limits": LIMITS, "work": images.parent / "work"} | options
    return take_in_folder(images, **options)


@pytest.mark.written_by("Pillow")
def test_three_formats_arrive_with_their_pixels(folder):
    photos = taken(folder)
    assert photos.skipped == ()
    assert [photo.name for photo in photos.photos] == ["a", "b", "c"]
    assert [photo.file.name for photo in photos.photos] == ["a.jpg", "b.png", "c.png"]
    for photo, source in zip(photos.photos, ["a.jpg", "b.png", "c.webp"], strict=True):
        with Image.open(photo.file) as arrived, Image.open(folder / source) as sent:
            assert arrived.mode == "RGB" and (photo.width, photo.height) == arrived.size == (WIDTH, HEIGHT)
            np.testing.assert_array_equal(np.asarray(arrived), np.asarray(sent.convert("RGB")))
    assert (folder.parent / "work" / "a.jpg").read_bytes() == (folder / "a.jpg").read_bytes()


def test_pycolmap_reads_what_arrives(folder):
    import pycolmap

    for photo in taken(folder).photos:
        bitmap = pycolmap.Bitmap.read(photo.file, True)
        with Image.open(photo.file) as image:
            np.testing.assert_allclose(bitmap.to_array().astype(int), np.asarray(image).astype(int), atol=4)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_every_orientation_arrives_upright(tmp_path, orientation, suffix):
    """The stored picture is turned away from upright, EXIF says how; the bright corner comes back to the upper left."""
    away = [None, None, 0, 3, 1, 5, 2, 6, 4][orientation]  # inverse of what EXIF asks for, as Pillow's Transpose
    stored = picture() if away is None else picture().transpose(Image.Transpose(away))
    exif = Image.Exif()
    exif[0x0112] = orientation
    (tmp_path / "images").mkdir()
    stored.save(tmp_path / "images" / f"a{suffix}", exif=exif, quality=95)
    (photo,) = taken(tmp_path / "images").photos
    assert (photo.width, photo.height) == (WIDTH, HEIGHT)
    with Image.open(photo.file) as image:
        assert image.size == (WIDTH, HEIGHT)
        assert image.getexif().get(0x0112, 1) == 1, "nobody turns it again"
        np.testing.assert_allclose(np.asarray(image).astype(int), np.asarray(picture()).astype(int), atol=60)
        assert corner(image) == ("upper", "left")


def test_every_mode_arrives_as_rgb(tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    grey = picture().convert("L")
    grey.save(images / "grey.png")
    grey.save(images / "grey_jpeg.jpg")
    picture().convert("CMYK").save(images / "cmyk.jpg", quality=95)
    picture().convert("P", palette=Image.Palette.ADAPTIVE).save(images / "palette.png")
    picture().convert("1").save(images / "bits.png")
    ramp = np.linspace(0, 65535, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH).astype(np.uint16)
    Image.fromarray(ramp).save(images / "sixteen.png")
    clear = picture().convert("RGBA")
    clear.putalpha(Image.fromarray(np.where(np.arange(WIDTH) < 24, 255, 0).astype(np.uint8)[None].repeat(HEIGHT, 0)))
    clear.save(images / "clear.png")
    picture().save(images / "key.png", transparency=(255, 255, 255))
    photos = taken(images)
    assert photos.skipped == ()
    arrived = {}
    for photo in photos.photos:
        with Image.open(photo.file) as image:
            assert image.format == "PNG" and image.mode == "RGB", photo.name
            arrived[photo.name] = np.asarray(image).astype(int)
    upright = np.asarray(picture()).astype(int)
    np.testing.assert_array_equal(arrived["grey"][..., 0], np.asarray(grey))
    np.testing.assert_allclose(arrived["cmyk"], upright, atol=40)
    np.testing.assert_allclose(arrived["sixteen"][..., 1], ramp / 257, atol=0.51)
    np.testing.assert_array_equal(arrived["clear"][:, :24], upright[:, :24])
    assert (arrived["clear"][:, 24:] == 255).all(), "what is clear is white"
    np.testing.assert_array_equal(arrived["key"], upright)


def test_sixteen_bit_colour_is_reduced(tmp_path):
    """Pillow can't write such a PNG and calls it RGB when it reads one; the header tells."""
    images = tmp_path / "images"
    images.mkdir()
    (images / "deep.png").write_bytes(png(20, 20, depth=16, rows=(b"\0" + bytes([200, 7] * 60)) * 20))
    (photo,) = taken(images).photos
    assert photo.file.read_bytes()[24] == 8
    with Image.open(photo.file) as image:
        assert np.asarray(image).tolist() == np.full((20, 20, 3), 200).tolist()


def png(width: int, height: int, *, depth: int = 8, rows: bytes = b"") -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def animated() -> bytes:
    stream = io.BytesIO()
    picture(1).save(stream, "WEBP", save_all=True, append_images=[picture(2)], duration=100)
    return stream.getvalue()


def truncated(suffix: str) -> bytes:
    stream = io.BytesIO()
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (200, 200, 3), dtype=np.uint8)).save(stream, suffix)
    return stream.getvalue()[: len(stream.getvalue()) // 2]


FAULTS = {
    "empty.jpg": (b"", "empty"),
    "page.jpg": (b"<html><body>404</body></html>", "no image at all"),
    "phone.HEIC": (b"\0\0\0\x18ftypheic" + bytes(40), "HEIC"),
    "phone.jpg": (b"\0\0\0\x18ftypheic" + bytes(40), "HEIC"),
    "old.gif": (b"GIF89a" + bytes(40), "GIF"),
    "scan.tif": (b"II*\0" + bytes(40), "TIFF"),
    "film.png": (b"\0\0\0\x18ftypisom" + bytes(40), "video"),
    "cut.jpg": (truncated("JPEG"), "damaged"),
    "cut.png": (truncated("PNG"), "damaged"),
    "cut.webp": (truncated("WEBP"), "not a readable image"),
    "head.jpg": (b"\xff\xd8\xff\xe0" + bytes(60), ""),
    "head.png": (b"\x89PNG\r\n\x1a\n" + bytes(60), ""),
    "head.webp": (b"RIFF\0\0\0\0WEBPVP8 " + bytes(60), ""),
    "bomb.png": (png(40_000, 40_000, rows=bytes(1000)), "pixels"),
    "large.png": (png(9_000, 9_000, rows=bytes(1000)), "pixels"),
    "moving.webp": (animated(), "animated"),
    "dot.png": (png(1, 1, rows=b"\0\0\0\0"), "only 1x1"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_skipped_by_name_and_reason(folder, name):
    data, reason = FAULTS[name]
    (folder / f"bad_{name}").write_bytes(data)
    photos = taken(folder)
    assert [photo.name for photo in photos.photos] == ["a", "b", "c"]
    ((skipped, said),) = photos.skipped
    assert skipped == f"bad_{name}" and reason in said
    assert str(folder) not in said, "reports hold no path of this machine"
    assert len(list((folder.parent / "work").iterdir())) == 3


def test_faults_are_refused_by_name_and_count(folder):
    (folder / "b_cut.jpg").write_bytes(truncated("JPEG"))
    (folder / "d.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"(?s)b_cut\.jpg: damaged.*2 of 5 files.*d\.png: an empty file"):
        taken(folder, unreadable="refuse")


def test_nothing_left_is_an_error_whatever_the_policy(folder):
    for name in ("a.jpg", "b.png", "c.webp"):
        (folder / name).write_bytes(b"<html>")
    with pytest.raises(InputError, match=r"(?s)a\.jpg: no image at all; 3 of 3 files.*b\.png.*c\.webp") as raised:
        taken(folder)
    assert "unreadable" not in str(raised.value), "skipping them is no way out"


def test_sidecars_are_no_part_of_the_set(folder):
    for name in ("notes.txt", "a.json", "a.xmp", "walk.mp4", ".hidden.jpg", "Thumbs.db"):
        (folder / name).write_bytes(b"whatever")
    (folder / "raw").mkdir()
    os.mkfifo(folder / "pipe.jpg")
    (folder / "gone.jpg").symlink_to(folder / "nowhere.jpg")
    picture(9).save(folder / "plain", format="PNG")
    photos = taken(folder)
    assert [photo.name for photo in photos.photos] == ["a", "b", "c", "plain"]
    assert photos.skipped == ()


def test_an_empty_folder_says_what_is_there(tmp_path):
    images = tmp_path / "images"
    (images / "left").mkdir(parents=True)
    (images / "readme.txt").write_text("hello")
    with pytest.raises(InputError, match=r"(?s)no photo in it \(1 × \.txt\).*subfolder"):
        taken(images)
    with pytest.raises(InputError, match="missing"):
        taken(tmp_path / "nowhere")


def test_the_same_bytes_count_once(folder):
    (folder / "b2.png").write_bytes((folder / "b.png").read_bytes())
    photos = taken(folder, unreadable="refuse")
    assert [photo.name for photo in photos.photos] == ["a", "b", "c"]
    assert photos.skipped == (("b2.png", "the same bytes as b.png"),)


def test_one_file_is_a_set_of_one(folder):
    assert [photo.name for photo in taken(folder / "a.jpg").photos] == ["a"]
    (folder / "cut.jpg").write_bytes(truncated("JPEG"))
    with pytest.raises(InputError, match=r"cut\.jpg: damaged"):
        taken(folder / "cut.jpg")


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (CaptureConfig(max_views=2), "3 images"),
        (CaptureConfig(max_bytes=20), "bytes"),
        (CaptureConfig(max_pixels=99), "pixels"),
    ],
)
def test_caps(folder, limits, said):
    with pytest.raises(InputError, match=said):
        taken(folder, limits=limits)


def test_an_importers_missing_file_is_named(folder):
    photos = take_in_files([folder / "a.jpg", folder / "gone.jpg"], unreadable="skip", limits=LIMITS, work=folder / "work")
    assert photos.skipped == (("gone.jpg", "missing (expected an image)"),)


def test_a_phones_second_picture_is_no_animation(tmp_path):
    """Phones put depth or gain maps behind the photo in the same JPEG (MPO); the first picture is the photo."""
    (tmp_path / "images").mkdir()
    stream = io.BytesIO()
    picture(1).save(stream, "MPO", save_all=True, append_images=[picture(2)])
    (tmp_path / "images" / "a.jpg").write_bytes(stream.getvalue())
    (photo,) = taken(tmp_path / "images").photos
    with Image.open(photo.file, formats=("JPEG",)) as image:
        assert image.size == (WIDTH, HEIGHT)


def test_the_users_folder_is_left_as_it_was(folder):
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    folder.chmod(0o555)
    try:
        taken(folder)
    finally:
        folder.chmod(0o755)
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()} == before


def test_a_working_folder_used_twice_never_writes_through_to_the_users_photos(folder, tmp_path):
    taken(folder)
    other = tmp_path / "other"
    other.mkdir()
    picture(7).save(other / "a.jpg")
    picture(8).convert("L").save(other / "b.png")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    photos = taken(other, work=tmp_path / "work")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert photos.by_name["a"].file.read_bytes() == (other / "a.jpg").read_bytes()


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["a.jpg", "b.jpg"], ("a", "b")),
        (["a.jpg", "a.png", "b.jpg"], ("a_jpg", "a_png", "b")),
        (["left/1.jpg", "right/1.jpg", "right/2.jpg"], ("left_1", "right_1", "2")),
        (["A.jpg", "a.png"], ("A_jpg", "a_png")),
        (["été 1.jpg", "-rf.jpg", "..jpg"], ("ete_1", "_rf", "_")),
    ],
)
def test_names(files, names):
    assert photo_names([Path("/photos") / file for file in files]) == names


@pytest.mark.parametrize(
    "files",
    [
        ["a_jpg.png", "a.jpg", "a.png", "A.JPG"],
        ["фото.jpg", "фото.png", "видео.jpg"],
        ["a/b_c.jpg", "a_b/c.jpg", "x/a.jpg", "y/a.jpg", "x_a.jpg"],
        ["x" * 300 + "1.jpg", "x" * 300 + "2.jpg"],
        ["same.jpg", "same.jpg", "same.jpg"],
    ],
)
def test_names_are_unique_and_safe_whatever_comes(files):
    names = photo_names([Path("/photos") / file for file in files])
    assert len({name.casefold() for name in names}) == len(files)
    assert all(safe_name(name) == name and len(name) <= 100 for name in names)


def test_lund_street(shared_data, tmp_path):
    photos = take_in_folder(
        shared_data / "photos_lund_street" / "images", unreadable="refuse", limits=LIMITS, work=tmp_path / "work"
    )
    assert len(photos.photos) == 29 and photos.skipped == ()
    assert all(photo.gps is not None and photo.focal_px == pytest.approx(1035.4, abs=0.1) for photo in photos.photos)
