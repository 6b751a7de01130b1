"""Shapes and dtypes in annotations are checked at run time, under pytest only (jaxtyping with beartype).

This stands at the top so that it is loaded before any module of the package is. numba kernels are left alone: a
compiled function can't be wrapped.
"""

import os
from pathlib import Path

from jaxtyping import install_import_hook

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command line does: idle threads must not spin on shared cores

ROOT = Path(__file__).parent
UNCHECKED = {"lyra_sim.scene.spec"}
"""pydantic's ValidationInfo, which one of its validators takes, can't be checked at run time. pydantic checks the models."""


def checked_modules() -> list[str]:
    """Names of all modules of the core and of packages/ but kernels and UNCHECKED; the hook would take a package's name as a
    prefix."""
    tops = [(ROOT, ROOT / "lyra_sim"), *((top, top) for top in sorted(ROOT.glob("packages/*")))]
    files = ((root, path) for root, top in tops for path in sorted(top.rglob("*.py")))
    names = [".".join(path.relative_to(root).with_suffix("").parts) for root, path in files]
    return [name for name in names if not name.endswith(("_kernels", ".__init__")) and name not in UNCHECKED]


install_import_hook(checked_modules(), "beartype.beartype")
