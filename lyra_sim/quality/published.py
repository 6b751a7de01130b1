"""A package measured anew: what lies in its folder now, whatever was written about it before.

What needs the records of a build (scale, depth, looks) isn't measured again. What a robot feels is: the stage's rules, the
physics gate, what follows from map and routes, hulls against map and measured surface, and against a witness if one is named.
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
from lyra_sim.data.colliders import Colliders, Collision, Hull
from lyra_sim.data.files import read_json
from lyra_sim.data.navigation import Navigation
from lyra_sim.data.occupancy import OCCUPIED, OccupancyMap
from lyra_sim.data.report import METRICS, Metric, Report
from lyra_sim.errors import InputError
from lyra_sim.navigation.again import found_again
from lyra_sim.navigation.occupancy import FloorGrid, blocked, main_band, supported
from lyra_sim.physics.gate import run_gates
from lyra_sim.quality.assessment import stage_metrics
from lyra_sim.quality.figures.limits import limit_of
from lyra_sim.quality.figures.metrics import measured, not_measured
from lyra_sim.quality.guessed import without_navigation
from lyra_sim.quality.navigation import navigation_metrics
from lyra_sim.quality.physics import gate_metrics
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
        *witness_of_package(package, navigation, called),
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
