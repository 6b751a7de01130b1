"""Replica as NICE-SLAM renders it (Zhu et al. 2022): results/ with colour and depth, traj.txt, cam_params.json."""

from pathlib import Path

from lyra_sim.capture.cameras.camera_readers import GivenIntrinsics
from lyra_sim.capture.rgbd_layouts.folders import Inside
from lyra_sim.capture.rgbd_layouts.recording import Parts
from lyra_sim.data.files import read_json
from lyra_sim.errors import InputError

HOLDS = "results/frame*.jpg, results/depth*.png, traj.txt"
COUNTS_PER_METRE = 6553.5
"""Of depth, where ``cam_params.json`` doesn't say: 10 m fill 16 bits. Convention."""
CAMERA = "cam_params.json"
"""In the folder, or one up, where all rooms of the data set share it."""


def fits(folder: Path) -> bool:
    """Whether a folder is laid out so."""
    return (folder / "results").is_dir() and (folder / "traj.txt").is_file()


def camera_file(folder: Path) -> Path | None:
    """The camera of a room."""
    return next((path for path in (folder / CAMERA, folder.absolute().parent / CAMERA) if path.is_file()), None)


def parts(inside: Inside) -> Parts:
    """What lies in it.

    Raises:
        InputError: ``cam_params.json`` has another scale than a number above 0, or there is none and no other intrinsics.
    """
    colours, depths = inside.colours("results", word="frame"), inside.depths("results", word="depth")
    camera = camera_file(inside.folder)
    scale = COUNTS_PER_METRE if camera is None else _scale(camera)
    intrinsics: GivenIntrinsics = camera
    remarks: tuple[str, ...] = ()
    if camera is None or inside.stated_intrinsics is not None:
        intrinsics, remarks = inside.intrinsics(colours[0])
    said = f"a depth count read as 1/{scale:g} m" + (f", from {CAMERA}" if camera else ", as Replica's are: no cam_params.json")
    return Parts(
        layout="Replica",
        colours=colours,
        depths=depths,
        cameras=inside.folder / "traj.txt",
        intrinsics=intrinsics,
        depth_unit=1 / scale,
        unit_said=said,
        remarks=remarks,
    )


def _scale(camera: Path) -> float:
    facts = read_json(camera)
    try:
        scale = float(facts.get("camera", facts).get("scale", COUNTS_PER_METRE))
    except (AttributeError, TypeError, ValueError) as error:
        raise InputError(str(camera), f"malformed scale ({error})", expected="depth counts a metre") from error
    if not 1 <= scale <= 1e6:
        raise InputError(str(camera), f"scale {scale:g}", expected="depth counts a metre, 1 to a million")
    return scale
