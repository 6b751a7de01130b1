"""Shapes and dtypes in annotations are checked at run time, under pytest only (jaxtyping with beartype).

This stands at the top so that it is loaded before any module of the package is. numba kernels are left alone: a
compiled function can't be wrapped.
"""

import os
from pathlib import Path

from jaxtyping import install_import_hook

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command line does: idle threads must not spin on shared cores
WORKER = "PYTEST_XDIST_WORKER" in os.environ
"""Whether this is one of the processes that `make test` spreads the suite over."""
if WORKER:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # a core for each worker; numba's threads: pytest_collection_finish

ROOT = Path(__file__).parent
UNCHECKED = {"lyra_sim.scene.generate", "lyra_sim.scene.spec"}
"""pydantic's ValidationInfo, which validators of theirs take, can't be checked at run time. pydantic checks the models."""


def checked_modules() -> list[str]:
    """Names of all modules of the core and of packages/ but kernels and UNCHECKED; the hook would take a package's name as a
    prefix."""
    tops = [(ROOT, ROOT / "lyra_sim"), *((top, top) for top in sorted(ROOT.glob("packages/*")))]
    files = ((root, path) for root, top in tops for path in sorted(top.rglob("*.py")))
    names = [".".join(path.relative_to(root).with_suffix("").parts) for root, path in files]
    left_out = ("_kernels", ".__init__", ".options")  # pydantic checks options
    return [name for name in names if not name.endswith(left_out) and name not in UNCHECKED]


def pytest_collection_finish() -> None:
    """numba's threads can't be limited by NUMBA_NUM_THREADS: builds in processes of their own and the tests that compare
    counts of threads need them all."""
    if WORKER:
        import numba

        numba.set_num_threads(1)


install_import_hook(checked_modules(), "beartype.beartype")
