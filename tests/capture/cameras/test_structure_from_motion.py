"""Cameras found from a few real photos: repeatable, near the truth, and clear about photos that can't be joined."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.transform import Rotation

from lyra_sim.capture.cameras.photo_matches import cameras_of_equal_photos
from lyra_sim.capture.cameras.photo_pairs import ALL_PAIRS_UP_TO, photo_pairs
from lyra_sim.capture.cameras.structure_from_motion import pose_candidates, triangulate
from lyra_sim.capture.trust.epipolar_check import _agreement, _matched_rays, check_given_cameras
from lyra_sim.conventions import c2w_opencv_from_opengl
from lyra_sim.data.posed import Lens, Photo, PhotoSet, PosedPhotos
from lyra_sim.data.sparse import SparsePoints
from lyra_sim.errors import FrameError, GeometryError, InputError
from lyra_sim.geometry.rigid import invert_rigid, nearest_rotation
from lyra_sim.scene.spec import PosesConfig
from tests.conftest import ROOT

HOUSE = ROOT / "examples" / "small_house"
STEMS = tuple(f"{number:04d}" for number in range(24, 32))
"""A stretch of the walk with enough texture to be posed from eight photos."""
QUICK = PosesConfig(features=2048, image_side=640)
K = np.array([[480.0, 0, 320], [0, 480, 240], [0, 0, 1]])


def photo_set(folder: Path) -> PhotoSet:
    files = [folder / f"{stem}.jpg" for stem in STEMS]
    return PhotoSet(photos=tuple(Photo(name=f.stem, file=f, width=640, height=480) for f in files), skipped=())


@pytest.fixture(scope="module")
def photos() -> PhotoSet:
    return photo_set(HOUSE / "rgb")


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    frames = json.loads((HOUSE / "transforms.json").read_text())["frames"]
    by_stem = {Path(frame["file_path"]).stem: frame["transform_matrix"] for frame in frames}
    c2w = c2w_opencv_from_opengl(np.array([by_stem[stem] for stem in STEMS], np.float64))
    c2w[:, :3, :3] = [nearest_rotation(rotation) for rotation in c2w[:, :3, :3]]
    return c2w


@pytest.fixture(scope="module")
def candidates(photos: PhotoSet, tmp_path_factory: pytest.TempPathFactory) -> tuple[PosedPhotos, ...]:
    return pose_candidates(photos, QUICK, work=tmp_path_factory.mktemp("poses"), seed=3)


def given(c2w: np.ndarray, recipe: str = "photos: cameras.npz in opencv axes") -> PosedPhotos:
    nothing = SparsePoints(
        points=np.empty((0, 3)), point_index=np.empty(0, np.int32), view_index=np.empty(0, np.int32), xy=np.empty((0, 2))
    )
    return PosedPhotos(
        names=STEMS,
        c2w=c2w,
        lens_index=np.zeros(len(c2w), np.int32),
        lenses=(Lens(K=K, distortion=np.zeros(4), width=640, height=480),),
        sparse=nothing,
        recipe=recipe,
        reprojection_px=float("nan"),
    )


@pytest.fixture(scope="module")
def triangulated(photos: PhotoSet, truth: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> tuple[PosedPhotos, Path]:
    work = tmp_path_factory.mktemp("triangulated")
    return triangulate(given(truth), photos, QUICK, work=work, seed=3), work


def test_another_run_gives_the_same_bytes(
    candidates: tuple[PosedPhotos, ...], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """From a copy of the photos elsewhere, with whatever the other run left in the process; and without a word."""
    for stem in STEMS:
        (tmp_path / "moved").mkdir(exist_ok=True)
        shutil.copyfile(HOUSE / "rgb" / f"{stem}.jpg", tmp_path / "moved" / f"{stem}.jpg")
    again = pose_candidates(photo_set(tmp_path / "moved"), QUICK, work=tmp_path / "work", seed=3)
    assert [one.recipe for one in again] == [one.recipe for one in candidates]
    for one, other in zip(again, candidates, strict=True):
        assert one.names == other.names and one.c2w.tobytes() == other.c2w.tobytes()
        assert one.sparse.points.tobytes() == other.sparse.points.tobytes()
        assert one.sparse.xy.tobytes() == other.sparse.xy.tobytes()
        assert one.lenses[0].K.tobytes() == other.lenses[0].K.tobytes()
    assert capfd.readouterr().err == ""


def test_a_model_near_the_truth_is_among_them(candidates: tuple[PosedPhotos, ...], truth: np.ndarray) -> None:
    """Relative turns and directions of travel, which don't depend on scale and frame."""
    best = min(_turn_errors(one, truth).max() for one in candidates if len(one) == len(STEMS))
    assert best < np.radians(2.0)
    assert {recipe.partition(" mapper")[0] for recipe in (one.recipe for one in candidates)} == {"global", "incremental"}


