"""ParticleField3DGaussianSplat: activations, layouts, bounds, both precisions, and speed."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pxr import Gf, Usd, UsdGeom

from lyra_sim.conventions import SH_C0, quats_xyzw_from_wxyz
from lyra_sim.data.splats import Splats
from lyra_sim.data.stage import StageBundle
from lyra_sim.errors import UsdError
from lyra_sim.usd.package import write_splats
from lyra_sim.usd.partition import partition, splat_bytes
from lyra_sim.usd.splats import define_splats, read_splats
from tests.usd.worlds import World, random_splats, stored_splats

_ALIVE: list[Usd.Stage] = []
"""Prims don't keep their stage alive."""


def authored(splats: Splats, *, half: bool = False) -> Usd.Prim:
    stage = Usd.Stage.CreateInMemory()
    _ALIVE.append(stage)
    return define_splats(stage, "/gaussians", splats, half=half)


@pytest.mark.parametrize("sh_degree", [0, 1, 2, 3])
def test_ply_to_usd_to_arrays(sh_degree: int, tmp_path: Path) -> None:
    splats = random_splats(200, sh_degree)
    splats.save_ply(tmp_path / "splats.ply")
    write_splats(tmp_path / "splats.usdc", Splats.load_ply(tmp_path / "splats.ply"))
    back = stored_splats(tmp_path / "splats.usdc")
    np.testing.assert_array_equal(back.means, splats.means)
    np.testing.assert_array_equal(back.sh_coeffs, splats.sh_coeffs)
    np.testing.assert_allclose(back.quats_wxyz, splats.quats_wxyz, atol=1e-6)
    np.testing.assert_allclose(back.log_scales, splats.log_scales, atol=1e-5)
    np.testing.assert_allclose(back.opacity_logits, splats.opacity_logits, atol=1e-4)


def test_quaternions_are_what_usd_turns_by() -> None:
    """A quarter turn about z, scalar first, must take x to y in USD's own algebra."""
    quarter = np.array([[np.sqrt(0.5), 0, 0, np.sqrt(0.5)]], np.float32)
    splats = random_splats(1, 0)
    prim = authored(
        Splats(
            means=splats.means,
            quats_wxyz=quarter,
            log_scales=splats.log_scales,
            opacity_logits=splats.opacity_logits,
            sh_coeffs=splats.sh_coeffs,
        )
    )
    stored = prim.GetAttribute("orientations").Get()[0]
    assert Gf.IsClose(stored.GetReal(), np.sqrt(0.5), 1e-6)
    assert Gf.IsClose(Gf.Vec3f(stored.Transform(Gf.Vec3f(1, 0, 0))), Gf.Vec3f(0, 1, 0), 1e-6)


@given(st.lists(st.floats(-1, 1, width=32), min_size=4, max_size=4).filter(lambda q: sum(x * x for x in q) > 0.01))
@settings(max_examples=50, deadline=None)
def test_quaternion_order_against_gf(wxyz: list[float]) -> None:
    from pxr import Vt

    stored = Vt.QuatfArray.FromNumpy(quats_xyzw_from_wxyz(np.array([wxyz], np.float32)))[0]
    assert stored == Gf.Quatf(*(float(np.float32(x)) for x in wxyz))


def test_values_are_activated_and_harmonics_particle_major() -> None:
    splats = random_splats(50, 3)
    prim = authored(splats)
    np.testing.assert_allclose(np.array(prim.GetAttribute("scales").Get()), np.exp(splats.log_scales), rtol=1e-6)
    opacities = np.array(prim.GetAttribute("opacities").Get())
    np.testing.assert_allclose(opacities, 1 / (1 + np.exp(-splats.opacity_logits.astype(np.float64))), rtol=1e-5)
    coefficients = prim.GetAttribute("radiance:sphericalHarmonicsCoefficients")
    values = np.array(coefficients.Get())
    np.testing.assert_array_equal(values[16 * 7 + 3], splats.sh_coeffs[7, 3])  # splat 7, coefficient 3, RGB together
    assert prim.GetAttribute("radiance:sphericalHarmonicsDegree").Get() == 3
    assert (coefficients.GetMetadata("interpolation"), coefficients.GetMetadata("elementSize")) == ("vertex", 16)
    assert Usd.ColorSpaceAPI(prim).GetColorSpaceNameAttr().Get() == "srgb_rec709_display"
    space = Usd.ColorSpaceAPI.ComputeColorSpace(prim, None)
    same = Gf.ColorSpace(Gf.ColorSpaceNames.SRGBRec709)  # OpenUSD's own, under the name it gave it
    assert Gf.IsClose(
        Gf.ColorSpace("lin_rec709_scene").Convert(space, Gf.Vec3f(0.5)).GetRGB(),
        Gf.ColorSpace("lin_rec709_scene").Convert(same, Gf.Vec3f(0.5)).GetRGB(),
        1e-3,
    )


