"""Raw files of 360° cameras are refused by name, whatever their ending; FFmpeg's v360 filter makes the fisheyes."""

from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest
from av.filter import Graph
from PIL import Image, ImageDraw

from lyra_sim.capture.intake.fisheyes import TRAILER, shows_circles
from lyra_sim.capture.intake.panoramas import panorama_of, settled
from lyra_sim.errors import InputError
from lyra_sim.inspection.looking import inspect_path
from lyra_sim.scene.sources import PhotosSource, VideoSource
from lyra_sim.scene.spec import SceneSpec
from tests.capture.intake.test_panoramas import room_panorama, taken
from tests.capture.intake.test_panoramas import wide_photo as rendered_photo
from tests.scene_parts import captured

wide_photo, around = cache(rendered_photo), cache(room_panorama)


@cache
def dual_fisheye(turn: int = 0, *, width: int = 1024) -> Image.Image:
    """Two circles of 190° side by side, as a 360° camera stores them, of a panorama turned by so many columns."""
    pixels = np.roll(np.asarray(around()), turn, axis=1)
    graph = Graph()
    source = graph.add_buffer(width=1024, height=512, format="rgb24", time_base=Fraction(1, 30))
    how = f"input=e:output=dfisheye:ih_fov=360:iv_fov=180:h_fov=190:v_fov=190:w={width}:h={width // 2}"
    remap, sink = graph.add("v360", how), graph.add("buffersink")
    source.link_to(remap)
    remap.link_to(sink)
    graph.configure()
    graph.push(av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24"))
    return Image.fromarray(masked(graph.pull().to_ndarray(format="rgb24")))


def masked(pixels: np.ndarray) -> np.ndarray:
    """Black beyond both circles, where a lens throws nothing; the filter fills it."""
    side = pixels.shape[0]
    v, u = (np.indices(pixels.shape[:2]) + 0.5) % side - side / 2
    pixels[np.hypot(u, v) > side / 2] = 0
    return pixels


def write_video(file: Path, frames: list[Image.Image], *, streams: int = 1, container: str = "mp4") -> Path:
    with av.open(file, "w", format=container) as video:
        for index in range(streams):
            video.add_stream("libx264", rate=Fraction(30), options={"crf": "20", "preset": "ultrafast"})
            video.streams[index].width, video.streams[index].height = frames[0].size
            video.streams[index].pix_fmt = "yuv420p"
        for frame in frames:
            for stream in video.streams.video:
                video.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(frame), format="rgb24")))
        for stream in video.streams.video:
            video.mux(stream.encode())
    return file


def test_circles_show_and_photos_dont() -> None:
    both = dual_fisheye()
    assert shows_circles(both) and panorama_of(both) == "fisheye"
    one = both.crop((0, 0, 512, 512))
    assert shows_circles(one) and shows_circles(one.resize((500, 500)))
    above = Image.new("RGB", (512, 1024))
    above.paste(one, (0, 0))
    above.paste(both.crop((512, 0, 1024, 512)), (0, 512))
    assert shows_circles(above), "one above the other"
    wide = Image.new("RGB", (1024, 576))
    wide.paste(both, (0, 10))
    assert shows_circles(wide), "with a black strip below, as some cameras stream it"
    assert not shows_circles(around())
    for pitch in (-1.2, -0.4, 0.2, 0.9):
        assert not shows_circles(wide_photo(pitch)) and not shows_circles(wide_photo(pitch).crop((200, 0, 800, 512)))
    assert not shows_circles(Image.new("RGB", (800, 800), "black")) and not shows_circles(
        Image.new("RGB", (1024, 512), "white")
    )
    lamp = Image.new("RGB", (800, 600))
    ImageDraw.Draw(lamp).ellipse((300, 200, 500, 400), fill="white")
    assert not shows_circles(lamp), "a lamp in the dark"
    vignetted = Image.composite(wide_photo().crop((200, 0, 800, 512)), Image.new("RGB", (600, 512)), _oval(600, 512))
    assert not shows_circles(vignetted), "dark corners of an oval"


