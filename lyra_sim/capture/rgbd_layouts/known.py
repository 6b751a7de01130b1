"""Which layout a folder is, told by what lies in it; what isn't read is refused by name."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lyra_sim.capture.rgbd_layouts import open3d, polycam, record3d, replica, scannet, stray, transforms, tum
from lyra_sim.capture.rgbd_layouts.bags import layout as bags
from lyra_sim.capture.rgbd_layouts.folders import Inside
from lyra_sim.capture.rgbd_layouts.recording import Parts
from lyra_sim.errors import InputError

LISTED = 8
"""Entries of a folder that a message names. Convention."""
MOST_ENTRIES = 100_000
"""Of a folder that is looked at. Convention."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a recorder or data set lays out its folders."""

    holds: str
    fits: Callable[[Path], bool]
    parts: Callable[[Inside], Parts]


LAYOUTS = {
    "transforms": Layout(holds=transforms.HOLDS, fits=transforms.fits, parts=transforms.parts),
    "tum": Layout(holds=tum.HOLDS, fits=tum.fits, parts=tum.parts),
    "scannet": Layout(holds=scannet.HOLDS, fits=scannet.fits, parts=scannet.parts),
    "replica": Layout(holds=replica.HOLDS, fits=replica.fits, parts=replica.parts),
    "open3d": Layout(holds=open3d.HOLDS, fits=open3d.fits, parts=open3d.parts),
    "polycam": Layout(holds=polycam.HOLDS, fits=polycam.fits, parts=polycam.parts),
    "stray": Layout(holds=stray.HOLDS, fits=stray.fits, parts=stray.parts),
    "record3d": Layout(holds=record3d.HOLDS, fits=record3d.fits, parts=record3d.parts),
    "rosbag": Layout(holds=bags.HOLDS, fits=bags.fits, parts=bags.parts),
}
"""By the name a scene file gives them."""
UNREAD = (
    ("*.sens", "a ScanNet recording", "Export color, depth, pose and intrinsic with ScanNet's SensReader."),
    ("*.bag", "a folder with a ROS 1 bag in it", "Give the bag itself: rgbd: FILE.bag."),
    ("*.mcap", "a ROS 2 bag without its metadata.yaml", "Give the bag itself: rgbd: FILE.mcap."),
    ("*.db3", "a ROS 2 bag without its metadata.yaml", "Give the bag itself, rgbd: FILE.db3, or run ros2 bag reindex."),
    ("*.r3d", "a folder with Record3D's file in it", "Give the file itself: rgbd: FILE.r3d."),
    (
        "*_Color_*.png",
        "pictures of rs-convert, which have no poses",
        "Give the colour ones as 'photos:', which finds cameras.",
    ),
)
"""What else people bring: a pattern, its name, and what to do."""


def parts_of(inside: Inside, layout: str) -> Parts:
    """What lies in a folder of the layout that is stated, or of the one that fits.

    Raises:
        InputError: There is no such folder, none or several fit, or the stated one doesn't; what was found is named.
    """
    folder = inside.folder
    if not folder.is_dir() and not folder.is_file():
        raise InputError(
            str(folder),
            "missing",
            expected="a folder with a recording, or a recording that is one file",
            next_step="Check the path; it is relative to the scene file.",
        )
    if folder.is_file() and not any(one.fits(folder) for one in LAYOUTS.values()):
        raise InputError(
            str(folder),
            "a file of no recorder that is known",
            expected="Record3D's .r3d, a ROS bag, or a folder with a recording",
            next_step="Unpack it first.",
        )
    if layout != "auto":
        if not LAYOUTS[layout].fits(folder):
            raise InputError(
                str(folder),
                f"not laid out as {layout}: {_found_in(folder)}",
                expected=LAYOUTS[layout].holds,
                likely=_instead(folder),
            )
        return LAYOUTS[layout].parts(inside)
    fitting = [name for name, one in LAYOUTS.items() if one.fits(folder)]
    if len(fitting) > 1:
        raise InputError(
            str(folder),
            f"it may be laid out as {' or '.join(fitting)}: {_found_in(folder)}",
            expected="one layout",
            next_step=f"Set rgbd.layout: {fitting[0]}, or another of these.",
        )
    if not fitting:
        raise _unknown(folder)
    return LAYOUTS[fitting[0]].parts(inside)


def _unknown(folder: Path) -> InputError:
    unread = next((row for row in UNREAD if next(folder.glob(row[0]), None) is not None), None)
    if unread is not None:
        _, name, next_step = unread
        return InputError(str(folder), f"{name}, which isn't read", expected=_all_known(), next_step=next_step)
    return InputError(
        str(folder),
        f"no layout that is known: {_found_in(folder)}",
        expected=_all_known(),
        likely=_instead(folder),
        next_step="Name its folders by rgbd.frames, rgbd.depth and rgbd.cameras.",
    )


def _all_known() -> str:
    return "; ".join(f"{name} ({one.holds})" for name, one in LAYOUTS.items())


def _instead(folder: Path) -> str | None:
    """A layout that does fit, here or in a subfolder."""
    here = [name for name, one in LAYOUTS.items() if one.fits(folder)]
    if here:
        return f"It is laid out as {here[0]}."
    inner = [path for path in _entries(folder) if path.is_dir()] if folder.is_dir() else []
    for path in inner[:LISTED]:
        for name, one in LAYOUTS.items():
            if one.fits(path):
                return f"Its subfolder '{path.name}' is laid out as {name}."
    return None


def _found_in(folder: Path) -> str:
    if folder.is_file():
        return f"it is the file {folder.name}"
    entries = [path.name + "/" * path.is_dir() for path in _entries(folder)]
    if not entries:
        return "it is empty"
    more = f" and {len(entries) - LISTED} more" if len(entries) > LISTED else ""
    return f"it holds {', '.join(entries[:LISTED])}{more}"


def _entries(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    return found[:MOST_ENTRIES]
