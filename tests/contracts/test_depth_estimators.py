"""What every plug-in of kind ``depth`` keeps (:mod:`lyra_sim.depth.estimator`)."""

from pathlib import Path

import numpy as np
import pytest

from lyra_sim.data.capture import Capture
from lyra_sim.data.depth import DepthEstimate
from lyra_sim.data.views import MOVING, SKY, STATIC
from lyra_sim.depth.estimator import DepthEstimator
from lyra_sim.plugins import PluginSpec, load_plugin
from lyra_sim.scene.spec import CaptureConfig, DepthConfig, PhotosSource, SceneSpec
from tests.contracts.declared import declared, must_run
from tests.depth.textured import capture_of, sparse_of, textured_room
from tests.rooms import Room

FOR_ONE_PHOTO = {"layout"}
"""They guess, and refuse several photos, whose guesses would contradict each other."""


@pytest.fixture(scope="module", params=declared("depth"))
def spec(request: pytest.FixtureRequest) -> PluginSpec:
    must_run(request.param)
    return request.param


@pytest.fixture(scope="module")
def capture(spec: PluginSpec, tiny_room: Room, tmp_path_factory: pytest.TempPathFactory) -> Capture:
    """One photo, or four of which the last is held out."""
    folder = tmp_path_factory.mktemp("capture")
    if spec.name in FOR_ONE_PHOTO:
        from PIL import Image

        from lyra_sim.capture.photos import capture_photos

        Image.fromarray(tiny_room.rendered[0][0]).resize((640, 480)).save(folder / "photo.png")
        scene = SceneSpec(name="one", photos=PhotosSource(images=folder / "photo.png"))
        (folder / "out").mkdir()
        return capture_photos(scene, out=folder / "out")
    room, images, depths = textured_room(views=4)
    return capture_of(folder, images, room.cameras, sparse_of(room, depths), held_out=(3,))


def estimated(spec: PluginSpec, capture: Capture) -> DepthEstimate:
    estimate: DepthEstimator = load_plugin("depth", spec.name)
    return estimate(capture, DepthConfig(side=96, planes=24, masks="none"), limits=CaptureConfig())


@pytest.fixture(scope="module")
def found(spec: PluginSpec, capture: Capture) -> DepthEstimate:
    return estimated(spec, capture)


def test_one_map_a_view_with_depth_where_it_claims_any(found: DepthEstimate, capture: Capture) -> None:
    assert len(found.maps) == len(capture.views)
    for index, one in enumerate(found.maps):
        known = np.isfinite(one.z_depth)
        assert one.z_depth.shape == one.confidence.shape == one.mask.shape
        assert one.z_depth.dtype == one.confidence.dtype == np.float32 and np.isnan(one.z_depth[~known]).all()
        assert (one.z_depth[known] > 0).all() and (one.confidence[known] > 0).all() and one.confidence.max() <= 1
        assert (one.confidence[~known] == 0).all() and set(np.unique(one.mask)) <= {STATIC, SKY, MOVING}
        assert known.any() == (index in capture.used), "a held-out view claims nothing"
    assert found.facts.kind and 0 <= found.facts.sigma_relative < 1


def test_the_same_photos_have_the_same_depth(found: DepthEstimate, spec: PluginSpec, capture: Capture) -> None:
    before = capture.cameras.c2w.copy(), {path: path.read_bytes() for path in files(capture)}
    again = estimated(spec, capture)
    for one, two in zip(found.maps, again.maps, strict=True):
        np.testing.assert_array_equal(one.z_depth, two.z_depth)
        np.testing.assert_array_equal(one.confidence, two.confidence)
    np.testing.assert_array_equal(before[0], capture.cameras.c2w)
    assert {path: path.read_bytes() for path in files(capture)} == before[1], "it wrote into the capture"


def files(capture: Capture) -> list[Path]:
    return sorted(path for path in capture.views.folder.rglob("*") if path.is_file())
