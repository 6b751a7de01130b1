"""Fitted similarities against ones that are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from lyra_sim.errors import GeometryError
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.geometry.similarity_fit import fit_similarity


@given(seed=st.integers(0, 10_000), scale=st.floats(0.01, 100.0), count=st.integers(3, 30))
def test_what_was_applied_is_found(seed: int, scale: float, count: int) -> None:
    rng = np.random.default_rng(seed)
    a_from_b = Similarity(scale=scale, rotation=Rotation.random(rng=rng).as_matrix(), translation=rng.normal(0, 10, 3))
    points = rng.normal(0, 1, (count, 3))
    found = fit_similarity(points, a_from_b.apply(points))
    np.testing.assert_allclose(found.matrix, a_from_b.matrix, atol=1e-6 * max(1, scale))


def test_mirrored_points_are_not_met_by_a_mirror() -> None:
    points = np.random.default_rng(1).normal(0, 1, (20, 3))
    found = fit_similarity(points, points * [1, 1, -1])
    assert np.linalg.det(found.rotation) == pytest.approx(1.0)


def test_a_weight_of_zero_leaves_a_point_out() -> None:
    points = np.random.default_rng(2).normal(0, 1, (10, 3))
    moved = points + 1.0
    moved[3] += 50.0
    weights = np.ones(10)
    weights[3] = 0
    np.testing.assert_allclose(fit_similarity(points, moved, weights=weights).translation, 1.0, atol=1e-12)


@pytest.mark.parametrize("points", [np.zeros((5, 3)), np.outer(np.arange(5.0), [1, 2, 3]), np.eye(3)[:2]])
def test_a_line_is_refused(points: np.ndarray) -> None:
    with pytest.raises(GeometryError, match="lie on a line"):
        fit_similarity(points, points)
