"""Another's tool is the judge: what splat-transform wrote is read as it was meant, and what we write it reads as we do."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from lyra_sim.data.splats import Splats
from lyra_sim.splat_files.reading import read_splats
from lyra_sim.splat_files.writing import write_splats
from tests.splat_files.clouds import cloud, degrees_apart, matched

MADE = Path(__file__).parent / "made_by_splat_transform"
TOOL = shutil.which("splat-transform")


def assert_alike(a: Splats, b: Splats, *, place: float, degrees: float, scale: float, opacity: float, harmonics: float) -> None:
    b = b.select(matched(a, b))
    assert np.abs(a.means - b.means).max() <= place
    assert degrees_apart(a.quats_wxyz, b.quats_wxyz).max() <= degrees
    assert np.abs(a.log_scales - b.log_scales).max() <= scale
    assert np.abs(a.opacities - b.opacities).max() <= opacity
    assert a.sh_degree == b.sh_degree and np.abs(a.sh_coeffs - b.sh_coeffs).max() <= harmonics


@pytest.mark.written_by("splat-transform")
@pytest.mark.parametrize(
    ("name", "described", "antialiased", "limits"),
    [
        ("made.compressed.ply", "compressed PLY", None, (3.1e-3, 0.25, 3e-3, 2e-3, 0.02)),
        (
            "made_v3.spz",
            "SPZ 3",
            False,
            (1.3e-4, 0.35, 0.032, 2e-3, 0.15),
        ),  # it keeps harmonics to five bits, as the library does
        ("made_v4_antialiased.spz", "SPZ 4", True, (1.3e-4, 0.35, 0.032, 2e-3, 0.15)),
        ("made_antialiased.sog", "SOG 2", True, (3e-4, 1.5, 0.05, 4e-3, 0.5)),
    ],
)
def test_its_files_are_read_as_meant(name, described, antialiased, limits):
    read, source = read_splats(MADE / name), read_splats(MADE / "source.ply").splats
    assert read.notes.format == described and read.antialiased is antialiased and not read.notes.left_out
    place, degrees, scale, opacity, harmonics = limits
    assert_alike(source, read.splats, place=place, degrees=degrees, scale=scale, opacity=opacity, harmonics=harmonics)


@pytest.mark.written_by("splat-transform")
@pytest.mark.nightly
@pytest.mark.skipif(TOOL is None, reason="splat-transform isn't installed (npm install -g @playcanvas/splat-transform@3.7.0)")
@pytest.mark.parametrize("degree", [0, 1, 2, 3])
@pytest.mark.parametrize("name", ["a.ply", "a.compressed.ply", "2.spz", "3.spz", "4.spz", "a.sog", "meta.json", "a.splat"])
def test_it_reads_our_files_as_we_do(tmp_path, name, degree):
    path = tmp_path / name
    write_splats(cloud(700, degree=degree), path, antialiased=True, spz_version=int(name[0]) if name[0].isdigit() else 3)
    subprocess.run([str(TOOL), "-q", str(path), str(tmp_path / "out.ply")], check=True)
    ours, theirs = read_splats(path), read_splats(tmp_path / "out.ply")
    degrees = 1.0 if name == "a.splat" else 1e-3  # it takes the middle of a byte's step, the format's own viewer the lower end
    assert_alike(ours.splats, theirs.splats, place=2e-6, degrees=degrees, scale=1e-5, opacity=2.1e-3, harmonics=1e-5)
    assert theirs.antialiased is (True if name != "a.splat" else None)


@pytest.mark.nightly
@pytest.mark.skipif(TOOL is None, reason="splat-transform isn't installed (npm install -g @playcanvas/splat-transform@3.7.0)")
@pytest.mark.parametrize("name", ["a.compressed.ply", "a.spz", "a.sog", "meta.json"])
def test_we_read_its_files_as_it_does(tmp_path, name):
    cloud(3000, degree=2).save_ply(tmp_path / "source.ply")
    (tmp_path / "made").mkdir()
    made = tmp_path / "made" / name
    subprocess.run([str(TOOL), "-q", "-g", "cpu", str(tmp_path / "source.ply"), str(made)], check=True)
    subprocess.run([str(TOOL), "-q", str(made), str(tmp_path / "out.ply")], check=True)
    ours, theirs = read_splats(made), read_splats(tmp_path / "out.ply")
    assert_alike(ours.splats, theirs.splats, place=2e-6, degrees=1e-3, scale=1e-5, opacity=2.1e-3, harmonics=1e-5)
