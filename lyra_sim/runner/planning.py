"""What would run, and why: compares what is asked for with the manifests on disk. Writes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from lyra_sim.errors import SpecError, StoreError, did_you_mean
from lyra_sim.plugins import find_plugin
from lyra_sim.scene.scene_file import source_paths
from lyra_sim.scene.spec import SceneSpec
from lyra_sim.steps import STEP_MODULES
from lyra_sim.steps.contract import check_table
from lyra_sim.steps.step import Step
from lyra_sim.store import DigestCache, Manifest, SourceFiles, damage, explain, ingredients_of, key_of, read_manifest

Action = Literal["run", "check", "current", "left"]
AnyStep = Step[..., Any]


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which steps a build is about."""

    only: str | None = None
    """This one alone; what it needs must be current."""
    from_: str | None = None
    """This one and all later ones run again."""
    until: str | None = None
    """Nothing later than this one."""
    force: tuple[str, ...] = ()
    """These run again; what follows them runs again if their result changes."""

    def check(self, table: Sequence[AnyStep]) -> None:
        """Refuse names of steps that don't exist.

        Raises:
            SpecError: A step doesn't exist, or the choices contradict each other.
        """
        known = [step.name for step in table]
        for name in (self.only, self.from_, self.until, *self.force):
            if name is not None and name not in known:
                hint = did_you_mean(name, known)
                raise SpecError(f"step '{name}'", "no such step", expected=", ".join(known), next_step=hint)
        if self.only and (self.from_ or self.until):
            raise SpecError("--only", "it is given with --from or --until", expected="one way of choosing steps")
        if self.from_ and self.until and known.index(self.from_) > known.index(self.until):
            raise SpecError("--from, --until", f"{self.from_} comes after {self.until}", expected=", ".join(known))

    def wants(self, name: str, order: Sequence[str]) -> bool:
        """Whether the step may run at all."""
        if self.only:
            return name == self.only
        return self.until is None or order.index(name) <= order.index(self.until)

    def forces(self, name: str, order: Sequence[str]) -> str | None:
        """The option that makes the step run again even if it is current."""
        if name in self.force:
            return "--force"
        return "--from" if self.from_ and order.index(name) >= order.index(self.from_) else None


@dataclass(frozen=True, kw_only=True)
class StepPlan:
    """One step of one scene."""

    step: AnyStep
    folder: Path
    key: str
    ingredients: Mapping[str, Any]
    action: Action
    """``run``; ``check``: runs if a step before it gives another result; ``current``; ``left``: due, but not selected."""
    reasons: tuple[str, ...]
    """Why it isn't current."""
    manifest: Manifest | None
    """Of the folder on disk, current or not."""

    @property
    def reason(self) -> str:
        return "; ".join(self.reasons) or "unchanged"


@dataclass(frozen=True, kw_only=True)
class ScenePlan:
    """All steps of one scene, in order."""

    scene: str
    steps: tuple[StepPlan, ...]


@cache
def step_table(modules: tuple[str, ...] = STEP_MODULES) -> tuple[AnyStep, ...]:
    """The steps, one a module; what they need of each other is checked, types included.

    Raises:
        SpecError: A step needs one that doesn't come before it, or what another one returns.
    """
    table = tuple(_step_of(module) for module in modules)
    check_table(table)
    return table


def _step_of(module: str) -> AnyStep:
    found = [value for value in vars(import_module(module)).values() if isinstance(value, Step)]
    if len(found) != 1:
        raise SpecError(f"module '{module}'", f"it has {len(found)} steps", expected="one function with @step")
    return found[0]


def plan(
    scenes: Sequence[SceneSpec],
    out: Path,
    *,
    selection: Selection | None = None,
    verify: bool = False,
    modules: tuple[str, ...] = STEP_MODULES,
) -> tuple[ScenePlan, ...]:
    """What a build would do, with reasons.

    Args:
        scenes: From :func:`lyra_sim.load_scenes`.
        out: Output folder.
        selection: Which steps; all by default.
        verify: Compare digests of stored files instead of sizes.
        modules: Where the steps are.
    """
    selection = selection or Selection()
    selection.check(step_table(modules))
    return tuple(ScenePlanner(scene, out, modules, selection, verify).all_steps() for scene in scenes)


