"""F-scores and map agreement where the right answer can be worked out by hand."""

from pathlib import Path

import numpy as np
import pytest

from lyra_sim.data.occupancy import FREE_CELL, OCCUPIED, UNKNOWN, OccupancyMap
from lyra_sim.errors import InputError
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.quality.assessment import LoadedTruth
from lyra_sim.quality.truth.maps import map_metrics
from lyra_sim.quality.truth.surface import TrueSurface, sample_surface, seen_by_depth, surface_distances, truth_metrics
from lyra_sim.rendering.ray_casting import RayCaster
from tests.quality.worlds import room_surface, room_world
from tests.rooms import Room


@pytest.fixture
def truth(tiny_room: Room) -> TrueSurface:
    mesh = room_surface(tiny_room)
    return TrueSurface(vertices=mesh.vertices.astype(np.float64), faces=mesh.faces)


def test_a_mesh_against_itself_is_perfect(tiny_room: Room, truth: TrueSurface, tmp_path: Path) -> None:
    world, mesh = room_world(tiny_room, tmp_path / "views"), room_surface(tiny_room)
    metrics = {m.name: m for m in truth_metrics(*surface_distances(mesh, mesh.face_seen, truth, world, seed=7, samples=8000))}
    assert metrics["truth.f_score_2cm"].value == 1.0 and metrics["truth.f_score_5cm"].value == 1.0
    assert metrics["truth.accuracy"].value < 1e-6 and metrics["truth.completeness"].value < 1e-6
    assert metrics["truth.recall_5cm"].n == 8000


def test_a_shift_of_three_centimetres_lies_between_the_thresholds() -> None:
    """Every point of an endless floor 3 cm off is 3 cm off: nothing at 2 cm, all at 5 cm."""
    distances = np.full(1000, 0.03, np.float32)
    metrics = {m.name: m for m in truth_metrics(distances, distances)}
    assert metrics["truth.accuracy"].value == pytest.approx(0.03)
    assert (metrics["truth.f_score_2cm"].value, metrics["truth.f_score_5cm"].value) == (0.0, 1.0)


def test_shifted_room_has_the_recall_geometry_predicts(tiny_room: Room, truth: TrueSurface, tmp_path: Path) -> None:
    """Raised by 3 cm, only horizontal surfaces leave the 2 cm band: floor, ceiling, tops."""
    world = room_world(tiny_room, tmp_path / "views")
    raised = room_surface(tiny_room, shift=(0, 0, 0.03))
    judged = raised.face_seen & (np.arange(len(raised.faces)) < 12)  # the air box alone: 28 m2 twice, and 52.8 m2 of wall
    to_truth, _ = surface_distances(raised, judged, truth, world, seed=7, samples=8000)
    horizontal = 56.0 / (56.0 + 2 * 2.4 * 11.0)
    near_things = np.mean(to_truth < 0.02)
    assert near_things == pytest.approx(1 - horizontal, abs=0.04)
    assert np.mean(to_truth < 0.05) == 1.0


def test_f_score_is_the_harmonic_mean() -> None:
    half = np.array([0.0, 1.0], np.float32)
    metrics = {m.name: m for m in truth_metrics(half, np.zeros(4, np.float32))}
    assert metrics["truth.f_score_5cm"].value == pytest.approx(2 * 0.5 / 1.5)
    assert metrics["truth.f_score_5cm"].verdict == "fail"


def test_no_samples_is_not_measured() -> None:
    metrics = truth_metrics(np.zeros(0, np.float32), np.zeros(3, np.float32))
    by_name = {metric.name: metric.verdict for metric in metrics}
    assert by_name["truth.accuracy"] == by_name["truth.f_score_5cm"] == "not-measured"
    assert by_name["truth.completeness"] == "pass"


def test_only_truth_that_a_camera_saw_is_asked_about(tiny_room: Room, truth: TrueSurface, tmp_path: Path) -> None:
    world = room_world(tiny_room, tmp_path / "views")
    behind_wall = np.array([[2.0, -0.1, 1.2], [7.1, 2.0, 1.0]])  # outer skin: within the tolerance of a far wall's depth
    c2w, z = world.cameras.c2w[0], world.z_depth(0)[60, 80]
    hit = c2w[:3, 3] + z * c2w[:3, 2]  # principal point is the corner of pixel (60, 80)
    seen = seen_by_depth(np.concatenate([behind_wall, hit[None]]), RayCaster(truth.vertices, truth.faces), world)
    assert seen.tolist() == [False, False, True]


def test_samples_are_uniform_by_area() -> None:
    triangles = np.array([[[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[5, 0, 0], [8, 0, 0], [5, 3, 0]]], float)
    points = sample_surface(triangles, 20_000, np.random.default_rng(1))
    assert np.mean(points[:, 0] >= 5) == pytest.approx(0.9, abs=0.01)
    small = points[points[:, 0] < 5]
    np.testing.assert_allclose(small.mean(0), [1 / 3, 1 / 3, 0], atol=0.02)


def test_missing_truth_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"truth\.mesh: the file is missing"):
        TrueSurface.load([tmp_path / "nowhere.glb"])


