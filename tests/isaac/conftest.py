"""One package with predictions for the whole folder."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lyra_sim.data.navigation import Route
from tests.isaac.packages import write_package
from tests.usd.worlds import World, box_world


@pytest.fixture(scope="session")
def world() -> World:
    """The boxy room with two routes: one straight, one with a right angle."""
    plain = box_world()
    bent = Route(name="route_001", waypoints=np.array([[-1.5, -1.0], [0.0, -1.0], [0.0, 1.0]]))
    return replace(plain, navigation=replace(plain.navigation, routes=(*plain.navigation.routes, bent)))


@pytest.fixture(scope="session")
def finished(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read-only; tests that edit take ``package``."""
    return write_package(world, tmp_path_factory.mktemp("isaac"))


@pytest.fixture
def package(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "world"))
