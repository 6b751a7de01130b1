"""A package measured anew: what lies in its folder now, whatever was written about it before.

What needs the records of a build (scale, depth, the voxels that were seen to be free) isn't measured again. What a robot feels
and sees is: the stage's rules, the physics gate, what follows from map and routes, hulls against map and measured surface,
splats and mesh against hulls, hulls against a witness and splats against photos where a capture is named.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool
from scipy import ndimage

from lyra_sim.collision.convex.containment import HullSet
from lyra_sim.collision.measured.gaps import largest_gap
from lyra_sim.collision.measured.hull_figures import coverage, hull_figures, path_recall
from lyra_sim.data.capture import Capture
from lyra_sim.data.colliders import Colliders, Collision, Hull
from lyra_sim.data.files import read_json
from lyra_sim.data.grid import FREE, SOLID, FreeSpace
from lyra_sim.data.mesh import TriMesh
from lyra_sim.data.navigation import Navigation
from lyra_sim.data.occupancy import OCCUPIED, OccupancyMap
from lyra_sim.data.report import METRICS, Metric, Report
from lyra_sim.data.splats import Splats
from lyra_sim.data.views import Views
from lyra_sim.errors import InputError
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.navigation.again import found_again
from lyra_sim.navigation.occupancy import FloorGrid, blocked, main_band, supported
from lyra_sim.physics.gate import run_gates
from lyra_sim.quality.agreement import POSES, agreement_metrics, look_around
from lyra_sim.quality.assessment import JUDGED_VIEWS, stage_metrics
from lyra_sim.quality.depth import judged_views
from lyra_sim.quality.figures.limits import LIMITS, limit_of
from lyra_sim.quality.figures.metrics import measured, not_measured
from lyra_sim.quality.guessed import without_navigation
from lyra_sim.quality.image import image_metrics
from lyra_sim.quality.navigation import navigation_metrics
from lyra_sim.quality.physics import gate_metrics
from lyra_sim.quality.viewpoints import robot_viewpoints
from lyra_sim.quality.witness.calling import Called
from lyra_sim.quality.witness.judgement import judge, witness_metrics
from lyra_sim.quality.witness.published_views import call_against
from lyra_sim.store.digests import folder_digest
from lyra_sim.usd.published.place import Place, find_package
from lyra_sim.usd.published.reading import Package, read_package
from lyra_sim.usd.rules.issues import READER
from lyra_sim.usd.rules.validate import validate_stage

SEED = 7
"""Of what is dropped, shot and drawn; that of scene files which state none. Convention."""
GATE_LIMIT_S = 900.0
"""Wall-clock time after which an engine is given up [s]; it never shortens an experiment. Convention."""
TOLERANCE_M = 0.05
"""Between measured surface and hull [m]: a package doesn't tell the voxel it was built with. Convention."""
SAMPLE_AREA_M2 = 0.0025
"""One surface sample per 5 cm square. Convention."""
HEADROOM_M = 1.5
"""Over the highest floor that is probed: a camera, and air around it [m]. Derived."""
PICTURED = ("psnr", "ssim", "covered")
NAMED = 4
"""Files or colliders that a note names. Convention."""


@dataclass(frozen=True, kw_only=True)
class Assessed:
    """A package and what it is worth now."""

    place: Place
    report: Report
    since: str
    """How it differs from what was measured before; empty where it doesn't, or nothing is known of that."""


def assess_package(path: Path, *, against: Sequence[Path], engines: Sequence[str], out: Path) -> Assessed:
    """Measure the package at ``path``; a bad one is a figure, not an error.

    Args:
        path: Its folder, that of its scene, or its ``world.usda``.
        against: What to hold it against (:func:`lyra_sim.quality.witness.published_views.call_against`); empty: no witness.
        engines: That simulate it.
        out: Folder for ``gate_<engine>.json``.

    Raises:
        InputError: It is no package, is damaged beyond reading, or ``against`` can't be used for it.
    """
    place = find_package(path)
    digest = folder_digest(place.folder)
    issues = validate_stage(place.stage)  # first, for it opens the stage in a process of its own
    lost = next((issue for issue in issues if issue.tool == READER), None)
    if lost is not None and lost.rule != "open":
        raise InputError(str(place.stage), lost.message, likely="; ".join(place.changed[:NAMED]) or None)
    package = read_package(place)
    called = call_against(package, against, seed=SEED)
    band = main_band(package.navigation)
    navigation = found_again(package.navigation, package.hulls, band)
    gates = run_gates(place.stage, navigation, engines=engines, out=out, seed=SEED, limit_s=GATE_LIMIT_S)
    metrics: tuple[Metric, ...] = (
        *package_metrics(package, navigation),
        *pictures_of_package(package, called.capture),
        *witness_of_package(package, navigation, called),
        *agreement_of_package(package, navigation),
        *navigation_metrics(navigation),
        *gate_metrics(gates, robot_radius=navigation.robot_radius),
        *stage_metrics(issues),
    )
    if package.guessed and called.witness is None:
        metrics = tuple(without_navigation(metrics))
    report = Report(scene=package.name, metrics=metrics, world=digest)
    return Assessed(place=place, report=report, since=since_measured(place, digest))


