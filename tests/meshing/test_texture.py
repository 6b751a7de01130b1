"""The photo texture: what a point of the atlas shows is what the analytic room looks like there."""

import numpy as np
import pytest

from lyra_sim.data.mesh import Texture, TriMesh
from lyra_sim.meshing.texture import bake
from tests.boxes import box_trimesh
from tests.rooms import Room


@pytest.fixture(scope="module")
def shell(tiny_room: Room) -> TriMesh:
    """The room's outer walls as twelve big triangles facing the air: vertex colours could never carry a checker."""
    return box_trimesh([(tiny_room.air_low, tiny_room.air_high)], inside_out=True)


@pytest.fixture(scope="module")
def texture(tiny_room: Room, shell: TriMesh) -> Texture:
    images, depths = tiny_room.rendered
    baked = bake(shell, tiny_room.cameras, lambda k: images[k], lambda k: depths[k], metres_per_texel=0.02, tolerance=0.03)
    assert baked is not None
    return baked


def test_texels_show_the_checkers(tiny_room: Room, shell: TriMesh, texture: Texture) -> None:
    """Squares of 25 cm differ by 24 levels; at their centres the texture must have the right one."""
    rng = np.random.default_rng(0)
    face = rng.integers(0, len(texture.face_index), 6000)
    weights = rng.dirichlet(np.ones(3), 6000)
    points = np.einsum("nk,nki->ni", weights, shell.triangles[texture.face_index[face]].astype(np.float64))
    st = np.einsum("nk,nki->ni", weights, texture.uv[face].astype(np.float64))
    height, width = texture.image.shape[:2]
    column = np.clip((st[:, 0] * width).astype(int), 0, width - 1)
    row = np.clip(((1 - st[:, 1]) * height).astype(int), 0, height - 1)
    shown = texture.image[row, column].astype(int)

    inside = np.array([3.0, 2.0, 1.2])
    t, true = tiny_room.cast(inside, points - inside)
    square = (
        np.abs((points * 4) % 1 - 0.5).max(axis=1) < 0.3
    )  # away from the edges of squares; walls lie on an edge in one axis
    on_face = (np.isclose(points, 0, atol=1e-3) | np.isclose(points, tiny_room.air_high, atol=1e-3)).any(axis=1)
    across = np.isclose(points, 0, atol=1e-3) | np.isclose(points, tiny_room.air_high, atol=1e-3)
    square = (np.where(across, 0, np.abs((points * 4) % 1 - 0.5)) < 0.3).all(axis=1)
    visible = np.isclose(t, 1.0, atol=1e-3) & square & on_face
    assert visible.sum() > 500
    error = np.abs(shown[visible] - true[visible]).max(axis=1)
    assert (error < 8).mean() > 0.9


def test_the_wanted_resolution_is_kept(shell: TriMesh, texture: Texture) -> None:
    assert texture.metres_per_texel == 0.02
    texels = texture.image.shape[0] * texture.image.shape[1]
    assert 1.0 < texels * 0.02**2 / shell.face_areas().sum() < 2.5


def test_round_trip(texture: Texture, tmp_path) -> None:
    texture.save(tmp_path)
    again = Texture.load(tmp_path)
    np.testing.assert_array_equal(again.image, texture.image)
    np.testing.assert_array_equal(again.uv, texture.uv)


def test_nothing_seen_is_no_texture(tiny_room: Room, shell: TriMesh) -> None:
    blind = TriMesh(vertices=shell.vertices, faces=shell.faces, colors=shell.colors, face_seen=np.zeros(len(shell.faces), bool))
    images, depths = tiny_room.rendered
    assert (
        bake(blind, tiny_room.cameras, lambda k: images[k], lambda k: depths[k], metres_per_texel=0.02, tolerance=0.03) is None
    )
