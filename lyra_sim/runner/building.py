"""Builds scenes: runs what is due, keeps what is current, publishes the world, reads the gate's verdict."""

import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

from lyra_sim.data.report import Report
from lyra_sim.errors import InputError, LyraSimError, SpecError, StoreError
from lyra_sim.plugins import Licence, find_plugin
from lyra_sim.runner.events import Event, EventLog, Listener
from lyra_sim.runner.execute import DEFAULT_TIMEOUT_S, Processes, drop_empty_log, make_step
from lyra_sim.runner.planning import ScenePlanner, Selection, StepPlan, step_table
from lyra_sim.runner.publish import current_report, publish
from lyra_sim.scene.plugin_choice import CHOICES
from lyra_sim.scene.spec import SceneSpec
from lyra_sim.steps import STEP_MODULES
from lyra_sim.steps.step import notes_of
from lyra_sim.store import clean_leftovers, scene_lock


@dataclass(frozen=True, kw_only=True)
class SceneResult:
    """How one scene went."""

    scene: str
    folder: Path
    ran: tuple[str, ...]
    """Steps that ran, in order."""
    seconds: float
    error: LyraSimError | None = None
    """What stopped it."""
    report: Report | None = None
    """The gate's report on the world as the scene file now asks for it; None while a step of it is due."""
    due: tuple[str, ...] = ()
    """Steps that aren't current: not selected, or stopped by the error. What is published of them is older than the
    scene file."""

    @property
    def exit_code(self) -> int:
        """Of the error, or 1 if the world failed the gate."""
        if self.error is not None:
            return self.error.exit_code
        return 1 if self.report is not None and self.report.verdict == "fail" else 0


@dataclass(frozen=True, kw_only=True)
class BuildResult:
    """How a build went."""

    scenes: tuple[SceneResult, ...]
    """In the order of the scene file."""
    not_started: tuple[str, ...]
    """Scenes left alone because an earlier one failed."""

    @property
    def exit_code(self) -> int:
        """0, or what all failures have in common, or 1."""
        codes = {result.exit_code for result in self.scenes} - {0}
        return codes.pop() if len(codes) == 1 else min(len(codes), 1)


def build(
    scenes: Sequence[SceneSpec],
    out: str | Path = "out",
    *,
    only: str | None = None,
    from_: str | None = None,
    until: str | None = None,
    force: Sequence[str] = (),
    keep_going: bool = False,
    jobs: int = 1,
    verify: bool = False,
    timeout_step: float = DEFAULT_TIMEOUT_S,
    isolate: bool = True,
    listeners: Sequence[Listener] = (),
    accept_licences: Collection[str] = (),
    modules: tuple[str, ...] = STEP_MODULES,
) -> BuildResult:
    """Build worlds; what is current is kept.

    Args:
        scenes: From :func:`lyra_sim.load_scenes`.
        out: Output folder; each scene gets ``out/<scene>/``.
        only: Run this step alone.
        from_: Run this step and all later ones again.
        until: Run nothing after this step.
        force: Run these steps again.
        keep_going: Build the other scenes when one fails.
        jobs: Scenes at the same time.
        verify: Compare digests of stored files instead of sizes.
        timeout_step: Wall-clock limit of a step [s].
        isolate: Run each step in its own process. False runs them in this one, for debuggers; one scene at a time.
        listeners: Called with every event.
        accept_licences: Names of weights' licences that the user has read and accepted.
        modules: Where the steps are.

    Raises:
        SpecError: An option is wrong, or weights are used whose licence was not accepted. What fails inside a scene is in
            its result instead.
    """
    selection = Selection(only=only, from_=from_, until=until, force=tuple(force))
    selection.check(step_table(modules))
    if jobs < 1 or (jobs > 1 and not isolate):
        raise SpecError("--jobs", f"{jobs}", expected="1 or more" if isolate else "1 when steps run in this process")
    _check_licences(scenes, accept_licences)
    out = Path(out)
    events = EventLog(out / "events.jsonl", *listeners)
    processes = Processes()
    events(Event(kind="build_started", reason=f"{len(scenes)} scenes"))
    clock = time.monotonic()

    def one(scene: SceneSpec) -> SceneResult:
        return _SceneBuild(
            scene,
            out,
            modules=modules,
            selection=selection,
            verify=verify,
            events=events,
            processes=processes if isolate else None,
            timeout_s=timeout_step,
        ).run()

    try:
        finished = _run_all(one, scenes, jobs=jobs, keep_going=keep_going, processes=processes)
    finally:
        events(Event(kind="build_finished", seconds=round(time.monotonic() - clock, 3)))
    names = [scene.name for scene in scenes]
    return BuildResult(
        scenes=tuple(finished[name] for name in names if name in finished),
        not_started=tuple(name for name in names if name not in finished),
    )


