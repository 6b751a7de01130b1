"""Calls into COLMAP: quiet, and with one error of ours for whatever it throws."""

from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image  # noqa: F401  before pycolmap, always: its zlib, loaded first, makes Pillow's first PNG end the process

from lyra_sim.errors import GeometryError


@contextmanager
def colmap_call(subject: str, doing: str) -> Iterator[None]:
    """Keep COLMAP's log off the terminal while a call into it runs, and turn what it throws into a GeometryError.

    COLMAP logs progress, and also "no good initial pair" as an error; both are ordinary here, and what matters comes back
    as an exception or as an empty result. Fatal messages stay visible: after them the process ends.

    Args:
        subject: For the message.
        doing: ``features couldn't be found`` …: what didn't work if it throws.

    Raises:
        GeometryError: COLMAP threw; its first line is told.
    """
    import pycolmap

    before = pycolmap.logging.minloglevel
    pycolmap.logging.minloglevel = int(pycolmap.logging.Level.FATAL)
    try:
        yield
    except (RuntimeError, ValueError, IndexError) as error:  # what pybind11 makes of C++ exceptions
        raise GeometryError(
            subject,
            f"{doing}: {str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__}",
            likely="COLMAP stopped inside; the photos may be too few, too alike or too blank.",
            next_step="Add photos with more overlap, or give the cameras (photos.cameras).",
        ) from error
    finally:
        pycolmap.logging.minloglevel = before
