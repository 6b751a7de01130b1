"""What the memory holds, what it reads back, and what it refuses."""

import numpy as np
import pytest

from lyra_sim.errors import GeometryError
from lyra_sim.generators.known_frame import KnownFrame
from lyra_sim.generators.memory import SpatialMemory
from tests.generators.boxes_in_view import corridor, known, level_c2w, targets_at


class Disk:
    """Counts what is read."""

    def __init__(self, frames: list[KnownFrame]) -> None:
        self.frames, self.read = {frame.id: frame for frame in frames}, []

    def load(self, id: int) -> KnownFrame:
        self.read.append(id)
        return self.frames[id]


def test_frames_come_back_from_disk_once_they_are_no_longer_held() -> None:
    frames = corridor(5)
    disk = Disk(frames)
    memory = SpatialMemory(disk.load, cached=2)
    for frame in frames:
        memory.add(frame)
    assert memory.frame(4) is frames[4] and memory.frame(3) is frames[3] and disk.read == []
    assert memory.frame(0) is frames[0] and memory.frame(0) is frames[0] and disk.read == [0]
    assert memory.frame(3) is frames[3] and disk.read == [0], "the one used last but one was let go"
    assert memory.frame(4) is frames[4] and disk.read == [0, 4]


def test_ids_are_kept_in_the_order_of_adding() -> None:
    memory = SpatialMemory(Disk([]).load)
    for id in (-1, -2, 8, 0):
        memory.add(known(id, level_c2w(0, 0, 0.1 * id), np.full((48, 64), 2, np.float32)))
    assert memory.ids == (-1, -2, 8, 0) and len(memory) == 4


def test_what_cannot_be_is_refused() -> None:
    frames = corridor(2)
    memory = SpatialMemory(lambda id: frames[0], cached=1)
    targets = targets_at(level_c2w(0, 0, 0))
    assert memory.retrieve(targets, count=5) == ()
    with pytest.raises(GeometryError, match=r"frame 3 was never added.*none yet"):
        memory.frame(3)
    for frame in frames:
        memory.add(frame)
    with pytest.raises(GeometryError, match="frame 1 was added before"):
        memory.add(frames[1])
    with pytest.raises(GeometryError, match=r"frame 7 was never added.*0 to 1"):
        memory.retrieve(targets, count=5, covered_by=7)
    memory.frame(0)
    with pytest.raises(GeometryError, match="reading frame 1 gave frame 0"):
        memory.frame(1)


def test_a_frame_without_depth_is_kept_and_never_retrieved() -> None:
    memory = SpatialMemory(Disk([]).load)
    memory.add(known(0, level_c2w(0, 0, 0), np.full((48, 64), np.nan, np.float32)))
    memory.add(known(1, level_c2w(0, 0, 0), np.full((48, 64), 2, np.float32)))
    assert memory.retrieve(targets_at(level_c2w(0, 0, 0)), count=5) == (1,)


def test_what_it_holds_a_frame_does_not_grow() -> None:
    """Whole frames of 64 x 48 would be 12 kB of depth alone; its samples are a sixteenth of that, the index as much again."""
    sizes = {}
    for count in (256, 1024):
        memory = SpatialMemory(Disk([]).load)
        for frame in corridor(count):
            memory.add(frame)
        sizes[count] = memory.nbytes / count
    assert sizes[1024] < 1.3 * sizes[256] and sizes[1024] < 3000
