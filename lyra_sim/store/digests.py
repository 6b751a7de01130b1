"""SHA-256 of files and values, and a cache so that unchanged inputs aren't read again."""

import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

from lyra_sim.errors import InputError

_SETTLED_NS = 2_000_000_000
"""A file touched less than this before it was read may change again within one clock tick, so it isn't remembered.
Convention."""


def canonical_json(value: Any) -> str:
    """One text per value: keys sorted, no spaces, ASCII, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest_of(value: Any) -> str:
    """SHA-256 of a JSON value's canonical text."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def folder_digest(folder: Path) -> str:
    """SHA-256 over the names and contents of all files below a folder: what a report is about."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return digest_of({path.relative_to(folder).as_posix(): file_digest(path) for path in files})


class DigestCache:
    """Digests of input files by what the file system says of them: device, inode, size, both times.

    Holds no paths, so a moved folder keeps its entries and an output folder tells nothing about the machine.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known = self._read()
        self._used: dict[str, str] = {}

    def _read(self) -> dict[str, str]:
        try:
            known = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}  # a cache: losing it costs one reading of the inputs
        return known if isinstance(known, dict) else {}

    def digest(self, path: Path) -> str:
        """SHA-256 of a file, read only if it may have changed.

        Raises:
            InputError: It can't be read.
        """
        try:
            stat = path.stat()
            identity = f"{stat.st_dev}:{stat.st_ino}:{stat.st_size}:{stat.st_mtime_ns}:{stat.st_ctime_ns}"
            digest = self._known.get(identity)
            if digest is None:
                digest = file_digest(path)
        except OSError as error:
            raise InputError(str(path), f"it can't be read ({error.strerror})") from error
        if time.time_ns() - max(stat.st_mtime_ns, stat.st_ctime_ns) > _SETTLED_NS:
            self._used[identity] = digest
        return digest

    def save(self) -> None:
        """Remember what was used; entries of files that are gone are dropped."""
        if self._used == self._known:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        staged = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        staged.write_text(canonical_json(self._used), encoding="utf-8")
        staged.replace(self.path)
        self._known = dict(self._used)
