"""What a step of the pipeline is: a name, a version, what it needs, and two functions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from lyra_sim.scene.spec import SceneSpec


class RunStep(Protocol):
    """Does the work: reads typed inputs, writes plain files into ``out``, returns the typed output."""

    def __call__(self, inputs: Mapping[str, Any], cfg: SceneSpec, *, out: Path) -> Any: ...


class LoadStep(Protocol):
    """Reads back what ``run`` wrote to ``folder``; ``inputs`` are the loaded outputs of the steps it needs."""

    def __call__(self, folder: Path, inputs: Mapping[str, Any]) -> Any: ...


@dataclass(frozen=True, kw_only=True)
class Step:
    """One folder-to-folder function. The runner gives ``cfg`` only the fields named in ``reads``."""

    name: str
    version: int
    """Raised by a person whenever the same inputs would now give another output."""
    needs: tuple[str, ...]
    """Earlier steps whose outputs ``run`` and ``load`` take, by name."""
    reads: tuple[str, ...]
    """Fields of :class:`SceneSpec` that the result depends on; any other raises AttributeError."""
    run: RunStep
    load: LoadStep
    sources: Callable[[SceneSpec], tuple[Path, ...]] = lambda cfg: ()
    """Files and folders whose content enters the key: the user's, or templates that come with lyra-sim."""
    resumable: bool = False
    """``run`` goes on from what an interrupted run left in its folder; otherwise it always finds an empty one."""
    notes: Callable[[Path], tuple[str, ...]] = lambda folder: ()
    """What a person should be told of a finished folder: what was left out, or read otherwise than stated."""
    plugins: Callable[[SceneSpec], tuple[str, ...]] = lambda cfg: ()
    """Names of plug-ins whose version, weights and installed packages enter the key, as ``kind:name``."""
