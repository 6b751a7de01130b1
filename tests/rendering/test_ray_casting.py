"""Rays against closed boxes, whose answers are known exactly."""

import numpy as np
import pytest

from lyra_sim.data.mesh import Texture
from lyra_sim.rendering.mesh_view import BACKGROUND_RGB, SECTION_RGB, MeshScene
from lyra_sim.rendering.ray_casting import RayCaster
from tests.boxes import box_mesh
from tests.rooms import Room, camera_path, look


def test_camera_depth_equals_the_analytic_room(tiny_room: Room) -> None:
    """Ray-cast z-depth of the room's boxes agrees with the closed form at every pixel."""
    boxes = [(tiny_room.air_low, tiny_room.air_high), *tiny_room.boxes.values()]
    vertices, faces = box_mesh(boxes)
    caster = RayCaster(vertices, faces)
    _, exact = tiny_room.rendered
    for index in (0, 7, 20):
        hits = caster.cast_camera(tiny_room.cameras, index)
        assert hits.hit.all()
        np.testing.assert_allclose(hits.t, exact[index], atol=2e-5)


def test_miss_is_nan_and_has_no_face() -> None:
    vertices, faces = box_mesh([(np.zeros(3), np.ones(3))])
    hits = RayCaster(vertices, faces).cast(np.array([[0.5, 0.5, 3.0], [5.0, 5.0, 3.0]]), np.array([0.0, 0.0, -2.0]))
    assert hits.t[0] == pytest.approx(1.0)  # in lengths of the direction given: 2 m
    assert np.isnan(hits.t[1]) and hits.face[1] == -1 and hits.barycentric[1].sum() == 0


def test_interpolation_reproduces_a_linear_field() -> None:
    vertices, faces = box_mesh([(np.zeros(3), np.ones(3))])
    rng = np.random.default_rng(0)
    origins = np.concatenate([rng.uniform(0, 1, (200, 2)), np.full((200, 1), 2.0)], axis=1)
    hits = RayCaster(vertices, faces).cast(origins, np.array([0.0, 0.0, -1.0]))
    np.testing.assert_allclose(hits.interpolate(faces, vertices)[:, :2], origins[:, :2], atol=1e-6)


def test_distances_to_a_box() -> None:
    vertices, faces = box_mesh([(np.zeros(3), np.ones(3))])
    points = np.array([[0.5, 0.5, 1.25], [0.5, 0.5, 0.9], [2.0, 2.0, 1.0]])
    np.testing.assert_allclose(RayCaster(vertices, faces).distances(points), [0.25, 0.1, np.sqrt(2)], atol=1e-6)


@pytest.fixture
def two_boxes() -> MeshScene:
    """A red column that stands in a white slab."""
    slab, column = [(0.0, 0.0, -0.2), (2.0, 1.0, 0.0)], [(1.5, 0.0, -0.1), (2.0, 0.5, 3.0)]
    vertices, faces = box_mesh([tuple(map(np.array, slab)), tuple(map(np.array, column))])
    colors = np.repeat(np.array([[255, 255, 255], [255, 0, 0]], np.uint8), 8, axis=0)
    return MeshScene(vertices, faces, colors)


def test_plan_shows_floor_section_and_background(two_boxes: MeshScene) -> None:
    plan = two_boxes.top_down(low=np.array([-1.0, 0.0]), high=np.array([2.0, 1.0]), metres_per_pixel=0.5, cut_z=1.0)
    assert plan.shape == (2, 6, 3)
    assert tuple(plan[0, 0]) == BACKGROUND_RGB
    assert tuple(plan[1, 5]) == SECTION_RGB  # the column, cut: bottom right, since y points up
    assert plan[0, 4].min() > 200  # floor beside it


def test_cutaway_from_straight_above_equals_the_plan(two_boxes: MeshScene) -> None:
    picture = two_boxes.cutaway(azimuth=-np.pi / 2, elevation=np.pi / 2, width=104, cut_z=1.0)
    assert tuple(picture[-8, -8]) == SECTION_RGB
    assert tuple(picture[0, 0]) == BACKGROUND_RGB
    assert picture[20, 30].min() > 200  # floor


def test_view_colours_come_from_the_vertices(two_boxes: MeshScene) -> None:
    cameras = camera_path([look(np.array([-1.0, 0.25, 1.0]), 0.0, 0.0)], width=64, height=48, focal=64.0)
    view = two_boxes.view(cameras, 0)
    assert tuple(view.rgb[24, 32]) == (255, 0, 0)
    assert view.z_depth[24, 32] == pytest.approx(2.5, abs=1e-5)
    assert np.isnan(view.z_depth[0, 0]) and tuple(view.rgb[0, 0]) == BACKGROUND_RGB
    behind = two_boxes.view(cameras, 0, near=2.7)  # starts inside the column and leaves through its far side
    assert behind.z_depth[24, 32] == pytest.approx(3.0, abs=1e-5)


def test_textured_faces_show_their_texture() -> None:
    """A unit square whose left half is blue and right half yellow, v up; the other faces keep their corners' colour."""
    vertices, faces = box_mesh([(np.zeros(3), np.ones(3))])
    top = np.flatnonzero((vertices[faces][:, :, 2] == 1).all(1)).astype(np.int32)
    image = np.array([[[0, 0, 255], [255, 255, 0]], [[0, 0, 100], [100, 100, 0]]], np.uint8)
    texture = Texture(image=image, face_index=top, uv=vertices[faces[top]][:, :, :2].copy(), metres_per_texel=0.5)
    scene = MeshScene(vertices, faces, np.full((8, 3), 200, np.uint8), texture)
    cameras = camera_path([look(np.array([0.5, 0.5, 2.0]), np.pi / 2, -np.pi / 2)], width=40, height=40, focal=30.0)
    rgb = scene.view(cameras, 0).rgb  # looking down with +y up in the picture
    assert tuple(rgb[10, 10]) == (0, 0, 255) and tuple(rgb[10, 30]) == (255, 255, 0)
    assert tuple(rgb[30, 10]) == (0, 0, 100) and tuple(rgb[30, 30]) == (100, 100, 0)
    side = scene.view(camera_path([look(np.array([-1.0, 0.5, 0.5]), 0.0, 0.0)]), 0).rgb
    assert tuple(side[60, 80]) == (200, 200, 200)
