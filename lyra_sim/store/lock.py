"""One build at a time per scene folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lyra_sim.errors import StoreError


@contextmanager
def scene_lock(steps: Path) -> Iterator[None]:
    """Hold ``steps/.lock``; the system lets go of it when the process ends, however it ends.

    Raises:
        StoreError: Another build holds it.
    """
    steps.mkdir(parents=True, exist_ok=True)
    handle = os.open(steps / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.pread(handle, 32, 0).decode(errors="replace").strip() or "unknown"
            raise StoreError(
                str(steps.parent),
                f"another build (process {owner}) is writing here",
                next_step="Wait for it, or give this build another --out.",
            ) from error
        os.truncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)
