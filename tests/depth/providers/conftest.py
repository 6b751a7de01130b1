"""Stand-ins for packages that aren't installed here, and the folders of weights that belong to them."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch

from lyra_sim.plugins import find_plugin
from tests.depth.providers.known_room import walk


def _forget(name: str) -> None:
    for loaded in [module for module in sys.modules if module.split(".")[0] == name]:
        del sys.modules[loaded]


def _stand_in(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "stand_ins"))
    _forget(name)


@pytest.fixture
def da3(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[tuple[ModuleType, Path]]:
    """The stand-in's module, looking at :func:`walk`, and a folder of weights."""
    _stand_in("depth_anything_3", monkeypatch)
    import depth_anything_3.api as api

    api.DepthAnything3.room, api.DepthAnything3.frames = walk(), walk().cameras
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes(b"{}")
    yield api, tmp_path
    _forget("depth_anything_3")


@pytest.fixture
def moge(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[tuple[type, Path]]:
    """The stand-in's model, looking at :func:`walk`, and a folder for its weights."""
    _stand_in("moge", monkeypatch)
    import moge.model as model

    model._Model.room, model._Model.frames, model._Model.asked = walk(), walk().cameras, []
    torch.save({"model_config": {"encoder": {"backbone": "dinov2_vitl14"}}, "model": {}}, tmp_path / "model.pt")
    yield model._Model, tmp_path
    _forget("moge")


def load(name: str):
    """The plug-in's target, by its declaration."""
    return find_plugin("frame_depth", name).load()
