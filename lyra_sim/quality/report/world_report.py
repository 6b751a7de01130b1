"""The report of one world: which pictures it shows, in which order, and what is said about them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from lyra_sim.data.capture import Capture
from lyra_sim.data.colliders import Colliders
from lyra_sim.data.navigation import Navigation
from lyra_sim.data.report import Report
from lyra_sim.data.solid import Solid
from lyra_sim.data.video import WorldVideo
from lyra_sim.data.world import MetricWorld
from lyra_sim.navigation.reachable import reachable
from lyra_sim.physics.result import GateResult
from lyra_sim.quality.agreement import Looks, Shown
from lyra_sim.quality.depth import MATCH_M
from lyra_sim.quality.report import pictures
from lyra_sim.quality.report.agreement import agreement_section
from lyra_sim.quality.report.generated import walk_section
from lyra_sim.quality.report.page import Figure, Section, image, page, swatches
from lyra_sim.quality.report.photos import photos_section
from lyra_sim.quality.report.physics import physics_section
from lyra_sim.quality.report.plan_svg import PlanSvg
from lyra_sim.quality.report.reading import reading_section
from lyra_sim.rendering.mesh_view import SECTION_RGB, MeshScene

CUT_ABOVE_FLOOR_M = 1.6
"""Plans are cut here at the highest: above tables and most cupboards, below lintels and lamps. Convention."""
CUT_SHARE = 0.6
"""… and at this share of the height of known free space, where that is lower. Convention."""
PLAN_MARKS = 220
"""A probe's mark is this part of the plan's longer side in radius: to be seen in a hall as in a closet. Convention."""
VIEW_PX = 480
"""Longer side of a view [px]. Convention."""
PLAN_PX = 1100
"""Longer side of a plan [px]. Convention."""
GUESSED_PLAN = " <b>The room is guessed from one photo: map and routes show the guess, and no figure goes by them.</b>"
"""Said over the plans of such a world. Convention."""
HEADLINE = (
    "poses.registered",
    "scale.sigma_relative",
    "mesh.watertight",
    "mesh.seen_share",
    "depth.held_out.median",
    "depth.input.median",
    "depth.estimated.median",
    "truth.f_score_5cm",
    "collision.coverage",
    "agreement.splat.phantom",
    "agreement.splat.ghost",
    "truth.map.navigable_iou",
    "navigation.reachable_area",
    "physics.physx.routes_driven",
    "physics.newton.routes_driven",
    "usd.errors",
)
_PACKAGES = ("lyra-sim", "numpy", "open3d-cpu", "open3d", "manifold3d", "coacd", "usd-core", "ovphysx", "newton", "mujoco")


@dataclass(frozen=True, kw_only=True)
class DrivenPath:
    """Where a robot really went."""

    engine: str
    route: str
    xy: Float64[np.ndarray, "n 2"]
    """World positions [m]."""
    reached: bool


@dataclass(frozen=True, kw_only=True)
class DroppedProbe:
    """A ball or box that was let fall in one engine."""

    engine: str
    xy: Float64[np.ndarray, "2"]
    """Where it was dropped [m]."""
    fell: bool
    """It went through the floor or left the world."""


@dataclass(frozen=True, kw_only=True)
class World:
    """What a report shows."""

    capture: Capture
    video: WorldVideo
    metric: MetricWorld
    """With every view of the capture."""
    solid: Solid
    colliders: Colliders
    navigation: Navigation
    drives: tuple[DrivenPath, ...]
    probes: tuple[DroppedProbe, ...]
    views: tuple[int, ...]
    """Indices of the capture views shown."""
    gates: Mapping[str, GateResult] = field(default_factory=dict)
    """What each engine found."""
    looks: Mapping[Shown, Looks] | None = None
    """What a robot sees and would hit; None where there was no place to look from."""


def driven_paths(gates: Mapping[str, GateResult]) -> tuple[DrivenPath, ...]:
    """Every engine's way along every route."""
    return tuple(
        DrivenPath(
            engine=engine, route=route.name, xy=np.array(route.trajectory, np.float64).reshape(-1, 2), reached=route.arrived
        )
        for engine, gate in gates.items()
        for route in gate.routes
    )


def dropped_probes(gates: Mapping[str, GateResult]) -> tuple[DroppedProbe, ...]:
    """Every engine's probes; fallen ones last, so that nothing hides them."""
    probes = [
        DroppedProbe(engine=engine, xy=np.array([probe.x, probe.y]), fell=probe.fell)
        for engine, gate in gates.items()
        for probe in gate.probes
    ]
    return tuple(sorted(probes, key=lambda probe: probe.fell))