def _oval(width: int, height: int) -> Image.Image:
    mask = Image.new("L", (width, height))
    ImageDraw.Draw(mask).ellipse((-60, -40, width + 60, height + 40), fill=255)
    return mask


@pytest.mark.parametrize("name", ["IMG_{}.insp", "IMG_{}.jpg"])
def test_photos_of_two_fisheyes_are_refused(tmp_path: Path, name: str) -> None:
    """They close at the sides and have black poles: before, the advice was to call them equirectangular, which was read."""
    for index in range(3):
        dual_fisheye(150 * index).save(tmp_path / name.format(index), format="JPEG", quality=90)
    for projection in ("auto", "equirectangular"):
        scene = SceneSpec(name="room", photos=PhotosSource(images=tmp_path, projection=projection))
        with pytest.raises(InputError, match=r"(?s)3 of 3 pictures are a fisheye's circles.*Stitch it.*photos\.projection"):
            captured(scene, tmp_path / "out")
    found = inspect_path(tmp_path)
    assert found.verdict == "refused" and "fisheye's circles" in found.refusal.found


def test_a_few_among_photos_are_left_out_by_name(tmp_path: Path) -> None:
    for index in range(3):
        wide_photo(-0.1 * index).save(tmp_path / f"a{index}.png")
    dual_fisheye().save(tmp_path / "b.jpg")
    photos = taken(tmp_path)
    kept = settled(photos, "auto", subject="s", key="photos")
    assert [photo.name for photo in kept.photos] == ["a0", "a1", "a2"]
    assert kept.skipped == (("b", "a fisheye's circle on black"),)
    assert len(settled(photos, "pinhole", subject="s", key="photos").photos) == 4, "stated: they are photos with a round frame"


@pytest.mark.parametrize("case", ["circles", "two streams", "one lens", "trailer in the dark"])
def test_raw_video_is_refused_by_build_and_inspect(tmp_path: Path, case: str) -> None:
    frames = [dual_fisheye(100 * index, width=512) for index in range(4)]
    if case == "circles":
        file, said = write_video(tmp_path / "walk.mp4", frames), "pictures are a fisheye's circles"
    elif case == "two streams":
        halves = [frame.crop((0, 0, 256, 256)) for frame in frames]
        file, said = write_video(tmp_path / "walk.insv", halves, streams=2), "2 streams of 256x256 pixels each"
    elif case == "one lens":
        halves = [frame.crop((0, 0, 256, 256)) for frame in frames]
        file, said = write_video(tmp_path / "walk.insv", halves), "pictures are a fisheye's circles"
    else:
        dark = [Image.new("RGB", (256, 256), (index, 0, 0)) for index in range(4)]
        file, said = write_video(tmp_path / "walk.mp4", dark), "one lens's round picture"
        file.write_bytes(file.read_bytes() + TRAILER)
    with pytest.raises(InputError, match=rf"(?s){said}.*Stitch it.*video\.projection: equirectangular"):
        captured(SceneSpec(name="room", video=VideoSource(file=file, frames=3)), tmp_path / "out")
    found = inspect_path(file)
    assert found.verdict == "refused" and said in found.refusal.found


def test_other_video_with_several_streams_is_read(tmp_path: Path) -> None:
    """A smaller second stream is a preview or a map of depth; and whoever says pinhole means the first."""
    small = write_video(tmp_path / "walk.mp4", [wide_photo(0.1 * index) for index in range(3)], streams=2)
    refused = inspect_path(small).refusal
    assert refused is not None and "2 streams" in refused.found
    assert inspect_path(small, overrides=["video.projection=pinhole"]).verdict != "refused"
    with av.open(tmp_path / "two.mp4", "w") as video:
        for size in ((1024, 512), (256, 128)):
            stream = video.add_stream("libx264", rate=Fraction(30), options={"preset": "ultrafast"})
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for index in range(3):
            for stream in video.streams.video:
                picture = wide_photo(0.1 * index).resize((stream.width, stream.height))
                video.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")))
        for stream in video.streams.video:
            video.mux(stream.encode())
    assert inspect_path(tmp_path / "two.mp4").verdict != "refused"
