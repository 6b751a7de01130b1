from dataclasses import replace

import numpy as np
import pytest

from lyra_sim.data.video import INVENTED, KNOWN, NEW
from lyra_sim.depth.providers.chunk import Motion
from lyra_sim.generators.known_frame import KnownFrame
from lyra_sim.generators.photo_evidence import PhotoEvidence, Tie, factor_of_cameras, tie_depth
from lyra_sim.geometry.cameras import CameraPath, unproject
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.geometry.similarity_fit import fit_similarity
from tests.rooms import Room, camera_path, look

AIR = Room(
    air_low=np.array([0.0, -3, 0]),
    air_high=np.array([8.0, 3, 2.5]),
    boxes={"box": (np.array([4.0, -0.5, 0]), np.array([4.5, 0.5, 2.5]))},
    cameras=camera_path([look(np.array([1.0, 0, 1.2]), 0.0, 0), look(np.array([4.2, -2.5, 1.2]), np.pi / 2 - 0.9, 0)]),
)
"""A room with a pillar; the first camera looks at it, the second past its right side."""


def photo(n: int) -> KnownFrame:
    images, depths = AIR.rendered
    return KnownFrame(id=-1 - n, rgb=images[n], z_depth=depths[n], invented=None, K=AIR.cameras.K[n], c2w=AIR.cameras.c2w[n])


def test_air_and_surface_in_view_are_measured_and_what_the_pillar_hides_is_not() -> None:
    evidence = PhotoEvidence([photo(0)])
    seen_air, seen_wall, hidden, beside = [2.5, 0.2, 1.2], [8.0, 1.8, 1.2], [6.0, 0.0, 1.2], [1.0, 2.0, 1.2]
    assert evidence.measured(np.array([seen_air, seen_wall, hidden, beside])).tolist() == [True, True, False, False]


def test_new_is_only_what_no_photo_looked_at() -> None:
    """Pixels of a third camera behind the pillar, all of them drawn: against which photo looked where, by exact ray casting."""
    camera = camera_path([look(np.array([7.0, 2.0, 1.2]), np.pi + 0.4, 0)])
    z = Room(air_low=AIR.air_low, air_high=AIR.air_high, boxes=AIR.boxes, cameras=camera).rendered[1][0]
    both = PhotoEvidence([photo(0), photo(1)]).origin(z[None], np.ones((1, *z.shape), bool), camera)[0]
    one = PhotoEvidence([photo(0)]).origin(z[None], np.ones((1, *z.shape), bool), camera)[0]
    assert set(np.unique(one)) == {INVENTED, NEW}
    assert (one == NEW).sum() > (both == NEW).sum() > 0, "a second photo leaves less to make up"
    assert not ((both == NEW) & (one == INVENTED)).any()
    points = unproject(z, camera.K[0], camera.c2w[0])
    back_of_the_pillar = (np.abs(points[..., 0] - 4.5) < 0.01) & (np.abs(points[..., 1]) < 0.45)
    assert back_of_the_pillar.sum() > 1000 and (one[back_of_the_pillar] == NEW).all()


def test_known_pixels_and_pixels_without_depth_add_nothing() -> None:
    camera = camera_path([look(np.array([7.0, 2.0, 1.2]), np.pi + 0.4, 0)])
    z, invented = np.full((120, 160), np.nan, np.float32), np.zeros((120, 160), bool)
    invented[:60] = True
    origin = PhotoEvidence([photo(0)]).origin(z[None], invented[None], camera)[0]
    assert (origin[:60] == INVENTED).all() and (origin[60:] == KNOWN).all()


@pytest.mark.parametrize("factor", [1.0, 0.37, 4.0])
def test_depth_is_tied_by_one_factor_however_wrong_a_part_of_it(factor: float) -> None:
    views = camera_path([look(np.array([1.2, 0.1, 1.2]), 0.05, 0), look(np.array([1.4, -0.1, 1.2]), -0.05, 0)])
    exact = Room(air_low=AIR.air_low, air_high=AIR.air_high, boxes=AIR.boxes, cameras=views).rendered[1]
    drawn = (exact * np.float32(factor)).astype(np.float32)
    drawn[:, :, :50] *= 3  # a third is nonsense
    tie = tie_depth(drawn, views, [photo(0)])
    assert tie.overlap > 0.5
    assert tie.scale == pytest.approx(1 / factor, rel=0.01)


def test_nothing_in_common_ties_nothing() -> None:
    away = camera_path([look(np.array([1.0, 0, 1.2]), np.pi, 0)])
    z = Room(air_low=AIR.air_low, air_high=AIR.air_high, boxes=AIR.boxes, cameras=away).rendered[1]
    tie = tie_depth(z, away, [photo(0)])
    assert tie.scale == 1 and np.isnan(tie.residual) and tie.overlap < 0.005


