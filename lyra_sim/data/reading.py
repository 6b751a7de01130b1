"""What a reader found in a file, what it took of it, and what it left out: nothing is left out in silence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """One kind of thing that the file holds and the world doesn't get."""

    what: str
    """In the words of the format, plural: ``line primitives``."""
    count: int
    why: str
    """A clause: ``they have no surface``."""

    def __str__(self) -> str:
        return f"{self.count} {self.what} left out: {self.why}"


@dataclass(frozen=True, kw_only=True)
class ReadingNotes:
    """A file's contents against what was taken of them, for the console, the report and ``capture.json``."""

    file: str
    """Name of the file, without its folder."""
    format: str
    """``glTF 2.0, binary``."""
    held: Mapping[str, int] = field(default_factory=dict)
    """How many of each kind the file holds."""
    taken: Mapping[str, int] = field(default_factory=dict)
    """How many of each kind of ``held`` the world gets, instances counted each."""
    left_out: tuple[LeftOut, ...] = ()
    remarks: tuple[str, ...] = ()
    """What was taken otherwise than the file means it: ``1 skinned mesh stands in its rest pose``."""

    @property
    def lines(self) -> tuple[str, ...]:
        """What a user has to be told: what was left out and what was taken otherwise; empty where all was taken."""
        return tuple(f"{self.file}: {said}" for said in (*map(str, self.left_out), *self.remarks))

    def to_json(self) -> dict[str, Any]:
        """Plain values; :meth:`from_json` gives the same notes back."""
        return {
            "file": self.file,
            "format": self.format,
            "held": dict(sorted(self.held.items())),
            "taken": dict(sorted(self.taken.items())),
            "left_out": [{"what": one.what, "count": one.count, "why": one.why} for one in self.left_out],
            "remarks": list(self.remarks),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "ReadingNotes":
        return cls(
            file=value["file"],
            format=value["format"],
            held=value["held"],
            taken=value["taken"],
            left_out=tuple(LeftOut(**one) for one in value["left_out"]),
            remarks=tuple(value["remarks"]),
        )
