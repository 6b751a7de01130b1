"""Twin test: identical drives on true meshes and on our world, by controllers of different skill, in PhysX.

    python benchmarks/twin.py OUT/SCENE TRUE.glb [ALSO_TRUE.glb …] [--routes 200] [--drivers careful,fast,blind,greedy]

``OUT/SCENE`` is a built scene with its steps. Half of the routes are straight lines between random places, half are plans for
a smaller robot whose corners were shaken: drawn from the measured voxels alone, so neither world chose which ones succeed.
A scene's authors may have drawn its collision mesh coarser than what is to be seen. Name both: then each is compared with ours,
and they with each other, which is as far as any world made from pictures can agree with both.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from lyra_sim.data.files import read_arrays, read_json
from lyra_sim.data.grid import FreeSpace
from lyra_sim.data.navigation import Navigation, Route
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.navigation.occupancy import main_band
from lyra_sim.physics.gate_stage import author_drive
from lyra_sim.physics.robots import DiffDrive

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a script, only its own folder is there
from benchmarks.twins.drivers import DRIVERS
from benchmarks.twins.routes import Seen, draw_routes
from benchmarks.twins.statistics import correlation, fisher, over_drivers, wilson
from benchmarks.twins.true_world import write_true_world

OURS = "ours"
TOLD = 12
"""Disagreements that are told one by one."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scene", type=Path, nargs="?", help="folder of a built scene")
    parser.add_argument("truth", type=Path, nargs="*", help="true meshes in the input's frame")
    parser.add_argument("--routes", type=int, default=200)
    parser.add_argument("--drivers", default=",".join(DRIVERS))
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, help="outcomes as JSON")
    chosen = parser.parse_args()
    if chosen.scene is None or not chosen.truth:
        print("twin: name a built scene and a true mesh of it; nothing was measured", file=sys.stderr)
        return 0
    titles = [mesh.stem for mesh in chosen.truth]
    if len({*titles, OURS, "routes"}) < len(titles) + 2:
        parser.error(f"true meshes are told apart by their file names; rename one of {', '.join(titles)}")
    names = chosen.drivers.split(",")
    step = {path.name[3:]: path for path in sorted((chosen.scene / "steps").glob("[0-9][0-9]_*"))}
    navigation, free_space = Navigation.load(step["collide"]), FreeSpace.load(step["mesh"])
    world_from_input = Similarity.from_matrix(np.array(read_json(step["align"] / "world.json")["world_from_input"]))
    path = world_from_input.apply_cameras(read_arrays(step["reconstruct"] / "cameras.npz")["c2w"])[:, :3, 3]
    robot = DiffDrive()
    seen = Seen.of(free_space, main_band(navigation))
    routes = draw_routes(seen, path, radius=robot.footprint_radius, count=chosen.routes, seed=chosen.seed)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="lyra-twin-") as folder:
        work = Path(folder)
        worlds = {OURS: chosen.scene / "world" / "world.usda"}
        for mesh in chosen.truth:
            worlds[mesh.stem] = work / f"{mesh.stem}.usda"
            write_true_world(worlds[mesh.stem], mesh, world_from_input)
        outcomes = drive_worlds(worlds, navigation, routes, names, robot=robot, seed=chosen.seed, work=work)
    print(f"{len(routes)} routes, {len(names)} controllers, {len(worlds)} worlds: {time.perf_counter() - started:.0f} s")
    for other, truth in itertools.combinations(worlds, 2):
        report({other: outcomes[other], truth: outcomes[truth]}, routes, names, seed=chosen.seed)
    if chosen.out:
        chosen.out.write_text(json.dumps({"routes": [route.tolist() for route in routes], **outcomes}), encoding="utf-8")
    return 0


