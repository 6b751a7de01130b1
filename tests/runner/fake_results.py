"""What the fake steps hand on: the text of one file."""

from pathlib import Path
from typing import ClassVar, Self


class Told(str):
    """Each step has a subclass of its own, as no two steps may return the same type."""

    FILE: ClassVar[str]

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls((folder / cls.FILE).read_text())
