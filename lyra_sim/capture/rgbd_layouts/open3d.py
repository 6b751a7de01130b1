"""Open3D's reconstruction system: color/ or image/, depth/, intrinsics as JSON, and a trajectory in a log or JSON."""

from pathlib import Path

from lyra_sim.capture.rgbd_layouts.folders import Inside
from lyra_sim.capture.rgbd_layouts.recording import Parts

HOLDS = "color/ or image/ or rgb/, depth/, trajectory.log or scene/trajectory.log or a PinholeCameraTrajectory JSON"
COLOURS = ("color", "image", "rgb")
_LOGS = ("trajectory.log", "scene/trajectory.log", "odometry.log")
_MOST_BYTES = 64
"""From the start of a JSON file, in which Open3D names its class. Convention."""


def fits(folder: Path) -> bool:
    """Whether a folder is laid out so."""
    return any((folder / name).is_dir() for name in COLOURS) and (folder / "depth").is_dir() and bool(_cameras(folder))


def parts(inside: Inside) -> Parts:
    """What lies in it."""
    found = _cameras(inside.folder)
    others = [path.name for path in found[1:]]
    colours = inside.colours(*COLOURS)
    intrinsics, guessed = inside.intrinsics(colours[0]) if found[0].suffix == ".log" else (None, ())
    said = f"cameras from {found[0].name}" + (f", not from {', '.join(others)}; set rgbd.cameras" if others else "")
    return Parts(
        layout="Open3D reconstruction system",
        colours=colours,
        depths=inside.depths("depth"),
        cameras=found[0],
        intrinsics=intrinsics,
        depth_unit="mm",
        cameras_said=said,
        remarks=guessed,
    )


def _cameras(folder: Path) -> list[Path]:
    logs = [folder / name for name in _LOGS if (folder / name).is_file()]
    return logs + [path for path in sorted(folder.glob("*.json")) if path.is_file() and _is_trajectory(path)]


def _is_trajectory(path: Path) -> bool:
    with path.open(encoding="utf-8", errors="replace") as stream:
        return "PinholeCameraTrajectory" in stream.read(_MOST_BYTES) or _named_last(path)


def _named_last(path: Path) -> bool:
    """Writers that sort their keys name the class first as well; others put it behind the cameras."""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - 256))
        return b"PinholeCameraTrajectory" in stream.read()
