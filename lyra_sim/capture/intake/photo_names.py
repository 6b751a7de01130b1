"""Names of photos: unique, and safe as stems of every file that is made from them."""

import hashlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

LONGEST_NAME = 100
"""Characters of a name at the most; what is longer ends in a digest. File systems allow 255 bytes with all suffixes.
Convention."""
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def safe_name(text: str) -> str:
    """``text`` with nothing but letters, digits, point, underscore and hyphen; unchanged when it is safe already.

    Accents are dropped, anything else becomes an underscore. It never starts with a point or hyphen, which would hide the
    file or make an option of it.
    """
    plain = unicodedata.normalize("NFKD", text)
    plain = _UNSAFE.sub("_", "".join(letter for letter in plain if not unicodedata.combining(letter)))
    if plain[:1] in (".", "-", ""):
        plain = "_" + plain[1:]
    if len(plain) > LONGEST_NAME:
        plain = f"{plain[: LONGEST_NAME - 13]}_{_digest(text)}"
    return plain


def photo_names(files: Sequence[Path]) -> tuple[str, ...]:
    """A name per file, in their order: the safe stem, and only where stems clash more of the path.

    ``a.jpg`` is ``a``; ``left/a.jpg`` and ``right/a.jpg`` are ``left_a`` and ``right_a``; ``b.jpg`` beside ``b.png`` are
    ``b_jpg`` and ``b_png``. Names that differ only in case clash too, for file systems that don't tell them apart.
    """
    if not files:
        return ()
    absolute = [Path(os.path.abspath(file)) for file in files]
    common = Path(os.path.commonpath([file.parent for file in absolute]))
    relative = [file.relative_to(common) for file in absolute]
    choices = [
        (
            safe_name(path.stem),
            safe_name("_".join(path.with_suffix("").parts)),
            safe_name("_".join(path.with_suffix("").parts) + path.suffix.replace(".", "_")),
            f"{safe_name(path.stem)[: LONGEST_NAME - 13]}_{_digest(f'{position} {path}')}",
        )
        for position, path in enumerate(relative)
    ]
    level = [0] * len(files)
    while True:
        names = [choice[at] for choice, at in zip(choices, level, strict=True)]
        seen = Counter(name.casefold() for name in names)
        clashing = [index for index, name in enumerate(names) if seen[name.casefold()] > 1]
        if not clashing:
            return tuple(names)
        for index in clashing:
            level[index] = min(level[index] + 1, len(choices[index]) - 1)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", errors="surrogateescape")).hexdigest()[:12]
