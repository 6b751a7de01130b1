"""The good flat's package, and copies of it to break."""

import shutil
from pathlib import Path

import pytest

from tests.broken_worlds.good import GoodWorld, good_world


@pytest.fixture(scope="module")
def flat(tmp_path_factory: pytest.TempPathFactory) -> GoodWorld:
    return good_world(tmp_path_factory.mktemp("flat"))


@pytest.fixture(scope="module")
def sound_package(flat: GoodWorld, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return flat.write(tmp_path_factory.mktemp("flat_package"))


@pytest.fixture
def package(sound_package: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound_package, tmp_path / "world"))
