"""Builds the AWS scenes from their true meshes and from rendered RGB-D walks, and writes the ledger docs/worlds.md.

    python benchmarks/worlds.py [--scene small_house_walk] [--built OUT/small_house …] [--noise kinect]

Worlds that are built already join the ledger with ``--built``: the folder of one scene, as ``lyra-sim build`` publishes it. A
scene that fails stays in the ledger with the error it ended with. The meshes aren't in the repository; without them the script
says so and writes nothing but what is built already.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from build_examples import ROOT, commit, digest, machine
from rendered_walk import plan_walk, write_walk

from lyra_sim.data.report import Metric, Report

DATA = ROOT.parent / "shared" / "data"
LEDGER = ROOT / "docs" / "worlds.md"
VISUAL = {
    "small_house": ("scene_visual.glb", "ceiling_visual.glb"),
    "small_warehouse": ("scene_visual.glb",),
}
"""By scene: the meshes that are seen; ``scene_collision.glb`` beside them is what blocks."""
WALK_SECTIONS: dict[str, dict[str, object]] = {
    "small_house": {"mesh": {"voxel_size": 0.03, "max_voxels": 40_000_000}, "capture": {"max_depth": 8.0}},
    "small_warehouse": {
        "mesh": {"voxel_size": 0.03, "max_voxels": 80_000_000},
        "capture": {"max_depth": 6.0},
        "collide": {"max_hulls": 400},
    },
}
"""Of the scenes built from walks. The hall is 10 m high: depth is trusted to 6 m there, so that 3 cm voxels fit in memory. Its
racks take more hulls than a flat: with 250, one true passage of 0.9 m keeps 0.26 m."""
MESH_SECTIONS: dict[str, dict[str, object]] = {
    "small_house": {},
    "small_warehouse": {"mesh": {"voxel_size": 0.04, "max_voxels": 80_000_000}, "collide": {"max_hulls": 400}},
}
"""Of the scenes built from true meshes: a hall takes more voxels and hulls than a preview allows by itself."""
OVERVIEW = {
    "F 5 cm": ("truth.f_score_5cm", "{:.3f}"),
    "floor IoU": ("truth.map.navigable_iou", "{:.3f}"),
    "air blocked": ("collision.free_volume_blocked", "{:.3%}"),
    "covered": ("collision.coverage", "{:.3f}"),
    "hulls": ("collision.hulls", "{:.0f}"),
    "PhysX routes": ("physics.physx.routes_driven", "{:.0%}"),
    "Newton routes": ("physics.newton.routes_driven", "{:.0%}"),
}
"""Columns of the first table: metric and how it is shown."""
SHOWN_DIGITS = 12
BUILT_FROM = {"_mesh": "its true mesh", "_walk": "a rendered RGB-D walk"}
"""By the end of a name: what a world of ``--built`` was made from; others are examples."""


@dataclass
class World:
    """One row of the ledger."""

    name: str
    made_from: str
    report: Report | None = None
    digest: str = ""
    seconds: float | None = None
    peak_gb: float | None = None
    error: str = ""
    step_seconds: dict[str, float] = field(default_factory=dict)


def scene_file(work: Path, *, noise: str, chosen: list[str]) -> tuple[Path, dict[str, str]]:
    """Render the walks and write the scene file; its path, and what each scene is made from."""
    scenes, made_from = [], {}
    for name, files in VISUAL.items():
        folder = DATA / f"scene_{name}"
        visual, collision = [folder / file for file in files], folder / "scene_collision.glb"
        truth: dict[str, object] = {"mesh": [str(path) for path in visual], "collision": [str(collision)]}
        if (folder / "nav_map").is_dir():
            truth["occupancy_map"] = str(folder / "nav_map")
        if f"{name}_mesh" in chosen:
            given = {"surface": {"files": [str(path) for path in visual]}, "up": "z"}
            scenes.append({"name": f"{name}_mesh", **given, "truth": truth, **MESH_SECTIONS[name]})
            made_from[f"{name}_mesh"] = "its true mesh"
        if f"{name}_walk" in chosen:
            started = time.perf_counter()
            walk = plan_walk(visual, [collision])
            out = work / "walks" / name
            write_walk(walk, out, noise=noise)
            say(f"{name}: {len(walk.cameras)} frames, {walk.length:.0f} m, in {time.perf_counter() - started:.0f} s")
            rgbd = {"frames": str(out / "rgb"), "depth": str(out / "depth_mm"), "cameras": str(out / "transforms.json")}
            scene = {"name": f"{name}_walk", "rgbd": rgbd, "scale": "metric", "up": "z", "truth": truth}
            scenes.append({**scene, **WALK_SECTIONS[name]})
            noisy = "" if noise == "none" else f", {noise} noise"
            made_from[f"{name}_walk"] = f"{len(walk.cameras)} RGB-D frames over {walk.length:.0f} m{noisy}"
    path = work / "scenes.yaml"
    path.write_text(yaml.safe_dump({"version": 1, "scenes": scenes}, sort_keys=False), encoding="utf-8")
    return path, made_from


def build(scenes: Path, name: str, out: Path, made_from: str) -> World:
    """Build one scene; a failure is a row like any other."""
    command = [sys.executable, "-m", "lyra_sim.command.cli", "build", str(scenes), "--scene", name, "--out", str(out)]
    started = time.perf_counter()
    with (out / f"{name}.log").open("w+", encoding="utf-8") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        text = log.read()
    row = finished(out / name, made_from)
    row.seconds, row.peak_gb = time.perf_counter() - started, max(row.peak_gb or 0.0, usage.ru_maxrss * 1024 / 1e9)
    if process.returncode:
        row.error = next((line.strip() for line in text.splitlines() if "Error:" in line), f"exit code {process.returncode}")
    say(f"{name}: {row.report.verdict if row.report else 'no report'} in {row.seconds:.0f} s {row.error}")
    return row


def finished(folder: Path, made_from: str) -> World:
    """The row of a published folder; without a report where it has none."""
    world = World(name=folder.name, made_from=made_from)
    if (folder / "metrics.json").is_file():
        world.report, world.digest = Report.load(folder), digest(folder)
    for manifest in sorted((folder / "steps").glob("*/manifest.json")):
        step = json.loads(manifest.read_text(encoding="utf-8"))
        world.step_seconds[step["step"]] = step["run"]["seconds"]
        world.peak_gb = max(world.peak_gb or 0.0, step["run"]["peak_mb"] * 2**20 / 1e9)
    return world


def ledger(worlds: list[World]) -> str:
    """The page, from results alone."""
    lines = [
        "# Ledger of worlds",
        "",
        "Written by `benchmarks/worlds.py` from the `metrics.json` of each world; nothing here is typed by hand. What a figure",
        "means and where its limit comes from is in [metrics.md](metrics.md).",
        "",
        f"Written at commit `{commit()}`; worlds that were built before it may be older. {machine()}. Where other work",
        "ran on the machine, seconds are upper bounds.",
        "",
        "On one machine the same inputs give the same bytes: the digest is over `world/`, `exports/` and `metrics.json`, and",
        "has to come out equal. On another processor, sums in floating point may round otherwise. There the digest may differ,",
        "and these tolerances are what the project holds itself to: shares, scores and IoU 0.005; lengths 2 mm or 1 %; counts",
        "of hulls, faces and splats 3 %; verdicts the same, unless a figure lies within these of its limit. They have not been",
        "measured yet: all rows here come from one machine.",
        "",
        "## Worlds",
        "",
        "| scene | made from | verdict | fail / warn / not measured | "
        + " | ".join(OVERVIEW)
        + " | build [s] | peak [GB] | digest |",
        "|---" * (7 + len(OVERVIEW)) + "|",
    ]
    for world in worlds:
        verdict, counts = "**not built**", "-"
        if world.report is not None:
            verdict = world.report.verdict
            tally = [
                sum(metric.verdict == kind for metric in world.report.metrics) for kind in ("fail", "warn", "not-measured")
            ]
            counts = " / ".join(map(str, tally))
        cells = [_shown(world, name, pattern) for name, pattern in OVERVIEW.values()]
        seconds = world.seconds if world.seconds is not None else sum(world.step_seconds.values()) or None
        tail = [
            "-" if seconds is None else f"{seconds:.0f}",
            "-" if world.peak_gb is None else f"{world.peak_gb:.1f}",
            f"`{world.digest[:SHOWN_DIGITS]}`" if world.digest else "-",
        ]
        lines.append("| " + " | ".join([world.name, world.made_from, verdict, counts, *cells, *tail]) + " |")
    lines += ["", "## Failures, warnings, and what wasn't measured", ""]
    for world in worlds:
        lines += _shortfalls(world)
    lines += ["## Every figure", "", "| figure | unit | " + " | ".join(world.name for world in worlds) + " |"]
    lines.append("|---|---" + "|---" * len(worlds) + "|")
    tables = [{metric.name: metric for metric in world.report.metrics} if world.report else {} for world in worlds]
    for name in dict.fromkeys(name for table in tables for name in table):
        metrics = [table.get(name) for table in tables]
        unit = next(metric.unit for metric in metrics if metric)
        lines.append(f"| `{name}` | {unit} | " + " | ".join(map(_cell, metrics)) + " |")
    lines += ["", "## Time of each step [s]", "", "| step | " + " | ".join(world.name for world in worlds) + " |"]
    lines.append("|---" * (1 + len(worlds)) + "|")
    for step in dict.fromkeys(step for world in worlds for step in world.step_seconds):
        cells = (f"{world.step_seconds[step]:.1f}" if step in world.step_seconds else "-" for world in worlds)
        lines.append(f"| {step} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _shown(world: World, name: str, pattern: str) -> str:
    metric = next((metric for metric in world.report.metrics if metric.name == name), None) if world.report else None
    return "-" if metric is None or metric.value is None else pattern.format(metric.value)


def _shortfalls(world: World) -> list[str]:
    rows = [f"**{world.name}**: {world.error}" if world.error else f"**{world.name}**", ""]
    short = [metric for metric in world.report.metrics if metric.verdict != "pass"] if world.report else []
    rows += [
        f"- {metric.verdict}: `{metric.name}` {'' if metric.value is None else f'{metric.value:.4g} {metric.unit}'.strip()}"
        + (f" ({metric.note})" if metric.note else "")
        for metric in sorted(short, key=lambda metric: ("fail", "warn", "not-measured").index(metric.verdict))
    ]
    if not short and not world.error:
        rows.append("- none")
    return [*rows, ""]


def _cell(metric: Metric | None) -> str:
    if metric is None:
        return "-"
    if metric.value is None:
        return metric.verdict
    marked = {"pass": "", "warn": " (warn)", "fail": " (**fail**)", "not-measured": " (not measured)"}[metric.verdict]
    return f"{metric.value:.4g}{marked}"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    every = [f"{name}_{kind}" for name in VISUAL for kind in ("mesh", "walk")]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scene", action="append", choices=every, help="only these (default: all four)")
    parser.add_argument("--built", action="append", type=Path, default=[], help="a published scene folder to add")
    parser.add_argument("--only-built", action="store_true", help="build nothing")
    parser.add_argument("--noise", choices=["none", "kinect"], default="none")
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "worlds", help="where walks and worlds are put")
    parser.add_argument("--ledger", type=Path, default=LEDGER)
    arguments = parser.parse_args()
    worlds = [
        finished(folder, next((what for end, what in BUILT_FROM.items() if folder.name.endswith(end)), "examples/scenes.yaml"))
        for folder in arguments.built
    ]
    chosen = [] if arguments.only_built else arguments.scene or every
    if chosen and not all((DATA / f"scene_{name}").is_dir() for name in VISUAL):
        say("worlds: the true meshes of the AWS scenes aren't beside this checkout; none of them was built")
        chosen = []
    if chosen:
        arguments.work.mkdir(parents=True, exist_ok=True)
        scenes, made_from = scene_file(arguments.work, noise=arguments.noise, chosen=chosen)
        worlds += [build(scenes, name, arguments.work, made_from[name]) for name in made_from]
    if not worlds:
        return
    arguments.ledger.write_text(ledger(worlds), encoding="utf-8")
    say(f"written: {arguments.ledger}")


if __name__ == "__main__":
    main()
