"""What the tests of trained splats share."""

from collections.abc import Iterator

import numba
import pytest
import torch

from lyra_sim.data.capture import Capture
from tests.reconstructors.pan import captured, pan
from tests.rooms import Room


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Images this small are done before a second thread has woken up."""
    before = torch.get_num_threads(), numba.get_num_threads()
    torch.set_num_threads(1)
    numba.set_num_threads(1)
    yield
    torch.set_num_threads(before[0])
    numba.set_num_threads(before[1])


@pytest.fixture(scope="session")
def panned(tiny_room: Room, tmp_path_factory: pytest.TempPathFactory) -> Capture:
    """Eight views of the room's first half; nobody may write into its folder."""
    folder = tmp_path_factory.mktemp("pan")
    return captured(pan(tiny_room).write_rgbd(folder / "files"), folder / "out")