def write_report(path: Path, report: Report, world: World, *, seed: int) -> None:
    """One self-contained HTML file; no dates, durations or machine names, so that equal worlds give equal bytes."""
    mesh = world.solid.mesh
    scene = MeshScene(mesh.vertices, mesh.faces, mesh.colors, world.solid.texture)
    asked = (
        reading_section(world.capture.accounts, world.capture.told_of_views),
        photos_section(world.capture, world.views, width=VIEW_PX),
        walk_section(world.video, world.capture.depth, width=VIEW_PX),
    )
    sections = [
        _views_section(world, scene),
        *(section for section in asked if section is not None),
        _plans_section(world, scene),
        _solids_section(world, scene),
    ]
    low, high = _bounds(world)
    felt = physics_section(world.gates, world.navigation, pictures.png_uri(_map_over(world, low, high)), low=low, high=high)
    if felt is not None:
        sections.append(felt)
    seen_and_hit = agreement_section(
        world.looks,
        world.colliders.hulls,
        world.solid,
        world.metric.splats,
        scene,
        _map_over(world, low, high),
        low=low,
        high=high,
    )
    if seen_and_hit is not None:
        sections.append(seen_and_hit)
    text = page(report, headline=HEADLINE, sections=sections, provenance=_provenance(world.metric, seed))
    path.write_text(text, encoding="utf-8")


def _views_section(world: World, scene: MeshScene) -> Section:
    figures = []
    for index in world.views:
        view = pictures.view_pictures(world.metric, scene, index, width=VIEW_PX)
        shown = {"photo": view.photo, "splats": view.splats, "mesh": view.mesh, "depth error": view.depth_error}
        strip = "".join(image(pictures.jpeg_uri(pixels), alt=f"{name}, view {view.name}") for name, pixels in shown.items())
        figures.append(Figure(html=f'<div class="strip">{strip}</div>', caption=f"View {view.name}", wide=True))
    ramp = ", ".join(f"rgb{color}" for color in pictures.ERROR_RGB)
    text = (
        "From left to right: the input photo, the splats, the mesh, and where mesh and the view's depth disagree: "
        f'0<span class="ramp" style="background:linear-gradient(90deg, {ramp})"></span>{100 * MATCH_M:g} cm and more; '
        "grey has no depth. Flat grey on the mesh is surface nobody saw."
    )
    return Section(title="What the cameras saw", text=text, figures=tuple(figures))


def _plans_section(world: World, scene: MeshScene) -> Section:
    low, high = _bounds(world)
    cut_z = _cut_height(world)
    plan = scene.top_down(low=low, high=high, metres_per_pixel=_metres_per_pixel(low, high), cut_z=cut_z)
    walked = PlanSvg(pictures.jpeg_uri(plan, quality=85), low=low, high=high)
    walked.line(world.metric.cameras.centres[:, :2], style="path", title="camera path")
    mark = float((high - low).max()) / PLAN_MARKS
    for probe in world.probes:
        what = f"{probe.engine}: {'fell' if probe.fell else 'rests'}"
        walked.dot(probe.xy, radius=2 * mark if probe.fell else mark, style="fell" if probe.fell else "probe", title=what)
    navigation = world.navigation
    driven = PlanSvg(pictures.png_uri(_map_over(world, low, high)), low=low, high=high)
    for route in navigation.routes:
        driven.line(route.waypoints, style="route", title=f"{route.name}: planned {route.length:.2f} m")
        driven.dot(route.waypoints[0], radius=0.12, style="start", title=f"start of {route.name}")
    for drive in world.drives:
        outcome = "reached the goal" if drive.reached else "did not reach the goal"
        driven.line(drive.xy, style=drive.engine, title=f"{drive.engine}, {drive.route}: {outcome}")
    for x, y, yaw in navigation.spawns[:1]:
        driven.heading(np.array([x, y]), yaw=yaw, radius=navigation.robot_radius, style="spawn")
    fallen = sum(probe.fell for probe in world.probes)
    probe_keys = [("probe at rest", (47, 158, 68)), ("probe that fell", (224, 49, 49)), ("cut matter", SECTION_RGB)]
    lines = [("planned, from the dot", (27, 95, 180)), ("driven, PhysX", (47, 158, 68)), ("driven, Newton", (214, 51, 108))]
    areas = [("reachable", pictures.REACHABLE_RGB), ("unknown", pictures.UNKNOWN_RGB), ("occupied", pictures.OCCUPIED_RGB)]
    drops = f"{len(world.probes)} drops over free cells, {fallen} fell. Blue line: camera path."
    area = f"{navigation.reachable_area:.1f} m² reachable at {navigation.robot_radius:g} m radius"
    spawn = "Circle with a stroke: the best spawn pose, the robot's size, and where it looks." if len(navigation.spawns) else ""
    return Section(
        title="From above",
        text=f"The mesh cut {cut_z:.2f} m above the floor; the map with the routes. Marks tell their names on hover."
        + (GUESSED_PLAN if world.capture.depth is not None and world.capture.depth.guessed else ""),
        figures=(
            Figure(html=walked.html(label="mesh from above with drop tests"), caption=f"{swatches(probe_keys)}<br>{drops}"),
            Figure(
                html=driven.html(label="occupancy map with planned and driven routes"),
                caption=f"{swatches([*areas, *lines])}<br>{area}, {len(navigation.routes)} routes. {spawn}",
            ),
        ),
    )


