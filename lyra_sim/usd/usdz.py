"""A package as one file: ``.usdz``, an uncompressed zip archive that USD reads in place.

Written here rather than by ``UsdUtils.CreateNewUsdzPackage``, which stamps every entry with the time its file was changed,
so that equal worlds would differ in their bytes.
"""

import shutil
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from pxr import UsdUtils

from lyra_sim.errors import UsdError

MOST_BYTES = (1 << 31) - 1
"""Of an archive. OpenUSD reads no zip64, and that is what the standard library writes beyond. Derived."""
ALIGNMENT = 64
"""Files start at multiples of this, so that they can be mapped into memory. Convention."""
_HEADER = 30
"""Bytes of an entry's header before its name. Convention."""
_PADDING_ID = 0x1986
"""Of the extra field that fills up to ALIGNMENT; readers skip ids that they don't know. Convention."""


def write_usdz(path: Path, root: Path, *, most_bytes: int = MOST_BYTES) -> None:
    """Pack the layer ``root`` and every file that any variant of it needs; equal files give equal bytes.

    Args:
        path: The ``.usdz``.
        root: A layer whose files all lie in its folder or below, by relative paths; they keep these in the archive.
        most_bytes: Limit of the archive.

    Raises:
        UsdError: A file is missing or lies outside, or the archive would be too large. Nothing is left behind then.
    """
    home = root.resolve().parent
    layers, assets, missing = UsdUtils.ComputeAllDependencies(str(root))
    if missing:
        raise UsdError(str(root), f"{missing[0]} isn't there", expected="a complete package")
    needed = sorted({Path(layer.realPath) for layer in layers} | {Path(asset) for asset in assets})
    stray = [file for file in needed if not file.is_relative_to(home)]
    if stray:
        raise UsdError(str(root), f"it needs {stray[0]}", expected="files of its own folder only")
    names = [root.name, *(name for file in needed if (name := file.relative_to(home).as_posix()) != root.name)]
    total = sum((home / name).stat().st_size + 2 * (ALIGNMENT + 64 + len(name)) for name in names)
    if total > most_bytes:
        raise UsdError(
            str(path),
            f"the world's files have {total / (1 << 30):.2f} GiB",
            expected=f"less than {(most_bytes + 1) / (1 << 30):g} GiB, the most that is packed into a .usdz",
            likely="Splats take most of it.",
            next_step="Hand on the folder instead and set author.usdz: false, or make fewer splats.",
        )
    with path.open("wb") as packed, ZipFile(packed, "w", ZIP_STORED, allowZip64=False) as archive:
        for name in names:
            entry = _entry(name, offset=packed.tell())
            with (home / name).open("rb") as source, archive.open(entry, "w") as target:
                shutil.copyfileobj(source, target)
            entry.extra, entry.external_attr = b"", 0  # the directory repeats no padding, and states no permissions


def _entry(name: str, *, offset: int) -> ZipInfo:
    """An entry whose header stands at ``offset`` and whose data are aligned; nothing in it tells when or where it was made."""
    entry = ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.create_system = 0
    padding = -(offset + _HEADER + len(name.encode()) + 4) % ALIGNMENT
    entry.extra = _PADDING_ID.to_bytes(2, "little") + padding.to_bytes(2, "little") + bytes(padding)
    return entry
