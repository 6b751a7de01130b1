"""One edit per rule of NVIDIA's rubric, each a single fault in a good package."""

from collections.abc import Callable
from pathlib import Path

from pxr import Gf, Sdf, Usd, UsdGeom, UsdLux, UsdPhysics, UsdShade

from tests.usd.breaks import GEOMETRY, HULLS, VISUAL, WORLD, Break, on_layer, on_stage


def body(change: Callable[[Usd.Prim], object]) -> Callable[[Usd.Stage], None]:
    """A sound rigid body on the table, then ``change``."""

    def edit(stage: Usd.Stage) -> None:
        cube = UsdGeom.Cube.Define(stage, "/World/crate")
        cube.CreateSizeAttr(0.2)
        UsdGeom.Xformable(cube).AddTranslateOp().Set(Gf.Vec3d(0.9, 0.5, 0.8))
        prim = cube.GetPrim()
        UsdPhysics.RigidBodyAPI.Apply(prim)
        UsdPhysics.CollisionAPI.Apply(prim)
        mass = UsdPhysics.MassAPI.Apply(prim)
        mass.CreateMassAttr(1.0)
        mass.CreateDiagonalInertiaAttr(Gf.Vec3f(0.01, 0.01, 0.01))
        change(prim)

    return edit


def joint(stage: Usd.Stage) -> None:
    UsdPhysics.FixedJoint.Define(stage, "/World/hinge")


def only_mdl(stage: Usd.Stage) -> None:
    """The material keeps a surface, but one that only MDL renderers know."""
    prim, _ = UsdShade.MaterialBindingAPI(stage.GetPrimAtPath(f"{VISUAL}/wall")).ComputeBoundMaterial()
    material = UsdShade.Material(prim)
    material.GetSurfaceOutput().ClearSources()
    shader = UsdShade.Shader.Define(stage, f"{material.GetPath()}/mdl")
    material.CreateSurfaceOutput("mdl").ConnectToSource(shader.ConnectableAPI(), "out")


def loose_material(stage: Usd.Stage) -> None:
    UsdGeom.Scope.Define(stage, "/World/Looks")


def remote_texture(stage: Usd.Stage) -> None:
    prim = UsdGeom.Scope.Define(stage, "/World/Extras").GetPrim()
    prim.CreateAttribute("picture", Sdf.ValueTypeNames.Asset).Set(Sdf.AssetPath("https://example.com/wall.png"))


def hidden_collider(stage: Usd.Stage) -> None:
    image = UsdGeom.Imageable(stage.GetPrimAtPath(HULLS))
    image.CreateVisibilityAttr("invisible")
    image.CreatePurposeAttr("render")
    for prim in image.GetPrim().GetChildren():
        UsdGeom.Imageable(prim).CreatePurposeAttr("render")


def weak_distant(layer: Sdf.Layer) -> None:
    layer.GetAttributeAtPath("/World{lighting=studio}DistantLight.inputs:intensity").default = 100.0


RUBRIC_BREAKS = (
    Break(rule="IR.101", name="dark_when_opened", edit=on_layer(lambda layer: _choose(layer, "lighting", "none"))),
    Break(rule="IR.101", name="weak_distant_light", edit=on_layer(weak_distant)),
    Break(rule="IR.102", name="mdl_alone", edit=on_stage(GEOMETRY, only_mdl)),
    Break(
        rule="IR.102",
        name="unbound",
        edit=on_stage(GEOMETRY, lambda s: s.GetPrimAtPath(VISUAL).GetRelationship("material:binding").ClearTargets(True)),
    ),
    Break(rule="IR.103", name="texture_on_the_net", edit=on_stage(WORLD, remote_texture)),
    Break(
        rule="IR.104",
        name="somebodys_folder",
        edit=on_layer(lambda layer: setattr(layer, "comment", "made from /" + "home/ann/scan.ply")),
    ),
    Break(
        rule="IR.104",
        name="windows_folder",
        edit=on_stage(WORLD, lambda s: s.GetPrimAtPath("/World").SetCustomDataByKey("from", "C:\\" + "Users\\ann\\scan.ply")),
    ),
    Break(rule="IR.105", name="address", edit=on_layer(lambda layer: setattr(layer, "comment", "stored on 192.168.4.20"))),
    Break(
        rule="IR.106",
        name="decomposed_by_the_engine",
        edit=on_stage(
            GEOMETRY, lambda s: s.GetAttributeAtPath(f"{HULLS}/clutter_000.physics:approximation").Set("convexDecomposition")
        ),
    ),
    Break(rule="IR.201", name="no_mass", edit=on_stage(WORLD, body(lambda p: p.RemoveAPI(UsdPhysics.MassAPI)))),
    Break(
        rule="IR.201",
        name="no_inertia",
        edit=on_stage(WORLD, body(lambda p: p.RemoveProperty("physics:diagonalInertia"))),
    ),
    Break(
        rule="IR.201",
        name="inertia_of_no_body",
        edit=on_stage(WORLD, body(lambda p: UsdPhysics.MassAPI(p).CreateDiagonalInertiaAttr(Gf.Vec3f(0.01, 0.05, 0.01)))),
    ),
    Break(
        rule="IR.201",
        name="long_axes",
        edit=on_stage(WORLD, body(lambda p: UsdPhysics.MassAPI(p).CreatePrincipalAxesAttr(Gf.Quatf(2, 0, 0, 0)))),
    ),
    Break(
        rule="IR.202", name="body_without_collider", edit=on_stage(WORLD, body(lambda p: p.RemoveAPI(UsdPhysics.CollisionAPI)))
    ),
    Break(rule="IR.203", name="hidden_collider", edit=on_stage(GEOMETRY, hidden_collider)),
    Break(rule="IR.204", name="joint_of_nothing", edit=on_stage(WORLD, joint)),
    Break(
        rule="IR.205",
        name="nested_material",
        edit=on_stage(WORLD, lambda s: UsdShade.Material.Define(s, "/World/PhysicsMaterials/ground/inner")),
    ),
    Break(rule="IR.206", name="material_beside_looks", edit=on_stage(WORLD, loose_material)),
)


def sound(package: Path) -> None:
    """A body that keeps to every rule, so that rules about bodies are known to let one pass."""
    on_stage(WORLD, body(lambda prim: None))(package)


def lamps_that_add_up(package: Path) -> None:
    """Two domes of half the intensity, one of them by exposure."""

    def change(layer: Sdf.Layer) -> None:
        _choose(layer, "lighting", "none")

    on_layer(change)(package)

    def add(stage: Usd.Stage) -> None:
        for number in range(2):
            UsdLux.DomeLight.Define(stage, f"/World/dome_{number}").CreateIntensityAttr(50.0)
        far = UsdLux.DistantLight.Define(stage, "/World/far")
        far.CreateIntensityAttr(125.0)
        far.CreateExposureAttr(2.0)

    on_stage(WORLD, add)(package)


def _choose(layer: Sdf.Layer, variant_set: str, choice: str) -> None:
    layer.GetPrimAtPath("/World").variantSelections[variant_set] = choice
