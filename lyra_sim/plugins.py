"""What can be swapped: declarations apart from implementations, loaded only when used.

A third party declares a :class:`PluginSpec` and names it in its own package metadata::

    [project.entry-points."lyra_sim.plugins"]
    "reconstructor.mine" = "my_package.plugin:SPEC"
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import wraps
from importlib import import_module
from importlib.metadata import PackageNotFoundError, entry_points, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from lyra_sim.errors import EnvironmentNotReady, LyraSimError, PluginError, SpecError, did_you_mean

Kind = Literal["depth", "frame_depth", "generator", "reconstructor", "exporter", "physics"]
ENTRY_POINT_GROUP = "lyra_sim.plugins"


@dataclass(frozen=True, kw_only=True)
class Licence:
    """Terms of a set of weights."""

    key: str
    """What ``--accept-license`` takes."""
    name: str
    """As it is written to every output."""
    terms: str | None
    """Where to read them; None where there are none."""
    must_be_accepted: bool

    def require_accepted(self, accepted: Collection[str]) -> None:
        """Stop unless the user has accepted it, where it asks for that.

        Args:
            accepted: Keys given by ``--accept-license``.

        Raises:
            SpecError: It wasn't accepted.
        """
        if self.must_be_accepted and self.key not in accepted:
            raise SpecError(
                "licence of the weights",
                f"it has not been accepted: {self.name}",
                expected=f"--accept-license {self.key}",
                likely=f"Its text: {self.terms}",
                next_step=f"Read it. If you may use the weights under it, run this again with --accept-license {self.key}.",
            )


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """A line of ``lyra-sim doctor``: how a plug-in would run on this machine."""

    ready: bool
    detail: str


@dataclass(frozen=True, kw_only=True)
class PluginSpec:
    """The declaration: enough to list, check and key a plug-in without importing it."""

    kind: Kind
    name: str
    target: str
    """``module:attribute`` of the function or class that does the work."""
    version: str
    """Raised whenever the same inputs would give another output; enters the step's key."""
    needs: dict[str, str] = field(default_factory=dict)
    """Modules it imports, each with the pip requirement that brings it."""
    terms: str = "Apache-2.0"
    """Licence of what it needs beyond lyra-sim itself, as far as a user should know before installing."""
    weights_licence: str | None = None
    """Licence of its model weights; None when it has none."""
    weights_sha256: str | None = None
    """Digest of its model weights; enters the step's key."""
    min_vram_gb: float = 0.0
    """GPU memory it can't do without [GB]; 0 runs on a CPU."""
    sources: str | None = None
    """``module:attribute`` of ``f(options) -> Iterable[Path]``: files whose content its output depends on, so that they
    enter the step's key. The four that follow are such names too, in modules that load quickly: a plan asks them."""
    uses: str | None = None
    """``f(options) -> Iterable[str]``: other plug-ins it works with, as ``kind:name``; they enter the key like itself."""
    licences: str | None = None
    """``f(options) -> Iterable[Licence]``: terms of the weights that these options name."""
    weights_record: str | None = None
    """``f(options) -> Mapping[str, JSON value]``: what everything made with these weights says of them; ``weights_licence`` at
    least."""
    readiness: str | None = None
    """``f() -> Readiness``: for ``lyra-sim doctor``."""

    @property
    def missing(self) -> tuple[str, ...]:
        """Requirements that aren't installed."""
        return tuple(requirement for module, requirement in self.needs.items() if find_spec(module) is None)

    @property
    def installed(self) -> dict[str, str | None]:
        """Versions of the packages that bring what it needs, read from their metadata; enter the step's key.

        An engine's next release may let the same world fall, so it is proven again.
        """
        return {package: _version(package) for package in map(_package, sorted(self.needs.values()))}

    @property
    def subject(self) -> str:
        """What errors call it."""
        return f"{self.kind} '{self.name}'"

    def load(self) -> Any:
        """Import the target.

        Raises:
            EnvironmentNotReady: A package it needs isn't installed.
            PluginError: The target isn't there, or fails on import.
        """
        if self.missing:
            raise EnvironmentNotReady(
                self.subject,
                f"{len(self.missing)} of its packages are not installed",
                expected=", ".join(self.missing),
                likely=None if self.terms == "Apache-2.0" else f"Installing them accepts the {self.terms}.",
                next_step="Run: pip install " + " ".join(f"'{requirement}'" for requirement in self.missing),
            )
        return self._imported(self.target)

    def sources_of(self, options: Any) -> tuple[Path, ...]:
        """Files that its output depends on besides what the step reads."""
        return tuple(self._ask(self.sources, options)) if self.sources else ()

    def used_with(self, options: Any) -> tuple[str, ...]:
        """Other plug-ins it works with, as ``kind:name``."""
        return tuple(self._ask(self.uses, options)) if self.uses else ()

    def licences_of(self, options: Any) -> tuple[Licence, ...]:
        """Terms of the weights that ``options`` name."""
        return tuple(self._ask(self.licences, options)) if self.licences else ()

    def weights_recorded(self, options: Any) -> dict[str, str | None] | None:
        """What everything made with the weights says of them; None where it has none."""
        return dict(self._ask(self.weights_record, options)) if self.weights_record else None

    def examined(self) -> Readiness | None:
        """How it would run here; None where it doesn't say."""
        told: Readiness | None = self._ask(self.readiness) if self.readiness else None
        return told

    def _ask(self, target: str, *arguments: Any) -> Any:
        try:
            return self._imported(target)(*arguments)
        except LyraSimError:
            raise
        except Exception as error:
            raise PluginError(self.subject, f"{target} failed with {type(error).__name__}: {error}") from error

    def _imported(self, target: str) -> Any:
        module, _, attribute = target.partition(":")
        try:
            return getattr(import_module(module), attribute)
        except LyraSimError:
            raise
        except Exception as error:
            raise PluginError(self.subject, f"{target} can't be loaded ({type(error).__name__}: {error})") from error


