"""The loop with the generator that needs no network, and with stand-ins that misbehave."""

from pathlib import Path

import numpy as np
import pytest

from lyra_sim.data.capture import Capture
from lyra_sim.data.video import KNOWN, NEW, GeneratedFrames, WorldVideo
from lyra_sim.errors import PluginError
from lyra_sim.generators.generator import Condition, Generated
from lyra_sim.generators.loop import generate_video
from lyra_sim.generators.reproject import Reproject
from lyra_sim.geometry.cameras import unproject
from lyra_sim.quality.generated import revisit_psnr
from lyra_sim.spec_generate import GenerateConfig, PresetPath
from tests.rooms import Room

CONFIG = GenerateConfig(path=PresetPath(preset="there_and_back"), chunks=2, side=160)


class Stopped(RuntimeError):
    """Stands for a machine that was shut down."""


class StopsAt:
    """Draws like :class:`Reproject` until it is asked for ``chunk``."""

    def __init__(self, chunk: int) -> None:
        self.chunk, self.drawer = chunk, Reproject(CONFIG)

    def generate(self, condition: Condition) -> Generated:
        if condition.chunk == self.chunk:
            raise KeyboardInterrupt
        return self.drawer.generate(condition)


@pytest.fixture(scope="module")
def video(room_capture: Capture, tmp_path_factory: pytest.TempPathFactory) -> WorldVideo:
    out = tmp_path_factory.mktemp("video")
    made = generate_video(room_capture, CONFIG, Reproject(CONFIG), seed=7, out=out)
    made.save(out)
    return made


def frames_of(video: WorldVideo) -> GeneratedFrames:
    assert video.frames is not None
    return video.frames


def files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def test_there_and_back_comes_back_to_the_photo(video: WorldVideo, room_capture: Capture) -> None:
    scores = revisit_psnr(frames_of(video), room_capture)
    assert {0, 160} <= set(scores) and min(scores.values()) >= 30


def test_frames_match_the_room_and_say_where_they_do_not_know(video: WorldVideo, tiny_room: Room) -> None:
    frames = frames_of(video)
    rays = np.stack(np.meshgrid(np.arange(160) + 0.5, np.arange(frames.cameras.height) + 0.5), -1)
    for index in (20, 41, 80):
        K, c2w, z = frames.cameras.K[index], frames.cameras.c2w[index], frames.z_depth(index)
        directions = np.concatenate([(rays - K[:2, 2]) / [K[0, 0], K[1, 1]], np.ones((*rays.shape[:2], 1))], -1)
        true, colours = tiny_room.cast(c2w[:3, 3], directions.reshape(-1, 3) @ c2w[:3, :3].T)
        known = frames.origin(index) == KNOWN
        assert known.mean() > 0.3
        error = np.abs(z - true.reshape(z.shape))[known]
        assert np.median(error) < 0.01 and np.quantile(error, 0.9) < 0.1
        difference = np.abs(frames.rgb(index).astype(float) - colours.reshape(*z.shape, 3))[known]
        assert np.median(difference) < 6


def test_nothing_new_is_put_where_a_photo_looked(video: WorldVideo, room_capture: Capture) -> None:
    """Every NEW pixel against every photo at full resolution: none of them saw it or through it."""
    from lyra_sim.geometry.cameras import project

    frames, cameras = frames_of(video), room_capture.cameras
    points = []
    for index in range(0, 161, 8):
        new = frames.origin(index) == NEW
        points.append(unproject(frames.z_depth(index), frames.cameras.K[index], frames.cameras.c2w[index])[new])
    cloud = np.concatenate(points)
    assert len(cloud) > 20, "this walk leaves something to make up"
    looked = np.zeros(len(cloud), bool)
    for photo in room_capture.used:
        uv, z = project(cloud, cameras.K[photo], cameras.w2c[photo])
        inside = (z > 0) & (uv >= 0).all(1) & (uv[:, 0] < cameras.width) & (uv[:, 1] < cameras.height)
        column, row = uv[inside].astype(int).T
        looked[inside] |= z[inside] < 0.98 * room_capture.views.z_depth(photo)[row, column]
    assert looked.mean() < 0.02, "the evidence is coarser than the photos by a pixel at edges, no more"


def test_it_is_told_what_was_done(video: WorldVideo) -> None:
    chunks = video.facts["chunks"]
    assert [(chunk["first"], chunk["last"]) for chunk in chunks] == [(0, 80), (81, 160)]
    assert all(chunk["depth_residual"] < 0.01 and abs(chunk["depth_scale"] - 1) < 0.01 for chunk in chunks)


def test_a_video_cut_short_goes_on_to_the_same_frames(video: WorldVideo, room_capture: Capture, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        generate_video(room_capture, CONFIG, StopsAt(1), seed=7, out=tmp_path)
    kept = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "rgb").iterdir()}
    assert len(kept) == 81
    made = generate_video(room_capture, CONFIG, Reproject(CONFIG), seed=7, out=tmp_path)
    made.save(tmp_path)
    assert {name: (tmp_path / "rgb" / name).stat().st_mtime_ns for name in kept} == kept, "what was there isn't drawn again"
    assert files(tmp_path) == files(frames_of(video).folder)


def test_a_saved_video_is_read_back(video: WorldVideo) -> None:
    read = WorldVideo.load(frames_of(video).folder)
    assert read.facts == video.facts
    np.testing.assert_array_equal(frames_of(read).cameras.c2w, frames_of(video).cameras.c2w)


class Blank:
    """Frames of one colour at one depth, wrong in whatever way is asked for."""

    def __init__(self, *, frames: int = 80, factor: float = 1.0, error: Exception | None = None) -> None:
        self.frames, self.factor, self.error = frames, factor, error

    def generate(self, condition: Condition) -> Generated:
        if self.error is not None:
            raise self.error
        drawn = Reproject(CONFIG).generate(condition)
        n = self.frames
        return Generated(
            rgb=drawn.rgb[:n], invented=drawn.invented[:n], z_depth=drawn.z_depth[:n] * np.float32(self.factor), in_scale=False
        )


ONE_CHUNK = CONFIG.model_copy(update={"chunks": 1})


def test_estimated_depth_is_brought_to_known_scale(room_capture: Capture, video: WorldVideo, tmp_path: Path) -> None:
    made = generate_video(room_capture, ONE_CHUNK, Blank(factor=0.25), seed=7, out=tmp_path)
    assert made.facts["chunks"][0]["depth_scale"] == pytest.approx(4.0, rel=0.01)
    assert made.facts["chunks"][0]["depth_residual"] < 0.01


@pytest.mark.parametrize(
    ("generator", "told"),
    [
        (Blank(frames=79), r"frames of shape .*79.*expected \(80, "),
        (Blank(error=ValueError("no weights")), "ValueError: no weights"),
    ],
)
def test_a_generator_that_fails_is_named(generator: Blank, told: str, room_capture: Capture, tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=f"generator 'reproject'.*{told}"):
        generate_video(room_capture, ONE_CHUNK, generator, seed=7, out=tmp_path)
    assert not list((tmp_path / "chunks").iterdir())
