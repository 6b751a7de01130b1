"""capture: the user's files → undistorted, posed, checked views."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lyra_sim.data.capture import Capture
from lyra_sim.spec import SceneSpec
from lyra_sim.spec_sources import SOURCES
from lyra_sim.steps.step import Step


def run(inputs: Mapping[str, Any], cfg: SceneSpec, *, out: Path) -> Capture:
    if cfg.rgbd is None:
        from lyra_sim.capture.photos import capture_photos

        capture = capture_photos(cfg, out=out)
    else:
        from lyra_sim.capture.rgbd import capture_rgbd

        capture = capture_rgbd(cfg, out=out)
    capture.save(out)
    return capture


def load(folder: Path, inputs: Mapping[str, Any]) -> Capture:
    return Capture.load(folder)


def sources(cfg: SceneSpec) -> tuple[Path, ...]:
    """Every file and folder the scene's source names, and those a transforms.json names in its turn."""
    given = next(source for name in SOURCES if (source := getattr(cfg, name)) is not None)
    named = tuple(value for name in type(given).model_fields if isinstance(value := getattr(given, name), Path))
    if cfg.transforms is None or not cfg.transforms.file.is_file():
        return named
    return named + _beside(cfg.transforms.file)


def _beside(transforms: Path) -> tuple[Path, ...]:
    """Where the images of a transforms.json are: folders next to it or one up, or files beside it, where they exist."""
    from lyra_sim.capture.camera_files import image_files_of_transforms

    folder = transforms.absolute().parent
    found = set()
    for file in image_files_of_transforms(transforms):
        base = folder if file.is_relative_to(folder) else folder.parent
        found.add(base / file.relative_to(base).parts[0])
    return tuple(sorted(path for path in found if path.exists()))


STEP = Step(
    name="capture",
    version=4,
    needs=(),
    reads=(*SOURCES, "scale", "up", "capture", "poses"),
    run=run,
    load=load,
    sources=sources,
)
