from pathlib import Path

import numpy as np
from PIL import Image

from lyra_sim.conventions import linear_from_srgb
from lyra_sim.data.capture import Capture
from lyra_sim.data.scale import ScaleEstimate
from lyra_sim.data.sparse import SparsePoints
from lyra_sim.data.views import Views
from lyra_sim.depth.exposure import evened, gains
from lyra_sim.geometry.rigid import Similarity
from tests.rooms import camera_path, look

TILE, COLUMNS, ROWS = 8, 30, 22


def _srgb(linear: np.ndarray) -> np.ndarray:
    value = np.clip(linear, 0, 1)
    return np.round(255 * np.where(value <= 0.0031308, value * 12.92, 1.055 * value ** (1 / 2.4) - 0.055)).astype(np.uint8)


def _capture(folder: Path, truth: np.ndarray, *, falloff: float = 0.0, wrong: float = 0.0) -> Capture:
    """Views whose tiles show the same coloured points, a third of them missing in each; some tiles show another colour."""
    rng = np.random.default_rng(11)
    count = len(truth)
    cameras = camera_path([look(np.zeros(3), 0.0, 0.0)] * count, width=TILE * COLUMNS, height=TILE * ROWS, focal=150.0)
    colours = rng.uniform(0.08, 0.35, (COLUMNS * ROWS, 3))
    (folder / "rgb").mkdir(parents=True)
    point_index, view_index, xy = [], [], []
    for view in range(count):
        place = rng.permutation(COLUMNS * ROWS)  # where each point is seen: elsewhere in every view
        row, column = np.divmod(place, COLUMNS)
        x = ((column + 0.5) * TILE - cameras.K[0, 0, 2]) / 150.0
        y = ((row + 0.5) * TILE - cameras.K[0, 1, 2]) / 150.0
        shown = np.where(rng.uniform(size=len(place))[:, None] < wrong, rng.uniform(0.05, 0.5, colours.shape), colours)
        shown = shown * truth[view] * np.exp(falloff * (x * x + y * y))[:, None]
        image = np.zeros((ROWS, COLUMNS, 3))
        image[row, column] = shown
        Image.fromarray(_srgb(image).repeat(TILE, 0).repeat(TILE, 1)).save(folder / "rgb" / f"{view}.png")
        seen = np.flatnonzero(rng.uniform(size=len(place)) < 2 / 3)
        point_index += seen.tolist()
        view_index += [view] * len(seen)
        xy += np.stack([x, y], axis=1)[seen].tolist()
    Image.fromarray(np.full((cameras.height, cameras.width), 255, np.uint8)).save(folder / "valid.png")
    return Capture(
        views=Views(folder=folder, names=tuple(map(str, range(count))), rgb_suffix=".png", units_per_depth_count=None),
        cameras=cameras,
        world_from_capture=Similarity.identity(),
        scale=ScaleEstimate(metres_per_unit=1.0, sigma_relative=0.0, source="declared metric"),
        held_out=(),
        frame_agreement=None,
        up_source="declared z",
        depth=None,
        sparse=SparsePoints(
            points=np.zeros((len(colours), 3)),
            point_index=np.array(point_index, np.int32),
            view_index=np.array(view_index, np.int32),
            xy=np.array(xy),
        ),
    )


def _true_gains() -> np.ndarray:
    truth = np.exp(np.random.default_rng(2).uniform(-0.3, 0.3, (7, 3)))
    return truth / np.exp(np.log(truth).mean(axis=0))


def test_gains_within_a_hundredth_with_a_tenth_of_the_sightings_wrong(tmp_path: Path) -> None:
    truth = _true_gains()
    np.testing.assert_allclose(gains(_capture(tmp_path, truth, wrong=0.1)), truth, rtol=0.01)


def test_the_lens_falloff_is_no_exposure(tmp_path: Path) -> None:
    truth = _true_gains()
    np.testing.assert_allclose(gains(_capture(tmp_path, truth, falloff=-0.5)), truth, rtol=0.01)


def test_ones_without_enough_shared_points(tmp_path: Path) -> None:
    capture = _capture(tmp_path, _true_gains())
    np.testing.assert_array_equal(gains(Capture(**{**vars(capture), "sparse": None})), np.ones((7, 3)))
    assert capture.sparse is not None
    few = np.flatnonzero(capture.sparse.point_index < 12)
    sparse = SparsePoints(
        points=capture.sparse.points,
        point_index=capture.sparse.point_index[few],
        view_index=capture.sparse.view_index[few],
        xy=capture.sparse.xy[few],
    )
    np.testing.assert_array_equal(gains(Capture(**{**vars(capture), "sparse": sparse})), np.ones((7, 3)))


def test_an_evened_image_has_gain_one() -> None:
    linear = np.random.default_rng(0).uniform(0.05, 0.4, (20, 30, 3))
    gain = np.array([1.5, 0.8, 1.0])
    out = linear_from_srgb(evened(_srgb(linear * gain), gain) / 255.0)
    np.testing.assert_allclose(out, linear, rtol=0.02, atol=0.003)
