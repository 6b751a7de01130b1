from dataclasses import replace

import numpy as np
import pytest

from lyra_sim.data.video import INVENTED, KNOWN, NEW
from lyra_sim.generators.evidence import PhotoEvidence, tie_depth
from lyra_sim.generators.known_frame import KnownFrame
from lyra_sim.geometry.cameras import unproject
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
