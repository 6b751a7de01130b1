"""manifest.json: what a robotics user needs to know of a package and can't see in USD. No timestamps, no machine's paths."""

import hashlib
from importlib.metadata import version
from pathlib import Path

import numpy as np

from lyra_sim import __version__
from lyra_sim.data.capture import DepthKind
from lyra_sim.data.colliders import LABELS, Colliders
from lyra_sim.data.files import write_json
from lyra_sim.data.mesh import TriMesh
from lyra_sim.data.navigation import Navigation
from lyra_sim.data.video import WalkFacts
from lyra_sim.data.world import MetricWorld
from lyra_sim.usd.mesh_parts import OUTER_SHELL, outer_shell

MANIFEST_VERSION = 1
"""Of manifest.json; raised when a field changes meaning. Convention."""

ONE_PHOTO = "one photo"
"""The source of a world that was guessed: all its geometry is an estimate from one picture."""

_SOURCES: dict[DepthKind, tuple[str, str]] = {
    "measured": ("measured RGB-D frames", "none invented"),
    "plane sweep": ("photos, depth computed from several of them", "blank surfaces continued from planes around them"),
    "given mesh": ("a given triangle mesh", "none invented; what no view could reach is closed"),
    "given splats": ("given Gaussian splats, depth rendered from them", "none invented; what no view could reach is closed"),
    "layout prior": (ONE_PHOTO, "all geometry: a guessed floor-and-box layout, not a measurement"),
    "one photo": (ONE_PHOTO, "all geometry: depth guessed from one photo, not a measurement"),
}
"""What a world's surface rests on, and what of it nobody saw."""


def provenance(world: MetricWorld, drawn: WalkFacts | None) -> dict[str, str]:
    """What the world is made from; the same words stand in the entry layer's customLayerData.

    Args:
        world: Its depth's kind says what the surface rests on.
        drawn: Of the video whose frames were added; None: photos alone.
    """
    source, invented = _SOURCES[world.depth_kind]
    facts = {
        "tool": f"lyra-sim {__version__}",
        "source": source,
        "generator": "none" if drawn is None else drawn.backend,
        "invented": invented if drawn is None else f"{invented}; drawn frames where no photo looked",
        "licence": "not stated; that of the input frames",
    }
    weights = {} if drawn is None else drawn.weights or {}
    return facts | {name: str(value) for name, value in weights.items() if value is not None}


_TOOLS = ("numpy", "usd-core")


def write_manifest(
    folder: Path,
    *,
    name: str,
    world: MetricWorld,
    mesh: TriMesh,
    colliders: Colliders,
    navigation: Navigation,
    drawn: WalkFacts | None = None,
) -> None:
    """Write ``folder/manifest.json`` about the package in ``folder``; call it last, because it lists every file's digest.

    ``floor`` is the main floor, z = floor[0] + floor[1] x + floor[2] y [m]; ``probes`` are where things are dropped, with the
    room [m] around each. ``seen_share_of_area`` is over the surface that borders on the room; the outside of the walls doesn't
    count.

    Args:
        folder: Of the package.
        name: Of the scene.
        world: Where scale and gravity come from.
        mesh: Closed surface.
        colliders: Hulls, and a label a face.
        navigation: Map, poses and routes.
        drawn: Facts of the video whose frames were added; None: photos alone.
    """
    inside = ~outer_shell(mesh)
    areas = mesh.face_areas().astype(np.float64) * inside
    label = np.where(mesh.face_seen, colliders.face_labels, LABELS.index("unseen"))
    faces_by_label: dict[str, int] = {name: int((inside & (label == index)).sum()) for index, name in enumerate(LABELS)}
    faces_by_label[OUTER_SHELL] = int((~inside).sum())
    write_json(
        folder / "manifest.json",
        {
            "manifest_version": MANIFEST_VERSION,
            "name": name,
            "frame": {"up": "z", "metres_per_unit": 1.0, "handedness": "right", "floor_z": 0.0},
            "provenance": provenance(world, drawn),
            "tools": {"lyra-sim": __version__} | {tool: version(tool) for tool in _TOOLS},
            "scale": world.scale.to_json(),
            "world_from_input": world.world_from_input.matrix.tolist(),
            "robot_radius": navigation.robot_radius,
            "robot_band": list(navigation.band),
            "floor": navigation.floor.tolist(),
            "reachable_area": navigation.reachable_area,
            "spawns": [{"x": x, "y": y, "yaw": yaw} for x, y, yaw in navigation.spawns.tolist()],
            "routes": [
                {"name": route.name, "length": route.length, "waypoints": route.waypoints.tolist()}
                for route in navigation.routes
            ],
            "probes": [
                {"x": x, "y": y, "floor_z": z, "room": room}
                for x, y, z, room in np.column_stack([navigation.probes, navigation.probe_room]).tolist()
            ],
            "splat_count": len(world.splats),
            "mesh": {
                "face_count": len(mesh.faces),
                "faces_by_label": faces_by_label,
                "seen_share_of_area": round(float(areas[mesh.face_seen].sum() / areas.sum()), 6),
            },
            "hulls": {
                "hull_count": len(colliders.hulls),
                "hulls_by_label": {label: len(colliders.by_label(label)) for label in LABELS},
            },
            "openings": [opening.to_json() for opening in colliders.openings],
            "files": {
                file.relative_to(folder).as_posix(): {"bytes": file.stat().st_size, "sha256": _sha256(file)}
                for file in sorted(folder.rglob("*"))
                if file.is_file() and file.name != "manifest.json"
            },
        },
    )


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
