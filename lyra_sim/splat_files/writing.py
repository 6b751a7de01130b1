"""Writes splats as the kind of file that a name asks for, and says what that kind can't hold."""

import shutil
import tempfile
from pathlib import Path

import numpy as np

from lyra_sim.conventions import rgb_from_sh_dc
from lyra_sim.data.splats import Splats
from lyra_sim.errors import SpecError
from lyra_sim.splat_files.compressed_ply import REACH, write_compressed_ply
from lyra_sim.splat_files.dot_splat import write_dot_splat
from lyra_sim.splat_files.ply import write_ply
from lyra_sim.splat_files.raw_splats import Kind
from lyra_sim.splat_files.sog_files import META
from lyra_sim.splat_files.sog_writing import write_sog
from lyra_sim.splat_files.spz import COLOUR_SCALE, VERSIONS, write_spz

SUFFIXES: dict[str, Kind] = {
    ".compressed.ply": "compressed PLY",
    ".ply": "3DGS PLY",
    ".spz": "SPZ",
    ".sog": "SOG",
    META: "SOG",
    ".splat": ".splat",
}
"""How a name ends, the longer endings first."""


def kind_of_name(path: Path) -> Kind:
    """The kind of file that a name asks for.

    Raises:
        SpecError: None that is written.
    """
    for suffix, kind in SUFFIXES.items():
        if path.name.lower().endswith(suffix) and (suffix != META or path.name == META):
            return kind
    raise SpecError(str(path), f"nothing is written as '{path.suffix or path.name}'", expected=", ".join(SUFFIXES))


def write_splats(splats: Splats, path: Path, *, antialiased: bool | None = None, spz_version: int = 3) -> tuple[str, ...]:
    """Write a file, or for ``meta.json`` a folder's files; the name is taken only when all is written.

    Args:
        splats: What to write, in the frame it has.
        path: Its name says the kind.
        antialiased: As it was read; kept where the kind has a place for it.
        spz_version: 2, 3 or 4; readers of 4 are few.

    Returns:
        What the kind of file can't hold of these splats.

    Raises:
        SpecError: The name says no kind that is written, or there is no such version.
    """
    kind = kind_of_name(path)
    if spz_version not in VERSIONS:
        raise SpecError(f"SPZ version {spz_version}", "there is no such version", expected=", ".join(map(str, VERSIONS)))
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".writing-", dir=path.parent) as folder:
        made = Path(folder) / path.name
        match kind:
            case "3DGS PLY":
                write_ply(splats, made, antialiased=antialiased)
            case "compressed PLY":
                write_compressed_ply(splats, made, antialiased=antialiased)
            case "SPZ":
                write_spz(splats, made, antialiased=antialiased, version=spz_version)
            case "SOG":
                write_sog(splats, made, antialiased=antialiased)
            case ".splat":
                write_dot_splat(splats, made, antialiased=antialiased)
        for file in sorted(
            Path(folder).iterdir(), key=lambda file: file.name == path.name
        ):  # the one that names the others last
            shutil.move(file, path.parent / file.name)
    return _lost(splats, kind, antialiased, spz_version)


def _lost(splats: Splats, kind: Kind, antialiased: bool | None, spz_version: int) -> tuple[str, ...]:
    lost = []
    if kind == ".splat" and splats.sh_degree:
        lost.append(f"harmonics of degree 1 to {splats.sh_degree}: colours don't change with the direction any more")
    if kind == ".splat" and antialiased:
        lost.append("the mark that they were trained with antialiasing")
    if kind == "SPZ" and spz_version == 2:
        lost.append("rotations by up to 12°: thin walls lean; versions 3 and 4 keep them to a quarter of a degree")
    for what, values, (low, high) in _ranges(splats, kind):
        cut = int(((values < low) | (values > high)).reshape(len(splats), -1).any(axis=1).sum())
        if cut:
            lost.append(f"{what} beyond {low:.3g} to {high:.3g} of {cut} splats, which became the nearest of these")
    return tuple(lost)


def _ranges(splats: Splats, kind: Kind) -> tuple[tuple[str, np.ndarray, tuple[float, float]], ...]:
    """What a kind of file keeps within bounds that are the format's own."""
    colour = ("colours", rgb_from_sh_dc(splats.sh_coeffs[:, 0]), (-0.002, 1.002))
    if kind == ".splat":
        return (colour,)
    if kind == "compressed PLY":
        return (("harmonics", splats.sh_coeffs[:, 1:], (-REACH, REACH)),)
    if kind == "SPZ":
        dc = ("first harmonics", splats.sh_coeffs[:, 0], (-0.5 / COLOUR_SCALE, 0.5 / COLOUR_SCALE))
        rest = ("harmonics", splats.sh_coeffs[:, 1:], (-1.0, 1.0))
        return dc, rest, ("log scales", splats.log_scales, (-10.0, 255 / 16 - 10))
    return ()
