"""The generator that redraws everything: a video diffusion network that sees the spatial memory (Lyra 2.0, 2026).

Retrieve what the chunk's last camera will see, tell the network where each pixel of it goes, sample twenty latents, decode
them, encode them again as history. Photos are in the memory from the start, so that several of them are retrieved like
frames drawn before.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8

from lyra_sim.depth.providers.chunk import depth_of_chunk
from lyra_sim.depth.providers.provider import DepthProviderPlugin, ProviderOptions
from lyra_sim.errors import EnvironmentNotReady, SpecError
from lyra_sim.generators.generator import Condition, Generated
from lyra_sim.generators.known_frame import KnownFrame
from lyra_sim.generators.loop import KEPT_EVERY
from lyra_sim.generators.photo_evidence import known_depth
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.plugins import load_plugin
from lyra_sim.rendering.forward_warp import forward_warp
from lyra_sim.scene.generate import CHUNK_FRAMES, GenerateConfig
from lyra_sim.scene.lyra2 import Lyra2Config
from lyra_sim_lyra2.codec.video_history import VideoHistory
from lyra_sim_lyra2.conditions.memory_inputs import MemoryInputs, memory_inputs
from lyra_sim_lyra2.conditions.seen_frame import SeenFrame
from lyra_sim_lyra2.encoders.captions import Captions
from lyra_sim_lyra2.models import Lyra2Models, load_models
from lyra_sim_lyra2.network.packed_tokens import PATCH
from lyra_sim_lyra2.network.sampling import sample_distilled, sample_guided
from lyra_sim_lyra2.network.world_transformer import LATENT_CHANNELS, PreparedChunk


class Lyra2:
    """See the module. Holds the networks, and the video's history up to the chunk it drew last.

    Raises:
        SpecError: The scene file doesn't name the weights.
    """

    def __init__(self, cfg: GenerateConfig) -> None:
        if cfg.lyra2 is None:
            raise SpecError("generate.lyra2", "it is missing", expected="a section that names the weights")
        self.options: Lyra2Config = cfg.lyra2
        self.captions = Captions.from_config(self.options.caption, self.options.captions)
        starts = [CHUNK_FRAMES * chunk for chunk in range(cfg.chunks)]
        self.models: Lyra2Models = load_models(self.options, {self.captions.at(start): None for start in starts})
        self.retrieved = min(cfg.retrieved, self.models.network.packing.spatial_count)
        chosen = ProviderOptions(weights=self.options.depth_weights, device=str(self.models.device))
        provider: DepthProviderPlugin = load_plugin("frame_depth", self.options.depth)
        self.depth = provider(chosen)
        self._history: VideoHistory | None = None
        self._drawn = 0

    @torch.inference_mode()
    def generate(self, condition: Condition) -> Generated:
        history = self._follow(condition)
        first = condition.latest if condition.chunk == 0 else condition.memory.frame(0)
        prepared = self._prepared(condition, history, first)
        latents = self._sample(condition, prepared)
        del prepared
        if self.models.profile.tight:
            torch.cuda.empty_cache()  # what sampling took is of no shape that decoding can use
        _save(latents, _latents_file(condition, condition.chunk))
        video = history.extend(latents)
        self._drawn = condition.chunk + 1
        rgb = _as_uint8(video)
        del video
        if self.models.profile.tight:
            torch.cuda.empty_cache()
        depth = depth_of_chunk(
            self.depth,
            rgb,
            condition.cameras,
            every=KEPT_EVERY,
            known=lambda views: self._known(condition, views),
            before=(first.rgb[None], first.camera),
        )
        return Generated(
            rgb=rgb,
            invented=~self._shown_by_photos(condition),
            z_depth=depth.z_depth,
            in_scale=depth.in_scale,
            motion=depth.motion,
        )

    def _follow(self, condition: Condition) -> VideoHistory:
        """The history just before this chunk: as it stands, or played again from the latents that were kept."""
        if self._history is None or self._drawn != condition.chunk:
            start = condition.history(0) if condition.chunk else condition.latest.rgb
            self._check_placing(condition)
            self._history = VideoHistory.start(self.models.codec, self._colours(start))
            for chunk in range(condition.chunk):
                self._history.extend(_load(_latents_file(condition, chunk), self.models.device))
            self._drawn = condition.chunk
        return self._history

    def _check_placing(self, condition: Condition) -> None:
        """A video is drawn on one profile: others round otherwise, and a resumed one would no longer be the same."""
        placed, file = self.models.profile.name, condition.folder / "profile.txt"
        if condition.chunk == 0:
            file.write_text(placed, encoding="utf-8")
        elif (begun := file.read_text(encoding="utf-8")) != placed:
            raise EnvironmentNotReady(
                "generator 'lyra2'",
                f"memory profile {placed}",
                expected=f"{begun}, with which this video was begun",
                next_step=f"Set generate.lyra2.memory to {begun}, or draw it anew with --force generate.",
            )

    def _prepared(self, condition: Condition, history: VideoHistory, first: KnownFrame) -> PreparedChunk:
        """What the sampler's steps have in common. The inputs it is made of, two gigabytes of them, are let go here."""
        options, models, inputs = self.options, self.models, self._inputs(condition, history, first)
        guided = options.sampler == "guided" and options.guidance > 1
        words = [models.captions[self.captions.at(CHUNK_FRAMES * condition.chunk)], *([models.negative] if guided else [])]
        return models.network.prepare(
            latents=inputs.latents,
            condition_latents=inputs.condition_latents,
            mask=inputs.mask,
            camera_maps=inputs.camera_maps,
            correspondence=inputs.correspondence,
            text=torch.cat(words),
            picture=models.picture.embed(self._colours(condition.latest.rgb)),
        )

    def _inputs(self, condition: Condition, history: VideoHistory, first: KnownFrame) -> MemoryInputs:
        memory, cameras = condition.memory, condition.cameras
        newest = condition.latest.id if condition.latest.id in memory.ids else _same_view(condition)
        last = cameras.select(np.array([len(cameras) - 1]))
        found = memory.retrieve(last, count=self.retrieved, covered_by=newest)
        return memory_inputs(
            history=history.latents,
            history_cameras=condition.path.select(history.frames),
            first=self._seen(first, cameras),
            latest=self._seen(self._with_depth(condition), cameras),
            retrieved=[self._seen(memory.frame(id), cameras) for id in found],
            targets=cameras,
            encode=lambda video: self.models.codec.encoder_stream().encode(video),
            packing=self.models.network.packing,
        )

    def _sample(self, condition: Condition, prepared: PreparedChunk) -> Float[torch.Tensor, "c n h8 w8"]:
        """New latents. Noise comes from the CPU's generator, so that a seed means the same on every device."""
        models, options = self.models, self.options
        rng = torch.Generator().manual_seed(condition.seed)
        new, rows, columns = prepared.grid
        shape = (LATENT_CHANNELS, new, PATCH * rows, PATCH * columns)

        def noise() -> torch.Tensor:
            return torch.randn(shape, generator=rng).to(models.device)

        velocity = self._velocity(prepared)
        if options.sampler == "distilled":
            return sample_distilled(velocity, noise(), noise)
        return sample_guided(velocity, noise(), steps=options.steps, guidance=options.guidance)

    def _velocity(self, prepared: PreparedChunk) -> Callable[[torch.Tensor, float], torch.Tensor]:
        network = self.models.network
        if self.models.profile.together or len(prepared.text) == 1:
            return lambda x, timestep: network(x, timestep, prepared)
        branches = [prepared.branch(number) for number in range(len(prepared.text))]
        return lambda x, timestep: torch.cat([network(x, timestep, branch) for branch in branches])

    def _seen(self, frame: KnownFrame, cameras: CameraPath) -> SeenFrame:
        """A known frame at the size of the new ones."""
        return SeenFrame.of(
            rgb=frame.rgb,
            z_depth=frame.where_shown(frame.z_depth),
            camera=frame.camera,
            width=cameras.width,
            height=cameras.height,
            device=self.models.device,
        )

    def _with_depth(self, condition: Condition) -> KnownFrame:
        """The latest frame, with known depth where it was told none: what it shows is to be carried along whole."""
        latest = condition.latest
        lacking = ~np.isfinite(latest.z_depth)
        if not lacking.any():
            return latest
        known = self._known(condition, latest.camera)[0]
        return replace(latest, z_depth=np.where(lacking, known, latest.z_depth))

    def _known(self, condition: Condition, views: CameraPath) -> np.ndarray:
        """Depth of known frames in some views."""
        ids = condition.memory.retrieve(views, count=self.retrieved)
        return known_depth(views, (condition.memory.frame(id) for id in ids))

    def _shown_by_photos(self, condition: Condition) -> Bool[np.ndarray, "n h w"]:
        """Pixels of the new frames where a photo's surface lands: what the network redraws there, it was shown."""
        memory, cameras = condition.memory, condition.cameras
        photos = [id for id in memory.ids if id < 0]
        ids = memory.retrieve(cameras.select(np.arange(len(cameras) - 1, -1, -KEPT_EVERY)), count=self.retrieved, among=photos)
        shown = torch.zeros((len(cameras), cameras.height, cameras.width), dtype=torch.bool, device=self.models.device)
        for id in ids:
            seen = self._seen(memory.frame(id), cameras)
            shown |= forward_warp(seen.colours[:0], seen.z_depth, seen.camera, cameras).known
        return shown.cpu().numpy()

    def _colours(self, rgb: UInt8[np.ndarray, "h w 3"]) -> Float[torch.Tensor, "3 h w"]:
        return torch.from_numpy(rgb.copy()).to(self.models.device).permute(2, 0, 1).float() / 127.5 - 1


def _same_view(condition: Condition) -> int | None:
    """The photo that the first frame was drawn from, where a path begins at one: it needs no second telling."""
    memory, c2w = condition.memory, condition.latest.c2w
    return next((id for id in memory.ids if id < 0 and np.allclose(memory.c2w(id), c2w, atol=1e-6)), None)


def _as_uint8(video: Float[torch.Tensor, "3 t h w"]) -> UInt8[np.ndarray, "t h w 3"]:
    return ((video + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 3, 0).contiguous().cpu().numpy()


def _latents_file(condition: Condition, chunk: int) -> Path:
    return condition.folder / f"latents_{chunk:05d}.safetensors"


def _save(latents: torch.Tensor, path: Path) -> None:
    """The file is there whole or not at all."""
    from safetensors.torch import save_file

    staged = path.with_suffix(".tmp")
    save_file({"latents": latents.float().cpu().contiguous()}, staged)
    with staged.open("rb") as file:
        os.fsync(file.fileno())  # a chunk's record must never outlive what the next chunk is played from
    staged.replace(path)


def _load(path: Path, device: torch.device) -> torch.Tensor:
    from safetensors.torch import load_file

    return load_file(path)["latents"].to(device)
