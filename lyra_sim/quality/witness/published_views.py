"""What a finished package is held against: the capture it was built from, or a true surface as its cameras saw it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lyra_sim.capture.survey.mesh_files import MESH_SUFFIXES, USD_SUFFIXES
from lyra_sim.data.capture import Capture
from lyra_sim.data.files import read_json
from lyra_sim.data.views import Views
from lyra_sim.errors import InputError, LyraSimError
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.quality.witness.calling import Called, witness_of_views
from lyra_sim.quality.witness.given_surface import RAYS, SecondReading, read_again, reading_metric
from lyra_sim.quality.witness.rays import Witness
from lyra_sim.rendering.ray_casting import RayCaster
from lyra_sim.usd.published.reading import Package

CAPTURE = "capture.json"
"""In the folder of a capture step."""
SAME_PLACE_M = 0.001
"""Cameras of one view in package and capture lie nearer to each other than this [m]. Convention."""
REACH_M = 8.0
"""Truth farther from a camera than this may not have been captured [m]: what a depth camera is trusted for. Convention."""


@dataclass(frozen=True, kw_only=True)
class CapturedViews:
    """A capture's views in the world that a package states."""

    views: Views
    cameras: CameraPath
    world_from_input: Similarity

    def z_depth(self, index: int) -> np.ndarray:
        """Depth along the optical axis [m]; NaN where invalid."""
        return self.views.z_depth(index) * np.float32(self.world_from_input.scale)


def call_against(package: Package, against: Sequence[Path], *, seed: int) -> Called:
    """The witness of a package.

    Args:
        package: As it was read back.
        against: Nothing, the folder of a capture step (or of a scene that holds one), or files of a true surface in the
            frame and unit of the scene's input.
        seed: Of rays that are drawn.

    Raises:
        InputError: It is neither, can't be read, or is about another world.
    """
    if not against:
        return Called(witness=None, why="nothing to hold it against was named (--against)")
    folders = [path for path in against if path.is_dir()]
    if folders and len(against) > 1:
        raise InputError(str(folders[0]), "a folder beside other paths", expected="one capture, or files of meshes alone")
    if folders:
        return _by_capture(package, _capture_folder(folders[0]), seed=seed)
    for path in against:
        if path.suffix.lower() not in (*MESH_SUFFIXES, *USD_SUFFIXES):
            raise InputError(
                str(path),
                "neither a folder nor a mesh file" if path.exists() else "no such file or folder",
                expected=f"out/<scene>/steps/01_capture, or a mesh ({', '.join((*MESH_SUFFIXES, *USD_SUFFIXES))})",
            )
    reading = read_again(against).moved(package.world_from_input)
    witness = witness_before_cameras(reading, package.cameras, seed=seed)
    why = "" if len(witness) else "none of it stands before the package's cameras: another place, frame or unit"
    return Called(witness=witness if len(witness) else None, why=why, reading=reading_metric(reading))


def witness_before_cameras(reading: SecondReading, cameras: CameraPath, *, seed: int) -> Witness:
    """Rays through pixels of a package's cameras, against the second reading of a surface, or ours where there is none.

    All round, as given meshes are looked at when they are built from, would ask for what no view has shown.

    Args:
        reading: Its surfaces in the metric world.
        cameras: That the world was built from [m].
        seed: Of the pixels.
    """
    surface = reading.other or reading.own
    caster = RayCaster(surface.vertices, surface.faces)
    rng, each = np.random.default_rng(seed), max(1, RAYS // len(cameras))
    origins, ends = [], []
    for c2w, K in zip(cameras.c2w, cameras.K, strict=True):
        uv = rng.uniform(0, [cameras.width, cameras.height], (each, 2))
        local = np.column_stack([(uv[:, 0] - K[0, 2]) / K[0, 0], (uv[:, 1] - K[1, 2]) / K[1, 1], np.ones(each)])
        directions = local @ c2w[:3, :3].T
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        t = caster.cast(c2w[:3, 3], directions).t.astype(np.float64)
        with np.errstate(invalid="ignore"):
            kept = t <= REACH_M
        origins.append(np.broadcast_to(c2w[:3, 3], (int(kept.sum()), 3)))
        ends.append(c2w[:3, 3] + t[kept, None] * directions[kept])
    found = np.concatenate(ends)
    return Witness(
        kind="own reading" if reading.other is None else "second reading",
        origins=np.concatenate(origins),
        ends=found,
        sigma=np.zeros(len(found)),
        note=reading.why,
    )


def _capture_folder(folder: Path) -> Path:
    """The step's folder, or that of the scene it belongs to."""
    found = [folder] if (folder / CAPTURE).is_file() else sorted((folder / "steps").glob(f"*_capture/{CAPTURE}"))
    if not found:
        raise InputError(
            str(folder), f"no {CAPTURE} in it", expected="the folder of a capture step, as out/<scene>/steps/01_capture"
        )
    return found[0] if found[0].is_dir() else found[0].parent


def _by_capture(package: Package, folder: Path, *, seed: int) -> Called:
    read_json(folder / CAPTURE)  # its own error, before the ones below
    try:
        capture = Capture.load(folder)
    except LyraSimError:
        raise
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise InputError(
            str(folder),
            f"not readable as a capture ({type(error).__name__}: {error})",
            likely="Another version of lyra-sim wrote it, or files of it are gone.",
            next_step="Build the capture step again.",
        ) from error
    cameras = capture.cameras.moved(package.world_from_input)
    _check_same(package, capture, cameras, folder)
    if capture.depth is not None and capture.depth.kind == "given mesh":
        names = ", ".join(capture.given.files) if capture.given is not None else "the mesh"
        raise InputError(
            str(folder),
            "its views look at a given mesh, and none of them was kept apart from the build",
            expected=f"the mesh file itself: --against {names}",
        )
    views = CapturedViews(views=capture.views, cameras=cameras, world_from_input=package.world_from_input)
    try:
        return replace(witness_of_views(capture, views, seed=seed), capture=capture)
    except OSError as error:
        raise InputError(
            str(folder), f"its depth can't be read ({error})", next_step="Build the capture step again."
        ) from error


def _check_same(package: Package, capture: Capture, cameras: CameraPath, folder: Path) -> None:
    """The package's cameras are the capture's, by name and place."""
    rows = {name: row for row, name in enumerate(capture.views.names)}
    shared = [(row, rows[name]) for row, name in enumerate(package.view_names) if name in rows]
    if not shared:
        raise InputError(str(folder), "it has none of the package's views", expected="the capture the package was built from")
    mine, theirs = np.array(shared).T
    apart = np.linalg.norm(package.cameras.centres[mine] - cameras.centres[theirs], axis=1)
    if apart.max() > SAME_PLACE_M:
        worst = int(np.argmax(apart))
        raise InputError(
            str(folder),
            f"view {package.view_names[mine[worst]]} stands {apart[worst]:.3g} m from where the package has it",
            expected="the capture the package was built from, and a manifest.json as it was written",
            likely="The package is of an older build or of another scene, or its manifest.json or cameras.json was edited.",
        )
