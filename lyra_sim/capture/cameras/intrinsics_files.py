"""Intrinsics that lie beside camera files: JSON of several tools, or a matrix as text."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from lyra_sim.data.files import read_json
from lyra_sim.errors import InputError

MOST_BYTES = 1 << 20
"""Of a file of intrinsics, which holds a dozen numbers. Convention."""


@dataclass(frozen=True, kw_only=True)
class Intrinsics:
    """One pinhole with optional distortion, in the pixel centres of the file it came from."""

    K: Float64[np.ndarray, "3 3"]
    width: int
    height: int
    distortion: Float64[np.ndarray, "4"]
    """k1, k2, p1, p2 of the OpenCV (Brown 1971) model."""
    usual: bool = False
    """A recorder's own, of all its frames: what its camera file tells frame by frame counts before them."""


def read_intrinsics(path: Path, *, size: tuple[int, int] | None = None) -> Intrinsics:
    """One pinhole for all cameras of a file that carries none.

    Read are JSON with ``width, height, fx, fy, cx, cy`` and optional ``k1, k2, p1, p2``; the same under ``camera``, as in
    Replica's ``cam_params.json``; Open3D's ``intrinsic_matrix``, column by column; and 3x3 or 4x4 numbers as text (ScanNet,
    Stray Scanner), which tell no size.

    Args:
        path: The file, told by its suffix: ``.json``, else text.
        size: Width and height [px] for a file that tells none.

    Raises:
        InputError: It is missing, malformed, or tells no size and none is given.
    """
    if path.is_file() and path.stat().st_size > MOST_BYTES:
        raise InputError(str(path), f"{path.stat().st_size} bytes", expected="a file of intrinsics, at most 1 MB")
    if path.suffix.lower() != ".json":
        return _from_matrix(path, size)
    facts = read_json(path)
    try:
        facts = facts.get("camera", facts)
        K = _K_of(facts)
        distortion = np.array([facts.get(name, 0.0) for name in ("k1", "k2", "p1", "p2")], np.float64)
        width, height = int(facts["width"] if "width" in facts else facts["w"]), int(facts.get("height", facts.get("h")))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(str(path), f"missing or malformed {error}", expected="width, height, fx, fy, cx, cy") from error
    return _checked(Intrinsics(K=K, width=width, height=height, distortion=distortion), path)


def _K_of(facts: dict[str, Any]) -> Float64[np.ndarray, "3 3"]:
    if "intrinsic_matrix" in facts:
        return np.array(facts["intrinsic_matrix"], np.float64).reshape(3, 3).T
    return np.array([[facts["fx"], 0, facts["cx"]], [0, facts["fy"], facts["cy"]], [0, 0, 1]], np.float64)


def _from_matrix(path: Path, size: tuple[int, int] | None) -> Intrinsics:
    expected = "a 3x3 or 4x4 matrix of intrinsics"
    try:
        rows = path.read_text(encoding="utf-8").replace(",", " ").split("\n")
        matrix = np.array([[float(x) for x in row.split()] for row in rows if row.strip()], np.float64)
    except FileNotFoundError as error:
        raise InputError(str(path), "the file is missing", expected=expected) from error
    except ValueError as error:
        raise InputError(str(path), f"not a matrix ({error})", expected=expected) from error
    if matrix.shape not in ((3, 3), (4, 4)):
        raise InputError(str(path), f"numbers of shape {matrix.shape}", expected=expected)
    if size is None:
        raise InputError(
            str(path),
            "a matrix tells no width and height",
            expected="the size of the images it belongs to",
            next_step="Give a JSON with width, height, fx, fy, cx, cy.",
        )
    K = np.array(matrix[:3, :3])
    K[0, 1] = 0.0  # no camera that is read here has a skew
    return _checked(Intrinsics(K=K, width=size[0], height=size[1], distortion=np.zeros(4)), path)


def _checked(found: Intrinsics, path: Path) -> Intrinsics:
    fx, fy = found.K[0, 0], found.K[1, 1]
    sound = np.isfinite(found.K).all() and np.isfinite(found.distortion).all() and min(fx, fy, found.width, found.height) > 0
    if not sound:
        raise InputError(
            str(path),
            f"fx {fx:g}, fy {fy:g}, {found.width}x{found.height} pixels",
            expected="finite intrinsics, with focal lengths and a size above 0",
        )
    return found
