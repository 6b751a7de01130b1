"""capture: the user's files → undistorted, posed, checked views."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lyra_sim.data.capture import Capture
from lyra_sim.spec import SceneSpec
from lyra_sim.steps.step import Step


def run(inputs: Mapping[str, Any], cfg: SceneSpec, *, out: Path) -> Capture:
    from lyra_sim.capture.rgbd import capture_rgbd

    capture = capture_rgbd(cfg, out=out)
    capture.save(out)
    return capture


def load(folder: Path, inputs: Mapping[str, Any]) -> Capture:
    return Capture.load(folder)


def sources(cfg: SceneSpec) -> tuple[Path, ...]:
    source = cfg.rgbd
    return (source.frames, source.depth, source.cameras, *([source.intrinsics] if source.intrinsics else []))


STEP = Step(name="capture", version=1, needs=(), reads=("rgbd", "scale", "up", "capture"), run=run, load=load, sources=sources)