BUILT_IN = (
    PluginSpec(
        kind="depth",
        name="plane_sweep",
        target="lyra_sim.depth.plane_sweep:estimate",
        version="1",
        needs={"torch": "torch>=2.13"},
    ),
    PluginSpec(
        kind="depth",
        name="layout",
        target="lyra_sim.depth.layout.guess:estimate",
        version="1",
    ),
    PluginSpec(
        kind="generator",
        name="reproject",
        target="lyra_sim.generators.reproject:Reproject",
        version="1",
    ),
    PluginSpec(
        kind="reconstructor",
        name="fuse",
        target="lyra_sim.reconstructors.fuse:reconstruct",
        version="2",
    ),
    PluginSpec(
        kind="reconstructor",
        name="gsplat",
        target="lyra_sim.reconstructors.gsplat_fit:reconstruct",
        version="1",
        needs={"torch": "torch>=2.13", "gsplat": "gsplat>=1.5.3"},
    ),
    PluginSpec(
        kind="exporter",
        name="isaac",
        target="lyra_sim.exporters.isaac:export",
        version="2",
        needs={"pxr": "usd-core>=26.11", "trimesh": "trimesh>=5.2"},
    ),
    PluginSpec(
        kind="physics",
        name="physx",
        target="lyra_sim.physics.physx_engine:PhysxEngine",
        version="1",
        needs={"ovphysx": "ovphysx==0.7.*", "ovstage": "ovstage==0.3.*"},
        terms="NVIDIA Omniverse terms",
    ),
    PluginSpec(
        kind="physics",
        name="newton",
        target="lyra_sim.physics.newton_engine:NewtonEngine",
        version="1",
        needs={"newton": "newton[sim]==1.8.*", "mujoco": "mujoco==3.17.*", "warp": "warp-lang>=1.19"},
    ),
    PluginSpec(
        kind="frame_depth",
        name="plane_sweep",
        target="lyra_sim.depth.providers.plane_sweep:PlaneSweepFrames",
        version="1",
        needs={"torch": "torch>=2.13"},
    ),
    PluginSpec(
        kind="frame_depth",
        name="depth_anything_3",
        target="lyra_sim.depth.providers.depth_anything_3:DepthAnything3Depth",
        version="1",
        needs={"torch": "torch>=2.13", "depth_anything_3": "depth-anything-3>=0.1.1"},
        weights_licence="the folder's (nested, giant, large CC BY-NC 4.0; base, small, metric, mono Apache-2.0)",
    ),
    PluginSpec(
        kind="frame_depth",
        name="moge",
        target="lyra_sim.depth.providers.moge:MogeDepth",
        version="1",
        needs={"torch": "torch>=2.13", "moge": "dlr-moge>=2.0"},
        weights_licence="MIT",
    ),
)


def all_plugins() -> tuple[PluginSpec, ...]:
    """Built-in declarations, then those of installed packages by name."""
    return (*BUILT_IN, *_third_party())


def find_plugin(kind: str, name: str) -> PluginSpec:
    """The declaration of ``kind:name``; a built-in one can't be shadowed.

    Raises:
        PluginError: There is none.
    """
    for spec in BUILT_IN:
        if (spec.kind, spec.name) == (kind, name):
            return spec
    for spec in _third_party():
        if (spec.kind, spec.name) == (kind, name):
            return spec
    known = [spec.name for spec in all_plugins() if spec.kind == kind]
    raise PluginError(
        f"{kind} '{name}'",
        "no such plug-in",
        expected=", ".join(known) or "an installed plug-in",
        likely=did_you_mean(name, known),
        next_step="lyra-sim plugins lists what is installed.",
    )


def load_plugin(kind: str, name: str) -> Callable[..., Any]:
    """The work of ``kind:name``, with foreign exceptions wrapped once, their cause kept.

    Raises:
        PluginError: There is no such plug-in, or it failed.
    """
    target = find_plugin(kind, name).load()

    @wraps(target, updated=())
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return target(*args, **kwargs)
        except LyraSimError:
            raise
        except Exception as error:
            raise PluginError(f"{kind} '{name}'", f"it failed with {type(error).__name__}: {error}") from error

    return guarded


def _package(requirement: str) -> str:
    """``newton`` of ``newton[sim]==1.8.*``."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    if match is None:
        raise PluginError(f"requirement '{requirement}'", "it names no package", expected="what pip install takes")
    return match[0]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _third_party() -> tuple[PluginSpec, ...]:
    specs = []
    for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name):
        try:
            spec = point.load()
        except Exception as error:
            raise PluginError(
                f"plug-in '{point.name}'",
                f"its declaration {point.value} can't be loaded ({type(error).__name__}: {error})",
                next_step="Repair or uninstall the package that declares it.",
            ) from error
        if not isinstance(spec, PluginSpec):
            raise PluginError(f"plug-in '{point.name}'", f"{point.value} is a {type(spec).__name__}", expected="a PluginSpec")
        specs.append(spec)
    return tuple(specs)
