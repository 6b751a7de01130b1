"""A video of a walk as photos. The work is done in modules that need PyAV, which not every installation has."""

import importlib.util
from pathlib import Path

from lyra_sim.data.posed import PhotoSet
from lyra_sim.errors import EnvironmentNotReady
from lyra_sim.scene.sources import VideoSource
from lyra_sim.scene.spec import CaptureConfig


def take_in_video(source: VideoSource, *, limits: CaptureConfig, work: Path) -> PhotoSet:
    """At most ``source.frames`` photos of a video in ``work``, with their time (see ``sharp_frames``).

    Raises:
        EnvironmentNotReady: PyAV isn't installed.
        InputError: The file can't be read as video, or gives fewer than two frames.
    """
    require_pyav(source.file)
    from lyra_sim.capture.intake.sharp_frames import sharpest_frames

    return sharpest_frames(source, limits=limits, work=work)


def require_pyav(file: Path) -> None:
    """Before a module that needs PyAV is imported to read ``file``.

    Raises:
        EnvironmentNotReady: PyAV isn't installed.
    """
    if importlib.util.find_spec("av") is None:
        raise EnvironmentNotReady(
            str(file),
            "PyAV is needed to read video and isn't installed",
            likely="It is an extra, because its wheels carry encoders under the GPL.",
            next_step="pip install 'lyra-sim[video]', or turn the video into a folder of photos.",
        )
