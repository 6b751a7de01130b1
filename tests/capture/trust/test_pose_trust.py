"""Joints that look perfect and are wrong are found; sound models, however odd their path, are left whole."""

from dataclasses import replace

import numpy as np
import pytest
from jaxtyping import Float64
from scipy.spatial.transform import Rotation

from lyra_sim.capture.trust.pose_trust import PoseTrust, assess_trust
from lyra_sim.data.posed import PosedPhotos
from lyra_sim.data.sparse import SparsePoints
from lyra_sim.geometry.rigid import Similarity
from tests.capture.walks import LENS, Walk, across, corridor, drifting, loop, orbit, scaled_from

JOINT = 20


@pytest.fixture(scope="module")
def walk() -> Walk:
    return corridor()


def thinned(walk: Walk, left: float) -> Walk:
    """The corridor with a blank wall at the joint: of the points seen across it a share is left."""
    lost = np.random.default_rng(0).random(walk.point_index.max() + 1) >= left
    return walk.without(across(walk, JOINT) & lost[walk.point_index])


def trust(posed: PosedPhotos, *, geo: Float64[np.ndarray, "n 3"] | None = None, ordered: bool = True) -> PoseTrust:
    return assess_trust(posed, geo=geo, ordered=ordered)


@pytest.mark.parametrize("factor", [5.0, 1.3, 0.5])
@pytest.mark.parametrize("left", [0.0, 0.03])
def test_scale_jump_at_a_blank_wall_is_caught_and_named(walk: Walk, factor: float, left: float) -> None:
    wrong = thinned(walk, left).posed(scaled_from(walk.c2w, JOINT, factor))
    assert wrong.reprojection_px < 0.7  # nothing to be seen there
    found = trust(wrong)
    assert not found.sound
    assert len(found.parts) == 2
    assert abs(min(found.parts[0][-1], found.parts[1][-1]) + 1 - JOINT) <= 1
    assert any(sentence.startswith("between 0019 and 0020") for sentence in found.findings)


def test_scale_jump_with_points_across_is_caught(walk: Walk) -> None:
    """Points seen from both sides are put somewhere between; either side alone knows better."""
    found = trust(walk.posed(scaled_from(walk.c2w, JOINT, 1.3)))
    assert not found.sound
    assert all(len(set(part) & set(range(JOINT))) in (0, len(part)) for part in found.parts)
    assert any("the scale jumps" in sentence for sentence in found.findings)


def test_bend_with_right_scale_is_caught(walk: Walk) -> None:
    """The second half turned by 5° about the joint: no length changes, points just don't fit in one place."""
    bent = walk.c2w.copy()
    turn = Rotation.from_euler("z", 5, degrees=True).as_matrix()
    pivot = walk.c2w[JOINT, :3, 3]
    bent[JOINT:, :3, :3] = turn @ bent[JOINT:, :3, :3]
    bent[JOINT:, :3, 3] = (bent[JOINT:, :3, 3] - pivot) @ turn.T + pivot
    found = trust(walk.posed(bent))
    assert not found.sound
    assert all(len(set(part) & set(range(JOINT))) in (0, len(part)) for part in found.parts)


def test_one_photo_out_of_place_is_left_out(walk: Walk) -> None:
    moved = walk.c2w.copy()
    moved[25, :3, 3] += [0.0, 0.12, 0.0]
    found = trust(walk.posed(moved))
    assert set(found.parts[0]) == set(range(40)) - {25}
    assert any("0025" in sentence for sentence in found.findings)


@pytest.mark.parametrize(
    "sound",
    [
        corridor().posed(),
        corridor().posed(drifting(corridor().c2w, 0.04)),
        corridor(turn_at=18).posed(),
        loop().posed(),
    ],
    ids=["corridor", "4 % drift", "turned on the spot", "loop"],
)
def test_sound_walks_are_left_whole(sound: PosedPhotos) -> None:
    found = trust(sound)
    assert found.sound
    assert found.findings == ()
    assert found.figures["worst_strain"] < 5
    assert found.figures["weakest_scale_points"] >= 10


@pytest.mark.parametrize("ordered", [False, True])
def test_sound_orbit_in_no_order_is_left_whole(ordered: bool) -> None:
    assert trust(orbit().posed(), ordered=ordered).sound


def test_joint_is_found_without_an_order() -> None:
    """Photos shuffled: the narrowest passage of shared points is where the model breaks."""
    walk = corridor()
    shuffle = np.random.default_rng(1).permutation(len(walk.c2w))
    wrong = thinned(walk, 0.0).posed(scaled_from(walk.c2w, JOINT, 2.0)).select(tuple(shuffle.tolist()))
    found = trust(wrong, ordered=False)
    halves = {frozenset(int(wrong.names[index]) < JOINT for index in part) for part in found.parts}
    assert halves == {frozenset([True]), frozenset([False])}


