"""``lyra-sim convert``: what it says, what it refuses."""

import numpy as np
import pytest

from lyra_sim.splat_files.reading import read_splats
from tests.command_line import lyra_sim
from tests.splat_files.clouds import cloud, columns_of, write_columns


@pytest.fixture
def source(tmp_path):
    columns = columns_of(cloud(60)) | {"semantic": np.zeros(60, np.float32)}
    columns |= {f"f_rest_{i}": np.full(60, 0.1, np.float32) for i in range(24)}
    columns["opacity"] = np.where(np.arange(60) == 4, np.nan, columns["opacity"]).astype(np.float32)
    return write_columns(tmp_path / "in.ply", columns)


@pytest.mark.parametrize("name", ["out.ply", "out.compressed.ply", "out.spz", "out.sog", "parts/meta.json", "out.splat"])
def test_it_writes_what_the_name_says_and_tells_what_was_left_out(tmp_path, source, capsys, name):
    code, shown = lyra_sim(["convert", str(source), str(tmp_path / name)], capsys)
    assert code == 0 and "60" not in shown.partition("\n")[0] and "59 splats, harmonics of degree 2" in shown
    assert "1 splats with values that aren't numbers left out" in shown and "properties a splat (semantic)" in shown
    assert ("lost   harmonics" in shown) == (name == "out.splat")
    assert len(read_splats(tmp_path / name).splats) == 59


def test_harmonics_are_cut_to_the_degree_asked_for(tmp_path, source, capsys):
    assert lyra_sim(["convert", str(source), str(tmp_path / "out.ply"), "--sh-degree", "1"], capsys)[0] == 0
    assert read_splats(tmp_path / "out.ply").splats.sh_degree == 1
    assert lyra_sim(["convert", str(source), str(tmp_path / "three.ply"), "--sh-degree", "3"], capsys)[0] == 0
    assert read_splats(tmp_path / "three.ply").splats.sh_degree == 2


def test_spz_versions(tmp_path, source, capsys):
    for version in ("2", "3", "4"):
        path = tmp_path / f"{version}.spz"
        code, shown = lyra_sim(["convert", str(source), str(path), "--spz-version", version], capsys)
        assert code == 0 and ("thin walls lean" in shown) == (version == "2")
        assert read_splats(path).notes.format == f"SPZ {version}"


def test_nothing_is_overwritten_unasked(tmp_path, source, capsys):
    (tmp_path / "out.spz").write_bytes(b"mine")
    code, shown = lyra_sim(["convert", str(source), str(tmp_path / "out.spz")], capsys)
    assert code == 2 and "exists already" in shown and (tmp_path / "out.spz").read_bytes() == b"mine"
    assert lyra_sim(["convert", str(source), str(tmp_path / "out.spz"), "--overwrite"], capsys)[0] == 0


@pytest.mark.parametrize(("source_name", "target", "code"), [("none.ply", "out.ply", 3), ("in.ply", "out.glb", 2)])
def test_what_it_refuses(tmp_path, source, capsys, source_name, target, code):
    assert lyra_sim(["convert", str(tmp_path / source_name), str(tmp_path / target)], capsys)[0] == code
    assert {path.name for path in tmp_path.iterdir()} == {"in.ply"}