def test_ply_harmonics_are_channel_major_on_disk(tmp_path: Path) -> None:
    """f_rest_0 … is all of red, then green, then blue; USD has RGB together. Read with nothing of ours in between."""
    splats = random_splats(3, 1)
    splats.save_ply(tmp_path / "s.ply")
    body = (tmp_path / "s.ply").read_bytes().partition(b"end_header\n")[2]
    row = np.frombuffer(body, "<f4").reshape(3, -1)[2]
    np.testing.assert_array_equal(row[9 : 9 + 9], splats.sh_coeffs[2, 1:].T.ravel())
    values = np.array(authored(splats).GetAttribute("radiance:sphericalHarmonicsCoefficients").Get())
    np.testing.assert_array_equal(values[2 * 4 + 1 : 2 * 4 + 4].T.ravel(), row[9:18])
    assert SH_C0 * values[8, 0] + 0.5 == pytest.approx(0.5 + 0.28209479 * row[6], abs=1e-6)


def test_extent_holds_three_sigmas() -> None:
    splats = random_splats(100, 0)
    low, high = np.array(UsdGeom.Boundable(authored(splats)).GetExtentAttr().Get())
    reach = 3 * np.exp(splats.log_scales).max(axis=1, keepdims=True)
    np.testing.assert_allclose(low, (splats.means - reach).min(axis=0), atol=1e-5)
    np.testing.assert_allclose(high, (splats.means + reach).max(axis=0), atol=1e-5)


def test_half_twin_keeps_positions_exact_and_is_smaller(bundle: StageBundle, small_world: World) -> None:
    full, half = bundle.world / "payload/splat.usdc", bundle.world / "payload/splat_half.usdc"
    assert half.stat().st_size < 0.65 * full.stat().st_size
    stored, splats = stored_splats(half), small_world.world.splats
    np.testing.assert_array_equal(stored.means, splats.means)
    np.testing.assert_allclose(stored.sh_coeffs, splats.sh_coeffs, atol=2e-3)
    np.testing.assert_allclose(stored.quats_wxyz, splats.quats_wxyz, atol=1e-3)


def test_float_wins_over_half() -> None:
    prim = authored(random_splats(4, 0))
    prim.GetAttribute("opacitiesh").Set([0.5] * 4)
    assert not np.allclose(read_splats(prim).opacities, 0.5)


def test_no_splats_is_an_error() -> None:
    with pytest.raises(UsdError, match="there are none"):
        authored(random_splats(0, 0))


def test_large_fields_are_partitioned(tmp_path: Path) -> None:
    """Every part keeps to the limit, is a compact piece of space, and together they are all the splats there were."""
    splats = random_splats(1000, 3)
    most = 250 * splat_bytes(splats, half=False)
    write_splats(tmp_path / "splat.usdc", splats, most_layer_bytes=most)
    files = sorted(file.name for file in tmp_path.iterdir())
    assert files == ["splat.usdc", *(f"splat_{index:03d}.usdc" for index in range(4))]
    assert max(file.stat().st_size for file in tmp_path.iterdir()) < most + 10_000
    stage = Usd.Stage.Open(str(tmp_path / "splat.usdc"))
    fields = [prim for prim in stage.Traverse() if prim.GetTypeName() == "ParticleField3DGaussianSplat"]
    assert [str(prim.GetPath()) for prim in fields] == [f"/Splat/gaussians_{index:03d}" for index in range(4)]
    boxes = [np.ptp(read_splats(prim).means, axis=0) for prim in fields]
    assert sum(map(np.prod, boxes)) < 1.01 * np.prod(np.ptp(splats.means, axis=0))  # they don't overlap
    back = stored_splats(tmp_path / "splat.usdc")
    order, stored = np.lexsort(splats.means.T), np.lexsort(back.means.T)
    np.testing.assert_array_equal(back.means[stored], splats.means[order])
    np.testing.assert_array_equal(back.sh_coeffs[stored], splats.sh_coeffs[order])
    np.testing.assert_allclose(back.log_scales[stored], splats.log_scales[order], atol=1e-5)


def test_the_size_of_a_splat_is_what_a_layer_grows_by(tmp_path: Path) -> None:
    """The limit rests on this figure; crates compress some arrays, and never grow them."""
    for half, name in ((False, "full"), (True, "half")):
        few, many = random_splats(2_000, 3), random_splats(12_000, 3)
        for count, splats in ((0, few), (1, many)):
            write_splats(tmp_path / f"{name}_{count}.usdc", splats, half=half)
        grown = (tmp_path / f"{name}_1.usdc").stat().st_size - (tmp_path / f"{name}_0.usdc").stat().st_size
        assert 0.95 < grown / 10_000 / splat_bytes(few, half=half) <= 1.001


@pytest.mark.parametrize("most", [1, 3, 7, 100])
def test_partition_holds_everything_once(most: int) -> None:
    splats = random_splats(100, 0)
    parts = partition(splats, most)
    assert max(map(len, parts)) <= most and len(parts) < 2 * -(-100 // most)
    assert sorted(np.concatenate([part.means for part in parts]).tolist()) == sorted(splats.means.tolist())
