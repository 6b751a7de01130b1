from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lyra_sim.capture.one_photo import capture_one_photo
from lyra_sim.data.capture import Capture
from lyra_sim.data.depth import MEASURED_CONFIDENCE, DepthEstimate
from lyra_sim.data.posed import Photo
from lyra_sim.depth.layout.guess import estimate
from lyra_sim.errors import GeometryError
from lyra_sim.geometry.cameras import unproject
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.scene.spec import CaptureConfig, SceneSpec
from tests.depth.plain_room import PlainRoom
from tests.scene_parts import stated


def _guess(image: np.ndarray, folder: Path, *, focal: float | None, camera_height: float) -> tuple[Capture, DepthEstimate]:
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(folder / "in.png")
    scale = {"camera_height": camera_height}
    cfg = SceneSpec.model_validate({"name": "a", "photos": str(folder / "in.png"), "scale": scale})
    photo = Photo(name="in", file=folder / "in.png", width=image.shape[1], height=image.shape[0], focal_px=focal)
    capture = capture_one_photo(photo, stated(cfg), view_side=cfg.capture.view_side, out=folder / "out")
    return capture, estimate(capture, cfg.depth, limits=cfg.capture)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Capture, DepthEstimate]:
    """The guess about one plain room."""
    room = PlainRoom()
    return _guess(room.render()[0], tmp_path_factory.mktemp("plain"), focal=room.focal, camera_height=room.camera_height)


@pytest.mark.parametrize("room", [PlainRoom(), PlainRoom(yaw=-0.35, pitch=0.02, left=2.6, ahead=3.4)], ids=["one", "two"])
def test_a_plain_room_is_found_to_a_few_hundredths(room: PlainRoom, tmp_path: Path) -> None:
    image, truth, surface = room.render()
    capture, guess = _guess(image, tmp_path, focal=room.focal, camera_height=room.camera_height)
    z = guess.maps[0].z_depth
    assert np.isfinite(z).all()
    assert np.median(np.abs(z / truth - 1)) < 0.05
    assert np.quantile(np.abs(z / truth - 1), 0.9) < 0.15
    points = unproject(z, capture.cameras.K[0], capture.cameras.c2w[0])
    floor = surface == 0
    assert np.quantile(np.abs(points[floor][:, 2]), 0.9) < 0.03  # [m]
    # the lower end of the wall: rows where the floor begins, true against guessed
    begins = np.argmax(floor, axis=0)
    guessed = np.argmax(points[..., 2] < 0.01, axis=0)
    assert np.median(np.abs(begins - guessed)) <= 5  # [px]


def test_a_guess_never_looks_measured(plain: tuple[Capture, DepthEstimate]) -> None:
    _, guess = plain
    assert guess.facts.kind == "layout prior"
    assert guess.facts.sigma_relative >= 0.3
    assert guess.facts.figures["measured"] == 0
    assert guess.maps[0].confidence.max() < MEASURED_CONFIDENCE


def test_noise_gives_a_bare_floor(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 255, (240, 320, 3)).astype(np.uint8)
    capture, guess = _guess(image, tmp_path, focal=None, camera_height=1.5)
    z = guess.maps[0].z_depth
    known = np.isfinite(z)
    assert 0.1 < known.mean() < 0.5
    points = unproject(z, capture.cameras.K[0], capture.cameras.c2w[0])
    assert np.abs(points[known][:, 2]).max() < 1e-3
    assert guess.facts.figures["layout_walls"] == 0


def test_the_same_photo_gives_the_same_guess(plain: tuple[Capture, DepthEstimate], tmp_path: Path) -> None:
    _, again = _guess(PlainRoom().render()[0], tmp_path, focal=480.0, camera_height=1.4)
    np.testing.assert_array_equal(again.maps[0].z_depth, plain[1].maps[0].z_depth)


def test_far_depth_is_cut_where_the_scene_says(plain: tuple[Capture, DepthEstimate]) -> None:
    capture, _ = plain
    cfg = SceneSpec.model_validate({"name": "a", "photos": "x"})
    guess = estimate(capture, cfg.depth, limits=CaptureConfig(max_depth=3.0))
    assert np.nanmax(guess.maps[0].z_depth) <= 3.0


def test_a_camera_below_the_floor_is_refused(plain: tuple[Capture, DepthEstimate]) -> None:
    sunk = Similarity(scale=1.0, rotation=np.eye(3), translation=np.array([0, 0, -2.0]))
    capture = replace(plain[0], world_from_capture=sunk)
    cfg = SceneSpec.model_validate({"name": "a", "photos": "x"})
    with pytest.raises(GeometryError, match="below the floor"):
        estimate(capture, cfg.depth, limits=cfg.capture)


def test_real_rooms_keep_their_corners(shared_data: Path, tmp_path: Path) -> None:
    """Frames of the house with true depth beside: a box is found in each, and mostly the right one."""
    folder, errors = shared_data / "scene_small_house" / "rgbd", []
    for name in ("0021", "0036", "0048", "0063"):
        with Image.open(folder / "rgb" / f"{name}.jpg") as image:
            _, guess = _guess(np.asarray(image), tmp_path / name, focal=480.0, camera_height=1.25)
        with Image.open(folder / "depth_mm" / f"{name}.png") as image:
            truth = np.asarray(image) * 0.001
        seen = truth > 0
        errors.append(float(np.median(np.abs(guess.maps[0].z_depth[seen] / truth[seen] - 1))))
    assert np.median(errors) < 0.1
    assert max(errors) < 0.6