def test_depth_that_claims_its_scale_is_judged_in_it() -> None:
    """A generator that says its depth is in scale and is off by a factor has that factor for a residual."""
    views = camera_path([look(np.array([1.2, 0.1, 1.2]), 0.05, 0)])
    exact = Room(air_low=AIR.air_low, air_high=AIR.air_high, boxes=AIR.boxes, cameras=views).rendered[1]
    tie = tie_depth((2 * exact).astype(np.float32), views, [photo(0)], in_scale=True)
    assert tie.scale == 1 and tie.residual == pytest.approx(1.0, rel=0.01)


def test_what_a_photo_saw_of_the_sky_is_air() -> None:
    seen = photo(0)
    sky = np.zeros(seen.z_depth.shape, bool)
    sky[:20] = True
    outdoors = replace(seen, z_depth=np.where(sky, np.float32(np.nan), seen.z_depth), sky=sky)
    high = unproject(np.full((120, 160), 3.0, np.float32), seen.K, seen.c2w)[5:15, 40:120].reshape(-1, 3)
    assert PhotoEvidence([outdoors]).measured(high).all()
    assert not PhotoEvidence([replace(outdoors, sky=None)]).measured(high).any()


WALK = camera_path([look(np.array([1.0 + 0.06 * n, 0.1 * np.sin(n), 1.2 + 0.01 * n]), 0.03 * n, 0) for n in range(10)])
STRAIGHT = camera_path([look(np.array([1.0 + 0.1 * n, 0, 1.2]), 0.0, 0) for n in range(10)])
STILL = camera_path([look(np.array([1.0 + 1e-3 * n, 0, 1.2]), 0.05 * n, 0) for n in range(10)])
ELSEWHERE = Similarity(scale=1.0, rotation=look(np.zeros(3), 2.0, 0.4)[:3, :3], translation=np.array([7.0, -3.0, 1.0]))


def seen(cameras: CameraPath, factor: float, *, noise: float = 0.0) -> Motion:
    """As a provider sees them whose unit is ``1 / factor`` of ours, in a frame of its own; ``noise`` in our units."""
    c2w = ELSEWHERE.apply_cameras(cameras.c2w)
    c2w[:, :3, 3] += noise * np.random.default_rng(4).standard_normal((len(c2w), 3))
    c2w[:, :3, 3] *= factor
    return Motion(commanded=cameras, seen=CameraPath(c2w=c2w, K=cameras.K, width=cameras.width, height=cameras.height))


def estimated(cameras: CameraPath, factor: float, *, noise: float = 0.02) -> np.ndarray:
    """Exact depth times a hidden factor, with noise that reaches over patches of 20 px, as that of networks does."""
    exact = Room(air_low=AIR.air_low, air_high=AIR.air_high, boxes=AIR.boxes, cameras=cameras).rendered[1]
    coarse = np.random.default_rng(1).standard_normal((len(exact), 6, 8))
    return (exact * factor * (1 + noise * np.kron(coarse, np.ones((20, 20))))).astype(np.float32)


def tied(cameras: CameraPath, motion: Motion | None, *, factor: float = 0.31, noise: float = 0.02) -> Tie:
    some = [2, 4, 7, 9]
    return tie_depth(estimated(cameras, factor, noise=noise)[some], cameras.select(np.array(some)), [photo(0)], motion=motion)


@pytest.mark.parametrize("cameras", [WALK, STRAIGHT])
def test_depth_and_cameras_each_recover_a_hidden_factor(cameras: CameraPath) -> None:
    tie = tied(cameras, seen(cameras, 0.31, noise=2e-3))
    assert tie.by_depth is not None and tie.by_cameras is not None and not tie.conflict
    for scale in (tie.by_depth.scale, tie.by_cameras.scale, tie.scale):
        assert scale == pytest.approx(1 / 0.31, rel=0.01)
    assert 0.005 < tie.by_depth.residual < 0.03 and 1e-3 < tie.by_cameras.residual < 0.03
    assert min(tie.by_depth.scale, tie.by_cameras.scale) <= tie.scale <= max(tie.by_depth.scale, tie.by_cameras.scale)


def test_standard_errors_are_about_what_the_factors_are_off_by() -> None:
    """Over many draws of noise: neither boasts nor cowers."""
    off = []
    for draw in range(40):
        rng = np.random.default_rng(draw)
        c2w = WALK.c2w.copy()
        c2w[:, :3, 3] += 0.02 * rng.standard_normal((10, 3))
        noisy = Motion(commanded=WALK, seen=CameraPath(c2w=c2w, K=WALK.K, width=160, height=120))
        found = factor_of_cameras(noisy, z_seen=3.0, z_known=3.0)
        assert found is not None
        off.append((found.scale - 1) / found.sigma)
    assert 0.4 < np.std(off) < 1.5 and abs(np.mean(off)) < 1


