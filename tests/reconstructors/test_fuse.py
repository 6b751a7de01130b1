from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.transform import Rotation

from lyra_sim.conventions import rgb_from_sh_dc
from lyra_sim.data.capture import Capture
from lyra_sim.data.video import INVENTED, KNOWN, NEW, GeneratedFrames, WorldVideo
from lyra_sim.data.world import Reconstruction
from lyra_sim.reconstructors.fuse import reconstruct
from lyra_sim.reconstructors.surfels import SurfelCloud
from lyra_sim.scene.sources import RgbdSource
from lyra_sim.scene.spec import ReconstructConfig, SceneSpec
from tests.rooms import Room
from tests.scene_parts import captured


@pytest.fixture(scope="module")
def capture(tiny_room_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Capture:
    rgbd = RgbdSource(
        frames=tiny_room_files / "rgb", depth=tiny_room_files / "depth_mm", cameras=tiny_room_files / "transforms.json"
    )
    return captured(SceneSpec(name="room", rgbd=rgbd, scale="metric", up="z"), tmp_path_factory.mktemp("capture") / "out")


@pytest.fixture(scope="module")
def reconstruction(capture: Capture) -> Reconstruction:
    return reconstruct(capture, ReconstructConfig(splat_spacing=0.04))


def test_splats_lie_in_the_surface_and_face_the_air(tiny_room: Room, reconstruction: Reconstruction) -> None:
    splats = reconstruction.splats
    distance = tiny_room.distance(splats.means.astype(np.float64))
    assert np.quantile(distance, 0.99) < 0.01
    normals = Rotation.from_quat(splats.quats_wxyz, scalar_first=True).as_matrix()[:, :, 2]
    ahead = splats.means + 0.05 * normals
    assert tiny_room.solid(ahead).mean() < 0.01
    assert (splats.log_scales[:, 2] < splats.log_scales[:, 0]).all()


def test_splats_cover_what_was_seen(tiny_room: Room, capture: Capture, reconstruction: Reconstruction) -> None:
    """From every measured point a splat is within its own reach."""
    from scipy.spatial import cKDTree

    from lyra_sim.geometry.cameras import unproject

    _, depths = tiny_room.rendered
    points = unproject(depths[5], tiny_room.cameras.K[5], tiny_room.cameras.c2w[5])[10:-10:5, 10:-10:5].reshape(-1, 3)
    gap, _ = cKDTree(reconstruction.splats.means).query(points)
    assert np.quantile(gap, 0.99) < 0.06


def test_colours_are_the_photos(tiny_room: Room, reconstruction: Reconstruction) -> None:
    """Averaged over a wall the colour is what the photos show."""
    means = reconstruction.splats.means
    floor = (np.abs(means[:, 2]) < 0.01) & (means[:, 0] > 2.8) & (means[:, 0] < 3.8) & (np.abs(means[:, 1] - 2) < 0.8)
    rgb = rgb_from_sh_dc(reconstruction.splats.sh_coeffs[floor, 0])
    origin, down = np.array([3.3, 2.0, 1.0]), np.c_[np.random.default_rng(0).uniform(-0.5, 0.5, (4000, 2)), -np.ones(4000)]
    _, true = tiny_room.cast(origin, down)
    np.testing.assert_allclose(rgb.mean(axis=0), true.mean(axis=0) / 255, atol=0.02)


def test_budget_is_kept_by_coarser_spacing(capture: Capture) -> None:
    splats = reconstruct(capture, ReconstructConfig(splat_spacing=0.04, max_splats=4000)).splats
    assert 1000 < len(splats) <= 4000


def test_cells_are_weighted_means_however_the_table_grows() -> None:
    """Many small additions, one big one and a brute-force mean agree."""
    rng = np.random.default_rng(0)
    points, weight = rng.uniform(-1, 1, (60_000, 3)), rng.uniform(0.5, 2, 60_000)
    up, grey = np.tile([0, 0, 1.0], (60_000, 1)), rng.uniform(0, 1, (60_000, 3))
    whole, parts = SurfelCloud(0.1), SurfelCloud(0.1)
    whole.add(points, up, grey, weight)
    for part in np.array_split(np.arange(60_000), 37):
        parts.add(points[part], up[part], grey[part], weight[part])
    np.testing.assert_array_equal(whole.surfels().means, parts.surfels().means)
    cells, inverse = np.unique(np.floor(points / 0.1), axis=0, return_inverse=True)
    total = np.bincount(inverse.ravel(), weight)
    means = np.stack([np.bincount(inverse.ravel(), weight * points[:, k]) / total for k in range(3)], axis=1)
    np.testing.assert_allclose(whole.surfels().means, means, atol=1e-9)
    assert len(cells) == len(means)


def test_generated_frames_add_only_what_is_new(
    tiny_room: Room, capture: Capture, reconstruction: Reconstruction, tmp_path: Path
) -> None:
    """A frame that repeats a photo adds nothing; one whose upper half is NEW adds that half, and the photos' splats stay."""
    rgb, z = (part[7] for part in tiny_room.rendered)
    frames = GeneratedFrames(folder=tmp_path, cameras=tiny_room.cameras.select(np.array([7])), units_per_depth_count=0.001)
    for origin in (np.full(z.shape, INVENTED, np.uint8), np.full(z.shape, KNOWN, np.uint8)):
        write_frame(frames, rgb, z - 0.3, origin)
        same = reconstruct(capture, ReconstructConfig(splat_spacing=0.04), video=WorldVideo(frames=frames, facts=None))
        np.testing.assert_array_equal(same.splats.means, reconstruction.splats.means)
    origin[:60] = NEW
    write_frame(frames, rgb, z - 0.3, origin)
    more = reconstruct(capture, ReconstructConfig(splat_spacing=0.04), video=WorldVideo(frames=frames, facts=None)).splats.means
    assert len(more) > len(reconstruction.splats) + 100
    kept = {tuple(mean) for mean in more.tolist()} & {tuple(mean) for mean in reconstruction.splats.means.tolist()}
    assert len(kept) > 0.95 * len(reconstruction.splats), "the surface the photos measured is where it was"


def write_frame(frames: GeneratedFrames, rgb: np.ndarray, z: np.ndarray, origin: np.ndarray) -> None:
    for part, pixels in (("rgb", rgb), ("z_depth", np.round(z * 1000).astype(np.uint16)), ("origin", origin)):
        (frames.folder / part).mkdir(exist_ok=True)
        Image.fromarray(pixels).save(frames.folder / part / "00000.png")
