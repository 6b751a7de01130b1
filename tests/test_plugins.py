"""Plug-ins: found by name, loaded late, errors in the user's terms."""

from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from lyra_sim import plugins
from lyra_sim.errors import EnvironmentNotReady, GeometryError, PluginError, SpecError
from lyra_sim.plugins import BUILT_IN, Licence, PluginSpec, Readiness, all_plugins, find_plugin, load_plugin


def third_party(monkeypatch, **values):
    """Make ``values`` look like declarations of installed packages."""
    for name, value in values.items():
        monkeypatch.setattr(f"{__name__}.{name}", value, raising=False)
    points = [EntryPoint(name, f"{__name__}:{name}", plugins.ENTRY_POINT_GROUP) for name in values]
    monkeypatch.setattr(plugins, "entry_points", lambda group: points if group == plugins.ENTRY_POINT_GROUP else [])


def work(value):
    if value == "foreign":
        raise KeyError("inner")
    if value == "ours":
        raise GeometryError("mesh", "open")
    return value * 2


def files(options):
    return [Path(options + ".bin")]


def record(options):
    return {"weights_licence": f"of {options}"}


def ready():
    return Readiness(ready=False, detail="too small")


def spec(**changes) -> PluginSpec:
    return PluginSpec(**{"kind": "exporter", "name": "mine", "target": f"{__name__}:work", "version": "3", **changes})


@pytest.mark.parametrize("built_in", BUILT_IN, ids=lambda built_in: f"{built_in.kind}:{built_in.name}")
def test_every_built_in_loads_here(built_in):
    """Those whose packages can't be installed beside ours say so, and their own module loads all the same."""
    if (built_in.kind, built_in.name) in {("frame_depth", "depth_anything_3"), ("frame_depth", "moge")} and built_in.missing:
        with pytest.raises(EnvironmentNotReady):
            built_in.load()
        built_in = replace(built_in, needs={})
    assert callable(built_in.load())


def test_an_unknown_name_suggests_the_right_one():
    with pytest.raises(
        PluginError, match=r"(?s)physics 'physix': no such plug-in \(expected physx, newton\).*Did you mean 'physx'"
    ):
        find_plugin("physics", "physix")


def test_an_installed_package_adds_one_but_shadows_none(monkeypatch):
    third_party(monkeypatch, mine=spec(), fake_isaac=spec(name="isaac", version="666"))
    assert find_plugin("exporter", "mine").version == "3"
    assert find_plugin("exporter", "isaac").version != "666"
    assert [found.name for found in all_plugins()][-1] == "mine"
    assert load_plugin("exporter", "mine")(21) == 42


def test_foreign_exceptions_are_wrapped_once_and_ours_pass(monkeypatch):
    third_party(monkeypatch, mine=spec())
    with pytest.raises(PluginError, match="exporter 'mine': it failed with KeyError: 'inner'") as caught:
        load_plugin("exporter", "mine")("foreign")
    assert isinstance(caught.value.__cause__, KeyError)
    with pytest.raises(GeometryError):
        load_plugin("exporter", "mine")("ours")


def test_a_missing_package_is_named_with_the_command_that_brings_it(monkeypatch):
    third_party(monkeypatch, mine=spec(needs={"no_such_module_here": "no-such>=1", "numpy": "numpy"}, terms="Their terms"))
    with pytest.raises(EnvironmentNotReady) as caught:
        load_plugin("exporter", "mine")
    assert caught.value.exit_code == 4
    assert str(caught.value) == (
        "exporter 'mine': 1 of its packages are not installed (expected no-such>=1).\n"
        "  Installing them accepts the Their terms.\n  Run: pip install 'no-such>=1'"
    )


def test_what_a_declaration_says_is_asked_of_its_own_functions(monkeypatch):
    """Sources, other plug-ins, licences, a record and readiness, each by name; without one there is nothing to tell."""
    plain = spec()
    assert plain.sources_of(None) == plain.used_with(None) == plain.licences_of(None) == ()
    assert plain.weights_recorded(None) is None and plain.examined() is None
    told = spec(sources=f"{__name__}:files", weights_record=f"{__name__}:record", readiness=f"{__name__}:ready")
    assert told.sources_of("scan") == (Path("scan.bin"),)
    assert told.weights_recorded("scan") == {"weights_licence": "of scan"}
    assert told.examined() == Readiness(ready=False, detail="too small")
    with pytest.raises(PluginError, match=rf"exporter 'mine': {__name__}:files failed with TypeError"):
        told.sources_of(None)
    with pytest.raises(PluginError, match="no_such can't be loaded"):
        spec(uses=f"{__name__}:no_such").used_with(None)


def test_a_licence_that_asks_for_it_has_to_be_accepted_by_name():
    asks = Licence(key="theirs", name="Their licence", terms="https://theirs.example", must_be_accepted=True)
    with pytest.raises(SpecError, match=r"(?s)accepted: Their licence \(expected --accept-license theirs\).*theirs.example"):
        asks.require_accepted(["other"])
    asks.require_accepted(["other", "theirs"])
    replace(asks, must_be_accepted=False).require_accepted([])


def test_broken_declarations_are_errors_not_silence(monkeypatch):
    third_party(monkeypatch, mine=spec(target="no_such_module_here:work"))
    with pytest.raises(PluginError, match=r"can't be loaded \(ModuleNotFoundError"):
        load_plugin("exporter", "mine")
    third_party(monkeypatch, mine="not a declaration")
    with pytest.raises(PluginError, match=r"is a str \(expected a PluginSpec\)"):
        all_plugins()
    monkeypatch.setattr(plugins, "entry_points", lambda group: [EntryPoint("gone", "gone_module:SPEC", group)])
    with pytest.raises(PluginError, match="plug-in 'gone': its declaration gone_module:SPEC can't be loaded"):
        all_plugins()