def _turn_errors(one: PosedPhotos, truth: np.ndarray) -> np.ndarray:
    found = one.c2w[:, :3, :3]
    relative = np.swapaxes(found[:-1], 1, 2) @ found[1:]
    expected = np.swapaxes(truth[:-1, :3, :3], 1, 2) @ truth[1:, :3, :3]
    return Rotation.from_matrix(np.swapaxes(relative, 1, 2) @ expected).magnitude()


def test_points_are_seen_where_the_cameras_say(candidates: tuple[PosedPhotos, ...]) -> None:
    for one in candidates:
        sparse, w2c = one.sparse, invert_rigid(one.c2w)
        assert one.names == tuple(sorted(one.names)) and set(one.names) <= set(STEMS)
        assert (np.bincount(sparse.point_index, minlength=len(sparse.points)) >= 2).all()
        camera = np.einsum("nij,nj->ni", w2c[sparse.view_index, :3, :3], sparse.points[sparse.point_index])
        camera += w2c[sparse.view_index, :3, 3]
        off = np.linalg.norm(camera[:, :2] / camera[:, 2:] - sparse.xy, axis=1) * one.lenses[0].K[0, 0]
        assert (camera[:, 2] > 0).all() and np.median(off) < 2 and 0 < one.reprojection_px < 2


def test_blank_photos_are_refused(tmp_path: Path) -> None:
    """Walls: a photo without a feature shares nothing with any other."""
    rng = np.random.default_rng(0)
    files = []
    for number in range(3):
        files.append(tmp_path / f"wall_{number}.png")
        Image.fromarray(np.full((240, 320, 3), 200, np.uint8) + rng.integers(0, 2, (240, 320, 3), np.uint8)).save(files[-1])
    walls = PhotoSet(photos=tuple(Photo(name=f.stem, file=f, width=320, height=240) for f in files), skipped=())
    with pytest.raises(GeometryError, match=r"0 of 3 pairs.*with 0 features in a typical photo") as caught:
        pose_candidates(walls, QUICK, work=tmp_path / "work", seed=3)
    assert "Blank walls" in str(caught.value.likely)
    lens = Lens(K=K, distortion=np.zeros(4), width=320, height=240)
    cameras = replace(given(np.tile(np.eye(4), (8, 1, 1))).select((0, 1, 2)), names=tuple(walls.by_name), lenses=(lens,))
    with pytest.raises(GeometryError, match="given cameras can't be checked by the photos: 0 of 3 pairs"):
        triangulate(cameras, walls, QUICK, work=tmp_path / "given", seed=3)


def test_one_photo_has_no_cameras_to_find(photos: PhotoSet, tmp_path: Path) -> None:
    alone = PhotoSet(photos=photos.photos[:1], skipped=())
    with pytest.raises(InputError, match="at least two photos"):
        pose_candidates(alone, QUICK, work=tmp_path, seed=3)


def test_exif_that_nobody_wrote_is_refused(photos: PhotoSet, tmp_path: Path) -> None:
    two = PhotoSet(photos=photos.photos[:2], skipped=())
    with pytest.raises(InputError, match=r"poses\.focal"):
        pose_candidates(two, QUICK.model_copy(update={"focal": "exif"}), work=tmp_path, seed=3)


def test_photos_share_a_camera_when_size_and_focal_length_agree() -> None:
    photo = Photo(name="a", file=Path("a.jpg"), width=640, height=480, focal_px=500.0)
    upright = Photo(name="b", file=Path("b.jpg"), width=480, height=640)
    zoomed = Photo(name="c", file=Path("c.jpg"), width=640, height=480, focal_px=900.0)
    cameras, ids = cameras_of_equal_photos((photo, upright, photo, zoomed), exif=True)
    assert ids == [1, 2, 1, 3]
    assert [camera.focal_length for camera in cameras] == [500.0, 1.2 * 640, 900.0]
    assert [camera.has_prior_focal_length for camera in cameras] == [True, False, True]
    assert [camera.focal_length for camera in cameras_of_equal_photos((photo, upright), exif=False)[0]] == [768.0, 768.0]


def test_many_photos_are_compared_with_neighbours_and_look_alikes() -> None:
    """A walk that comes back: photo 160 + k shows what photo k shows."""
    rng, count = np.random.default_rng(1), ALL_PAIRS_UP_TO + 30
    scenes = [rng.integers(0, 120, (40, 128)).astype(np.uint8) for _ in range(160)]
    descriptors = [scenes[index % 160] for index in range(count)]
    scales = [np.ones(40, np.float32) for _ in range(count)]
    pairs = photo_pairs(descriptors, scales)
    assert pairs == sorted(set(pairs)) and all(i < j for i, j in pairs)
    assert {(i, i + 1) for i in range(count - 1)} | {(i, i + 20) for i in range(count - 20)} <= set(pairs)
    assert {(k, 160 + k) for k in range(count - 160)} <= set(pairs)
    assert len(pairs) < count * (count - 1) / 2 / 3


