"""nerfstudio's transforms.json with depth: each frame names its depth, or a folder holds it under the images' stems."""

import os
from pathlib import Path

from lyra_sim.capture.cameras.camera_files import files_and_frames
from lyra_sim.capture.masks import masks_of_transforms
from lyra_sim.capture.rgbd_layouts.depth_files import SUFFIXES
from lyra_sim.capture.rgbd_layouts.folders import Inside
from lyra_sim.capture.rgbd_layouts.recording import Parts
from lyra_sim.data.files import read_json
from lyra_sim.errors import InputError

HOLDS = "transforms.json, images, and depth that its frames name or that lies in depth/"
_FOLDERS = ("depth", "depth_mm", "depths")


def fits(folder: Path) -> bool:
    """Whether a folder is laid out so."""
    return (folder / "transforms.json").is_file()


def has_depth(folder: Path) -> bool:
    """Whether its frames name depth, or a folder of depth lies beside; without, it is a set of posed photos."""
    facts = read_json(folder / "transforms.json")
    frames = facts.get("frames") if isinstance(facts, dict) else None
    named = isinstance(frames, list) and any(isinstance(one, dict) and "depth_file_path" in one for one in frames)
    return named or any((folder / name).is_dir() for name in _FOLDERS)


def parts(inside: Inside) -> Parts:
    """What lies in it.

    Raises:
        InputError: A path leads out of the folder, a file is missing, or no depth is named and none lies there.
    """
    file = inside.folder / "transforms.json"
    files, order = files_and_frames(file)
    colours = tuple(_inside(path, inside.folder, file) for path in files)
    if len(colours) > inside.limits.max_views:
        raise InputError(
            str(file),
            f"{len(colours)} frames",
            expected=f"at most {inside.limits.max_views}",
            next_step="Raise capture.max_views, or thin the sequence.",
        )
    frames = read_json(file)["frames"]
    named = [frames[index]["depth_file_path"] for index in order if "depth_file_path" in frames[index]]
    if named:
        if len(named) < len(colours) or not all(isinstance(name, str) for name in named):
            raise InputError(
                str(file), f"depth_file_path in {len(named)} of {len(colours)} frames", expected="a path in each or in none"
            )
        depths = tuple(_inside(inside.folder / name, inside.folder, file) for name in named)
        odd = next((path for path in depths if path.suffix.lower() not in SUFFIXES), None)
        if odd is not None:
            raise InputError(str(file), f"depth in '{odd.name}'", expected=f"files ending in {', '.join(SUFFIXES)}")
    elif inside.has(*_FOLDERS):
        depths = inside.depths(*_FOLDERS)
    else:
        raise InputError(
            str(file),
            "no depth: no depth_file_path in its frames, and no folder depth/",
            expected="depth of every frame",
            likely="It is a set of photos.",
            next_step="Give it as 'transforms:' instead of 'rgbd:'.",
        )
    masks, said = masks_of_transforms(file)
    return Parts(
        layout="transforms.json with depth",
        colours=colours,
        depths=depths,
        cameras=file,
        depth_unit="auto",
        paired=bool(named),
        masks={image: _inside(mask, inside.folder, file) for image, mask in masks.items()},
        remarks=said,
    )


def _inside(path: Path, folder: Path, subject: Path) -> Path:
    """A file of the folder; what lies elsewhere is refused, as it wouldn't count among the scene's inputs."""
    target = Path(os.path.normpath(path.absolute()))
    if not target.is_relative_to(Path(os.path.normpath(folder.absolute()))):
        raise InputError(
            str(subject),
            f"'{path.name}' lies outside the folder",
            expected="paths inside the folder of the scan",
            next_step="Move it beside the file.",
        )
    if not target.is_file():
        raise InputError(str(subject), f"its file '{path.name}' is missing", expected="every file it names")
    return target
