"""Open3D loads on a machine without libusb, and says what to do when it can't."""

import sys

import pytest

from lyra_sim.errors import EnvironmentNotReady
from lyra_sim.rendering.open3d_loader import load_open3d


def test_loads_and_is_the_same_module_twice() -> None:
    assert load_open3d() is load_open3d()
    assert hasattr(load_open3d().t.geometry, "RaycastingScene")


def test_absent_open3d_is_an_environment_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "open3d", None)
    with pytest.raises(EnvironmentNotReady, match="pip install open3d-cpu libusb-package") as caught:
        load_open3d()
    assert caught.value.exit_code == 4
    assert isinstance(caught.value.__cause__, ImportError)


def test_absent_libusb_wheel_is_not_an_error_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "libusb_package", None)
    assert load_open3d().__name__ == "open3d"  # already loaded, or the system has libusb
