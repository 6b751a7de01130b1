"""Validate any stage: OpenUSD's rules, NVIDIA's and ours, under every single variant selection, in a process of its own."""

import json
import os
import subprocess
import sys
import tempfile
from itertools import chain
from pathlib import Path

import lyra_sim
from lyra_sim.errors import EnvironmentNotReady, InputError
from lyra_sim.usd.issues import Issue

TIMEOUT_S = 600.0
"""Wall clock allowed for one stage [s]."""

MEMORY_BYTES = 16 << 30
"""Address space allowed for one stage; USD and numpy reserve far more than they touch."""


def validate_stage(path: Path, *, timeout_s: float = TIMEOUT_S, memory_bytes: int = MEMORY_BYTES) -> list[Issue]:
    """All issues of the stage at ``path``, most general first; an empty list means every rule of every tool held.

    The stage may be anybody's, so it is opened in a child process: a crash, a hang or a memory bomb there becomes an
    issue of the tool ``reader``.

    Raises:
        InputError: There is no such file.
        EnvironmentNotReady: A validator isn't installed.
    """
    if not path.is_file():
        raise InputError(str(path), "no such file", expected="a USD stage (.usda, .usdc, .usd, .usdz)")
    with tempfile.TemporaryDirectory() as scratch:
        answer = Path(scratch) / "issues.json"
        command = [sys.executable, "-m", "lyra_sim.usd.validate_worker", str(path.resolve()), str(answer), str(memory_bytes)]
        try:
            done = subprocess.run(command, env=_child_environment(), capture_output=True, timeout=timeout_s, check=False)
        except subprocess.TimeoutExpired:
            return [_reader_issue("timeout", f"validation took longer than {timeout_s:g} s", path)]
        if done.returncode != 0 or not answer.is_file():
            last = _last_line(done.stderr.decode("utf-8", "replace"))
            how = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
            return [_reader_issue("crash", f"reading the stage ended with {how}: {last}", path)]
        found = json.loads(answer.read_text(encoding="utf-8"))
        if isinstance(found, dict):
            raise EnvironmentNotReady(**found)
        return [Issue(**row) for row in found]


def validate_in_process(path: Path) -> list[Issue]:
    """The same without the child process, for stages this program wrote itself."""
    from pxr import Tf

    from lyra_sim.usd.foreign_rules import nvidia_issues, openusd_issues
    from lyra_sim.usd.nav_environment import nav_environment_issues
    from lyra_sim.usd.view import variant_views

    found: dict[tuple[str, str, str, str], Issue] = {}
    try:
        for view in variant_views(path):
            for issue in chain(nav_environment_issues(view), openusd_issues(view), nvidia_issues(view)):
                found.setdefault((issue.tool, issue.rule, issue.path, issue.message), issue)
    except Tf.ErrorException as error:
        return [*found.values(), _reader_issue("open", f"the stage can't be read: {_last_line(str(error))}", path)]
    return list(found.values())


def _reader_issue(rule: str, message: str, path: Path) -> Issue:
    return Issue(tool="reader", rule=rule, severity="error", message=message, path=path.name, variant="default")


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no message"])[-1].strip()[:300]


def _child_environment() -> dict[str, str]:
    """This package importable, and no plug-in or search path that a stage could lean on."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PXR_")}
    home = str(Path(lyra_sim.__file__).parents[1])
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, (home, kept.get("PYTHONPATH"))))}
