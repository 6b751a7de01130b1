"""Limits of legal values are no damage; damage is dropped and counted; much of it is refused."""

import numpy as np
import pytest

from lyra_sim.errors import InputError
from lyra_sim.splat_files.reading import read_splats
from lyra_sim.splat_files.sound import LEAST_LOG_SCALE, MOST_LOGIT
from tests.splat_files.clouds import cloud, columns_of, write_columns


def with_rows(path, rows, *, count=100, seed=0):
    """A cloud whose first rows have these values."""
    columns = {name: values.copy() for name, values in columns_of(cloud(count, seed=seed)).items()}
    for row, changed in enumerate(rows):
        for name, value in changed.items():
            columns[name][row] = value
    return write_columns(path / "a.ply", columns)


def test_endless_logits_are_opaque_and_empty(tmp_path):
    read = read_splats(with_rows(tmp_path, [{"opacity": np.inf}, {"opacity": -np.inf}]))
    assert read.splats.opacity_logits[:2].tolist() == [MOST_LOGIT, -MOST_LOGIT]
    assert read.splats.opacities[0] == 1 and read.splats.opacities[1] < 1e-8
    assert len(read.splats) == 100 and any(remark.startswith("2 endless") for remark in read.notes.remarks)


def test_endless_thinness_is_a_flat_splat(tmp_path):
    rows = [
        {"scale_2": -np.inf, "scale_0": -3, "scale_1": -2},
        {"scale_0": -np.inf, "scale_1": -np.inf, "scale_2": -np.inf},
    ]
    read = read_splats(with_rows(tmp_path, rows))
    np.testing.assert_allclose(read.splats.log_scales[0], [-3, -2, -3 + np.log(0.01)], rtol=1e-6)
    assert (read.splats.log_scales[1] == LEAST_LOG_SCALE).all()
    assert any(remark.startswith("2 splats without thickness") for remark in read.notes.remarks)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"y": np.nan}, "aren't numbers"),
        ({"x": np.inf}, "aren't numbers"),
        ({"opacity": np.nan}, "aren't numbers"),
        ({"scale_1": np.inf}, "aren't numbers"),
        ({"f_dc_2": np.nan}, "aren't numbers"),
        ({"x": 1e20}, "a centre up to 1e"),
        ({"scale_0": 50}, "a scale of up to e"),
        ({f"rot_{i}": 0 for i in range(4)}, "a rotation of zero"),
    ],
)
def test_a_damaged_row_is_dropped_and_counted(tmp_path, changed, why):
    read = read_splats(with_rows(tmp_path, [{}, changed]))
    assert len(read.splats) == 99 and read.notes.held["splats"] == 100 and read.notes.taken["splats"] == 99
    assert [left.count for left in read.notes.left_out] == [1] and why in read.notes.left_out[0].what
    assert np.array_equal(read.splats.means[0], cloud(100).means[0])
    with pytest.raises(InputError, match=r"6 of 100 splats can't be used: 6 with .*" + why):
        read_splats(with_rows(tmp_path, [changed] * 6))


def test_four_splats_of_one_logit_are_four_splats(tmp_path):
    splats = cloud(4)
    splats.opacity_logits[:] = 0.9
    splats.log_scales[:] = 0.7
    splats.save_ply(tmp_path / "a.ply")
    assert len(read_splats(tmp_path / "a.ply").splats) == 4


def test_many_of_one_logit_are_no_evidence_of_activation(tmp_path):
    splats = cloud(300)
    splats.opacity_logits[:] = 0.97
    splats.save_ply(tmp_path / "a.ply")
    assert len(read_splats(tmp_path / "a.ply").splats) == 300


def test_splats_in_centimetres_have_log_scales_above_zero(tmp_path):
    splats = cloud(300, reach=250.0)
    splats.log_scales[:] = np.random.default_rng(0).uniform(0.1, 2.5, (300, 3))
    splats.save_ply(tmp_path / "a.ply")
    assert len(read_splats(tmp_path / "a.ply").splats) == 300


@pytest.mark.parametrize("reach", [2.0, 60.0])
def test_activated_values_are_refused(tmp_path, reach):
    for name, text in (("opacity_logits", "opacities are activated"), ("log_scales", "scales are activated")):
        splats = cloud(300, reach=reach)
        getattr(splats, name)[:] = splats.opacities if name == "opacity_logits" else splats.scales
        splats.save_ply(tmp_path / "a.ply")
        with pytest.raises(InputError, match=text):
            read_splats(tmp_path / "a.ply")


def test_quaternions_of_any_length_are_rotations(tmp_path):
    columns = {name: values * 7 if name.startswith("rot") else values for name, values in columns_of(cloud(30)).items()}
    read = read_splats(write_columns(tmp_path / "a.ply", columns))
    np.testing.assert_allclose(read.splats.quats_wxyz, cloud(30).quats_wxyz, atol=1e-6)
