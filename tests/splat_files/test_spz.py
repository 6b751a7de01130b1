"""SPZ: what a writer of the published format puts in comes out within its quantisation, and damage is one clear error."""

import gzip
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyra_sim.data.splats import Splats
from lyra_sim.errors import InputError
from lyra_sim.splat_files.reading import read_splats
from lyra_sim.splat_files.spz import read_spz
from lyra_sim.splat_files.writing import write_splats
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
    read = read_splats(path).splats
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
    with pytest.raises(InputError, match=r"early|gzip stream|before its checksum"):
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


@pytest.mark.parametrize(("version", "text"), [(1, "SPZ version 1"), (4, "SPZ version 4 in the container of another")])
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


def test_extensions_of_a_vendor_are_left_out_with_a_word(tmp_path):
    path = tmp_path / "a.spz"
    write_spz(path, random_splats(1, 5, 0))
    body = bytearray(gzip.decompress(path.read_bytes()))
    body[14] |= 2
    path.write_bytes(gzip.compress(bytes(body) + b"seventeen bytes!!", mtime=0))
    assert [(left.count, left.what) for left in read_splats(path).notes.left_out] == [(17, "bytes of extensions")]


def whole(tmp_path, degree=1) -> bytearray:
    write_splats(random_splats(1, 200, degree), tmp_path / "whole.spz", spz_version=4)
    return bytearray((tmp_path / "whole.spz").read_bytes())


@pytest.mark.parametrize("kept", [4, 20, 31, 40, 130, -20, -1])
def test_version_4_cut_short_says_so(tmp_path, kept):
    (tmp_path / "a.spz").write_bytes(whole(tmp_path)[:kept])
    with pytest.raises(InputError, match=r"early|expected a whole SPZ|streams from byte|0 bytes"):
        read_splats(tmp_path / "a.spz")


@pytest.mark.parametrize(
    ("at", "value", "said"),
    [
        (8, (4_000_000_000).to_bytes(4, "little"), "claims 4000000000 splats"),
        (8, (199).to_bytes(4, "little"), "expected 1791 for 199 splats"),
        (8, bytes(4), "holds no splats"),
        (12, b"\x09", "SH degree 9"),
        (12, b"\x00", "expected 5 streams"),
        (13, b"\x18", "24 fractional bits"),
        (15, b"\xff", "255 streams"),
        (16, (1 << 31).to_bytes(4, "little"), "streams from byte 2147483648"),
        (16, bytes(4), "streams from byte 0"),
        (32, (1 << 40).to_bytes(8, "little"), "bytes early"),
        (40, (1 << 40).to_bytes(8, "little"), "a stream of 1099511627776 bytes"),
        (140, b"\x00" * 8, "Zstandard stream is broken"),
    ],
)
def test_version_4_with_a_header_that_lies(tmp_path, at, value, said):
    body = whole(tmp_path)
    body[at : at + len(value)] = value
    (tmp_path / "a.spz").write_bytes(body)
    with pytest.raises(InputError, match=said):
        read_splats(tmp_path / "a.spz")


def test_a_zstandard_bomb_is_left_unpacked(tmp_path):
    import tracemalloc

    import zstandard

    head = struct.pack("<IIIBBBBI12x", 0x5053474E, 4, 1, 0, 12, 0, 5, 32)
    frames = [zstandard.ZstdCompressor().compress(bytes(400_000_000))] + [b""] * 4
    table = b"".join(struct.pack("<QQ", len(frame), size) for frame, size in zip(frames, (9, 1, 3, 3, 4), strict=True))
    (tmp_path / "a.spz").write_bytes(head + table + b"".join(frames))
    tracemalloc.start()
    with pytest.raises(InputError, match="more data than its header declares"):
        read_splats(tmp_path / "a.spz")
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


def test_degree_4_is_cut_to_3(tmp_path):
    splats = random_splats(1, 20, 3)
    write_splats(splats, tmp_path / "a.spz")
    body = bytearray(gzip.decompress((tmp_path / "a.spz").read_bytes()))
    body[12] = 4
    rest = np.frombuffer(bytes(body[-20 * 45 :]), np.uint8).reshape(20, 15, 3)
    longer = np.concatenate([rest, np.full((20, 9, 3), 200, np.uint8)], axis=1)
    (tmp_path / "b.spz").write_bytes(gzip.compress(bytes(body[: -20 * 45]) + longer.tobytes(), mtime=0))
    three, four = (read_splats(tmp_path / name) for name in ("a.spz", "b.spz"))
    assert np.array_equal(three.splats.sh_coeffs, four.splats.sh_coeffs) and "degree 4" in four.notes.left_out[0].what


def test_version_2_says_what_it_does_to_thin_walls(tmp_path):
    write_splats(random_splats(1, 20, 0), tmp_path / "a.spz", spz_version=2)
    assert any("thin walls lean" in remark for remark in read_splats(tmp_path / "a.spz").notes.remarks)
