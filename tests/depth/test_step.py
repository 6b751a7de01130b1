"""The depth step: what it writes it reads back, what a sensor measured passes through, and nothing at all is an error."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lyra_sim.data.capture import Capture, DepthFacts
from lyra_sim.data.depth import DepthEstimate, DepthMap, write_depth_maps
from lyra_sim.data.files import read_json
from lyra_sim.data.views import MOVING, SKY, STATIC, Views
from lyra_sim.errors import GeometryError
from lyra_sim.scene.spec import DepthConfig, PhotosSource, SceneSpec
from lyra_sim.steps.depth import depth
from tests.depth.textured import capture_of, sparse_of, textured_room

NAMES = ("a", "b")
QUICK = SceneSpec(name="room", photos=PhotosSource(images=Path("photos")), depth=DepthConfig(side=96, planes=16, masks="none"))


def depth_map(low: float, high: float, *, seed: int = 0) -> DepthMap:
    """Random depth, confidence and masks; a fifth of it unknown."""
    rng = np.random.default_rng(seed)
    z = rng.uniform(low, high, (48, 64)).astype(np.float32)
    z[rng.random(z.shape) < 0.2] = np.nan
    confidence = np.where(np.isfinite(z), rng.random(z.shape), 0).astype(np.float32)
    return DepthMap(z_depth=z, confidence=confidence, mask=rng.choice([STATIC, SKY, MOVING], z.shape).astype(np.uint8))


def nothing() -> DepthMap:
    z = np.full((48, 64), np.nan, np.float32)
    return DepthMap(z_depth=z, confidence=np.zeros(z.shape, np.float32), mask=np.full(z.shape, SKY, np.uint8))


def stored(folder: Path, maps: list[DepthMap]) -> Views:
    per_count = write_depth_maps(folder / "depth", NAMES, maps)
    return Views(folder=folder, names=NAMES, rgb_suffix=".png", units_per_depth_count=per_count, depth_folder=folder / "depth")


@pytest.mark.parametrize("unit", [1e-3, 1.0, 400.0])
def test_depth_comes_back_whatever_its_unit(unit: float, tmp_path: Path) -> None:
    """Of cameras without a unit a room may be a thousandth across, or a thousand."""
    maps = [depth_map(0.3 * unit, 6 * unit), depth_map(unit, 2 * unit, seed=1)]
    views = stored(tmp_path, maps)
    for index, one in enumerate(maps):
        z = views.z_depth(index)
        known = np.isfinite(one.z_depth)
        np.testing.assert_array_equal(np.isfinite(z), known)
        far = known & (np.nan_to_num(one.z_depth) > unit)  # a sixth of the range
        assert np.abs(z[far] / one.z_depth[far] - 1).max() < 1e-4
        assert np.abs(z[known] / one.z_depth[known] - 1).max() < 1e-3
        np.testing.assert_allclose(views.confidence(index), one.confidence, atol=0.5 / 255 + 1e-6)
        np.testing.assert_array_equal(views.mask(index), one.mask)
        np.testing.assert_array_equal(views.static(index), one.mask == STATIC)


def test_what_is_hardly_before_the_camera_does_not_become_unknown(tmp_path: Path) -> None:
    """Count 0 is no measurement, so the nearest depth is count 1."""
    near = depth_map(1.0, 50.0)
    near.z_depth[0, 0], near.confidence[0, 0] = 1e-5, 0.5
    assert 0 < stored(tmp_path, [near, near]).z_depth(0)[0, 0] < 0.001


def test_a_view_without_depth_stays_without(tmp_path: Path) -> None:
    views = stored(tmp_path, [nothing(), depth_map(1, 4)])
    assert np.isnan(views.z_depth(0)).all() and (views.confidence(0) == 0).all() and (views.mask(0) == SKY).all()


def test_unknown_depth_has_no_confidence_whatever_the_provider_says(tmp_path: Path) -> None:
    sure = replace(depth_map(1, 4), confidence=np.ones((48, 64), np.float32))
    views = stored(tmp_path, [sure, sure])
    np.testing.assert_array_equal(views.confidence(0), np.isfinite(sure.z_depth).astype(np.float32))


def test_no_depth_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(GeometryError, match="no depth in any of 2 views") as caught:
        write_depth_maps(tmp_path / "depth", NAMES, [nothing(), nothing()])
    assert caught.value.next_step


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    room, images, depths = textured_room(views=4)
    return capture_of(tmp_path_factory.mktemp("capture"), images, room.cameras, sparse_of(room, depths), held_out=(3,))


def test_the_step_gives_what_it_loads_and_the_same_bytes_again(capture: Capture, tmp_path: Path) -> None:
    """``auto`` sweeps several photos; the folder alone tells the same again; the held-out photo gets no depth."""
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    made = depth.run(QUICK, {"capture": capture}, out=tmp_path / "first")
    loaded = depth.load(tmp_path / "first", {"capture": capture})
    assert read_json(tmp_path / "first" / "depth.json")["backend"] == "plane_sweep"
    assert made.depth == loaded.depth and made.depth is not None and made.depth.kind == "plane sweep"
    assert loaded.views.depth_folder == tmp_path / "first" and capture.views.depth_folder is None
    for index in range(len(capture.views)):
        np.testing.assert_array_equal(made.views.z_depth(index), loaded.views.z_depth(index))
        assert loaded.views.z_depth(index).shape == loaded.views.rgb(index).shape[:2]
        assert np.isfinite(loaded.views.z_depth(index)).any() == (index != 3)
    depth.run(QUICK, {"capture": capture}, out=tmp_path / "second")
    files = sorted(path.relative_to(tmp_path / "first") for path in (tmp_path / "first").rglob("*.*"))
    assert len(files) == 3 * len(capture.views) + 1
    for file in files:
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes(), file


def test_measured_depth_passes_through(capture: Capture, tmp_path: Path) -> None:
    facts = DepthFacts(kind="measured", sigma_relative=0.0, figures={})
    measured = replace(capture, views=replace(capture.views, units_per_depth_count=0.001), depth=facts)
    made = depth.run(QUICK, {"capture": measured}, out=tmp_path)
    assert vars(made) == vars(measured) | {"backend": None}
    assert depth.load(tmp_path, {"capture": measured}) == made
    assert sorted(path.name for path in tmp_path.iterdir()) == ["depth.json"]


def test_depth_of_one_photo_is_a_guess_whatever_its_provider_says(
    capture: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sure(views: Capture, *options: object, **limits: object) -> DepthEstimate:
        maps = tuple(replace(depth_map(1, 3), confidence=np.ones((48, 64), np.float32)) for _ in views.views.names)
        return DepthEstimate(maps=maps, facts=DepthFacts(kind="plane sweep", sigma_relative=0.01, figures={}))

    monkeypatch.setattr("lyra_sim.steps.depth.load_plugin", lambda kind, name: sure)
    one = replace(capture, views=capture.views.select((0,)), cameras=capture.cameras.select(np.array([0])), held_out=())
    spot = replace(capture.cameras, c2w=np.tile(capture.cameras.c2w[:1], (len(capture.views), 1, 1)))
    for name, views, guessed in (("one", one, True), ("spot", replace(capture, cameras=spot), True), ("all", capture, False)):
        (tmp_path / name).mkdir()
        made = depth.run(QUICK, {"capture": views}, out=tmp_path / name)
        again = depth.load(tmp_path / name, {"capture": views})
        assert made.depth.guessed == again.depth.guessed == guessed and made.depth.estimated, name


def test_auto_may_ask_either_provider_so_both_are_part_of_the_key() -> None:
    assert depth.plugins_of(QUICK) == ("depth:plane_sweep", "depth:layout")
    named = QUICK.model_copy(update={"depth": DepthConfig(backend="layout")})
    assert depth.plugins_of(named) == ("depth:layout",)
