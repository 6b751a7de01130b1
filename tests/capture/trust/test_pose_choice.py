"""The model with most photos that hang together is taken, disputes between sound models are seen, too little is refused."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import Float64

from lyra_sim.capture.trust.model_agreement import agreement
from lyra_sim.capture.trust.pose_choice import Chosen, checked, choose
from lyra_sim.data.posed import Photo, PhotoSet, PosedPhotos, poses_from_json, poses_to_json
from lyra_sim.errors import FrameError, GeometryError
from lyra_sim.scene.spec import PosesConfig
from tests.capture.walks import Walk, across, corridor, scaled_from, seen

JOINT = 15


@pytest.fixture(scope="module")
def walk() -> Walk:
    return corridor()


@pytest.fixture(scope="module")
def jumped(walk: Walk) -> PosedPhotos:
    """All photos, half a pixel, and five times too large from the joint on."""
    return walk.without(across(walk, JOINT)).posed(scaled_from(walk.c2w, JOINT, 5.0), recipe="global mapper")


def photo_set(walk: Walk, extra: int = 0) -> PhotoSet:
    names = [*walk.names, *(f"{len(walk.names) + index:04d}" for index in range(extra))]
    photos = tuple(Photo(name=name, file=Path(f"{name}.jpg"), width=640, height=480) for name in names)
    return PhotoSet(photos=photos, skipped=())


def chosen(
    walk: Walk,
    *candidates: PosedPhotos,
    extra: int = 0,
    geo: Float64[np.ndarray, "m 3"] | None = None,
    least: float = 0.5,
) -> Chosen:
    return choose(candidates, photo_set(walk, extra), PosesConfig(min_registered=least), geo=geo, subject="scene 'corridor'")


def test_sound_model_wins_over_one_with_lower_error(walk: Walk, jumped: PosedPhotos) -> None:
    sound = walk.posed(recipe="incremental mapper").select(tuple(range(36)))
    got = chosen(walk, replace(jumped, reprojection_px=0.1), sound)
    assert got.facts.chosen == "incremental mapper"
    assert got.posed.names == walk.names[:36]
    assert [name for name, _ in got.dropped] == list(walk.names[36:])
    assert all(reason.startswith("no camera was found") for _, reason in got.dropped)
    assert "between 0014 and 0015" in got.facts.candidates[0].findings[0]
    assert [one.trusted for one in got.facts.candidates] == [25, 36]
    stored = json.loads(json.dumps(poses_to_json(got.facts), allow_nan=False))
    assert poses_from_json(stored) == got.facts


def test_largest_part_is_kept_and_the_split_named(walk: Walk, jumped: PosedPhotos) -> None:
    got = chosen(walk, jumped)
    assert got.posed.names == walk.names[JOINT:]
    assert len(got.dropped) == JOINT
    assert all("between 0014 and 0015" in reason for _, reason in got.dropped)
    assert got.posed.sparse.view_index.max() == 24


def test_too_small_a_part_is_refused(walk: Walk, jumped: PosedPhotos) -> None:
    with pytest.raises(GeometryError, match="of 40 photos the largest part whose scale hangs together has 25") as refused:
        chosen(walk, jumped, least=0.8)
    message = str(refused.value)
    assert "0015 to 0039" in message
    assert "between 0014 and 0015" in message
    assert "32 or more in one part" in message
    assert "give the cameras" in message


def test_too_few_registered_is_refused(walk: Walk) -> None:
    with pytest.raises(GeometryError, match="cameras were found for 12 of 40 photos"):
        chosen(walk, walk.posed().select(tuple(range(12))))


def test_no_model_at_all_is_refused(walk: Walk) -> None:
    with pytest.raises(GeometryError, match="no two of the 40 photos could be joined"):
        chosen(walk)


def test_model_nothing_can_be_believed_of_is_refused(walk: Walk) -> None:
    lens = replace(walk.posed().lenses[0], distortion=np.array([2.0, 0, 0, 0]))
    with pytest.raises(GeometryError, match="no lens people use"):
        chosen(walk, replace(walk.posed(), lenses=(lens,)))


@pytest.fixture(scope="module")
def alias(walk: Walk) -> PosedPhotos:
    """Another corridor, really a third as long from photo 20 on, that passes for this one: sound by all it says itself."""
    rng = np.random.default_rng(8)
    path = scaled_from(walk.c2w, 20, 0.3)
    points = rng.uniform([-1, -1.6, 0], [17, 1.6, 2.6], (2500, 3))
    return seen(points, path, rng).posed(recipe="global mapper")


def test_disputed_photos_are_left_out_when_nobody_settles_it(walk: Walk, alias: PosedPhotos) -> None:
    got = chosen(walk, alias, walk.posed(recipe="incremental mapper"))
    assert 20 <= len(got.posed) < 30
    assert any("elsewhere" in sentence for sentence in got.facts.agreement)
    assert any("elsewhere" in reason for _, reason in got.dropped)


def test_third_model_settles_a_dispute(walk: Walk, alias: PosedPhotos) -> None:
    right = walk.posed(recipe="incremental mapper")
    got = chosen(walk, alias, right, replace(right, recipe="global mapper, free focal"))
    assert got.facts.chosen != "global mapper"
    assert len(got.posed) == 40
    assert got.dropped == ()


def test_what_is_left_of_a_broken_model_disputes_nothing(walk: Walk, alias: PosedPhotos) -> None:
    sight = alias.sparse
    late = np.isin(sight.point_index, sight.point_index[sight.view_index >= 5])
    gone = (sight.view_index < 5) & late
    sparse = replace(sight, **{name: getattr(sight, name)[~gone] for name in ("point_index", "view_index", "xy")})
    got = chosen(walk, replace(alias, sparse=sparse), walk.posed(recipe="incremental mapper"))
    assert got.facts.chosen == "incremental mapper"
    assert len(got.posed) == 40
    assert any("elsewhere" in sentence for sentence in got.facts.agreement)


def test_models_agree_in_any_frame(walk: Walk) -> None:
    right = walk.posed()
    wrong = walk.posed(scaled_from(walk.c2w, 25, 3.0))
    found = agreement(right, wrong)
    assert found is not None
    assert set(found.same) >= set(walk.names[:25])
    assert set(found.differ) >= set(walk.names[28:])
    assert agreement(right, right.select((0, 1, 2))) is None


def test_gps_follows_the_photos_of_each_model(walk: Walk) -> None:
    """Fixes come for all photos; a model that lacks some must not be read against its neighbours' fixes."""
    geo = np.concatenate([10 * walk.c2w[:, :3, 3], np.full((2, 3), 9e3)])
    half = walk.posed().select(tuple(range(1, 40, 2)))
    got = chosen(walk, half, extra=2, geo=geo, least=0.3)
    assert got.facts.candidates[0].figures["gps_rms_m"] < 1e-6


