"""Training splats, end to end on a small scene: better than its seeds, repeatable, and blind to what it mustn't see."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lyra_sim.data.capture import Capture
from lyra_sim.data.depth import PosedDepth
from lyra_sim.data.splats import Splats
from lyra_sim.data.video import KNOWN, NEW, GeneratedFrames, WorldVideo
from lyra_sim.data.world import Reconstruction
from lyra_sim.errors import GeometryError
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.reconstructors import fuse
from lyra_sim.reconstructors.gsplat_fit import reconstruct
from lyra_sim.rendering.splat_view import render_splats
from lyra_sim.scene.spec import ReconstructConfig
from tests.reconstructors.pan import copied, held_out_psnr
from tests.rooms import Room, camera_path, look

CFG = ReconstructConfig(backend="gsplat", iterations=120, train_side=80, train_splats=3000)
QUICK = CFG.model_copy(update={"iterations": 12})
FIELDS = ("means", "quats_wxyz", "log_scales", "opacity_logits", "sh_coeffs")


@pytest.fixture(scope="module")
def capture(panned: Capture) -> Capture:
    return panned


@pytest.fixture(scope="module")
def trained(capture: Capture) -> Reconstruction:
    return reconstruct(capture, CFG)


def assert_same_bits(a: Splats, b: Splats) -> None:
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)


def test_training_comes_nearer_to_photos_it_never_saw(capture: Capture, trained: Reconstruction) -> None:
    fused = fuse.reconstruct(capture, ReconstructConfig(splat_spacing=0.04))
    assert len(fused.splats) > len(trained.splats)
    assert held_out_psnr(capture, trained.splats) > held_out_psnr(capture, fused.splats) + 1


def test_depth_and_cameras_are_those_of_fuse(capture: Capture, trained: Reconstruction) -> None:
    fused = fuse.reconstruct(capture, ReconstructConfig(splat_spacing=0.04))
    assert (trained.backend, trained.views) == ("gsplat", fused.views)
    np.testing.assert_array_equal(trained.cameras.c2w, fused.cameras.c2w)
    assert trained.splats.sh_degree == 0


def test_rendered_depth_is_the_measured_one(capture: Capture, trained: Reconstruction) -> None:
    """Also where no photo was trained on; splats are for looks, but a camera's depth image is a look."""
    for index in capture.held_out:
        error = np.abs(render_splats(trained.splats, capture.cameras, index).z_depth / capture.views.z_depth(index) - 1)
        assert np.nanmedian(error) < 0.02


def test_facts_say_how_it_went(capture: Capture, trained: Reconstruction, tmp_path: Path) -> None:
    facts = trained.facts
    assert facts.iterations == CFG.iterations
    assert facts.splats == len(trained.splats) <= CFG.train_splats
    assert 0 < facts.loss < 0.1
    assert len(facts.exposures) == len(capture.used)
    trained.save(tmp_path)
    assert Reconstruction.load(tmp_path, depth=PosedDepth.of(capture)).facts == facts


def test_the_same_bits_again(capture: Capture, trained: Reconstruction) -> None:
    assert_same_bits(reconstruct(capture, CFG).splats, trained.splats)


def test_held_out_photos_are_never_read(capture: Capture, tmp_path: Path) -> None:
    without = copied(capture, tmp_path / "views")
    for index in capture.held_out:
        without.views.rgb_path(index).unlink()
        (without.views.folder / "z_depth" / f"{capture.views.names[index]}.png").unlink()
    assert_same_bits(reconstruct(without, QUICK).splats, reconstruct(capture, QUICK).splats)


def test_masked_pixels_do_not_matter(capture: Capture, tmp_path: Path) -> None:
    """A corner of every photo is marked as not valid; what colour it has there changes nothing."""
    results = []
    for colour in (0, 255):
        painted = copied(capture, tmp_path / str(colour))
        (painted.views.folder / "valid").mkdir()
        for index in range(len(painted.views)):
            rgb, valid = painted.views.rgb(index).copy(), painted.views.valid(index).copy()
            rgb[:25, :31], valid[:25, :31] = colour, False
            Image.fromarray(rgb).save(painted.views.rgb_path(index))
            name = f"{painted.views.names[index]}.png"
            Image.fromarray(valid.astype(np.uint8) * 255).save(painted.views.folder / "valid" / name)
        results.append(reconstruct(painted, QUICK).splats)
    assert_same_bits(*results)


