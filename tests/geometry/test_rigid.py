import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from lyra_sim.errors import FrameError
from lyra_sim.geometry.rigid import Similarity, invert_rigid, rotation_between

seeds = st.integers(0, 2**31 - 1)


def random_similarity(seed: int) -> Similarity:
    rng = np.random.default_rng(seed)
    rotation = Rotation.random(random_state=seed).as_matrix()
    return Similarity(scale=float(rng.uniform(0.1, 10)), rotation=rotation, translation=rng.normal(size=3))


@given(seeds)
def test_rigid_times_its_inverse_is_identity(seed: int) -> None:
    c2w = np.eye(4)
    c2w[:3, :3], c2w[:3, 3] = Rotation.random(random_state=seed).as_matrix(), np.random.default_rng(seed).normal(size=3)
    np.testing.assert_allclose(invert_rigid(c2w) @ c2w, np.eye(4), atol=1e-12)


@given(seeds, seeds)
def test_composition_is_matrix_product(a: int, b: int) -> None:
    first, second = random_similarity(a), random_similarity(b)
    np.testing.assert_allclose((first @ second).matrix, first.matrix @ second.matrix, atol=1e-9)


@given(seeds)
def test_inverse(seed: int) -> None:
    similarity = random_similarity(seed)
    np.testing.assert_allclose((similarity.inverse @ similarity).matrix, np.eye(4), atol=1e-9)


@given(seeds)
def test_from_matrix_inverts_matrix(seed: int) -> None:
    similarity = random_similarity(seed)
    again = Similarity.from_matrix(similarity.matrix)
    assert again.scale == pytest.approx(similarity.scale)
    np.testing.assert_allclose(again.rotation, similarity.rotation, atol=1e-9)


@given(seeds)
def test_cameras_stay_rigid_and_keep_what_they_see(seed: int) -> None:
    """A point in front of a camera keeps its direction, and its depth scales with the world."""
    world_from_recon, rng = random_similarity(seed), np.random.default_rng(seed)
    c2w = np.eye(4)[None].copy()
    c2w[0, :3, :3], c2w[0, :3, 3] = Rotation.random(random_state=seed + 1).as_matrix(), rng.normal(size=3)
    point = rng.normal(size=3)
    moved = world_from_recon.apply_cameras(c2w)
    before = invert_rigid(c2w[0])[:3] @ [*point, 1]
    after = invert_rigid(moved[0])[:3] @ [*world_from_recon.apply(point), 1]
    np.testing.assert_allclose(after, world_from_recon.scale * before, atol=1e-9)


@given(seeds)
def test_rotation_between_is_a_rotation_that_does_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=3), rng.normal(size=3)
    rotation = rotation_between(a, b)
    np.testing.assert_allclose(rotation @ a / np.linalg.norm(a), b / np.linalg.norm(b), atol=1e-9)
    assert np.linalg.det(rotation) == pytest.approx(1)


def test_rotation_between_opposites() -> None:
    rotation = rotation_between(np.array([0, 0, 1.0]), np.array([0, 0, -1.0]))
    np.testing.assert_allclose(rotation @ [0, 0, 1], [0, 0, -1], atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)


def test_a_mirror_is_refused() -> None:
    with pytest.raises(FrameError, match="determinant -1"):
        Similarity(scale=1.0, rotation=np.diag([1.0, 1.0, -1.0]), translation=np.zeros(3))