def test_given_cameras_stay_and_points_lie_on_the_surface(triangulated: tuple[PosedPhotos, Path], truth: np.ndarray) -> None:
    posed, _ = triangulated
    assert posed.c2w.tobytes() == truth.tobytes() and posed.recipe == given(truth).recipe
    sparse, w2c = posed.sparse, invert_rigid(truth)
    camera = np.einsum("nij,nj->ni", w2c[sparse.view_index, :3, :3], sparse.points[sparse.point_index])
    z = camera[:, 2] + w2c[sparse.view_index, 2, 3]
    pixels = np.floor(sparse.xy * 480 + [320, 240]).astype(int)
    measured = np.stack([np.asarray(Image.open(HOUSE / "depth_mm" / f"{stem}.png")) for stem in STEMS]) / 1000
    off = np.abs(z / measured[sparse.view_index, pixels[:, 1], pixels[:, 0]] - 1)
    assert len(sparse.points) > 150 and np.median(off) < 0.02 and posed.reprojection_px < 1.5


def test_right_cameras_agree_with_the_photos(triangulated: tuple[PosedPhotos, Path], photos: PhotoSet) -> None:
    posed, work = triangulated
    assert check_given_cameras(posed, photos, work=work, scene="house") > 0.8


WRONG = {
    "swapped": (c2w_opencv_from_opengl, "opencv", r"Set photos\.axes: opengl for scene 'house'"),
    "swapped back": (c2w_opencv_from_opengl, "opengl", r"Set photos\.axes: opencv for scene 'house'"),
    "inverted": (invert_rigid, "opencv", r"Invert the matrices of the camera file of scene 'house'\."),
    "inverted, swapped": (
        lambda c2w: invert_rigid(c2w_opencv_from_opengl(c2w)),
        "opencv",
        r"Invert the matrices.* and set photos\.axes: opengl",
    ),
    # an OpenGL world-to-camera file, read as OpenGL camera-to-world
    "inverted, read as opengl": (
        lambda c2w: c2w_opencv_from_opengl(invert_rigid(c2w_opencv_from_opengl(c2w))),
        "opengl",
        r"Invert the matrices of the camera file of scene 'house'\.",
    ),
    "out of step": (lambda c2w: c2w[[3, 7, 1, 5, 0, 6, 2, 4]], "opencv", "out of step"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_readings_are_named(
    name: str, triangulated: tuple[PosedPhotos, Path], photos: PhotoSet, truth: np.ndarray
) -> None:
    wrongly, axes, message = WRONG[name]
    posed = given(np.ascontiguousarray(wrongly(truth)), recipe=f"photos: cameras.npz in {axes} axes")
    with pytest.raises(FrameError, match=message):
        check_given_cameras(posed, photos, work=triangulated[1], scene="house")


def test_a_turn_on_the_spot_is_checked_too(triangulated: tuple[PosedPhotos, Path], truth: np.ndarray) -> None:
    """Without a baseline nothing is epipolar, but matches still have to lie where the turn takes them."""
    still = truth.copy()
    still[:, :3, 3] = 0
    turned = still.copy()
    turned[:, :3, :3] = np.swapaxes(still[:, :3, :3], 1, 2)
    rays = _matched_rays(given(still), triangulated[1])
    agreement = {name: _agreement(given(c2w).c2w, rays) for name, c2w in (("as it was", still), ("back", turned))}
    assert agreement["as it was"] > 3 * agreement["back"]


def test_photos_of_another_scene_are_refused(
    triangulated: tuple[PosedPhotos, Path], photos: PhotoSet, truth: np.ndarray
) -> None:
    """A COLMAP model can't be read another way; the message doesn't offer any."""
    posed = given(truth[[3, 7, 1, 5, 0, 6, 2, 4]], recipe="COLMAP model")
    with pytest.raises(FrameError, match="Cameras and photos may be out of step") as caught:
        check_given_cameras(posed, photos, work=triangulated[1], scene="house")
    assert "reading" not in str(caught.value)


@pytest.mark.nightly
def test_the_street_is_posed_in_spite_of_its_exif(shared_data: Path, tmp_path: Path) -> None:
    """EXIF says 1035 px where 735 is true: the global mapper joins all 29 photos from either start."""
    files = sorted((shared_data / "photos_lund_street" / "images").iterdir())
    photos = tuple(Photo(name=file.stem, file=file, width=1024, height=768, focal_px=1035.0) for file in files)
    found = pose_candidates(PhotoSet(photos=photos, skipped=()), PosesConfig(), work=tmp_path, seed=7)
    whole = [one for one in found if len(one) == 29]
    assert {one.recipe.partition(", try")[0] for one in whole} >= {
        "global mapper, focal from EXIF",
        "global mapper, free focal",
    }
    assert any(abs(one.lenses[0].K[0, 0] / 735 - 1) < 0.03 for one in whole)
