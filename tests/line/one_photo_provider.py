"""A provider of depth that isn't ours: it makes a room of one photo and claims that several measured it."""

from dataclasses import replace

from lyra_sim.data.capture import Capture
from lyra_sim.data.depth import DepthEstimate
from lyra_sim.depth.layout.guess import estimate as layout
from lyra_sim.scene.spec import CaptureConfig, DepthConfig


def estimate(capture: Capture, cfg: DepthConfig, *, limits: CaptureConfig) -> DepthEstimate:
    guess = layout(capture, cfg, limits=limits)
    sure = tuple(replace(one, confidence=(0.9 * (one.confidence > 0)).astype("float32")) for one in guess.maps)
    return DepthEstimate(maps=sure, facts=replace(guess.facts, kind="plane sweep", sigma_relative=0.01))
