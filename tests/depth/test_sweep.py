"""Plane-sweep depth against an analytic room, and the parts of it against what they must do."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lyra_sim.data.capture import Capture
from lyra_sim.data.depth import MEASURED_CONFIDENCE, DepthEstimate
from lyra_sim.depth.plane_sweep import estimate
from lyra_sim.depth.sweep.correlation import UNSEEN, prepare, scores
from lyra_sim.depth.sweep.edges import own_share, without_rims
from lyra_sim.depth.sweep.semi_global import aggregated
from lyra_sim.depth.sweep.view_sweep import lowest, smoothed
from lyra_sim.scene.spec import CaptureConfig, DepthConfig
from tests.depth.textured import capture_of, sparse_of, textured_room

CONFIG = DepthConfig(side=160, planes=48, planar_priors=False, masks="none")


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    room, images, depths = textured_room()
    return capture_of(tmp_path_factory.mktemp("textured"), images, room.cameras, sparse_of(room, depths))


@pytest.fixture(scope="module")
def depth(capture: Capture) -> DepthEstimate:
    return estimate(capture, CONFIG, limits=CaptureConfig())


def errors(found: DepthEstimate, truth: np.ndarray) -> np.ndarray:
    z = np.stack([each.z_depth for each in found.maps])
    return (np.abs(z / truth - 1))[np.isfinite(z)]


def test_textured_room_is_measured(depth: DepthEstimate) -> None:
    _, _, truth = textured_room()
    off = errors(depth, truth)
    assert off.size > 0.75 * truth.size
    assert np.median(off) < 0.005
    assert (off > 0.05).mean() < 0.02


def test_middle_view_is_measured_to_its_corners(depth: DepthEstimate) -> None:
    assert np.isfinite(depth.maps[3].z_depth).mean() > 0.85


def test_confidence_is_of_measured_pixels_and_nothing_else(depth: DepthEstimate) -> None:
    for each in depth.maps:
        known = np.isfinite(each.z_depth)
        assert (each.confidence[known] >= MEASURED_CONFIDENCE).all()
        assert (each.confidence <= 1).all()
        assert (each.confidence[~known] == 0).all()


def test_facts_tell_share_and_disagreement(depth: DepthEstimate) -> None:
    known = np.mean([np.isfinite(each.z_depth).mean() for each in depth.maps])
    assert depth.facts.kind == "plane sweep"
    assert depth.facts.figures["measured"] == pytest.approx(known, abs=1e-4)
    assert 0 < depth.facts.sigma_relative < 0.01


def test_surer_pixels_are_better(depth: DepthEstimate) -> None:
    _, _, truth = textured_room()
    z, sure = (np.stack([getattr(each, part) for each in depth.maps]) for part in ("z_depth", "confidence"))
    off, known = np.abs(z / truth - 1), np.isfinite(z)
    low, high = np.quantile(sure[known], [0.2, 0.5])
    assert off[known & (sure >= high)].mean() < off[known & (sure <= low)].mean()


def test_without_shared_points(capture: Capture) -> None:
    _, _, truth = textured_room()
    off = errors(estimate(replace(capture, sparse=None), CONFIG, limits=CaptureConfig()), truth)
    assert off.size > 0.6 * truth.size
    assert np.median(off) < 0.01


def test_held_out_views_get_nothing_and_give_nothing(capture: Capture, tmp_path: Path) -> None:
    _, images, _ = textured_room()
    spoilt = images.copy()
    spoilt[3] = np.random.default_rng(0).integers(0, 255, images[3].shape, np.uint8)
    pair = [
        estimate(
            capture_of(tmp_path / name, shown, capture.cameras, capture.sparse, held_out=(3,)), CONFIG, limits=CaptureConfig()
        )
        for name, shown in (("as is", images), ("spoilt", spoilt))
    ]
    assert not np.isfinite(pair[0].maps[3].z_depth).any()
    assert not pair[0].maps[3].confidence.any()
    for a, b in zip(pair[0].maps, pair[1].maps, strict=True):
        assert a.z_depth.tobytes() == b.z_depth.tobytes()


def test_blank_photos_measure_nothing(capture: Capture, tmp_path: Path) -> None:
    blank = np.full((len(capture.views), 120, 160, 3), 140, np.uint8)
    found = estimate(capture_of(tmp_path / "c", blank, capture.cameras, capture.sparse), CONFIG, limits=CaptureConfig())
    assert found.facts.figures["measured"] < 0.01


def test_depth_stays_within_the_limits(capture: Capture) -> None:
    found = estimate(capture, CONFIG, limits=CaptureConfig(max_depth=3.0, min_depth=2.0))
    z = np.stack([each.z_depth for each in found.maps])
    assert np.nanmax(z) < 3.0 * 1.02
    assert np.nanmin(z) > 2.0 / 1.02


def test_maps_come_at_view_size(capture: Capture) -> None:
    found = estimate(capture, CONFIG.model_copy(update={"side": 96}), limits=CaptureConfig())
    assert {each.z_depth.shape for each in found.maps} == {(120, 160)}


def test_scores_are_one_at_the_true_depth_and_unseen_outside() -> None:
    room, images, depths = textured_room()
    tensors = [torch.from_numpy(image[..., 0].astype(np.float32) / 255) for image in images]
    target = prepare(tensors, room.cameras, 3, (2, 4))
    inverse = torch.from_numpy(1 / depths[3])[None]
    right, wrong = scores(target, inverse, best=1)[0], scores(target, 1.15 * inverse, best=1)[0]
    assert right.median() > 0.97
    assert (right > wrong).float().mean() > 0.95
    turned = room.cameras.c2w.copy()
    turned[2, :3, 0], turned[2, :3, 2] = -turned[2, :3, 0], -turned[2, :3, 2]
    away = prepare(tensors, replace(room.cameras, c2w=turned), 3, (2,))
    assert (scores(away, inverse, best=1) == UNSEEN).all()


def test_semi_global_paths_overrule_a_lone_pixel_and_stop_at_edges() -> None:
    image = torch.zeros(20, 20)
    image[:, 10:] = 1.0
    volume = torch.zeros(12, 20, 20)
    volume[3, :, :10], volume[8, :, 10:] = 0.8, 0.8
    volume[3, 10, 5], volume[10, 10, 5] = 0.5, 0.6  # one pixel is misled a little
    index, _, margin = lowest(aggregated(volume, image))
    assert (index[:, :10] == 3).all()
    assert (index[:, 10:] == 8).all()
    assert (margin > 0).all()


def test_parabola_finds_the_minimum_between_hypotheses() -> None:
    at = torch.arange(16.0)[:, None, None]
    _, between, _ = lowest(((at - 6.3) ** 2).expand(16, 2, 2))
    assert torch.allclose(between, torch.tensor(0.3), atol=1e-4)


def test_smoothing_keeps_slanted_planes_and_steps() -> None:
    inverse = 0.3 + 0.001 * torch.arange(40.0).expand(30, 40).clone()
    inverse[:, 20:] += 0.5
    assert torch.allclose(smoothed(inverse, 0.01)[5:25, 5:35], inverse[5:25, 5:35], atol=1.1e-3)


def test_contrast_of_an_edge_nearby_is_not_the_pixels_own() -> None:
    image = torch.zeros(21, 40)
    image[:, 20:] = 1.0
    share = own_share(image, 3)
    assert share[10, 20] > 0.9
    assert share[10, 17] < 0.1
    assert share[10, 5] == 1.0  # blank through and through: nothing to take away


def test_rim_in_the_colour_of_the_wall_goes() -> None:
    colour = torch.zeros(3, 30, 60)
    colour[:, :, :20] = 1.0
    z = torch.full((30, 60), 4.0)
    z[:, :23] = 2.0  # the nearer thing swells three pixels over the wall
    kept = without_rims(z, colour)
    assert torch.isnan(kept[:, 20:23]).all()
    assert (kept[:, :20] == 2.0).all()
    assert (kept[:, 23:] == 4.0).all()
