"""Held-out depth: its noise is measured, and what its own frames contradict says nothing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lyra_sim.data.world import MetricWorld
from lyra_sim.quality.witness.held_out_views import held_out_witness
from tests.quality.worlds import room_world
from tests.rooms import furnished_room

HELD_OUT = tuple(range(0, 36, 3))


def spoilt(folder: Path, change) -> MetricWorld:
    """The flat, its depth images changed."""
    world = room_world(furnished_room(), folder)
    rng = np.random.default_rng(5)
    for index, name in enumerate(world.views.names):
        file = folder / "z_depth" / f"{name}.png"
        z = np.array(Image.open(file)).astype(np.float64) / 1000
        Image.fromarray(np.round(1000 * change(z, index, rng)).astype(np.uint16)).save(file)
    return world


@pytest.mark.parametrize("relative", [0.0, 0.01, 0.02])
def test_sigma_is_the_noise(tmp_path: Path, relative: float) -> None:
    world = spoilt(tmp_path, lambda z, _, rng: z * (1 + rng.normal(0, relative, z.shape)))
    witness = held_out_witness(world, HELD_OUT, seed=7)
    assert witness is not None and witness.kind == "held-out depth"
    distance = np.linalg.norm(witness.ends - witness.origins, axis=1)
    middle = (distance > 1) & (distance < 4)
    told = float(np.median(witness.sigma[middle] / distance[middle]))
    assert told == pytest.approx(relative, rel=0.4, abs=0.002)


def test_what_stood_in_one_frame_alone_says_nothing(tmp_path: Path) -> None:
    """Somebody walked past one held-out camera: the others look through."""

    def passed(z: np.ndarray, index: int, rng: np.random.Generator) -> np.ndarray:
        out = z.copy()
        if index == HELD_OUT[3]:
            out[30:90, 60:100] = np.minimum(out[30:90, 60:100], 0.9)
        return out

    clean = held_out_witness(room_world(furnished_room(), tmp_path / "clean"), HELD_OUT, seed=7)
    found = held_out_witness(spoilt(tmp_path / "passed", passed), HELD_OUT, seed=7)
    assert clean is not None and found is not None
    from scipy.spatial import cKDTree

    far, _ = cKDTree(clean.ends).query(found.ends)
    strange = far > 0.3
    assert strange.sum() < 0.2 * 60 * 40, "most of the passer-by is left out"


def test_views_without_depth_are_no_witness(tmp_path: Path) -> None:
    world = spoilt(tmp_path, lambda z, _, rng: np.zeros_like(z))
    assert held_out_witness(world, HELD_OUT, seed=7) is None
    assert held_out_witness(replace(world), (), seed=7) is None
