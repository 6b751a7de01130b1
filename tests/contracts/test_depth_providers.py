"""What every plug-in of kind ``frame_depth`` keeps (:mod:`lyra_sim.depth.providers.provider`).

Networks run on random weights. Depth Anything 3 and MoGe aren't installed here: their adapters are held to their signatures by
stand-ins that know one walk alone (``tests/depth/providers``), and are skipped.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lyra_sim.depth.providers.provider import DepthProvider, ProvidedDepth, ProviderOptions
from lyra_sim.errors import GeometryError
from lyra_sim.geometry.cameras import CameraPath, pixel_rays
from lyra_sim.plugins import all_plugins, find_plugin, load_plugin
from tests.contracts.declared import must_run
from tests.depth.textured import textured_room
from tests.lyra2.tiny_network import write_tiny_network

ROOM, _rgb, _z = textured_room()
FRAMES, TRUTH, CAMERAS = _rgb[:5], _z[:5], ROOM.cameras.select(np.arange(5))
Made = Callable[[], DepthProvider]


NETWORKS = {"transformers": ("metric", "relative")}
"""By name, the kinds of random weights that a plug-in runs on here."""


def plugins() -> list[object]:
    cases = [(spec, kind) for spec in all_plugins() if spec.kind == "frame_depth" for kind in NETWORKS.get(spec.name, ("",))]
    return [pytest.param(case, id=":".join(filter(None, (case[0].name, case[1])))) for case in cases]


@pytest.fixture(scope="module", params=plugins())
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    spec, kind = request.param
    must_run(spec)
    weights = write_tiny_network(tmp_path_factory.mktemp("weights"), kind=kind) if kind else None
    options = ProviderOptions(weights=weights, device="cpu", side=None if kind else 120)
    return lambda: load_plugin("frame_depth", spec.name)(options)


@pytest.fixture(scope="module")
def found(made: Made) -> ProvidedDepth:
    return made().estimate(FRAMES, CAMERAS)


def test_it_is_a_provider(made: Made) -> None:
    assert isinstance(made(), DepthProvider)


def test_shapes_types_and_where_nothing_is_known(found: ProvidedDepth) -> None:
    assert found.z_depth.shape == found.confidence.shape == FRAMES.shape[:3]
    assert found.z_depth.dtype == found.confidence.dtype == np.float32
    known = np.isfinite(found.z_depth)
    assert known.mean() > 0.5 and (found.z_depth[known] > 0).all() and np.isnan(found.z_depth[~known]).all()
    assert (found.confidence[known] > 0).all() and found.confidence.max() <= 1 and (found.confidence[~known] == 0).all()
    if found.cameras is not None:
        assert (len(found.cameras), found.cameras.height, found.cameras.width) == FRAMES.shape[:3]


def test_the_same_frames_have_the_same_depth(made: Made, found: ProvidedDepth) -> None:
    """By another instance, and by one that was asked for something else before."""
    other = made()
    other.estimate(FRAMES[::-1][:2].copy(), CAMERAS.select(np.array([4, 3])))
    again = other.estimate(FRAMES, CAMERAS)
    np.testing.assert_array_equal(again.z_depth, found.z_depth)
    np.testing.assert_array_equal(again.confidence, found.confidence)
    assert again.scale == found.scale


def test_nothing_given_is_changed(made: Made) -> None:
    frames, c2w = FRAMES[:2].copy(), CAMERAS.c2w[:2].copy()
    made().estimate(frames, CameraPath(c2w=c2w, K=CAMERAS.K[:2], width=160, height=120))
    np.testing.assert_array_equal(frames, FRAMES[:2])
    np.testing.assert_array_equal(c2w, CAMERAS.c2w[:2])


def test_no_frames_are_one_clear_error_and_one_frame_works(made: Made) -> None:
    with pytest.raises(GeometryError, match=r"frame_depth '\w+': no frames \(expected at least one\)"):
        made().estimate(FRAMES[:0], None)
    alone = made().estimate(FRAMES[:1], CAMERAS.select(np.array([0])))
    assert alone.z_depth.shape == (1, 120, 160)


def test_cameras_of_another_number_or_size_are_refused(made: Made) -> None:
    with pytest.raises(GeometryError, match=r"4 cameras of 160×120 px for 5 frames of 160×120 px"):
        made().estimate(FRAMES, CAMERAS.select(np.arange(4)))
    with pytest.raises(GeometryError, match=r"5 cameras of 80×60 px for 5 frames"):
        made().estimate(FRAMES, CAMERAS.resized(80, 60))


@pytest.mark.parametrize("made", [(find_plugin("frame_depth", "plane_sweep"), "")], indirect=True)
def test_depth_is_along_the_axis_not_along_the_ray(found: ProvidedDepth) -> None:
    """Of the provider that measures; in the corners of these frames the two differ by a quarter."""
    per_ray = np.linalg.norm(pixel_rays(CAMERAS.K[0], 160, 120), axis=2)
    outer = np.isfinite(found.z_depth) & (per_ray > 1.15)
    assert outer.sum() > 1000
    z, along_ray = found.z_depth / TRUTH, found.z_depth / (TRUTH * per_ray)
    assert np.median(np.abs(z - 1)[outer]) < 0.015 and np.median(np.abs(along_ray - 1)[outer]) > 0.1


def test_declarations_name_licences_and_load_nothing() -> None:
    providers = {spec.name: spec for spec in all_plugins() if spec.kind == "frame_depth"}
    assert list(providers) == ["plane_sweep", "depth_anything_3", "moge", "transformers"]
    assert all(spec.weights_licence for name, spec in providers.items() if name != "plane_sweep")
    code = (
        "import sys, lyra_sim, lyra_sim.plugins, lyra_sim.depth.providers.chunk, lyra_sim.depth.providers.provider\n"
        "lyra_sim.plugins.all_plugins()\n"
        "print(*[name for name in ('torch', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
