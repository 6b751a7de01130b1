"""Files that lie, end early or swell: one clear error each, and memory that follows the file's size, not its claims."""

import io
import json
import subprocess
import sys
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from lyra_sim.errors import InputError
from lyra_sim.splat_files.reading import read_splats
from lyra_sim.splat_files.writing import write_splats
from tests.splat_files.clouds import cloud, columns_of, write_columns

NAMES = ("a.ply", "a.compressed.ply", "2.spz", "3.spz", "4.spz", "a.sog", "a.splat")


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    for name in NAMES:
        write_splats(cloud(90, degree=1), folder / name, spz_version=int(name[0]) if name[0].isdigit() else 3)
    return {name: (folder / name).read_bytes() for name in NAMES}


def test_a_harmonic_of_another_name_is_named(tmp_path, whole) -> None:
    (tmp_path / "a.compressed.ply").write_bytes(whole["a.compressed.ply"].replace(b"uchar f_rest_6\n", b"uchar f_rest_x\n"))
    with pytest.raises(InputError, match="without f_rest_6"):
        read_splats(tmp_path / "a.compressed.ply")


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_damage_is_one_clear_error_or_splats(tmp_path_factory, whole, name, data):
    body = bytearray(whole[name])
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, min(len(body) - 1, data.draw(st.sampled_from([64, 1600, len(body) - 1])))))
        body[at] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        body = body[: data.draw(st.integers(0, len(body)))]
    path = tmp_path_factory.mktemp("damaged") / name
    path.write_bytes(body)
    try:
        read = read_splats(path)
    except InputError as error:
        assert str(path.parent) in str(error)
    else:
        assert len(read.splats) == read.notes.taken["splats"] > 0 and np.isfinite(read.splats.means).all()


@pytest.mark.parametrize("name", NAMES)
def test_truncated_files_are_refused(tmp_path, whole, name):
    for kept in (0.301, 0.701, 0.999):  # no whole number of rows: a .splat has nothing but those
        (tmp_path / name).write_bytes(whole[name][: int(kept * len(whole[name])) | 1])
        with pytest.raises(InputError):
            read_splats(tmp_path / name)


@pytest.mark.parametrize("order", ["<", "text"])
def test_a_ply_that_claims_more_rows_than_it_has_costs_nothing(tmp_path, order):
    path = write_columns(tmp_path / "a.ply", columns_of(cloud(40)), order=order)
    for claimed, said in (
        (19_999_999, "bytes of"),
        (1 << 39, "claims 549755813888 splats"),
        (10**15, "a line of the PLY's header"),
    ):
        lying = tmp_path / f"{claimed}.ply"
        lying.write_bytes(path.read_bytes().replace(b"vertex 40", b"vertex %d" % claimed))
        tracemalloc.start()
        with pytest.raises(InputError, match=said):
            read_splats(lying)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
        tracemalloc.stop()


def test_a_header_without_an_end_is_read_no_further_than_64_kb(tmp_path):
    (tmp_path / "a.ply").write_bytes(b"ply\nformat ascii 1.0\n" + b"comment nothing\n" * 3_000_000)
    tracemalloc.start()
    with pytest.raises(InputError, match="header doesn't end"):
        read_splats(tmp_path / "a.ply")
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (("element chunk 1", "element chunk 9"), "90 splats in 9 chunks"),
        (("element sh 90", "element sh 91"), "harmonics of 91"),
        (("uint packed_scale", "float packed_scale"), "without packed_scale"),
        (("property float max_scale_z", "property float max_scale_q"), "without max_scale_z"),
        (("property uchar f_rest_8\n", ""), "8 harmonics a splat"),
    ],
)
def test_compressed_tables_that_dont_fit_each_other(tmp_path, whole, changed, said):
    body = whole["a.compressed.ply"].replace(*(text.encode() for text in changed))
    (tmp_path / "a.ply").write_bytes(body)
    with pytest.raises(InputError, match=said):
        read_splats(tmp_path / "a.ply")


