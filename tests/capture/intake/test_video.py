"""Video to photos: the sharp frames of a known film, upright, in time, and nothing reached but the file itself."""

import hashlib
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from lyra_sim.capture.intake.sharp_frames import sharpness
from lyra_sim.capture.intake.video import take_in_video
from lyra_sim.errors import InputError
from lyra_sim.scene.sources import VideoSource
from lyra_sim.scene.spec import CaptureConfig

LIMITS = CaptureConfig()
WIDTH, HEIGHT, RATE = 160, 120, 30
CODEC_OPTIONS = {"libx264": {"crf": "16"}, "libvpx": {"deadline": "realtime", "cpu-used": "8"}}


def wall(width: int, height: int) -> np.ndarray:
    """A long textured wall to walk along."""
    rng = np.random.default_rng(4)
    coarse = rng.integers(0, 255, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.NEAREST))


def film(count: int, *, step: int = 3, blurred=(), width: int = WIDTH, height: int = HEIGHT) -> list[np.ndarray]:
    """``count`` frames of a camera that goes ``step`` pixels each; those in ``blurred`` are smeared."""
    scene = wall(width + count * max(step, 1), height)
    frames = []
    for index in range(count):
        frame = scene[:, index * step : index * step + width]
        if index in blurred:
            frame = gaussian_filter(frame.astype(np.float32), (0, 3, 0)).astype(np.uint8)
        frames.append(np.ascontiguousarray(frame))
    return frames


def write(file: Path, frames, *, codec="libx264", turn: float = 0, mirror: bool = False, aspect=None, options=None) -> Path:
    with av.open(file, "w") as video:
        stream = video.add_stream(codec, rate=RATE, options=options or CODEC_OPTIONS.get(codec, {}))
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        if codec != "libx264":
            stream.bit_rate = 4_000_000
        if aspect is not None:
            stream.sample_aspect_ratio = aspect
        if turn or mirror:
            stream.set_display_rotation(turn, hflip=mirror)
        for frame in frames:
            video.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        video.mux(stream.encode())
    return file


def taken(file: Path, *, frames: int, limits: CaptureConfig = LIMITS):
    return take_in_video(VideoSource(file=file, frames=frames), limits=limits, work=file.parent / "work")


def read(photo) -> np.ndarray:
    with Image.open(photo.file) as image:
        assert image.mode == "RGB" and image.size == (photo.width, photo.height)
        return np.asarray(image).astype(int)


@pytest.mark.written_by("PyAV")
@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", "libx264"),
        ("a.mov", "libx264"),
        ("a.mkv", "mpeg4"),
        ("a.avi", "mpeg4"),
        ("a.webm", "libvpx"),
        ("nothing", "mpeg4"),
    ],
)
def test_the_sharp_frame_of_every_part_is_taken(tmp_path, name, codec):
    """One sharp frame in ten, anywhere in its part; container told by content, not by name."""
    sharp = {3, 17, 20, 39, 41, 56}
    frames = film(60, blurred=set(range(60)) - sharp)
    written = write(tmp_path / ("a.mp4" if name == "nothing" else name), frames, codec=codec)
    photos = taken(written.rename(tmp_path / name), frames=6)
    assert photos.skipped == ()
    assert [photo.name for photo in photos.photos] == [f"frame_{part:04d}" for part in range(6)]
    seconds = [photo.seconds for photo in photos.photos]
    np.testing.assert_allclose(seconds, [index / RATE for index in sorted(sharp)], atol=2e-3)
    for photo, index in zip(photos.photos, sorted(sharp), strict=True):
        assert (photo.width, photo.height) == (WIDTH, HEIGHT)
        assert np.abs(read(photo) - frames[index].astype(int)).mean() < 25, "the frame itself, not a neighbour"


