"""Accessors of a glTF file as arrays: sparse ones, strided ones, compressed ones, integers that stand for -1..1."""

from typing import Any

import numpy as np

from lyra_sim.capture.survey.gltf.file import GltfFile
from lyra_sim.capture.survey.gltf.meshopt import NAME as MESHOPT
from lyra_sim.capture.survey.gltf.meshopt import decompressed

DTYPES = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
COMPONENTS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
MOST_VALUES = 1 << 29
"""Numbers of one accessor. Convention."""


class Accessors:
    """Reads accessors of one file; compressed views are unpacked once."""

    def __init__(self, file: GltfFile) -> None:
        self._file = file
        self._views: dict[int, memoryview] = {}

    def count(self, index: Any, *, named_by: str) -> int:
        """How many elements an accessor has, before anything is read."""
        entry = self._file.item("accessors", index, named_by=named_by)
        return self._file.whole(entry, "count", f"accessors[{index}]", most=MOST_VALUES)

    def raw(self, index: Any, kinds: tuple[str, ...], *, named_by: str) -> tuple[np.ndarray, bool]:
        """Elements (n, components) as they are stored, and whether integers stand for -1..1 or 0..1."""
        file, where = self._file, f"accessors[{index}]"
        entry = file.item("accessors", index, named_by=named_by)
        kind, code = entry.get("type"), entry.get("componentType")
        if kind not in kinds or kind not in COMPONENTS:
            raise file.broken(where, f"type {kind!r}", expected=f"{' or '.join(kinds)} for {named_by}")
        if code not in DTYPES:
            raise file.broken(where, f"componentType {code!r}", expected=f"one of {sorted(DTYPES)}")
        count = self.count(index, named_by=named_by)
        if count * COMPONENTS[kind] > MOST_VALUES:
            raise file.broken(where, f"{count} elements", expected=f"at most {MOST_VALUES // COMPONENTS[kind]}")
        sparse = entry.get("sparse")
        if "bufferView" in entry:
            values = self._strided(entry, entry["bufferView"], count, kind, DTYPES[code], where)
        elif sparse is None and count:
            raise file.broken(where, "it has no buffer view", expected="data: zeros alone are no surface")
        else:
            values = self._zeros(entry, count, kind, DTYPES[code], where)
        if sparse is not None:
            values = self._replaced(entry, values, kind, DTYPES[code], where)
        return values, entry.get("normalized") is True

    def numbers(self, index: Any, kinds: tuple[str, ...], *, named_by: str, always_normalized: bool = False) -> np.ndarray:
        """Elements (n, components) as float64; normalized integers as what they stand for (glTF 2.0, 3.6.2.2)."""
        values, normalized = self.raw(index, kinds, named_by=named_by)
        return as_numbers(values, normalized=normalized or always_normalized)

    def indices(self, index: Any, *, named_by: str) -> np.ndarray:
        """Whole numbers (n,)."""
        values, _ = self.raw(index, ("SCALAR",), named_by=named_by)
        if values.dtype.kind != "u":
            raise self._file.broken(f"accessors[{index}]", f"indices of type {values.dtype}", expected="unsigned integers")
        return values[:, 0].astype(np.int64)

    def view(self, index: Any, *, named_by: str) -> memoryview:
        """Bytes of a buffer view, unpacked where it is compressed."""
        entry = self._file.item("bufferViews", index, named_by=named_by)
        where = f"bufferViews[{index}]"
        told = self._file.extension(entry, MESHOPT, where)
        if told is None:
            return self._file.part(entry, where)
        if index not in self._views:
            self._views[index] = decompressed(self._file, told, where)
        return self._views[index]

    def _strided(self, entry: dict[str, Any], view: Any, count: int, kind: str, dtype: str, where: str) -> np.ndarray:
        file = self._file
        data = self.view(view, named_by=where)
        stored = file.item("bufferViews", view, named_by=where)
        size = np.dtype(dtype).itemsize
        element = size * COMPONENTS[kind]
        told = file.extension(stored, MESHOPT, where) or {}
        default = element if "byteStride" not in told else file.whole(told, "byteStride", where)
        stride = file.whole(stored, "byteStride", f"bufferViews[{view}]", default=default) or element
        start = file.whole(entry, "byteOffset", where, default=0)
        if stride < element:
            raise file.broken(where, f"a stride of {stride} bytes", expected=f"at least {element}")
        if count and start + stride * (count - 1) + element > len(data):
            raise file.broken(
                where,
                f"{count} elements end at byte {start + stride * (count - 1) + element}",
                expected=f"at most {len(data)}, its view's end",
            )
        shape, strides = (count, COMPONENTS[kind]), (stride, size)
        return np.ndarray(shape, dtype, buffer=data, offset=start if count else 0, strides=strides)

    def _zeros(self, entry: dict[str, Any], count: int, kind: str, dtype: str, where: str) -> np.ndarray:
        """What a sparse accessor starts from. Its count is bounded by nothing in the file, so by what it replaces."""
        sparse = self._file.child(entry, "sparse", where)
        replaced = self._file.whole(sparse, "count", f"{where}.sparse", default=0)
        if count > max(1 << 20, 1024 * replaced):
            raise self._file.broken(where, f"{count} zeros of which {replaced} are replaced", expected="data in the file")
        return np.zeros((count, COMPONENTS[kind]), dtype)

    def _replaced(self, entry: dict[str, Any], values: np.ndarray, kind: str, dtype: str, where: str) -> np.ndarray:
        file = self._file
        sparse = file.child(entry, "sparse", where)
        count = file.whole(sparse, "count", f"{where}.sparse", most=MOST_VALUES)
        at, told = (file.child(sparse, key, f"{where}.sparse") for key in ("indices", "values"))
        code = at.get("componentType")
        if code not in (5121, 5123, 5125):
            raise file.broken(f"{where}.sparse", f"indices of componentType {code!r}", expected="5121, 5123 or 5125")
        index = self._strided(at, at.get("bufferView"), count, "SCALAR", DTYPES[code], f"{where}.sparse")[:, 0]
        fresh = self._strided(told, told.get("bufferView"), count, kind, dtype, f"{where}.sparse")
        if count and index.max() >= len(values):
            raise file.broken(f"{where}.sparse", f"it replaces element {index.max()}", expected=f"one of {len(values)}")
        values = values.copy()
        values[index] = fresh
        return values


def as_numbers(values: np.ndarray, *, normalized: bool) -> np.ndarray:
    """float64 of stored values."""
    if not normalized or values.dtype.kind == "f":
        return values.astype(np.float64)
    return np.maximum(values.astype(np.float64) / np.iinfo(values.dtype).max, -1.0)
