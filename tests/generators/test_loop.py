"""The loop with the generator that needs no network, and with stand-ins that misbehave."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lyra_sim.data.capture import Capture
from lyra_sim.data.report import Report
from lyra_sim.data.video import KNOWN, NEW, GeneratedFrames, WorldVideo
from lyra_sim.depth.providers.chunk import depth_of_chunk
from lyra_sim.depth.providers.provider import ProvidedDepth
from lyra_sim.errors import PluginError
from lyra_sim.generators.generator import Condition, Generated
from lyra_sim.generators.loop import generate_video
from lyra_sim.generators.reproject import Reproject
from lyra_sim.geometry.cameras import CameraPath, unproject
from lyra_sim.quality.generated import black_frames, generated_metrics, revisit_psnr
from lyra_sim.scene.generate import GenerateConfig, PresetPath
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


def test_where_no_photo_is_kept_back_next_to_all_of_a_walk_has_depth(room_capture: Capture, tmp_path: Path) -> None:
    made = frames_of(generate_video(replace(room_capture, held_out=()), CONFIG, Reproject(CONFIG), seed=7, out=tmp_path))
    assert min(np.isfinite(made.z_depth(index)).mean() for index in made.adding) > 0.95


def test_it_is_told_what_was_done(video: WorldVideo) -> None:
    chunks = video.facts.chunks
    assert [(chunk.first, chunk.last) for chunk in chunks] == [(0, 80), (81, 160)]
    assert all(chunk.depth_residual < 0.01 and abs(chunk.depth_scale - 1) < 0.01 for chunk in chunks)


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
    assert made.facts.chunks[0].depth_scale == pytest.approx(4.0, rel=0.01)
    assert made.facts.chunks[0].depth_residual < 0.01


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


class Looks:
    """Depth provider of drawn frames: their own depth and their cameras, both in a scale of its own and with noise."""

    def __init__(self, drawn: Generated, factor: float, way: float) -> None:
        self.drawn, self.factor, self.way = drawn, factor, way

    def estimate(self, frames: np.ndarray, cameras: CameraPath | None) -> ProvidedDepth:
        assert cameras is not None
        rows = [next(n for n, rgb in enumerate(self.drawn.rgb) if np.array_equal(rgb, frame)) for frame in frames]
        rng = np.random.default_rng(len(rows))
        height, width = cameras.height, cameras.width
        patches = np.kron(rng.standard_normal((len(rows), height // 16, width // 16)), np.ones((16, 16)))
        z = (self.drawn.z_depth[rows] * self.factor * (1 + 0.02 * patches)).astype(np.float32)
        c2w = cameras.c2w.copy()
        c2w[:, :3, 3] += 2e-3 * rng.standard_normal((len(rows), 3))
        c2w[:, :3, 3] *= self.factor * self.way
        seen = CameraPath(c2w=c2w, K=cameras.K, width=cameras.width, height=cameras.height)
        trust = np.where(np.isnan(z), 0, 0.5).astype(np.float32)
        return ProvidedDepth(z_depth=z, confidence=trust, cameras=seen, scale="free")


class Network:
    """Draws what was drawn before, but has depth estimated, of every eighth frame, in another scale each chunk."""

    def __init__(self, video: WorldVideo, *, way: float = 1.0) -> None:
        self.frames, self.way = frames_of(video), way

    def generate(self, condition: Condition) -> Generated:
        numbers = range(1 + 80 * condition.chunk, 81 + 80 * condition.chunk)
        drawn = Generated(
            rgb=np.stack([self.frames.rgb(n) for n in numbers]),
            invented=np.stack([self.frames.invented(n) for n in numbers]),
            z_depth=np.stack([self.frames.z_depth(n) for n in numbers]),
            in_scale=True,
        )
        looks = Looks(drawn, (0.3, 1.7)[condition.chunk], self.way)
        chunk = depth_of_chunk(looks, drawn.rgb, condition.cameras)
        return Generated(
            rgb=drawn.rgb, invented=drawn.invented, z_depth=chunk.z_depth, in_scale=chunk.in_scale, motion=chunk.motion
        )


@pytest.fixture(scope="module")
def by_network(video: WorldVideo, room_capture: Capture, tmp_path_factory: pytest.TempPathFactory) -> WorldVideo:
    return generate_video(room_capture, CONFIG, Network(video), seed=7, out=tmp_path_factory.mktemp("by_network"))


def test_depth_of_every_eighth_frame_is_enough(by_network: WorldVideo, video: WorldVideo) -> None:
    """What is later read: the memory's frames and those that may add to the world; in scale in both chunks."""
    frames, exact = frames_of(by_network), frames_of(video)
    for index in frames.adding:
        assert np.isfinite(frames.z_depth(index)).mean() > 0.99 * np.isfinite(exact.z_depth(index)).mean()
        assert np.nanmedian(np.abs(frames.z_depth(index) / exact.z_depth(index) - 1)) < 0.02
    assert np.isnan(frames.z_depth(41)).all() and not (frames.origin(41) == NEW).any()
    shares = [chunk.new_share for chunk in by_network.facts.chunks]
    there = [(frames.origin(index) == NEW).mean() for index in range(0, 81, 8)]
    assert shares[0] == pytest.approx(np.mean(there), abs=1e-5), "frames without depth can't tell what is new"