def since_measured(place: Place, digest: str) -> str:
    """What the ``metrics.json`` beside a package was measured on, if that isn't what lies there now."""
    told = "; ".join(place.changed[:NAMED]) + (" …" if len(place.changed) > NAMED else "")
    beside = place.folder.parent / METRICS
    world = read_json(beside).get("world", "") if beside.is_file() else ""
    if world and world != digest:
        return "the package was changed since it was measured" + (f": {told}" if told else ": manifest.json was changed")
    return f"the package was changed since it was written: {told}" if told else ""


def witness_of_package(package: Package, navigation: Navigation, called: Called) -> list[Metric]:
    """The hulls against their witness, from where the package's cameras stood."""
    found = None
    if called.witness is not None:
        colliders = Colliders(hulls=package.hulls, face_labels=np.zeros(0, np.uint8), facts=None)
        found = judge(called.witness, Collision(colliders=colliders, navigation=navigation), package.cameras.centres)
    return [*witness_metrics(found, why=called.why), *([called.reading] if called.reading else [])]


@dataclass(frozen=True, kw_only=True)
class _Pictures:
    """Photos of a capture, where the package has their cameras, and its splats."""

    splats: Splats
    views: Views
    cameras: CameraPath


def pictures_of_package(package: Package, capture: Capture | None) -> list[Metric]:
    """Its splats against the capture's photos, from the package's own cameras: the held-out ones where there are any.

    What a build masks out of photos (sky, what moved) lies with its depth and isn't known here: it counts.
    """
    if capture is None or package.splats is None:
        why = "no splats in the package" if package.splats is None else "no photos were named (--against its capture)"
        return [not_measured(f"image.input.{name}", limit_of(f"image.input.{name}").unit, why) for name in PICTURED]
    held_out = package.held_out
    rows = {name: row for row, name in enumerate(capture.views.names)}
    names, cameras = (package.view_names, package.cameras) if held_out is None else (held_out.names, held_out.cameras)
    shared = [(index, rows[name]) for index, name in enumerate(names) if name in rows]
    if not shared:
        why = "none of the package's views is in the capture"
        return [not_measured(f"image.input.{name}", limit_of(f"image.input.{name}").unit, why) for name in PICTURED]
    mine, theirs = np.array(shared).T
    same_size = cameras.select(mine).resized(capture.cameras.width, capture.cameras.height)
    pictures = _Pictures(splats=package.splats, views=capture.views.select([int(row) for row in theirs]), cameras=same_size)
    every = tuple(range(len(mine)))
    judged = judged_views(len(mine), held_out=() if held_out is None else every, at_most=JUDGED_VIEWS)
    return image_metrics(pictures, judged, given=capture.given is not None)


@dataclass(frozen=True, kw_only=True)
class _Shown:
    """The package's mesh."""

    mesh: TriMesh


def agreement_of_package(package: Package, navigation: Navigation) -> list[Metric]:
    """What a robot sees and would hit, from places in the air between hulls: which air was measured a package doesn't tell."""
    names = [name for name in LIMITS if name.startswith("agreement.")]
    if package.splats is None or package.visual is None:
        what = "splats" if package.splats is None else "visual mesh"
        return [not_measured(name, limit_of(name).unit, f"no {what} in the package") for name in names]
    cameras = robot_viewpoints(navigation, _air(package, navigation), package.cameras.centres, count=POSES, seed=SEED)
    if cameras is None:
        return agreement_metrics(None)
    return agreement_metrics(look_around(cameras, package.hulls, _Shown(mesh=package.visual), package.splats))


