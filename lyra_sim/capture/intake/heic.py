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


def heic_as_png(file: Path, target: Path, *, max_pixels: int) -> Path:
    """``target``, with the upright picture that ``file`` shows first, and its EXIF.

    Args:
        file: HEIC by content.
        target: Written anew.
        max_pixels: Checked before anything is decoded.

    Raises:
        InputError: pi-heif isn't installed, or the file is damaged or too large.
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
        return target
    said = (done.stderr.strip().splitlines() or [""])[-1].replace(str(file), file.name)
    if done.returncode == heic_child.TOO_LARGE:
        raise InputError(
            str(file), f"HEIC of {said}", expected=f"at most {max_pixels} pixels", next_step="Raise capture.max_pixels."
        )
    raise InputError(
        str(file),
        f"HEIC, damaged ({said if done.returncode > 0 else 'its decoder crashed'})",
        expected="a whole image",
        likely="The file is truncated.",
        next_step=f"Convert it, if anything else reads it: {CONVERT}.",
    )
