"""Do the hulls hold what was measured, and leave free what was free?"""

import numpy as np
from jaxtyping import Float64

from lyra_sim.collision.convex.containment import HullSet
from lyra_sim.collision.measured.gaps import REACH, largest_gap
from lyra_sim.collision.measured.hull_figures import air_in_hulls, coverage, hull_figures, path_recall
from lyra_sim.data.colliders import ColliderFacts, Colliders
from lyra_sim.data.report import Metric
from lyra_sim.data.solid import Solid
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.quality.figures.metrics import measured, not_measured

SAMPLE_AREA_M2 = 0.0025
"""One surface sample per 5 cm square. Convention."""


def collision_metrics(colliders: Colliders, solid: Solid, cameras: CameraPath, floor: Float64[np.ndarray, "3"]) -> list[Metric]:
    """Coverage of the observed surface, air taken away, the cameras' way kept free, and what the hulls cost.

    Both tolerances are one voxel: nothing finer is known about where the surface lies. ``floor`` is the main
    floor, z = floor[0] + floor[1] x + floor[2] y [m].
    """
    hulls = HullSet.of(colliders.hulls)
    voxel = solid.free_space.voxel_size
    seen_area = float(solid.mesh.face_areas()[solid.mesh.face_seen].sum())
    covered = coverage(hulls, solid.mesh, tolerance=voxel, area=SAMPLE_AREA_M2)
    gap = largest_gap(hulls, solid.mesh, floor, tolerance=voxel, area=SAMPLE_AREA_M2)
    air = air_in_hulls(hulls, solid.free_space)
    figures = hull_figures(colliders.hulls)
    free = int(solid.free_space.free.sum())
    way = path_recall(hulls, cameras.centres, radius=voxel)
    return [
        measured("collision.coverage", covered, n=int(seen_area / SAMPLE_AREA_M2), note=f"within {voxel:g} m of a hull"),
        measured(
            "collision.largest_gap",
            0.0 if gap is None else gap.area,
            n=int(seen_area / SAMPLE_AREA_M2),
            note=f"below {REACH:g} m"
            if gap is None
            else f"around ({', '.join(f'{value:.2f}' for value in gap.middle)}) m, below {REACH:g} m",
        ),
        measured(
            "collision.free_volume_blocked", air.share_of_free, n=free, note=f"{air.volume:.3g} m³, deepest {air.deepest:.3g} m"
        ),
        measured("collision.hulls_in_air", air.share_of_hulls, n=free),
        measured("collision.path_recall", way, n=len(cameras), note=f"camera path, balls of {voxel:g} m"),
        measured("collision.hulls", figures.count, n=max(figures.count, 1)),
        measured("collision.max_vertices", figures.max_vertices, n=max(figures.count, 1)),
        measured("collision.max_faces", figures.max_faces, n=max(figures.count, 1)),
        *shortcut_metrics(colliders.facts),
    ]


def shortcut_metrics(facts: ColliderFacts | None) -> list[Metric]:
    """What the making of the colliders left out or did another way; ``not-measured`` where it kept no record of that."""
    if facts is None:
        units = {"frontier_fenced": "share", "components_dropped": "1", "coacd_fallbacks": "1"}
        return [not_measured(f"collision.{name}", unit, "the colliders tell nothing of it") for name, unit in units.items()]
    frontier, clutter = facts.frontier, facts.clutter
    stretches = frontier.frontier_stretches
    edge = f"of {frontier.frontier_length:g} m, {frontier.fences} plates" if stretches else "no open edge"
    found, lumps, fallbacks = clutter.components, clutter.coacd_lumps, clutter.coacd_fallbacks
    return [
        measured("collision.frontier_fenced", frontier.frontier_fenced, n=max(stretches, 1), note=edge),
        measured(
            "collision.components_dropped",
            clutter.components_over_budget,
            n=max(found, 1),
            note=f"parts of {found} components",
        ),
        measured(
            "collision.coacd_fallbacks", len(fallbacks), n=max(lumps, 1), note="; ".join([f"of {lumps} lumps", *fallbacks[:3]])
        ),
    ]
