"""PLY files of meshes: every element and property is accounted for. Turk's format of 1994, ASCII and both byte orders."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lyra_sim.errors import InputError

TYPES = {
    **{name: "i1" for name in ("char", "int8")},
    **{name: "u1" for name in ("uchar", "uint8")},
    **{name: "i2" for name in ("short", "int16")},
    **{name: "u2" for name in ("ushort", "uint16")},
    **{name: "i4" for name in ("int", "int32")},
    **{name: "u4" for name in ("uint", "uint32")},
    **{name: "f4" for name in ("float", "float32")},
    **{name: "f8" for name in ("double", "float64")},
}
FORMATS = {"ascii": "=", "binary_little_endian": "<", "binary_big_endian": ">"}
MOST_HEADER = 1 << 16
"""Bytes in which a header has to end. Convention."""
MOST_PROPERTIES = 1024
"""Of an element; more are refused. Convention."""


@dataclass(frozen=True, kw_only=True)
class Property:
    name: str
    type: str
    """numpy's, without byte order."""
    counter: str | None
    """Type of the count of a list; None: a plain number."""


@dataclass(frozen=True, kw_only=True)
class Lists:
    """A list property of an element, rows one after another."""

    lengths: np.ndarray
    values: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Element:
    name: str
    count: int
    properties: tuple[Property, ...]
    columns: dict[str, np.ndarray]
    """Plain properties as float64, by lower-case name."""
    lists: dict[str, Lists]


@dataclass(frozen=True, kw_only=True)
class Ply:
    format: str
    comments: tuple[str, ...]
    elements: dict[str, Element]


def read_ply(path: Path) -> Ply:
    """All elements of a PLY file.

    Raises:
        InputError: The header isn't one, or the body is shorter than it says.
    """
    data = path.read_bytes()
    head, comments, order, start = _header(path, data)
    elements: dict[str, Element] = {}
    body = memoryview(data)[start:]
    if order == "=":
        return _ascii(path, bytes(body), head, comments)
    for name, count, properties in head:
        element, used = _binary(path, body, name, count, properties, order)
        elements.setdefault(name, element)
        body = body[used:]
    return Ply(
        format="binary_little_endian" if order == "<" else "binary_big_endian", comments=tuple(comments), elements=elements
    )


Head = list[tuple[str, int, tuple[Property, ...]]]


def _header(path: Path, data: bytes) -> tuple[Head, list[str], str, int]:
    end = data.find(b"end_header", 0, MOST_HEADER)
    if not data.startswith(b"ply") or end < 0:
        raise _wrong(path, "it has no PLY header" if not data.startswith(b"ply") else "its header has no end")
    newline = data.find(b"\n", end)
    start = (newline if newline >= 0 else len(data) - 1) + 1
    head: list[tuple[str, int, list[Property]]] = []
    comments: list[str] = []
    order = ""
    for line in data[:end].decode("utf-8", "replace").splitlines()[1:]:
        words = line.split()
        try:
            match words[0] if words else "":
                case "format":
                    order = FORMATS[words[1]]
                case "comment" | "obj_info":
                    comments.append(line.split(maxsplit=1)[1] if len(words) > 1 else "")
                case "element":
                    head.append((words[1].lower(), int(words[2]), []))
                case "property" if words[1] == "list":
                    head[-1][2].append(Property(name=words[4].lower(), type=TYPES[words[3]], counter=TYPES[words[2]]))
                case "property":
                    head[-1][2].append(Property(name=words[2].lower(), type=TYPES[words[1]], counter=None))
                case "":
                    continue
                case _:
                    raise _wrong(path, f"its header says '{line[:60]}'")
        except (KeyError, IndexError, ValueError) as error:
            raise _wrong(path, f"its header says '{line[:60]}'") from error
    if not order:
        raise _wrong(path, "its header states no format")
    for name, count, properties in head:
        if count < 0 or len(properties) > MOST_PROPERTIES:
            raise _wrong(path, f"its header says {count} {name} with {len(properties)} properties")
    return [(name, count, tuple(properties)) for name, count, properties in head], comments, order, start


def _least_bytes(properties: tuple[Property, ...]) -> int:
    return sum(np.dtype(one.counter or one.type).itemsize for one in properties)


