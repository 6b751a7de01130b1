"""One good world and its package for all faults, and copies of the package to break."""

import shutil
from pathlib import Path

import pytest

from tests.broken_worlds.good import GoodWorld, good_world


@pytest.fixture(scope="session")
def flat(tmp_path_factory: pytest.TempPathFactory) -> GoodWorld:
    """Read-only."""
    return good_world(tmp_path_factory.mktemp("flat"))


@pytest.fixture(scope="session")
def sound_package(flat: GoodWorld, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read-only: tests that edit take ``package``."""
    return flat.write(tmp_path_factory.mktemp("flat_package"))


@pytest.fixture
def package(sound_package: Path, tmp_path: Path) -> Path:
    """A copy of the good package's folder."""
    return Path(shutil.copytree(sound_package, tmp_path / "world"))
