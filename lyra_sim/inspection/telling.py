"""What a file or folder is, by its content first, asked of those who read it; names decide only where content can't."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from lyra_sim.capture.cameras.colmap_folder import model_suffix
from lyra_sim.capture.intake.photo_file import kind_of as photo_kind
from lyra_sim.capture.intake.photo_folder import claims_to_be_photo
from lyra_sim.capture.intake.video_containers import CONTAINERS, container_of
from lyra_sim.capture.rgbd_layouts import transforms as transforms_layout
from lyra_sim.capture.rgbd_layouts.known import LAYOUTS, LISTED, UNREAD
from lyra_sim.capture.survey.file_kinds import kind_of
from lyra_sim.capture.survey.mesh_companions import files_named_by
from lyra_sim.capture.survey.mesh_files import BLENDER_STEPS, KINDS, MESH_SUFFIXES, USD_SUFFIXES, check_file
from lyra_sim.data.files import read_json
from lyra_sim.errors import InputError
from lyra_sim.splat_files.kinds import recognised
from lyra_sim.splat_files.sog_files import META

EXPECTED = "a mesh, splats, frames with depth, photos, a video, a COLMAP model or a transforms.json"
MOST_ENTRIES = 20_000
"""Of a folder that is looked at: a build takes 5,000 photos unless it is told otherwise. Convention."""
MOST_JSON = 256 << 20
"""Bytes of a JSON file that is looked into. Convention."""
_IMAGE_FOLDERS = ("images", "rgb", "input", "photos", "images_2", "images_4", "images_8")
"""Where the photos of a COLMAP model lie, beside it or above; the first that exists counts."""
_TEXT = (".json", ".txt", ".csv", ".log", ".npz", ".yaml", ".yml", ".obj", ".mtl", ".xml", ".md", ".html")
"""Names that binary splats never bear: ``.splat`` has no mark of its own and is told by its numbers."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """One thing that a path may be read as."""

    what: str
    """With its article."""
    source: dict[str, Any]
    """The key of a scene that reads it, with its fields; paths as the user gave them."""
    formats: tuple[str, ...]
    """Rows of :mod:`lyra_sim.inspection.formats`."""
    also: tuple[str, ...] = field(default=())
    """What else lies there."""


def tell(path: Path) -> Told:
    """What a path is.

    Raises:
        InputError: It is missing, can't be looked at, is empty, or is nothing that is read; what was found is named.
    """
    found = list(islice(_of_folder(path) if _is_folder(path) else _of_file(path), LISTED))
    if not found:
        raise _nothing(path)
    first, *rest = found
    return Told(what=first.what, source=first.source, formats=first.formats, also=tuple(one.what for one in rest))


def _is_folder(path: Path) -> bool:
    """By the file system's own word: readers take a link in a circle, or what isn't theirs to see, for a missing file."""
    if not str(path).isprintable():
        step = "Rename it, or give a link to it by a plain name."
        raise InputError(repr(str(path)), "a name that isn't plain text", expected=EXPECTED, next_step=step)
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError) as error:
        if _is_link(path):
            raise InputError(
                str(path),
                "a link that leads nowhere, or in a circle",
                expected=EXPECTED,
                next_step="Give what it was meant to lead to.",
            ) from error
        found = "missing" if isinstance(error, FileNotFoundError) else f"it can't be looked at ({_reason(error)})"
        raise InputError(str(path), found, expected=EXPECTED, next_step="Check the path.") from error
    if stat.S_ISDIR(mode):
        return True
    if not stat.S_ISREG(mode):
        raise InputError(str(path), "neither a file nor a folder", expected=EXPECTED)
    if os.stat(path).st_size == 0:
        raise InputError(str(path), "an empty file", expected=EXPECTED, likely="It was only partly copied.")
    return False


def _is_link(path: Path) -> bool:
    try:
        return path.is_symlink()
    except (OSError, ValueError):
        return False


def _of_file(path: Path) -> Iterator[Told]:
    for name, layout in LAYOUTS.items():
        if layout.fits(path):
            yield _recording(path, name)
    photo = photo_kind(path)
    if photo is not None:
        yield Told(what=f"one photo ({photo})", source={"photos": {"images": str(path)}}, formats=(f"photos.{photo}",))
        return
    container = container_of(path)
    if container is not None:
        what = f"a video ({CONTAINERS[container]})"
        yield Told(what=what, source={"video": {"file": str(path)}}, formats=(f"video.{container}",))
        return
    if path.suffix.lower() in (".json", ".gltf") and not _is_gltf(path):
        yield from _of_json(path)
        return
    mesh = _mesh_format(path)
    splats = None if mesh not in (None, "PLY") or path.suffix.lower() in _TEXT else _splat_kind(path)
    if splats is not None:
        yield Told(what=_with_article(splats), source={"splats": {"file": str(path)}}, formats=(f"splats.{splats}",))
    elif mesh is not None:
        world = path.parent / "manifest.json"
        published = _named_world(world) if mesh == "USD" and world.is_file() else None
        what = published or _described(path, mesh)
        yield Told(what=what, source={"surface": {"files": [str(path)]}}, formats=(f"mesh.{mesh}",))


def _of_folder(path: Path) -> Iterator[Told]:
    entries = _entries(path)
    names = {entry.name for entry in entries}
    for world in (path, path / "world"):
        if (world / "manifest.json").is_file() and (world / "world.usda").is_file():
            published = _named_world(world / "manifest.json")
            if published is not None:
                yield Told(what=published, source={"surface": {"files": [str(world / "world.usda")]}}, formats=("mesh.USD",))
                return
    if META in names and (splats := _splat_kind(path)) is not None:
        yield Told(what="splats, SOG in parts", source={"splats": {"file": str(path)}}, formats=(f"splats.{splats}",))
    yield from _of_colmap(path)
    for name, layout in LAYOUTS.items():
        if layout.fits(path) and not (name == "transforms" and not transforms_layout.has_depth(path)):
            yield _recording(path, name)
    for entry in entries:
        if entry.suffix == ".json" and entry.name.startswith("transforms") and entry.is_file():
            yield from (told for told in _of_json(entry) if "transforms" in told.source)
    yield from _loose(path, [entry for entry in entries if not entry.name.startswith(".") and entry.is_file()])


def _loose(folder: Path, files: list[Path]) -> Iterator[Told]:
    """Files that are sources of their own: meshes and splats by their names, photos that aren't their textures, videos."""
    shaped = [file for file in files if file.suffix.lower() in (*KINDS, ".spz", ".sog", ".splat")]
    textures = {named.resolve() for file in shaped[:LISTED] for named in files_named_by(file)}
    photos = [file for file in files if claims_to_be_photo(file) and file.resolve() not in textures]
    if len(photos) > 1 or (photos and not shaped):
        kinds = sorted({kind for file in photos[:LISTED] if file.stat().st_size and (kind := photo_kind(file)) is not None})
        formats = tuple(f"photos.{kind}" for kind in kinds)
        counted = f"a folder of {len(photos)} photos" if len(photos) > 1 else "a folder with one photo"
        yield Told(what=counted, source={"photos": {"images": str(folder)}}, formats=formats)
    videos = [
        file for file in files if file.suffix.lower() in (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".insv", ".360")
    ]
    alone = [*shaped, *videos]
    if len(alone) > 1 and len(photos) < 2:
        listed = ", ".join(file.name for file in alone[:LISTED])
        more = f" and {len(alone) - LISTED} more" if len(alone) > LISTED else ""
        raise InputError(
            str(folder),
            f"{len(alone)} files that are each a source: {listed}{more}",
            expected="one of them",
            next_step="Give one; or name several meshes of one frame in a scene file, mesh: [a.glb, b.glb].",
        )
    for file in alone[:LISTED]:
        if file.stat().st_size:
            for told in _of_file(file):
                yield Told(what=f"{told.what} in it, {file.name}", source=told.source, formats=told.formats)


