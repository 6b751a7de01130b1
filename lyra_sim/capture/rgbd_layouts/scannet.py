"""ScanNet's export (Dai et al. 2017): numbered colour, depth and pose files, as SensReader writes them."""

from pathlib import Path

import numpy as np

from lyra_sim.capture.cameras.intrinsics_files import read_intrinsics
from lyra_sim.capture.rgbd_layouts.folders import Inside
from lyra_sim.capture.rgbd_layouts.recording import Parts

HOLDS = "color/, depth/, pose/, intrinsic/intrinsic_color.txt"


def fits(folder: Path) -> bool:
    """Whether a folder is laid out so."""
    return all((folder / name).is_dir() for name in ("color", "depth", "pose"))


def parts(inside: Inside) -> Parts:
    """What lies in it. Depth has intrinsics of its own where the export has both; both cameras are taken to look from one
    place, as the export says with an identity.
    """
    colours, depths = inside.colours("color"), inside.depths("depth")
    own = inside.folder / "intrinsic" / "intrinsic_color.txt"
    of_depth = own.with_name("intrinsic_depth.txt")
    guessed: tuple[str, ...] = ()
    if own.is_file() and inside.stated_intrinsics is None:
        intrinsics = read_intrinsics(own, size=inside.size(colours[0]))
    else:
        intrinsics, guessed = inside.intrinsics(colours[0])
    depth_K = None
    if of_depth.is_file() and own.is_file():
        depth_K = read_intrinsics(of_depth, size=(1, 1)).K
        depth_K = None if np.allclose(depth_K, intrinsics.K) else depth_K
    return Parts(
        layout="ScanNet export",
        colours=colours,
        depths=depths,
        cameras=inside.folder / "pose",
        intrinsics=intrinsics,
        depth_unit="mm",
        depth_K=depth_K,
        remarks=guessed,
    )
