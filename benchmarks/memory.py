"""Retrieval from a spatial memory that grows: time a query, picks beside exhaustive search, and memory held.

Two worlds. `new`: a walk through ever new rooms. `again`: the same walk a tenth as long, gone ten times, a little off its
track each time, so that frames pile up in the same space.

Every memory of at least 800 frames gets the very same queries, somewhere along the first 800, so that times differ by what
the memory holds and not by where it is asked.
"""

import argparse
import statistics
import sys
import time
from dataclasses import dataclass

import numpy as np
from endless_rooms import c2w_at, cast, way

from lyra_sim.generators.known_frame import KnownFrame
from lyra_sim.generators.memory import SpatialMemory
from lyra_sim.geometry.cameras import CameraPath

WIDTH, HEIGHT, STRIDE = 512, 384, 4
K = np.array([[400.0, 0, WIDTH / 2], [0, 400.0, HEIGHT / 2], [0, 0, 1]])
STEP = 0.2
"""Way between known frames [m]: every eighth video frame of a slow walk."""
ROOMS_A_ROW = 6
COUNT, VIEWS = 5, 4
"""Frames retrieved, and views of a chunk that they should cover: the scene file's defaults."""
ASKED_WITHIN = 800
"""Queries stand among the first so many frames."""
CHUNK_WAY = 2.0
"""Of the cameras to be covered [m]."""


@dataclass(frozen=True, kw_only=True)
class Query:
    targets: CameraPath
    covered_by: int | None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, nargs="+", default=[80, 800, 8000], help="Sizes of the memory.")
    parser.add_argument("--queries", type=int, default=24, help="Queries a size, at least 5; their median is printed.")
    parser.add_argument("--worlds", nargs="+", choices=("new", "again"), default=["new", "again"])
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    if options.queries < 5:
        parser.error("--queries: a median of fewer than 5 says little")
    print(f"Frames of {WIDTH}x{HEIGHT}, {VIEWS} target views, {COUNT} picks, median of {options.queries} queries; one thread\n")
    print("| world | frames | CPU ms a query | slowest | exhaustive | same picks | same in the same order | MB held |")
    print("|---|---|---|---|---|---|---|---|")
    for world in options.worlds:
        for count in options.frames:
            print(_row(world, count, options.queries, options.seed), flush=True)
    return 0


def _row(world: str, count: int, query_count: int, seed: int) -> str:
    places = _places(world, count)
    memory = SpatialMemory(_nothing_is_read)
    for id, place in enumerate(places):
        memory.add(_frame(id, place))
    queries = [_query(n, places[:ASKED_WITHIN], seed) for n in range(query_count)]
    memory.retrieve(queries[0].targets, count=COUNT)  # compiles
    fast, slow, same, ordered, asked = [], [], 0, 0, 0
    for query in queries:
        started = time.process_time()
        found = memory.retrieve(query.targets, count=COUNT, covered_by=query.covered_by)
        fast.append(1000 * (time.process_time() - started))
        started = time.process_time()
        wanted = memory.retrieve(query.targets, count=COUNT, covered_by=query.covered_by, exhaustive=True)
        slow.append(1000 * (time.process_time() - started))
        asked += len(wanted)
        same += len(set(found) & set(wanted))
        ordered += sum(a == b for a, b in zip(found[::-1], wanted[::-1], strict=False))
    return (
        f"| {world} | {count} | {statistics.median(fast):.0f} | {max(fast):.0f} | {statistics.median(slow):.0f} "
        f"| {same / asked:.1%} of {asked} | {ordered / asked:.1%} | {memory.nbytes / 1e6:.0f} |"
    )


def _places(world: str, count: int) -> np.ndarray:
    """Rows of x, y, heading."""
    if world == "new":
        return way(count, step=STEP, rooms_a_row=ROOMS_A_ROW)
    once = way(count // 10, step=STEP, rooms_a_row=ROOMS_A_ROW)
    rng = np.random.default_rng(1)
    return np.concatenate([once + rng.normal(0, [0.05, 0.05, 0.05], once.shape) for _ in range(10)])


def _query(number: int, places: np.ndarray, seed: int) -> Query:
    """Somewhere on the way; every other one goes on from a frame that the generator has, the others look to one side."""
    rng = np.random.default_rng([seed, number])
    ends = len(places) - int(CHUNK_WAY / STEP) - 1
    start = int(rng.integers(0, ends))
    turned = rng.normal(0, 0.2) if number % 2 == 0 else rng.normal(0, 0.8)
    picked = np.linspace(start, start + CHUNK_WAY / STEP, VIEWS + 1)[1:].round().astype(int)
    cameras = np.stack([c2w_at(x, y, heading + turned) for x, y, heading in places[picked]])
    targets = CameraPath(c2w=cameras, K=np.repeat(K[None], VIEWS, axis=0), width=WIDTH, height=HEIGHT)
    return Query(targets=targets, covered_by=start if number % 2 == 0 else None)


def _frame(id: int, place: np.ndarray) -> KnownFrame:
    """Exact depth at the samples that the memory keeps, repeated in between, where nobody looks."""
    c2w = c2w_at(*place)
    samples = cast(c2w, np.array([K[0, 0], K[1, 1], K[0, 2], K[1, 2]]), WIDTH // STRIDE, HEIGHT // STRIDE, STRIDE)
    z_depth = samples.repeat(STRIDE, axis=0).repeat(STRIDE, axis=1)
    rgb = np.zeros((1, 1, 3), np.uint8)
    return KnownFrame(id=id, rgb=np.broadcast_to(rgb, (HEIGHT, WIDTH, 3)), z_depth=z_depth, invented=None, K=K, c2w=c2w)


def _nothing_is_read(id: int) -> KnownFrame:
    raise AssertionError(f"retrieval reads no whole frame, yet {id} was asked for")


if __name__ == "__main__":
    sys.exit(main())
