"""Captures of the analytic flat, shared by the tests of this room."""

import pytest

from lyra_sim.data.capture import Capture
from tests.rooms import Room, furnished_room
from tests.trajectories.rooms import capture_of


@pytest.fixture(scope="session")
def flat() -> Room:
    """Half of ``tiny_room``'s walk: both rooms, every wall seen."""
    return furnished_room(views=18)


@pytest.fixture(scope="session")
def flat_capture(flat: Room, tmp_path_factory: pytest.TempPathFactory) -> Capture:
    return capture_of(flat, tmp_path_factory.mktemp("trajectories") / "flat")
