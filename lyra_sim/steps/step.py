"""A step of the pipeline: a typed function from earlier results and parts of the scene to files in a folder.

Its signature is its contract, read once when it is decorated::

    @step(version=5)
    def align(depth: PosedDepth, reconstruct: Reconstruction, *, scale: Scale, name: str, out: Path) -> MetricWorld: ...

- Positional parameters are named after the earlier steps whose results it takes.
- Keyword parameters are fields of :class:`SceneSpec`; one that would clash with a step's name ends in an underscore
  (``capture_``). What isn't a parameter can't be read, so nothing undeclared can enter a result.
- ``kept``, where it is a parameter, is a folder that outlives the result: for work that doesn't depend on everything the step
  reads, stored under a key of its own. Nothing in it may change a result; without one (None) all is made anew.
- ``out`` is the folder it writes to, and its type of result can ``load`` that folder again: given those of the step's
  positional parameters that ``load`` names.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from inspect import signature
from pathlib import Path
from typing import Any, Generic, ParamSpec, Protocol, TypeVar, runtime_checkable

from lyra_sim.data.files import read_json, write_json
from lyra_sim.scene.spec import SceneSpec
from lyra_sim.steps.contract import KEPT, Contract


@runtime_checkable
class Stored(Protocol):
    """A result that can be read back from the folder that its step wrote."""

    @classmethod
    def load(cls, folder: Path, *args: Any, **kwargs: Any) -> Any: ...


P = ParamSpec("P")
R = TypeVar("R", bound=Stored)


def nothing() -> tuple[()]:
    """For steps that use no files and no plug-ins."""
    return ()


NOTES = "notes.json"
"""In a step's folder: lines that the console tells when the step has run; absent where there is nothing to tell."""


def leave_notes(out: Path, lines: Sequence[str]) -> None:
    """Leave lines for the console in a step's folder."""
    if lines:
        write_json(out / NOTES, list(lines))


def notes_of(folder: Path) -> tuple[str, ...]:
    """What a step left for the console."""
    return tuple(map(str, read_json(folder / NOTES))) if (folder / NOTES).is_file() else ()


@dataclass(frozen=True, kw_only=True)
class Step(Generic[P, R]):
    """A decorated function. Calling it runs the step as ``lyra-sim build`` does, and returns what it wrote."""

    function: Callable[P, R]
    version: int
    """Raised by a person whenever the same inputs would now give another output."""
    sources: Callable[..., tuple[Path, ...]] = nothing
    """From fields of the scene to the files and folders whose content enters the key: the user's, or templates that come
    with lyra-sim."""
    plugins: Callable[..., tuple[str, ...]] = nothing
    """From fields of the scene to the plug-ins whose version, weights and installed packages enter the key: ``kind:name``."""
    resumable: bool = False
    """It goes on from what an interrupted run left in its folder; otherwise it always finds an empty one."""

    def __post_init__(self) -> None:
        # What help() and inspect look for; past the frozen class, for these are no fields.
        about = {"__doc__": self.function.__doc__, "__name__": self.name, "__wrapped__": self.function}
        self.__dict__.update(about, __module__=self.function.__module__)
        _ = self.contract

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the step into ``out``, which is made, and read its result back: what the next step of a build is handed."""
        given = signature(self.function).bind(*args, **kwargs).arguments
        out: Path = given["out"]
        out.mkdir(parents=True, exist_ok=True)
        self.function(*args, **kwargs)
        return self.load(out, given)

    @property
    def name(self) -> str:
        return self.function.__name__

    @cached_property
    def contract(self) -> Contract:
        return Contract.of(self.function, sources=self.sources, plugins=self.plugins)

    @property
    def needs(self) -> tuple[str, ...]:
        """Earlier steps whose results it takes, by name."""
        return tuple(self.contract.inputs)

    @property
    def reads(self) -> tuple[str, ...]:
        """Fields of the scene that the result depends on, the seed aside: its own, and those that files and plug-ins follow
        from."""
        return self.contract.fields

    def run(self, scene: SceneSpec, inputs: Mapping[str, Any], *, out: Path, kept: Path | None = None) -> R:
        """Call the function with the parts of ``scene`` that it names; ``inputs`` are the results it needs, by step."""
        fields = {parameter: getattr(scene, field) for parameter, field in self.contract.keywords.items()}
        fields |= {KEPT: kept} if self.contract.keeps else {}
        call: Callable[..., R] = self.function
        return call(*(inputs[name] for name in self.needs), **fields, out=out)

    def load(self, folder: Path, inputs: Mapping[str, Any]) -> R:
        """Read back what the function wrote; ``inputs`` hold at least the steps in :attr:`loads`."""
        result: R = self.contract.result.load(folder, **{name: inputs[name] for name in self.loads})
        return result

    @property
    def loads(self) -> tuple[str, ...]:
        """Those of ``needs`` that reading the result back takes."""
        return tuple(self.contract.load_inputs)

    def sources_of(self, scene: SceneSpec) -> tuple[Path, ...]:
        """``sources`` of one scene."""
        return self.sources(**{field: getattr(scene, field) for field in signature(self.sources).parameters})

    def plugins_of(self, scene: SceneSpec) -> tuple[str, ...]:
        """``plugins`` of one scene."""
        return self.plugins(**{field: getattr(scene, field) for field in signature(self.plugins).parameters})


def step(
    *,
    version: int,
    sources: Callable[..., tuple[Path, ...]] = nothing,
    plugins: Callable[..., tuple[str, ...]] = nothing,
    resumable: bool = False,
) -> Callable[[Callable[P, R]], Step[P, R]]:
    """Make a function a step; see :class:`Step` for the arguments.

    Raises:
        SpecError: Its signature is none of a step.
    """

    def decorate(function: Callable[P, R]) -> Step[P, R]:
        return Step(function=function, version=version, sources=sources, plugins=plugins, resumable=resumable)

    return decorate
