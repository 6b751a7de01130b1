"""Files that other tools write here and now are read as those tools mean them; ``lyra_sim.inspection.formats`` names them."""

from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from lyra_sim.capture.cameras.camera_files import read_cameras
from lyra_sim.capture.rgbd_layouts.depth_files import DepthReader
from lyra_sim.capture.survey.mesh_files import read_given_mesh
from lyra_sim.conventions import K_to_integer_centres
from lyra_sim.rendering.open3d_loader import load_open3d
from lyra_sim.scene.sources import RgbdSource
from lyra_sim.scene.spec import SceneSpec
from lyra_sim.splat_files.reading import read_splats
from lyra_sim.usd.given_mesh import read_usd_mesh
from tests.capture.given_rooms import mesh_of
from tests.capture.recorded_layouts import walk
from tests.capture.survey.meshes import areas, bounds
from tests.rooms import Room, furnished_room
from tests.scene_parts import captured
from tests.splat_files.clouds import cloud
from tests.splat_files.test_splat_transform import assert_alike

LIMITS = {
    "ply": ("3DGS PLY", 0.0, 1e-3, 0.0, 1e-6, 0.0),
    "ply_compressed": ("compressed PLY", 4e-3, 0.25, 4e-3, 3e-3, 0.02),
    "splat": (".splat", 0.0, 1.6, 1e-5, 4e-3, 0.02),  # it cuts off where others round
}
"""By the name gsplat gives a kind: ours, and how much of place, degrees, scale, opacity and harmonics it loses."""


@pytest.mark.written_by("gsplat")
@pytest.mark.parametrize("kind", LIMITS)
def test_splats_of_gsplat(tmp_path: Path, kind: str) -> None:
    import torch
    from gsplat import export_splats

    splats = cloud(400, degree=0 if kind == "splat" else 1)
    if kind == "splat":  # whose colours end at 0 and 1
        splats.sh_coeffs[:] = np.clip(splats.sh_coeffs, -1.2, 1.2)
    means, scales, quats, opacities, sh = map(
        torch.from_numpy,
        (splats.means, splats.log_scales, splats.quats_wxyz, splats.opacity_logits, splats.sh_coeffs),
    )
    path = tmp_path / ("a.splat" if kind == "splat" else "a.ply")
    export_splats(means, scales, quats, opacities, sh[:, :1], sh[:, 1:], format=kind, save_to=str(path))
    described, place, degrees, scale, opacity, harmonics = LIMITS[kind]
    read = read_splats(path)
    assert read.notes.format == described and not read.notes.left_out
    assert_alike(splats, read.splats, place=place, degrees=degrees, scale=scale, opacity=opacity, harmonics=harmonics)


@pytest.fixture(scope="module")
def room() -> Room:
    return furnished_room(views=2)


def assert_same_mesh(path: Path, mesh: trimesh.Trimesh) -> None:
    read = (read_usd_mesh if path.suffix.startswith(".usd") else read_given_mesh)(path)
    assert len(read.mesh.faces) == len(mesh.faces) and not read.notes.left_out
    np.testing.assert_allclose(bounds(read.mesh), mesh.bounds, atol=1e-5)
    assert areas(read.mesh).sum() == pytest.approx(mesh.area, rel=1e-5)


@pytest.mark.written_by("trimesh")
@pytest.mark.parametrize("name", ["a.glb", "a.gltf", "a.obj", "a.ply"])
def test_meshes_of_trimesh(tmp_path: Path, room: Room, name: str) -> None:
    mesh = mesh_of(room)
    mesh.export(tmp_path / name)
    assert_same_mesh(tmp_path / name, mesh)


@pytest.mark.written_by("Open3D")
@pytest.mark.parametrize("name", ["a.ply", "text.ply", "a.obj"])
def test_meshes_of_open3d(tmp_path: Path, room: Room, name: str) -> None:
    o3d, mesh = load_open3d(), mesh_of(room)
    other = o3d.geometry.TriangleMesh(o3d.utility.Vector3dVector(mesh.vertices), o3d.utility.Vector3iVector(mesh.faces))
    other.compute_vertex_normals()
    assert o3d.io.write_triangle_mesh(str(tmp_path / name), other, write_ascii=name == "text.ply")
    assert_same_mesh(tmp_path / name, mesh)


