"""Pages with one marker each, at true size: a PDF of plain rectangles and text, and the same as a PNG.

Beside the marker stand what it is in words, and a ruler: printers shrink pages to fit unless told otherwise, and whoever states
the size of a marker has to have measured it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from lyra_sim.errors import SpecError
from lyra_sim.scene.sources import MarkerDictionary

Paper = Literal["a4", "letter"]
PAPERS: dict[Paper, tuple[float, float]] = {"a4": (0.210, 0.297), "letter": (0.2159, 0.2794)}
"""Width and height [m] (ISO 216; ANSI/ASME Y14.1). Convention."""
POINT = 0.0254 / 72
"""PDF's unit [m] (ISO 32000). Derived."""
TOP, GAP, RULER = 0.004, 0.006, 0.100
"""Above the white rim, between rim, ruler and text, and length of the ruler [m]. Convention."""
TEXT = 0.0035
"""Height of a line of text [m]; lines stand half as far apart again. Convention."""
BELOW = GAP + 0.012 + GAP + 4 * 1.5 * TEXT + TOP
"""Height that ruler and text take [m]. Derived."""
DPI = 300
"""Of the PNG, which says so. Convention."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """What is drawn: black rectangles and lines of text, in metres from the page's top left."""

    paper: Paper
    boxes: tuple[tuple[float, float, float, float], ...]
    """(x, y, width, height)"""
    texts: tuple[tuple[float, float, str], ...]
    """(x, baseline y, text)"""


def page_of(marker: int, *, size: float, dictionary: MarkerDictionary, paper: Paper) -> Page:
    """One marker with its white rim, a ruler, and what it is.

    Args:
        marker: Its id.
        size: Edge of the black square [m].
        dictionary: Of OpenCV.
        paper: It is printed on.

    Raises:
        SpecError: The dictionary has no such id, or the marker doesn't fit the paper.
    """
    import cv2

    known = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, dictionary))
    if not 0 <= marker < len(known.bytesList):
        raise SpecError(f"--id {marker}", f"{dictionary} has no such marker", expected=f"0..{len(known.bytesList) - 1}")
    modules = known.markerSize + 2
    width, height = PAPERS[paper]
    rim = size / modules
    fits = min(width - 2 * TOP, height - TOP - BELOW) / (1 + 2 / modules)
    if not 0 < size <= fits:
        raise SpecError(
            f"--size {size:g}",
            f"with its white rim it takes {1000 * (size + 2 * rim):.0f} mm, which {paper} has no room for",
            expected=f"more than 0, at most {int(1000 * fits) / 1000:g} m",
            likely="The size is in metres.",
        )
    left, top = (width - size) / 2, TOP + rim
    ink = known.generateImageMarker(marker, modules) < 128
    boxes = [_run(row, start, end, left, top, rim) for row in range(modules) for start, end in _runs(ink[row])]
    ruler_top = top + size + rim + GAP
    start = (width - RULER) / 2
    boxes.append((start, ruler_top + 0.006, RULER, 0.0003))
    for millimetre in range(int(1000 * RULER) + 1):
        long = 0.006 if millimetre % 10 == 0 else 0.004 if millimetre % 5 == 0 else 0.0025
        boxes.append((start + millimetre / 1000 - 0.0001, ruler_top + 0.006 - long, 0.0002, long))
    said = (
        f"{dictionary}, id {marker}: the black square is {1000 * size:g} mm wide ({size:g} m)",
        f"Print at 100 % (actual size). The ruler must be {1000 * RULER:g} mm long; else measure the square and state that.",
        "Keep the white rim. Glue it to something flat; photograph it from several sides, from up to "
        f"{round(30 * size, 1):g} m away.",
        f"scale: {{markers: {{size: {size:g}, dictionary: {dictionary}}}}}",
    )
    first = ruler_top + 0.012 + GAP
    texts = tuple((TOP + 0.012, first + 1.5 * TEXT * line, text) for line, text in enumerate(said))
    return Page(paper=paper, boxes=tuple(boxes), texts=texts)


def _runs(ink: np.ndarray) -> list[tuple[int, int]]:
    """Where black begins and ends along a row."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], ink.astype(int), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _run(row: int, start: int, end: int, left: float, top: float, rim: float) -> tuple[float, float, float, float]:
    return left + start * rim, top + row * rim, (end - start) * rim, rim


def pdf(pages: Sequence[Page]) -> bytes:
    """A PDF 1.6 that asks viewers not to scale it when it is printed; equal pages give equal bytes."""
    kids = " ".join(f"{4 + 2 * index} 0 R" for index in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R /ViewerPreferences << /PrintScaling /None >> >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for index, page in enumerate(pages):
        width, height = PAPERS[page.paper]
        drawn = [
            f"{x / POINT:.4f} {(height - y - tall) / POINT:.4f} {wide / POINT:.4f} {tall / POINT:.4f} re"
            for x, y, wide, tall in page.boxes
        ]
        drawn += ["f", f"BT /F1 {TEXT / POINT:.2f} Tf"]
        drawn += [f"1 0 0 1 {x / POINT:.4f} {(height - y) / POINT:.4f} Tm ({_escaped(text)}) Tj" for x, y, text in page.texts]
        content = "\n".join([*drawn, "ET"])
        box = f"[0 0 {width / POINT:.4f} {height / POINT:.4f}]"
        resources = "<< /Font << /F1 3 0 R >> >>"
        number = 5 + 2 * index
        objects.append(f"<< /Type /Page /Parent 2 0 R /MediaBox {box} /Resources {resources} /Contents {number} 0 R >>")
        objects.append(f"<< /Length {len(content)} >>\nstream\n{content}\nendstream")
    written, places = bytearray(b"%PDF-1.6\n"), []
    for number, body in enumerate(objects, start=1):
        places.append(len(written))
        written += f"{number} 0 obj\n{body}\nendobj\n".encode("ascii")
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    start = len(written)
    written += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}".encode("ascii")
    written += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode("ascii")
    return bytes(written)


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def png(page: Page) -> bytes:
    """The page as an image of 300 dpi, which it says."""
    dot = 0.0254 / DPI
    width, height = PAPERS[page.paper]
    image = Image.new("L", (round(width / dot), round(height / dot)), 255)
    draw = ImageDraw.Draw(image)
    for x, y, wide, tall in page.boxes:
        left, top = round(x / dot), round(y / dot)
        draw.rectangle((left, top, max(round((x + wide) / dot) - 1, left), max(round((y + tall) / dot) - 1, top)), fill=0)
    font = ImageFont.load_default(TEXT / dot)
    for x, y, text in page.texts:
        draw.text((x / dot, y / dot), text, font=font, fill=0, anchor="ls")
    stream = BytesIO()
    image.save(stream, "PNG", dpi=(DPI, DPI))
    return stream.getvalue()
