"""What every plug-in of kind ``reconstructor`` keeps (:mod:`lyra_sim.reconstructors.reconstructor`)."""

import numpy as np
import pytest

from lyra_sim.data.capture import Capture
from lyra_sim.data.world import Reconstruction
from lyra_sim.plugins import PluginSpec, load_plugin
from lyra_sim.reconstructors.reconstructor import Reconstructor
from lyra_sim.scene.spec import ReconstructConfig
from tests.contracts.declared import declared, must_run

QUICK = {"iterations": 8, "train_side": 40, "train_splats": 1000, "splat_spacing": 0.1}


@pytest.fixture(scope="module", params=declared("reconstructor"))
def spec(request: pytest.FixtureRequest) -> PluginSpec:
    must_run(request.param)
    return request.param


def reconstructed(spec: PluginSpec, capture: Capture, *, seed: int = 3) -> Reconstruction:
    reconstruct: Reconstructor = load_plugin("reconstructor", spec.name)
    return reconstruct(capture, ReconstructConfig(backend=spec.name, **QUICK), seed=seed)


@pytest.fixture(scope="module")
def found(spec: PluginSpec, room_capture: Capture) -> Reconstruction:
    return reconstructed(spec, room_capture)


def test_splats_are_finite_and_views_are_those_in_use(found: Reconstruction, spec: PluginSpec, room_capture: Capture) -> None:
    splats, used = found.splats, room_capture.used
    assert len(splats) > 100 and found.backend == spec.name
    for values in (splats.means, splats.quats_wxyz, splats.log_scales, splats.opacity_logits, splats.sh_coeffs):
        assert values.dtype == np.float32 and np.isfinite(values).all()
    assert found.views.names == tuple(room_capture.views.names[index] for index in used)
    np.testing.assert_array_equal(found.cameras.c2w, room_capture.cameras.c2w[list(used)])


def test_it_stands_where_the_capture_is_and_its_depth_passes_through(found: Reconstruction, room_capture: Capture) -> None:
    surface = found.surface or found.splats
    low, high = np.percentile(surface.means, [2, 98], axis=0)
    centres = room_capture.cameras.c2w[list(room_capture.used), :3, 3]
    assert (low < centres.min(axis=0)).all() and (centres.max(axis=0) < high).all(), "splats stand around the cameras"
    np.testing.assert_array_equal(found.views.z_depth(0), room_capture.views.z_depth(room_capture.used[0]))


def test_the_same_seed_gives_the_same_splats(found: Reconstruction, spec: PluginSpec, room_capture: Capture) -> None:
    again = reconstructed(spec, room_capture)
    for name in ("means", "quats_wxyz", "log_scales", "opacity_logits", "sh_coeffs"):
        np.testing.assert_array_equal(getattr(again.splats, name), getattr(found.splats, name))