def _of_colmap(path: Path) -> Iterator[Told]:
    for model in (path, path / "sparse" / "0", path / "sparse", path / "colmap" / "sparse" / "0"):
        if (suffix := model_suffix(model)) is None:
            continue
        above = [model, *model.absolute().parents[:3]]
        images = next((place / name for place in above for name in _IMAGE_FOLDERS if (place / name).is_dir()), None)
        shown = os.path.relpath(images) if images is not None and not path.is_absolute() else str(images or "images/")
        source = {"colmap": {"model": str(model), "images": shown}}
        row = "posed.colmap" if (model / f"frames{suffix}").is_file() else "posed.colmap, before 4"
        yield Told(what=f"a COLMAP model ({suffix})", source=source, formats=(row,))
        return


def _of_json(path: Path) -> Iterator[Told]:
    if path.stat().st_size > MOST_JSON:
        raise InputError(str(path), f"{path.stat().st_size / 1e6:.0f} MB of JSON", expected=EXPECTED)
    facts = read_json(path)
    if path.name == META and isinstance(facts, dict) and "means" in facts:
        yield Told(what="splats, SOG in parts", source={"splats": {"file": str(path)}}, formats=("splats.SOG",))
    elif isinstance(facts, dict) and isinstance(facts.get("frames"), list):
        if path.name == "transforms.json" and transforms_layout.has_depth(path.parent):
            yield _recording(path.parent, "transforms")
        else:
            what = f"photos posed by a {path.name}"
            yield Told(what=what, source={"transforms": {"file": str(path)}}, formats=("posed.transforms",))


def _recording(path: Path, layout: str) -> Told:
    """The layout is named only where another one fits as well, which a build refuses to choose between."""
    fitting = [name for name, one in LAYOUTS.items() if one.fits(path)]
    source = {"folder": str(path)} | ({"layout": layout} if len(fitting) > 1 else {})
    return Told(what=f"frames with depth, laid out as '{layout}'", source={"rgbd": source}, formats=(f"rgbd.{layout}",))