def _binary(
    path: Path, body: memoryview, name: str, count: int, properties: tuple[Property, ...], order: str
) -> tuple[Element, int]:
    least = _least_bytes(properties)
    if count * least > len(body):
        raise _short(path, name, count, len(body) // max(least, 1))
    if count and not least:
        raise _wrong(path, f"{count} {name} without a property")
    if not any(one.counter for one in properties):
        rows = np.frombuffer(body[: count * least], np.dtype([(f"p{k}", order + one.type) for k, one in enumerate(properties)]))
        columns = {one.name: rows[f"p{k}"].astype(np.float64) for k, one in enumerate(properties)}
        return Element(name=name, count=count, properties=properties, columns=columns, lists={}), count * least
    same = _same_lengths(body, count, properties, order)
    if same is not None:
        return Element(name=name, count=count, properties=properties, columns=same[0], lists=same[1]), same[2]
    from lyra_sim.capture.survey.ply_kernels import list_spans

    data = np.frombuffer(body, np.uint8)
    sizes = np.array([np.dtype(one.type).itemsize for one in properties], np.int64)
    counters = np.array([np.dtype(one.counter).itemsize if one.counter else 0 for one in properties], np.int64)
    starts, lengths = (np.zeros((count, len(properties)), np.int64) for _ in range(2))
    used = int(list_spans(data, count, sizes, counters, order == ">", starts, lengths))
    if used < 0:
        raise _short(path, name, count, None)
    columns, lists = {}, {}
    for k, one in enumerate(properties):
        first = np.cumsum(lengths[:, k]) - lengths[:, k]
        inside = np.arange(lengths[:, k].sum()) - np.repeat(first, lengths[:, k])
        at = (np.repeat(starts[:, k], lengths[:, k]) + inside * sizes[k])[:, None] + np.arange(sizes[k])
        values = np.ascontiguousarray(data[at]).view(order + one.type)[:, 0].astype(np.float64)
        if one.counter:
            lists[one.name] = Lists(lengths=lengths[:, k].copy(), values=values)
        else:
            columns[one.name] = values
    return Element(name=name, count=count, properties=properties, columns=columns, lists=lists), used


def _same_lengths(
    body: memoryview, count: int, properties: tuple[Property, ...], order: str
) -> tuple[dict[str, np.ndarray], dict[str, Lists], int] | None:
    """The common case, all lists of a property as long as its first one, at once; None where it isn't so."""
    if not count:
        return None
    at, lengths = 0, []
    for one in properties:
        length = 1
        if one.counter:
            size = np.dtype(one.counter).itemsize
            if at + size > len(body):
                return None
            length = int(np.frombuffer(body[at : at + size], order + one.counter)[0])
            at += size
        if length < 0:
            return None
        lengths.append(length)
        at += length * np.dtype(one.type).itemsize
    if at * count > len(body):
        return None
    fields: list[tuple[str, str] | tuple[str, str, tuple[int]]] = []
    for k, (one, length) in enumerate(zip(properties, lengths, strict=True)):
        fields += [(f"c{k}", order + one.counter)] if one.counter else []
        fields.append((f"p{k}", order + one.type, (length,)))
    rows = np.frombuffer(body[: at * count], np.dtype(fields))
    if any((rows[f"c{k}"] != lengths[k]).any() for k, one in enumerate(properties) if one.counter):
        return None
    columns = {one.name: rows[f"p{k}"][:, 0].astype(np.float64) for k, one in enumerate(properties) if not one.counter}
    lists = {
        one.name: Lists(lengths=np.full(count, lengths[k], np.int64), values=rows[f"p{k}"].astype(np.float64).ravel())
        for k, one in enumerate(properties)
        if one.counter
    }
    return columns, lists, at * count


def _ascii(path: Path, body: bytes, head: Head, comments: list[str]) -> Ply:
    """Rows are lines here; a row longer than its properties is read as far as they go, as other readers do."""
    lines = [line for line in body.splitlines() if line.strip()]
    at = 0
    elements: dict[str, Element] = {}
    for name, count, properties in head:
        rows = lines[at : at + count]
        if len(rows) < count:
            raise _short(path, name, count, len(rows))
        at += count
        columns: dict[str, list[float]] = {one.name: [] for one in properties if not one.counter}
        lists: dict[str, tuple[list[int], list[float]]] = {one.name: ([], []) for one in properties if one.counter}
        try:
            if not lists:
                table = np.array([row.split()[: len(properties)] for row in rows], dtype=bytes).astype(np.float64)
                table = table.reshape(count, len(properties))
                found = {one.name: table[:, k] for k, one in enumerate(properties)}
                elements.setdefault(name, Element(name=name, count=count, properties=properties, columns=found, lists={}))
                continue
            for row in rows:
                words, k = row.split(), 0
                for one in properties:
                    if one.counter is None:
                        columns[one.name].append(float(words[k]))
                        k += 1
                        continue
                    length = int(float(words[k]))
                    if not 0 <= length <= len(words) - k - 1:
                        raise IndexError(length)
                    lists[one.name][0].append(length)
                    lists[one.name][1].extend(map(float, words[k + 1 : k + 1 + length]))
                    k += 1 + length
        except (ValueError, IndexError, OverflowError) as error:
            raise _wrong(path, f"a row of element {name} isn't what the header says") from error
        elements.setdefault(
            name,
            Element(
                name=name,
                count=count,
                properties=properties,
                columns={key: np.array(value, np.float64) for key, value in columns.items()},
                lists={
                    key: Lists(lengths=np.array(lengths, np.int64), values=np.array(values, np.float64))
                    for key, (lengths, values) in lists.items()
                },
            ),
        )
    return Ply(format="ascii", comments=tuple(comments), elements=elements)


def _short(path: Path, name: str, count: int, found: int | None) -> InputError:
    return InputError(
        str(path),
        f"it ends within element {name}" + ("" if found is None else f", of which {found} fit"),
        expected=f"{count}, as its header says",
        likely="It is truncated: a download or a copy was cut short.",
    )


def _wrong(path: Path, found: str) -> InputError:
    return InputError(str(path), found, expected="a PLY file", likely="The file is truncated or of another type.")
