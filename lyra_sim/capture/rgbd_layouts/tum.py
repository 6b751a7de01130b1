"""TUM RGB-D (Sturm et al. 2012), and what records in its form: colour and depth with times of their own."""

from pathlib import Path

from lyra_sim.capture.rgbd_layouts.folders import Inside, trajectories_in
from lyra_sim.capture.rgbd_layouts.recording import Parts

HOLDS = "rgb/, depth/, groundtruth.txt"
DEPTH_UNIT = 0.0002
"""5000 counts are a metre. Convention."""
_PREFERRED = ("groundtruth.txt", "CameraTrajectory.txt", "KeyFrameTrajectory.txt")


def fits(folder: Path) -> bool:
    """Whether a folder is laid out so."""
    return (folder / "rgb").is_dir() and (folder / "depth").is_dir() and bool(_trajectories(folder))


def parts(inside: Inside) -> Parts:
    """What lies in it. The ground truth counts before what a SLAM system wrote; key frames alone leave out the rest."""
    found = _trajectories(inside.folder)
    named = [path for name in _PREFERRED for path in found if path.name == name]
    cameras = (named or found)[0]
    others = [path.name for path in found if path != cameras]
    colours = inside.colours("rgb")
    intrinsics, guessed = inside.intrinsics(colours[0])
    return Parts(
        layout="TUM RGB-D",
        colours=colours,
        depths=inside.depths("depth"),
        cameras=cameras,
        intrinsics=intrinsics,
        depth_unit=DEPTH_UNIT,
        cameras_said=f"cameras from {cameras.name}" + (f", not from {', '.join(others)}; set rgbd.cameras" if others else ""),
        unit_said="a depth count read as 1/5000 m",
        remarks=guessed,
    )


def _trajectories(folder: Path) -> list[Path]:
    return [path for path, count in trajectories_in(folder) if count == 8]
