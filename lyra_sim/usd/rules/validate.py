"""Validate any stage under every single variant selection, in a process of its own that may crash, hang or eat memory."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lyra_sim
from lyra_sim import errors
from lyra_sim.errors import EnvironmentNotReady, InputError, LyraSimError, SpecError
from lyra_sim.usd.rules.issues import READER, Issue, Validation

TIMEOUT_S = 600.0
"""Wall clock allowed for one stage [s]. Convention."""

MEMORY_BYTES = 16 << 30
"""Address space allowed for one stage; USD and numpy reserve far more than they touch. Convention."""

EVERYTHING = "*"
"""The pattern that names every group, so that none may be missing."""

STAGE_SUFFIXES = (".usda", ".usdc", ".usd", ".usdz")
ENTRY_LAYERS = ("world.usda", "stage.usd", "stage.usda", "stage.usdc", "stage.usdz")
"""What a folder is opened by: ours, then MobilityGen's."""


def validate_stage(path: Path, *, timeout_s: float = TIMEOUT_S, memory_bytes: int = MEMORY_BYTES) -> list[Issue]:
    """All issues of the stage at ``path`` by every rule there is, most general first; an empty list means that all held.

    Raises:
        InputError: There is no such stage.
        EnvironmentNotReady: A validator isn't installed, so that an empty list would say too much.
    """
    return list(examine_stage(path, rules=(EVERYTHING,), timeout_s=timeout_s, memory_bytes=memory_bytes).issues)


def examine_stage(
    path: Path,
    *,
    rules: Sequence[str] = (),
    timeout_s: float = TIMEOUT_S,
    memory_bytes: int = MEMORY_BYTES,
) -> Validation:
    """Hold the stage at ``path`` against rules (:func:`lyra_sim.usd.rules.rule_groups.choose`), all by default.

    The stage may be anybody's, so it is opened in a child process. A crash, a hang or a memory bomb there becomes an issue
    of the tool ``reader``, beside whatever was found before.

    Args:
        path: A layer, a ``.usdz`` package, or a folder with an entry layer.
        rules: Patterns of group names and rule ids.
        timeout_s: Wall clock [s].
        memory_bytes: Address space.

    Raises:
        InputError: There is no such stage.
        SpecError: A pattern matches no rule.
        EnvironmentNotReady: A group named by a pattern isn't installed.
    """
    stage = entry_layer(path)
    with tempfile.TemporaryDirectory() as scratch:
        answer = Path(scratch) / "answer.jsonl"
        command = [sys.executable, "-m", "lyra_sim.usd.rules.validate_worker"]
        command += [str(stage.resolve()), str(answer), str(memory_bytes), *rules]
        trouble = None
        try:
            done = subprocess.run(
                command, env=_child_environment(), stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout_s, check=False
            )
        except subprocess.TimeoutExpired:
            trouble = reader_issue("timeout", f"validation took longer than {timeout_s:g} s", stage)
        else:
            if done.returncode != 0:
                trouble = _crash(done.returncode, done.stderr.decode("utf-8", "replace"), stage)
        return _answer(_rows(answer), trouble)


def entry_layer(path: Path) -> Path:
    """``path`` itself, or the layer that a package folder is opened by.

    Raises:
        InputError: No such file, a file that isn't USD by its name, or a folder in which nothing can be picked.
    """
    if path.is_dir():
        files = sorted(file.name for file in path.iterdir() if file.suffix in STAGE_SUFFIXES and file.is_file())
        named = [name for name in ENTRY_LAYERS if name in files]
        if named or len(files) == 1:
            return path / (named or files)[0]
        raise InputError(
            str(path),
            f"a folder with {len(files)} USD files",
            expected=f"{ENTRY_LAYERS[0]}, or a single one",
            next_step="Name the file to open.",
        )
    if not path.is_file():
        raise InputError(str(path), "no such file", expected="a USD stage (.usda, .usdc, .usd, .usdz) or its folder")
    if path.suffix.lower() not in STAGE_SUFFIXES:
        raise InputError(str(path), f"not a USD file by its name ('{path.suffix}')", expected=", ".join(STAGE_SUFFIXES))
    return path


def reader_issue(rule: str, message: str, path: Path) -> Issue:
    """The stage couldn't be examined, or not to its end: ``open``, ``timeout``, ``memory`` or ``crash``."""
    return Issue(tool=READER, rule=rule, severity="error", message=message, path=path.name, variant="default")


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no message"])[-1].strip()[:300]


def _crash(code: int, stderr: str, stage: Path) -> Issue:
    last = last_line(stderr)
    if "MemoryError" in last or "bad_alloc" in stderr or "allocate" in last:
        return reader_issue("memory", f"reading the stage needs more memory than it is allowed: {last}", stage)
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return reader_issue("crash", f"reading the stage ended with {how}: {last}", stage)


def _rows(answer: Path) -> list[dict[str, Any]]:
    """Whole lines of what the child wrote; a child that dies may leave half of one."""
    lines = answer.read_text(encoding="utf-8").splitlines(keepends=True) if answer.is_file() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _answer(rows: Sequence[dict[str, Any]], trouble: Issue | None) -> Validation:
    for row in rows:
        if "error" in row:
            kind: type[LyraSimError] = getattr(errors, row.pop("error"))
            assert issubclass(kind, SpecError | EnvironmentNotReady)
            raise kind(**row)
    head = rows[0] if rows else {"rules": {}, "missing": {}}
    issues = [Issue(**row) for row in rows[1:]] + ([trouble] if trouble else [])
    return Validation(rules=head["rules"], missing=head["missing"], issues=tuple(issues))


def _child_environment() -> dict[str, str]:
    """This package importable, and no plug-in or search path that a stage could lean on."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PXR_")}
    home = str(Path(lyra_sim.__file__).parents[1])
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, (home, kept.get("PYTHONPATH"))))}