def sog(folder, *, changed=(), images=()):
    """A SOG in parts, with changes to its description and other images in place of its own."""
    write_splats(cloud(90, degree=1), folder / "meta.json")
    meta = json.loads((folder / "meta.json").read_text())
    for path, value in changed:
        group = meta
        for name in path[:-1]:
            group = group[name]
        group[path[-1]] = value
    (folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
    for name, body in images:
        (folder / name).write_bytes(body)
    return folder


def webp(width: int, height: int, *, lossless: bool = True) -> bytes:
    packed = io.BytesIO()
    Image.new("RGBA", (width, height), (1, 2, 3, 253)).save(packed, "WEBP", lossless=lossless)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("count",), 10**9, "claims 1000000000 splats"),
        (("count",), -1, "claims -1 splats"),
        (("count",), "90", "no count of splats"),
        (("count",), 19_000_000, "expected one image of at least 19000000"),
        (("version",), 3, "meta.json of version 3"),
        (("means", "mins"), [0, 0], "expected 3 finite numbers"),
        (("means", "maxs"), [0, 1e20, 0], "beyond all bounds"),
        (("means", "mins"), [0, float("nan"), 0], "expected 3 finite numbers"),
        (("means",), [], "says nothing of 'means'"),
        (("scales", "codebook"), [0.0] * 255, "expected 256 finite numbers"),
        (("scales", "files"), ["../../secret.webp"], "expected 1 names"),
        (("scales", "files"), ["/etc/passwd"], "expected 1 names"),
        (("scales", "files"), ["none.webp"], "the file is missing"),
        (("quats", "files"), "quats.webp", "expected 1 names"),
        (("shN", "bands"), 9, "harmonics of 9 bands"),
        (("shN", "count"), 1 << 30, "in a palette of 1073741824"),
        (("shN", "count"), 2, "harmonics are row"),
    ],
)
def test_a_sog_that_lies(tmp_path, path, value, said):
    with pytest.raises(InputError, match=said):
        read_splats(sog(tmp_path, changed=[(path, value)]))


def test_images_that_arent_what_they_should_be(tmp_path):
    jpeg = io.BytesIO()
    Image.new("RGB", (12, 12)).save(jpeg, "JPEG")
    for body, said in (
        (webp(3, 3), "3x3 pixels"),
        (webp(4000, 4000), "4000x4000 pixels"),
        (jpeg.getvalue(), "no readable WebP image"),
        (b"RIFF" + bytes(400), "no readable WebP image"),
        (webp(12, 12)[:30], "no readable WebP image"),
        (bytes(3 << 20), "more than"),
    ):
        with pytest.raises(InputError, match=said):
            read_splats(sog(tmp_path, images=[("quats.webp", body)]))


@pytest.mark.parametrize("text", ["[" * 200_000, "{", "[]", '{"version": 2}', "\udcff"])
def test_descriptions_that_are_none(tmp_path, text):
    (tmp_path / "meta.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError):
        read_splats(tmp_path)


def test_zip_bombs_stay_packed(tmp_path):
    with zipfile.ZipFile(tmp_path / "large.sog", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("meta.json", bytes(300_000_000))
    with zipfile.ZipFile(tmp_path / "many.sog", "w") as archive:
        for index in range(5000):
            archive.writestr(f"{index}.webp", b"")
    for name, said in (("large.sog", "more than 4194304 bytes"), ("many.sog", "a zip of 5000 files")):
        tracemalloc.start()
        with pytest.raises(InputError, match=said):
            read_splats(tmp_path / name)
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
        tracemalloc.stop()


def test_a_description_may_not_be_encrypted_or_of_another_packing(tmp_path, whole):
    body = bytearray(whole["a.sog"])
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = -1
        while (at := body.find(mark, at + 1)) >= 0:
            body[at + flags] |= 1
    (tmp_path / "a.sog").write_bytes(body)
    with pytest.raises(InputError, match="can't be unpacked"):
        read_splats(tmp_path / "a.sog")


def test_a_million_splats_of_degree_3_fit_in_a_gigabyte(tmp_path):
    """The arrays are 236 MB; reading holds a few of them at once, not a list of Python numbers."""
    count = 1_000_000
    row = np.zeros((1000, 62), "<f4")
    row[:, 58] = 1
    row[:, 54] = 0.5
    row[:, :3] = np.random.default_rng(0).normal(size=(1000, 3))
    row[:, 55:58] = -3
    names = ["x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2", *(f"f_rest_{i}" for i in range(45)), "opacity"]
    names += ["scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"]
    head = f"ply\nformat binary_little_endian 1.0\nelement vertex {count}\n" + "".join(
        f"property float {name}\n" for name in names
    )
    with (tmp_path / "a.ply").open("wb") as stream:
        stream.write((head + "end_header\n").encode())
        for _ in range(count // 1000):
            stream.write(row.tobytes())
    code = (
        "import sys;from pathlib import Path;from lyra_sim.splat_files.reading import read_splats;"
        "n=len(read_splats(Path(sys.argv[1])).splats);"
        # Not getrusage: across exec it keeps the peak of the process that forked.
        "told=dict(line.split(':') for line in Path('/proc/self/status').read_text().splitlines());"
        "print(n,int(told['VmHWM'].split()[0])//1024)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.ply")], capture_output=True, text=True, check=True)
    read, peak_mb = map(int, done.stdout.split())
    assert read == count and peak_mb < 1300
