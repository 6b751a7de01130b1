"""PLY files as different trainers write them: what one property changes in the others is done, and what isn't known is told."""

import numpy as np
import pytest

from lyra_sim.errors import InputError
from lyra_sim.splat_files.reading import read_splats
from tests.splat_files.clouds import byte_colours, cloud, columns_of, write_columns


def test_filter_3d_is_folded_in_as_its_authors_export_it(tmp_path):
    splats = cloud(200, seed=2)
    sizes = np.random.default_rng(1).uniform(0.0005, 0.1, 200).astype(np.float32)
    read = read_splats(write_columns(tmp_path / "a.ply", {**columns_of(splats), "filter_3D": sizes}))
    squares, wider = splats.scales.astype(float) ** 2, sizes[:, None].astype(float) ** 2
    opacity = splats.opacities * np.sqrt(squares.prod(axis=1) / (squares + wider).prod(axis=1))
    np.testing.assert_allclose(read.splats.scales, np.sqrt(squares + wider), rtol=1e-4)
    np.testing.assert_allclose(read.splats.opacities, opacity, rtol=2e-3, atol=1e-6)
    assert any("filter_3D" in remark for remark in read.notes.remarks)
    assert read.notes.taken["properties"] == read.notes.held["properties"] == 15 and not read.notes.left_out


def test_a_filter_of_zero_changes_no_bit(tmp_path):
    splats = cloud(50)
    read = read_splats(write_columns(tmp_path / "a.ply", {**columns_of(splats), "filter_3D": np.zeros(50, np.float32)}))
    assert np.array_equal(read.splats.log_scales, splats.log_scales)
    assert np.array_equal(read.splats.opacity_logits, splats.opacity_logits)


@pytest.mark.parametrize("filtered", [False, True])
def test_two_scales_are_discs(tmp_path, filtered):
    splats = cloud(60)
    columns = columns_of(splats)
    del columns["scale_2"]
    if filtered:
        columns["filter_3D"] = np.full(60, 1e-6, np.float32)
    read = read_splats(write_columns(tmp_path / "a.ply", columns))
    np.testing.assert_allclose(read.splats.log_scales[:, :2], splats.log_scales[:, :2], atol=1e-4)
    thin = read.splats.scales[:, 2] / read.splats.scales[:, :2].min(axis=1)
    assert thin.max() < 0.011 and thin.min() > 0.009
    np.testing.assert_allclose(read.splats.opacities, splats.opacities, atol=1e-3)
    assert [remark for remark in read.notes.remarks if "2DGS" in remark]


def test_one_scale_is_a_ball(tmp_path):
    columns = {name: values for name, values in columns_of(cloud(20)).items() if name not in ("scale_1", "scale_2")}
    read = read_splats(write_columns(tmp_path / "a.ply", columns))
    assert np.array_equal(read.splats.log_scales, np.repeat(columns["scale_0"][:, None], 3, axis=1))


@pytest.mark.parametrize("form", ["bytes", "shares", "floats to 255"])
def test_colours_may_come_as_red_green_blue(tmp_path, form):
    splats = cloud(80)
    columns = {name: values for name, values in columns_of(splats).items() if not name.startswith("f_dc")}
    rgb = byte_colours(splats)
    if form != "bytes":
        rgb = {name: values.astype(np.float32) / (255 if form == "shares" else 1) for name, values in rgb.items()}
    read = read_splats(write_columns(tmp_path / "a.ply", {**columns, **rgb}))
    np.testing.assert_allclose(read.splats.sh_coeffs[:, 0], splats.sh_coeffs[:, 0], atol=0.5 / 255 / 0.282 + 1e-4)
    assert any("red, green, blue" in remark for remark in read.notes.remarks) and not read.notes.left_out


@pytest.mark.parametrize("order", ["<", ">", "text"])
def test_byte_order_and_text(tmp_path, order):
    splats = cloud(30)
    columns = {name: values.astype(np.float64) if name in "xyz" else values for name, values in columns_of(splats).items()}
    read = read_splats(write_columns(tmp_path / "a.ply", dict(reversed(columns.items())), order=order))
    np.testing.assert_array_equal(read.splats.means, splats.means)
    np.testing.assert_array_equal(read.splats.sh_coeffs, splats.sh_coeffs)


def test_properties_that_nobody_knows_are_counted_and_named(tmp_path):
    extra = {"nx": np.zeros(9, np.float32), "semantic_id": np.arange(9, dtype=np.int32), "confidence": np.ones(9, np.float32)}
    read = read_splats(write_columns(tmp_path / "a.ply", {**columns_of(cloud(9)), **extra}))
    (left,) = read.notes.left_out
    assert left.count == 2 and "semantic_id, confidence" in left.what
    assert read.notes.held["properties"] == 17 and read.notes.taken["properties"] == 14


def test_degree_4_is_cut_to_3_with_a_word(tmp_path):
    splats = cloud(12, degree=3)
    rest = np.random.default_rng(0).normal(size=(12, 3, 24)).astype(np.float32)
    rest[:, :, :15] = splats.sh_coeffs[:, 1:].transpose(0, 2, 1)
    columns = columns_of(splats) | {f"f_rest_{i}": rest.reshape(12, 72)[:, i] for i in range(72)}
    read = read_splats(write_columns(tmp_path / "a.ply", columns))
    np.testing.assert_array_equal(read.splats.sh_coeffs, splats.sh_coeffs)
    assert "degree 4" in read.notes.left_out[0].what


@pytest.mark.parametrize(
    ("comments", "flag"),
    [
        ((), None),
        (("SplatRenderMode: mip",), True),
        (("SplatRenderMode: default",), False),
        (("antialiased 1",), True),
        (("antialiased 1", "Generated by a trainer", "SplatRenderMode: 2dgs"), False),
    ],
)
def test_trainers_say_antialiased_in_comments(tmp_path, comments, flag):
    assert read_splats(write_columns(tmp_path / "a.ply", columns_of(cloud(5)), comments=comments)).antialiased is flag


@pytest.mark.parametrize(
    ("dropped", "said"),
    [
        (("opacity", "scale_0", "scale_1", "scale_2"), "a point cloud: 6 points"),
        (("opacity",), "no property opacity"),
        (("rot_3",), "no property rot_3"),
        (("f_dc_1",), "no property red, green, blue"),
    ],
)
def test_what_makes_no_splats_is_named(tmp_path, dropped, said):
    columns = {name: values for name, values in columns_of(cloud(6)).items() if name not in dropped}
    with pytest.raises(InputError, match=said):
        read_splats(write_columns(tmp_path / "a.ply", columns))


def test_a_number_of_harmonics_that_is_no_degree_is_refused(tmp_path):
    columns = columns_of(cloud(6)) | {f"f_rest_{i}": np.zeros(6, np.float32) for i in range(10)}
    with pytest.raises(InputError, match="10 properties f_rest"):
        read_splats(write_columns(tmp_path / "a.ply", columns))
