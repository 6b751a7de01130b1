"""Where a package is, its manifest, and which of its files aren't as they were when it was written."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pxr import Sdf, Tf, UsdUtils

from lyra_sim.data.files import read_json
from lyra_sim.errors import InputError
from lyra_sim.store.digests import file_digest
from lyra_sim.usd.manifest import MANIFEST_VERSION

ENTRY = "world.usda"
MANIFEST = "manifest.json"
LAYERS = (".usda", ".usdc", ".usd")


@dataclass(frozen=True, kw_only=True)
class Place:
    """A package's folder, and what it says of itself."""

    folder: Path
    manifest: dict[str, Any]
    changed: tuple[str, ...]
    """Files that differ from what the manifest lists, each with how: ``payload/geometry.usdc was changed``."""

    @property
    def stage(self) -> Path:
        """The entry layer."""
        return self.folder / ENTRY


def find_package(path: Path) -> Place:
    """The package that ``path`` is, holds or belongs to.

    Args:
        path: The package's folder, the folder of its scene (with ``world/`` in it), or ``world.usda``.

    Raises:
        InputError: There is no package of ours.
    """
    folder = _folder(path)
    missing = next((name for name in (ENTRY, MANIFEST) if not (folder / name).is_file()), None)
    if missing is not None:
        raise InputError(
            str(folder),
            f"no {missing} in it",
            expected=f"a package that lyra-sim built: {ENTRY}, {MANIFEST}, payload/ and occupancy_map/",
            next_step="Name out/<scene> or out/<scene>/world; any other stage is for lyra-sim validate.",
        )
    manifest = read_json(folder / MANIFEST)
    version = manifest.get("manifest_version") if isinstance(manifest, dict) else None
    if version != MANIFEST_VERSION:
        raise InputError(
            str(folder / MANIFEST),
            "no manifest_version" if version is None else f"manifest_version {version}",
            expected=str(MANIFEST_VERSION),
            likely="Another tool or another version of lyra-sim wrote it.",
        )
    return Place(folder=folder, manifest=manifest, changed=_changed(folder, manifest))


def check_layers(place: Place) -> None:
    """Every layer that the stage names opens.

    Raises:
        InputError: One is missing or torn.
    """
    lost = _lost_layer(place)
    if lost is not None:
        raise InputError(
            str(place.stage),
            f"the layer {lost} isn't there or can't be read",
            expected="all layers that it names",
            likely="; ".join(place.changed[:4]) + "." if place.changed else "It was copied without them.",
            next_step="Copy the whole folder, or build the author step again.",
        )


def _folder(path: Path) -> Path:
    if path.is_file():
        return path.parent
    if not path.is_dir():
        raise InputError(str(path), "no such file or folder", expected="a package, as out/<scene>/world")
    return path / "world" if not (path / ENTRY).exists() and (path / "world").is_dir() else path


def _lost_layer(place: Place) -> str | None:
    """The first layer that the stage names and that can't be opened."""
    for file in sorted(file for file in place.folder.rglob("*") if file.suffix in LAYERS):
        try:
            layer = Sdf.Layer.FindOrOpen(str(file))
        except Tf.ErrorException:
            layer = None
        if layer is None:
            return file.relative_to(place.folder).as_posix()
    _, _, unresolved = UsdUtils.ComputeAllDependencies(str(place.stage))
    return next((str(asset) for asset in sorted(unresolved) if str(asset).endswith(LAYERS)), None)


def _changed(folder: Path, manifest: dict[str, Any]) -> tuple[str, ...]:
    """Against the digests that the manifest lists; itself it can't vouch for."""
    listed = manifest.get("files")
    if not isinstance(listed, dict):
        raise InputError(str(folder / MANIFEST), "it lists no files", expected="files, with the digest of each")
    present = {
        file.relative_to(folder).as_posix(): file
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.relative_to(folder).as_posix() != MANIFEST
    }
    told = []
    for name in sorted(listed.keys() | present.keys()):
        if name not in present:
            told.append(f"{name} is missing")
        elif name not in listed:
            told.append(f"{name} was added")
        elif not isinstance(listed[name], dict) or listed[name].get("sha256") != file_digest(present[name]):
            told.append(f"{name} was changed")
    return tuple(told)
