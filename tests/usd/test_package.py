"""The package as a stranger's stock usd-core opens it: composition, variants, hulls, colours, manifest, repeatability."""

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image
from pxr import Gf, Sdf, Usd, UsdGeom, UsdLux, UsdPhysics, UsdShade, UsdUtils

from lyra_sim.data.colliders import LABELS
from lyra_sim.data.occupancy import OccupancyMap
from lyra_sim.data.splats import Splats
from lyra_sim.data.stage import StageBundle
from lyra_sim.errors import UsdError
from lyra_sim.exporters.glb import write_mesh_glb
from lyra_sim.usd.mesh_parts import OUTER_SHELL
from lyra_sim.usd.package import write_geometry
from lyra_sim.usd.stage import label_of
from tests.conftest import ROOT
from tests.physics.relied_on import relied_on
from tests.usd.worlds import AIR, MATTER, World, box_world, opened

SHAPES = "/World/Environment/Collision/shapes"


def paths(stage: Usd.Stage) -> set[str]:
    return {str(prim.GetPath()) for prim in stage.Traverse()}


def digests(folder: Path) -> dict[str, str]:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_files(bundle: StageBundle) -> None:
    assert set(digests(bundle.world)) == {
        "world.usda",
        "world_splat.usda",
        "world_both.usda",
        "payload/geometry.usdc",
        "payload/splat.usdc",
        "payload/splat_half.usdc",
        "payload/texture.png",
        "occupancy_map/map.yaml",
        "occupancy_map/map.png",
        "cameras.json",
        "manifest.json",
    }
    assert set(digests(bundle.exports)) == {"splats.ply", "mesh.glb", "hulls.glb"}


def test_it_relies_on_nothing_that_engines_differ_in(bundle: StageBundle) -> None:
    for entry in (bundle.stage, bundle.splat_stage, bundle.both_stage):
        assert list(relied_on(opened(entry))) == []


def test_opens_complete_with_nothing_unresolved(bundle: StageBundle) -> None:
    for entry in (bundle.stage, bundle.splat_stage, bundle.both_stage):
        layers, _, unresolved = UsdUtils.ComputeAllDependencies(str(entry))
        assert not unresolved
        assert all(Path(layer.realPath).is_relative_to(bundle.world) for layer in layers)
        for layer in layers:
            stage = Usd.Stage.Open(layer)
            assert stage.GetDefaultPrim(), layer.identifier
            assert UsdGeom.GetStageUpAxis(stage) == "Z"
            assert UsdGeom.GetStageMetersPerUnit(stage) == UsdPhysics.GetStageKilogramsPerUnit(stage) == 1.0


def test_variants_compose_what_they_say(bundle: StageBundle) -> None:
    mesh, splat = "/World/Environment/Visual/mesh/floor", "/World/Environment/Visual/splat/gaussians"
    seen = {choice: paths(opened(bundle.stage, visual=choice)) for choice in ("mesh", "splat", "both")}
    assert {choice: (mesh in found, splat in found) for choice, found in seen.items()} == {
        "mesh": (True, False),
        "splat": (False, True),
        "both": (True, True),
    }
    assert paths(opened(bundle.stage)) == seen["mesh"]
    assert paths(opened(bundle.splat_stage)) == seen["splat"]
    assert paths(opened(bundle.both_stage)) == seen["both"]
    assert f"{SHAPES}/floor_000" in seen["mesh"]
    assert f"{SHAPES}/closed_mesh" in paths(opened(bundle.stage, collision="trimesh"))
    assert not any(path.startswith(SHAPES) for path in paths(opened(bundle.stage, collision="none")))
    lit = {}
    for choice in ("studio", "dome", "none"):
        stage = opened(bundle.stage, lighting=choice)
        lit[choice] = {prim.GetName() for prim in stage.Traverse() if prim.HasAPI(UsdLux.LightAPI)}
    assert lit == {"studio": {"DomeLight", "DistantLight", "lamp_000", "lamp_001"}, "dome": {"DomeLight"}, "none": set()}
    assert {"/World/DistantLight", "/World/Lamps/lamp_000"} <= seen["mesh"]
    with pytest.raises(UsdError, match="no variant visual=hologram"):
        opened(bundle.stage, visual="hologram")


