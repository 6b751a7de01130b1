"""Figures of the surface on meshes whose answers are known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lyra_sim.data.mesh import TriMesh
from lyra_sim.data.report import Metric
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.meshing.room_side import faces_towards_free
from lyra_sim.quality.depth import ViewSet, check_depth, depth_error, depth_metrics, judged_views
from lyra_sim.quality.geometry import component_count, edges_closed, manifold_status, surface_metrics
from lyra_sim.rendering.ray_casting import RayCaster
from tests.boxes import box_trimesh
from tests.quality.worlds import room_grid, room_surface, room_world
from tests.rooms import Room, camera_path, look

UNIT = (np.zeros(3), np.ones(3))


def by_name(metrics: list[Metric]) -> dict[str, Metric]:
    assert len({metric.name for metric in metrics}) == len(metrics)
    return {metric.name: metric for metric in metrics}


def without_face(mesh: TriMesh, face: int) -> TriMesh:
    keep = np.arange(len(mesh.faces)) != face
    return TriMesh(vertices=mesh.vertices, faces=mesh.faces[keep], colors=mesh.colors, face_seen=mesh.face_seen[keep])


def test_a_box_is_closed_and_has_its_volume() -> None:
    box = box_trimesh([(np.zeros(3), np.array([2.0, 3.0, 0.5]))])
    assert edges_closed(box.faces)
    assert manifold_status(box) == ("NoError", pytest.approx(3.0))
    assert component_count(box) == 1


def test_inside_out_has_negative_volume() -> None:
    assert manifold_status(box_trimesh([UNIT], inside_out=True))[1] == pytest.approx(-1.0)


def test_a_hole_and_a_flipped_face_are_found() -> None:
    box = box_trimesh([UNIT])
    assert not edges_closed(without_face(box, 3).faces)
    flipped = box.faces.copy()
    flipped[5] = flipped[5, ::-1]
    assert not edges_closed(flipped)
    assert manifold_status(without_face(box, 3))[0] == "NotManifold"


def test_two_boxes_are_two_components() -> None:
    assert component_count(box_trimesh([UNIT, (np.full(3, 2.0), np.full(3, 3.0))])) == 2


def test_room_passes_and_its_outer_skin_does_not_count(tiny_room: Room) -> None:
    mesh = room_surface(tiny_room)
    metrics = by_name(surface_metrics(mesh, room_grid(tiny_room), tiny_room.cameras))
    assert metrics["mesh.seen_share"].value == 1.0  # the skin is unseen, but nothing free lies before it
    assert metrics["mesh.cameras_in_solid"].value == 0.0
    assert metrics["mesh.components"].value == 2 + len(tiny_room.boxes)
    assert {metrics[f"mesh.{name}"].verdict for name in ("watertight", "manifold", "signed_volume", "seen_share")} == {"pass"}


def test_cameras_behind_the_wall_fail(tiny_room: Room) -> None:
    moved = tiny_room.cameras.moved(Similarity(scale=1.0, rotation=np.eye(3), translation=np.array([0.0, 4.0, 0.0])))
    metrics = by_name(surface_metrics(room_surface(tiny_room), room_grid(tiny_room), moved))
    assert metrics["mesh.cameras_in_solid"].value == 1.0
    assert metrics["mesh.cameras_in_solid"].verdict == "fail"


def test_unseen_floor_lowers_the_seen_share_by_its_area(tiny_room: Room) -> None:
    mesh, grid = room_surface(tiny_room), room_grid(tiny_room)
    normals = mesh.face_normals()
    floor = (normals[:, 2] > 0.9) & (np.abs(mesh.triangles[:, :, 2]).max(1) < 1e-6)
    assert mesh.face_areas()[floor].sum() == pytest.approx(28.0)
    blind = TriMesh(vertices=mesh.vertices, faces=mesh.faces, colors=mesh.colors, face_seen=mesh.face_seen & ~floor)
    room_side = mesh.face_areas()[faces_towards_free(mesh, grid)].sum()
    # bottoms of the boxes and faces buried in walls look into matter and don't count
    assert 108.8 < room_side < mesh.face_areas()[mesh.face_seen].sum() - 5
    share = by_name(surface_metrics(blind, grid, tiny_room.cameras))["mesh.seen_share"].value
    assert share == pytest.approx(1 - 28.0 / room_side, abs=1e-5)


def test_depth_of_the_true_mesh_is_exact(tiny_room: Room, tmp_path: Path) -> None:
    world = room_world(tiny_room, tmp_path / "views", metres_per_unit=0.01)  # a capture in centimetres
    mesh = room_surface(tiny_room)
    metrics = by_name(
        depth_metrics(RayCaster(mesh.vertices, mesh.faces), mesh, world, ViewSet(name="input", indices=(0, 5, 9)))
    )
    assert metrics["depth.input.median"].value < 0.0006  # half a step of the stored depth
    assert metrics["depth.input.completeness"].value == 1.0
    assert metrics["depth.input.median"].n == 3 * 160 * 120


def test_depth_of_a_sunken_floor_is_off_by_as_much(tiny_room: Room, tmp_path: Path) -> None:
    """Seen straight from above, a floor 4 cm too low is 4 cm too far, everywhere."""
    above = replace(tiny_room, cameras=camera_path([look(np.array([2.6, 2.0, 1.6]), 0.0, -np.pi / 2)], focal=160.0))
    world = room_world(above, tmp_path / "views")
    mesh = room_surface(tiny_room, shift=(0, 0, -0.04))
    metrics = by_name(depth_metrics(RayCaster(mesh.vertices, mesh.faces), mesh, world, ViewSet(name="held_out", indices=(0,))))
    for part in ("median", "mean", "p90"):
        assert metrics[f"depth.held_out.{part}"].value == pytest.approx(0.04, abs=1e-3)
    assert metrics["depth.held_out.median"].verdict == "fail"
    assert metrics["depth.held_out.completeness"].value == 1.0


def test_a_missing_mesh_is_no_small_error(tiny_room: Room, tmp_path: Path) -> None:
    world = room_world(tiny_room, tmp_path / "views")
    speck = box_trimesh([(np.full(3, 50.0), np.full(3, 51.0))])
    caster = RayCaster(speck.vertices, speck.faces)
    assert np.isinf(check_depth(caster, speck.face_seen, world, 0).error).all()
    lost = by_name(depth_metrics(caster, speck, world, ViewSet(name="input", indices=(0,))))
    assert lost["depth.input.completeness"].value == 0.0 and lost["depth.input.completeness"].verdict == "fail"
    assert lost["depth.input.median"].verdict == "fail"


def test_space_nobody_saw_is_counted_apart(tiny_room: Room, tmp_path: Path) -> None:
    """A blind box before the camera hides the room; were its faces seen, it would be an error."""
    world = room_world(tiny_room, tmp_path / "views")
    room, c2w = room_surface(tiny_room), tiny_room.cameras.c2w[0]
    blind = box_trimesh([(c2w[:3, 3] + 0.6 * c2w[:3, 2] - 0.2, c2w[:3, 3] + 0.6 * c2w[:3, 2] + 0.2)])
    faces = np.concatenate([room.faces, blind.faces + len(room.vertices)])
    seen = np.concatenate([room.face_seen, np.zeros(len(blind.faces), bool)])
    vertices = np.concatenate([room.vertices, blind.vertices])
    mesh = TriMesh(vertices=vertices, faces=faces, colors=np.concatenate([room.colors, blind.colors]), face_seen=seen)
    caster, views = RayCaster(vertices, faces), ViewSet(name="input", indices=(0,))
    apart = by_name(depth_metrics(caster, mesh, world, views))
    assert apart["depth.input.behind_unseen"].value > 0.1
    assert apart["depth.input.p90"].value < 0.001
    shares = apart["depth.input.completeness"].value + apart["depth.input.behind_unseen"].value
    assert shares == pytest.approx(1.0, abs=1e-6), "what nobody saw is missing, and nothing else is"
    assert apart["depth.input.completeness"].n == 160 * 120 > apart["depth.input.median"].n
    assert apart["depth.input.behind_unseen"].verdict in ("warn", "fail")
    mixed = by_name(depth_metrics(caster, replace(mesh, face_seen=np.ones(len(faces), bool)), world, views))
    assert mixed["depth.input.behind_unseen"].value == 0.0 and mixed["depth.input.completeness"].value < 0.9


def test_a_view_of_nothing_but_unseen_space_fails(tiny_room: Room, tmp_path: Path) -> None:
    """No pixel is left to ask how far off the surface is; completeness still knows, and says so."""
    world, c2w = room_world(tiny_room, tmp_path / "views"), tiny_room.cameras.c2w[0]
    blind = replace(box_trimesh([(c2w[:3, 3] - 0.5, c2w[:3, 3] + 0.5)]), face_seen=np.zeros(12, bool))
    found = by_name(depth_metrics(RayCaster(blind.vertices, blind.faces), blind, world, ViewSet(name="input", indices=(0,))))
    assert (found["depth.input.behind_unseen"].value, found["depth.input.behind_unseen"].verdict) == (1.0, "fail")
    assert (found["depth.input.completeness"].value, found["depth.input.completeness"].verdict) == (0.0, "fail")
    assert found["depth.input.median"].verdict == "not-measured"


def test_pictures_and_figures_share_one_error() -> None:
    mesh, truth = np.float32([[1.0, np.nan, 2.0, np.nan]]), np.float32([[1.25, 1.0, np.nan, np.nan]])
    np.testing.assert_array_equal(depth_error(mesh, truth), np.float32([[0.25, np.inf, np.nan, np.nan]]))


def test_held_out_views_are_never_mixed_with_input_views() -> None:
    assert judged_views(64, held_out=(0, 8, 16), at_most=4) == ViewSet(name="held_out", indices=(0, 8, 16))
    assert judged_views(64, held_out=(), at_most=4) == ViewSet(name="input", indices=(0, 21, 42, 63))
    assert judged_views(2, held_out=(), at_most=8).indices == (0, 1)
    assert ViewSet(name="held_out", indices=(0, 8, 16, 24, 32, 40, 48, 56)).spread(4) == (8, 24, 40, 56)
    assert ViewSet(name="input", indices=(3,)).spread(4) == (3,)


def test_camera_order_does_not_matter(tiny_room: Room) -> None:
    path: CameraPath = tiny_room.cameras.select(np.arange(len(tiny_room.cameras))[::-1])
    mesh, grid = room_surface(tiny_room), room_grid(tiny_room)
    assert surface_metrics(mesh, grid, path) == surface_metrics(mesh, grid, tiny_room.cameras)
