"""Paths from files: the same cameras whatever the format, in the right place, clear, and refused where they make no sense."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lyra_sim.data.capture import Capture
from lyra_sim.errors import FrameError, GeometryError, InputError
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.scene.generate import FilePath, GenerateConfig
from lyra_sim.trajectories.known_surface import known_surface
from lyra_sim.trajectories.path import GeneratedPath, camera_path
from lyra_sim.trajectories.path_file import inside
from tests.rooms import Room, look
from tests.trajectories.rooms import of_views, write_lyra, write_transforms


def stroll(count: int = 170, *, end: tuple[float, float] = (3.0, 2.2)) -> np.ndarray:
    """Cameras from (1, 1.8) to ``end``, looking about."""
    at = np.linspace(0, 1, count)
    return np.stack([look(np.array([1 + s * (end[0] - 1), 1.8 + s * (end[1] - 1.8), 1.3]), 0.5 * s, -0.1) for s in at])


def path_of(capture: Capture, file: Path, *, chunks: int = 2, clearance: float = 0.2, **options: object) -> GeneratedPath:
    path = FilePath.model_validate({"file": file, **options})
    return camera_path(capture, GenerateConfig(path=path, chunks=chunks, clearance=clearance, side=256))


@pytest.mark.parametrize("write", [write_lyra, write_transforms])
def test_it_is_read_as_it_was_written(flat_capture: Capture, tmp_path: Path, write) -> None:
    file = write(tmp_path / f"path{'.npz' if write is write_lyra else '.json'}", stroll())
    path = path_of(flat_capture, file)
    assert len(path.cameras) == 161 and path.facts.frames_in_file == 170
    np.testing.assert_allclose(path.cameras.c2w, stroll()[:161], atol=2e-6)
    assert path.facts.kind == "file" and path.facts.clearance.frames_moved == 0
    # 1280 × 720 into 256 × 192: scaled by 192 / 720, cut to the middle
    assert (path.cameras.width, path.cameras.height) == (256, 192)
    scale = 192 / 720
    K = np.array([[800 * scale, 0, 128], [0, 800 * scale, 96], [0, 0, 1]])
    np.testing.assert_allclose(path.cameras.K[5], K, atol=1e-4)


@pytest.mark.parametrize(("count", "chunks", "frames"), [(81, 3, 81), (240, 3, 161), (241, 3, 241), (400, 3, 241)])
def test_it_is_cut_to_whole_chunks(flat_capture: Capture, tmp_path: Path, count: int, chunks: int, frames: int) -> None:
    file = write_lyra(tmp_path / "path.npz", stroll(count))
    assert len(path_of(flat_capture, file, chunks=chunks, clearance=0.0).cameras) == frames


def test_unit_and_first_camera_place_it(flat_capture: Capture, tmp_path: Path) -> None:
    """A path in centimetres around its own first camera begins at the first photo, and goes on as far."""
    own = stroll(81, end=(1.5, 1.9))
    relative = np.linalg.inv(own[0]) @ own
    in_cm = relative.copy()
    in_cm[:, :3, 3] *= 100
    capture = of_views(flat_capture, 7, 8, 9)
    path = path_of(capture, write_lyra(tmp_path / "path.npz", in_cm), frame="first_camera", metres_per_unit=0.01)
    np.testing.assert_array_equal(path.cameras.c2w[0], capture.cameras.c2w[0])
    np.testing.assert_allclose(path.cameras.c2w, capture.cameras.c2w[0] @ relative, atol=1e-5)


def test_the_capture_frame_may_be_any(flat_capture: Capture, tmp_path: Path) -> None:
    turn = look(np.zeros(3), 0.7, 0.2)[:3, :3]
    other = Similarity(scale=3.0, rotation=turn, translation=np.array([4.0, -2.0, 1.0]))
    moved = replace(flat_capture, cameras=flat_capture.cameras.moved(other), world_from_capture=other.inverse)
    file = write_lyra(tmp_path / "path.npz", stroll())
    path = path_of(moved, file, clearance=0.0)
    np.testing.assert_allclose(path.cameras.moved(other.inverse).c2w, stroll()[:161], atol=2e-6)


def test_it_is_bent_aside_from_what_it_brushes(flat: Room, flat_capture: Capture, tmp_path: Path) -> None:
    at = np.linspace(0, 1, 161)
    brushing = np.stack([look(np.array([1 + 2.5 * s, 2 - 1.92 * np.sin(np.pi * s), 1.2]), 0.3, 0.0) for s in at])
    path = path_of(flat_capture, write_lyra(tmp_path / "path.npz", brushing))
    distance, kept = flat.distance(path.cameras.centres), path.facts.clearance
    assert len(path.cameras) == 161 and distance.min() > 0.19
    assert kept.least_before_m == pytest.approx(0.08, abs=0.01) and kept.least_m > 0.19
    assert 5 < kept.frames_moved < 100 and 0.1 < kept.largest_shift_m < 0.2
    np.testing.assert_allclose(path.cameras.c2w[:, :3, :3], brushing[:, :3, :3], atol=1e-6)
    shift = path.cameras.centres - brushing[:, :3, 3]
    assert np.linalg.norm(np.diff(shift, n=2, axis=0), axis=1).max() < 0.005


def test_it_ends_before_a_wall(flat: Room, flat_capture: Capture, tmp_path: Path) -> None:
    """Through the inner wall into the next room, where it would be free again."""
    through = np.stack([look(np.array([2 + 3.2 * s, 3.0, 1.2]), 0.0, 0.0) for s in np.linspace(0, 1, 241)])
    path = path_of(flat_capture, write_lyra(tmp_path / "path.npz", through), chunks=3)
    assert len(path.cameras) == 81 and path.facts.clearance.way_kept == pytest.approx(81 / 241, abs=1e-3)
    with pytest.raises(GeometryError, match=r"(?s)path\.npz: only its first \d\d cameras can be kept 0\.2 m clear.*81 or more"):
        path_of(flat_capture, write_lyra(tmp_path / "path.npz", through[60:]), chunks=2)
    assert len(path_of(flat_capture, tmp_path / "path.npz", clearance=0.0).cameras) == 161, "0 lets it go anywhere"


def test_unseen_space_is_no_reason_for_doubt(flat_capture: Capture, tmp_path: Path) -> None:
    """Backwards out of the only photo's view."""
    capture = of_views(flat_capture, 9)
    start = capture.cameras.c2w[0]
    back = np.tile(start, (81, 1, 1))
    back[:, :3, 3] -= np.linspace(0, 1.5, 81)[:, None] * start[:3, 2] * [1, 1, 0]
    path = path_of(capture, write_lyra(tmp_path / "path.npz", back))
    assert len(path.cameras) == 81 and path.facts.clearance.frames_moved == 0


