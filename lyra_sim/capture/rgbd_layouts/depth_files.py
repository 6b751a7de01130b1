"""Depth of several file formats as 16-bit counts at the colour image's size."""

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64, Shaped, UInt16

from lyra_sim.capture.intake.images import open_image, read_depth_counts
from lyra_sim.capture.rgbd_layouts.exr import read_exr
from lyra_sim.errors import InputError

SUFFIXES = (".png", ".npy", ".tiff", ".tif", ".exr")
UNREAD = (".pfm", ".npz", ".raw", ".bin", ".h5", ".jpg", ".jpeg")
"""Depth files of other tools that are named when they are refused."""
SAME_SHAPE = 0.01
"""Width over height of colour and depth may differ by this fraction: ScanNet's 1296x968 and 640x480 do by 0.4 %. Convention."""
COUNTS = 65535
"""Most that a 16-bit image holds. Derived."""


def list_depths(folder: Path, *, max_count: int, without: Collection[Path] = ()) -> tuple[Path, ...]:
    """Depth files of a folder by name; EXR where there are no others, which may be what it was made into, or a preview.

    Args:
        folder: Where they lie.
        max_count: Cap.
        without: Files that are something else.

    Raises:
        InputError: The folder is missing, holds none, several formats of them, or too many.
    """
    if not folder.is_dir():
        raise InputError(
            str(folder),
            "the folder is missing",
            expected="a folder of depth images",
            next_step="Check the path; it is relative to the scene file.",
        )
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    readable = [path for path in files if path.suffix.lower() in SUFFIXES and path not in without]
    found = [path for path in readable if path.suffix.lower() != ".exr"] or readable
    if not found:
        unread = next((path.suffix.lower() for path in files if path.suffix.lower() in UNREAD), None)
        raise InputError(
            str(folder),
            "no depth in it" if unread is None else f"depth in {unread} files, which aren't read",
            expected="16-bit PNG, or .npy, .tiff or .exr with floats",
            next_step=None if unread is None else "Write each as numpy.save(name, depth), a float32 array of metres (h, w).",
        )
    if len(found) > max_count:
        raise InputError(
            str(folder),
            f"{len(found)} depth images",
            expected=f"at most {max_count}",
            next_step="Raise capture.max_views, or thin the sequence.",
        )
    return tuple(found)


def is_float(path: Path, *, max_pixels: int) -> bool:
    """Whether a depth file holds numbers with fractions: metres, unless its unit is stated."""
    return _values(path, max_pixels).dtype.kind == "f"


@dataclass(kw_only=True)
class DepthReader:
    """Reads depth as 16-bit counts of one length."""

    unit: float
    """Length of the files' own unit [m]."""
    floats: bool
    """The files hold fractions of it."""
    farthest: float
    """Fractions beyond this count as not measured [m]."""
    max_pixels: int
    depth_K: Float64[np.ndarray, "3 3"] | None
    low_confidence: int = 0
    """Pixels dropped for it so far."""
    measured: int = 0
    """Pixels with depth so far, before low confidence was dropped."""
    sizes: set[tuple[int, int]] = field(default_factory=set)
    """Width and height of depth images that were scaled to the colour's [px]."""

    @property
    def metres_per_count(self) -> float:
        """Of what is written: the files' own for counts; for fractions as fine as the farthest depth allows."""
        return 1.01 * self.farthest / COUNTS if self.floats else self.unit

    def counts(
        self, path: Path, confidence: Path | None, *, K: Float64[np.ndarray, "3 3"], size: tuple[int, int]
    ) -> UInt16[np.ndarray, "h w"]:
        """Depth as counts at the colour image's size, nearest neighbour; 0 where nothing was measured.

        Args:
            path: The depth file.
            confidence: Image of the same size whose zeros are dropped.
            K: Of the colour camera [px].
            size: Height and width of the colour image.

        Raises:
            InputError: The file is broken, holds other numbers than the first one, or another shape of view than the colour.
        """
        values = _values(path, self.max_pixels)
        if (values.dtype.kind == "f") != self.floats:
            found, expected = ("whole numbers", "fractions") if self.floats else ("fractions", "whole numbers")
            raise InputError(str(path), f"{found} in it", expected=f"{expected}, as in the first file")
        if self.floats:
            with np.errstate(invalid="ignore"):
                known = (values > 0) & (values <= self.farthest / self.unit)
            counts = np.zeros(values.shape, np.uint16)
            counts[known] = np.round(values[known] * (self.unit / self.metres_per_count))
        else:
            counts, known = values.copy(), values > 0
        self.measured += int(known.sum())
        if confidence is not None:
            low = _low(confidence, values.shape, self.max_pixels) & known
            self.low_confidence += int(low.sum())
            counts[low] = 0
        deep, wide = len(counts), len(counts[0])
        if (deep, wide) == size and self.depth_K is None:
            return counts
        self.sizes.add((wide, deep))
        return self._at_colour(counts, path, K, size)

    def _at_colour(
        self, counts: UInt16[np.ndarray, "dh dw"], path: Path, K: Float64[np.ndarray, "3 3"], size: tuple[int, int]
    ) -> UInt16[np.ndarray, "h w"]:
        """Nearest, because depth must not be mixed across an edge."""
        (height, width), (deep, wide) = size, counts.shape
        v, u = np.arange(height) + 0.5, np.arange(width) + 0.5
        if self.depth_K is None:
            if abs(wide * height / (deep * width) - 1) > SAME_SHAPE:
                raise InputError(
                    str(path),
                    f"{wide}x{deep} pixels, another shape of view than the colour's {width}x{height}",
                    expected="depth registered to the colour image, or of the same field of view",
                    next_step="Resample the depth to the colour camera first.",
                )
            row, column = v * deep / height, u * wide / width
        else:
            own = self.depth_K
            row = (v - K[1, 2]) / K[1, 1] * own[1, 1] + own[1, 2] + 0.5
            column = (u - K[0, 2]) / K[0, 0] * own[0, 0] + own[0, 2] + 0.5
        rows, columns = _inside(row, deep), _inside(column, wide)
        at_colour = counts[np.ix_(np.maximum(rows, 0), np.maximum(columns, 0))]
        at_colour[rows < 0] = 0
        at_colour[:, columns < 0] = 0
        return at_colour


