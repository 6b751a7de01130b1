"""SPZ: what a writer of the published format puts in comes out within its quantisation, and damage is one clear error."""

import gzip

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyra_sim.capture.survey.spz import read_spz
from lyra_sim.data.splats import Splats
from lyra_sim.errors import InputError
from tests.capture.given_rooms import write_spz


def random_splats(seed: int, count: int, degree: int) -> Splats:
    rng = np.random.default_rng(seed)
    quats = rng.normal(size=(count, 4))
    quats /= np.linalg.norm(quats, axis=1, keepdims=True)
    return Splats(
        means=rng.uniform(-40, 40, (count, 3)).astype(np.float32),
        quats_wxyz=quats.astype(np.float32),
        log_scales=rng.uniform(-9, 4, (count, 3)).astype(np.float32),
        opacity_logits=rng.uniform(-5, 5, count).astype(np.float32),
        sh_coeffs=rng.uniform(-0.9, 0.9, (count, (degree + 1) ** 2, 3)).astype(np.float32),
    )


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 40), degree=st.integers(0, 3), version=st.sampled_from([2, 3]))
def test_round_trip_within_quantisation(tmp_path_factory, seed, count, degree, version):
    path = tmp_path_factory.mktemp("spz") / "a.spz"
    splats = random_splats(seed, count, degree)
    write_spz(path, splats, version=version)
    read = read_spz(path)
    assert np.abs(read.means - splats.means).max() <= 0.51 / (1 << 12) + 4e-6
    assert np.abs(read.log_scales - splats.log_scales).max() <= 0.5 / 16 + 1e-5
    assert np.abs(read.opacities - splats.opacities).max() <= 0.51 / 255
    assert np.abs(read.sh_coeffs[:, 0] - splats.sh_coeffs[:, 0]).max() <= 0.51 / 255 / 0.15
    if degree:
        assert np.abs(read.sh_coeffs[:, 1:] - splats.sh_coeffs[:, 1:]).max() <= 0.51 / 128
    alike = np.abs((read.quats_wxyz * splats.quats_wxyz).sum(axis=1))
    assert alike.min() > (0.985 if version == 2 else 0.99999)


@pytest.mark.parametrize("kept", [5, 40, -40, -8, -1])
def test_a_file_cut_short_says_so(tmp_path, kept):
    path = tmp_path / "a.spz"
    write_spz(path, random_splats(1, 50, 1))
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"early|not gzip|before its checksum"):
        read_spz(path)


def test_a_bomb_is_refused_by_its_header_and_never_unpacked(tmp_path):
    path = tmp_path / "bomb.spz"
    write_spz(path, random_splats(1, 1, 0), count=4_000_000_000)
    with pytest.raises(InputError, match="claims 4000000000 splats"):
        read_spz(path)
    head = gzip.decompress(path.read_bytes())[:8] + (1).to_bytes(4, "little") + gzip.decompress(path.read_bytes())[12:]
    path.write_bytes(gzip.compress(head + bytes(300_000_000), 9, mtime=0))
    assert path.stat().st_size < 400_000
    with pytest.raises(InputError, match="more data than its header declares"):
        read_spz(path)


@pytest.mark.parametrize(("version", "text"), [(1, "SPZ version 1"), (4, "SPZ version 4")])
def test_other_versions_are_named(tmp_path, version, text):
    path = tmp_path / "a.spz"
    write_spz(path, random_splats(1, 3, 0), version=version)
    with pytest.raises(InputError, match=text):
        read_spz(path)


def test_gzip_of_something_else_is_not_spz(tmp_path):
    path = tmp_path / "a.spz"
    path.write_bytes(gzip.compress(b"a text of some length that is no header", mtime=0))
    with pytest.raises(InputError, match="not SPZ inside"):
        read_spz(path)