def _check_licences(scenes: Sequence[SceneSpec], accepted: Collection[str]) -> None:
    """Before anything is made: the terms of all weights that scenes name."""
    licences: dict[str, Licence] = {}
    for scene in scenes:
        for section, choice in CHOICES.items():
            chosen = getattr(scene, section)
            if chosen.options is not None and not (section == "generate" and chosen.path is None):
                spec = find_plugin(choice.kind, getattr(chosen, choice.named_by))
                licences |= {licence.key: licence for licence in spec.licences_of(chosen.options)}
    for licence in licences.values():
        licence.require_accepted(accepted)


def _run_all(
    one: Callable[[SceneSpec], SceneResult], scenes: Sequence[SceneSpec], *, jobs: int, keep_going: bool, processes: Processes
) -> dict[str, SceneResult]:
    """All scenes, or up to the first that fails; scenes already under way then are finished."""
    finished: dict[str, SceneResult] = {}
    if jobs == 1:  # in this thread, so that a debugger and an interrupt reach the step
        for scene in scenes:
            finished[scene.name] = one(scene)
            if finished[scene.name].error is not None and not keep_going:
                break
        return finished
    with ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(one, scene) for scene in scenes]
        try:
            for future in as_completed(futures):
                if future.cancelled():
                    continue
                result = future.result()
                finished[result.scene] = result
                if result.error is not None and not keep_going:
                    _cancel(futures)
        except BaseException:
            _cancel(futures)
            processes.stop()
            raise
    return finished


def _cancel(futures: Sequence[Future[SceneResult]]) -> None:
    for future in futures:
        future.cancel()


class _SceneBuild:
    """One scene from its first step to its published world."""

    def __init__(
        self,
        scene: SceneSpec,
        out: Path,
        *,
        modules: tuple[str, ...],
        selection: Selection,
        verify: bool,
        events: EventLog,
        processes: Processes | None,
        timeout_s: float,
    ) -> None:
        self.scene, self.folder, self.modules, self.events = scene, out / scene.name, modules, events
        self.processes, self.timeout_s = processes, timeout_s
        self.planner = ScenePlanner(scene, out, modules, selection, verify)
        self.ran: list[str] = []
        self.current = ""

    def run(self) -> SceneResult:
        """Build it; an error becomes part of the result, an interrupt doesn't."""
        clock = time.monotonic()
        error: LyraSimError | None = None
        steps = self.planner.folder
        try:
            with scene_lock(steps):
                clean_leftovers(steps)
                try:
                    self._steps()
                finally:
                    self.planner.cache.save()
                    publish(self.folder, self.planner.done)
        except LyraSimError as raised:
            error = raised
        except OSError as raised:
            error = StoreError(str(raised.filename or self.folder), f"it can't be written or read ({raised.strerror})")
            error.__cause__ = raised
        if error is not None:
            self.events(Event(kind="failed", scene=self.scene.name, step=self.current, reason=str(error)))
        return SceneResult(
            scene=self.scene.name,
            folder=self.folder,
            ran=tuple(self.ran),
            seconds=round(time.monotonic() - clock, 3),
            error=error,
            report=current_report(self.planner.done) if error is None else None,
            due=tuple(name for name in self.planner.order if not self._is_current(name)),
        )

    def _steps(self) -> None:
        table = self.planner.table
        for index, step in enumerate(table, start=1):
            self.current = step.name
            plan = self.planner.next_step(step)
            about = Event(
                kind="started", scene=self.scene.name, step=step.name, reason=plan.reason, index=index, count=len(table)
            )
            if plan.action != "run":
                self.events(replace(about, kind="left" if plan.action == "left" else "skipped"))
                if plan.action == "current":
                    self._tell_notes(about, plan)
                continue
            self._refuse_stale_inputs(plan)
            self.events(about)
            clock = time.monotonic()
            self._make(plan)
            self.events(replace(about, kind="finished", seconds=round(time.monotonic() - clock, 3)))
            self._tell_notes(about, plan)
        self.current = ""

    def _tell_notes(self, about: Event, plan: StepPlan) -> None:
        """What the step left for a person to know, each time its result is built on."""
        for line in notes_of(plan.folder):
            self.events(replace(about, kind="note", reason=line))

    def _is_current(self, name: str) -> bool:
        plan = self.planner.done.get(name)
        return plan is not None and plan.action == "current"

    def _make(self, plan: StepPlan) -> None:
        log = self.folder / "logs" / f"{plan.folder.name}.log"
        manifest = make_step(
            plan,
            self.scene,
            modules=self.modules,
            before=self.planner.done,
            log=log,
            processes=self.processes,
            timeout_s=self.timeout_s,
        )
        drop_empty_log(log)
        self.planner.done[plan.step.name] = replace(plan, action="current", reasons=(), manifest=manifest)
        self.ran.append(plan.step.name)

    def _refuse_stale_inputs(self, plan: StepPlan) -> None:
        for name in plan.step.needs:
            before = self.planner.done[name]
            if before.action != "current":
                raise InputError(
                    f"scene '{self.scene.name}', step {plan.step.name}",
                    f"it needs step {name}, which is not current ({before.reason})",
                    next_step=f"Build it first: --only {name}, or drop --only.",
                )