def _inside(at: Float64[np.ndarray, "n"], count: int) -> Int64[np.ndarray, "n"]:
    """Pixel that each place lies in; -1 outside."""
    pixel = np.floor(at).astype(np.int64)
    return np.where((pixel >= 0) & (pixel < count), pixel, -1)


def _low(path: Path, shape: tuple[int, ...], max_pixels: int) -> Shaped[np.ndarray, "h w"]:
    """Where a confidence image is 0, the lowest of ARKit's three levels."""
    levels = read_depth_counts(path, max_pixels=max_pixels)
    if levels.shape != shape:
        raise InputError(
            str(path),
            f"{levels.shape[1]}x{levels.shape[0]} pixels",
            expected=f"{shape[1]}x{shape[0]} as its depth",
        )
    return np.asarray(levels == 0)


def _values(path: Path, max_pixels: int) -> Shaped[np.ndarray, "h w"]:
    """As stored: uint16 counts, or fractions."""
    suffix = path.suffix.lower()
    if suffix == ".png":
        return read_depth_counts(path, max_pixels=max_pixels)
    if suffix == ".exr":
        values = read_exr(path, max_pixels=max_pixels)
    else:
        values = _array(path, max_pixels) if suffix == ".npy" else _tiff(path, max_pixels)
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[:, :, 0]
    if values.ndim != 2 or not values.size or values.dtype.kind not in "fiu":
        raise InputError(
            str(path), f"{values.dtype} of shape {values.shape}", expected="one channel of numbers, height by width"
        )
    if values.dtype.kind == "f":
        return np.asarray(values, np.float32)
    if values.min() < 0 or values.max() > COUNTS:
        raise InputError(str(path), f"counts from {values.min()} to {values.max()}", expected=f"0..{COUNTS}")
    return np.asarray(values, np.uint16)


def _array(path: Path, max_pixels: int) -> Shaped[np.ndarray, "..."]:
    """Mapped, so that a header that lies allocates nothing."""
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as error:
        raise InputError(str(path), "the file is missing", expected="an array of depth") from error
    except (ValueError, OSError, EOFError, TypeError, SyntaxError, OverflowError) as error:
        raise InputError(
            str(path),
            f"not a readable array ({error})",
            expected="a plain .npy of numbers",
            likely="The file is truncated, or holds pickled objects, which are never loaded.",
        ) from error
    if not isinstance(values, np.ndarray):
        raise InputError(str(path), "an archive of arrays", expected="one array, as numpy.save writes it")
    if values.size > max_pixels:
        raise InputError(str(path), f"{values.size} numbers", expected=f"at most {max_pixels} pixels")
    return values


def _tiff(path: Path, max_pixels: int) -> Shaped[np.ndarray, "..."]:
    try:
        with open_image(path, max_pixels=max_pixels, formats=("TIFF",)) as image:
            if image.mode not in ("F", "I;16", "I;16B", "I"):
                raise InputError(str(path), f"image mode {image.mode}", expected="one channel of floats or 16-bit counts")
            return np.asarray(image)
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(
            str(path), f"can't be decoded ({error})", expected="a whole TIFF", likely="The file is truncated."
        ) from error
