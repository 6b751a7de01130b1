import hashlib
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from lyra_sim.data.video import GeneratedFrames
from lyra_sim.errors import LyraSimError
from lyra_sim.generators.walkthrough import write_walkthrough, yuv420
from tests.rooms import camera_path, look

COUNT, WIDTH, HEIGHT = 12, 160, 112


@pytest.fixture
def frames(tmp_path: Path) -> GeneratedFrames:
    """Smooth noise that moves: an encoder has something to predict, and no block of it is flat."""
    (tmp_path / "rgb").mkdir()
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(HEIGHT, WIDTH + COUNT, 3)), (8, 8, 0))
    noise = np.clip(128 + 60 * noise / noise.std(), 0, 255).astype(np.uint8)
    for n in range(COUNT):
        Image.fromarray(noise[:, n : n + WIDTH]).save(tmp_path / "rgb" / f"{n:05d}.png")
    cameras = camera_path([look(np.zeros(3), 0.0, 0.0)] * COUNT, width=WIDTH, height=HEIGHT)
    return GeneratedFrames(folder=tmp_path, cameras=cameras, units_per_depth_count=0.001)


def test_it_shows_the_frames(frames: GeneratedFrames, tmp_path: Path) -> None:
    write_walkthrough(frames, tmp_path / "video" / "walkthrough.mp4", fps=16.0)
    with av.open(str(tmp_path / "video" / "walkthrough.mp4")) as file:
        assert file.streams.video[0].average_rate == 16
        shown = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    assert len(shown) == COUNT and shown[0].shape == (HEIGHT, WIDTH, 3)
    for n, picture in enumerate(shown):
        error = (picture.astype(float) - frames.rgb(n)) ** 2
        assert 10 * np.log10(255**2 / error.mean()) > 32
        assert np.abs((picture.astype(float) - frames.rgb(n)).mean(axis=(0, 1))).max() < 2, "no colour drifts"


def test_equal_frames_give_equal_bytes(frames: GeneratedFrames, tmp_path: Path) -> None:
    digests = set()
    for n in range(3):
        write_walkthrough(frames, tmp_path / str(n) / "walkthrough.mp4", fps=16.0)
        digests.add(hashlib.sha256((tmp_path / str(n) / "walkthrough.mp4").read_bytes()).hexdigest())
    assert len(digests) == 1


def test_an_encoder_that_fails_is_told(frames: GeneratedFrames, tmp_path: Path) -> None:
    (tmp_path / "rgb" / "00005.png").write_bytes(b"not a picture")
    with pytest.raises(LyraSimError, match=r"walkthrough\.mp4: the encoder ended with exit status 1.*\n.*Unidentified"):
        write_walkthrough(frames, tmp_path / "walkthrough.mp4", fps=16.0)


def test_pure_colours_have_the_values_of_the_standard() -> None:
    """ITU-R BT.601-7, limited range."""
    for colour, expected in (((0, 0, 0), (16, 128, 128)), ((255, 255, 255), (235, 128, 128)), ((255, 0, 0), (81, 90, 240))):
        planes = yuv420(np.full((4, 6, 3), colour, np.uint8))
        assert [int(plane[0, 0]) for plane in planes] == list(expected)
        assert [plane.shape for plane in planes] == [(4, 6), (2, 3), (2, 3)]
