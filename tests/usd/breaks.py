"""One edit per Nav-Environment rule: each takes a good package folder and breaks it in a single place."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from pxr import Gf, Sdf, Usd, UsdGeom, UsdLux, UsdPhysics, Vt

GEOMETRY, SPLAT, WORLD = "payload/geometry.usdc", "payload/splat.usdc", "world.usda"
HULLS, VISUAL, GAUSSIANS = "/Geometry/collision_hulls", "/Geometry/visual_mesh", "/Splat/gaussians"
COEFFICIENTS = "radiance:sphericalHarmonicsCoefficients"


@dataclass(frozen=True, kw_only=True)
class Break:
    """A fault and exactly the rules that speak up about it."""

    rule: str
    name: str
    edit: Callable[[Path], None]
    also: frozenset[str] = frozenset()
    """Other rules that rightly fire, because the one fault breaks them too."""


def on_stage(file: str, change: Callable[[Usd.Stage], object]) -> Callable[[Path], None]:
    def edit(package: Path) -> None:
        stage = Usd.Stage.Open(str(package / file))
        change(stage)
        stage.GetRootLayer().Save()

    return edit


def on_attribute(file: str, path: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    """Replace an array attribute by a function of its value as numpy; quaternions come as (x, y, z, w)."""

    def edit(stage: Usd.Stage) -> None:
        attribute = stage.GetAttributeAtPath(path)
        value = attribute.Get()
        attribute.Set(type(value).FromNumpy(np.ascontiguousarray(change(np.array(value)))))

    return on_stage(file, edit)


def set_value(file: str, path: str, value: object) -> Callable[[Path], None]:
    return on_stage(file, lambda stage: stage.GetAttributeAtPath(path).Set(value))


def clear(file: str, path: str) -> Callable[[Path], None]:
    return on_stage(file, lambda stage: stage.GetAttributeAtPath(path).Clear())


def on_layer(change: Callable[[Sdf.Layer], object]) -> Callable[[Path], None]:
    def edit(package: Path) -> None:
        layer = Sdf.Layer.FindOrOpen(str(package / WORLD))
        change(layer)
        layer.Save()

    return edit


def first_row(value: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(rows: np.ndarray) -> np.ndarray:
        rows = rows.copy()
        rows[0] = value
        return rows

    return change


def moved(offset: tuple[float, float, float]) -> Callable[[np.ndarray], np.ndarray]:
    return lambda points: (points + offset).astype(np.float32)


def dented(points: np.ndarray) -> np.ndarray:
    """One corner of a box pushed inward past its neighbours' planes: closed and outward still, but not convex."""
    points = points.copy()
    points[7] += 0.6 * (points.mean(axis=0) - points[7]) * 2
    return points


def reverse_faces(path: str) -> Callable[[Usd.Stage], None]:
    def change(stage: Usd.Stage) -> None:
        mesh = UsdGeom.Mesh.Get(stage, path)
        faces = np.array(mesh.GetFaceVertexIndicesAttr().Get()).reshape(-1, 3)[:, ::-1]
        mesh.GetFaceVertexIndicesAttr().Set(Vt.IntArray.FromNumpy(np.ascontiguousarray(faces).ravel()))

    return change


def drop_face(path: str) -> Callable[[Usd.Stage], None]:
    def change(stage: Usd.Stage) -> None:
        mesh = UsdGeom.Mesh.Get(stage, path)
        for attribute, per_face in (
            (mesh.GetFaceVertexCountsAttr(), 1),
            (mesh.GetFaceVertexIndicesAttr(), 3),
            (mesh.GetNormalsAttr(), 1),
        ):
            attribute.Set(attribute.Get()[per_face:])

    return change


def many_vertices(stage: Usd.Stage) -> None:
    """A finely turned cylinder in place of the table's hull."""
    import trimesh

    tube = trimesh.creation.cylinder(radius=0.3, height=0.7, sections=40)
    mesh = UsdGeom.Mesh.Get(stage, f"{HULLS}/clutter_000")
    points = (tube.vertices + np.array([0.9, 0.5, 0.35])).astype(np.float32)
    mesh.GetPointsAttr().Set(Vt.Vec3fArray.FromNumpy(points))
    mesh.GetFaceVertexCountsAttr().Set([3] * len(tube.faces))
    mesh.GetFaceVertexIndicesAttr().Set(tube.faces.ravel().tolist())
    mesh.GetNormalsAttr().Set(Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(tube.face_normals, np.float32)))


