"""The retrieve–generate–update loop (Lyra 2.0, 2026): chunk by chunk along the path, each drawn from what is known so far."""

import os
import resource
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from lyra_sim.data.capture import Capture
from lyra_sim.data.files import read_json, write_json
from lyra_sim.data.video import KNOWN, NEW, ChunkFacts, GeneratedFrames, WalkFacts, WorldVideo
from lyra_sim.errors import LyraSimError, PluginError
from lyra_sim.generators.frames_on_disk import FrameWriter, PhotoFrames, depth_step, video_frame
from lyra_sim.generators.generator import Condition, Generated, Generator
from lyra_sim.generators.memory import SpatialMemory
from lyra_sim.generators.photo_evidence import PhotoEvidence, Tie, tie_depth
from lyra_sim.generators.reproject import draw, known_frames
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.scene.generate import CHUNK_FRAMES, GenerateConfig
from lyra_sim.trajectories.path import camera_path

KEPT_EVERY = 8
"""Every n-th frame enters the memory (Lyra 2.0). Convention."""


def generate_video(capture: Capture, cfg: GenerateConfig, generator: Generator, *, seed: int, out: Path) -> WorldVideo:
    """Draw the video along the scene's path.

    What an earlier, interrupted run left in ``out`` is gone on from: a chunk counts once its record is there.

    Args:
        capture: With depth.
        cfg: The path and the budget.
        generator: Draws the frames.
        seed: Of the scene.
        out: Step folder; frames, one record a chunk.
    """
    path = camera_path(capture, cfg)
    photos = PhotoFrames(capture=capture, side=max(path.cameras.width, path.cameras.height))
    step = depth_step(photos)
    frames = GeneratedFrames(folder=out, cameras=path.cameras, units_per_depth_count=step)
    loop = _Loop(frames, photos, generator, cfg, seed)
    try:
        chunks = [loop.chunk(number) for number in range((len(frames) - 1) // CHUNK_FRAMES)]
    finally:
        loop.writer.close()
    return WorldVideo(frames=frames, facts=WalkFacts(backend=cfg.backend, path=path.facts, chunks=tuple(chunks)))


class _Loop:
    """What lives as long as a video: the memory, the evidence, the generator."""

    def __init__(
        self, frames: GeneratedFrames, photos: PhotoFrames, generator: Generator, cfg: GenerateConfig, seed: int
    ) -> None:
        self.frames, self.photos, self.generator, self.cfg, self.seed = frames, photos, generator, cfg, seed
        self.memory = SpatialMemory(lambda id: photos.frame(id) if id < 0 else video_frame(frames, id))
        for photo in photos.all():
            self.memory.add(photo)
        self.evidence = PhotoEvidence(photos.all())
        self.writer = FrameWriter(frames.folder, frames.units_per_depth_count)
        for part in ("chunks", "generator"):
            (frames.folder / part).mkdir(exist_ok=True)

    def chunk(self, number: int) -> ChunkFacts:
        """Draw one chunk, or take it as it stands; either way the memory knows it afterwards."""
        first, last = (0 if number == 0 else 1 + CHUNK_FRAMES * number), CHUNK_FRAMES * (number + 1)
        record = self.frames.folder / "chunks" / f"{number:05d}.json"
        if record.is_file():
            facts = ChunkFacts(**read_json(record))
        else:
            started = time.monotonic()
            facts = self._draw(number, first, last)
            _write_whole(record, asdict(facts))
            seconds, peak = time.monotonic() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"chunk {number}: {seconds:.1f} s, peak {peak:.0f} MB, {facts.known_share:.1%} known", flush=True)
        for index in range(-(-first // KEPT_EVERY) * KEPT_EVERY, last + 1, KEPT_EVERY):
            self.memory.add(video_frame(self.frames, index))
        return facts

    def _draw(self, number: int, first: int, last: int) -> ChunkFacts:
        shares = []
        if number == 0:
            start = self.frames.cameras.select(np.array([0]))
            shares += self._keep(0, draw(*known_frames(self.memory, start, count=self.cfg.retrieved), start))
            self.writer.finish()
            first = 1
        cameras = self.frames.cameras.select(np.arange(first, last + 1))
        condition = Condition(
            chunk=number,
            cameras=cameras,
            memory=self.memory,
            latest=video_frame(self.frames, first - 1),
            history=self.frames.rgb,
            path=self.frames.cameras,
            folder=self.frames.folder / "generator",
            seed=int(np.random.SeedSequence([self.seed, number]).generate_state(1)[0]),
        )
        drawn = self._ask(condition)
        drawn, tie = self._tied(drawn, cameras)
        shares += self._keep(first, drawn)
        self.writer.finish()
        return ChunkFacts(
            first=0 if number == 0 else first,
            last=last,
            known_share=round(float(np.mean([known for known, _ in shares])), 5),
            new_share=round(float(np.mean([new for _, new in shares if new is not None] or [0.0])), 5),
            **_told(tie),
        )

    def _ask(self, condition: Condition) -> Generated:
        """The plug-in's frames, of the number and size asked for; its own exceptions told as its own."""
        try:
            drawn = self.generator.generate(condition)
        except LyraSimError:
            raise
        except Exception as error:
            raise PluginError(f"generator '{self.cfg.backend}'", f"it failed with {type(error).__name__}: {error}") from error
        wanted = (len(condition.cameras), condition.cameras.height, condition.cameras.width)
        found = {name: getattr(drawn, name).shape[:3] for name in ("rgb", "invented", "z_depth")}
        if wrong := {name: shape for name, shape in found.items() if shape != wanted}:
            raise PluginError(f"generator '{self.cfg.backend}'", f"frames of shape {wrong}", expected=f"{wanted}")
        return drawn

    def _tied(self, drawn: Generated, cameras: CameraPath) -> tuple[Generated, Tie]:
        """Depth in the scale of what is known, and how well it fits; from frames that have any."""
        with_depth = np.flatnonzero(np.isfinite(drawn.z_depth).any(axis=(1, 2)))
        if len(with_depth) == 0:
            return drawn, Tie(scale=1.0, residual=float("nan"), overlap=0.0)
        evenly = np.unique(np.linspace(0, len(with_depth) - 1, self.cfg.retrieval_views + 1).round().astype(int))
        some = with_depth[evenly if len(evenly) == 1 else evenly[1:]]
        views = cameras.select(some)
        ids = self.memory.retrieve(views, count=self.cfg.retrieved)
        known = (self.memory.frame(id) for id in ids)
        tie = tie_depth(drawn.z_depth[some], views, known, in_scale=drawn.in_scale, motion=drawn.motion)
        if drawn.in_scale:
            return drawn, tie
        if tie.by_depth is None and (tie.by_cameras is None or tie.conflict):
            # Depth in units of its own, and nothing that tells them: it would stand in the world at any size.
            return replace(drawn, z_depth=np.full_like(drawn.z_depth, np.nan), in_scale=True), tie
        return replace(drawn, z_depth=drawn.z_depth * np.float32(tie.scale), in_scale=True), tie

    def _keep(self, first: int, drawn: Generated) -> list[tuple[float, float | None]]:
        """Write frames; the shares of known and of new pixels of each, which a frame without depth can't tell."""
        cameras = self.frames.cameras.select(np.arange(first, first + len(drawn.rgb)))
        origins = self.evidence.origin(drawn.z_depth, drawn.invented, cameras)
        for n, origin in enumerate(origins):
            self.writer.write(first + n, drawn.rgb[n], drawn.z_depth[n], origin)
        told = np.isfinite(drawn.z_depth).any(axis=(1, 2))
        return [
            (float((origin == KNOWN).mean()), float((origin == NEW).mean()) if deep else None)
            for origin, deep in zip(origins, told, strict=True)
        ]


def _told(tie: Tie) -> dict[str, Any]:
    """What a chunk's record says of its depth."""

    def rounded(value: float | None) -> float | None:
        return None if value is None or np.isnan(value) else round(value, 6)

    depth, cameras = tie.by_depth, tie.by_cameras
    return {
        "depth_scale": round(tie.scale, 6),
        "depth_residual": rounded(tie.residual),
        "depth_overlap": round(tie.overlap, 5),
        "overlap_scale": None if depth is None else rounded(depth.scale),
        "overlap_sigma": None if depth is None else rounded(depth.sigma),
        "camera_scale": None if cameras is None else rounded(cameras.scale),
        "camera_sigma": None if cameras is None else rounded(cameras.sigma),
        "camera_residual": None if cameras is None else rounded(cameras.residual),
        "depth_scale_conflict": tie.conflict,
    }


def _write_whole(path: Path, values: dict[str, Any]) -> None:
    """The record is there whole or not at all, and never before the frames it stands for."""
    for part in ("rgb", "z_depth", "origin"):
        for index in range(values["first"], values["last"] + 1):
            with (path.parents[1] / part / f"{index:05d}.png").open("rb") as frame:
                os.fsync(frame.fileno())
    staged = path.with_suffix(".tmp")
    write_json(staged, values)
    with staged.open("rb") as record:
        os.fsync(record.fileno())
    staged.replace(path)
