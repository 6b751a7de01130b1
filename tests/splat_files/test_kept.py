"""What is written comes back within what each kind of file can hold; that is also the table in docs/splat_files.md."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyra_sim.errors import SpecError
from lyra_sim.splat_files.reading import read_splats
from lyra_sim.splat_files.writing import write_splats
from tests.splat_files.clouds import cloud, degrees_apart, matched

# name, SPZ version, position as a share of the cloud's 6 m, degrees, log scale, opacity, first harmonic, the others
KEPT = [
    ("a.ply", 3, 0.0, 1e-4, 0.0, 0.0, 0.0, 0.0),
    ("a.compressed.ply", 3, 1 / 2 / 1023, 0.3, 6 / 2 / 1023, 0.002, 0.008, 0.016),
    ("a.spz", 2, 2.1e-5, 13.5, 0.0313, 0.002, 0.014, 0.004),
    ("a.spz", 3, 2.1e-5, 0.35, 0.0313, 0.002, 0.014, 0.004),
    ("a.spz", 4, 2.1e-5, 0.35, 0.0313, 0.002, 0.014, 0.004),
    ("a.sog", 3, 5e-5, 1.2, 0.05, 0.002, 0.05, 0.05),
    ("meta.json", 3, 5e-5, 1.2, 0.05, 0.002, 0.05, 0.05),
    (".splat", 3, 0.0, 1.0, 1e-5, 0.002, 0.0071, np.inf),
]


@pytest.mark.parametrize(("name", "version", "place", "degrees", "scale", "opacity", "first", "others"), KEPT)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 9999), count=st.integers(1, 700), degree=st.integers(0, 3))
def test_what_is_written_comes_back(
    tmp_path_factory, seed, count, degree, name, version, place, degrees, scale, opacity, first, others
):
    splats = cloud(count, degree=degree, seed=seed)
    path = tmp_path_factory.mktemp("kept") / ("a" + name if name == ".splat" else name)
    lost = write_splats(splats, path, spz_version=version)
    read = read_splats(path)
    back = read.splats.select(matched(splats, read.splats))
    assert np.abs(back.means - splats.means).max() <= 6 * place + 1e-6
    assert degrees_apart(back.quats_wxyz, splats.quats_wxyz).max() <= degrees
    assert np.abs(back.log_scales - splats.log_scales).max() <= scale + 1e-5
    assert np.abs(back.opacities - splats.opacities).max() <= opacity + 1e-5
    assert np.abs(back.sh_coeffs[:, 0] - splats.sh_coeffs[:, 0]).max() <= first + 1e-5
    if name == ".splat":
        assert back.sh_degree == 0 and bool(lost) == (degree > 0)
    else:
        assert back.sh_degree == degree and np.abs(back.sh_coeffs - splats.sh_coeffs).max() <= max(first, others) + 1e-5
    assert not read.notes.left_out and read.notes.held["splats"] == read.notes.taken["splats"] == count


@pytest.mark.parametrize("name", ["a.ply", "a.compressed.ply", "a.spz", "a.sog", "meta.json"])
def test_the_antialias_flag_is_kept(tmp_path, name):
    for flag in (True, False, None):
        write_splats(cloud(40), tmp_path / name, antialiased=flag)
        read = read_splats(tmp_path / name)
        assert bool(read.antialiased) == bool(flag)
        assert any("antialiasing" in remark for remark in read.notes.remarks) == bool(flag)


def test_what_has_no_place_for_the_antialias_flag_says_so(tmp_path):
    assert any("antialiasing" in line for line in write_splats(cloud(4), tmp_path / "a.splat", antialiased=True))


@pytest.mark.parametrize("name", ["a.ply", "a.compressed.ply", "a.spz", "a.sog", "a.splat"])
def test_equal_splats_give_equal_bytes(tmp_path, name):
    written = []
    for folder in ("one", "two"):
        write_splats(cloud(300, degree=2), tmp_path / folder / name)
        written.append((tmp_path / folder / name).read_bytes())
    assert written[0] == written[1]


def test_values_that_are_cut_off_are_counted(tmp_path):
    splats = cloud(50, degree=1)
    splats.sh_coeffs[7, 2] = 1.5
    splats.log_scales[3:5, 0] = -12
    splats.sh_coeffs[9, 0] = 2.5
    lost = write_splats(splats, tmp_path / "a.spz")
    assert ["of 1 splats" in line for line in lost if line.startswith("harmonics")] == [True]
    assert ["of 2 splats" in line for line in lost if line.startswith("log scales")] == [True]
    assert any("of 1 splats" in line for line in write_splats(splats, tmp_path / "a.splat") if line.startswith("colours"))
    assert not write_splats(splats, tmp_path / "a.ply")


@pytest.mark.nightly
def test_large_clouds_of_harmonics_share_a_palette(tmp_path):
    splats = cloud(9000, degree=1, seed=3)
    write_splats(splats, tmp_path / "a.sog")
    back = read_splats(tmp_path / "a.sog").splats
    error = np.abs(back.select(matched(splats, back)).sh_coeffs[:, 1:] - splats.sh_coeffs[:, 1:])
    assert 0.005 < np.sqrt((error**2).mean()) < 0.5 * np.sqrt((splats.sh_coeffs[:, 1:] ** 2).mean())


def test_spz_gives_up_fine_positions_for_far_ones(tmp_path):
    splats = cloud(30, reach=6000.0)
    write_splats(splats, tmp_path / "a.spz")
    assert np.abs(read_splats(tmp_path / "a.spz").splats.means - splats.means).max() <= 0.5 / 1024 + 1e-3


def test_a_name_that_says_no_kind_is_refused(tmp_path):
    with pytest.raises(SpecError, match=r"compressed\.ply, \.ply, \.spz"):
        write_splats(cloud(3), tmp_path / "a.ksplat")
