"""A step folder is there whole or not at all: made beside its place, its manifest written last, renamed into it."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lyra_sim.data.files import read_json, write_json
from lyra_sim.errors import InputError, StoreError
from lyra_sim.store.digests import digest_of, file_digest

MANIFEST = "manifest.json"
SCHEMA_VERSION = 2
"""Of step manifests. 2: a step's output digest covers the outputs it was made from. Convention."""
_STAGING, _OLD, _UNFINISHED = ".tmp-", ".old-", ".part-"


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a finished step folder says of itself."""

    key: str
    ingredients: Mapping[str, Any]
    upstream: Mapping[str, str]
    """Output digests of the steps it was made from; they differ after a forced step gave another result."""
    files: Mapping[str, Mapping[str, Any]]
    """``sha256`` and ``size`` of every file, by its path in the folder."""
    run: Mapping[str, Any]
    """When and how long; in no digest, so equal work gives equal digests."""

    @property
    def output_digest(self) -> str:
        """Hash of all files and of the outputs they were made from.

        What a step hands on is more than its files: loading it may pass on what earlier steps hold (align keeps the
        transform only; splats and depth come from further up). So equal files from other inputs are another output.
        """
        return digest_of({"files": self.files, "upstream": self.upstream})

    @classmethod
    def of(
        cls, folder: Path, *, key: str, ingredients: Mapping[str, Any], upstream: Mapping[str, str], run: Mapping[str, Any]
    ) -> "Manifest":
        """Describe the files now in ``folder``.

        Raises:
            StoreError: The step wrote nothing, or a link (a link's target may change behind the manifest's back).
        """
        files = {}
        for file in sorted(folder.rglob("*")):
            name = file.relative_to(folder).as_posix()
            if name == MANIFEST:
                continue  # of a run that was cut short before the folder was moved into place
            if file.is_symlink():
                raise StoreError(f"step {ingredients['step']}", f"it wrote a link, {name}", expected="plain files")
            if file.is_file():
                files[name] = {"sha256": file_digest(file), "size": file.stat().st_size}
        if not files:
            raise StoreError(f"step {ingredients['step']}", "it wrote no files", expected="its output")
        return cls(key=key, ingredients=ingredients, upstream=upstream, files=files, run=run)

    def save(self, folder: Path) -> None:
        write_json(
            folder / MANIFEST,
            {
                "schema": SCHEMA_VERSION,
                "step": self.ingredients["step"],
                "version": self.ingredients["version"],
                "key": self.key,
                "ingredients": self.ingredients,
                "upstream": self.upstream,
                "files": self.files,
                "run": self.run,
            },
        )


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a finished step; None when there is no folder.

    Raises:
        StoreError: There is one, but it isn't readable or another version wrote it.
    """
    if not (folder / MANIFEST).is_file():
        return None
    try:
        stored = read_json(folder / MANIFEST)
        if stored["schema"] != SCHEMA_VERSION:
            raise StoreError(str(folder), f"store schema {stored['schema']} → {SCHEMA_VERSION}")
        return Manifest(**{name: stored[name] for name in ("key", "ingredients", "upstream", "files", "run")})
    except (InputError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(str(folder), "manifest damaged") from error


def damage(folder: Path, manifest: Manifest, *, verify: bool = False) -> tuple[str, ...]:
    """Files that are no longer what the manifest says.

    Args:
        folder: The step folder.
        manifest: Its manifest.
        verify: Compare digests, which reads everything; otherwise sizes.
    """
    broken = []
    for name, facts in manifest.files.items():
        file = folder / name
        if not file.is_file():
            broken.append(f"output missing: {name}")
        elif file.stat().st_size != facts["size"] or (verify and file_digest(file) != facts["sha256"]):
            broken.append(f"output damaged: {name}")
    return tuple(broken)


@contextmanager
def unfinished(final: Path, *, key: str, afresh: bool = False) -> Iterator[Path]:
    """A folder beside ``final`` that stays when the work in it is cut short, for the next run with the same ``key``.

    What was left under other keys is of no more use and goes; ``afresh`` starts from nothing.
    """
    staged = final.with_name(f".{final.name}{_UNFINISHED}{key[:16]}")
    for other in final.parent.glob(f".{final.name}{_UNFINISHED}*"):
        if afresh or other != staged:
            shutil.rmtree(other) if other.is_dir() else other.unlink()
    staged.mkdir(parents=True, exist_ok=True)
    yield staged


@contextmanager
def staging(final: Path) -> Iterator[Path]:
    """An empty folder beside ``final`` to work in; gone afterwards unless it was moved into place."""
    staged = final.with_name(f".{final.name}{_STAGING}{os.getpid()}")
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    try:
        yield staged
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def replace_folder(staged: Path, final: Path) -> None:
    """Make everything in ``staged`` durable and rename it to ``final``; whoever looks sees the old, none, or the new."""
    for entry in staged.rglob("*"):
        _sync(entry)
    _sync(staged)
    old = final.with_name(f".{final.name}{_OLD}{os.getpid()}")
    if final.exists():
        final.rename(old)
    staged.rename(final)
    _sync(final.parent)
    shutil.rmtree(old, ignore_errors=True)


def clean_leftovers(parent: Path) -> None:
    """Remove what killed runs left behind. Call it only while holding the scene's lock."""
    if parent.is_dir():
        for entry in parent.iterdir():
            if not entry.name.startswith(".") or not (_STAGING in entry.name or _OLD in entry.name):
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