def test_more_photos_than_frames_takes_every_frame(tmp_path):
    photos = taken(write(tmp_path / "a.mp4", film(7)), frames=50)
    np.testing.assert_allclose([photo.seconds for photo in photos.photos], np.arange(7) / RATE, atol=1e-3)


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_frames_are_turned_as_the_display_matrix_says(tmp_path, turn, mirror):
    """PyAV's angle is counter-clockwise; a mirroring is written to apply after the turn."""
    frames = film(4, step=8)
    photos = taken(write(tmp_path / "a.mp4", frames, turn=turn, mirror=mirror), frames=4)
    expected = np.rot90(frames[0].astype(int), turn // 90)
    expected = expected[:, ::-1] if mirror else expected
    arrived = read(photos.photos[0])
    assert arrived.shape == expected.shape
    assert np.abs(arrived - expected).mean() < 25


def test_a_phones_uneven_frames_keep_their_times(tmp_path):
    """Phones drop frames in the dark: a part is a stretch of time, however many frames it has."""
    frames, stamps = film(20), [*range(0, 160, 16), *range(1000, 2000, 100)]
    with av.open(tmp_path / "a.mp4", "w") as video:
        stream = video.add_stream("libx264", rate=RATE, options={"crf": "16"})
        stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for frame, stamp in zip(frames, stamps, strict=True):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts, picture.time_base = stamp, Fraction(1, 1000)
            video.mux(stream.encode(picture))
        video.mux(stream.encode())
    photos = taken(tmp_path / "a.mp4", frames=4)
    seconds = np.array([photo.seconds for photo in photos.photos])
    assert [int(at) for at in seconds * 2] == [0, 2, 3], "none in the second quarter, where nothing was filmed"
    assert np.abs(seconds[:, None] - np.array(stamps) / 1000).min(axis=1).max() < 2e-3
    assert photos.skipped == ()


def test_pixels_become_square(tmp_path):
    photos = taken(write(tmp_path / "a.mp4", film(4, step=8), aspect=Fraction(4, 3)), frames=4)
    assert (photos.photos[0].width, photos.photos[0].height) == (round(WIDTH * 4 / 3), HEIGHT)


def test_a_standing_camera_gives_one_photo_a_place(tmp_path):
    """Two seconds of standing with sensor noise, then a walk: the standing is one photo and is named."""
    rng = np.random.default_rng(0)
    walk = film(30)
    standing = [np.clip(walk[0] + rng.normal(0, 5, walk[0].shape), 0, 255).astype(np.uint8) for _ in range(60)]
    photos = taken(write(tmp_path / "a.mp4", standing + walk), frames=9)
    assert sum(photo.seconds < 2 for photo in photos.photos) == 1
    assert len(photos.photos) == 4
    ((name, reason),) = photos.skipped
    assert name == "a.mp4" and reason.startswith("5 frames on which the camera stands still")


def test_nothing_but_standing_is_refused(tmp_path):
    with pytest.raises(InputError, match="stands still"):
        taken(write(tmp_path / "a.mp4", film(30, step=0)), frames=5)


def test_the_same_video_gives_the_same_bytes(tmp_path):
    file = write(tmp_path / "a.mp4", film(40))
    digests = []
    for _ in range(2):
        photos = taken(file, frames=7)
        digests.append([hashlib.sha256(photo.file.read_bytes()).hexdigest() for photo in photos.photos])
    assert digests[0] == digests[1] and len(digests[0]) == 7


def playlist(folder: Path) -> bytes:
    write(folder / "secret.ts", film(30), codec="mpeg4")
    return b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nsecret.ts\n#EXT-X-ENDLIST\n"


def concatenation(folder: Path) -> bytes:
    write(folder / "secret.mp4", film(30))
    return b"ffconcat version 1.0\nfile secret.mp4\n"


def sound(folder: Path) -> bytes:
    with av.open(folder / "sound.mp4", "w") as video:
        stream = video.add_stream("aac", rate=48_000)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 4800), np.float32), format="fltp", layout="stereo")
        frame.sample_rate = 48_000
        video.mux(stream.encode(frame))
        video.mux(stream.encode())
    return (folder / "sound.mp4").read_bytes()


