"""depth: posed views → the same views with depth. What a sensor measured passes through."""

from pathlib import Path
from typing import TYPE_CHECKING

from lyra_sim.data.capture import Capture
from lyra_sim.data.depth import PosedDepth, write_depth_maps
from lyra_sim.plugins import load_plugin
from lyra_sim.scene.sources import RgbdSource, SplatsSource, SurfaceSource
from lyra_sim.scene.spec import CaptureConfig, DepthConfig
from lyra_sim.steps.step import step

if TYPE_CHECKING:
    from lyra_sim.depth.estimator import DepthEstimator

SEVERAL, ONE = "plane_sweep", "layout"
"""What ``auto`` takes for several photos, and for one."""


def plugins(
    rgbd: RgbdSource | None, surface: SurfaceSource | None, splats: SplatsSource | None, depth: DepthConfig
) -> tuple[str, ...]:
    """None where depth comes with the source. ``auto`` depends on how many photos there are, so both may be asked."""
    if any(source is not None for source in (rgbd, surface, splats)):
        return ()
    names = (SEVERAL, ONE) if depth.backend == "auto" else (depth.backend,)
    return tuple(f"depth:{name}" for name in names)


@step(version=1, plugins=plugins)
def depth(capture: Capture, *, depth: DepthConfig, capture_: CaptureConfig, out: Path) -> PosedDepth:
    """Estimate depth where the capture came without."""
    if capture.views.has_depth:
        posed = PosedDepth.of(capture)
    else:
        backend = depth.backend
        if backend == "auto":
            backend = SEVERAL if len(capture.used) > 1 else ONE
        estimator: DepthEstimator = load_plugin("depth", backend)
        estimate = estimator(capture, depth, limits=capture_)
        per_count = write_depth_maps(out, capture.views.names, estimate.maps)
        posed = PosedDepth.estimated(capture, estimate.facts, backend=backend, folder=out, units_per_depth_count=per_count)
    posed.save(out)
    return posed
