"""Surfaces laid flat: nothing folded over, nothing lying on anything else, nothing stretched much."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.transform import Rotation

from lyra_sim.data.mesh import TriMesh
from lyra_sim.errors import GeometryError
from lyra_sim.meshing.charts import PADDING, SLANT_DEG, Atlas, laid_flat
from tests.boxes import box_trimesh

TEXEL = 0.05


def surface(vertices: np.ndarray, faces: np.ndarray) -> TriMesh:
    return TriMesh(
        vertices=vertices.astype(np.float32),
        faces=faces.astype(np.int32),
        colors=np.full((len(vertices), 3), 128, np.uint8),
        face_seen=np.ones(len(faces), bool),
    )


def grid_faces(rows: int, columns: int) -> np.ndarray:
    first = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    return np.concatenate(
        [np.stack([first, first + columns, first + 1], 1), np.stack([first + columns, first + columns + 1, first + 1], 1)]
    )


def spiral_ramp() -> TriMesh:
    """Two turns of a ramp, 1 m wide, that climbs 2.5 m a turn: it passes over itself and is connected all the way."""
    angle = np.linspace(0, 4 * np.pi, 160)
    radius = np.linspace(2.0, 3.0, 6)
    a, r = np.meshgrid(angle, radius, indexing="ij")
    points = np.stack([r * np.cos(a), r * np.sin(a), a / (2 * np.pi) * 2.5], axis=-1).reshape(-1, 3)
    return surface(points, grid_faces(160, 6)[:, ::-1])


def ball() -> TriMesh:
    polar, around = np.meshgrid(np.linspace(0.05, np.pi - 0.05, 40), np.linspace(0, 2 * np.pi, 80), indexing="ij")
    points = np.stack([np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar)], axis=-1).reshape(-1, 3)
    return surface(points, grid_faces(40, 80))


def flat(mesh: TriMesh, texel: float = TEXEL) -> Atlas:
    return laid_flat(mesh, np.arange(len(mesh.faces), dtype=np.int32), texel)


def signed_areas(atlas: Atlas) -> np.ndarray:
    one, other = atlas.corners[:, 1] - atlas.corners[:, 0], atlas.corners[:, 2] - atlas.corners[:, 0]
    return (one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]) / 2


@pytest.mark.parametrize("mesh", [spiral_ramp(), ball(), box_trimesh([(np.zeros(3), np.array([2.0, 1.0, 0.04]))])])
def test_no_face_lies_on_another(mesh: TriMesh) -> None:
    """Texel centres are counted per face; one that lies in two would be missing from one of them."""
    atlas = flat(mesh, 0.005)
    held = np.bincount(atlas.face[(atlas.face >= 0) & (atlas.weights.min(axis=-1) >= 0)], minlength=len(mesh.faces))
    size = np.abs(signed_areas(atlas))
    assert abs(held.sum() / size.sum() - 1) < 0.01
    large = size > 100
    assert large.sum() > 10
    assert (held[large] / size[large]).min() > 0.7


@pytest.mark.parametrize("mesh", [spiral_ramp(), ball()])
def test_no_face_is_squeezed_or_stretched(mesh: TriMesh) -> None:
    atlas = flat(mesh)
    areas = np.abs(signed_areas(atlas)) * atlas.metres_per_texel**2
    assert (areas / mesh.face_areas()).min() > np.cos(np.radians(SLANT_DEG)) - 0.01
    assert (areas / mesh.face_areas()).max() < 1.01


def test_patches_keep_apart() -> None:
    """Texels at a border reach half a texel beyond it; PADDING free ones are left between those of two patches."""
    turn = Rotation.from_euler("zyx", [0.4, 0.3, 0.9]).as_matrix()
    box = box_trimesh([(np.array([n, 0.0, 0.0]), np.array([n + 0.1 * n, 0.3 + 0.2 * n, 1.0])) for n in range(1, 8)])
    atlas = flat(surface(box.vertices @ turn.T, box.faces), 0.03)
    side = np.where(atlas.face < 0, -1, atlas.face // 2)
    for one in range(len(box.faces) // 2):
        grown = ndimage.binary_dilation(side == one, np.ones((3, 3), bool), PADDING)
        assert (side == one).sum() > 20
        assert set(np.unique(side[grown])) <= {-1, one}


def test_a_room_takes_one_chart_a_wall() -> None:
    """Corners that two faces share in space are shared in the image where the faces are of one wall."""
    atlas = flat(box_trimesh([(np.zeros(3), np.array([3.0, 2.0, 2.5]))], inside_out=True))
    assert len(np.unique(atlas.corners.reshape(-1, 2).round(2), axis=0)) == 6 * 4


def test_an_atlas_grows_coarser_rather_than_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lyra_sim.meshing.charts.MAX_SIDE", 100)
    atlas = flat(ball())
    assert max(atlas.face.shape) <= 100
    assert atlas.metres_per_texel > TEXEL


def test_what_no_image_can_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lyra_sim.meshing.charts.MAX_SIDE", 40)
    monkeypatch.setattr("lyra_sim.meshing.charts.LEAST", 2.0)
    with pytest.raises(GeometryError, match="6162 pieces of surface"):
        flat(ball())


def test_faces_without_an_area_harm_nothing() -> None:
    mesh = box_trimesh([(np.zeros(3), np.ones(3))])
    faces = np.concatenate([mesh.faces, [[0, 0, 1], [2, 2, 2]]])
    vertices = np.concatenate([mesh.vertices, [[0.5, 0.0, 0.0]]])
    faces = np.concatenate([faces, [[0, len(vertices) - 1, 4]]])  # three corners on a line
    atlas = flat(surface(vertices, faces))
    assert np.isfinite(atlas.corners).all()
    assert np.abs(signed_areas(atlas)[:12]).sum() * TEXEL**2 == pytest.approx(6, rel=0.01)


def test_the_same_surface_is_laid_out_the_same() -> None:
    np.testing.assert_array_equal(flat(spiral_ramp()).corners, flat(spiral_ramp()).corners)