@pytest.mark.parametrize("fault", ["centimetres", "y up", "beside the flat"])
def test_a_path_through_walls_is_refused(flat_capture: Capture, tmp_path: Path, fault: str) -> None:
    c2w = stroll()
    if fault == "centimetres":
        c2w[:, :3, 3] *= 100
    elif fault == "y up":
        c2w = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]]) @ c2w
    else:
        c2w[:, 1, 3] += 4.5
    expected = r"(?s)path\.npz: 1\d\d of 161 cameras lie behind the surface.*less than half.*provisional frame.*metres_per_unit"
    with pytest.raises(FrameError, match=expected):
        path_of(flat_capture, write_lyra(tmp_path / "path.npz", c2w))


def test_inside_goes_by_how_a_place_was_reached(flat_capture: Capture) -> None:
    known = known_surface(flat_capture, 0.2)
    points = np.array([[2.0, 1.5, 1.2], [2.0, 0.3, 1.2], [2.0, -0.3, 1.2], [2.0, -1.5, 1.2], [2.0, 0.3, 1.2], [2.0, 1.5, 1.2]])
    assert inside(points, known).tolist() == [False, False, True, True, False, False]


def test_too_short_a_file_says_what_to_do(flat_capture: Capture, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"(?s)path\.npz: 80 cameras \(expected 81 at least.*Resample the path to 81, 161"):
        path_of(flat_capture, write_lyra(tmp_path / "path.npz", stroll(80)), clearance=0.0)


def test_files_that_carry_no_pinholes_are_refused(flat_capture: Capture, tmp_path: Path) -> None:
    (tmp_path / "path.txt").write_text("0 0 0 0 0 0 0 1\n")
    with pytest.raises(InputError, match=r"path\.txt: '\.txt' carries no intrinsics"):
        path_of(flat_capture, tmp_path / "path.txt", clearance=0.0)
    file = write_transforms(tmp_path / "path.json", stroll())
    file.write_text(file.read_text().replace('"w": 1280', '"w": 1280, "k1": 0.1'))
    with pytest.raises(InputError, match=r"(?s)path\.json: its lens is distorted.*Remove"):
        path_of(flat_capture, file, clearance=0.0)
    with pytest.raises(InputError, match=r"nowhere\.npz"):
        path_of(flat_capture, tmp_path / "nowhere.npz", clearance=0.0)


def test_a_scaled_rotation_names_file_and_camera(flat_capture: Capture, tmp_path: Path) -> None:
    c2w = stroll()
    c2w[4, :3, :3] *= 1.1
    with pytest.raises(FrameError, match=r"path\.npz: camera 4: its rotation"):
        path_of(flat_capture, write_lyra(tmp_path / "path.npz", c2w), clearance=0.0)


def test_a_path_of_lyra_itself(flat_capture: Capture, shared_data: Path) -> None:
    """Its example trajectory: 500 cameras, of which 481 are whole chunks; put where a photo was taken."""
    file = shared_data / "photos_single" / "lyra_trajectory_example_1" / "trajectory.npz"
    if not file.is_file():
        pytest.skip("Lyra's example trajectory isn't among the shared data")
    path = path_of(of_views(flat_capture, 7, 8, 9), file, chunks=9, frame="first_camera", clearance=0.0)
    assert len(path.cameras) == 481 and path.facts.frames_in_file == 500
    assert path.facts.length_m == pytest.approx(2.6, abs=0.4), "Lyra's own examples are 2.4 to 2.9 units long"
    assert path.cameras.K[0, 0, 0] / path.cameras.K[0, 1, 1] == pytest.approx(804.457 / 804.371, rel=1e-5)
