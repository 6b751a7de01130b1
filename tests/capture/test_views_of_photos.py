"""Photos of any lens and size become views of one size, and every ray keeps its place."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lyra_sim.capture.views_of_photos import write_views
from lyra_sim.data.posed import Lens, Photo, PhotoSet, PosedPhotos
from lyra_sim.data.sparse import SparsePoints
from lyra_sim.data.views import Views
from lyra_sim.geometry.cameras import CameraPath, project

POINTS = np.array([[0.0, 0.0, 3.0], [0.55, -0.4, 3.0], [-0.7, 0.5, 3.5], [0.4, 0.6, 2.8], [-0.5, -0.45, 2.9]])
"""Seen by every camera of these tests [m]."""
SPOT_PX = 3.0
"""Blur of what is drawn where a point is seen."""
GREY = 60

LANDSCAPE = (320, 240, (0.0, 0.0, 0.0, 0.0))
BARREL = (320, 240, (-0.22, 0.04, 0.001, -0.002))
PORTRAIT = (240, 320, (-0.1, 0.0, 0.0, 0.0))
LARGE = (960, 720, (-0.15, 0.02, 0.0, 0.001))
WIDE = (400, 200, (0.0, 0.0, 0.0, 0.0))


def lens_of(width: int, height: int, distortion: tuple[float, ...]) -> Lens:
    """A principal point off the middle, and pixels that aren't square, so that nothing cancels."""
    focal = 0.8 * max(width, height)
    K = np.array([[focal, 0, 0.52 * width], [0, 1.03 * focal, 0.47 * height], [0, 0, 1.0]])
    return Lens(K=K, distortion=np.array(distortion), width=width, height=height)


def seen_through(lens: Lens, points: np.ndarray, c2w: np.ndarray) -> np.ndarray:
    """Pixels of world points: pinhole, then Brown's model as OpenCV writes it."""
    camera = (points - c2w[:3, 3]) @ c2w[:3, :3]
    x, y = (camera[:, :2] / camera[:, 2:]).T
    k1, k2, p1, p2 = lens.distortion
    r2 = x * x + y * y
    radial = 1 + k1 * r2 + k2 * r2**2
    xd = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
    yd = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
    return np.c_[xd * lens.K[0, 0] + lens.K[0, 2], yd * lens.K[1, 1] + lens.K[1, 2]]


