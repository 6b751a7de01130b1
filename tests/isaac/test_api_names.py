"""No name of NVIDIA's in the script or on docs/isaac.md that wasn't looked up in the public source."""

import ast
import re
import sys

from tests.conftest import ROOT
from tests.isaac.api_names import LAB_NAMES, PAGE_NAMES, SCRIPT_NAMES, Name
from tests.isaac.packages import SCRIPT

TREE = ast.parse(SCRIPT.read_text(encoding="utf-8"))
KNOWN = {(name.module, name.symbol): name for name in SCRIPT_NAMES}
OURS = {*sys.stdlib_module_names, "numpy", "pxr"}
ROOTS = {
    "self.app": ("isaacsim", "SimulationApp."),
    "self.manager": ("isaacsim.core.simulation_manager", "SimulationManager."),
    "rep": ("omni.replicator.core", ""),
    "carb": ("carb", ""),
    "warp": ("warp", ""),
    "omni.usd": ("omni.usd", ""),
}
"""How the script calls what it takes, and where the table has it."""


def imported() -> set[tuple[str, str]]:
    found = set()
    for node in ast.walk(TREE):
        if isinstance(node, ast.ImportFrom) and node.module.partition(".")[0] not in OURS:
            found |= {(node.module, alias.name) for alias in node.names}
    return found


def chain(node: ast.AST) -> str:
    """``rep.create.render_product`` of nested attributes; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    inner = chain(node.value) if isinstance(node, ast.Attribute) else ""
    return f"{inner}.{node.attr}" if inner else ""


def used() -> set[tuple[str, str]]:
    """Longest chains below each root."""
    chains = {chain(node) for node in ast.walk(TREE) if isinstance(node, ast.Attribute)} - {""}
    longest = {one for one in chains if not any(other.startswith(f"{one}.") for other in chains)}
    return {
        (module, prefix + one.removeprefix(f"{root}."))
        for one in longest
        for root, (module, prefix) in ROOTS.items()
        if one.startswith(f"{root}.")
    }


def test_every_import_was_looked_up() -> None:
    assert imported() and imported() <= set(KNOWN)


def test_every_call_was_looked_up_and_every_name_is_called() -> None:
    on_objects = {key for key in KNOWN if key[1].startswith(("RigidPrim.", "Articulation."))}
    whole = {key for key in KNOWN if "." not in key[1]} & imported()
    assert used() == set(KNOWN) - on_objects - whole
    attributes = {node.attr for node in ast.walk(TREE) if isinstance(node, ast.Attribute)}
    assert {symbol.partition(".")[2] for _, symbol in on_objects} <= attributes


def test_what_one_release_lacks_is_used_in_one_place() -> None:
    """The version switch: names without a source in 5.1.0 or 6.0.1 occur in ``_differences`` alone."""
    switch = next(n for n in ast.walk(TREE) if isinstance(n, ast.FunctionDef) and n.name == "_differences")
    partial = [name for name in SCRIPT_NAMES if None in (name.in_5_1_0, name.in_6_0_1)]
    assert len(partial) >= 3
    inside = {n.attr for n in ast.walk(switch) if isinstance(n, ast.Attribute)} | {
        alias.name for n in ast.walk(switch) if isinstance(n, ast.ImportFrom) for alias in n.names
    }
    for name in partial:
        word = name.symbol.rpartition(".")[2]
        assert word in inside
        assert SCRIPT.read_text(encoding="utf-8").count(word) == ast.unparse(switch).count(word), word


def test_the_table_says_where() -> None:
    for name in (*SCRIPT_NAMES, *PAGE_NAMES):
        sources = [source for source in (name.in_5_1_0, name.in_6_0_1) if source is not None]
        assert sources and all(source.startswith(("source/", "https://")) for source in sources), name
    assert len({(name.module, name.symbol) for name in (*SCRIPT_NAMES, *PAGE_NAMES)}) == len(SCRIPT_NAMES) + len(PAGE_NAMES)


def test_the_page_uses_names_of_the_table_only() -> None:
    page = (ROOT / "docs" / "isaac.md").read_text(encoding="utf-8")
    known = {part for name in (*SCRIPT_NAMES, *PAGE_NAMES) for part in _spellings(name)}
    known |= {part for module, symbol, _ in LAB_NAMES for part in (module, symbol, f"{module}.{symbol}")}
    named = set(re.findall(r"\b(?:isaacsim|isaaclab|omni)(?:\.\w+)+", page))
    named -= {name for name in named if name.endswith((".py", ".sh", ".md"))}
    assert named and named <= known, named - known


def _spellings(name: Name) -> set[str]:
    return {name.module, f"{name.module}.{name.symbol}"} if name.symbol else {name.module}
