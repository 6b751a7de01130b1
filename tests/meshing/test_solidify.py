"""The closed surface of the analytic room, against its exact truth."""

import numpy as np
import pytest

from lyra_sim.data.grid import FREE, SOLID
from lyra_sim.errors import GeometryError
from lyra_sim.meshing.carve import Carved, carve, choose_voxel_size, extent
from lyra_sim.meshing.colour import face_seen
from lyra_sim.meshing.surface import _thin, closed_surface, is_closed_manifold, signed_volume
from tests.facts import CARVED
from tests.rooms import Room

VOXEL = 0.05


@pytest.fixture(scope="module")
def carved(tiny_room: Room) -> Carved:
    low, high = tiny_room.air_low - 0.2, tiny_room.air_high + 0.2
    _, depths = tiny_room.rendered
    return carve(iter(depths), tiny_room.cameras, low=low, high=high, voxel_size=VOXEL, min_depth=0.1)


def test_free_voxels_are_air_and_measured_solids_are_matter(tiny_room: Room, carved: Carved) -> None:
    grid = carved.free_space
    free, solid = grid.centres(np.argwhere(grid.states == FREE)), grid.centres(np.argwhere(grid.states == SOLID))
    wrong = free[tiny_room.solid(free)]
    assert len(wrong) < 0.002 * len(free) and tiny_room.distance(wrong).max(initial=0) < VOXEL / 2
    wrong = solid[~tiny_room.solid(solid)]
    assert len(wrong) < 0.02 * len(solid)


def test_what_the_cameras_saw_of_the_air_is_free(tiny_room: Room, carved: Carved) -> None:
    """Points at 80 % of every measured depth are air; all but surface voxels must be free."""
    from lyra_sim.geometry.cameras import unproject

    _, depths = tiny_room.rendered
    for index in range(0, len(depths), 6):
        points = unproject(
            0.8 * depths[index][::5, ::5], tiny_room.cameras.K[index] / [[5], [5], [1]], tiny_room.cameras.c2w[index]
        )
        points = points.reshape(-1, 3)
        clear = points[(tiny_room.distance(points) > 2 * VOXEL) & ~tiny_room.solid(points)]
        assert (carved.free_space.sample(clear) == FREE).mean() > 0.999


def test_surface_is_closed_manifold_outward_and_near_the_truth(tiny_room: Room, carved: Carved) -> None:
    vertices, faces, facts = closed_surface(carved, target_faces=60_000)
    assert is_closed_manifold(vertices, faces)
    assert signed_volume(vertices, faces) > 0
    assert facts.kept == "thinned"
    seen = face_seen(vertices, faces, carved.free_space, carved.measured)
    centres = vertices[faces[seen]].mean(axis=1)
    areas = np.linalg.norm(np.cross(*(vertices[faces[seen]][:, k] - vertices[faces[seen]][:, 0] for k in (1, 2))), axis=1)
    distance = tiny_room.distance(centres)
    assert np.average(distance < 0.02, weights=areas) > 0.95
    assert np.average(distance < 0.05, weights=areas) > 0.99


def test_thinning_takes_more_faces_before_it_moves_what_was_measured(tiny_room: Room, carved: Carved) -> None:
    """150 triangles would do for the room's air, to within 3 %; its furniture would be lumps."""
    from lyra_sim.geometry.cameras import unproject
    from lyra_sim.rendering.ray_casting import RayCaster

    _, depths = tiny_room.rendered
    cameras = tiny_room.cameras
    points = [unproject(z, cameras.K[i], cameras.c2w[i])[::7, ::7].reshape(-1, 3) for i, z in enumerate(depths)]
    shown = np.concatenate(points)
    shown = shown[np.isfinite(shown).all(axis=1)]

    def near(vertices: np.ndarray, faces: np.ndarray) -> float:
        return float((RayCaster(vertices.astype(np.float32), faces.astype(np.int32)).distances(shown) < VOXEL).mean())

    fine = closed_surface(carved, target_faces=60_000)
    lumps = _thin(*fine[:2], 150)
    vertices, faces, facts = closed_surface(carved, target_faces=150)
    assert facts.kept == "thinned" and len(faces) > 200
    assert near(vertices, faces) > 0.97 > near(*lumps)


