"""Puts the current world and report where users look: ``out/<scene>/{world,exports,video,metrics.json,report.html}``.

Copies, not links: a user may edit and save a published stage, and the step folder behind it must not change with it.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from lyra_sim.data.files import read_json, write_json
from lyra_sim.data.report import METRICS, Report
from lyra_sim.errors import InputError
from lyra_sim.runner.planning import StepPlan
from lyra_sim.store.folder import clean_leftovers

PUBLISHED: Mapping[str, tuple[str, ...]] = {
    "generate": ("video",),
    "author": ("world", "exports"),
    "assess": (METRICS, "report.html"),
}
"""What of which step; a report is only ever shown beside the world it is about."""


def publish(scene_folder: Path, done: Mapping[str, StepPlan]) -> None:
    """Bring the published files in line with the step folders that are current.

    Nothing happens while the world itself is stale: the published one and its report still belong together.
    """
    author = done.get("author")
    if author is None or author.action != "current" or author.manifest is None:
        return
    record = scene_folder / "steps" / ".published.json"
    before = _read(record)
    clean_leftovers(scene_folder)
    now: dict[str, str] = {}
    for step, names in PUBLISHED.items():
        plan = done.get(step)
        fresh = plan is not None and plan.action == "current" and plan.manifest is not None
        if plan is not None and plan.manifest is not None and fresh:
            now[step] = plan.manifest.output_digest
        for name in names:
            target = scene_folder / name
            if plan is None or not fresh or not (plan.folder / name).exists():
                _swap(None, target)
            elif before.get(step) != now[step] or not target.exists():
                _swap(plan.folder / name, target)
    if now != before:
        write_json(record, now)


def current_report(done: Mapping[str, StepPlan]) -> Report | None:
    """The verdict on what the scene file now asks for; None unless the step that gives it is current."""
    assess = done.get("assess")
    if assess is None or assess.action != "current" or not (assess.folder / METRICS).is_file():
        return None
    return Report.load(assess.folder)


def _read(record: Path) -> dict[str, str]:
    try:
        stored = read_json(record)
    except InputError:
        return {}  # publishing again is harmless
    return stored if isinstance(stored, dict) else {}


def _swap(source: Path | None, target: Path) -> None:
    """Replace ``target`` by a copy of ``source`` (or by nothing), copied beside it first."""
    staged = target.with_name(f".{target.name}.tmp-{os.getpid()}")
    old = target.with_name(f".{target.name}.old-{os.getpid()}")
    if source is not None:
        shutil.copytree(source, staged) if source.is_dir() else shutil.copyfile(source, staged)
    if target.is_dir():
        target.rename(old)
    if source is not None:
        staged.replace(target)
    else:
        target.unlink(missing_ok=True)
    if old.exists():
        shutil.rmtree(old)