@pytest.mark.written_by("usd-core")
@pytest.mark.parametrize("name", ["a.usda", "a.usdc", "a.usdz"])
def test_stages_of_usd_core(tmp_path: Path, room: Room, name: str) -> None:
    from pxr import Usd, UsdGeom, UsdUtils, Vt

    mesh = mesh_of(room)
    first = tmp_path / ("inner.usdc" if name == "a.usdz" else name)
    stage = Usd.Stage.CreateNew(str(first))
    UsdGeom.SetStageMetersPerUnit(stage, 0.01)
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.z)
    prim = UsdGeom.Mesh.Define(stage, "/room")
    stage.SetDefaultPrim(prim.GetPrim())
    prim.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(mesh.vertices.astype(np.float32)))
    prim.CreateFaceVertexCountsAttr(Vt.IntArray.FromNumpy(np.full(len(mesh.faces), 3, np.int32)))
    prim.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(mesh.faces.astype(np.int32).ravel()))
    prim.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    stage.Save()
    if name == "a.usdz":
        assert UsdUtils.CreateNewUsdzPackage(str(first), str(tmp_path / name))
    assert_same_mesh(tmp_path / name, mesh)
    assert read_usd_mesh(tmp_path / name).metres_per_unit == pytest.approx(0.01)


def trajectory_of(room: Room):
    o3d = load_open3d()
    K = K_to_integer_centres(room.cameras.K[0])
    trajectory, cameras = o3d.camera.PinholeCameraTrajectory(), []
    for w2c in room.cameras.w2c:
        camera = o3d.camera.PinholeCameraParameters()
        size = room.cameras.width, room.cameras.height
        camera.intrinsic = o3d.camera.PinholeCameraIntrinsic(*size, K[0, 0], K[1, 1], K[0, 2], K[1, 2])
        camera.extrinsic = w2c
        cameras.append(camera)
    trajectory.parameters = cameras
    return trajectory


def write_intrinsics(folder: Path, room: Room) -> Path:
    o3d = load_open3d()
    file = folder / "camera_intrinsic.json"
    assert o3d.io.write_pinhole_camera_intrinsic(str(file), trajectory_of(room).parameters[0].intrinsic)
    return file


@pytest.mark.written_by("Open3D")
@pytest.mark.parametrize("name", ["a.log", "a.json", "a.txt"])
def test_trajectories_of_open3d(tmp_path: Path, name: str) -> None:
    """Its TUM files have their first camera on the line of the comment."""
    room = walk()
    assert load_open3d().io.write_pinhole_camera_trajectory(str(tmp_path / name), trajectory_of(room))
    intrinsics = None if name == "a.json" else write_intrinsics(tmp_path, room)
    table = read_cameras(tmp_path / name, intrinsics=intrinsics, axes="auto", pixel_centres="auto")
    assert table.keys == tuple(str(index) for index in range(6))
    np.testing.assert_allclose(table.c2w, room.cameras.c2w, atol=3e-6)
    np.testing.assert_allclose(table.K, room.cameras.K, atol=1e-6)


@pytest.mark.written_by("Open3D")
@pytest.mark.parametrize("trajectory", ["trajectory.log", "trajectory.json"])
def test_a_recording_of_open3d(tmp_path: Path, trajectory: str) -> None:
    o3d, room = load_open3d(), walk()
    scan = tmp_path / "scan"
    for name in ("color", "depth"):
        (scan / name).mkdir(parents=True)
    for index, (rgb, z) in enumerate(zip(*room.rendered, strict=True)):
        assert o3d.io.write_image(str(scan / "color" / f"{index:05d}.jpg"), o3d.geometry.Image(rgb), 95)
        counts = np.round(z * 1000).astype(np.uint16)
        assert o3d.io.write_image(str(scan / "depth" / f"{index:05d}.png"), o3d.geometry.Image(counts))
    assert o3d.io.write_pinhole_camera_trajectory(str(scan / trajectory), trajectory_of(room))
    if trajectory.endswith("log"):
        write_intrinsics(scan, room)
    capture = captured(SceneSpec(name="room", rgbd=RgbdSource(folder=scan), scale="metric", up="z"), tmp_path / "out")
    np.testing.assert_allclose(capture.cameras.c2w, room.cameras.c2w, atol=1e-6)
    np.testing.assert_allclose(capture.views.z_depth(3), room.rendered[1][3], atol=6e-4)
    assert "scan: read as Open3D reconstruction system" in capture.told


@pytest.mark.written_by("numpy")
@pytest.mark.written_by("Pillow")
@pytest.mark.parametrize("name", ["a.npy", "counts.npy", "a.tiff", "counts.tiff"])
def test_depth_files(tmp_path: Path, name: str) -> None:
    z = np.linspace(0.5, 4.0, 12, dtype=np.float32).reshape(3, 4)
    floats = name.startswith("a.")
    values = z if floats else np.round(z * 1000).astype(np.uint16)
    np.save(tmp_path / name, values) if name.endswith("npy") else Image.fromarray(values).save(tmp_path / name)
    reader = DepthReader(unit=1.0 if floats else 0.001, floats=floats, farthest=8.0, max_pixels=100, depth_K=None)
    counts = reader.counts(tmp_path / name, None, K=np.eye(3), size=(3, 4))
    np.testing.assert_allclose(counts * reader.metres_per_count, z, atol=6e-4)