def _solids_section(world: World, scene: MeshScene) -> Section:
    low, high = _bounds(world)
    cut_z = _cut_height(world)
    hulls = tuple(hull for hull in world.colliders.hulls if hull.label != "ceiling")
    labels = [(str(label), pictures.LABEL_RGB[label]) for label in pictures.used_labels(hulls)]
    keys = swatches([*labels, ("cut open", SECTION_RGB)])
    figures = [
        Figure(
            html=image(
                pictures.jpeg_uri(scene.cutaway(azimuth=-2.1, elevation=0.95, width=PLAN_PX, cut_z=cut_z)),
                alt="mesh",
            ),
            caption="The mesh without what lies above the cut.",
        )
    ]
    if hulls:
        solids = pictures.hull_scene(hulls)
        oblique = solids.cutaway(azimuth=-2.1, elevation=0.95, width=PLAN_PX, cut_z=cut_z)
        flat = solids.top_down(low=low, high=high, metres_per_pixel=_metres_per_pixel(low, high), cut_z=cut_z)
        figures += [
            Figure(
                html=image(pictures.jpeg_uri(oblique), alt="colliders, oblique"),
                caption=f"{keys}<br>{len(hulls)} hulls, ceiling left out.",
            ),
            Figure(
                html=PlanSvg(pictures.png_uri(flat), low=low, high=high).html(label="colliders from above"),
                caption=f"{keys}<br>Colliders from above.",
                wide=True,
            ),
        ]
    return Section(title="Surface and colliders", text="What is seen and what physics feels.", figures=tuple(figures))


def _bounds(world: World) -> tuple[np.ndarray, np.ndarray]:
    """The rectangle every plan shows: the mesh with a margin [m]."""
    vertices = world.solid.mesh.vertices[:, :2].astype(np.float64)
    return vertices.min(0) - 0.2, vertices.max(0) + 0.2


def _cut_height(world: World) -> float:
    """Where plans are cut [m]: below what nobody saw, or a world with no ceiling would show only its lid."""
    grid = world.solid.free_space
    levels = np.flatnonzero(grid.free.any(axis=(0, 1)))
    if len(levels) == 0:
        return CUT_ABOVE_FLOOR_M
    top = float(grid.origin[2] + (levels[-1] + 1) * grid.voxel_size)
    return min(CUT_ABOVE_FLOOR_M, CUT_SHARE * top)


def _metres_per_pixel(low: np.ndarray, high: np.ndarray) -> float:
    return float((high - low).max()) / PLAN_PX


def _map_over(world: World, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The map resampled to the plan's rectangle, unknown outside it."""
    occupancy = world.navigation.occupancy
    inside, _ = reachable(occupancy, world.navigation.robot_radius, world.metric.cameras.centres)
    step = occupancy.resolution / 2
    x, y = np.arange(low[0] + step / 2, high[0], step), np.arange(high[1] - step / 2, low[1], -step)
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    return pictures.map_colors(occupancy, inside, points).reshape(len(y), len(x), 3)


def _provenance(world: MetricWorld, seed: int) -> Sequence[tuple[str, str]]:
    scale = world.scale
    rows = [
        ("scale", f"{scale.metres_per_unit:.6g} m per input unit, 1σ {100 * scale.sigma_relative:.3g} %, from: {scale.source}"),
        ("gravity", _gravity(world)),
        ("world_from_input", "\n".join("  ".join(f"{value: .6f}" for value in row) for row in world.world_from_input.matrix)),
        *((name.replace("_", " "), _plain(value)) for name, value in sorted(asdict(world.evidence).items())),
        ("views", f"{len(world.cameras)} of {world.cameras.width} × {world.cameras.height} px"),
        ("splats", f"{len(world.splats):,}"),
        ("seed", str(seed)),
        ("versions", ", ".join(f"{name} {found}" for name in _PACKAGES if (found := _version(name)))),
    ]
    return rows


def _gravity(world: MetricWorld) -> str:
    if world.gravity is None:
        return "nothing was weighed"
    used = [piece.source for piece in world.gravity.evidence if piece.used]
    left = [piece.source for piece in world.gravity.evidence if not piece.used]
    return f"1σ {world.gravity.sigma_deg:.2g}°, from: {' + '.join(used)}" + (f"; left out: {', '.join(left)}" if left else "")


def _plain(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
