"""What doesn't change a prediction: the unit of length, the order of the sources, padding, what a batch holds besides."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lyra_sim.depth.network.cost_volume import positions, rays
from lyra_sim.depth.network.inference import geometry_of
from lyra_sim.depth.network.network import DepthNetwork
from lyra_sim.depth.sweep.neighbours import Neighbours
from lyra_sim.geometry.cameras import CameraPath, project
from tests.depth.network.toy import HEIGHT, TOY, WIDTH, toy_batch


@pytest.fixture(scope="module")
def network() -> DepthNetwork:
    """Random weights, gains included, so that every part has a say."""
    torch.manual_seed(1)
    made = DepthNetwork(TOY).eval()
    with torch.no_grad():
        for name, value in made.named_parameters():
            if "gain" in name or "residual" in name or "out.weight" in name:
                value.add_(0.3 * torch.randn(value.shape))
    return made


@pytest.mark.parametrize("sources", [1, 2, 5])
def test_any_number_of_sources(network: DepthNetwork, sources: int) -> None:
    batch = toy_batch(sources)
    with torch.no_grad():
        told = network(batch.rgb, batch.geometry)
    assert told.inverse_depth.shape == told.log_sigma.shape == (1, HEIGHT, WIDTH)
    assert (told.inverse_depth > 0).all() and torch.isfinite(told.log_sigma).all()
    assert torch.allclose(told.normal.norm(dim=1), torch.ones(()), atol=1e-4)


def test_the_unit_of_length_cancels(network: DepthNetwork) -> None:
    batch, unit = toy_batch(), 37.0
    moved = batch.geometry.source_from_target.clone()
    moved[..., :3, 3] *= unit
    with torch.no_grad():
        here = network(batch.rgb, batch.geometry)
        there = network(batch.rgb, replace(batch.geometry, source_from_target=moved, range=batch.geometry.range / unit))
    assert torch.allclose(here.inverse_depth, there.inverse_depth * unit, rtol=1e-3)
    assert torch.allclose(here.log_sigma, there.log_sigma, atol=1e-3)


def test_the_order_of_sources_does_not_matter(network: DepthNetwork) -> None:
    batch, order = toy_batch(3), [2, 0, 1]
    geometry = batch.geometry
    turned = replace(
        geometry,
        K=geometry.K[:, [0, 3, 1, 2]],
        source_from_target=geometry.source_from_target[:, order],
        present=geometry.present,
    )
    with torch.no_grad():
        here, there = network(batch.rgb, geometry), network(batch.rgb[:, [0, 3, 1, 2]], turned)
    assert torch.allclose(here.inverse_depth, there.inverse_depth, rtol=1e-4)


def test_absent_sources_are_as_if_they_were_not_there(network: DepthNetwork) -> None:
    batch = toy_batch(3)
    geometry = batch.geometry
    absent = replace(geometry, present=torch.tensor([[True, True, False]]))
    fewer = replace(
        geometry, K=geometry.K[:, :3], source_from_target=geometry.source_from_target[:, :2], present=geometry.present[:, :2]
    )
    with torch.no_grad():
        here, there = network(batch.rgb, absent), network(batch.rgb[:, :3], fewer)
    assert torch.allclose(here.inverse_depth, there.inverse_depth, rtol=1e-4)


def test_a_photo_gives_what_it_gives_among_others(network: DepthNetwork) -> None:
    two = toy_batch(2, rooms=2)
    first = {name: getattr(two.geometry, name)[:1] for name in ("K", "source_from_target", "range", "up", "present")}
    with torch.no_grad():
        both, alone = network(two.rgb, two.geometry), network(two.rgb[:1], replace(two.geometry, **first))
    assert torch.allclose(both.inverse_depth[:1], alone.inverse_depth, rtol=1e-4)


def test_positions_are_those_of_the_cameras() -> None:
    """A cell's place in a source is where its point projects to, as everywhere else in the package."""
    turn = np.array([[np.cos(0.1), 0, np.sin(0.1)], [0, 1, 0], [-np.sin(0.1), 0, np.cos(0.1)]])
    c2w = np.tile(np.eye(4), (2, 1, 1))
    c2w[1, :3, :3], c2w[1, :3, 3] = turn, [0.3, 0.1, 0.05]
    K = np.tile(np.array([[60.0, 0, 31], [0, 62.0, 21], [0, 0, 1]]), (2, 1, 1))
    cameras = CameraPath(c2w=c2w, K=K, width=64, height=40)
    around = Neighbours(sources=(1,), confirming=(), near=0.5, far=8.0, heights=(0.5, 2.0))
    geometry = geometry_of(cameras, 0, around, np.array([0.0, -1.0, 0.0]))
    inverse = torch.full((1, 1, 1, 1), 0.4)
    grid, inside = positions(geometry, inverse, 10, 16, 4)
    points = rays(geometry.K[:, 0], 10, 16, 4)[0].permute(1, 2, 0).reshape(-1, 3).double().numpy() / 0.4
    uv, z = project(points, K[1], cameras.w2c[1])
    expected = uv / [32, 20] - 1
    assert np.allclose(grid.reshape(-1, 2).numpy(), expected, atol=1e-4)
    assert np.array_equal(inside.reshape(-1).numpy(), (np.abs(expected) < 1).all(axis=1) & (z > 0))