def no_frames(folder: Path) -> bytes:
    """A whole header, and a body in which nothing lies."""
    with av.open(folder / "none.avi", "w") as video:
        stream = video.add_stream("mpeg4", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.start_encoding()
    return (folder / "none.avi").read_bytes()


def without_its_end(folder: Path) -> bytes:
    whole = write(folder / "whole.mp4", film(30)).read_bytes()
    return whole[: len(whole) * 2 // 3]


def foreign_codec(folder: Path) -> bytes:
    return write(folder / "old.avi", film(10), codec="msmpeg4v2").read_bytes()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (playlist, "not a video container"),
        (concatenation, "not a video container"),
        (lambda folder: b"", "an empty file"),
        (lambda folder: bytes(5000), "not a video container"),
        (lambda folder: b"\0\0\0\x18ftypisom" + bytes(5000), "can't be read as video"),
        (lambda folder: b"\x1aE\xdf\xa3" + bytes(5000), "can't be read as video"),
        (lambda folder: b"RIFF\0\0\0\0AVI " + bytes(5000), "can't be read|no moving picture"),
        (sound, r"no moving picture in it \(audio\)"),
        (no_frames, "no frame in it"),
        (without_its_end, "can't be read as video"),
        (foreign_codec, "codec"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_is_no_video_is_refused_clearly(tmp_path, make, said):
    (tmp_path / "walk.mp4").write_bytes(make(tmp_path))
    with pytest.raises(InputError, match=said) as raised:
        taken(tmp_path / "walk.mp4", frames=5)
    assert "walk.mp4" in str(raised.value)


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(InputError, match="missing"):
        taken(tmp_path / "walk.mp4", frames=5)
    with pytest.raises(InputError, match="neither a file"):
        taken(tmp_path, frames=5)


def test_too_many_pixels_are_refused_before_decoding(tmp_path):
    file = write(tmp_path / "a.mp4", film(4))
    with pytest.raises(InputError, match=r"160x120 pixels.*at most 19199"):
        taken(file, frames=4, limits=CaptureConfig(max_pixels=WIDTH * HEIGHT - 1))
    assert len(taken(file, frames=4, limits=CaptureConfig(max_pixels=WIDTH * HEIGHT)).photos) == 4


def test_a_cut_recording_gives_what_is_there_and_says_so(tmp_path):
    """An MP4 with its index in front, cut in the middle, still has its first half."""
    whole = write_indexed(tmp_path / "a.mp4", film(120))
    data = whole.read_bytes()
    whole.write_bytes(data[: len(data) // 2])
    photos = taken(whole, frames=10)
    assert len(photos.photos) >= 5
    assert any("truncated" in reason for _, reason in photos.skipped)


def write_indexed(file: Path, frames) -> Path:
    with av.open(file, "w", options={"movflags": "faststart"}) as video:
        stream = video.add_stream("libx264", rate=RATE, options={"crf": "16", "g": "15"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            video.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        video.mux(stream.encode())
    return file


def test_damage_in_the_middle_is_counted_and_deterministic(tmp_path):
    file = write_indexed(tmp_path / "a.mp4", film(120))
    data = bytearray(file.read_bytes())
    rng = np.random.default_rng(1)
    for at in rng.integers(len(data) // 4, len(data), 60):
        data[at] = int(rng.integers(0, 256))
    file.write_bytes(data)
    results = []
    for _ in range(3):
        photos = taken(file, frames=12)
        digests = [hashlib.sha256(photo.file.read_bytes()).hexdigest() for photo in photos.photos]
        results.append((photos.skipped, [photo.seconds for photo in photos.photos], digests))
    assert results[0] == results[1] == results[2]
    assert any("damaged" in reason for _, reason in results[0][0])


def test_random_damage_never_escapes(tmp_path):
    """Bytes changed anywhere, header included: photos or an InputError, nothing else."""
    whole = write(tmp_path / "a.mkv", film(12, step=8), codec="mpeg4").read_bytes()
    rng = np.random.default_rng(2)
    refused = 0
    for trial in range(60):
        data = bytearray(whole)
        for at in rng.integers(0, 600 if trial % 2 else len(data), 8):
            data[at] = int(rng.integers(0, 256))
        (tmp_path / "b.mkv").write_bytes(data)
        try:
            assert len(taken(tmp_path / "b.mkv", frames=4).photos) >= 2
        except InputError:
            refused += 1
    assert 0 < refused < 60


def test_sharpness_falls_with_blur():
    frame = np.asarray(Image.fromarray(wall(640, 480)).convert("L"))
    values = [sharpness(gaussian_filter(frame, sigma)) for sigma in (0, 0.5, 1, 2, 4)]
    assert values == sorted(values, reverse=True) and values[0] > 4 * values[-1]


def test_many_frames_a_second(tmp_path):
    """A minute of film takes seconds; the bound is a tenth of what two busy cores do."""
    file = write(tmp_path / "a.mp4", film(300, step=2, width=640, height=480), options={"preset": "ultrafast"})
    start = time.perf_counter()
    photos = taken(file, frames=20)
    rate = 300 / (time.perf_counter() - start)
    print(f"\n{rate:.0f} frames of 640x480 a second")
    assert len(photos.photos) == 20
    assert rate > 30
