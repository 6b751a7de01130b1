"""Which words each chunk of a walkthrough is drawn with: one caption, or one from every so many frames on."""

import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lyra_sim.errors import InputError, SpecError

MAX_BYTES = 4_000_000
"""A larger file is refused unread; an hour of video with a paragraph a chunk needs a quarter of it."""
SHOWN = 3
"""Faults of a file that its error names; the rest is counted."""


def cleaned(text: str) -> str:
    """On one line, with single spaces: as the text encoder's training had it."""
    return " ".join(text.split())


@dataclass(frozen=True, kw_only=True)
class Captions:
    """Captions by the frame from which each holds, in the frames' order."""

    starts: tuple[int, ...]
    texts: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.starts) != len(self.texts) or self.starts[:1] != (0,) or list(self.starts) != sorted(set(self.starts)):
            raise ValueError(f"captions of frames {self.starts} for {len(self.texts)} texts; frames rise from 0")

    @classmethod
    def from_config(cls, text: str | None, file: Path | None) -> "Captions":
        """One caption for all frames, or those of a ``captions.json``; no words at all where neither is given.

        Raises:
            SpecError: Both are given.
            InputError: The file isn't ``{"frame": "text"}`` from frame 0 on.
        """
        if text is not None and file is not None:
            raise SpecError("captions", "a caption and a file of captions", expected="one of them", next_step="Remove one.")
        if file is not None:
            return cls._read(file)
        return cls(starts=(0,), texts=(cleaned(text or ""),))

    @property
    def distinct(self) -> tuple[str, ...]:
        """Every text once, in the order of first use."""
        return tuple(dict.fromkeys(self.texts))

    def at(self, frame: int) -> str:
        """Of a chunk that starts at a frame: the last caption that begins at or before it (Lyra 2.0's rule)."""
        if frame < 0:
            raise ValueError(f"frame {frame}; frames count from 0")
        return self.texts[bisect_right(self.starts, frame) - 1]

    @classmethod
    def _read(cls, file: Path) -> "Captions":
        pairs = _pairs(file)
        faults, found = _faults(pairs)
        if not faults and not found:
            faults = ["it holds no caption"]
        if not faults and min(found) > 0:
            first = min(found)
            faults = [
                f"the first caption begins at frame {first}, so the chunks that start before it, from frame 0 on, have none"
            ]
        if faults:
            more = f", and {len(faults) - SHOWN} more faults" if len(faults) > SHOWN else ""
            raise _not_captions(file, "; ".join(faults[:SHOWN]) + more)
        starts = tuple(sorted(found))
        return cls(starts=starts, texts=tuple(found[start] for start in starts))


def _pairs(file: Path) -> list[tuple[str, Any]]:
    """Keys and values as they stand in the file, repeated ones too."""
    try:
        if (size := file.stat().st_size) > MAX_BYTES:
            raise _not_captions(file, f"it has {size / 1e6:.1f} MB, at most {MAX_BYTES / 1e6:.0f} are read")
        read = json.loads(file.read_text(encoding="utf-8"), object_pairs_hook=_Pairs)
    except OSError as error:
        raise _not_captions(file, f"it can't be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise _not_captions(file, f"it isn't JSON ({error})") from error
    if not isinstance(read, _Pairs):
        raise _not_captions(file, f"it holds a {type(read).__name__}")
    return list(read)


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as it stands; a dict would keep the last of two equal keys without a word."""


def _faults(pairs: Sequence[tuple[str, Any]]) -> tuple[list[str], Mapping[int, str]]:
    """What is wrong with the entries, and those that are right."""
    faults: list[str] = []
    found: dict[int, str] = {}
    for key, text in pairs:
        if not (key.isascii() and key.isdigit() and len(key) <= 9):
            faults.append(f"the key '{key[:40]}' is no frame number")
        elif int(key) in found:
            faults.append(f"frame {int(key)} has two captions")
        elif not isinstance(text, str) or not cleaned(text):
            faults.append(f"the caption of frame {int(key)} is {'empty' if isinstance(text, str) else 'no text'}")
        else:
            found[int(key)] = cleaned(text)
    return faults, found


def _not_captions(file: Path, found: str) -> InputError:
    return InputError(
        str(file),
        found,
        expected='captions by frame, such as {"0": "A hall with white walls.", "160": "A kitchen."}',
        next_step="Each chunk of 80 frames takes the last caption at or before its first frame; give one for frame 0.",
    )
