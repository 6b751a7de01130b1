"""Every declared plug-in of a kind, built-in or of an installed package, as parameters of its contract."""

import pytest

from lyra_sim.plugins import PluginSpec, all_plugins


def declared(kind: str) -> list[object]:
    """One parameter a plug-in, named as it is; the contract of its kind runs over all of them."""
    return [pytest.param(spec, id=spec.name) for spec in all_plugins() if spec.kind == kind]


def must_run(spec: PluginSpec) -> None:
    """Skip, with the reason, where what it needs isn't installed and nothing stands in for it."""
    if spec.missing:
        pytest.skip(f"{spec.subject} needs {', '.join(spec.missing)}, which aren't installed here")
