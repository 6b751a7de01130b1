"""What is printed is as long as it says, and is found again."""

import re
from io import BytesIO
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from lyra_sim.capture.markers.sheet import DPI, PAPERS, page_of, pdf, png
from lyra_sim.command.cli import app
from lyra_sim.errors import SpecError
from lyra_sim.scene.sources import MarkerDictionary, Markers

DEFAULT = Markers().dictionary


def test_every_dictionary_is_opencvs() -> None:
    theirs = {name for name in dir(cv2.aruco) if name.startswith("DICT_")}
    assert set(get_args(MarkerDictionary)) <= theirs
    assert {name.lower() for name in theirs} == {name.lower() for name in get_args(MarkerDictionary)}


@pytest.mark.parametrize("paper", list(PAPERS))
def test_the_picture_holds_the_marker_at_its_size(paper) -> None:
    with Image.open(BytesIO(png(page_of(7, size=0.16, dictionary=DEFAULT, paper=paper)))) as image:
        assert image.info["dpi"] == pytest.approx((DPI, DPI), abs=0.1)
        page = np.asarray(image)
    detector = cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, DEFAULT)))
    corners, ids, _ = detector.detectMarkers(page)
    assert np.ravel(ids).tolist() == [7]
    edges = np.linalg.norm(np.diff(corners[0][0], axis=0), axis=1) * 0.0254 / DPI
    assert edges == pytest.approx([0.16] * 3, abs=0.0003)


def test_the_pdf_draws_the_marker_at_its_size() -> None:
    """Its rectangles, read back, are those of the marker in points of 1/72 inch, and the ruler is 100 mm long."""
    written = pdf([page_of(7, size=0.16, dictionary=DEFAULT, paper="a4")])
    boxes = np.array(re.findall(rb"([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+) re", written), float) * 0.0254 / 72
    module = boxes[np.isclose(boxes[:, 3], 0.02)]
    left, right = module[:, 0].min(), (module[:, 0] + module[:, 2]).max()
    low, high = module[:, 1].min(), (module[:, 1] + module[:, 3]).max()
    assert (right - left, high - low) == pytest.approx((0.16, 0.16), abs=1e-6)
    ink = np.zeros((8, 8), np.uint8)
    for x, y, wide, _ in module:
        row, column = round((high - y) / 0.02) - 1, round((x - left) / 0.02)
        ink[row, column : column + round(wide / 0.02)] = 1
    drawn = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, DEFAULT)).generateImageMarker(7, 8)
    assert np.array_equal(ink == 1, drawn < 128)
    ticks = boxes[np.isclose(boxes[:, 2], 0.0002, atol=1e-6)]
    assert len(ticks) == 101 and np.ptp(ticks[:, 0]) == pytest.approx(0.1, abs=1e-6)
    for said in (b"/PrintScaling /None", b"id 7: the black square is 160 mm wide", b"Print at 100 %"):
        assert said in written


def test_the_pdf_is_sound() -> None:
    """Every object lies where the table says, every stream is as long as it says."""
    written = pdf([page_of(index, size=0.1, dictionary="DICT_4X4_50", paper="letter") for index in range(3)])
    start = int(re.search(rb"startxref\n(\d+)", written)[1])
    assert written[start:].startswith(b"xref\n0 10\n") and b"/Count 3" in written
    for number, place in enumerate(re.findall(rb"(\d{10}) 00000 n", written), start=1):
        assert written[int(place) :].startswith(b"%d 0 obj" % number)
    streams = re.findall(rb"/Length (\d+) >>\nstream\n(.*?)\nendstream", written, re.DOTALL)
    assert len(streams) == 3 and all(int(length) == len(content) for length, content in streams)


@pytest.mark.parametrize(
    ("how", "said"),
    [({"marker": 587}, "no such marker"), ({"size": 0.2}, "has no room for"), ({"size": 160.0}, "The size is in metres")],
)
def test_what_cannot_be_printed_is_refused(how: dict, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        page_of(**{"marker": 0, "size": 0.16, "dictionary": DEFAULT, "paper": "a4", **how})


def test_the_command_writes_and_says_what_to_state(tmp_path: Path) -> None:
    file = tmp_path / "sheet.pdf"
    done = CliRunner().invoke(app, ["marker", str(file), "--count", "2"], catch_exceptions=False)
    assert done.exit_code == 0 and "scale: {markers: {size: 0.16, dictionary: DICT_APRILTAG_36h11}}" in done.output
    assert file.read_bytes() == pdf([page_of(index, size=0.16, dictionary=DEFAULT, paper="a4") for index in range(2)])
    for arguments, said in (([file], "exists already"), ([tmp_path / "a.jpg"], "not a kind")):
        with pytest.raises(SpecError, match=said):
            CliRunner().invoke(app, ["marker", *map(str, arguments)], catch_exceptions=False)
