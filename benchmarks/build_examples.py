"""Builds the example scenes from nothing, several times, and prints the tables of BENCHMARKS.md.

    python benchmarks/build_examples.py [--runs 3] [--scene small_house]

Times are medians over the runs; figures are those of the last run, and the digests of all runs must be equal.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from lyra_sim.data.report import Report

ROOT = Path(__file__).parents[1]
SCENES = ROOT / "examples" / "scenes.yaml"


@dataclass(frozen=True, kw_only=True)
class Run:
    """One build of one scene into an empty folder."""

    seconds: float
    step_seconds: dict[str, float]
    peak_gb: float
    """Largest resident set of any process of the build."""
    digest: str
    """Of everything in world/, exports/ and metrics.json."""
    report: Report


def build(scene: str, out: Path) -> Run:
    start = time.perf_counter()
    command = [sys.executable, "-m", "lyra_sim.command.cli", "build", str(SCENES), "--scene", scene, "--out", str(out)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with exit code {process.returncode}")
    events = [json.loads(line) for path in out.rglob("events.jsonl") for line in path.read_text(encoding="utf-8").splitlines()]
    return Run(
        seconds=seconds,
        step_seconds={event["step"]: event["seconds"] for event in events if event["event"] == "finished"},
        peak_gb=usage.ru_maxrss / 1e6,
        digest=digest(out / scene),
        report=Report.load(out / scene),
    )


def digest(folder: Path) -> str:
    """One hash over all files a user is handed, names included."""
    total = sha256()
    for path in sorted([folder / "metrics.json", *(folder / "world").rglob("*"), *(folder / "exports").rglob("*")]):
        if path.is_file():
            total.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


def machine() -> str:
    cpu = platform.processor() or platform.machine()
    if (cpuinfo := Path("/proc/cpuinfo")).is_file():
        names = [line.split(":")[1].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        cpu = names[0] if names else cpu
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return f"{cpu}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GB, Python {platform.python_version()}"


def commit() -> str:
    found = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    return found.stdout.strip() or "not a git checkout"


def print_times(runs: dict[str, list[Run]]) -> None:
    print("| step | " + " | ".join(runs) + " |\n|---|" + "---|" * len(runs))
    steps: dict[str, list[str]] = defaultdict(list)
    for scene_runs in runs.values():
        for step in scene_runs[0].step_seconds:
            steps[f"{step} [s]"].append(f"{statistics.median(run.step_seconds[step] for run in scene_runs):.1f}")
        steps["**whole build [s]**"].append(f"{statistics.median(run.seconds for run in scene_runs):.1f}")
        steps["peak memory [GB]"].append(f"{max(run.peak_gb for run in scene_runs):.1f}")
        steps["same digest in all runs"].append("yes" if len({run.digest for run in scene_runs}) == 1 else "**no**")
    for step, cells in steps.items():
        print(f"| {step} | " + " | ".join(cells) + " |")


def print_figures(runs: dict[str, list[Run]]) -> None:
    print("\n| figure | unit | " + " | ".join(runs) + " |\n|---|---|" + "---|" * len(runs))
    tables = {scene: {metric.name: metric for metric in scene_runs[-1].report.metrics} for scene, scene_runs in runs.items()}
    for name in dict.fromkeys(name for table in tables.values() for name in table):
        metrics = [table.get(name) for table in tables.values()]
        unit = next(metric.unit for metric in metrics if metric)
        cells = ("-" if not m else m.verdict if m.value is None else f"{m.value:.4g} ({m.verdict}, n={m.n})" for m in metrics)
        print(f"| {name} | {unit} | " + " | ".join(cells) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--scene", action="append", choices=["small_house", "livingroom"])
    arguments = parser.parse_args()
    runs: dict[str, list[Run]] = {}
    for scene in arguments.scene or ["small_house", "livingroom"]:
        for number in range(arguments.runs):
            print(f"{scene}: run {number + 1} of {arguments.runs}", file=sys.stderr)
            with tempfile.TemporaryDirectory() as folder:
                runs.setdefault(scene, []).append(build(scene, Path(folder)))
    print(f"Commit `{commit()}`; {machine()}; median of {arguments.runs} runs.\n")
    print_times(runs)
    print_figures(runs)


if __name__ == "__main__":
    main()