def _air(package: Package, navigation: Navigation) -> FreeSpace:
    """Voxels over the map with no hull in them, from the floor to above any camera: the rest counts as solid."""
    occupancy, voxel = navigation.occupancy, 2 * TOLERANCE_M
    low = np.array([*occupancy.origin, float(np.min(navigation.probes[:, 2], initial=0.0))])
    high = float(np.max(navigation.probes[:, 2], initial=0.0)) + HEADROOM_M
    size = np.array([*(np.array(occupancy.cells.shape) * occupancy.resolution), high - low[2]])
    air = FreeSpace(states=np.full(np.ceil(size / voxel).astype(int), FREE, np.uint8), origin=low, voxel_size=voxel)
    cells = np.argwhere(air.free)
    air.states[tuple(cells[HullSet.of(package.hulls).contains(air.centres(cells), margin=0.0)].T)] = SOLID
    return air


def package_metrics(package: Package, navigation: Navigation) -> list[Metric]:
    """What was changed, hulls against the map and against the measured surface."""
    changed, unread = package.place.changed, package.unread
    return [
        measured("package.files_changed", len(changed), n=1, note="; ".join(changed[:NAMED])),
        measured("package.colliders_unread", len(unread), n=1, note=", ".join(unread[:NAMED])),
        *map_metrics(package.hulls, navigation),
        *_hull_metrics(package, navigation),
    ]


def map_metrics(hulls: Sequence[Hull], navigation: Navigation) -> list[Metric]:
    """Cells in which map and hulls contradict each other, drawn as the map was."""
    occupancy, band = navigation.occupancy, main_band(navigation)
    grid = FloorGrid(origin=occupancy.origin, shape=occupancy.cells.shape, resolution=occupancy.resolution)
    measured_hulls = [hull for hull in hulls if hull.label != "unseen"]
    free, occupied = occupancy.free, occupancy.cells == OCCUPIED
    return [
        _area("package.map_blocked", free & blocked(list(hulls), grid, band), free, occupancy),
        _area("package.map_bare", occupied & ~blocked(measured_hulls, grid, band), occupied, occupancy),
        _area("package.map_without_floor", free & ~supported(list(hulls), grid, band), free, occupancy),
    ]


def _area(name: str, wrong: Bool[np.ndarray, "nx ny"], asked: Bool[np.ndarray, "nx ny"], occupancy: OccupancyMap) -> Metric:
    """Area of the cells that are wrong, and where the largest piece of them lies."""
    note = ""
    if wrong.any():
        pieces, _ = ndimage.label(wrong, np.ones((3, 3)))
        largest = 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
        x, y = occupancy.centres(np.argwhere(pieces == largest)).mean(axis=0)
        note = f"around {x:.2f}, {y:.2f} m"
    return measured(name, float(wrong.sum()) * occupancy.resolution**2, n=int(asked.sum()), note=note)


def _hull_metrics(package: Package, navigation: Navigation) -> list[Metric]:
    """The figures of a build's hulls that need no voxels."""
    hulls, figures = HullSet.of(package.hulls), hull_figures(package.hulls)
    way = path_recall(hulls, package.cameras.centres, radius=TOLERANCE_M)
    counted = max(figures.count, 1)
    return [
        *_surface_metrics(package, hulls, navigation),
        measured("collision.path_recall", way, n=len(package.cameras), note=f"camera path, balls of {TOLERANCE_M:g} m"),
        measured("collision.hulls", figures.count, n=counted),
        measured("collision.max_vertices", figures.max_vertices, n=counted),
    ]


def _surface_metrics(package: Package, hulls: HullSet, navigation: Navigation) -> list[Metric]:
    """Measured surface without a hull."""
    names, surface = ("collision.coverage", "collision.largest_gap"), package.surface
    if surface is None:
        return [not_measured(name, limit_of(name).unit, "no measured surface in the visual mesh") for name in names]
    samples = int(surface.face_areas().sum() / SAMPLE_AREA_M2)
    covered = coverage(hulls, surface, tolerance=TOLERANCE_M, area=SAMPLE_AREA_M2)
    gap = largest_gap(hulls, surface, navigation.floor, tolerance=TOLERANCE_M, area=SAMPLE_AREA_M2)
    where = "" if gap is None else f"around ({', '.join(f'{value:.2f}' for value in gap.middle)}) m"
    return [
        measured(names[0], covered, n=samples, note=f"within {TOLERANCE_M:g} m of a hull"),
        measured(names[1], 0.0 if gap is None else gap.area, n=samples, note=where),
    ]
