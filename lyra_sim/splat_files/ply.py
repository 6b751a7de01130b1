"""The PLY of 3DGS (Kerbl et al. 2023) and of those that came after it: what each of their properties changes in the others.

Mip-Splatting (Yu et al. 2024) keeps beside the raw values the size ``filter_3D`` [frame units] that each splat is widened by
when it is drawn: scale sqrt(s² + f²), opacity times sqrt(prod s² / prod (s² + f²)). Read without it, sheets that hardly show
are walls. 2DGS (Huang et al. 2024) has two scales, for its splats are discs. nerfstudio may write bytes ``red green
blue`` instead of the first harmonic.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float32

from lyra_sim.conventions import sh_dc_from_rgb
from lyra_sim.data.given import LeftOut
from lyra_sim.data.splats import Splats
from lyra_sim.errors import InputError
from lyra_sim.splat_files.limits import check_count
from lyra_sim.splat_files.ply_header import PlyElement, PlyHeader, read_tables
from lyra_sim.splat_files.raw_splats import RawSplats

MOST_COEFFICIENTS = 16
"""Degree 3; what is beyond is left out. Derived."""
DEGREES = {0: 0, 9: 1, 24: 2, 45: 3, 72: 4}
"""Degree by the number of ``f_rest`` properties."""
RGB = ("red", "green", "blue")
UNUSED = ("nx", "ny", "nz")
"""Placeholders that 3DGS writes as zeros and nobody reads."""


def says_antialiased(comments: tuple[str, ...]) -> bool | None:
    """By the comments of trainers: Brush's ``SplatRenderMode: mip``, Postshot's ``antialiased 1``; the last one counts."""
    answer = None
    for comment in comments:
        match comment.lower().replace(":", " ").split():
            case ["splatrendermode", mode]:
                answer = mode == "mip"
            case ["antialiased", number]:
                answer = number == "1"
    return answer


def read_ply(header: PlyHeader) -> RawSplats:
    """Splats of a PLY with one row a splat; property order and types are free.

    Raises:
        InputError: Properties without which there are no splats are missing, or the data is cut off.
    """
    path, vertex = header.path, header.element("vertex")
    if vertex is None or vertex.lists:
        raise InputError(str(path), "a PLY without a plain table of vertices", expected="a 3DGS PLY")
    degree, scales, colours = _understood(vertex, path)
    if any(one.lists and one.count for one in header.elements):
        raise InputError(
            str(path), "lists of numbers beside the splats", expected="a 3DGS PLY", likely="It holds faces as well."
        )
    check_count(vertex.count, str(path))
    table = read_tables(header)["vertex"]

    def take(*names: str) -> np.ndarray:
        with np.errstate(over="ignore", invalid="ignore"):
            return np.stack([table[name] for name in names], axis=1).astype(np.float32)

    remarks = []
    log_scales = take(*[f"scale_{axis}" for axis in range(scales)])
    if scales == 1:
        log_scales = np.repeat(log_scales, 3, axis=1)
        remarks.append("one scale: the splats are balls")
    logits = take("opacity")[:, 0]
    used = {"x", "y", "z", "opacity", *colours, *(f"scale_{axis}" for axis in range(scales)), *(f"rot_{i}" for i in range(4))}
    used |= {f"f_rest_{i}" for i in range(3 * ((degree + 1) ** 2 - 1))}
    if "filter_3D" in vertex.properties:
        log_scales, logits = widened(log_scales, logits, take("filter_3D")[:, 0])
        used.add("filter_3D")
        remarks.append("filter_3D (Mip-Splatting) was folded into scales and opacities")
    if scales == 2:
        log_scales = np.concatenate([log_scales, np.full((vertex.count, 1), -np.inf, np.float32)], axis=1)
        remarks.append("two scales (2DGS): the discs got a thin third axis")
    if colours == RGB:
        remarks.append("colours come from red, green, blue")
    left_out = _extras(vertex, used, table)
    if degree > 3:
        left_out += (LeftOut(what="harmonics of degree 4", count=27, why="degree 3 is the highest that is drawn"),)
    if len(header.elements) > 1:
        others = [one for one in header.elements if one.name != "vertex" and one.count]
        left_out += tuple(
            LeftOut(what=f"rows of element '{one.name}'", count=one.count, why="it isn't splats") for one in others
        )
    return RawSplats(
        means=take("x", "y", "z"),
        quats_wxyz=take("rot_0", "rot_1", "rot_2", "rot_3"),
        log_scales=log_scales,
        opacity_logits=logits,
        sh_coeffs=np.concatenate([_dc(table, vertex, colours)[:, None], _rest(table, degree)], axis=1),
        kind="3DGS PLY",
        antialiased=says_antialiased(header.comments),
        properties=(len(vertex.properties), len(used)),
        left_out=left_out,
        remarks=tuple(remarks),
    )


def widened(
    log_scales: Float32[np.ndarray, "n s"], logits: Float32[np.ndarray, "n"], filter_size: Float32[np.ndarray, "n"]
) -> tuple[Float32[np.ndarray, "n s"], Float32[np.ndarray, "n"]]:
    """What Mip-Splatting draws of raw values, as its authors export it: wider by ``filter_size``, and fainter by as much.

    Worked out in logarithms, so that neither a flat splat nor an opaque one leaves the range of numbers.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        raw, wider = log_scales.astype(np.float64), np.log(np.abs(filter_size.astype(np.float64)))
        new = 0.5 * np.logaddexp(2 * raw, 2 * wider[:, None])
        fainter = (raw - new).sum(axis=1)
        log_opacity = -np.logaddexp(0, -logits.astype(np.float64)) + fainter
        new_logits = log_opacity - np.log(-np.expm1(np.minimum(log_opacity, 0)))
    unchanged = filter_size == 0
    return (
        np.where(unchanged[:, None], log_scales, new).astype(np.float32),
        np.where(unchanged, logits, new_logits).astype(np.float32),
    )