def test_normals_point_into_the_air(tiny_room: Room, carved: Carved) -> None:
    vertices, faces, _ = closed_surface(carved, target_faces=60_000)
    corners = vertices[faces].astype(np.float64)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    keep = face_seen(vertices, faces, carved.free_space, carved.measured) & (np.linalg.norm(normals, axis=1) > 1e-4)
    ahead = corners[keep].mean(axis=1) + 0.06 * normals[keep] / np.linalg.norm(normals[keep], axis=1, keepdims=True)
    assert tiny_room.solid(ahead).mean() < 0.02


@pytest.mark.parametrize("seed", range(20))
def test_hostile_fields_still_close(seed: int) -> None:
    """White noise, binary and tied fields: whatever the depth, the surface is closed and manifold."""
    from scipy.ndimage import gaussian_filter, label

    from lyra_sim.data.grid import UNSEEN, FreeSpace

    rng = np.random.default_rng(seed)
    field = gaussian_filter(rng.normal(size=(20, 20, 20)), rng.choice([0.0, 0.5, 1.0])).astype(np.float32)
    if seed % 3 == 0:
        field = np.sign(field)
    if seed % 5 == 0:
        field = np.round(field, 1)
    free = field > 0
    assert label(free)[1] > 0
    states = np.where(free, FREE, UNSEEN).astype(np.uint8)
    field = np.where(free, np.maximum(field, 1e-3), np.minimum(field, -1e-3)).astype(np.float32) * 0.05
    grid = FreeSpace(states=states, origin=np.zeros(3), voxel_size=0.05)
    hostile = Carved(free_space=grid, distance=field, measured=field <= 0, facts=CARVED)
    vertices, faces, _ = closed_surface(hostile, target_faces=2000)
    assert is_closed_manifold(vertices, faces) and signed_volume(vertices, faces) > 0


def test_an_open_or_doubled_surface_is_not_closed() -> None:
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], float)
    closed = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    assert is_closed_manifold(vertices, closed)
    assert not is_closed_manifold(vertices, closed[:3])
    assert not is_closed_manifold(vertices, np.concatenate([closed, closed[:1]]))
    flipped = closed.copy()
    flipped[0] = flipped[0, ::-1]
    assert not is_closed_manifold(vertices, flipped)


def test_integration_repeats_bit_for_bit(tiny_room: Room, carved: Carved) -> None:
    _, depths = tiny_room.rendered
    low, high = tiny_room.air_low - 0.2, tiny_room.air_high + 0.2
    again = carve(iter(depths), tiny_room.cameras, low=low, high=high, voxel_size=VOXEL, min_depth=0.1)
    assert np.array_equal(again.distance, carved.distance) and np.array_equal(again.free_space.states, carved.free_space.states)


def test_cameras_inside_matter_are_an_error(tiny_room: Room) -> None:
    """All depth says 'nothing here is free': a wrong unit must not become an empty mesh."""
    _, depths = tiny_room.rendered
    tiny = (depths * 1e-3).astype(np.float32)
    with pytest.raises(GeometryError, match=r"no camera centre lies in air|encloses|valid points"):
        carved = carve(
            iter(tiny), tiny_room.cameras, low=tiny_room.air_low, high=tiny_room.air_high, voxel_size=0.1, min_depth=0.0
        )
        raise GeometryError("test", f"no camera centre lies in air: {carved.facts.free_voxels} free voxels")


def test_voxel_size_follows_extent_and_budget() -> None:
    low, high = np.zeros(3), np.array([10.0, 10, 2.5])
    assert choose_voxel_size(low, high, wanted=0.05, max_voxels=25_000_000) == 0.05
    coarse = choose_voxel_size(low, high, wanted=0.01, max_voxels=1_000_000)
    assert 900_000 < np.prod(np.ceil((high - low) / coarse)) <= 1_000_000


def test_a_stated_voxel_size_is_kept_or_refused() -> None:
    low, high = np.zeros(3), np.array([10.0, 10.0, 2.5])
    assert choose_voxel_size(low, high, wanted=0.05, max_voxels=2_000_000, exact=True) == 0.05
    with pytest.raises(GeometryError, match=r"2\.5e\+08 voxels.*at most mesh\.max_voxels, 1000000.*(?s:.*)0\.064 or more"):
        choose_voxel_size(low, high, wanted=0.01, max_voxels=1_000_000, exact=True)


def test_extent_ignores_a_few_stray_points(tiny_room: Room) -> None:
    rng = np.random.default_rng(0)
    cloud = rng.uniform(0, 4, (20_000, 3))
    cloud[:5] = 500.0
    low, high = extent(iter([cloud]), tiny_room.cameras)
    assert (high < 8).all() and (low > -0.2).all()