def test_a_darker_photo_is_seen_to_be_darker(capture: Capture, tmp_path: Path) -> None:
    changed = copied(capture, tmp_path / "views")
    dark = capture.used[2]
    Image.fromarray((changed.views.rgb(dark) * 0.8).astype(np.uint8)).save(changed.views.rgb_path(dark))
    gains = np.array([row["gain"] for row in reconstruct(changed, CFG).facts.exposures])
    relative = gains[2] / np.delete(gains, 2, axis=0).mean(axis=0)
    assert (relative < 0.96).all()
    assert np.abs(np.log(gains).mean(axis=0)).max() < 1e-3


def test_units_do_not_matter(capture: Capture, trained: Reconstruction) -> None:
    """The same scene in decimetres looks the same."""
    tenfold = Similarity(scale=10.0, rotation=np.eye(3), translation=np.zeros(3))
    assert capture.views.units_per_depth_count is not None
    scaled = replace(
        capture,
        cameras=capture.cameras.moved(tenfold),
        views=replace(capture.views, units_per_depth_count=capture.views.units_per_depth_count * 10),
        world_from_capture=capture.world_from_capture @ tenfold.inverse,
    )
    back = reconstruct(scaled, CFG).splats.moved(tenfold.inverse)
    assert held_out_psnr(capture, back) == pytest.approx(held_out_psnr(capture, trained.splats), abs=0.3)
    for index in capture.held_out:
        a, b = (render_splats(splats, capture.cameras, index).rgb for splats in (back, trained.splats))
        assert np.abs(a - b).mean() < 0.02


def drawn(room: Room, folder: Path, *, known_colour: int) -> WorldVideo:
    """One frame of the wall behind the cameras: its left half NEW, its right half KNOWN and painted over."""
    camera = camera_path([look(np.array([1.4, 2.2, 1.2]), np.radians(150), 0.0)], width=80, height=60, focal=60.0)
    images, depths = replace(room, cameras=camera).rendered
    rgb, origin = images[0].copy(), np.full((60, 80), NEW, np.uint8)
    rgb[:, 40:], origin[:, 40:] = known_colour, KNOWN
    for name, image in (("rgb", rgb), ("origin", origin), ("z_depth", np.round(depths[0] * 1000).astype(np.uint16))):
        (folder / name).mkdir(parents=True)
        Image.fromarray(image).save(folder / name / "00000.png")
    return WorldVideo(frames=GeneratedFrames(folder=folder, cameras=camera, units_per_depth_count=0.001), facts=None)


def test_frames_teach_where_they_are_new_and_nowhere_else(tiny_room: Room, capture: Capture, tmp_path: Path) -> None:
    video = drawn(tiny_room, tmp_path / "a", known_colour=0)
    assert video.frames is not None
    splats = reconstruct(capture, CFG, video=video).splats
    view = render_splats(splats, video.frames.cameras, 0)
    error = np.abs(view.rgb - video.frames.rgb(0) / 255)
    assert error[3:-3, 3:36].mean() < 0.05
    assert view.alpha[:, 48:].mean() < 0.2
    other = drawn(tiny_room, tmp_path / "b", known_colour=255)
    assert_same_bits(reconstruct(capture, CFG, video=other).splats, splats)


def test_no_depth_at_all_is_an_error(capture: Capture, tmp_path: Path) -> None:
    blank = copied(capture, tmp_path / "views")
    for name in blank.views.names:
        Image.fromarray(np.zeros((60, 80), np.uint16)).save(blank.views.folder / "z_depth" / f"{name}.png")
    with pytest.raises(GeometryError, match="no view has depth"):
        reconstruct(blank, QUICK)
