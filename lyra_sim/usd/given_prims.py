"""Which prims of a stage are surface, and where they stand: shown ones, instances and copies of point instancers."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float64

from lyra_sim.errors import InputError

SHOWN = ("default", "render")
"""Purposes whose geometry counts; guides and proxies are stand-ins."""
MOST_INSTANCES = 1_000_000
"""Instances of a scene; more are refused. Convention."""
MOST_NESTING = 16
"""Levels of instancers; more are refused. Convention."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A prim and every place where it stands."""

    prim: Any
    world_from_prim: Float64[np.ndarray, "k 4 4"]


@dataclass
class Gathered:
    """What a walk over a stage found."""

    standing: list[Standing] = field(default_factory=list)
    held: Counter[str] = field(default_factory=Counter)
    hidden: Counter[str] = field(default_factory=Counter)
    """Prims with geometry that isn't shown, by why."""
    unread: Counter[str] = field(default_factory=Counter)
    """Prims with geometry of types that aren't read, by type."""
    unknown: Counter[str] = field(default_factory=Counter)
    """Prims of types that this USD has no schema of."""
    masked: int = 0
    """Instances that are switched off."""
    instances: int = 0


class PrimWalk:
    """Walks a stage the way an imaging delegate does."""

    def __init__(self, subject: str, time: Any, readable: Any) -> None:
        from pxr import Usd, UsdGeom

        self._subject, self._time, self._readable = subject, time, readable
        self._cache = UsdGeom.XformCache(time)
        self._of_stage = Usd.TraverseInstanceProxies(Usd.PrimDefaultPredicate)
        self._of_prototype = Usd.TraverseInstanceProxies(Usd.PrimIsActive & Usd.PrimIsLoaded & ~Usd.PrimIsAbstract)
        self.found = Gathered()

    def stage(self, stage: Any) -> Gathered:
        """Everything that the stage shows."""
        self._walk(stage.GetPseudoRoot(), np.eye(4)[None], self._of_stage, ())
        return self.found

    def _walk(self, root: Any, world_from_root: np.ndarray, predicate: Any, instancers: tuple[Any, ...]) -> None:
        from pxr import Usd, UsdGeom

        walk = iter(Usd.PrimRange(root, predicate))
        for prim in walk:
            if prim.IsPseudoRoot():
                continue
            if not prim.IsA(UsdGeom.PointInstancer) and not prim.IsA(UsdGeom.Gprim):
                if prim.GetTypeName() and not prim.GetPrimTypeInfo().GetSchemaTypeName():
                    self.found.unknown[str(prim.GetTypeName())] += 1
                continue
            kind = str(prim.GetTypeName())
            self.found.held[kind] += 1
            if prim.IsA(UsdGeom.PointInstancer):
                walk.PruneChildren()
            hidden = self._why_hidden(prim)
            if hidden:
                self.found.hidden[hidden] += 1
                continue
            matrices = self._placed(prim, root, world_from_root)
            if prim.IsA(UsdGeom.PointInstancer):
                self._expand(prim, matrices, instancers)
            elif self._readable(prim):
                self.found.standing.append(Standing(prim=prim, world_from_prim=matrices))
                self._add(len(matrices))
            else:
                self.found.unread[kind] += 1

    def _why_hidden(self, prim: Any) -> str:
        from pxr import UsdGeom

        imageable = UsdGeom.Imageable(prim)
        purpose = str(imageable.ComputePurpose())
        if purpose not in SHOWN:
            return f"their purpose is '{purpose}'"
        return "they are invisible" if imageable.ComputeVisibility(self._time) == UsdGeom.Tokens.invisible else ""

    def _placed(self, prim: Any, root: Any, world_from_root: np.ndarray) -> np.ndarray:
        """World matrices of a prim below a root that stands in one or many places; column vectors, unlike USD's."""
        if root.IsPseudoRoot():
            return world_from_root @ np.array(self._cache.GetLocalToWorldTransform(prim)).T
        relative, _ = self._cache.ComputeRelativeTransform(prim, root)
        placed: np.ndarray = world_from_root @ np.array(relative).T
        return placed

    def _expand(self, prim: Any, world_from_instancer: np.ndarray, outer: tuple[Any, ...]) -> None:
        """Walk a point instancer's prototypes, each at all of its places."""
        from pxr import UsdGeom

        path = prim.GetPath()
        if path in outer or len(outer) >= MOST_NESTING:
            found = (
                f"the PointInstancer {path} holds itself" if path in outer else f"PointInstancers nested {len(outer) + 1} deep"
            )
            raise self._wrong(found, f"at most {MOST_NESTING} levels, none within itself")
        instancer = UsdGeom.PointInstancer(prim)
        which = np.array(instancer.GetProtoIndicesAttr().Get(self._time) or [], np.int64)
        positions = instancer.GetPositionsAttr().Get(self._time)
        targets = instancer.GetPrototypesRel().GetForwardedTargets()
        if len(which) == 0:
            return
        if positions is None or len(positions) != len(which):
            count = 0 if positions is None else len(positions)
            raise self._wrong(f"the PointInstancer {path} has {len(which)} indices, {count} positions", "one of each")
        if which.min() < 0 or which.max() >= len(targets):
            raise self._wrong(f"the PointInstancer {path} names prototype {which.max()}", f"one of {len(targets)}")
        if len(which) * len(world_from_instancer) > MOST_INSTANCES:
            raise self._wrong(f"{len(which) * len(world_from_instancer)} instances", f"at most {MOST_INSTANCES}")
        kinds = UsdGeom.PointInstancer
        matrices = instancer.ComputeInstanceTransformsAtTime(self._time, self._time, kinds.IncludeProtoXform, kinds.IgnoreMask)
        if len(matrices) != len(which):
            raise self._wrong(f"the PointInstancer {path} has arrays of different lengths", "one element for each instance")
        mask = np.array(instancer.ComputeMaskAtTime(self._time), bool)
        shown = mask if len(mask) else np.ones(len(which), bool)
        self.found.masked += int((~shown).sum()) * len(world_from_instancer)
        local = np.array(matrices, np.float64).transpose(0, 2, 1)
        for number, target in enumerate(targets):
            prototype = prim.GetStage().GetPrimAtPath(target)
            of_it = local[shown & (which == number)]
            if not len(of_it):
                continue
            if not prototype:
                raise self._wrong(f"the PointInstancer {path} names {target}", "a prim that is there")
            places = (world_from_instancer[:, None] @ of_it[None]).reshape(-1, 4, 4)
            self._walk(prototype, places, self._of_prototype, (*outer, path))

    def _add(self, count: int) -> None:
        self.found.instances += count
        if self.found.instances > MOST_INSTANCES:
            raise self._wrong(
                f"more than {MOST_INSTANCES} prims with geometry, instances counted each", f"at most {MOST_INSTANCES}"
            )

    def _wrong(self, found: str, expected: str) -> InputError:
        return InputError(self._subject, found, expected=expected)