def flattened(thickness: float) -> Callable[[np.ndarray], np.ndarray]:
    """Keep the top face, bring the bottom up to ``thickness`` below it."""

    def change(points: np.ndarray) -> np.ndarray:
        points = points.copy()
        top = points[:, 2].max()
        points[points[:, 2] < top, 2] = top - thickness
        return points

    return change


def double_resolution(package: Path) -> None:
    """The resolution doubled: the classic of a map that was resampled without its YAML."""
    file = package / "occupancy_map" / "map.yaml"
    fields = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump(fields | {"resolution": 2 * fields["resolution"]}))


def spawn_in_wall(package: Path) -> None:
    file = package / "manifest.json"
    facts = json.loads(file.read_text())
    facts["spawns"][0]["x"] = -2.1
    file.write_text(json.dumps(facts))


def shifted_map(package: Path) -> None:
    """The map's origin half a metre off."""
    file = package / "occupancy_map" / "map.yaml"
    fields = yaml.safe_load(file.read_text())
    x, y, yaw = fields["origin"]
    file.write_text(yaml.safe_dump(fields | {"origin": [x + 0.5, y, yaw]}))


def route_through_table(package: Path) -> None:
    file = package / "manifest.json"
    facts = json.loads(file.read_text())
    facts["routes"][0]["waypoints"] = [[-1.5, 0.5], [1.7, 0.5]]
    file.write_text(json.dumps(facts))


def stray_payload(package: Path) -> None:
    """The splats moved beside the package, as when somebody tidies up."""
    shutil.move(package / SPLAT, package.parent / "splat.usdc")
    on_layer(
        lambda layer: [
            spec.payloadList.ReplaceItemEdits(
                Sdf.Payload("./payload/splat.usdc", "/Splat"), Sdf.Payload("../splat.usdc", "/Splat")
            )
            for spec in (
                layer.GetPrimAtPath(f"/World{{visual={choice}}}Environment/Visual/splat") for choice in ("splat", "both")
            )
        ]
    )(package)


def scene_below(stage: Usd.Stage) -> None:
    layer = stage.GetRootLayer()
    Sdf.CopySpec(layer, "/physicsScene", layer, "/World/physicsScene")
    stage.RemovePrim("/physicsScene")


def untyped_root(layer: Sdf.Layer) -> None:
    layer.GetPrimAtPath("/World").typeName = "Scope"


def turned_y_up(stage: Usd.Stage) -> None:
    """The same world, honestly y-up: turned, with its gravity."""
    UsdGeom.SetStageUpAxis(stage, "Y")
    UsdGeom.Xform.Get(stage, "/World").AddRotateXOp().Set(-90.0)
    UsdPhysics.Scene.Get(stage, "/physicsScene").GetGravityDirectionAttr().Set(Gf.Vec3f(0, -1, 0))


def scaled_to_centimetres(stage: Usd.Stage) -> None:
    """The same world, honestly in centimetres: grown a hundredfold, with its gravity."""
    UsdGeom.SetStageMetersPerUnit(stage, 0.01)
    UsdGeom.Xform.Get(stage, "/World").AddScaleOp().Set(Gf.Vec3f(100.0))
    UsdPhysics.Scene.Get(stage, "/physicsScene").GetGravityMagnitudeAttr().Set(981.0)


def unbound(stage: Usd.Stage) -> None:
    """The material of everything that has no photo taken away."""
    stage.GetPrimAtPath(VISUAL).GetRelationship("material:binding").ClearTargets(True)


def grown_texture(package: Path) -> None:
    """The atlas grown to 4 GiB, all of it hole: takes no space on the disk."""
    with (package / "payload" / "texture.png").open("r+b") as file:
        file.truncate(1 << 32)