def steps_folder(out: Path, scene: str) -> Path:
    """Where a scene's step folders are."""
    return out / scene / "steps"


class ScenePlanner:
    """Plans one scene step by step; a build asks again after each step has run."""

    def __init__(self, scene: SceneSpec, out: Path, modules: tuple[str, ...], selection: Selection, verify: bool) -> None:
        self.scene, self.selection, self.verify = scene, selection, verify
        self.table = step_table(modules)
        self.order = [step.name for step in self.table]
        self.folder = steps_folder(out, scene.name)
        self.cache = DigestCache(self.folder / ".digests.json")
        self.done: dict[str, StepPlan] = {}

    def all_steps(self) -> ScenePlan:
        return ScenePlan(scene=self.scene.name, steps=tuple(self.next_step(step) for step in self.table))

    def next_step(self, step: AnyStep) -> StepPlan:
        """Plan one step, given the plans (or, in a build, the results) of those before it."""
        folder = self.folder / f"{self.order.index(step.name) + 1:02d}_{step.name}"
        ingredients = self._ingredients(step)
        manifest, reasons = self._compare(folder, ingredients)
        reasons += self._upstream(step, manifest)
        forced = self.selection.forces(step.name, self.order)
        wanted = self.selection.wants(step.name, self.order)
        if forced and wanted:
            reasons = (*reasons, forced)
        action: Action = "current"
        if reasons:
            action = "run" if wanted else "left"
        elif unsettled := [name for name in step.needs if self.done[name].action in ("run", "check")]:
            action = "check"
            reasons = tuple(f"if {name} gives another result" for name in unsettled)
        made = StepPlan(
            step=step,
            folder=folder,
            key=key_of(ingredients),
            ingredients=ingredients,
            action=action,
            reasons=reasons,
            manifest=manifest,
        )
        self.done[step.name] = made
        return made

    def _ingredients(self, step: AnyStep) -> dict[str, Any]:
        labels: dict[Path, str] = {}
        for label, path in source_paths(self.scene).items():
            labels.setdefault(path, label)
        sources = {}
        for path in step.sources_of(self.scene):
            source = SourceFiles(label=labels.get(path, path.name), path=path)
            sources[source.label] = source.digests(self.cache)
        plugins = {}
        for name in step.plugins_of(self.scene):
            spec = find_plugin(*name.split(":", 1))
            plugins[name] = {"version": spec.version, "weights": spec.weights_sha256, "packages": spec.installed}
        return ingredients_of(
            step=step.name,
            version=step.version,
            needs={name: self.done[name].key for name in step.needs},
            fields=field_values(self.scene, step.reads),
            sources=sources,
            plugins=plugins,
            seed=self.scene.seed,
        )

    def _compare(self, folder: Path, ingredients: Mapping[str, Any]) -> tuple[Manifest | None, tuple[str, ...]]:
        try:
            manifest = read_manifest(folder)
        except StoreError as error:
            return None, (error.found,)
        reasons = explain(manifest.ingredients if manifest else None, ingredients)
        return manifest, reasons + (damage(folder, manifest, verify=self.verify) if manifest else ())

    def _upstream(self, step: AnyStep, manifest: Manifest | None) -> tuple[str, ...]:
        """Steps whose key is the same though their result no longer is, or won't be, the one this step was made from."""
        if manifest is None:
            return ()
        changed = []
        for name in step.needs:
            before = self.done[name]
            same_key = manifest.ingredients["needs"].get(name) == before.key
            if before.action in ("current", "left") and before.manifest and same_key:
                if manifest.upstream.get(name) != before.manifest.output_digest:
                    changed.append(f"upstream output changed: {name}")
                elif before.action == "left":
                    changed.append(f"upstream due: {name}")
        return tuple(changed)


def field_values(scene: SceneSpec, reads: Sequence[str]) -> dict[str, Any]:
    """JSON values of fields of the scene, for a key. A path counts by its last component; its content is a source."""
    return {field: _plain(getattr(scene, field)) for field in sorted({*reads, "name"} - {"seed"})}


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.name if isinstance(value, Path) else value
