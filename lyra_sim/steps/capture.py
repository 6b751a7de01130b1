"""capture: the user's files → undistorted, posed, checked views."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lyra_sim.data.capture import Capture
from lyra_sim.data.files import read_json
from lyra_sim.scene.sources import SOURCES
from lyra_sim.scene.spec import SceneSpec
from lyra_sim.steps.step import Step

NAMED = 5
"""Photos that a note lists before it counts the rest."""


def run(inputs: Mapping[str, Any], cfg: SceneSpec, *, out: Path) -> Capture:
    if cfg.surface is not None:
        from lyra_sim.capture.given_geometry import capture_surface
        from lyra_sim.usd.given_mesh import read_usd_mesh

        capture = capture_surface(cfg, read_usd=read_usd_mesh, out=out)
    elif cfg.splats is not None:
        from lyra_sim.capture.given_geometry import capture_splats

        capture = capture_splats(cfg, out=out)
    elif cfg.rgbd is None:
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
    if cfg.surface is not None:
        return named + cfg.surface.files + _named_by(cfg.surface.files)
    if cfg.transforms is None or not cfg.transforms.file.is_file():
        return named
    return named + _beside(cfg.transforms.file)


def _named_by(meshes: tuple[Path, ...]) -> tuple[Path, ...]:
    """Files that meshes name in their turn and that exist: materials, images and buffers, layers of USD."""
    from lyra_sim.capture.survey.mesh_companions import files_named_by
    from lyra_sim.capture.survey.mesh_files import USD_SUFFIXES

    found: set[Path] = set()
    for mesh in meshes:
        if mesh.suffix.lower() not in USD_SUFFIXES:
            found |= set(files_named_by(mesh))
        elif mesh.is_file():
            from lyra_sim.usd.given_mesh import files_of_usd

            found |= set(files_of_usd(mesh))
    return tuple(sorted(found - set(meshes)))


def _beside(transforms: Path) -> tuple[Path, ...]:
    """Where the images of a transforms.json are: folders next to it or one up, or files beside it, where they exist."""
    from lyra_sim.capture.cameras.camera_files import image_files_of_transforms

    folder = transforms.absolute().parent
    found = set()
    for file in image_files_of_transforms(transforms):
        base = folder if file.is_relative_to(folder) else folder.parent
        found.add(base / file.relative_to(base).parts[0])
    return tuple(sorted(path for path in found if path.exists()))


def notes(folder: Path) -> tuple[str, ...]:
    """Photos that were left out or read otherwise than stated, and depth that nothing could check."""
    facts = read_json(folder / "capture.json")
    poses, said = facts["poses"], []
    left = [f"{name} ({why})" for key in ("dropped", "skipped") for name, why in poses.get(key, [])]
    more = poses.get("not_in_model", 0)
    if left or more:
        count = len(facts["names"])
        beside = f"; {more} more lie in the folder and aren't in the model" if more else ""
        shown = f"; left out: {', '.join(left[:NAMED])}" + (f" and {len(left) - NAMED} more" if len(left) > NAMED else "")
        said.append(f"{count} of {count + len(left) + more} photos are used" + (shown if left else "") + beside)
    if stored := poses.get("read_as_stored", []):
        said.append(
            f"{len(stored)} photos were stored turned, and their cameras mean the pixels as stored: read so, EXIF not applied "
            f"({', '.join(stored[:NAMED])}" + (f" and {len(stored) - NAMED} more)" if len(stored) > NAMED else ")")
        )
    measured = facts["depth"] is not None and facts["depth"]["kind"] == "measured"
    if measured and facts["frame_agreement"] is None and len(facts["names"]) > 1:
        said.append(
            "no two views lie far enough apart to tell whether depth, cameras and colour fit together: nothing was proven"
        )
    return tuple(said)


STEP = Step(
    name="capture",
    version=6,
    needs=(),
    reads=(*SOURCES, "scale", "up", "capture", "poses"),
    run=run,
    load=load,
    sources=sources,
    notes=notes,
)
