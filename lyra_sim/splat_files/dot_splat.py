"""``.splat``, the format of the first viewer in a browser: 32 bytes a splat and no header at all.

Three floats of position, three of standard deviation [both frame units], four bytes of colour and opacity, four of rotation.
Colours beyond 0..1 and all harmonics but the first are lost. With no header, a file is told by whether its numbers make sense.
"""

from pathlib import Path

import numpy as np

from lyra_sim.conventions import rgb_from_sh_dc, sh_dc_from_rgb
from lyra_sim.data.splats import Splats
from lyra_sim.errors import InputError
from lyra_sim.splat_files.limits import check_count
from lyra_sim.splat_files.opacity_bytes import bytes_of_logits, logits_of_bytes
from lyra_sim.splat_files.quaternion_packing import four_bytes, packed_four_bytes
from lyra_sim.splat_files.raw_splats import RawSplats

ROW = np.dtype([("mean", "<f4", 3), ("scale", "<f4", 3), ("rgba", "u1", 4), ("quat", "u1", 4)])
"""One splat. Convention."""
SAMPLE = 4096
"""Rows that are looked at. Convention."""
PLAUSIBLE = 0.99
"""Share of those whose numbers make sense, in a file that is taken for one. Tuned, unrecorded."""
FAR, LARGE, SMALL = 1e6, 1e5, 1e-12
"""Sensible positions and sizes [frame units]. Tuned, unrecorded."""


def looks_like_dot_splat(path: Path) -> bool:
    """Whether a file without a header holds such rows: whole ones, finite and near, of some size, with unit rotations."""
    size = path.stat().st_size
    if size == 0 or size % ROW.itemsize:
        return False
    table = np.memmap(path, ROW, "r")
    rows = table[np.unique(np.linspace(0, len(table) - 1, SAMPLE).astype(np.int64))]
    with np.errstate(invalid="ignore", over="ignore"):
        good = (np.abs(rows["mean"]) < FAR).all(axis=1) & ((rows["scale"] >= 0) & (rows["scale"] < LARGE)).all(axis=1)
        good &= rows["scale"].max(axis=1) > SMALL
        length = np.linalg.norm(four_bytes(np.ascontiguousarray(rows["quat"])), axis=1)
    good &= (length > 0.9) & (length < 1.1)
    return bool(good.mean() >= PLAUSIBLE)


def read_dot_splat(path: Path) -> RawSplats:
    """Splats of a ``.splat`` file.

    Raises:
        InputError: Its size is no multiple of a row's.
    """
    size = path.stat().st_size
    if size % ROW.itemsize:
        raise InputError(
            str(path),
            f"{size} bytes",
            expected=f"a multiple of {ROW.itemsize}, one row a splat",
            likely="The file is truncated.",
        )
    check_count(size // ROW.itemsize, str(path))
    table = np.memmap(path, ROW, "r")
    with np.errstate(divide="ignore", invalid="ignore"):
        log_scales = np.log(table["scale"]).astype(np.float32)
    rgba = np.ascontiguousarray(table["rgba"])
    return RawSplats(
        means=np.array(table["mean"], np.float32),
        quats_wxyz=four_bytes(np.ascontiguousarray(table["quat"])),
        log_scales=log_scales,
        opacity_logits=logits_of_bytes(rgba[:, 3]),
        sh_coeffs=sh_dc_from_rgb(rgba[:, :3].astype(np.float32) / np.float32(255))[:, None],
        kind=".splat",
    )


def write_dot_splat(splats: Splats, path: Path, *, antialiased: bool | None) -> None:
    """Most visible splats first (size times opacity), as viewers that stop early expect. ``antialiased`` has no place here."""
    weight = splats.log_scales.astype(np.float64).sum(axis=1) + np.log(np.maximum(splats.opacities, 1e-12))
    order = np.argsort(-weight, kind="stable")
    table = np.zeros(len(order), ROW)
    table["mean"] = splats.means[order]
    table["scale"] = splats.scales[order]
    rgb = np.clip(np.round(rgb_from_sh_dc(splats.sh_coeffs[order, 0]) * 255), 0, 255).astype(np.uint8)
    table["rgba"] = np.concatenate([rgb, bytes_of_logits(splats.opacity_logits[order])[:, None]], axis=1)
    table["quat"] = packed_four_bytes(splats.quats_wxyz[order])
    path.write_bytes(table.tobytes())
