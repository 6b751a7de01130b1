"""Packages with one fault each: edits of their files, which validation or physics has to see."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image
from pxr import Gf, Sdf, Usd, UsdGeom, UsdPhysics
from scipy.spatial.transform import Rotation

from lyra_sim.data.navigation import Navigation
from tests.broken_worlds.good import DOOR, box_hull
from tests.usd.breaks import (
    COEFFICIENTS,
    GAUSSIANS,
    GEOMETRY,
    HULLS,
    SPLAT,
    WORLD,
    clear,
    first_row,
    flattened,
    on_attribute,
    on_stage,
    reverse_faces,
    set_value,
    shifted_map,
)

FLOOR_TILES = tuple(f"{HULLS}/floor_{index:03d}" for index in range(8))


@dataclass(frozen=True, kw_only=True)
class PackageFault:
    """A package that validation must refuse."""

    name: str
    what: str
    rule: str
    message: str
    """Part of what the rule says."""
    edit: Callable[[Path], object]


@dataclass(frozen=True, kw_only=True)
class PhysicsFault:
    """A package that nothing but simulating it would find out for sure."""

    name: str
    what: str
    metric: str
    """``*``: in every engine."""
    message: str
    """Part of the figure's note; empty where the number tells all."""
    edit: Callable[[Path], object] = lambda package: None
    plan: Callable[[Navigation], Navigation] = lambda navigation: navigation
    """The map, probes and routes that were made for the package."""


def without(*paths: str) -> Callable[[Path], None]:
    return on_stage(GEOMETRY, lambda stage: [stage.RemovePrim(path) for path in paths])


def added_box(name: str, low: list[float], high: list[float]) -> Callable[[Path], None]:
    """A hull that nothing in the mesh stands for."""

    def change(stage: Usd.Stage) -> None:
        layer, path = stage.GetRootLayer(), f"{HULLS}/{name}"
        Sdf.CopySpec(layer, f"{HULLS}/clutter_007", layer, path)
        hull = box_hull(name, "clutter", low, high)
        mesh = UsdGeom.Mesh.Get(stage, path)
        mesh.GetPointsAttr().Set([Gf.Vec3f(*corner) for corner in hull.vertices.tolist()])
        mesh.GetFaceVertexCountsAttr().Set([3] * len(hull.faces))
        mesh.GetFaceVertexIndicesAttr().Set(hull.faces.ravel().tolist())
        mesh.GetExtentAttr().Set([Gf.Vec3f(*low), Gf.Vec3f(*high)])

    return on_stage(GEOMETRY, change)