@pytest.mark.parametrize("name", ["junk.glb", "junk.ply", "junk.obj", "points.ply", "junk.xyzzy"])
def test_a_truth_file_that_is_none_is_one_input_error(name: str, tmp_path: Path) -> None:
    text = "ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float y\nproperty float z\nend_header\n1 2 3\n"
    (tmp_path / name).write_bytes(text.encode() if name == "points.ply" else bytes(range(256)) * 3)
    with pytest.raises(InputError, match=r"truth\.mesh:"):
        TrueSurface.load([tmp_path / name])


def test_a_surface_nobody_saw_finds_no_truth(tiny_room: Room, truth: TrueSurface, tmp_path: Path) -> None:
    """The room's furniture as a guess: right to the millimetre, and yet not reconstructed."""
    world, mesh = room_world(tiny_room, tmp_path / "views"), room_surface(tiny_room)
    walls_only = mesh.face_seen & (np.arange(len(mesh.faces)) < 12)
    _, to_walls = surface_distances(mesh, walls_only, truth, world, seed=7, samples=8000)
    assert np.mean(to_walls < 0.05) < 0.9 and to_walls.max() > 0.3
    nobody = surface_distances(mesh, np.zeros(len(mesh.faces), bool), truth, world, seed=7, samples=500)
    figures = {metric.name: metric for metric in truth_metrics(*nobody)}
    assert figures["truth.recall_5cm"].value == 0.0
    assert figures["truth.completeness"].verdict == figures["truth.f_score_5cm"].verdict == "not-measured"


def test_truth_files_keep_their_node_transforms(tmp_path: Path) -> None:
    import trimesh

    scene = trimesh.Scene()
    scene.add_geometry(trimesh.creation.box(), transform=trimesh.transformations.translation_matrix([10, 0, 0]))
    scene.export(tmp_path / "box.glb")
    surface = TrueSurface.load([tmp_path / "box.glb", tmp_path / "box.glb"])
    assert len(surface.faces) == 24
    np.testing.assert_allclose(surface.vertices.min(0), [9.5, -0.5, -0.5])


def map_of(rows: list[str], *, origin: tuple[float, float] = (0, 0), resolution: float = 0.05) -> OccupancyMap:
    """Rows as one reads a map: first row is +y. ``#`` occupied, ``.`` free, anything else unknown."""
    grey = np.array([[{"#": OCCUPIED, ".": FREE_CELL}.get(c, UNKNOWN) for c in row] for row in rows], np.uint8)
    return OccupancyMap(cells=np.ascontiguousarray(grey[::-1].T), origin=np.array(origin, float), resolution=resolution)


def map_values(ours: OccupancyMap, theirs: OccupancyMap, world_from_theirs: Similarity) -> tuple[float | None, float | None]:
    free, recall = map_metrics(ours, theirs, world_from_theirs=world_from_theirs)
    return free.value, recall.value


def test_a_map_against_itself() -> None:
    rows = ["######", "#....#", "#....#", "######"]
    assert map_values(map_of(rows), map_of(rows), Similarity.identity()) == (1.0, 1.0)


def test_a_free_cell_on_their_wall_costs_precision_and_unknown_is_not_asked() -> None:
    ours = map_of(["....", "...."])
    theirs = map_of(["..#?", "..??"])
    free, recall = map_values(ours, theirs, Similarity.identity())
    assert free == pytest.approx(4 / 5)
    assert recall == 0.0  # their one wall cell, near what we observed, and we have none


def test_recall_reaches_two_cells_and_ignores_walls_nobody_observed() -> None:
    ours = map_of(["#.........................."])
    theirs = map_of(["..#...#....................         #"])
    # cell 2 is 10 cm from our wall: found; cell 6 is 30 cm away: missed; cell 36 is far from all we saw: not asked
    assert map_values(ours, theirs, Similarity.identity())[1] == pytest.approx(0.5)


def test_maps_in_another_frame_are_brought_over() -> None:
    rows = ["######", "#....#", "#..#.#", "######"]
    quarter = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    world_from_theirs = Similarity(scale=0.01, rotation=quarter, translation=np.array([3.0, 1.0, 0.2]))
    theirs = map_of(rows, origin=(-7.0, 4.0), resolution=5.0)  # centimetres
    cells = np.rot90(theirs.cells, 1)  # what the same room looks like turned by a quarter: new x = -y, new y = x
    corner = world_from_theirs.apply(np.array([-7.0, 4.0 + 4 * 5.0, 0.0]))[:2]
    ours = OccupancyMap(cells=np.ascontiguousarray(theirs.cells.T[::-1]), origin=corner, resolution=0.05)
    assert cells.shape == ours.cells.shape
    assert map_values(ours, theirs, world_from_theirs) == (1.0, 1.0)


def test_truth_in_usd_is_read_and_what_it_leaves_out_is_told(tmp_path: Path) -> None:
    """Points of a stage are no surface: the box is the truth, and the console says what isn't."""
    from pxr import Usd, UsdGeom

    stage = Usd.Stage.CreateNew(str(tmp_path / "truth.usda"))
    UsdGeom.Cube.Define(stage, "/box").CreateSizeAttr(2.0)
    UsdGeom.Points.Define(stage, "/dust").CreatePointsAttr([(0, 0, 0), (1, 1, 1)])
    stage.GetRootLayer().Save()
    surface = TrueSurface.load([tmp_path / "truth.usda"])
    np.testing.assert_allclose([surface.vertices.min(0), surface.vertices.max(0)], [[-1] * 3, [1] * 3])
    (line,) = LoadedTruth(collision=surface).told
    assert line.startswith("truth: truth.usda: 1 Points prims left out")
