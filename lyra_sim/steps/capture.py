"""capture: the user's files → undistorted, posed, checked views."""

from pathlib import Path

from lyra_sim.data.capture import Capture
from lyra_sim.scene.sources import (
    ColmapSource,
    PhotosSource,
    RgbdSource,
    Scale,
    Source,
    SplatsSource,
    SurfaceSource,
    TransformsSource,
    Up,
)
from lyra_sim.scene.spec import CaptureConfig, PosesConfig
from lyra_sim.steps.step import leave_notes, step


def sources(source: Source) -> tuple[Path, ...]:
    """Every file and folder the scene's source names, those a transforms.json names in its turn, and masks beside images."""
    named = tuple(value for name in type(source).model_fields if isinstance(value := getattr(source, name), Path))
    match source:
        case SurfaceSource():
            from lyra_sim.usd.any_mesh import files_beside

            return named + source.files + files_beside(source.files)
        case ColmapSource() | PhotosSource():
            from lyra_sim.capture.masks import FOLDER

            masks = source.images.parent / FOLDER
            return (*named, masks) if masks.is_dir() else named
        case TransformsSource() if source.file.is_file():
            return named + _beside(source.file)
        case RgbdSource() if source.folder is not None:
            from lyra_sim.capture.rgbd_layouts.replica import camera_file

            beside = camera_file(source.folder)
            return named if beside is None or beside.parent == source.folder else (*named, beside)
        case SplatsSource() if source.file.name == "meta.json":
            from lyra_sim.splat_files.sog import files_of

            return named + files_of(source.file)
    return named


@step(version=10, sources=sources)
def capture(
    *,
    source: Source,
    scale: Scale,
    up: Up,
    capture: CaptureConfig,
    poses: PosesConfig,
    name: str,
    seed: int,
    out: Path,
    kept: Path | None = None,
) -> Capture:
    """Read whatever the source is, find its cameras where it brings none, and doubt them.

    Cameras of photos are kept by what they were found from, so that another scale or up doesn't find them again.
    """
    from lyra_sim.capture.frame.stated import Stated

    stated = Stated(scene=name, scale=scale, up=up, assumed_camera_height=capture.assumed_camera_height)
    match source:
        case RgbdSource():
            from lyra_sim.capture.rgbd import capture_rgbd

            captured = capture_rgbd(source, stated, capture, out=out)
        case SurfaceSource():
            from lyra_sim.capture.given_geometry import capture_surface
            from lyra_sim.usd.any_mesh import read_any_mesh

            captured = capture_surface(source, stated, capture, read=read_any_mesh, seed=seed, out=out)
        case SplatsSource():
            from lyra_sim.capture.given_geometry import capture_splats

            captured = capture_splats(source, stated, capture, seed=seed, out=out)
        case _:
            from lyra_sim.capture.photos import capture_photos

            captured = capture_photos(source, stated, capture, poses, seed=seed, out=out, kept=kept)
    captured.save(out)
    leave_notes(out, captured.told)
    return captured


def _beside(transforms: Path) -> tuple[Path, ...]:
    """Where images and masks of a transforms.json are: folders next to it or one up, or files beside it, where they exist."""
    from lyra_sim.capture.cameras.camera_files import image_files_of_transforms
    from lyra_sim.capture.masks import masks_of_transforms

    folder = transforms.absolute().parent
    found = set()
    for file in (*image_files_of_transforms(transforms), *masks_of_transforms(transforms)[0].values()):
        base = folder if file.is_relative_to(folder) else folder.parent
        found.add(base / file.relative_to(base).parts[0])
    return tuple(sorted(path for path in found if path.exists()))