def drive_worlds(
    worlds: dict[str, Path],
    navigation: Navigation,
    routes: list[np.ndarray],
    names: list[str],
    *,
    robot: DiffDrive,
    seed: int,
    work: Path,
) -> dict[str, dict]:
    """Outcomes by world, driver and route; the worlds run side by side, each in a process of its own."""
    named = [Route(name=f"{name}_{k:03d}", waypoints=route) for name in names for k, route in enumerate(routes)]
    plan = Navigation(
        occupancy=navigation.occupancy,
        robot_radius=navigation.robot_radius,
        reachable_area=0.0,
        spawns=np.zeros((0, 3)),
        probes=np.zeros((0, 3)),
        probe_room=np.zeros(0),
        routes=tuple(named),
        floor=navigation.floor,
        band=navigation.band,
    )
    running = {}
    for name, world in worlds.items():
        request = author_drive(work / f"{name}_drive.usda", world=world, navigation=plan, robot=robot)
        asked = {
            "stage": request.stage,
            "bodies": [route.body for route in request.routes],
            "wheel_joints": [joint for route in request.routes for joint in route.wheel_joints],
            "routes": [route.tolist() for route in routes],
            "drivers": names,
            "robot": asdict(robot),
            "seed": seed,
        }
        (work / f"{name}.json").write_text(json.dumps(asked), encoding="utf-8")
        command = [
            sys.executable,
            "-m",
            "benchmarks.twins.drivers",
            str(work / f"{name}.json"),
            str(work / f"{name}_outcomes.json"),
        ]
        roots = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, roots)), "OMP_NUM_THREADS": "1"}
        with (work / f"{name}.log").open("w") as log:
            running[name] = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    for name, process in running.items():
        if process.wait() != 0:
            for other in running.values():
                if other.poll() is None:
                    other.kill()
            raise SystemExit(f"twin: {name} failed\n" + (work / f"{name}.log").read_text(encoding="utf-8")[-3000:])
    return {name: read_json(work / f"{name}_outcomes.json") for name in worlds}


def report(pair: dict[str, dict[str, list[dict]]], routes: list[np.ndarray], names: list[str], *, seed: int) -> None:
    """The table of two worlds, the correlation of success over controllers, and where they disagree."""
    (ours, ours_rows), (truth, truth_rows) = pair.items()
    here, there = (np.array([[row["arrived"] for row in rows[name]] for name in names]) for rows in (ours_rows, truth_rows))
    print(f"\n### {ours} and {truth}\n")
    print(f"| controller | success in {truth} | in {ours} | same outcome | 95 % interval | ends apart, median |")
    print("|---|---|---|---|---|---|")
    for name, a, b in zip(names, there, here, strict=True):
        print(_row(name, a, b, [truth_rows[name]], [ours_rows[name]]))
    print(_row("all", there.ravel(), here.ravel(), *[[rows[name] for name in names] for rows in (truth_rows, ours_rows)]))
    r, low, high = over_drivers(there, here, seed=seed)
    print(f"\nsuccess rates over controllers: r = {r:.3f}, 95 % [{low:.3f}, {high:.3f}] over redrawn routes, "
          "Fisher [{:.3f}, {:.3f}]".format(*fisher(r, len(names))))  # fmt: skip
    phi = correlation(there.ravel(), here.ravel())
    print("single drives: phi = {:.3f}, 95 % [{:.3f}, {:.3f}]".format(phi, *fisher(phi, there.size)))
    apart = np.argwhere(there != here)
    print(f"{len(apart)} drives end differently" + (":" if len(apart) else ""))
    for k, route in apart[:TOLD]:
        words = [
            f"{world} {'arrives' if rows[names[k]][route]['arrived'] else 'ends'} at {rows[names[k]][route]['end']}"
            for world, rows in ((truth, truth_rows), (ours, ours_rows))
        ]
        print(f"- {names[k]}, route {route} to {routes[route][-1].round(2).tolist()}: {'; '.join(words)}")


def _row(name: str, a: np.ndarray, b: np.ndarray, truth: list[list[dict]], ours: list[list[dict]]) -> str:
    same = int((a == b).sum())
    low, high = wilson(same, a.size)
    ends = [np.array([row["end"] for rows in world for row in rows]) for world in (truth, ours)]
    apart = float(np.median(np.linalg.norm(ends[0] - ends[1], axis=1)))
    return (
        f"| {name} | {a.mean():.1%} | {b.mean():.1%} | {same / a.size:.1%} | {low:.1%} to {high:.1%} | {100 * apart:.1f} cm |"
    )


if __name__ == "__main__":
    raise SystemExit(main())
