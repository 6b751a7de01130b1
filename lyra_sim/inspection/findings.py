"""What is found of a path. The models are the form of ``lyra-sim inspect --json``: closed, frozen, with a version."""

from typing import Any, Final, Literal

from pydantic import Field, model_validator

from lyra_sim.data.given import ReadingNotes
from lyra_sim.data.scale import ScaleEstimate
from lyra_sim.errors import LyraSimError
from lyra_sim.scene.sources import Model

FINDINGS_VERSION: Final = 1
"""Of the JSON form; raised when a field changes meaning. Convention."""

Verdict = Literal["read", "needs", "refused"]
"""A build would read it; would once something is stated that no file says; would refuse it."""


class Plain(Model):
    """Closed and frozen, of text that any terminal and any program can take: names of files may be no UTF-8."""

    @model_validator(mode="before")
    @classmethod
    def _text_alone(cls, value: Any) -> Any:
        return _readable(value)


def _readable(value: Any) -> Any:
    """The same with ``?`` for what no text can hold, in whatever depth."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_readable(key): _readable(one) for key, one in value.items()}
    return type(value)(map(_readable, value)) if isinstance(value, list | tuple) else value


class LeftOut(Plain):
    """One kind of thing that the files hold and the world wouldn't get."""

    what: str
    count: int
    why: str


class Reading(Plain):
    """What one file or folder holds, and what was taken of it."""

    file: str
    format: str
    held: dict[str, int]
    taken: dict[str, int]
    left_out: tuple[LeftOut, ...]
    remarks: tuple[str, ...]
    """What was guessed, or taken otherwise than the file means it."""

    @classmethod
    def of(cls, notes: ReadingNotes) -> "Reading":
        """A reader's notes in this form."""
        return cls.model_validate(notes.to_json())

    @property
    def notes(self) -> ReadingNotes:
        """As readers give them."""
        return ReadingNotes.from_json(self.model_dump())


class Frame(Plain):
    """What would be taken for up and for the metre before anything is measured."""

    up: str
    """Where up comes from."""
    metres_per_unit: float
    sigma_relative: float
    """One standard deviation as a fraction of the scale; 0: exact by declaration."""
    scale: str
    """Where the scale comes from."""
    assumed: bool
    """Nothing tells the scale: it rests on a camera height nobody stated."""

    @classmethod
    def of(cls, up: str, scale: ScaleEstimate) -> "Frame":
        """From what capture hands on."""
        return cls(
            up=up,
            metres_per_unit=scale.metres_per_unit,
            sigma_relative=scale.sigma_relative,
            scale=scale.source,
            assumed=scale.assumed,
        )


class Doubt(Plain):
    """One of the build's own checks, asked here."""

    about: str
    outcome: Literal["held", "refused", "nothing to tell by"]
    said: str


class Asked(Plain):
    """A key that the scene has to state, because the input doesn't."""

    key: str
    guess: Any
    """What the scene below states until somebody knows better."""
    why: str


class Refusal(Plain):
    """The error a build would end with, word for word."""

    error: str
    subject: str
    found: str
    expected: str | None
    likely: str | None
    next_step: str | None
    exit_code: int
    text: str
    """All of it, as the command line prints it."""

    @classmethod
    def of(cls, error: LyraSimError) -> "Refusal":
        """An error in this form."""
        return cls(
            error=type(error).__name__,
            subject=error.subject,
            found=error.found,
            expected=error.expected,
            likely=error.likely,
            next_step=error.next_step,
            exit_code=error.exit_code,
            text=f"{type(error).__name__}: {error}",
        )


class Inspection(Plain):
    """All that is found of a path."""

    version: Literal[1] = FINDINGS_VERSION
    path: str
    what: str
    """With its article: ``a binary glTF file``; where nothing is known, what was found."""
    verdict: Verdict
    source: str | None = None
    """Key of the scene file that reads it."""
    formats: tuple[str, ...] = ()
    """Rows of ``lyra-sim formats`` that apply."""
    readings: tuple[Reading, ...] = ()
    facts: dict[str, int | float | str] = Field(default_factory=dict)
    """Counts and sizes, by what they are."""
    frame: Frame | None = None
    doubts: tuple[Doubt, ...] = ()
    told: tuple[str, ...] = ()
    """What else a build would tell: left out, or never proven."""
    unchecked: tuple[str, ...] = ()
    """What only a build finds out."""
    asks: tuple[Asked, ...] = ()
    refusal: Refusal | None = None
    also: tuple[str, ...] = ()
    """What else it may be read as."""
    scene: dict[str, Any] | None = None
    """The scene of a scene file that builds it."""
    scene_file: str | None = None
    """The same as the text of a scene file; its paths are relative to where the command ran."""

    @property
    def exit_code(self) -> int:
        """0, or that of the build's error."""
        return 0 if self.refusal is None else self.refusal.exit_code
