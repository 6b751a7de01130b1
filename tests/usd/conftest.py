"""One good package for the whole room, and copies of it to break."""

import shutil
from pathlib import Path

import pytest

from lyra_sim.data.stage import StageBundle
from tests.usd.worlds import World, box_world


@pytest.fixture(scope="session")
def small_world() -> World:
    return box_world()


@pytest.fixture(scope="session")
def bundle(small_world: World, tmp_path_factory: pytest.TempPathFactory) -> StageBundle:
    """Read-only: tests that edit take ``package``."""
    return small_world.write(tmp_path_factory.mktemp("author"), half_splats=True)


@pytest.fixture
def package(bundle: StageBundle, tmp_path: Path) -> Path:
    """A copy of the good package folder."""
    return Path(shutil.copytree(bundle.world, tmp_path / "world"))