def test_what_is_better_known_counts_more() -> None:
    rough = tied(WALK, seen(WALK, 0.31, noise=2e-2), noise=0.0)
    assert rough.by_depth is not None and rough.by_cameras is not None
    assert rough.by_depth.sigma < 0.2 * rough.by_cameras.sigma
    assert abs(rough.scale / rough.by_depth.scale - 1) < 0.1 * abs(rough.by_cameras.scale / rough.by_depth.scale - 1)


def test_a_camera_that_stands_still_tells_nothing() -> None:
    """What a provider makes of it is noise, and no offset is made up to fit to it; depth is all there is."""
    tie = tied(STILL, seen(STILL, 0.31, noise=0.05))
    assert tie.by_cameras is None and not tie.conflict
    assert tie.by_depth is not None and tie.scale == tie.by_depth.scale == pytest.approx(1 / 0.31, rel=0.01)
    same = camera_path([look(np.array([1.0, 0, 1.2]), 0.05 * n, 0) for n in range(10)])
    assert tied(same, seen(same, 0.31)).by_cameras is None


def test_the_least_way_is_a_fortieth_of_the_depth() -> None:
    for length, told in ((1.9, False), (2.1, True)):  # the depth is 8, the root mean square way a third of the length
        line = STRAIGHT.c2w.copy()
        line[:, 0, 3] = 1 + np.linspace(0, 1, 10) * length / np.sqrt(110 / 1080) * 0.1
        cameras = CameraPath(c2w=line, K=STRAIGHT.K, width=160, height=120)
        assert (factor_of_cameras(seen(cameras, 0.5), z_seen=4.0, z_known=8.0) is not None) == told
        assert (factor_of_cameras(seen(cameras, 0.5), z_seen=4.0, z_known=None) is not None) == told, "z_seen in our units"


def test_cameras_alone_tell_the_scale_where_nothing_known_is_in_view() -> None:
    back = camera_path([look(np.array([2.0 - 0.1 * n, 0.02 * n, 1.2]), np.pi, 0) for n in range(10)])
    tie = tied(back, seen(back, 0.31))
    assert tie.overlap < 0.005 and tie.by_depth is None and np.isnan(tie.residual)
    assert tie.by_cameras is not None and tie.scale == pytest.approx(1 / 0.31, rel=0.01)


def test_wrong_cameras_are_outvoted_and_reported() -> None:
    longer = tied(WALK, seen(WALK, 1.25 * 0.31))
    assert longer.conflict and longer.by_depth is not None and longer.by_cameras is not None
    assert longer.scale == longer.by_depth.scale == pytest.approx(1 / 0.31, rel=0.01)
    assert longer.by_cameras.scale == pytest.approx(0.8 / 0.31, rel=0.01)


def test_cameras_that_moved_otherwise_tell_no_scale_but_are_reported() -> None:
    shuffled = seen(WALK, 0.31)
    other = shuffled.seen.select(np.array([4, 0, 9, 2, 7, 1, 8, 3, 6, 5]))
    tie = tied(WALK, Motion(commanded=WALK, seen=other))
    assert tie.conflict and tie.by_cameras is not None and tie.by_cameras.residual > 0.3
    assert tie.by_depth is not None and tie.scale == tie.by_depth.scale
    back = camera_path([look(centre, np.pi, 0) for centre in WALK.centres])
    nothing_known = tied(back, Motion(commanded=back, seen=other))
    assert nothing_known.conflict and nothing_known.by_depth is None and nothing_known.scale == 1


def test_the_factor_of_cameras_is_that_of_the_whole_similarity() -> None:
    motion = seen(WALK, 0.31, noise=0.02)
    factor = factor_of_cameras(motion, z_seen=1.0, z_known=3.0)
    assert factor is not None
    whole = fit_similarity(motion.seen.centres, motion.commanded.centres)
    assert factor.scale == pytest.approx(whole.scale, rel=1e-9)
    left = whole.apply(motion.seen.centres) - WALK.centres
    way = WALK.centres - WALK.centres.mean(axis=0)
    assert factor.residual == pytest.approx(np.sqrt((left**2).sum() / (way**2).sum()), rel=1e-9)


def test_depth_in_scale_is_not_changed_by_cameras() -> None:
    views = WALK.select(np.array([2, 9]))
    tie = tie_depth(estimated(WALK, 1.0)[[2, 9]], views, [photo(0)], in_scale=True, motion=seen(WALK, 0.5))
    assert tie.scale == 1 and tie.by_cameras is None and tie.by_depth is None and not tie.conflict
