"""HEIC photos as PNG, decoded in a process of their own: a damaged one can end libheif, and must not end the build.

libheif comes with pi-heif, the decoder alone, which is an extra.
"""

import importlib.util
import subprocess
import sys
from pathlib import Path

from lyra_sim.capture.intake import heic_child
from lyra_sim.errors import InputError

CONVERT = "magick mogrify -format jpg -quality 95 *.HEIC (on a Mac: sips -s format jpeg *.HEIC --out .)"
"""What turns a folder of them into JPEG. Convention."""


def heic_as_png(file: Path, target: Path, *, max_pixels: int) -> int | None:
    """Write ``target``: the upright picture that ``file`` shows first, with its EXIF, XMP and colour profile.

    Args:
        file: HEIC by content.
        target: Written anew.
        max_pixels: Checked before anything is decoded.

    Returns:
        Primaries that the container states instead of a profile, as H.273 numbers them.

    Raises:
        InputError: pi-heif isn't installed, or the file is damaged, too large or HDR.
    """
    if importlib.util.find_spec("pi_heif") is None:
        raise InputError(
            str(file),
            "HEIC, which isn't read without pi-heif (pip install 'lyra-sim[heic]')",
            expected="JPEG, PNG or WebP",
            next_step=f"Install that, or convert the photos: {CONVERT}.",
        )
    command = [sys.executable, str(Path(heic_child.__file__)), str(file), str(target), str(max_pixels)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL)
    if done.returncode == 0:
        stated = done.stdout.strip()
        return int(stated) if stated.isascii() and stated.isdecimal() else None
    said = (done.stderr.strip().splitlines() or [""])[-1].replace(str(file), file.name)
    if done.returncode == heic_child.TOO_LARGE:
        raise InputError(
            str(file), f"HEIC of {said}", expected=f"at most {max_pixels} pixels", next_step="Raise capture.max_pixels."
        )
    if done.returncode == heic_child.HDR:
        raise InputError(
            str(file),
            f"HEIC in HDR (transfer characteristics {said})",
            expected="an SDR picture",
            next_step="Export it as SDR (JPEG); an editor or the phone's own sharing does so.",
        )
    raise InputError(
        str(file),
        f"HEIC, damaged ({said if done.returncode > 0 else 'its decoder crashed'})",
        expected="a whole image",
        likely="The file is truncated.",
        next_step=f"Convert it, if anything else reads it: {CONVERT}.",
    )