def test_trust_is_the_same_in_every_frame_and_order_of_points(walk: Walk) -> None:
    wrong = thinned(walk, 0.03).posed(scaled_from(walk.c2w, JOINT, 1.3))
    rotation = Rotation.from_rotvec([0.4, -1.0, 0.7]).as_matrix()
    moved = wrong.moved(Similarity(scale=0.013, rotation=rotation, translation=np.array([5.0, -80.0, 3.0])))
    sparse = moved.sparse
    rows, sights = (np.random.default_rng(4).permutation(count) for count in (len(sparse.points), len(sparse.point_index)))
    shuffled = SparsePoints(
        points=sparse.points[rows],
        point_index=np.argsort(rows).astype(np.int32)[sparse.point_index][sights],
        view_index=sparse.view_index[sights],
        xy=sparse.xy[sights],
    )
    here, there = trust(wrong), trust(replace(moved, sparse=shuffled))
    assert here.parts == there.parts
    assert here.findings == there.findings
    assert here.figures.keys() == there.figures.keys()
    for key, value in here.figures.items():
        assert there.figures[key] == pytest.approx(value, rel=1e-3), key


def test_lens_nobody_uses_contradicts_the_model(walk: Walk) -> None:
    posed = walk.posed()
    odd = replace(LENS, distortion=np.array([1.9, 0, 0, 0]))
    long = replace(LENS, K=np.array([[130.0, 0, 320], [0, 130, 240], [0, 0, 1]]))
    for lens in (odd, long):
        found = trust(replace(posed, lenses=(lens,)))
        assert found.contradicted
        assert found.trusted == ()


def test_photo_with_a_handful_of_points_is_not_held(walk: Walk) -> None:
    sparse = walk.posed().sparse
    few = np.flatnonzero(walk.view_index == 39)[5:]
    lost = np.zeros(len(walk.view_index), bool)
    lost[few] = True
    found = trust(walk.without(lost).posed())
    assert found.parts[0] == tuple(range(39))
    assert len(sparse.points)
    assert any(sentence.startswith("0039 is held by") for sentence in found.findings)


def street(walk: Walk, rng: np.random.Generator) -> Float64[np.ndarray, "n 3"]:
    """Fixes of the corridor taken for a street of 100 m, to 3 m."""
    turn = Rotation.from_euler("z", 70, degrees=True).as_matrix()
    return 10 * walk.c2w[:, :3, 3] @ turn.T + np.array([400.0, -90.0, 30.0]) + rng.normal(0, 3, (len(walk.c2w), 3))


def test_gps_that_fits_is_a_figure(walk: Walk) -> None:
    geo = street(walk, np.random.default_rng(0))
    geo[[4, 17, 30]] = np.nan
    found = trust(walk.posed(), geo=geo)
    assert found.sound
    assert found.figures["gps_fixes"] == 37
    assert found.figures["gps_rms_m"] == pytest.approx(3 * np.sqrt(3), rel=0.25)
    assert found.figures["gps_halves"] == pytest.approx(1.0, abs=0.2)


def test_stale_fixes_are_no_evidence(walk: Walk) -> None:
    """A phone that repeats its last fix is told by intake, as NaN; what is left decides, or nothing does."""
    geo = street(walk, np.random.default_rng(0))
    geo[3:] = np.nan
    found = trust(walk.posed(), geo=geo)
    assert found.sound
    assert "gps_rms_m" not in found.figures


def test_one_wrong_fix_is_the_fixs_fault(walk: Walk) -> None:
    geo = street(walk, np.random.default_rng(0))
    geo[11] += [300.0, -120.0, 0.0]
    found = trust(walk.posed(), geo=geo)
    assert not found.contradicted
    assert found.parts == (tuple(range(40)),)
    assert any("0011" in sentence and "GPS" in sentence for sentence in found.findings)
    assert found.figures["gps_rms_m"] < 8


def test_fixes_everywhere_else_contradict_the_model(walk: Walk) -> None:
    """The path folded back on itself in the middle, which a sound-looking model doesn't do."""
    geo = street(walk, np.random.default_rng(0))
    geo[20:] = geo[20:0:-1]
    found = trust(walk.posed(), geo=geo)
    assert found.contradicted
    assert not found.sound
    assert any("GPS disagree" in sentence for sentence in found.findings)


def test_fixes_of_one_room_say_nothing(walk: Walk) -> None:
    """All within a phone's own error: no evidence for or against."""
    geo = np.random.default_rng(2).normal(0, 3, (40, 3))
    assert "gps_rms_m" not in trust(walk.posed(), geo=geo).figures


def test_camera_height_that_jumps_is_said() -> None:
    walk = corridor(60)
    wrong = thinned(walk, 0.0).posed(scaled_from(walk.c2w, JOINT, 2.0))
    assert trust(wrong).figures["camera_height_jump"] > 1.5
    assert any("above the ground" in sentence for sentence in trust(wrong).findings)
    assert trust(walk.posed()).figures["camera_height_jump"] < 1.2


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_photos(walk: Walk, count: int) -> None:
    few = walk.posed().select(tuple(range(0, 2 * count, 2)))
    found = trust(few)
    assert found.sound
    assert found.parts == (tuple(range(count)),)