BREAKS = (
    Break(rule="NE.001", name="y_up", edit=on_stage(WORLD, turned_y_up)),
    Break(
        rule="NE.001",
        name="y_up_by_name_only",
        edit=on_stage(WORLD, lambda s: UsdGeom.SetStageUpAxis(s, "Y")),
        also=frozenset({"NE.007", "NE.109", "NE.404", "NE.407"}),
    ),
    Break(rule="NE.002", name="centimetres", edit=on_stage(WORLD, scaled_to_centimetres)),
    Break(
        rule="NE.002",
        name="centimetres_by_name_only",
        edit=on_stage(WORLD, lambda s: UsdGeom.SetStageMetersPerUnit(s, 0.01)),
        also=frozenset({"NE.007", "NE.108", "NE.404", "NE.407"}),
    ),
    Break(rule="NE.003", name="grams", edit=on_stage(WORLD, lambda s: UsdPhysics.SetStageKilogramsPerUnit(s, 0.001))),
    Break(rule="NE.004", name="scope_as_default_prim", edit=on_layer(untyped_root)),
    Break(rule="NE.005", name="second_scene", edit=on_stage(WORLD, lambda s: UsdPhysics.Scene.Define(s, "/otherScene"))),
    Break(rule="NE.006", name="scene_inside", edit=on_stage(WORLD, scene_below)),
    Break(rule="NE.007", name="gravity_up", edit=set_value(WORLD, "/physicsScene.physics:gravityDirection", Gf.Vec3f(0, 0, 1))),
    Break(rule="NE.007", name="gravity_in_cm", edit=set_value(WORLD, "/physicsScene.physics:gravityMagnitude", 981.0)),
    Break(rule="NE.008", name="robot_name", edit=on_stage(WORLD, lambda s: UsdGeom.Xform.Define(s, "/World/robot"))),
    Break(rule="NE.009", name="stray_light", edit=on_stage(WORLD, lambda s: UsdLux.SphereLight.Define(s, "/World/lamp"))),
    Break(
        rule="NE.010",
        name="visual_as_guide",
        edit=on_stage(
            WORLD, lambda s: UsdGeom.Imageable(s.GetPrimAtPath("/World/Environment/Visual")).CreatePurposeAttr("guide")
        ),
    ),
    Break(rule="NE.101", name="no_hulls", edit=on_stage(GEOMETRY, lambda s: s.RemovePrim(HULLS))),
    Break(
        rule="NE.102",
        name="no_approximation",
        edit=clear(GEOMETRY, f"{HULLS}/wall_000.physics:approximation"),
    ),
    Break(
        rule="NE.103",
        name="dented_hull",
        edit=on_attribute(GEOMETRY, f"{HULLS}/clutter_000.points", dented),
        also=frozenset({"NE.407"}),
    ),
    Break(rule="NE.104", name="hole_in_hull", edit=on_stage(GEOMETRY, drop_face(f"{HULLS}/clutter_000"))),
    Break(rule="NE.105", name="inverted_hull", edit=on_stage(GEOMETRY, reverse_faces(f"{HULLS}/clutter_000"))),
    Break(rule="NE.106", name="too_many_vertices", edit=on_stage(GEOMETRY, many_vertices)),
    Break(
        rule="NE.107",
        name="sheet",
        edit=on_attribute(GEOMETRY, f"{HULLS}/clutter_000.points", flattened(0.005)),
        also=frozenset({"NE.407"}),
    ),
    Break(rule="NE.108", name="thin_floor", edit=on_attribute(GEOMETRY, f"{HULLS}/floor_000.points", flattened(0.1))),
    Break(
        rule="NE.109",
        name="floor_at_minus_5_cm",
        edit=on_attribute(GEOMETRY, f"{HULLS}/floor_000.points", moved((0, 0, -0.05))),
        also=frozenset({"NE.202"}),
    ),
    Break(
        rule="NE.110",
        name="ice",
        edit=set_value(WORLD, "/World/PhysicsMaterials/ground.physics:dynamicFriction", 0.01),
    ),
    Break(
        rule="NE.110",
        name="no_material",
        edit=on_stage(
            WORLD,
            lambda s: (
                s.GetPrimAtPath("/World/Environment/Collision").GetRelationship("material:binding:physics").ClearTargets(True)
            ),
        ),
    ),
    Break(rule="NE.111", name="hole_in_floor", edit=on_stage(GEOMETRY, drop_face("/Geometry/collision_trimesh/closed_mesh"))),
    Break(
        rule="NE.111",
        name="inverted_winding",
        edit=on_stage(GEOMETRY, reverse_faces("/Geometry/collision_trimesh/closed_mesh")),
        also=frozenset({"NE.109"}),
    ),
    Break(
        rule="NE.112",
        name="triangle_floor",
        edit=on_stage(GEOMETRY, lambda s: s.GetAttributeAtPath(f"{HULLS}/floor_000.physics:approximation").Set("none")),
    ),
    Break(rule="NE.201", name="unlabelled", edit=clear(GEOMETRY, f"{VISUAL}/floor.semantics:labels:class")),
    Break(rule="NE.202", name="no_extent", edit=clear(GEOMETRY, f"{VISUAL}/wall.extent")),
    Break(
        rule="NE.202", name="small_splat_extent", edit=on_attribute(SPLAT, f"{GAUSSIANS}.extent", lambda e: e * np.float32(0.1))
    ),
    Break(rule="NE.203", name="nan_point", edit=on_attribute(GEOMETRY, f"{VISUAL}/floor.points", first_row(np.nan))),
    Break(
        rule="NE.204",
        name="index_out_of_range",
        edit=on_attribute(GEOMETRY, f"{VISUAL}/floor.faceVertexIndices", first_row(1_000_000)),
    ),
    Break(rule="NE.205", name="too_few_normals", edit=on_attribute(GEOMETRY, f"{VISUAL}/floor.normals", lambda n: n[1:])),
    Break(rule="NE.205", name="long_normal", edit=on_attribute(GEOMETRY, f"{VISUAL}/floor.normals", first_row(1.0))),
    Break(
        rule="NE.206",
        name="too_few_colours",
        edit=on_attribute(GEOMETRY, f"{VISUAL}/floor.primvars:displayColor:indices", lambda i: i[1:]),
    ),
    Break(rule="NE.207", name="subdivided", edit=set_value(GEOMETRY, f"{VISUAL}/wall.subdivisionScheme", "catmullClark")),
    Break(
        rule="NE.208",
        name="raw_colours",
        edit=set_value(GEOMETRY, f"{VISUAL}/Looks/photo/texture.inputs:sourceColorSpace", "raw"),
    ),
    Break(rule="NE.209", name="no_look", edit=on_stage(GEOMETRY, unbound)),
    Break(rule="NE.301", name="missing_scale", edit=on_attribute(SPLAT, f"{GAUSSIANS}.scales", lambda s: s[1:])),
    Break(rule="NE.301", name="missing_harmonics", edit=on_attribute(SPLAT, f"{GAUSSIANS}.{COEFFICIENTS}", lambda c: c[16:])),
    Break(rule="NE.302", name="nan_splat", edit=on_attribute(SPLAT, f"{GAUSSIANS}.positions", first_row(np.nan))),
    Break(
        rule="NE.303",
        name="opacity_not_logit",
        edit=on_attribute(SPLAT, f"{GAUSSIANS}.opacities", lambda o: np.log(o / (1 - o)).astype(np.float32)),
    ),
    Break(rule="NE.304", name="log_scales", edit=on_attribute(SPLAT, f"{GAUSSIANS}.scales", lambda s: np.log(s))),
    Break(rule="NE.305", name="long_quats", edit=on_attribute(SPLAT, f"{GAUSSIANS}.orientations", lambda q: q * np.float32(2))),
    Break(
        rule="NE.306",
        name="degree_2",
        edit=on_stage(SPLAT, lambda s: s.GetAttributeAtPath(f"{GAUSSIANS}.radiance:sphericalHarmonicsDegree").Set(2)),
        also=frozenset({"NE.301"}),
    ),
    Break(rule="NE.307", name="no_colour_space", edit=clear(SPLAT, f"{GAUSSIANS}.colorSpace:name")),
    Break(rule="NE.401", name="lost_payload", edit=lambda package: (package / SPLAT).unlink(), also=frozenset({"NE.010"})),
    Break(rule="NE.402", name="stray_payload", edit=stray_payload),
    Break(rule="NE.403", name="no_map", edit=lambda package: shutil.rmtree(package / "occupancy_map")),
    Break(rule="NE.404", name="doubled_resolution", edit=double_resolution, also=frozenset({"NE.407"})),
    Break(rule="NE.405", name="spawn_in_wall", edit=spawn_in_wall),
    Break(rule="NE.406", name="4_gib_texture", edit=grown_texture),
    Break(rule="NE.407", name="shifted_map", edit=shifted_map, also=frozenset({"NE.404", "NE.408"})),
    Break(rule="NE.408", name="route_through_table", edit=route_through_table),
)
