"""Stray Scanner (ARKit): a video, depth of 256x192 pixels and its confidence, odometry.csv, camera_matrix.csv."""

from dataclasses import replace
from pathlib import Path

from lyra_sim.capture.cameras.intrinsics_files import Intrinsics, read_intrinsics
from lyra_sim.capture.rgbd_layouts.folders import Inside
from lyra_sim.capture.rgbd_layouts.recording import Parts
from lyra_sim.errors import InputError

HOLDS = "rgb.mp4, depth/, confidence/, odometry.csv, camera_matrix.csv"


def fits(folder: Path) -> bool:
    """Whether a folder is laid out so."""
    return (folder / "odometry.csv").is_file() and (folder / "rgb.mp4").is_file() and (folder / "depth").is_dir()


def parts(inside: Inside) -> Parts:
    """What lies in it. The matrix belongs to the video as it is stored, whichever way up it is shown; newer versions of the app
    write one for each frame, too, as the lens focuses."""
    confidences = inside.folder / "confidence"
    video = inside.folder / "rgb.mp4"
    return Parts(
        layout="Stray Scanner",
        video=video,
        depths=inside.depths("depth"),
        cameras=inside.folder / "odometry.csv",
        intrinsics=_intrinsics(inside, video),
        depth_unit="mm",
        confidences=tuple(sorted(confidences.glob("*.png"))) if confidences.is_dir() else (),
    )


def _intrinsics(inside: Inside, video: Path) -> Intrinsics:
    from lyra_sim.capture.rgbd_layouts.video_frames import size_of_video

    size = size_of_video(video, max_pixels=inside.limits.max_pixels)
    file = inside.stated_intrinsics or inside.folder / "camera_matrix.csv"
    found = read_intrinsics(file, size=size)
    if (found.width, found.height) != size:
        raise InputError(str(file), f"{found.width}x{found.height} pixels", expected=f"{size[0]}x{size[1]} as in {video.name}")
    return replace(found, usual=inside.stated_intrinsics is None)