def test_referencing_host_keeps_its_own_physics_scene(bundle: StageBundle) -> None:
    host = Usd.Stage.CreateInMemory()
    UsdPhysics.Scene.Define(host, "/physicsScene")
    room = host.DefinePrim("/World/envs/env_0")
    room.GetReferences().AddReference(str(bundle.stage))
    room.GetVariantSets().SetSelection("lighting", "none")
    scenes = [str(prim.GetPath()) for prim in host.Traverse() if prim.IsA(UsdPhysics.Scene)]
    assert scenes == ["/physicsScene"]
    hull = host.GetPrimAtPath("/World/envs/env_0/Environment/Collision/shapes/floor_000")
    material, _ = UsdShade.MaterialBindingAPI(hull).ComputeBoundMaterial("physics")
    assert str(material.GetPath()) == "/World/envs/env_0/PhysicsMaterials/ground"


def test_hulls_slide_as_their_label_says(bundle: StageBundle) -> None:
    """Walls and furniture have materials of their own, found from whatever stage refers to the world; the rest the ground's."""
    host = Usd.Stage.CreateInMemory()
    host.DefinePrim("/env").GetReferences().AddReference(str(bundle.stage))
    found = {}
    for prim in host.GetPrimAtPath("/env/Environment/Collision/shapes").GetChildren():
        if prim.HasAPI(UsdPhysics.CollisionAPI):
            material, _ = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial("physics")
            api = UsdPhysics.MaterialAPI(material)
            frictions = (api.GetStaticFrictionAttr().Get(), api.GetDynamicFrictionAttr().Get())
            found[label_of(prim)] = (material.GetPrim().GetName(), *(pytest.approx(value) for value in frictions))
    ground, wall = ("ground", 0.8, 0.7), ("wall", 0.6, 0.5)
    assert found == {
        "floor": ground,
        "unseen": ground,
        "wall": wall,
        "ceiling": wall,
        "clutter": ("furniture", 0.5, 0.4),
    }


def test_hulls_round_trip(bundle: StageBundle, small_world: World) -> None:
    stage = opened(bundle.stage)
    for hull in small_world.colliders.hulls:
        prim = stage.GetPrimAtPath(f"{SHAPES}/{hull.name}")
        mesh = UsdGeom.Mesh(prim)
        np.testing.assert_array_equal(np.array(mesh.GetPointsAttr().Get()), hull.vertices)
        np.testing.assert_array_equal(np.array(mesh.GetFaceVertexIndicesAttr().Get()).reshape(-1, 3), hull.faces)
        assert UsdPhysics.MeshCollisionAPI(prim).GetApproximationAttr().Get() == "convexHull"
        assert UsdPhysics.CollisionAPI(prim).GetCollisionEnabledAttr().Get()
        assert (label_of(prim), prim.GetAttribute("lyra:seen").Get()) == (hull.label, pytest.approx(hull.seen))
        assert UsdGeom.Imageable(prim).ComputePurpose() == "guide"


def test_visual_parts_are_labelled_coloured_and_complete(bundle: StageBundle, small_world: World) -> None:
    stage, mesh = opened(bundle.stage), small_world.mesh
    face_count = 0
    for name in (*LABELS, OUTER_SHELL):
        part = UsdGeom.Mesh.Get(stage, f"/World/Environment/Visual/mesh/{name}")
        face_count += len(part.GetFaceVertexCountsAttr().Get())
        assert label_of(part.GetPrim()) == ("unseen" if name == OUTER_SHELL else name)
        assert part.ComputePurpose() == ("guide" if name == OUTER_SHELL else "default")
        material, _ = UsdShade.MaterialBindingAPI(part.GetPrim()).ComputeBoundMaterial()
        assert material.ComputeSurfaceSource("")[0].GetShaderId() == "UsdPreviewSurface"
        points = np.array(part.GetPointsAttr().Get())
        colors = np.array(part.GetDisplayColorPrimvar().ComputeFlattened())
        nearest = np.linalg.norm(points[:, None] - mesh.vertices[None], axis=2)
        assert nearest.min(axis=1).max() < 2e-5
        srgb = mesh.colors[nearest.argmin(axis=1)] / 255.0
        expected = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
        np.testing.assert_allclose(colors, expected, atol=1e-6)
    assert face_count == len(mesh.faces)


