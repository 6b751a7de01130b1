"""Import Open3D on a bare machine: its wheel wants libusb-1.0, which a server without root rarely has."""

import ctypes
import importlib
from types import ModuleType

from lyra_sim.errors import EnvironmentNotReady

_FIX = "Run `pip install open3d-cpu libusb-package`, or install your system's libusb-1.0 (apt: libusb-1.0-0)."


def load_open3d() -> ModuleType:
    """``import open3d``, after making libusb from the wheel ``libusb-package`` visible to it.

    Open3D links its (here unused) depth-camera drivers against libusb. Loading the wheel's copy with
    RTLD_GLOBAL first satisfies the linker without root and without touching the system.

    Raises:
        EnvironmentNotReady: Open3D is absent or still can't be loaded; the cause is chained.
    """
    try:
        package = importlib.import_module("libusb_package")
    except ImportError:
        pass  # a system libusb may serve as well; if it doesn't, the import below says so
    else:
        path = package.get_library_path()
        if path is not None:
            ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)
    try:
        return importlib.import_module("open3d")
    except (ImportError, OSError) as error:
        raise EnvironmentNotReady(
            "open3d",
            f"it can't be imported ({error})",
            expected="open3d or open3d-cpu ≥ 0.19 with libusb-1.0 in reach",
            next_step=_FIX,
        ) from error