def test_scale_comes_from_overlap_and_cameras(by_network: WorldVideo, room_capture: Capture) -> None:
    for chunk, factor in zip(by_network.facts.chunks, (0.3, 1.7), strict=True):
        for name in ("depth_scale", "overlap_scale", "camera_scale"):
            assert getattr(chunk, name) == pytest.approx(1 / factor, rel=0.01)
        assert 1e-3 < chunk.camera_residual < 0.02 and 0 < chunk.camera_sigma < 0.02
        assert 1e-3 < chunk.overlap_sigma < 0.02 and 0.005 < chunk.depth_residual < 0.02
        assert chunk.depth_scale_conflict is False
    (told,) = (m for m in generated_metrics(by_network, room_capture) if m.name == "generated.depth_scale_conflicts")
    assert told.value == 0 and told.n == 2 and told.verdict == "pass"


def test_cameras_that_contradict_depth_are_told(video: WorldVideo, room_capture: Capture, tmp_path: Path) -> None:
    made = generate_video(room_capture, ONE_CHUNK, Network(video, way=1.5), seed=7, out=tmp_path)
    (chunk,) = made.facts.chunks
    assert chunk.depth_scale_conflict is True and chunk.depth_scale == chunk.overlap_scale
    assert chunk.camera_scale == pytest.approx(1 / 0.45, rel=0.01)
    (told,) = (m for m in generated_metrics(made, room_capture) if m.name == "generated.depth_scale_conflicts")
    assert told.value == 1 and told.verdict == "warn"


class Depthless:
    """Claims no depth at all."""

    def generate(self, condition: Condition) -> Generated:
        shape = len(condition.cameras), condition.cameras.height, condition.cameras.width
        return Generated(
            rgb=np.zeros((*shape, 3), np.uint8),
            invented=np.ones(shape, bool),
            z_depth=np.full(shape, np.nan, np.float32),
            in_scale=False,
        )


def test_a_chunk_without_any_depth_adds_nothing(room_capture: Capture, tmp_path: Path) -> None:
    made = generate_video(room_capture, CONFIG, Depthless(), seed=7, out=tmp_path)
    chunk = made.facts.chunks[1]
    assert (chunk.depth_scale, chunk.depth_residual, chunk.depth_overlap, chunk.new_share) == (1, None, 0, 0)
    assert not any(name.startswith("generated.depth_scale") for name in (m.name for m in generated_metrics(made, room_capture)))


def test_black_frames_fail_the_looks_and_are_named(video: WorldVideo, room_capture: Capture, tmp_path: Path) -> None:
    made = generate_video(room_capture, ONE_CHUNK, Depthless(), seed=7, out=tmp_path)
    black = Report(scene="room", metrics=tuple(generated_metrics(made, room_capture)))
    told = black["generated.black_frames"]
    assert told.value == 80 and told.note.startswith("frames 1, 2, 3, 4 and 76 more") and told.advice
    assert black.looks == "poor" and black.fit_for_driving == "not-assessed"
    assert black["generated.made_up"].value > 0.9 and black["generated.made_up"].verdict == "fail"
    drawn = Report(scene="room", metrics=tuple(generated_metrics(video, room_capture)))
    assert drawn["generated.black_frames"].value == 0 and drawn.looks != "poor"
    assert drawn["generated.made_up"].value == pytest.approx(1 - drawn["generated.known"].value, abs=1e-6)


class Night(Blank):
    """Black where photos are black."""

    def generate(self, condition: Condition) -> Generated:
        drawn = super().generate(condition)
        return Generated(
            rgb=np.zeros_like(drawn.rgb), invented=np.zeros_like(drawn.invented), z_depth=drawn.z_depth, in_scale=True
        )


def test_a_dark_place_is_no_black_frame(room_capture: Capture, tmp_path: Path) -> None:
    made = generate_video(room_capture, ONE_CHUNK, Night(), seed=7, out=tmp_path)
    assert black_frames(frames_of(made)) == []


def test_what_no_cameras_told_is_not_judged(video: WorldVideo, room_capture: Capture) -> None:
    assert all(chunk.camera_scale is None and not chunk.depth_scale_conflict for chunk in video.facts.chunks)
    assert "generated.depth_scale_conflicts" not in {m.name for m in generated_metrics(video, room_capture)}
