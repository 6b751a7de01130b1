"""Feature points that are looked for in photos of a finished world, and what they say of one that lost a piece of furniture."""

from dataclasses import replace

import numpy as np
import pytest

from lyra_sim.data.colliders import Colliders, Collision
from lyra_sim.data.report import Metric
from lyra_sim.data.sparse import SparsePoints
from lyra_sim.data.views import Views
from lyra_sim.navigation.build import build_navigation
from lyra_sim.quality.witness.found_points import LEAST_SIGHTINGS, SEEN_PX, found_points
from lyra_sim.quality.witness.judgement import judge, witness_metrics
from lyra_sim.quality.witness.kept_back_points import kept_back_witness
from lyra_sim.scene.spec import NavigateConfig
from tests.broken_worlds.good import BAND, ROBOT
from tests.facts import COLLIDERS
from tests.photo_rooms import PhotoRoom, photo_room
from tests.quality.worlds import room_hulls, room_solid

REACH = 2.0
"""What the photos show is about as far [m]."""


@pytest.fixture(scope="module")
def room() -> PhotoRoom:
    return photo_room()


@pytest.fixture(scope="module")
def views(room: PhotoRoom, tmp_path_factory: pytest.TempPathFactory) -> Views:
    from PIL import Image

    folder = tmp_path_factory.mktemp("views")
    room.write(folder / "all")
    (folder / "all" / "photos").rename(folder / "rgb")
    Image.fromarray(np.full(room.photos[0].shape[:2], 255, np.uint8)).save(folder / "valid.png")
    return Views(folder=folder, names=room.names, rgb_suffix=".jpg", units_per_depth_count=None)


@pytest.fixture(scope="module")
def found(room: PhotoRoom, views: Views) -> SparsePoints:
    return found_points(views, room.cameras, None, reach=REACH)


def judged(room: PhotoRoom, found: SparsePoints, *, without: str = "") -> dict[str, Metric]:
    """Of a world whose solid, hulls and map never had one of the boxes, though the photos show it."""
    built = replace(room.room, boxes={name: box for name, box in room.room.boxes.items() if name != without})
    hulls = tuple(room_hulls(built))
    navigation = build_navigation(
        hulls,
        room_solid(built).free_space,
        room.cameras.centres,
        band=BAND,
        robot=ROBOT,
        config=NavigateConfig(probes=10, routes=1),
        seed=7,
    )
    witness = kept_back_witness(found, room.cameras)
    assert witness is not None
    colliders = Colliders(hulls=hulls, face_labels=np.zeros(0, np.uint8), facts=COLLIDERS)
    verdict = judge(witness, Collision(colliders=colliders, navigation=navigation), room.cameras.centres)
    return {metric.name.removeprefix("witness."): metric for metric in witness_metrics(verdict)}


def test_points_lie_on_the_rooms_surface(room: PhotoRoom, found: SparsePoints) -> None:
    assert len(found.points) > 1000
    assert np.bincount(found.point_index).min() >= LEAST_SIGHTINGS
    off = room.room.distance(found.points)
    assert np.median(off) < 0.01 and (off > 0.05).mean() < 0.01


def test_every_photo_sees_what_it_is_said_to(room: PhotoRoom, found: SparsePoints) -> None:
    """Nothing stands between a camera and the point at the end of its ray."""
    c2w, K = room.cameras.c2w[found.view_index], room.cameras.K[0]
    local = np.einsum("nji,nj->ni", c2w[:, :3, :3], found.points[found.point_index] - c2w[:, :3, 3])
    off = np.linalg.norm(local[:, :2] / local[:, 2:] - found.xy, axis=1) * K[0, 0]
    assert off.max() <= 1.0 + 1e-6
    uv = np.floor(found.xy * np.diag(K)[:2] + K[:2, 2]).astype(int)
    z = np.array([room.depths[view][v, u] for view, (u, v) in zip(found.view_index, uv, strict=True)])
    assert (local[:, 2] > 1.05 * z + 0.05).mean() < 0.01


def test_the_true_room_stands_up_to_them(room: PhotoRoom, found: SparsePoints) -> None:
    figures = judged(room, found)
    assert figures["ghost"].verdict == figures["phantom"].verdict == "pass", figures
    assert figures["ghost"].n > 380


@pytest.mark.parametrize("lost", ["crate", "table", "cupboard"])
def test_furniture_taken_out_of_everything_fails(room: PhotoRoom, found: SparsePoints, lost: str) -> None:
    figures = judged(room, found, without=lost)
    assert "fail" in (figures["ghost"].verdict, figures["ghost_patch"].verdict), figures


def test_a_hull_in_the_air_fails(room: PhotoRoom, found: SparsePoints) -> None:
    added = replace(room.room, boxes={**room.room.boxes, "nothing": (np.array([1.9, 1.5, 0.0]), np.array([2.7, 2.3, 0.6]))})
    figures = judged(replace(room, room=added), found)
    assert figures["phantom"].verdict == "fail" and figures["phantom_patch"].value > 0.02


def test_what_steps_were_given_is_left_out(room: PhotoRoom, views: Views, found: SparsePoints) -> None:
    """A known track is no witness, wherever it is found again."""
    given, _ = found.parted(2)
    again = found_points(views, room.cameras, given, reach=REACH)
    assert 100 < len(again.points) < len(found.points)
    focal = room.cameras.K[0, 0, 0]
    for view in range(0, len(views), 5):
        known, mine = given.xy[given.view_index == view], again.xy[again.view_index == view]
        near = np.linalg.norm(known[:, None] - mine[None], axis=2).min()
        assert near * focal > SEEN_PX


def test_photos_that_share_nothing_have_no_points(room: PhotoRoom, views: Views) -> None:
    apart = room.cameras.select(np.array([0, 8, 16]))
    assert len(found_points(views.select([0, 8, 16]), apart, None, reach=REACH).points) == 0
