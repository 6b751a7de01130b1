"""A chart of known colours, stored as cameras store them, comes back as sRGB; what a tag can't say is told or refused."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from lyra_sim.capture.intake.dolby_vision import DolbyVision, dolby_vision_of
from lyra_sim.capture.intake.video import take_in_video
from lyra_sim.capture.intake.video_colours import ColourTags, check_tags, matrix_of, srgb_of, tags_of
from lyra_sim.capture.intake.video_file import upright_rgb
from lyra_sim.errors import InputError
from lyra_sim.scene.sources import VideoSource
from lyra_sim.scene.spec import CaptureConfig
from tests.capture.intake.iso_boxes import HEVC_ENTRY, add_box, dolby_vision

CHART = np.array([[255, 255, 255], [128, 128, 128], [220, 40, 40], [40, 180, 60], [50, 70, 210], [230, 200, 60], [0, 0, 0]])
PATCH = 32
LUMA = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}
RGB2020_FROM_RGB709 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
"""ITU-R BT.2087, M2."""
RGBP3_FROM_RGB709 = np.array([[0.8225, 0.1775, 0.0], [0.0332, 0.9668, 0.0], [0.0171, 0.0724, 0.9105]])
HLG, PQ = 18, 16


def linear(srgb: np.ndarray) -> np.ndarray:
    unit = srgb / 255
    return np.where(unit <= 0.04045, unit / 12.92, ((unit + 0.055) / 1.055) ** 2.4)


def hlg_signal(light: np.ndarray) -> np.ndarray:
    """Inverse OOTF and OETF of BT.2100, table 5, for a screen of 1000 cd/m2; light in cd/m2, BT.2020."""
    display = light / 1000
    luminance = display @ [0.2627, 0.6780, 0.0593]
    scene = display * np.where(luminance > 0, luminance, 1)[..., None] ** (1 / 1.2 - 1)
    return np.where(
        scene <= 1 / 12, np.sqrt(3 * scene), 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    )


def pq_signal(light: np.ndarray) -> np.ndarray:
    """Inverse EOTF of BT.2100, table 4."""
    power = (light / 10000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375


SIGNALS = {HLG: hlg_signal, PQ: pq_signal}


def chart_signal(transfer: int, primaries: int) -> np.ndarray:
    """R'G'B' of the chart as a camera with these tags stores it."""
    wide = {9: RGB2020_FROM_RGB709, 12: RGBP3_FROM_RGB709}.get(primaries, np.eye(3))
    light = np.clip(linear(CHART) @ wide.T, 0, 1)
    if transfer in SIGNALS:
        return SIGNALS[transfer](light * 203)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def chart_frame(
    signal: np.ndarray,
    tags: ColourTags,
    *,
    stored: int,
    full: bool = False,
    bits: int = 10,
    size: tuple[int, int] | None = None,
) -> av.VideoFrame:
    """Patches side by side as Y'CbCr 4:2:0 of matrix ``stored``, written sample by sample; ``size``: in its upper left."""
    red, blue = LUMA[stored]
    r, g, b = signal.T
    y = red * r + (1 - red - blue) * g + blue * b
    chroma = [(b - y) / (2 - 2 * blue), (r - y) / (2 - 2 * red)]
    top, unit = 2**bits - 1, 2 ** (bits - 8)
    planes = (
        [y * top, *(c * top + 2 ** (bits - 1) for c in chroma)]
        if full
        else [unit * (16 + 219 * y), *(unit * (128 + 224 * c) for c in chroma)]
    )
    dtype = np.uint8 if bits == 8 else np.uint16
    frame = av.VideoFrame(*(size or (PATCH * len(signal), PATCH)), "yuv420p" if bits == 8 else f"yuv420p{bits}le")
    for plane, values, patch in zip(frame.planes, planes, (PATCH, PATCH // 2, PATCH // 2), strict=True):
        samples = np.zeros((plane.height, plane.line_size // dtype().itemsize), dtype)
        samples[:patch, : patch * len(signal)] = np.repeat(np.clip(np.rint(values), 0, top).astype(dtype), patch)
        plane.update(samples.tobytes())
    frame.color_trc, frame.color_primaries, frame.colorspace = tags.transfer, tags.primaries, tags.matrix
    frame.color_range = 2 if full else 1
    return frame


def patches(pixels: np.ndarray) -> np.ndarray:
    return pixels[PATCH // 2, PATCH // 2 :: PATCH][: len(CHART)].astype(int)


@pytest.mark.parametrize("bits", [8, 10, 12])
@pytest.mark.parametrize("full", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize("primaries", [9, 12, 1], ids=["bt2020", "p3", "bt709"])
@pytest.mark.parametrize("transfer", [HLG, PQ], ids=["hlg", "pq"])
def test_hdr_comes_back_as_srgb(transfer: int, primaries: int, full: bool, bits: int) -> None:
    """8 bits hold HDR so coarsely that a step of them is several levels; 10 are good to four, 12 to two."""
    tags = ColourTags(transfer=transfer, primaries=primaries, matrix=9)
    frame = chart_frame(chart_signal(transfer, primaries), tags, stored=9, full=full, bits=bits)
    np.testing.assert_allclose(patches(upright_rgb(frame, Fraction(1))), CHART, atol={8: 12, 10: 4, 12: 2}[bits])


@pytest.mark.parametrize("transfer", [HLG, PQ])
def test_hdr_without_primaries_is_bt2020(transfer: int) -> None:
    frame = chart_frame(chart_signal(transfer, 9), ColourTags(transfer=transfer), stored=9, bits=12)
    np.testing.assert_allclose(patches(upright_rgb(frame, Fraction(1))), CHART, atol=2)


@pytest.mark.parametrize("transfer", [HLG, PQ])
def test_light_above_white_is_cut(transfer: int) -> None:
    lamp = SIGNALS[transfer](np.full((1, 3), 900.0))
    frame = chart_frame(lamp, ColourTags(transfer=transfer, primaries=9, matrix=9), stored=9)
    assert (upright_rgb(frame, Fraction(1)) == 255).all()


def test_hdr_of_rgb_has_no_matrix() -> None:
    signal = np.repeat(chart_signal(HLG, 9), PATCH, axis=0)[None].repeat(PATCH, axis=0)
    frame = av.VideoFrame.from_ndarray(np.rint(signal * 65535).astype(np.uint16), format="rgb48le").reformat(format="gbrp12le")
    tags = ColourTags(transfer=HLG, primaries=9, matrix=0)
    pixels = srgb_of(frame, tags, width=frame.width, height=frame.height)
    np.testing.assert_allclose(patches(pixels), CHART, atol=2)


@pytest.mark.parametrize("matrix", [1, 5, 6, 9])
@pytest.mark.parametrize("transfer", [1, 2, 6, 13, 14])
def test_sdr_is_shown_as_it_is(transfer: int, matrix: int) -> None:
    tags = ColourTags(transfer=transfer, primaries=1, matrix=matrix)
    frame = chart_frame(chart_signal(1, 1), tags, stored=matrix, bits=8)
    np.testing.assert_allclose(patches(upright_rgb(frame, Fraction(1))), CHART, atol=3)


@pytest.mark.parametrize(("primaries", "matrix"), [(9, 9), (12, 1)], ids=["bt2020", "p3"])
def test_wide_sdr_keeps_its_greys_and_gets_its_colours(primaries: int, matrix: int) -> None:
    frame = chart_frame(
        chart_signal(1, primaries), ColourTags(transfer=1, primaries=primaries, matrix=matrix), stored=matrix, bits=10
    )
    np.testing.assert_allclose(patches(upright_rgb(frame, Fraction(1))), CHART, atol=6)


@pytest.mark.parametrize(
    ("size", "primaries", "stored"),
    [
        ((1280, 720), 2, 1),
        ((720, 1280), 2, 1),
        ((1920, 1080), 2, 1),
        ((640, 480), 2, 5),
        ((720, 576), 2, 5),
        ((640, 480), 1, 1),
        ((1280, 720), 6, 6),
        ((1280, 720), 9, 9),
    ],
)
def test_untagged_matrices_are_those_of_the_primaries_or_the_size(size: tuple[int, int], primaries: int, stored: int) -> None:
    """BT.709 from HD on: as BT.601 its reds and greens are 10 to 20 levels off."""
    frame = chart_frame(chart_signal(1, 1), ColourTags(primaries=primaries), stored=stored, bits=8, size=size)
    tags = ColourTags(primaries=primaries)
    assert matrix_of(frame, tags) == stored
    if primaries != 9:
        np.testing.assert_allclose(patches(upright_rgb(frame, Fraction(1), tags)), CHART, atol=3)


def test_pixels_are_made_square_before_colours(tmp_path: Path) -> None:
    frame = chart_frame(chart_signal(HLG, 9), ColourTags(transfer=HLG, primaries=9, matrix=9), stored=9)
    assert upright_rgb(frame, Fraction(2)).shape == (PATCH, 2 * PATCH * len(CHART), 3)


# -- from a file ---------------------------------------------------------------------------------------------------------


def write_walk(file: Path, tags: ColourTags, signal: np.ndarray | None = None) -> Path:
    """HEVC of 10 bits as phones write it; the chart goes by half a patch a frame, so that no frame repeats."""
    signal = chart_signal(HLG, 9) if signal is None else signal
    with av.open(file, "w") as video:
        stream = video.add_stream(
            "libx265", rate=30, options={"crf": "8", "preset": "ultrafast", "x265-params": "log-level=none"}
        )
        stream.width, stream.height, stream.pix_fmt = PATCH * len(signal), PATCH, "yuv420p10le"
        context = stream.codec_context
        context.color_trc, context.color_primaries, context.colorspace = tags.transfer, tags.primaries, tags.matrix
        for step in range(4):
            frame = chart_frame(np.roll(signal, step, axis=0), tags, stored=9)
            frame.pts = step
            video.mux(stream.encode(frame))
        video.mux(stream.encode())
    return file


def retagged(file: Path, target: Path, tags: ColourTags) -> Path:
    """The same stream in a container that says something of its own."""
    with av.open(file) as given, av.open(target, "w") as video:
        stream = given.streams.video[0]
        copy = video.add_stream_from_template(stream)
        context = copy.codec_context
        context.color_trc, context.color_primaries, context.colorspace = tags.transfer, tags.primaries, tags.matrix
        for packet in given.demux(stream):
            if packet.dts is not None:
                packet.stream = copy
                video.mux(packet)
    return target


def taken(file: Path):
    return take_in_video(VideoSource(file=file, frames=4), limits=CaptureConfig(), work=file.parent / "work")


def first_patches(file: Path) -> np.ndarray:
    photos = taken(file)
    with Image.open(photos.photos[0].file) as image:
        return patches(np.asarray(image))


PHONE = ColourTags(transfer=HLG, primaries=9, matrix=9)


def test_a_phones_hdr_walk_has_its_colours(tmp_path: Path) -> None:
    file = write_walk(tmp_path / "walk.mp4", PHONE)
    np.testing.assert_allclose(first_patches(file), CHART, atol=5)
    assert taken(file).skipped == ()


def test_tags_of_the_container_alone_count(tmp_path: Path) -> None:
    """The decoder forgets them: its frames say nothing."""
    untold = write_walk(tmp_path / "untold.mp4", ColourTags())
    file = retagged(untold, tmp_path / "walk.mp4", PHONE)
    with av.open(file) as video:
        assert tags_of(next(video.decode(video=0))) == ColourTags()
    np.testing.assert_allclose(first_patches(file), CHART, atol=5)
    assert np.abs(first_patches(untold) - CHART).max() > 50, "nothing says that it is HDR"


def test_a_container_that_contradicts_its_stream_is_told(tmp_path: Path) -> None:
    file = retagged(
        write_walk(tmp_path / "hlg.mp4", PHONE), tmp_path / "walk.mp4", ColourTags(transfer=1, primaries=1, matrix=1)
    )
    ((name, reason),) = taken(file).skipped
    assert name == "walk.mp4" and "container says its transfer is BT.709, the stream HLG" in reason
    np.testing.assert_allclose(first_patches(file), CHART, atol=5)


def test_wide_colours_without_a_transfer_are_told(tmp_path: Path) -> None:
    ((_, reason),) = taken(write_walk(tmp_path / "log.mp4", ColourTags(primaries=9, matrix=9))).skipped
    assert "BT.2020 colours without a transfer tag" in reason


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        (ColourTags(transfer=8), r"transfer characteristics 8 \(linear\)[\s\S]*ffmpeg"),
        (ColourTags(transfer=17), "transfer characteristics 17"),
        (ColourTags(transfer=99), r"transfer characteristics 99 \(unknown\)"),
        (ColourTags(transfer=PQ, primaries=9, matrix=14), "matrix coefficients 14"),
        (ColourTags(transfer=HLG, primaries=9, matrix=10), "matrix coefficients 10"),
        (ColourTags(transfer=PQ, primaries=9, matrix=15), r"matrix coefficients 15[\s\S]*Dolby Vision[\s\S]*libplacebo"),
    ],
)
def test_colours_that_arent_undone_are_refused(tags: ColourTags, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said) as raised:
        check_tags(tags, tmp_path / "walk.mp4")
    assert "walk.mp4" in str(raised.value)


def test_a_linear_video_is_refused_by_its_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"walk\.mp4[\s\S]*transfer characteristics 8 \(linear\)"):
        taken(write_walk(tmp_path / "walk.mp4", ColourTags(transfer=8, primaries=1, matrix=1)))


def test_dolby_vision_without_a_base_layer_is_refused_by_its_profile(tmp_path: Path) -> None:
    """No tag of the stream tells it: its colours would be green and violet."""
    file = write_walk(tmp_path / "walk.mp4", ColourTags())
    add_box(file, HEVC_ENTRY, dolby_vision(5, 0))
    with pytest.raises(InputError, match=r"walk\.mp4: Dolby Vision profile 5[\s\S]*IPTPQc2[\s\S]*ffmpeg -i IN -vf libplacebo"):
        taken(file)


@pytest.mark.parametrize(("profile", "compatibility"), [(8, 4), (8, 1), (7, 6), (4, 2)])
def test_dolby_vision_with_a_base_layer_is_read_as_that(profile: int, compatibility: int, tmp_path: Path) -> None:
    file = write_walk(tmp_path / "walk.mp4", PHONE)
    add_box(file, HEVC_ENTRY, dolby_vision(profile, compatibility))
    assert dolby_vision_of(file) == DolbyVision(profile=profile, compatibility=compatibility)
    np.testing.assert_allclose(first_patches(file), CHART, atol=5)


@pytest.mark.parametrize(
    "content", [b"", b"dvcC", bytes(8) + b"moovdvcC", (1 << 31).to_bytes(4, "big") + b"moov" + b"dvvC" + bytes(30)]
)
def test_headers_that_lie_are_no_dolby_vision(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(content)
    assert dolby_vision_of(tmp_path / "a.mp4") is None
