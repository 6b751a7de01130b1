"""Everything a step's result depends on, as one readable JSON value; its hash is the step's key.

Source files count by content and by name from the source's last component on, never by where the source lies:
moving the inputs, or the whole project, rebuilds nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lyra_sim.errors import InputError
from lyra_sim.store.digests import DigestCache, canonical_json, digest_of

_LISTED = 3
"""Reasons of one kind that are told in full. Convention."""


@dataclass(frozen=True, kw_only=True)
class SourceFiles:
    """One source as it enters a key."""

    label: str
    """The field that names it (``rgbd.frames``)."""
    path: Path

    def digests(self, cache: DigestCache) -> dict[str, str]:
        """Digest of every file, named from the source's own last component on (``rgb/0001.jpg``).

        Raises:
            InputError: Nothing is there, or the folder is empty.
        """
        if self.path.is_file():
            return {self.path.name: cache.digest(self.path)}
        if not self.path.is_dir():
            raise InputError(
                f"{self.label}: {self.path}",
                "nothing is there",
                expected="a file or folder",
                likely="Paths in a scene file are relative to that file.",
            )
        files = [file for file in sorted(self.path.rglob("*")) if file.is_file() and not _hidden(file, self.path)]
        if not files:
            raise InputError(f"{self.label}: {self.path}", "the folder is empty", expected="input files")
        return {f"{self.path.name}/{file.relative_to(self.path).as_posix()}": cache.digest(file) for file in files}


def _hidden(file: Path, root: Path) -> bool:
    """Files no importer reads, such as ``.DS_Store``."""
    return any(part.startswith(".") for part in file.relative_to(root).parts)


def ingredients_of(
    *,
    step: str,
    version: int,
    needs: Mapping[str, str],
    fields: Mapping[str, Any],
    sources: Mapping[str, Mapping[str, str]],
    plugins: Mapping[str, Mapping[str, Any]],
    seed: int,
) -> dict[str, Any]:
    """Gather what a key is made of.

    Args:
        step: Its name.
        version: Its hand-raised version.
        needs: Keys of the steps it needs, by name.
        fields: JSON values of the configuration it reads, by field.
        sources: File digests, by source label and then file name.
        plugins: ``version``, ``weights`` and installed ``packages`` of each plug-in, by ``kind:name``.
        seed: The scene's.
    """
    return {
        "step": step,
        "version": version,
        "needs": dict(needs),
        "fields": dict(fields),
        "sources": {label: dict(files) for label, files in sources.items()},
        "plugins": {name: dict(facts) for name, facts in plugins.items()},
        "seed": seed,
    }


def key_of(ingredients: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON."""
    return digest_of(ingredients)


def explain(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> tuple[str, ...]:
    """Why a step must run, most telling first; empty when nothing changed.

    Args:
        old: Ingredients of the folder on disk, or None when there is none.
        new: Ingredients of what is asked for.
    """
    if old is None:
        return ("never built",)
    reasons: list[str] = []
    if old["version"] != new["version"]:
        reasons.append(f"step version {old['version']} → {new['version']}")
    reasons += _changes("param", _leaves(old["fields"]) | {"seed": old["seed"]}, _leaves(new["fields"]) | {"seed": new["seed"]})
    old_files, new_files = _files(old["sources"]), _files(new["sources"])
    reasons += _limited([f"input {_verb(name, old_files, new_files)}: {name}" for name in _differing(old_files, new_files)])
    for name in _differing(old["plugins"], new["plugins"]):
        before, after = (_plugin(side["plugins"].get(name)) for side in (old, new))
        reasons.append(f"plug-in changed: {name} ({before} → {after})")
    reasons += [f"upstream changed: {name}" for name in _differing(old["needs"], new["needs"])]
    if not reasons and canonical_json(old) != canonical_json(new):
        reasons.append("ingredients changed")
    return tuple(reasons)


def _changes(word: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    lines = []
    for name in _differing(old, new):
        if name in old and name in new:
            lines.append(f"{word} changed: {name} ({_shown(old[name])} → {_shown(new[name])})")
        else:
            side = new if name in new else old
            lines.append(f"{word} {_verb(name, old, new)}: {name} ({_shown(side[name])})")
    return lines


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    absent = object()
    return [name for name in sorted({*old, *new}) if old.get(name, absent) != new.get(name, absent)]


def _verb(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    return "changed" if name in old and name in new else "added" if name in new else "removed"


def _limited(lines: list[str]) -> list[str]:
    """A new recording changes thousands of files; naming the first few is enough."""
    return lines if len(lines) <= _LISTED else [*lines[:_LISTED], f"and {len(lines) - _LISTED} more inputs"]


def _leaves(value: Any, prefix: str = "") -> dict[str, Any]:
    """Dotted names of all plain values in nested mappings."""
    if not isinstance(value, Mapping) or (prefix and not value):
        return {prefix: value}
    leaves: dict[str, Any] = {}
    for key, child in value.items():
        leaves |= _leaves(child, f"{prefix}.{key}" if prefix else str(key))
    return leaves


def _files(sources: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """All files of all sources; a name that two sources share is told apart by its label."""
    named: dict[str, str] = {}
    for label, files in sources.items():
        for name, digest in files.items():
            named[f"{label}: {name}" if name in named else name] = digest
    return named


def _plugin(facts: Mapping[str, Any] | None) -> str:
    if facts is None:
        return "none"
    words = [f"version {facts.get('version')}"]
    if facts.get("weights"):
        words.append(f"weights {facts['weights'][:8]}")
    words += [f"{package} {version or 'missing'}" for package, version in facts.get("packages", {}).items()]
    return ", ".join(words)


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else canonical_json(value)
    return text if len(text) <= 40 else text[:37] + "…"
