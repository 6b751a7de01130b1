"""A glTF file taken apart: its JSON, checked as it is looked at, and its buffers. Strangers wrote it."""

import base64
import binascii
import json
import struct
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from lyra_sim.errors import InputError

MAGIC = b"glTF"
CHUNK_JSON, CHUNK_BIN = 0x4E4F534A, 0x004E4942
"""Kinds of a GLB's chunks (glTF 2.0, 4.4.3). Convention."""
MOST_JSON = 128 << 20
"""Bytes of JSON; a file that needs more isn't a scene that somebody modelled. Convention."""
MOST_BYTES = 4 << 30
"""Of one buffer or image, wherever it is. Convention."""


class GltfFile:
    """The JSON tree of a ``.glb`` or ``.gltf`` file with typed, checked access, and its buffers, each read once.

    Raises:
        InputError: It can't be read, is no JSON object, or isn't glTF 2.0.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        head = _head(path)
        self.binary = head[:4] == MAGIC
        text, self._bin = self._chunks(head) if self.binary else (self._text(), None)
        try:
            tree: Any = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise self.broken("JSON", f"it isn't JSON ({error})") from error
        if not isinstance(tree, dict):
            raise self.broken("JSON", "it isn't an object")
        self.tree: dict[str, Any] = tree
        self._buffers: dict[int, memoryview] = {}
        version = str(self.child(tree, "asset", "asset").get("version", ""))
        if version.partition(".")[0] != "2":
            raise InputError(
                str(path),
                f"glTF version '{version}'" if version else "no glTF version",
                expected="glTF 2.0",
                next_step=f"Convert it: npx gltf-pipeline -i {path.name} -o {path.stem}_2.glb" if version[:1] == "1" else None,
            )

    def broken(self, where: str, found: str, *, expected: str | None = None) -> InputError:
        """The error for a tree or a buffer that contradicts itself."""
        return InputError(
            str(self.path),
            f"{where}: {found}",
            expected=expected,
            likely="The file is truncated or its writer is at fault; a glTF validator tells more.",
        )

    def items(self, name: str) -> list[Any]:
        """A list at the top of the tree; empty where it is absent."""
        return self.listed(self.tree, name, name)

    def item(self, name: str, index: Any, *, named_by: str) -> dict[str, Any]:
        """An object of a list at the top, by the index that something else gives."""
        held = self.items(name)
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(held):
            raise self.broken(named_by, f"it names {name} {index!r}", expected=f"one of {len(held)}")
        if not isinstance(held[index], dict):
            raise self.broken(f"{name}[{index}]", "it isn't an object")
        entry: dict[str, Any] = held[index]
        return entry

    def child(self, parent: dict[str, Any], key: str, where: str) -> dict[str, Any]:
        """An object inside an object; empty where it is absent."""
        value = parent.get(key, {})
        if not isinstance(value, dict):
            raise self.broken(where, f"'{key}' isn't an object")
        return value

    def listed(self, parent: dict[str, Any], key: str, where: str) -> list[Any]:
        """A list inside an object; empty where it is absent."""
        value = parent.get(key, [])
        if not isinstance(value, list):
            raise self.broken(where, f"'{key}' isn't a list")
        return value

    def extension(self, parent: dict[str, Any], name: str, where: str) -> dict[str, Any] | None:
        """What an extension says about an object; None where it says nothing."""
        held = self.child(parent, "extensions", where)
        return self.child(held, name, where) if name in held else None

    def whole(self, parent: dict[str, Any], key: str, where: str, *, default: int | None = None, most: int = 1 << 40) -> int:
        """A whole number from 0 up inside an object."""
        value = parent.get(key, default)
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # a writer in a language without integers
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
            raise self.broken(where, f"'{key}' is {value!r}", expected=f"a whole number from 0 to {most}")
        return value

    def numbers(self, parent: dict[str, Any], key: str, where: str, default: tuple[float, ...]) -> tuple[float, ...]:
        """A list of as many finite numbers as the default has."""
        value = parent.get(key, default)
        if (
            not isinstance(value, list | tuple)
            or len(value) != len(default)
            or not all(isinstance(one, int | float) and not isinstance(one, bool) and abs(one) < 1e30 for one in value)
        ):
            raise self.broken(where, f"'{key}' is {str(value)[:80]}", expected=f"{len(default)} finite numbers")
        return tuple(float(one) for one in value)

    def buffer(self, index: Any, *, named_by: str) -> memoryview:
        """Bytes of a buffer."""
        entry = self.item("buffers", index, named_by=named_by)
        if index not in self._buffers:
            where = f"buffers[{index}]"
            size = self.whole(entry, "byteLength", where, most=MOST_BYTES)
            data = self._of_buffer(entry, index, where)
            if len(data) < size:
                raise self.broken(where, f"{len(data)} bytes", expected=f"{size}, as its byteLength says")
            self._buffers[index] = data[:size]
        return self._buffers[index]

    def view(self, index: Any, *, named_by: str) -> memoryview:
        """Bytes of a buffer view that isn't compressed."""
        entry = self.item("bufferViews", index, named_by=named_by)
        return self.part(entry, f"bufferViews[{index}]")

    def part(self, entry: dict[str, Any], where: str) -> memoryview:
        """The bytes that ``buffer``, ``byteOffset`` and ``byteLength`` of an object name."""
        data = self.buffer(entry.get("buffer"), named_by=where)
        start = self.whole(entry, "byteOffset", where, default=0)
        size = self.whole(entry, "byteLength", where)
        if start + size > len(data):
            raise self.broken(where, f"it ends at byte {start + size}", expected=f"at most {len(data)}, its buffer's end")
        return data[start : start + size]

    def beside(self, uri: str, *, named_by: str) -> Path:
        """The file that a relative URI names; it has to lie in the folder of the glTF or below.

        Raises:
            InputError: It names a file elsewhere.
        """
        folder = self.path.absolute().parent
        scheme = uri.partition(":")[0]
        outside = (":" in uri and scheme.isalpha() and len(scheme) > 1) or uri.startswith(("/", "\\")) or "\0" in uri
        if not outside:
            for name in (uri, unquote(uri)):
                try:
                    file = folder / name
                    if file.is_file() and file.resolve().is_relative_to(folder.resolve()):
                        return file
                    outside = outside or not file.resolve().is_relative_to(folder.resolve())
                except (OSError, ValueError):
                    continue
        if outside:
            raise InputError(
                str(self.path),
                f"{named_by}: it names '{uri[:80]}'",
                expected="a file in the folder of the glTF",
                likely="Files from elsewhere are never fetched: a scene has to be whole.",
                next_step="Pack it: npx @gltf-transform/cli copy in.gltf out.glb",
            )
        raise FileNotFoundError(uri[:80])

    def data_of(self, uri: Any, *, named_by: str) -> memoryview:
        """Bytes behind a URI: base64 in the file itself, or a file beside it.

        Raises:
            FileNotFoundError: The file beside it isn't there.
        """
        if not isinstance(uri, str):
            raise self.broken(named_by, "its uri isn't a text")
        if uri.startswith("data:"):
            head, comma, body = uri.partition(",")
            if not comma or not head.endswith(";base64"):
                raise self.broken(named_by, f"a data URI that begins '{head[:40]}'", expected="data:...;base64,...")
            try:
                return memoryview(base64.b64decode(unquote(body), validate=True))
            except (binascii.Error, ValueError) as error:
                raise self.broken(named_by, f"its data URI isn't base64 ({error})") from error
        file = self.beside(uri, named_by=named_by)
        if file.stat().st_size > MOST_BYTES:
            raise self.broken(named_by, f"{file.stat().st_size / 1e9:.1f} GB", expected=f"at most {MOST_BYTES / 1e9:.1f} GB")
        return memoryview(file.read_bytes())

    def _of_buffer(self, entry: dict[str, Any], index: int, where: str) -> memoryview:
        if "uri" in entry:
            try:
                return self.data_of(entry["uri"], named_by=where)
            except FileNotFoundError as error:
                raise InputError(
                    str(self.path),
                    f"{where}: the file '{error}' is missing",
                    expected="the .bin files of a .gltf beside it",
                    next_step="Copy them along, or export one .glb.",
                ) from error
        if index == 0 and self._bin is not None:
            return self._bin
        raise self.broken(where, "it has neither a uri nor the file's binary chunk")

    def _text(self) -> bytes:
        size = self.path.stat().st_size
        if size > MOST_BYTES:
            raise self.broken("JSON", f"{size / 1e9:.1f} GB", expected=f"at most {MOST_BYTES / 1e9:.1f} GB")
        return self.path.read_bytes()

    def _chunks(self, head: bytes) -> tuple[bytes, memoryview | None]:
        """JSON and binary chunk of a GLB file (glTF 2.0, 4.4)."""
        if len(head) < 20:
            raise self.broken("header", f"{len(head)} bytes", expected="at least 20")
        version, declared = struct.unpack("<II", head[4:12])
        size = self.path.stat().st_size
        if version == 1:
            name = self.path.name
            raise InputError(
                str(self.path),
                "glTF version '1'",
                expected="glTF 2.0",
                next_step=f"Convert it: npx gltf-pipeline -i {name} -o {self.path.stem}_2.glb",
            )
        if version != 2:
            raise self.broken("header", f"container version {version}", expected="2")
        if declared > size:
            raise InputError(
                str(self.path),
                f"{size} bytes",
                expected=f"{declared}, as its header says",
                likely="It is truncated: a download or a copy was cut short.",
            )
        data = memoryview(self.path.read_bytes())[:declared]
        found: dict[int, memoryview] = {}
        start = 12
        while start + 8 <= len(data):
            length, kind = struct.unpack("<II", data[start : start + 8])
            if start + 8 + length > len(data):
                raise self.broken("chunk", f"it ends at byte {start + 8 + length}", expected=f"at most {len(data)}")
            found.setdefault(kind, data[start + 8 : start + 8 + length])
            start += 8 + length
        if CHUNK_JSON not in found:
            raise self.broken("chunks", "none holds JSON")
        if len(found[CHUNK_JSON]) > MOST_JSON:
            raise self.broken("JSON", f"{len(found[CHUNK_JSON])} bytes", expected=f"at most {MOST_JSON}")
        return bytes(found[CHUNK_JSON]), found.get(CHUNK_BIN)


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(20)
