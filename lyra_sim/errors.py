"""Every error lyra-sim raises on purpose, and the exit code each one ends the program with.

A message names what was found, what was expected, the likely cause and the next action, so that a user
can act on it without reading the source.
"""

from collections.abc import Sequence
from difflib import get_close_matches


def did_you_mean(word: str, known: Sequence[str]) -> str | None:
    """``Did you mean 'voxel_size'?``, or None when nothing is close."""
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"Did you mean '{close[0]}'?" if close else None


class LyraSimError(Exception):
    """Base of all deliberate errors.

    Args:
        subject: The file, scene, step or option the error is about.
        found: What was found, as a clause without a final stop.
        expected: What was expected instead.
        likely: The usual cause, one sentence.
        next_step: What to do about it, one sentence.
    """

    exit_code = 1

    def __init__(
        self,
        subject: str,
        found: str,
        *,
        expected: str | None = None,
        likely: str | None = None,
        next_step: str | None = None,
    ) -> None:
        self.subject, self.found, self.expected = subject, found, expected
        self.likely, self.next_step = likely, next_step
        head = f"{subject}: {found}" + (f" (expected {expected})" if expected else "") + "."
        super().__init__("\n  ".join(line for line in (head, likely, next_step) if line))


class SpecError(LyraSimError):
    """The scene file, an override or an option is wrong."""

    exit_code = 2


class InputError(LyraSimError):
    """An input file or folder is missing, empty, or not what it claims to be."""

    exit_code = 3


class EnvironmentNotReady(LyraSimError):
    """A package, a device or a resource this work needs is not there."""

    exit_code = 4


class PluginError(LyraSimError):
    """A plug-in is unknown, can't be loaded, or failed inside foreign code (the cause is chained)."""


class FrameError(LyraSimError):
    """Axes, handedness, units or camera direction contradict the data."""


class GeometryError(LyraSimError):
    """A geometric invariant doesn't hold: a surface isn't closed, a fit has no support, nothing is free."""


class StoreError(LyraSimError):
    """A step folder is locked, damaged, or was written by another version."""


class UsdError(LyraSimError):
    """A stage can't be written or opened, or a rule of ours is broken."""


class PhysicsError(LyraSimError):
    """A physics engine failed to load or step the world."""
