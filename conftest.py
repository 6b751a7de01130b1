"""Shapes and dtypes in annotations are checked at run time, under pytest only (jaxtyping with beartype).

This stands at the top so that it is loaded before any module of the package is. numba kernels are left alone: a
compiled function can't be wrapped.
"""

import os
from pathlib import Path

from jaxtyping import install_import_hook

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command line does: idle threads must not spin on shared cores

PACKAGE = Path(__file__).parent / "lyra_sim"
ROOMS = (
    "alignment",
    "capture",
    "collision",
    "data",
    "exporters",
    "generators",
    "geometry",
    "meshing",
    "navigation",
    "physics",
    "quality",
    "reconstructors",
    "rendering",
    "splat_files",
    "trajectories",
    "usd",
    "world_model",
)


def checked_modules() -> list[str]:
    """Names of all modules in ROOMS except kernels; the hook would take a package's name as a prefix."""
    files = (path for room in ROOMS for path in sorted((PACKAGE / room).rglob("*.py")))
    names = [".".join(("lyra_sim", *path.relative_to(PACKAGE).with_suffix("").parts)) for path in files]
    kept = [name for name in names if not name.endswith(("_kernels", "__init__"))]
    return ["lyra_sim.conventions", *kept]


install_import_hook(checked_modules(), "beartype.beartype")
