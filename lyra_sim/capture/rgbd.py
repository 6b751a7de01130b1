"""Posed RGB-D folders to a Capture: read, undistorted once, checked against their own depth."""

import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from lyra_sim.capture.cameras.camera_files import CameraTable, match_frames, read_cameras
from lyra_sim.capture.frame.provisional_frame import provisional_frame
from lyra_sim.capture.frame.stated import Stated
from lyra_sim.capture.intake.images import COLOUR_SUFFIXES, list_images, open_image, read_colour, read_depth_counts
from lyra_sim.capture.intake.undistort import Undistortion
from lyra_sim.capture.trust.colour_check import check_colour
from lyra_sim.capture.trust.depth_check import check_frames, step_of
from lyra_sim.capture.trust.depth_readings import ray_lengths
from lyra_sim.conventions import METRES_PER_UNIT
from lyra_sim.data.capture import Capture, DepthFacts
from lyra_sim.data.posed import Lens
from lyra_sim.data.views import Views
from lyra_sim.errors import InputError
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.scene.sources import RgbdSource
from lyra_sim.scene.spec import CaptureConfig


def capture_rgbd(source: RgbdSource, stated: Stated, limits: CaptureConfig, *, out: Path) -> Capture:
    """Read posed frames with depth into ``out`` (``rgb/``, ``z_depth/``, ``valid.png``, cameras) and check its frames.

    The capture frame is the input file's own world in its own unit; depth is brought to that unit.

    Raises:
        SpecError: The scene has no such source.
        InputError: A file is missing or broken, an image has no depth or camera, or every view is held out.
        FrameError: Cameras and depth contradict each other.
    """
    colours = list_images(source.frames, suffixes=COLOUR_SUFFIXES, max_count=limits.max_views)
    depths = {path.stem: path for path in list_images(source.depth, suffixes=(".png",), max_count=limits.max_views)}
    lonely = [path.name for path in colours if path.stem not in depths]
    if lonely:
        raise InputError(
            str(source.depth),
            f"no depth for {lonely[0]} and {len(lonely) - 1} more images",
            expected="a PNG of the same stem per image",
        )
    table = read_cameras(source.cameras, intrinsics=source.intrinsics, axes=source.axes, pixel_centres=source.pixel_centres)
    chosen = match_frames(table, [path.stem for path in colours], subject=str(source.cameras))
    cameras = CameraPath(c2w=table.c2w[chosen], K=table.K[chosen], width=table.width, height=table.height)
    world_from_capture, scale, up_source = provisional_frame(source, stated, cameras)
    metres_per_count = METRES_PER_UNIT[source.depth_unit] if isinstance(source.depth_unit, str) else source.depth_unit
    per_count = metres_per_count / scale.metres_per_unit
    reach = (limits.min_depth / metres_per_count, limits.rgbd_max_depth / metres_per_count)
    measured = _write_views(colours, depths, table, cameras, source, limits, reach=reach, out=out)
    suffix = ".png" if table.distortion.any() else colours[0].suffix.lower()
    views = Views(folder=out, names=tuple(path.stem for path in colours), rgb_suffix=suffix, units_per_depth_count=per_count)
    agreement = check_frames(
        cameras,
        views,
        subject=source.cameras.name,
        scene=stated.scene,
        axes=table.axes,
        depth_unit=source.depth_unit,
        depth_kind=source.depth_kind,
    )
    check_colour(list(agreement.same), views, step=step_of(cameras), subject=source.frames.name, scene=stated.scene)
    held_out = tuple(range(0, len(views), limits.hold_out_every)) if limits.hold_out_every else ()
    if len(views) - len(held_out) < 1:
        raise InputError(
            "capture.hold_out_every", f"every one of {len(views)} views is held out", expected="views left to build from"
        )
    return Capture(
        views=views,
        cameras=cameras,
        world_from_capture=world_from_capture,
        scale=scale,
        held_out=held_out,
        frame_agreement=agreement.share if agreement.telling else None,
        up_source=up_source,
        depth=DepthFacts(kind="measured", sigma_relative=0.0, figures={"measured": round(measured, 5)}),
    )


def _write_views(
    colours: list[Path],
    depths: dict[str, Path],
    table: CameraTable,
    cameras: CameraPath,
    source: RgbdSource,
    limits: CaptureConfig,
    *,
    reach: tuple[float, float],
    out: Path,
) -> float:
    """Write every view; the share of pixels with depth, 0..1."""
    (out / "rgb").mkdir(parents=True)
    (out / "z_depth").mkdir()
    suffixes = {path.suffix.lower() for path in colours}
    size = (cameras.height, cameras.width)
    if table.distortion.any() and np.ptp(cameras.K, axis=0).max() > 1e-6:
        raise InputError(
            source.cameras.name,
            "a distorted lens whose intrinsics change from frame to frame",
            expected="one lens for all frames",
            next_step="Undistort the images first.",
        )
    lens = _undistortion(cameras, table) if table.distortion.any() else None
    per_z = ray_lengths(cameras) if source.depth_kind == "ray" else None
    measured = 0
    for path in colours:
        with open_image(path, max_pixels=limits.max_pixels) as image:
            found = (image.height, image.width)
        if found != size:
            raise InputError(
                str(path), f"{found[1]}x{found[0]} pixels", expected=f"{size[1]}x{size[0]} as in {source.cameras.name}"
            )
        rgb = read_colour(path, max_pixels=limits.max_pixels)
        if lens is not None:
            Image.fromarray(lens.colour(rgb)).save(out / "rgb" / f"{path.stem}.png")
        elif len(suffixes) == 1:
            shutil.copyfile(path, out / "rgb" / f"{path.stem}{path.suffix.lower()}")
        else:
            raise InputError(
                str(source.frames), f"images of several kinds ({', '.join(sorted(suffixes))})", expected="one kind"
            )
        counts = read_depth_counts(depths[path.stem], max_pixels=limits.max_pixels)
        if counts.shape != size:
            raise InputError(
                str(depths[path.stem]),
                f"{counts.shape[1]}x{counts.shape[0]} pixels",
                expected=f"{size[1]}x{size[0]}, registered to the colour image",
                next_step="Resample the depth to the colour camera first.",
            )
        counts = lens.depth_counts(counts) if lens is not None else counts.copy()
        if per_z is not None:
            counts = np.round(counts / per_z).astype(np.uint16)
        counts[(counts < reach[0]) | (counts > reach[1])] = 0
        measured += int((counts > 0).sum())
        Image.fromarray(counts).save(out / "z_depth" / f"{path.stem}.png", compress_level=3)
    valid = lens.valid if lens is not None else np.ones(size, bool)
    Image.fromarray(valid.astype(np.uint8) * 255).save(out / "valid.png")
    share = measured / (len(colours) * size[0] * size[1])
    if share < 0.1:
        raise InputError(
            str(source.depth),
            f"{share:.2%} of the pixels lie between {limits.min_depth} and {limits.rgbd_max_depth} m",
            expected="at least 10 %",
            likely=f"The depth isn't in '{source.depth_unit}'.",
            next_step="Set rgbd.depth_unit, or capture.min_depth and capture.max_depth.",
        )
    return share


def _undistortion(cameras: CameraPath, table: CameraTable) -> Undistortion:
    """The pinhole keeps the source's intrinsics, so straight-line geometry needs no new numbers."""
    K = cameras.K[0]
    lens = Lens(K=K, distortion=table.distortion, width=cameras.width, height=cameras.height)
    return Undistortion.onto(K, lens, cameras.width, cameras.height)
