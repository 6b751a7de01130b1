"""Annotated shapes are really checked under pytest, and kernels are really left out."""

import importlib.util
import sys
import warnings
from types import ModuleType

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from lyra_sim.geometry.rigid import Similarity
from tests.house.files import ROOT, modules


def conftest_module() -> ModuleType:
    """The root conftest, wherever pytest put it."""
    return next(module for module in sys.modules.values() if getattr(module, "__file__", None) == str(ROOT / "conftest.py"))


def test_a_wrong_shape_is_refused() -> None:
    with pytest.raises(TypeCheckError):
        Similarity.from_matrix(np.eye(3))


def test_all_rooms_are_checked_except_kernels() -> None:
    names = set(conftest_module().checked_modules())
    kernels = [path for path in modules("lyra_sim") if path.stem.endswith("_kernels")]
    assert kernels, "the exception has lost its reason"
    assert not names & {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in kernels}
    assert "lyra_sim.data.mesh" in names and "lyra_sim_lyra2.conditions.memory_inputs" in names
    for name in sorted(names):
        assert importlib.util.find_spec(name) is not None, name


def test_our_own_warnings_are_errors_and_others_are_not() -> None:
    for module in ("lyra_sim", "lyra_sim.usd.stage"):
        with pytest.raises(UserWarning):
            warnings.warn_explicit("ours", UserWarning, "somewhere.py", 1, module=module)
    with pytest.warns(UserWarning, match="theirs"):
        warnings.warn_explicit("theirs", UserWarning, "somewhere.py", 1, module="lyra_simulator")
