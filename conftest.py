"""Shapes and dtypes in annotations are checked at run time, under pytest only (jaxtyping with beartype).

This stands at the top so that it is loaded before any module of the package is. numba kernels are left alone: a
compiled function can't be wrapped.
"""

import os
from pathlib import Path

from jaxtyping import install_import_hook

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command line does: idle threads must not spin on shared cores

PACKAGE = Path(__file__).parent / "lyra_sim"


UNCHECKED = {"lyra_sim.scene.spec"}
"""pydantic's ValidationInfo, which one of its validators takes, can't be checked at run time. pydantic checks the models."""


def checked_modules() -> list[str]:
    """Names of all modules of the package but kernels and UNCHECKED; the hook would take a package's name as a prefix."""
    names = [".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in sorted(PACKAGE.rglob("*.py"))]
    return [name for name in names if not name.endswith(("_kernels", ".__init__")) and name not in UNCHECKED]


install_import_hook(checked_modules(), "beartype.beartype")
