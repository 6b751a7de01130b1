"""What belongs to the repository: tracked files where there is a git checkout, otherwise everything not ignored."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
_LEFT_OUT = {"out", "build", "dist", "__pycache__"}


@cache
def repository_files() -> tuple[Path, ...]:
    """Absolute paths, sorted. An unpacked sdist has no git; there, hidden and built folders are left out."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        found = [ROOT / name for name in listed.split("\0") if name]
    else:
        found = [path for path in ROOT.rglob("*") if not _left_out(path.relative_to(ROOT))]
    return tuple(sorted(path for path in found if path.is_file()))


def _left_out(path: Path) -> bool:
    return any(part.startswith(".") or part in _LEFT_OUT or part.endswith(".egg-info") for part in path.parts)


def modules(folder: str) -> list[Path]:
    """The repository's Python files under ``folder``."""
    return [path for path in repository_files() if path.suffix == ".py" and path.is_relative_to(ROOT / folder)]
