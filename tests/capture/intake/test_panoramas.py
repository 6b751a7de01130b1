"""360° pictures are told by their metadata or their pixels; whatever else is twice as wide as high stays a photo."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from lyra_sim.capture.intake.panoramas import looks_around, panorama_of, settled
from lyra_sim.capture.intake.photo_folder import take_in_folder
from lyra_sim.capture.intake.video import take_in_video
from lyra_sim.errors import InputError
from lyra_sim.scene.sources import PhotosSource, VideoSource
from lyra_sim.scene.spec import CaptureConfig, SceneSpec
from tests.capture.intake.iso_boxes import SPHERICAL_V1, TRACK, add_box, spherical
from tests.capture.panoramas import panorama
from tests.rooms import camera_path, furnished_room, look
from tests.scene_parts import captured

THETA = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description rdf:about="" '
    b'xmlns:GPano="http://ns.google.com/photos/1.0/panorama/"><GPano:UsePanoramaViewer>True</GPano:UsePanoramaViewer>'
    b"<GPano:ProjectionType>equirectangular</GPano:ProjectionType><GPano:FullPanoWidthPixels>%d</GPano:FullPanoWidthPixels>"
    b"<GPano:FullPanoHeightPixels>%d</GPano:FullPanoHeightPixels><GPano:CroppedAreaImageWidthPixels>%d"
    b"</GPano:CroppedAreaImageWidthPixels><GPano:CroppedAreaImageHeightPixels>%d</GPano:CroppedAreaImageHeightPixels>"
    b"</rdf:Description></rdf:RDF></x:xmpmeta>"
)
"""As elements, which 360° cameras write; phones write attributes."""
PHONE = b'<rdf:Description GPano:ProjectionType="%s" GPano:UsePanoramaViewer="True"/>'


def room_panorama(width: int = 1024) -> Image.Image:
    return Image.fromarray(panorama(furnished_room(views=2), look(np.array([1.4, 2.2, 1.3]), 0.4, 0.0), width=width))


def wide_photo(pitch: float = -0.2) -> Image.Image:
    """Through one lens, twice as wide as high."""
    cameras = camera_path([look(np.array([1.4, 2.2, 1.3]), 0.4, pitch)], width=1024, height=512, focal=600.0)
    return Image.fromarray(replace(furnished_room(views=2), cameras=cameras).rendered[0][0])


def written(image: Image.Image, file: Path, *, xmp: bytes = b"", **options) -> Image.Image:
    packet = PngImagePlugin.PngInfo()
    packet.add_itxt("XML:com.adobe.xmp", xmp.decode())
    image.save(file, **options, **({"pnginfo": packet} if file.suffix == ".png" else {"xmp": xmp}))
    reopened = Image.open(file)
    reopened.load()
    return reopened


def test_pixels_show_a_panorama(tmp_path: Path) -> None:
    assert looks_around(room_panorama()) and looks_around(written(room_panorama(2048), tmp_path / "a.jpg", quality=80))
    for pitch in (-1.4, -0.8, -0.2, 0.0, 0.5, 1.2):
        assert not looks_around(wide_photo(pitch)), pitch
    assert not looks_around(Image.new("RGB", (1024, 512), "grey")), "nothing can be told of one colour"
    assert not looks_around(room_panorama().crop((0, 0, 1024, 500)))
    turned = np.roll(np.asarray(room_panorama()), 300, axis=1)
    assert looks_around(Image.fromarray(turned)), "wherever it begins"


@pytest.mark.parametrize("kind", ["jpg", "png", "webp"])
def test_photo_sphere_metadata_counts(tmp_path: Path, kind: str) -> None:
    grey = Image.new("RGB", (1024, 512), "grey")
    assert panorama_of(written(grey, tmp_path / f"a.{kind}", xmp=THETA % (1024, 512, 1024, 512))) == "stated"
    assert panorama_of(written(grey, tmp_path / f"b.{kind}", xmp=PHONE % b"equirectangular")) == "stated"
    assert panorama_of(written(grey, tmp_path / f"c.{kind}", xmp=THETA % (4096, 2048, 1024, 512))) == "part"
    assert panorama_of(written(grey, tmp_path / f"d.{kind}", xmp=PHONE % b"cylindrical")) == "part"
    assert panorama_of(written(grey, tmp_path / f"e.{kind}", xmp=b"<x:xmpmeta/>")) == "no"
    assert panorama_of(written(grey.crop((0, 0, 1024, 300)), tmp_path / f"f.{kind}", xmp=PHONE % b"equirectangular")) == "part"


def scene(images: Path, **options) -> SceneSpec:
    return SceneSpec(name="room", photos=PhotosSource(images=images, **options))


def taken(folder: Path):
    return take_in_folder(folder, unreadable="refuse", limits=CaptureConfig(), work=folder / "work")


def test_what_only_looks_like_panoramas_is_asked(tmp_path: Path) -> None:
    """Most of a set (a seam may hide in an edge): among more photos than that, pixels alone are no proof."""
    for index in range(3):
        turned = np.roll(np.asarray(room_panorama()), 200 * index, axis=1)
        Image.fromarray(turned).save(tmp_path / f"p{index}.png")
    with pytest.raises(
        InputError, match=r"(?s)of 3 pictures seem to be 360° panoramas.*projection: equirectangular, or pinhole"
    ):
        captured(scene(tmp_path), tmp_path / "out")
    photos = taken(tmp_path)
    assert {one.panorama for one in settled(photos, "equirectangular", subject="s", key="photos").photos} == {"stated"}
    assert {one.panorama for one in settled(photos, "pinhole", subject="s", key="photos").photos} == {"no"}
    for index in range(4):
        wide_photo(-0.1 * index).save(tmp_path / f"q{index}.png")
    photos = taken(tmp_path)
    assert settled(photos, "auto", subject="s", key="photos").photos == photos.photos
    Image.new("RGB", (100, 80)).save(tmp_path / "r.png")
    with pytest.raises(InputError, match="'r' of 100x80 pixels is no equirectangular panorama"):
        settled(taken(tmp_path), "equirectangular", subject="s", key="photos")


def test_a_minority_is_left_out_by_name(tmp_path: Path) -> None:
    for index in range(3):
        wide_photo(-0.1 * index).save(tmp_path / f"a{index}.png")
    wide_photo(0.2).save(tmp_path / "b.jpg", xmp=THETA % (1024, 512, 1024, 512))
    kept = settled(taken(tmp_path), "auto", subject="s", key="photos")
    assert [photo.name for photo in kept.photos] == ["a0", "a1", "a2"]
    assert kept.skipped == (("b", "a panorama or a part of one, as its metadata says"),)
    for index in range(4):
        wide_photo(0.1 * index + 0.05).save(tmp_path / f"c{index}.jpg", xmp=THETA % (1024, 512, 1024, 512))
    kept = settled(taken(tmp_path), "auto", subject="s", key="photos")
    assert [photo.name for photo in kept.photos] == ["b", "c0", "c1", "c2", "c3"]
    assert [name for name, _ in kept.skipped] == ["a0", "a1", "a2"]


def test_panoramas_bring_no_cameras_and_are_at_least_three(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    for index in range(2):
        wide_photo(0.1 * index).save(tmp_path / "set" / f"{index}.jpg", xmp=PHONE % b"equirectangular")
    with pytest.raises(InputError, match="2 panoramas"):
        captured(scene(tmp_path / "set"), tmp_path / "out")
    with pytest.raises(InputError, match="cameras of 360° panoramas"):
        captured(scene(tmp_path / "set", cameras=tmp_path / "transforms.json"), tmp_path / "out")


def test_a_part_of_a_panorama_is_left_out_by_name(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    wide_photo().save(tmp_path / "photos" / "a.jpg", xmp=THETA % (4096, 2048, 1024, 512))
    with pytest.raises(InputError, match="1 panoramas that look neither all around nor through one lens"):
        captured(scene(tmp_path / "photos"), tmp_path / "out")


@pytest.mark.parametrize("case", ["version 1", "version 2", "cube map", "by its pixels", "none"])
def test_video_by_its_spherical_metadata_or_pixels(tmp_path: Path, case: str) -> None:
    file = write_video(tmp_path / "walk.mp4", room_panorama if case == "by its pixels" else wide_photo)
    if case == "version 1":
        add_box(file, TRACK, SPHERICAL_V1)
    elif case in ("version 2", "cube map"):
        entry = [*TRACK, b"mdia", b"minf", b"stbl", b"stsd", b"avc1"]
        add_box(file, entry, spherical(b"equi" if case == "version 2" else b"cbmp"))
    expected = {"by its pixels": "seen", "cube map": "part", "none": "no"}.get(case, "stated")
    frames = take_in_video(VideoSource(file=file, frames=3), limits=CaptureConfig(), work=tmp_path / "work")
    assert {photo.panorama for photo in frames.photos} == {expected}


def write_video(file: Path, picture) -> Path:
    """Three frames, each turned on by a tenth of the width, so that none repeats."""
    pixels = np.asarray(picture())
    with av.open(file, "w") as video:
        stream = video.add_stream("libx264", rate=Fraction(30), options={"crf": "12", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = pixels.shape[1], pixels.shape[0], "yuv420p"
        for step in range(3):
            turned = np.roll(pixels, step * 100, axis=1) if picture is room_panorama else np.roll(pixels, step * 60, axis=0)
            video.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(turned), format="rgb24")))
        video.mux(stream.encode())
    return file
