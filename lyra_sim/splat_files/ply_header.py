"""The text at the head of a PLY file (Turk 1994): what elements follow, of which properties; read without trusting a number."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lyra_sim.errors import InputError

MOST_HEADER = 1 << 16
"""Bytes a header may take: 62 properties of degree 3 are 2 kB. Convention."""
MOST_COUNT = 1 << 40
"""Of rows that a header may claim: beyond, it is no number of rows at all. Convention."""
TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2", "uint16": "u2",
    "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
}  # fmt: skip
FORMATS = {"binary_little_endian": "<", "binary_big_endian": ">", "ascii": None}


@dataclass(frozen=True, kw_only=True)
class PlyElement:
    """One table of a PLY."""

    name: str
    count: int
    properties: dict[str, str]
    """Type code of numpy, without the byte order, by name; in the file's order."""
    lists: tuple[str, ...] = ()
    """Properties whose rows differ in length, as faces have."""


@dataclass(frozen=True, kw_only=True)
class PlyHeader:
    """What a PLY says of itself."""

    path: Path
    order: str | None
    """Byte order of numpy; None: numbers as text."""
    elements: tuple[PlyElement, ...]
    comments: tuple[str, ...]
    """Without the word ``comment``."""
    begin: int
    """Byte at which the tables begin."""

    def element(self, name: str) -> PlyElement | None:
        """The table of that name."""
        return next((one for one in self.elements if one.name == name), None)


def read_header(path: Path) -> PlyHeader:
    """The header of a file that begins with ``ply``.

    Raises:
        InputError: It doesn't end, or a line of it is none that PLY knows.
    """
    with path.open("rb") as stream:
        head = stream.read(MOST_HEADER)
    end = head.find(b"end_header")
    stop = head.find(b"\n", end)
    if end < 0 or stop < 0:
        raise InputError(str(path), "a PLY whose header doesn't end", expected="end_header", likely="The file is truncated.")
    order: str | None = "?"
    tables: list[tuple[str, int, dict[str, str], list[str]]] = []
    comments = []
    for line in head[:end].decode("latin-1").splitlines()[1:]:
        words = line.split()
        match words:
            case ["format", name, *_] if name in FORMATS:
                order = FORMATS[name]
            case ["comment" | "obj_info", *_]:
                comments.append(line.partition(" ")[2].strip())
            case ["element", name, number] if number.isdecimal() and int(number) <= MOST_COUNT:
                tables.append((name, int(number), {}, []))
            case ["property", "list", _, _, name] if tables:
                tables[-1][3].append(name)
            case ["property", kind, name] if tables and kind in TYPES and name not in tables[-1][2]:
                tables[-1][2][name] = TYPES[kind]
            case []:
                pass
            case _:
                raise InputError(str(path), f"a line of the PLY's header reads '{line[:60]}'", likely="The file is damaged.")
    if order == "?":
        raise InputError(str(path), "a PLY without a known format line", expected=", ".join(FORMATS))
    elements = tuple(
        PlyElement(name=name, count=count, properties=properties, lists=tuple(lists))
        for name, count, properties, lists in tables
    )
    return PlyHeader(path=path, order=order, elements=elements, comments=tuple(comments), begin=stop + 1)


def read_tables(header: PlyHeader) -> dict[str, np.ndarray]:
    """Every table of a PLY without lists, as structured arrays over the file; text is parsed.

    Raises:
        InputError: The file holds more or fewer bytes than its header says.
    """
    types = {
        one.name: np.dtype([(name, (header.order or "<") + code) for name, code in one.properties.items()])
        for one in header.elements
    }
    if header.order is None:
        return _of_text(header, types)
    sizes = {one.name: one.count * types[one.name].itemsize for one in header.elements}
    found, expected = header.path.stat().st_size - header.begin, sum(sizes.values())
    if found != expected:
        told = ", ".join(f"{one.count} {one.name} of {len(one.properties)} properties" for one in header.elements)
        raise InputError(
            str(header.path),
            f"{found} bytes of data",
            expected=f"{expected} for {told}",
            likely="The file is truncated." if found < expected else "The file is damaged.",
        )
    tables, begin = {}, header.begin
    for one in header.elements:
        empty = sizes[one.name] == 0
        tables[one.name] = (
            np.zeros(0 if not one.count else one.count, types[one.name])
            if empty
            else np.memmap(header.path, types[one.name], "r", begin, (one.count,))
        )
        begin += sizes[one.name]
    return tables


def _of_text(header: PlyHeader, types: dict[str, np.dtype]) -> dict[str, np.ndarray]:
    """Two characters are the least that a number takes, so a header that lies costs no more than its file's size."""
    needed = sum(one.count * len(one.properties) for one in header.elements)
    size = header.path.stat().st_size - header.begin
    wrong = InputError(
        str(header.path), f"{size} bytes of text", expected=f"{needed} numbers", likely="The file is truncated or damaged."
    )
    if 2 * needed > size + 1:
        raise wrong
    with header.path.open("rb") as stream:
        stream.seek(header.begin)
        try:
            numbers = np.array(stream.read().split(), np.float64)
        except ValueError as error:
            raise wrong from error
    if len(numbers) != needed:
        raise wrong
    tables, begin = {}, 0
    for one in header.elements:
        rows = numbers[begin : begin + one.count * len(one.properties)].reshape(one.count, len(one.properties))
        table = np.zeros(one.count, types[one.name])
        with np.errstate(over="ignore", invalid="ignore"):
            for column, name in zip(rows.T, one.properties, strict=True):
                table[name] = column
        tables[one.name] = table
        begin += rows.size
    return tables