def write_ply(splats: Splats, path: Path, *, antialiased: bool | None) -> None:
    """A 3DGS PLY, exact to the bit; the antialias flag as the comment that Brush and splat-transform read."""
    splats.save_ply(path, comments=("SplatRenderMode: mip",) if antialiased else ())


def _understood(vertex: PlyElement, path: Path) -> tuple[int, int, tuple[str, ...]]:
    """Harmonic degree, number of scales, and the properties that colours come from."""
    names = vertex.properties
    scales = next((n for n in (3, 2, 1) if all(f"scale_{axis}" in names for axis in range(n))), 0)
    dc = tuple(f"f_dc_{i}" for i in range(3))
    colours = dc if all(name in names for name in dc) else RGB
    needed = ["x", "y", "z", "opacity", "scale_0", "rot_0", "rot_1", "rot_2", "rot_3", *colours]
    missing = [name for name in needed if name not in names]
    if "scale_0" in missing and "opacity" in missing:
        raise InputError(
            str(path),
            f"a point cloud: {vertex.count} points, no property opacity, scale_0 …",
            expected="the 3DGS properties",
            likely="It is what splats are trained from, or a scan.",
            next_step="Train splats on the photos, or give a mesh under 'mesh'.",
        )
    if missing:
        raise InputError(
            str(path),
            f"a PLY with no property {', '.join(missing)}",
            expected="the 3DGS properties",
            likely="Another trainer's layout.",
        )
    rest = sum(name.startswith("f_rest_") for name in names)
    if rest not in DEGREES or any(f"f_rest_{i}" not in names for i in range(rest)):
        raise InputError(str(path), f"{rest} properties f_rest", expected="0, 9, 24, 45 or 72, numbered from 0")
    return DEGREES[rest], scales, colours


def _dc(table: np.ndarray, vertex: PlyElement, colours: tuple[str, ...]) -> Float32[np.ndarray, "n 3"]:
    values = np.stack([table[name] for name in colours], axis=1).astype(np.float32)
    if colours != RGB:
        return values
    whole = vertex.properties["red"].startswith(("u", "i")) or float(np.nanmax(values)) > 1
    return sh_dc_from_rgb(values / np.float32(255) if whole else values)


def _rest(table: np.ndarray, degree: int) -> Float32[np.ndarray, "n k 3"]:
    """The file holds all red coefficients, then all green, then all blue."""
    k, kept = (degree + 1) ** 2 - 1, min(MOST_COEFFICIENTS, (degree + 1) ** 2) - 1
    rest = np.zeros((len(table), kept, 3), np.float32)
    for channel in range(3):
        for i in range(kept):
            rest[:, i, channel] = table[f"f_rest_{channel * k + i}"]
    return rest


def _extras(vertex: PlyElement, used: set[str], table: np.ndarray) -> tuple[LeftOut, ...]:
    silent = {name for name in UNUSED if name in vertex.properties and not np.any(table[name])}
    extra = [name for name in vertex.properties if name not in used | silent]
    if not extra:
        return ()
    named = ", ".join(extra[:6]) + (" …" if len(extra) > 6 else "")
    return (LeftOut(what=f"properties a splat ({named})", count=len(extra), why="nothing here is known to depend on them"),)
