"""Every number that a module names says what it is and where its value comes from (CONTRIBUTING.md, "Style")."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.files import ROOT, modules

ORIGIN = re.compile(r"(?:^|\s)(?:Derived|Convention|Tuned on [^.]+|Tuned, unrecorded)\.$")
MADE_OF_NUMBERS = ("np.", "math.", "float(", "int(", "round(")

ROOMS = sorted({path.relative_to(ROOT / "lyra_sim").parts[0] for path in modules("lyra_sim")})


def is_number(value: ast.expr) -> bool:
    """A number, a tuple or array of numbers, or arithmetic with them and with other constants."""
    match value:
        case ast.Constant():
            return isinstance(value.value, int | float) and not isinstance(value.value, bool)
        case ast.UnaryOp():
            return is_number(value.operand)
        case ast.BinOp():
            return is_number(value.left) and is_number(value.right)
        case ast.Tuple() | ast.List():
            return bool(value.elts) and all(is_number(element) for element in value.elts)
        case ast.Call():
            return ast.unparse(value).startswith(MADE_OF_NUMBERS)
        case ast.Name():
            return value.id.isupper()
        case ast.Attribute():
            return value.attr in ("pi", "inf", "nan")
        case _:
            return False


def constants(path: Path) -> Iterator[tuple[str, str]]:
    """Names of a module's numbers, each with the docstring below it."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    for node, below in zip(body, [*body[1:], ast.Pass()], strict=True):
        match node:
            case ast.Assign(targets=[target], value=value) | ast.AnnAssign(target=target, value=ast.expr() as value):
                names = [part.id for part in ast.walk(target) if isinstance(part, ast.Name)]
            case _:
                continue
        if all(name.isupper() for name in names) and is_number(value):
            match below:
                case ast.Expr(value=ast.Constant(value=str() as text)):
                    yield ", ".join(names), " ".join(text.split())
                case _:
                    yield ", ".join(names), ""


def test_the_rule_sees_numbers(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(
        'A = -1.5\n"""Why. Derived."""\nB, C = 2 * A, (3, 4)\nNAME = "text"\nD: int = 1 << 4\n"""Why. Picked."""\n'
    )
    assert list(constants(module)) == [("A", "Why. Derived."), ("B, C", ""), ("D", "Why. Picked.")]
    assert ORIGIN.search("Why. Tuned on small_house and livingroom.") and not ORIGIN.search("Why. Picked.")


@pytest.mark.parametrize("room", ROOMS)
def test_numbers_say_where_they_come_from(room: str) -> None:
    paths = [path for path in modules("lyra_sim") if path.relative_to(ROOT / "lyra_sim").parts[0] == room]
    silent = [
        f"{path.relative_to(ROOT).as_posix()}: {names}"
        for path in paths
        for names, text in constants(path)
        if not ORIGIN.search(text)
    ]
    assert not silent, "say at the end of the docstring: Derived, Convention, Tuned on …, or Tuned, unrecorded"
