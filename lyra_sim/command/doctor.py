"""Is this machine ready? Looks at everything the work needs before the work finds out the hard way."""

import importlib.metadata as metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lyra_sim.plugins import all_plugins

MIN_MEMORY_GB = 8.0
"""Preview of a house peaks well below this; less makes the mesh step swap. Convention."""
MIN_DISK_GB = 5.0
"""Free disk that is advised [GB]. Convention."""
IMPORTS = ("torch", "open3d", "pxr", "usd_validation_nvidia", "coacd", "numba", "manifold3d", "pycolmap", "trimesh")
"""Packages that can be installed and still fail to load: native ones, and what a second USD beside usd-core breaks."""
_LIMITS = re.compile(r"^\s*([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*([^;]*)(?:;(.*))?$")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    state: Literal["ok", "note", "missing"]
    """``missing`` stops a build; ``note`` doesn't."""
    subject: str
    detail: str


def examine(where: Path = Path(".")) -> tuple[Finding, ...]:
    """Look at interpreter, packages, native libraries, engines, memory, cores and the disk of ``where``."""
    return (*_python(), *_packages(), *_native(), *_engines(), *_readiness(), *_machine(where))


def _python() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding(state="ok", subject="python", detail=version)


def _packages() -> Iterator[Finding]:
    requirements = _requirements()
    if requirements is None:
        yield Finding(state="note", subject="lyra-sim", detail="not installed, no pyproject.toml beside it; versions unchecked")
        return
    for text in requirements:
        match = _LIMITS.match(text)
        if match is None or not _applies(match[3]):
            continue
        name, limits = match[1], match[2].strip()
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            yield Finding(state="missing", subject=name, detail=f"not installed; run: pip install '{name}{limits}'")
            continue
        good = all(_meets(found, limit.strip()) for limit in limits.split(",") if limit.strip())
        detail = found if good else f"{found} is installed, {limits} is needed"
        yield Finding(state="ok" if good else "missing", subject=name, detail=detail)


def _requirements() -> list[str] | None:
    """What the installed package asks for, or what the checkout's pyproject.toml does."""
    try:
        return [text for text in metadata.requires("lyra-sim") or [] if "extra ==" not in text]
    except metadata.PackageNotFoundError:
        project = Path(__file__).parents[2] / "pyproject.toml"
        if not project.is_file():
            return None
        dependencies: list[str] = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["dependencies"]
        return dependencies


def _applies(marker: str | None) -> bool:
    """Whether a requirement is for this machine; the only marker in use tells x86-64 Linux from the rest."""
    if not marker:
        return True
    common = sys.platform == "linux" and os.uname().machine == "x86_64"
    return common == ("==" in marker)


def _meets(found: str, limit: str) -> bool:
    match = re.match(r"^(>=|==|<|>|<=|~=|!=)\s*(.+)$", limit)
    if match is None:
        return True
    have, want = _numbers(found), _numbers(match[2])
    return {">=": have >= want, "<=": have <= want, ">": have > want, "<": have < want, "==": have == want}.get(match[1], True)


def _numbers(version: str) -> tuple[int, ...]:
    numbers = [int(part) for part in re.findall(r"\d+", version.split("+")[0])]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _native() -> Iterator[Finding]:
    for module in IMPORTS:
        prepare = "from lyra_sim.rendering.open3d_loader import load_open3d; load_open3d(); "
        yield _import_finding(f"import {module}", (prepare if module == "open3d" else "") + f"import {module}")


def _engines() -> Iterator[Finding]:
    for spec in all_plugins():
        if spec.kind != "physics":
            continue
        if spec.missing:
            install = " ".join(f"'{requirement}'" for requirement in spec.missing)
            yield Finding(state="missing", subject=f"engine {spec.name}", detail=f"not installed; run: pip install {install}")
        else:
            yield _import_finding(f"engine {spec.name}", "; ".join(f"import {module}" for module in spec.needs))


def _readiness() -> Iterator[Finding]:
    """How plug-ins that say so would run here."""
    for spec in all_plugins():
        told = None if spec.missing else spec.examined()
        if told is not None:
            yield Finding(state="ok" if told.ready else "note", subject=f"{spec.kind} {spec.name}", detail=told.detail)


def _import_finding(subject: str, code: str) -> Finding:
    """Import in a process of its own, because a native library may take the process with it."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(os.path.abspath(entry) for entry in sys.path)}
    try:
        done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=120, env=environment)
    except subprocess.TimeoutExpired:
        return Finding(state="missing", subject=subject, detail="importing takes more than 120 s")
    if done.returncode == 0:
        return Finding(state="ok", subject=subject, detail="loads")
    last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
    return Finding(state="missing", subject=subject, detail=last)


def _machine(where: Path) -> Iterator[Finding]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield Finding(state="ok" if cores >= 2 else "note", subject="cores", detail=str(cores))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    enough = "" if memory >= MIN_MEMORY_GB else f"; {MIN_MEMORY_GB:g} GB are advised"
    yield Finding(state="note" if enough else "ok", subject="memory", detail=f"{memory:.1f} GB{enough}")
    free = shutil.disk_usage(where).free / 1e9
    enough = "" if free >= MIN_DISK_GB else f"; {MIN_DISK_GB:g} GB are advised"
    yield Finding(state="note" if enough else "ok", subject="disk", detail=f"{free:.1f} GB free here{enough}")
