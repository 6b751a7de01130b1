"""depth: posed views → the same views with depth. What a sensor measured passes through."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lyra_sim.data.capture import Capture, DepthFacts
from lyra_sim.data.depth import write_depth_maps
from lyra_sim.data.files import read_json, write_json
from lyra_sim.plugins import load_plugin
from lyra_sim.scene.spec import SceneSpec
from lyra_sim.steps.step import Step

if TYPE_CHECKING:
    from lyra_sim.depth.estimator import DepthEstimator

SEVERAL, ONE = "plane_sweep", "layout"
"""What ``auto`` takes for several photos, and for one."""


def run(inputs: Mapping[str, Any], cfg: SceneSpec, *, out: Path) -> Capture:
    capture: Capture = inputs["capture"]
    if capture.views.has_depth:
        write_json(out / "depth.json", {"passed_through": True})
        return capture
    backend = cfg.depth.backend
    if backend == "auto":
        backend = SEVERAL if len(capture.used) > 1 else ONE
    estimator: DepthEstimator = load_plugin("depth", backend)
    estimate = estimator(capture, cfg.depth, limits=cfg.capture)
    per_count = write_depth_maps(out, capture.views.names, estimate.maps)
    facts = {"passed_through": False, "backend": backend, "units_per_depth_count": per_count, "facts": asdict(estimate.facts)}
    write_json(out / "depth.json", facts)
    return load(out, inputs)


def load(folder: Path, inputs: Mapping[str, Any]) -> Capture:
    """The capture, its views now with depth."""
    capture: Capture = inputs["capture"]
    stored = read_json(folder / "depth.json")
    if stored["passed_through"]:
        return capture
    views = replace(capture.views, depth_folder=folder, units_per_depth_count=stored["units_per_depth_count"])
    return replace(capture, views=views, depth=DepthFacts(**stored["facts"]))


def plugins(cfg: SceneSpec) -> tuple[str, ...]:
    """``auto`` depends on how many photos there are, so both may have been asked."""
    if any(source is not None for source in (cfg.rgbd, cfg.surface, cfg.splats)):
        return ()
    names = (SEVERAL, ONE) if cfg.depth.backend == "auto" else (cfg.depth.backend,)
    return tuple(f"depth:{name}" for name in names)


STEP = Step(
    name="depth",
    version=1,
    needs=("capture",),
    reads=("rgbd", "surface", "splats", "capture", "depth"),
    run=run,
    load=load,
    plugins=plugins,
)
