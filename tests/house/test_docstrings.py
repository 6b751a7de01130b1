"""Where a signature needs words, the docstring has them: many arguments, and errors of ours (CONTRIBUTING.md, "Style")."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.house.files import ROOT, modules

MANY = 6
"""Arguments from which each has a line under ``Args:``."""

ERRORS = {node.name for node in ast.parse((ROOT / "lyra_sim" / "errors.py").read_text()).body if isinstance(node, ast.ClassDef)}
ROOMS = sorted({path.relative_to(ROOT / "lyra_sim").parts[0] for path in modules("lyra_sim")})
INITIALISERS = ("__init__", "__post_init__")


class Callable(NamedTuple):
    """A public function or method; an initialiser is told of in its class's docstring."""

    name: str
    node: ast.FunctionDef
    doc: str


def callables(body: list[ast.stmt], inside: ast.ClassDef | None = None, prefix: str = "") -> Iterator[Callable]:
    for node in body:
        match node:
            case ast.ClassDef() if not node.name.startswith("_"):
                yield from callables(node.body, node, f"{prefix}{node.name}.")
            case ast.FunctionDef() if inside is not None and node.name in INITIALISERS:
                yield Callable(prefix + node.name, node, ast.get_docstring(inside) or "")
            case ast.FunctionDef() if not node.name.startswith("_") and not is_command(node):
                yield Callable(prefix + node.name, node, ast.get_docstring(node) or "")


def is_command(node: ast.FunctionDef) -> bool:
    """Its docstring is what ``--help`` shows, where every option has words of its own."""
    by_decorator = any(".command(" in ast.unparse(decorator) for decorator in node.decorator_list)
    return by_decorator or node.name.endswith("_command")  # those with a module of their own, which cli.py registers


def is_step(node: ast.FunctionDef) -> bool:
    """Its arguments are named after steps and fields of the scene, which have words of their own (``steps/step.py``)."""
    return any(ast.unparse(decorator).startswith("step(") for decorator in node.decorator_list)


def arguments(node: ast.FunctionDef) -> list[str]:
    spec = node.args
    return [arg.arg for arg in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs) if arg.arg not in ("self", "cls")]


def raised(node: ast.FunctionDef) -> set[str]:
    """Our errors that the body itself raises, functions within it left out."""
    found, waiting = set(), [*node.body]
    while waiting:
        one = waiting.pop()
        if isinstance(one, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            continue
        if isinstance(one, ast.Raise) and one.exc is not None:
            made = one.exc.func if isinstance(one.exc, ast.Call) else one.exc
            found.add(ast.unparse(made).rpartition(".")[2])
        waiting += [
            child for child in ast.iter_child_nodes(one) if isinstance(child, ast.stmt | ast.excepthandler | ast.match_case)
        ]
    return found & ERRORS


def entries(doc: str, section: str) -> set[str]:
    """Names that have a line in a section; one line may tell of several: ``width, height: Of the image [px].``"""
    lines = re.search(rf"^{section}:\n((?:[ ]{{4}}.*\n?)+)", doc, re.MULTILINE)
    heads = re.findall(r"^ {4}(\w+(?:, \w+)*): \S", lines.group(1), re.MULTILINE) if lines else []
    return {name for head in heads for name in head.split(", ")}


def lacks(path: Path) -> Iterator[str]:
    for name, node, doc in callables(ast.parse(path.read_text(encoding="utf-8")).body):
        asked = arguments(node)
        if (
            len(asked) >= MANY
            and node.name not in INITIALISERS
            and not is_step(node)
            and (silent := set(asked) - entries(doc, "Args"))
        ):
            yield f"{path.name}: {name}: Args: {', '.join(sorted(silent))}"
        if silent := raised(node) - entries(doc, "Raises"):
            yield f"{path.name}: {name}: Raises: {', '.join(sorted(silent))}"


def test_the_rule_sees_both(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(
        "def f(a, b, c, d, e, *, g):\n"
        '    """What.\n\n    Args:\n        a, b: [m].\n        c: Why.\n        d: Why.\n        e: Why.\n    """\n'
        "    try:\n        raise InputError(a, b)\n    except KeyError:\n        raise SpecError(a, b)\n"
        'class C:\n    """What.\n\n    Raises:\n        UsdError: When.\n    """\n'
        "    def __post_init__(self):\n        raise UsdError(1, 2)\n"
    )
    assert list(lacks(module)) == ["module.py: f: Args: g", "module.py: f: Raises: InputError, SpecError"]


@pytest.mark.parametrize("room", ROOMS)
def test_docstrings_say_what_the_signature_cannot(room: str) -> None:
    paths = [path for path in modules("lyra_sim") if path.relative_to(ROOT / "lyra_sim").parts[0] == room]
    assert not [lack for path in paths for lack in lacks(path)]