def test_photo_texture_covers_what_was_seen(bundle: StageBundle, small_world: World) -> None:
    """Each seen corner keeps its texel; unseen parts have none; the atlas is the very image."""
    stage, texture, mesh = opened(bundle.stage), small_world.texture, small_world.mesh
    seen_corners = mesh.vertices[mesh.faces[texture.face_index]].reshape(-1, 3)
    pairs = {
        (*np.round(point, 3).tolist(), *np.round(uv, 4).tolist())
        for point, uv in zip(seen_corners, texture.uv.reshape(-1, 2), strict=True)
    }
    found = set()
    for name in ("floor", "wall", "ceiling", "clutter"):
        part = UsdGeom.Mesh.Get(stage, f"/World/Environment/Visual/mesh/{name}")
        uv = np.array(UsdGeom.PrimvarsAPI(part).GetPrimvar("st").ComputeFlattened())
        corners = np.array(part.GetPointsAttr().Get())[np.array(part.GetFaceVertexIndicesAttr().Get())]
        found |= {(*np.round(p, 3).tolist(), *np.round(c, 4).tolist()) for p, c in zip(corners, uv, strict=True)}
        material, _ = UsdShade.MaterialBindingAPI(part.GetPrim()).ComputeBoundMaterial()
        assert material.GetPrim().GetName() == "photo"
    assert found == pairs
    for name in ("unseen", OUTER_SHELL):
        prim = stage.GetPrimAtPath(f"/World/Environment/Visual/mesh/{name}")
        assert not UsdGeom.PrimvarsAPI(prim).HasPrimvar("st")
        assert UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial()[0].GetPrim().GetName() == "vertex_colors"
    shader = UsdShade.Shader.Get(stage, "/World/Environment/Visual/mesh/Looks/photo/texture")
    resolved = Path(shader.GetInput("file").Get().resolvedPath)
    assert resolved == bundle.world / "payload" / "texture.png"
    with Image.open(resolved) as image:
        np.testing.assert_array_equal(np.asarray(image), texture.image)


def test_a_world_nobody_photographed_has_no_photo_material(small_world: World, tmp_path: Path) -> None:
    write_geometry(tmp_path / "plain.usda", mesh=small_world.mesh, colliders=small_world.colliders)
    assert not UsdUtils.ComputeAllDependencies(str(tmp_path / "plain.usda"))[2]
    assert "/Geometry/visual_mesh/Looks/photo" not in paths(Usd.Stage.Open(str(tmp_path / "plain.usda")))


def test_bounds(bundle: StageBundle) -> None:
    """From inside, the room is as large as its air; with guides on, the closed matter around it shows."""
    stage = opened(bundle.stage)
    visible = UsdGeom.BBoxCache(Usd.TimeCode.Default(), ["default", "render"]).ComputeWorldBound(
        stage.GetPrimAtPath("/World/Environment/Visual")
    )
    np.testing.assert_allclose(np.array(visible.ComputeAlignedRange().GetMin()), AIR[0], atol=1e-4)
    np.testing.assert_allclose(np.array(visible.ComputeAlignedRange().GetMax()), AIR[1], atol=1e-4)
    shell = UsdGeom.Mesh.Get(stage, f"/World/Environment/Visual/mesh/{OUTER_SHELL}").GetExtentAttr().Get()
    assert Gf.IsClose(shell[1], Gf.Vec3f(*map(float, AIR[1] + MATTER)), 1e-5)


def test_a_guessed_room_says_so_wherever_it_goes(small_world: World, tmp_path: Path) -> None:
    """Both in the manifest and in the entry layer, which is what travels when somebody copies a stage."""
    guess = replace(small_world, world=replace(small_world.world, depth_kind="layout prior")).write(tmp_path).world
    told = json.loads((guess / "manifest.json").read_text())["provenance"]
    assert told["source"] == "one photo" and "not a measurement" in told["invented"]
    assert Sdf.Layer.FindOrOpen(str(guess / "world.usda")).customLayerData["lyra_sim"]["invented"] == told["invented"]