def photo_of(lens: Lens, c2w: np.ndarray, blur: float) -> np.ndarray:
    """A bright spot where each point is seen, on grey: black is left to what no photo covers."""
    u, v = np.meshgrid(np.arange(lens.width) + 0.5, np.arange(lens.height) + 0.5)
    picture = np.full((lens.height, lens.width), float(GREY))
    for at in seen_through(lens, POINTS, c2w):
        picture += 180 * np.exp(-((u - at[0]) ** 2 + (v - at[1]) ** 2) / (2 * blur**2))
    return np.repeat(np.clip(picture + 0.5, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def written(folder: Path, kinds: list[tuple], *, view_side: int = 1024) -> tuple[Views, CameraPath]:
    """A photo of each kind from cameras side by side; equal kinds share a lens."""
    distinct = list(dict.fromkeys(kinds))
    lenses = tuple(lens_of(*kind) for kind in distinct)
    c2w = np.tile(np.eye(4), (len(kinds), 1, 1))
    c2w[:, 0, 3] = 0.05 * np.arange(len(kinds))
    (folder / "photos").mkdir(parents=True)
    photos = []
    for index, kind in enumerate(kinds):
        lens = lenses[distinct.index(kind)]
        file = folder / "photos" / f"photo_{index}.png"
        Image.fromarray(photo_of(lens, c2w[index], SPOT_PX * max(lens.width, lens.height) / 320)).save(file)
        photos.append(Photo(name=file.stem, file=file, width=lens.width, height=lens.height))
    nothing = np.empty(0, np.int32)
    posed = PosedPhotos(
        names=tuple(photo.name for photo in photos),
        c2w=c2w,
        lens_index=np.array([distinct.index(kind) for kind in kinds], np.int32),
        lenses=lenses,
        sparse=SparsePoints(points=np.empty((0, 3)), point_index=nothing, view_index=nothing, xy=np.empty((0, 2))),
        recipe="exact",
        reprojection_px=0.0,
    )
    return write_views(posed, PhotoSet(photos=tuple(photos), skipped=()), view_side=view_side, out=folder / "out")


def assert_rays_keep_their_place(views: Views, cameras: CameraPath) -> None:
    """In every view every point's spot has its middle where the view's pinhole says the point is."""
    for index in range(len(views)):
        picture, valid = views.rgb(index)[..., 0].astype(float), views.valid(index)
        uv, _ = project(POINTS, cameras.K[index], cameras.w2c[index])
        for u, v in uv:
            low_u, low_v = int(u) - 9, int(v) - 9
            rows, columns = slice(low_v, low_v + 19), slice(low_u, low_u + 19)
            assert valid[rows, columns].all()
            weight = np.maximum(picture[rows, columns] - GREY - 8, 0)
            assert weight.max() > 100, "no spot near"
            at_u = (weight.sum(0) * (np.arange(19) + low_u + 0.5)).sum() / weight.sum()
            at_v = (weight.sum(1) * (np.arange(19) + low_v + 0.5)).sum() / weight.sum()
            assert np.hypot(at_u - u, at_v - v) < 0.15, (index, u, v)


def test_one_lens_needs_one_validity(tmp_path: Path) -> None:
    views, cameras = written(tmp_path, [BARREL, BARREL])
    assert (tmp_path / "out" / "valid.png").is_file() and not (tmp_path / "out" / "valid").exists()
    assert (cameras.width, cameras.height) == (320, 240) and views.names == ("photo_0", "photo_1")
    assert not views.has_depth and views.valid(1).all()  # a barrel lens reaches beyond the pinhole's corners
    assert_rays_keep_their_place(views, cameras)


def test_the_canvas_has_the_commonest_size_and_others_are_fitted_into_it(tmp_path: Path) -> None:
    views, cameras = written(tmp_path, [LARGE, PORTRAIT, LANDSCAPE, WIDE, BARREL])
    assert (cameras.width, cameras.height) == (320, 240)  # two of five, with two lenses
    assert not (tmp_path / "out" / "valid.png").exists()
    for index in range(5):
        assert views.rgb(index).shape == (240, 320, 3) and views.valid(index).shape == (240, 320)
        assert (views.rgb(index)[views.valid(index)] > 20).all(), "what is valid shows the photo"
        assert (views.rgb(index)[~views.valid(index)] < 40).all(), "what isn't is black but for JPEG's rim"
    assert_rays_keep_their_place(views, cameras)


@pytest.mark.parametrize(
    ("kind", "rows", "columns"),
    [((240, 320, (0.0,) * 4), slice(0, 240), slice(70, 250)), (WIDE, slice(40, 200), slice(0, 320))],
    ids=["portrait", "wide"],
)
def test_another_shape_is_letterboxed_about_its_centre(kind: tuple, rows: slice, columns: slice, tmp_path: Path) -> None:
    views, _ = written(tmp_path, [LANDSCAPE, LANDSCAPE, kind])
    inside = np.zeros((240, 320), bool)
    inside[rows, columns] = True
    valid = views.valid(2)
    assert not valid[~inside].any()
    assert valid[inside].mean() > 0.97  # the outermost pixels have no four neighbours
    assert views.valid(0).mean() > 0.98


def test_no_view_is_larger_than_asked_for(tmp_path: Path) -> None:
    views, cameras = written(tmp_path, [LARGE, LARGE, PORTRAIT], view_side=480)
    assert (cameras.width, cameras.height) == (480, 360)
    assert_rays_keep_their_place(views, cameras)


def test_a_small_photo_is_not_enlarged(tmp_path: Path) -> None:
    _, cameras = written(tmp_path, [LANDSCAPE, LANDSCAPE], view_side=1024)
    assert (cameras.width, cameras.height) == (320, 240)


def test_equal_counts_always_give_the_same_canvas(tmp_path: Path) -> None:
    sizes = [written(tmp_path / str(n), kinds)[1] for n, kinds in enumerate([[LANDSCAPE, LARGE], [LARGE, LANDSCAPE]])]
    assert sizes[0].width == sizes[1].width and sizes[0].height == sizes[1].height
