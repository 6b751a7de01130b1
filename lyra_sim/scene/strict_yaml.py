"""YAML as plain data and nothing else: no tags, no duplicate keys, no alias bombs; lines remembered for messages."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lyra_sim.errors import InputError, SpecError

MAX_BYTES = 1_000_000
"""A larger file is refused unread; a thousand scenes need a tenth of this. Convention."""
MAX_VALUES = 100_000
"""Values after all aliases are expanded; the nine-line bomb has a thousand million. Convention."""

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True)
class Document:
    """Parsed data with the line each key stands on."""

    subject: str
    """What messages call it: the file, or the option."""
    data: Any
    lines: Mapping[KeyPath, int]
    """1-based; keys that came in by a merge (``<<``) have none."""

    def where(self, path: KeyPath) -> str:
        """``scenes.yaml:7``, or just the file where the line isn't known."""
        line = self.lines.get(path)
        return f"{self.subject}:{line}" if line else self.subject


def read_yaml(path: Path) -> Document:
    """Read a YAML file.

    Raises:
        InputError: The file isn't there or isn't text.
        SpecError: It is too large, not YAML, names a key twice, or expands without bound.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise SpecError(str(path), f"it has {size} bytes", expected=f"at most {MAX_BYTES}")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError(str(path), "the file is missing", expected="a YAML file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(path), f"it can't be read ({error})", expected="a YAML file in UTF-8") from error
    return parse_yaml(text, subject=path.name)


def parse_yaml(text: str, *, subject: str) -> Document:
    """Parse YAML text; ``subject`` names it in messages.

    Raises:
        SpecError: It isn't plain YAML, is too large, or is nested too deeply.
    """
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        lines: dict[KeyPath, int] = {}
        _Walk(subject, lines).visit(node, (), frozenset())
        data = loader.construct_document(node) if node is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{subject}:{mark.line + 1}" if mark else subject
        raise SpecError(place, f"not plain YAML: {error.problem}", expected="mappings, lists and plain values") from error
    except (yaml.YAMLError, ValueError) as error:
        raise SpecError(subject, f"not plain YAML: {error}") from error
    except RecursionError as error:
        raise SpecError(subject, "it is nested too deeply", expected="a few levels") from error
    finally:
        loader.dispose()
    return Document(subject=subject, data=data, lines=lines)


@dataclass
class _Walk:
    """Visits every value as often as aliases repeat it, so that an expansion is counted before it is built."""

    subject: str
    lines: dict[KeyPath, int]
    count: int = 0

    def visit(self, node: yaml.Node | None, path: KeyPath, above: frozenset[int]) -> None:
        self.count += 1
        if self.count > MAX_VALUES:
            raise SpecError(
                self.subject, f"it expands to more than {MAX_VALUES} values", likely="Aliases (*name) repeat each other."
            )
        if id(node) in above:
            raise SpecError(self.subject, "an alias (*name) contains itself", expected="a tree of values")
        inside = above | {id(node)}
        if isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self.lines.setdefault((*path, index), item.start_mark.line + 1)
                self.visit(item, (*path, index), inside)
        elif isinstance(node, yaml.MappingNode):
            first_lines: dict[str, int] = {}
            for key, value in node.value:
                self._visit_key(key, first_lines)
                self.lines.setdefault((*path, key.value), key.start_mark.line + 1)
                self.visit(value, (*path, key.value), inside)

    def _visit_key(self, key: yaml.Node, first_lines: dict[str, int]) -> None:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise SpecError(f"{self.subject}:{line}", "a key is a list or mapping", expected="a word")
        if key.value in first_lines:
            raise SpecError(
                f"{self.subject}:{line}",
                f"the key '{key.value}' is given twice (first on line {first_lines[key.value]})",
                expected="each key once",
                likely="A block was copied; YAML would silently keep the last.",
            )
        first_lines[key.value] = line