def test_same_input_same_choice(walk: Walk, jumped: PosedPhotos, alias: PosedPhotos) -> None:
    first, second = (chosen(walk, jumped, alias, walk.posed()) for _ in range(2))
    assert json.dumps(first.facts) == json.dumps(second.facts)
    assert first.posed.names == second.posed.names


def test_given_cameras_are_kept_past_a_blank_wall(walk: Walk) -> None:
    given = walk.without(across(walk, JOINT)).posed(recipe="transforms.json")
    got = checked(given, geo=None, subject="scene 'corridor'")
    assert got.posed is given
    assert got.dropped == ()
    assert any("between 0014 and 0015" in sentence for sentence in got.facts.findings)


def test_given_colmap_model_is_parted_like_any_other(jumped: PosedPhotos) -> None:
    got = checked(replace(jumped, recipe="COLMAP model"), geo=None, subject="scene 'corridor'")
    assert len(got.posed) == 25


def test_given_colmap_model_without_a_large_part_is_refused(walk: Walk) -> None:
    wrong = scaled_from(scaled_from(walk.c2w, 13, 3.0), 26, 0.3)
    broken = walk.without(across(walk, 13) | across(walk, 26)).posed(wrong, recipe="COLMAP model")
    with pytest.raises(GeometryError, match="of 40 photos the largest part whose scale hangs together has 14"):
        checked(broken, geo=None, subject="scene 'corridor'")


def test_cameras_of_other_photos_are_an_error(walk: Walk) -> None:
    shuffled = walk.posed(walk.c2w[np.random.default_rng(0).permutation(40)], recipe="transforms.json")
    with pytest.raises(FrameError, match="from the given cameras"):
        checked(shuffled, geo=None, subject="scene 'corridor'")


def test_one_given_camera_is_taken(walk: Walk) -> None:
    one = replace(walk.posed().select((3,)), recipe="transforms.json")
    assert checked(one, geo=None, subject="x").posed is one