def each_floor(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    edits = [on_attribute(GEOMETRY, f"{tile}.points", change) for tile in FLOOR_TILES]
    return lambda package: [edit(package) for edit in edits]  # type: ignore[return-value]


def tilted(points: np.ndarray) -> np.ndarray:
    """Three degrees about the flat's middle."""
    middle = np.array([3.5, 2.0, 0.0])
    return (Rotation.from_euler("y", 3, degrees=True).apply(points - middle) + middle).astype(np.float32)


def triangle_floor(stage: Usd.Stage) -> None:
    for tile in FLOOR_TILES:
        stage.GetAttributeAtPath(f"{tile}.physics:approximation").Set(UsdPhysics.Tokens.none)


def every_hull(change: Callable[[Usd.Stage, str], None]) -> Callable[[Path], None]:
    def edit(stage: Usd.Stage) -> None:
        for prim in stage.GetPrimAtPath(HULLS).GetChildren():
            if prim.IsA(UsdGeom.Mesh):
                change(stage, str(prim.GetPath()))

    return on_stage(GEOMETRY, edit)


def mirrored_map(package: Path) -> None:
    """The image upside down: rows counted from the wrong end."""
    file = package / "occupancy_map" / "map.png"
    pixels = np.asarray(Image.open(file)).copy()
    Image.fromarray(np.ascontiguousarray(pixels[::-1])).save(file)


def spawn_in_wall(package: Path) -> None:
    file = package / "manifest.json"
    facts = json.loads(file.read_text())
    facts["spawns"][0].update(x=4.06, y=0.7)
    file.write_text(json.dumps(facts))


def route_through_wall(package: Path) -> None:
    file = package / "manifest.json"
    facts = json.loads(file.read_text())
    facts["routes"][0]["waypoints"] = [[3.0, 1.0], [5.0, 1.0]]
    file.write_text(json.dumps(facts))


def scaled(factor: float) -> Callable[[Path], None]:
    """Everything grown on the stage, its metadata unchanged."""
    return on_stage(WORLD, lambda stage: UsdGeom.Xform.Get(stage, "/World").AddScaleOp().Set(Gf.Vec3f(factor)))


def shifted(navigation: Navigation) -> Navigation:
    occupancy = navigation.occupancy
    return replace(navigation, occupancy=replace(occupancy, origin=occupancy.origin + np.array([0.5, 0.0])))


PACKAGE_FAULTS = (
    PackageFault(
        name="y_up",
        what="`upAxis` is Y though z is up",
        rule="NE.001",
        message="upAxis",
        edit=on_stage(WORLD, lambda s: UsdGeom.SetStageUpAxis(s, "Y")),
    ),
    PackageFault(
        name="centimetres",
        what="`metersPerUnit` is 0.01 though lengths are metres",
        rule="NE.002",
        message="metersPerUnit",
        edit=on_stage(WORLD, lambda s: UsdGeom.SetStageMetersPerUnit(s, 0.01)),
    ),
    PackageFault(
        name="grown_a_hundredfold",
        what="lengths are centimetres though `metersPerUnit` is 1",
        rule="NE.407",
        message="of the occupied cells have no hull",
        edit=scaled(100.0),
    ),
    PackageFault(
        name="no_physics_scene",
        what="the PhysicsScene is missing",
        rule="NE.005",
        message="0 PhysicsScene",
        edit=on_stage(WORLD, lambda s: s.RemovePrim("/physicsScene")),
    ),
    PackageFault(
        name="inside_out",
        what="every hull wound inward",
        rule="NE.105",
        message="wound inward",
        edit=every_hull(lambda stage, path: reverse_faces(path)(stage)),
    ),
    PackageFault(
        name="tilted_floor",
        what="the floor hulls tilted by 3°",
        rule="NE.109",
        message="no level collider surface at z = 0",
        edit=each_floor(tilted),
    ),
    PackageFault(
        name="thin_floor",
        what="the floor hulls 2 cm thick",
        rule="NE.108",
        message="a floor 2.0 cm thick",
        edit=each_floor(flattened(0.02)),
    ),
    PackageFault(
        name="no_friction",
        what="the physics material isn't bound",
        rule="NE.110",
        message="no physics material is bound",
        edit=on_stage(
            WORLD,
            lambda s: (
                s.GetPrimAtPath("/World/Environment/Collision").GetRelationship("material:binding:physics").ClearTargets(True)
            ),
        ),
    ),
    PackageFault(
        name="ice",
        what="dynamic friction of 0.01",
        rule="NE.110",
        message="dynamic 0.01",
        edit=set_value(WORLD, "/World/PhysicsMaterials/ground.physics:dynamicFriction", 0.01),
    ),
    PackageFault(
        name="triangle_floor",
        what="the floor is a triangle collider",
        rule="NE.112",
        message="the floor is a triangle collider",
        edit=on_stage(GEOMETRY, triangle_floor),
    ),
    PackageFault(
        name="nan_splat",
        what="a splat's position is NaN",
        rule="NE.302",
        message="is not finite",
        edit=on_attribute(SPLAT, f"{GAUSSIANS}.positions", first_row(np.nan)),
    ),
    PackageFault(
        name="short_splats",
        what="harmonics of one splat too few",
        rule="NE.301",
        message="SH coefficients, expected",
        edit=on_attribute(SPLAT, f"{GAUSSIANS}.{COEFFICIENTS}", lambda rows: rows[1:]),
    ),
    PackageFault(
        name="lost_payload",
        what="the geometry layer is missing",
        rule="NE.401",
        message="geometry.usdc",
        edit=lambda package: (package / GEOMETRY).unlink(),
    ),
    PackageFault(
        name="lost_texture",
        what="the texture is missing",
        rule="NE.401",
        message="texture.png",
        edit=lambda package: (package / "payload" / "texture.png").unlink(),
    ),
    PackageFault(
        name="no_map",
        what="the occupancy map is missing",
        rule="NE.403",
        message="no readable occupancy map",
        edit=lambda package: shutil.rmtree(package / "occupancy_map"),
    ),
    PackageFault(
        name="spawn_in_wall",
        what="a spawn pose inside a wall",
        rule="NE.405",
        message="1 of 8 spawn poses aren't on free cells",
        edit=spawn_in_wall,
    ),
    PackageFault(
        name="shifted_map",
        what="the map shifted by half a metre",
        rule="NE.407",
        message="inside a hull",
        edit=shifted_map,
    ),
    PackageFault(
        name="mirrored_map",
        what="the map's rows in the wrong order",
        rule="NE.407",
        message="of the occupied cells have no hull",
        edit=mirrored_map,
    ),
    PackageFault(
        name="floating_slab",
        what="a hull at robot height that nobody sees",
        rule="NE.407",
        message="of the free cells lie inside a hull (around 2.",
        edit=added_box("clutter_900", [2.0, 1.2, 0.25], [3.0, 2.2, 0.4]),
    ),
    PackageFault(
        name="route_through_wall",
        what="a route through a wall",
        rule="NE.408",
        message="leaves the free cells at",
        edit=route_through_wall,
    ),
    PackageFault(
        name="unlabelled",
        what="the floor has no semantic label",
        rule="NE.201",
        message="label",
        edit=clear(GEOMETRY, "/Geometry/visual_mesh/floor.semantics:labels:class"),
    ),
)


PHYSICS_FAULTS = (
    PhysicsFault(
        name="hole_in_the_floor",
        what="a floor tile without a hull",
        metric="physics.*.probes_fell",
        message="ball",
        edit=without(f"{HULLS}/floor_002"),
    ),
    PhysicsFault(
        name="sealed_door",
        what="a hull across a doorway that the map has open",
        metric="physics.*.routes_driven",
        message="stuck",
        edit=added_box("wall_900", *DOOR),
    ),
    PhysicsFault(
        name="tilted_floor",
        what="the floor hulls tilted by 3°",
        metric="physics.*.on_floor",
        message=" cm ",
        edit=each_floor(tilted),
    ),
    PhysicsFault(
        name="thin_floor",
        what="the floor hulls 2 cm thick",
        metric="physics.*.tunnelled_floor",
        message="floor_00",
        edit=each_floor(flattened(0.02)),
    ),
    PhysicsFault(
        name="floating_slab",
        what="a hull at robot height that the map doesn't show: balls come to rest on it",
        metric="physics.*.on_floor",
        message="high",
        edit=added_box("clutter_900", [2.0, 1.2, 0.25], [3.0, 2.2, 0.4]),
    ),
    PhysicsFault(
        name="shifted_map",
        what="the map shifted by half a metre",
        metric="navigation.map_physics_disagreement",
        message="free at",
        plan=shifted,
    ),
)
