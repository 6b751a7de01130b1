from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from lyra_sim.data.splats import Splats
from lyra_sim.errors import GeometryError, InputError
from lyra_sim.geometry.rigid import Similarity


def random_splats(n: int, *, degree: int, seed: int = 0) -> Splats:
    rng = np.random.default_rng(seed)
    quats = rng.normal(size=(n, 4))
    return Splats(
        means=rng.normal(size=(n, 3)).astype(np.float32),
        quats_wxyz=(quats / np.linalg.norm(quats, axis=1, keepdims=True)).astype(np.float32),
        log_scales=rng.normal(-3, 1, (n, 3)).astype(np.float32),
        opacity_logits=rng.normal(size=n).astype(np.float32),
        sh_coeffs=rng.normal(size=(n, (degree + 1) ** 2, 3)).astype(np.float32),
    )


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_ply_round_trip_is_exact(tmp_path: Path, degree: int) -> None:
    splats = random_splats(17, degree=degree)
    splats.save_ply(tmp_path / "s.ply")
    again = Splats.load_ply(tmp_path / "s.ply")
    for name in ("means", "quats_wxyz", "log_scales", "opacity_logits", "sh_coeffs"):
        np.testing.assert_array_equal(getattr(again, name), getattr(splats, name))


def test_f_rest_is_channel_major(tmp_path: Path) -> None:
    """The 3DGS file stores all red coefficients, then all green, then all blue."""
    splats = random_splats(1, degree=1)
    splats.save_ply(tmp_path / "s.ply")
    data = (tmp_path / "s.ply").read_bytes()
    header, _, body = data.partition(b"end_header\n")
    names = [line.split()[-1] for line in header.decode().split("\n") if line.startswith("property")]
    row = dict(zip(names, np.frombuffer(body, "<f4"), strict=True))
    assert [row[f"f_rest_{i}"] for i in range(3)] == splats.sh_coeffs[0, 1:, 0].tolist()
    assert [row[f"f_rest_{i}"] for i in range(3, 6)] == splats.sh_coeffs[0, 1:, 1].tolist()


def test_moving_splats_moves_their_covariance() -> None:
    splats = random_splats(5, degree=0)
    world_from_recon = Similarity(
        scale=2.5, rotation=Rotation.random(random_state=3).as_matrix(), translation=np.array([1.0, 2, 3])
    )
    moved = splats.moved(world_from_recon)

    def covariance(s: Splats) -> np.ndarray:
        axes = Rotation.from_quat(s.quats_wxyz, scalar_first=True).as_matrix() * s.scales[:, None, :]
        return axes @ axes.transpose(0, 2, 1)

    linear = world_from_recon.scale * world_from_recon.rotation
    np.testing.assert_allclose(covariance(moved), linear @ covariance(splats) @ linear.T, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(moved.means, world_from_recon.apply(splats.means), rtol=1e-5)


def test_a_nan_splat_is_refused() -> None:
    splats = random_splats(4, degree=0)
    means = splats.means.copy()
    means[2, 1] = np.nan
    with pytest.raises(GeometryError, match="splat 2"):
        Splats(
            means=means,
            quats_wxyz=splats.quats_wxyz,
            log_scales=splats.log_scales,
            opacity_logits=splats.opacity_logits,
            sh_coeffs=splats.sh_coeffs,
        )


def test_a_truncated_ply_is_named(tmp_path: Path) -> None:
    random_splats(4, degree=0).save_ply(tmp_path / "s.ply")
    (tmp_path / "s.ply").write_bytes((tmp_path / "s.ply").read_bytes()[:-8])
    with pytest.raises(InputError, match=r"s\.ply"):
        Splats.load_ply(tmp_path / "s.ply")