def _mesh_format(path: Path) -> str | None:
    """glTF, OBJ, PLY or USD: by the first bytes, or the name where they tell nothing."""
    kind = kind_of(path)
    if kind is not None:
        zipped_usd = kind.name == "zip archive" and path.suffix.lower() == ".usdz"
        told = {"glTF": "glTF", "glTF text": "glTF", "PLY": "PLY", "USD": "USD", "USD text": "USD"}.get(kind.name)
        return "USD" if zipped_usd else told
    if path.suffix.lower() in USD_SUFFIXES:
        return "USD"
    return {".glb": "glTF", ".gltf": "glTF", ".obj": "OBJ", ".ply": "PLY"}.get(path.suffix.lower())


def _splat_kind(path: Path) -> str | None:
    try:
        return recognised(path)[0]
    except InputError:
        return None


def _is_gltf(path: Path) -> bool:
    with path.open("rb") as stream:
        return path.suffix.lower() == ".gltf" or stream.read(4) == b"glTF"


def _described(path: Path, mesh: str) -> str:
    kind = kind_of(path)
    return kind.described if kind is not None and kind.name != "zip archive" else f"a mesh ({mesh})"


def _with_article(splats: str) -> str:
    return f"splats ({splats})"


def _named_world(manifest: Path) -> str | None:
    """What a manifest of ours says it is of; None for anybody else's."""
    try:
        facts = read_json(manifest) if manifest.stat().st_size <= MOST_JSON else None
    except InputError:
        return None
    if not isinstance(facts, dict) or not {"manifest_version", "name", "provenance", "world_from_input"} <= set(facts):
        return None
    return f"a world that lyra-sim published, '{facts['name']}'"


def _entries(folder: Path) -> list[Path]:
    """What lies in a folder, by name.

    Raises:
        InputError: It is empty, can't be listed, or holds more than is looked at.
    """
    try:
        with os.scandir(folder) as listing:
            found = [entry.name for entry in islice(listing, MOST_ENTRIES + 1)]
    except OSError as error:
        raise InputError(str(folder), f"it can't be listed ({_reason(error)})", expected=EXPECTED) from error
    if not found:
        raise InputError(str(folder), "an empty folder", expected=EXPECTED)
    if len(found) > MOST_ENTRIES:
        raise InputError(str(folder), f"more than {MOST_ENTRIES} entries", expected=EXPECTED, next_step="Give a part of it.")
    return [folder / name for name in sorted(found)]


def _nothing(path: Path) -> InputError:
    """What it is, where that is known, and where to look instead."""
    if path.is_dir():
        return _nothing_in(path)
    for pattern, name, step in UNREAD:
        if path.match(pattern):
            return InputError(str(path), f"{name}, which isn't read", expected=EXPECTED, next_step=step)
    if path.suffix.lower() in (".yaml", ".yml"):
        step = f"lyra-sim build {path} --dry-run says what it would do."
        return InputError(str(path), "YAML, perhaps a scene file", expected=EXPECTED, next_step=step)
    if path.suffix.lower() in (".log", ".txt", ".csv", ".npz", ".bin"):
        return InputError(
            str(path),
            "no source of its own: cameras or a table, by its name",
            expected=EXPECTED,
            next_step=f"Give the folder it belongs to: lyra-sim inspect {path.parent}",
        )
    kind = kind_of(path)
    if kind is not None:
        return InputError(str(path), f"{kind.described}, which isn't read", expected=EXPECTED, next_step=kind.next_step)
    try:
        if path.suffix.lower() in BLENDER_STEPS:
            check_file(path, (*MESH_SUFFIXES, *USD_SUFFIXES), expected=EXPECTED)
        recognised(path)
    except InputError as error:
        return InputError(str(path), error.found, expected=EXPECTED, likely=error.likely, next_step=error.next_step)
    return InputError(str(path), "nothing that is known", expected=EXPECTED)


def _nothing_in(folder: Path) -> InputError:
    unread = next((row for row in UNREAD if next(folder.glob(row[0]), None) is not None), None)
    if unread is not None:
        return InputError(str(folder), f"{unread[1]}, which isn't read", expected=EXPECTED, next_step=unread[2])
    entries = [entry for entry in _entries(folder) if not entry.name.startswith(".")]
    listed = ", ".join(entry.name + "/" * entry.is_dir() for entry in entries[:LISTED])
    more = f" and {len(entries) - LISTED} more" if len(entries) > LISTED else ""
    likely = step = None
    for inner in [entry for entry in entries if entry.is_dir()][:LISTED]:
        told = next(_quiet(inner), None)
        if told is not None:
            likely, step = f"Its subfolder '{inner.name}' is {told.what}.", f"lyra-sim inspect {inner}"
            break
    return InputError(
        str(folder), f"nothing that is known: it holds {listed}{more}", expected=EXPECTED, likely=likely, next_step=step
    )


def _quiet(folder: Path) -> Iterator[Told]:
    try:
        yield from _of_folder(folder)
    except (InputError, OSError):
        return


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