def test_manifest_tells_what_usd_cannot(bundle: StageBundle, small_world: World) -> None:
    manifest = json.loads((bundle.world / "manifest.json").read_text())
    assert manifest["name"] == "box_room"
    scale = {"metres_per_unit": 0.5, "sigma_relative": 0.03, "source": "camera height 1.2 m", "evidence": []}
    assert manifest["scale"] == scale
    assert manifest["world_from_input"][0] == [0.5, 0, 0, 1.0]
    assert manifest["spawns"][0] == {"x": -1.0, "y": 0.0, "yaw": 0.0}
    assert manifest["routes"][0]["length"] == pytest.approx(3.0)
    assert manifest["hulls"]["hulls_by_label"] == {"floor": 1, "wall": 3, "ceiling": 1, "clutter": 1, "unseen": 1}
    assert sum(manifest["mesh"]["faces_by_label"].values()) == manifest["mesh"]["face_count"] == len(small_world.mesh.faces)
    room, wall_unseen = 2 * (4 * 3 + 4 * 2.4 + 3 * 2.4) + 2 * (0.8 + 0.6) * 0.7, 1.0 * 2.4
    assert manifest["mesh"]["seen_share_of_area"] == pytest.approx(1 - wall_unseen / room, abs=0.02)
    assert manifest["provenance"]["invented"] == "none invented"
    for name, facts in manifest["files"].items():
        data = (bundle.world / name).read_bytes()
        assert facts == {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    assert set(manifest["files"]) == set(digests(bundle.world)) - {"manifest.json"}


def test_occupancy_map_is_the_navigation_map(bundle: StageBundle, small_world: World) -> None:
    stored = OccupancyMap.load(bundle.world / "occupancy_map")
    np.testing.assert_array_equal(stored.cells, small_world.navigation.occupancy.cells)


def test_exports(bundle: StageBundle, small_world: World) -> None:
    splats = Splats.load_ply(bundle.exports / "splats.ply")
    np.testing.assert_array_equal(splats.means, small_world.world.splats.means)
    mesh = trimesh.load_scene(bundle.exports / "mesh.glb")
    low, high = AIR[0] - MATTER, AIR[1] + MATTER
    np.testing.assert_allclose(mesh.bounds, [[low[0], low[2], -high[1]], [high[0], high[2], -low[1]]], atol=1e-5)
    hulls = trimesh.load_scene(bundle.exports / "hulls.glb")
    assert set(hulls.graph.nodes_geometry) == {hull.name for hull in small_world.colliders.hulls}
    edge = next(edge for edge in hulls.graph.to_edgelist() if edge[1] == "clutter_000")
    assert edge[2]["metadata"] == {"label": "clutter", "seen": pytest.approx(0.8)}
    table = hulls.geometry[hulls.graph["clutter_000"][1]]
    assert table.volume == pytest.approx(0.8 * 0.6 * 0.7, rel=1e-5)  # a mirrored conversion would make it negative


def test_glb_colours_are_linear_with_16_bits(small_world: World, tmp_path: Path) -> None:
    write_mesh_glb(tmp_path / "mesh.glb", small_world.mesh)
    data = (tmp_path / "mesh.glb").read_bytes()
    length = int.from_bytes(data[12:16], "little")
    tree, body = json.loads(data[20 : 20 + length]), data[28 + length :]
    attributes = tree["meshes"][0]["primitives"][0]["attributes"]

    def values(name: str, dtype: str, width: int) -> np.ndarray:
        accessor = tree["accessors"][attributes[name]]
        view = tree["bufferViews"][accessor["bufferView"]]
        raw = body[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]
        return np.frombuffer(raw, dtype)[: accessor["count"] * width].reshape(-1, width)

    assert tree["accessors"][attributes["COLOR_0"]]["componentType"] == 5123
    srgb = small_world.mesh.colors / 255.0
    expected = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    np.testing.assert_allclose(values("COLOR_0", "<u2", 4)[:, :3] / 65535, expected, atol=1e-5)
    np.testing.assert_allclose(values("POSITION", "<f4", 3)[:, 1], small_world.mesh.vertices[:, 2], atol=1e-6)


def test_equal_inputs_give_equal_bytes(bundle: StageBundle, tmp_path: Path) -> None:
    box_world().write(tmp_path / "again", half_splats=True)
    assert digests(tmp_path / "again") == digests(bundle.folder)


def test_another_process_gives_equal_bytes(bundle: StageBundle, tmp_path: Path) -> None:
    """Hash seeds and addresses differ between processes; the bytes may not."""
    code = "import sys; from tests.usd import worlds; worlds.box_world().write(worlds.Path(sys.argv[1]), half_splats=True)"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "other")], cwd=ROOT, check=True, capture_output=True)
    assert digests(tmp_path / "other") == digests(bundle.folder)
