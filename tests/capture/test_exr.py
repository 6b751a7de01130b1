"""Depth in OpenEXR, written by the format's own library: read as floats, refused by name where it isn't one number a pixel."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from lyra_sim.capture.rgbd_layouts import exr
from lyra_sim.capture.rgbd_layouts.depth_files import is_float, list_depths
from lyra_sim.capture.rgbd_layouts.exr import read_exr
from lyra_sim.data.capture import Capture
from lyra_sim.errors import EnvironmentNotReady, InputError
from lyra_sim.scene.sources import RgbdSource
from lyra_sim.scene.spec import SceneSpec
from tests.capture.recorded_layouts import transforms, walk
from tests.scene_parts import captured

needs_exr = pytest.mark.skipif(importlib.util.find_spec("OpenEXR") is None, reason="OpenEXR (the extra exr) isn't installed")
MOST = 10**6


def depth() -> np.ndarray:
    return np.add.outer(np.arange(60.0), np.arange(80.0)).astype(np.float32) / 30 + 0.5


def write(file: Path, channels: dict[str, np.ndarray], **header) -> Path:
    import OpenEXR

    facts = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **header}
    OpenEXR.File(facts, channels).write(str(file))
    return file


@needs_exr
@pytest.mark.written_by("OpenEXR")
def test_depth_of_the_formats_own_library(tmp_path: Path) -> None:
    """A recording whose depth is EXR has the depth of the same one in .npy."""
    transforms(tmp_path / "scan", walk())
    facts = tmp_path / "scan" / "transforms.json"
    expected = recorded(tmp_path, "first")
    for file in sorted((tmp_path / "scan" / "depth").iterdir()):
        write(file.with_suffix(".exr"), {"Z": np.load(file)})
        file.unlink()
    facts.write_text(facts.read_text().replace(".npy", ".exr"))
    found = recorded(tmp_path, "second")
    assert "scan: depth read as metres: it has fractions" in found.told
    for index in range(len(expected.views)):
        np.testing.assert_array_equal(found.views.z_depth(index), expected.views.z_depth(index))


def recorded(folder: Path, out: str) -> Capture:
    spec = SceneSpec(name="room", rgbd=RgbdSource(folder=folder / "scan"), scale="metric", up="z")
    return captured(spec, folder / out)


@needs_exr
@pytest.mark.parametrize("compression", ["NO", "RLE", "ZIPS", "ZIP", "PIZ", "PXR24"])
@pytest.mark.parametrize("kind", [np.float32, np.float16])
def test_compressions_and_halves(tmp_path: Path, compression: str, kind: type) -> None:
    import OpenEXR

    how = getattr(OpenEXR, f"{compression}_COMPRESSION")
    file = write(tmp_path / "a.exr", {"V": depth().astype(kind)}, compression=how)
    assert is_float(file, max_pixels=MOST)
    np.testing.assert_allclose(read_exr(file, max_pixels=MOST), depth(), rtol=1e-3)


@needs_exr
def test_which_channel_is_depth(tmp_path: Path) -> None:
    z, other = depth(), depth()[::-1].copy()
    for names in (("Z", "A"), ("ViewLayer.Depth.Z", "ViewLayer.Combined.R"), ("Depth.V", "Normal.X")):
        assert (read_exr(write(tmp_path / "a.exr", dict(zip(names, (z, other), strict=True))), max_pixels=MOST) == z).all()
    assert (read_exr(write(tmp_path / "grey.exr", dict.fromkeys("RGB", z)), max_pixels=MOST) == z).all()
    for channels in (
        {"R": z, "G": other, "B": z},
        {"R": z, "G": z},
        {"Z": z, "Depth.Z": other},
        {"Normal.X": z, "Normal.Y": z},
    ):
        with pytest.raises(InputError, match="channels "):
            read_exr(write(tmp_path / "b.exr", channels), max_pixels=MOST)


@needs_exr
def test_headers_that_promise_too_much_or_something_else(tmp_path: Path) -> None:
    import OpenEXR

    file = write(tmp_path / "a.exr", {"Z": depth()})
    with pytest.raises(InputError, match="80x60 pixels"):
        read_exr(file, max_pixels=4799)
    content = file.read_bytes()
    at = content.index(b"dataWindow\0box2i\0") + len(b"dataWindow\0box2i\0") + 4
    for corner in ((2**31 - 1, 2**31 - 1), (99999, 99999), (-5, -5)):
        lie = bytearray(content)
        lie[at + 8 : at + 16] = np.array(corner, "<i4").tobytes()
        (tmp_path / "lie.exr").write_bytes(lie)
        with pytest.raises(InputError):
            read_exr(tmp_path / "lie.exr", max_pixels=MOST)
    (tmp_path / "crop.exr").write_bytes(content)
    window = (np.array([10, 10], np.int32), np.array([99, 99], np.int32))
    write(tmp_path / "crop.exr", {"Z": depth()}, displayWindow=window)
    with pytest.raises(InputError, match="a part of a picture"):
        read_exr(tmp_path / "crop.exr", max_pixels=MOST)
    parts = [OpenEXR.Part({}, {"Z": depth()}, name) for name in ("left", "right")]
    OpenEXR.File(parts).write(str(tmp_path / "two.exr"))
    with pytest.raises(InputError, match="2 parts"):
        read_exr(tmp_path / "two.exr", max_pixels=MOST)
    with pytest.raises(InputError, match="missing"):
        read_exr(tmp_path / "none.exr", max_pixels=MOST)
    (tmp_path / "text.exr").write_text("no picture")
    with pytest.raises(InputError, match="OpenEXR"):
        read_exr(tmp_path / "text.exr", max_pixels=MOST)


@needs_exr
def test_damage_is_told_and_never_half_read(tmp_path: Path) -> None:
    content = write(tmp_path / "a.exr", {"Z": depth()}).read_bytes()
    rng = np.random.default_rng(5)
    for _ in range(150):
        broken = bytearray(content)
        for place in rng.integers(0, len(content), 3):
            broken[place] = rng.integers(256)
        (tmp_path / "b.exr").write_bytes(broken[: rng.integers(40, len(content))] if rng.random() < 0.3 else broken)
        try:
            assert read_exr(tmp_path / "b.exr", max_pixels=MOST).shape == (60, 80)
        except InputError:
            pass


def test_without_the_library_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exr.importlib.util, "find_spec", lambda name: None)
    (tmp_path / "a.exr").write_bytes(b"\x76\x2f\x31\x01")
    with pytest.raises(EnvironmentNotReady, match=r"pip install 'lyra-sim\[exr\]'"):
        read_exr(tmp_path / "a.exr", max_pixels=MOST)


def test_exr_counts_where_there_is_nothing_else(tmp_path: Path) -> None:
    """Renderers write previews beside it, and people convert it: what was read before is read still."""
    for name in ("0.exr", "1.exr"):
        (tmp_path / name).touch()
    assert [path.name for path in list_depths(tmp_path, max_count=9)] == ["0.exr", "1.exr"]
    (tmp_path / "0.npy").touch()
    assert [path.name for path in list_depths(tmp_path, max_count=9)] == ["0.npy"]
    assert [path.name for path in list_depths(tmp_path, max_count=9, without=[tmp_path / "0.npy"])] == ["0.exr", "1.exr"]
