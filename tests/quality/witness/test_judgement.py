"""The good flat stands up to its witness; what is lost or made up in hulls and map alike doesn't."""

from dataclasses import replace

import numpy as np
import pytest

from lyra_sim.data.colliders import Collision, Hull
from lyra_sim.data.report import Metric
from lyra_sim.navigation.build import build_navigation
from lyra_sim.quality.witness.held_out_views import held_out_witness
from lyra_sim.quality.witness.judgement import judge, witness_metrics
from lyra_sim.quality.witness.rays import Witness
from lyra_sim.scene.spec import NavigateConfig
from tests.broken_worlds.good import BAND, DOOR, ROBOT, GoodWorld, box_hull, good_world

HELD_OUT = tuple(range(4, 36, 8))


@pytest.fixture(scope="module")
def flat(tmp_path_factory: pytest.TempPathFactory) -> GoodWorld:
    return good_world(tmp_path_factory.mktemp("flat"))


@pytest.fixture(scope="module")
def witness(flat: GoodWorld) -> Witness:
    found = held_out_witness(flat.world, HELD_OUT, seed=7)
    assert found is not None
    return found


def judged(flat: GoodWorld, witness: Witness, hulls: tuple[Hull, ...]) -> dict[str, Metric]:
    """Of a world whose map was made of ``hulls`` too: whatever they lost, it lost."""
    navigation = build_navigation(
        hulls,
        flat.solid.free_space,
        flat.world.cameras.centres,
        band=BAND,
        robot=ROBOT,
        config=NavigateConfig(probes=10, routes=1),
        seed=7,
    )
    collision = Collision(colliders=replace(flat.colliders, hulls=hulls), navigation=navigation)
    found = judge(witness, collision, flat.world.cameras.centres)
    return {metric.name.removeprefix("witness."): metric for metric in witness_metrics(found)}


def grown(hull: Hull, by: float) -> Hull:
    outward = np.sign(hull.vertices - hull.vertices.mean(axis=0)) * by
    return replace(hull, vertices=(hull.vertices + outward).astype(np.float32))


def test_the_good_flat_stands_up_to_it(flat: GoodWorld, witness: Witness) -> None:
    figures = judged(flat, witness, flat.colliders.hulls)
    assert all(figure.verdict == "pass" for figure in figures.values())
    assert figures["ghost"].value == figures["phantom"].value == 0
    assert figures["ghost"].n > 10_000 and figures["phantom"].n > 10_000


def test_two_cabinets_taken_out_of_everything_fail(flat: GoodWorld, witness: Witness) -> None:
    """Hulls and map agree that nothing is there; only what was kept apart of both knows better."""
    left = tuple(hull for hull in flat.colliders.hulls if hull.name not in ("clutter_010", "clutter_011"))
    figures = judged(flat, witness, left)
    assert figures["ghost"].verdict == figures["ghost_patch"].verdict == "fail"
    assert figures["ghost_patch"].value > 0.2 and "at 2.0" in figures["ghost_patch"].note


@pytest.mark.parametrize("name", ["clutter_006", "clutter_007", "clutter_009"])
def test_one_thing_lost_fails(flat: GoodWorld, witness: Witness, name: str) -> None:
    figures = judged(flat, witness, tuple(hull for hull in flat.colliders.hulls if hull.name != name))
    assert "fail" in (figures["ghost"].verdict, figures["ghost_patch"].verdict)


@pytest.mark.parametrize(("by", "ghost", "phantom"), [(-0.07, "fail", "pass"), (-0.03, "pass", "pass"), (0.07, "pass", "fail")])
def test_hulls_grown_and_shrunk(flat: GoodWorld, witness: Witness, by: float, ghost: str, phantom: str) -> None:
    hulls = tuple(grown(hull, by) if hull.label == "clutter" else hull for hull in flat.colliders.hulls)
    figures = judged(flat, witness, hulls)
    assert (figures["ghost"].verdict, figures["phantom"].verdict) == (ghost, phantom)


def test_a_hull_that_stands_out_by_two_centimetres_is_none_in_the_way(flat: GoodWorld, witness: Witness) -> None:
    """Rays that graze a wall pass far through such a hull, but never deep below its surface."""
    hulls = tuple(grown(hull, 0.02) if hull.label == "clutter" else hull for hull in flat.colliders.hulls)
    figures = judged(flat, witness, hulls)
    assert figures["phantom"].verdict == figures["phantom_patch"].verdict == "pass"


@pytest.mark.parametrize(("by", "verdict"), [(0.0, "pass"), (0.03, "fail"), (-0.03, "fail")])
def test_how_far_hulls_stand_out_before_what_was_measured(flat: GoodWorld, witness: Witness, by: float, verdict: str) -> None:
    hulls = tuple(hull if hull.label == "floor" else grown(hull, by) for hull in flat.colliders.hulls)
    offset = judged(flat, witness, hulls)["offset"]
    assert offset.verdict == verdict and offset.value == pytest.approx(abs(by), abs=0.006)
    assert by == 0 or offset.note.startswith("hulls stand out" if by > 0 else "hulls stand back")


def with_hole(hulls: tuple[Hull, ...]) -> tuple[Hull, ...]:
    """The floor in four boxes round a hole of 0.5 m."""
    floors = [hull for hull in hulls if hull.label == "floor"]
    rest = [hull for hull in hulls if hull.label != "floor"]
    low, high = np.min([h.vertices.min(0) for h in floors], axis=0), np.max([h.vertices.max(0) for h in floors], axis=0)
    hole = (2.0, 2.5, 1.8, 2.3)
    sides = (
        (low[0], hole[0], low[1], high[1]),
        (hole[1], high[0], low[1], high[1]),
        (hole[0], hole[1], low[1], hole[2]),
        (hole[0], hole[1], hole[3], high[1]),
    )
    around = [
        box_hull(f"floor_{90 + number:03d}", "floor", [x0, y0, low[2]], [x1, y1, high[2]])
        for number, (x0, x1, y0, y1) in enumerate(sides)
    ]
    return (*rest, *around)


def looked_into(witness: Witness) -> Witness:
    """With rays down a hole of half a metre where the flat has floor."""
    rng = np.random.default_rng(4)
    ends = np.c_[rng.uniform(2.0, 2.5, 4000), rng.uniform(1.8, 2.3, 4000), np.full(4000, -0.6)]
    over = (np.abs(witness.ends - [2.25, 2.05, 0.0]) <= [0.25, 0.25, 0.03]).all(axis=1)
    rest = witness.where(~over)
    return Witness(
        kind=witness.kind,
        origins=np.concatenate([rest.origins, ends + np.array([0.0, 0.0, 2.0])]),
        ends=np.concatenate([rest.ends, ends]),
        sigma=np.concatenate([rest.sigma, np.full(4000, 0.002)]),
    )


def test_floor_that_no_hull_carries_fails(flat: GoodWorld, witness: Witness) -> None:
    """Nothing in the band is missing, and no probe is dropped where the map knows no floor."""
    bare = judged(flat, witness, with_hole(flat.colliders.hulls))["floor_bare"]
    assert bare.verdict == "fail" and bare.value == pytest.approx(0.25, abs=0.1) and "at 2.2" in bare.note


def test_a_hull_over_a_hole_that_was_looked_into_fails(flat: GoodWorld, witness: Witness) -> None:
    assert judged(flat, witness, flat.colliders.hulls)["floor_false"].value == 0
    into = looked_into(witness)
    false = judged(flat, into, flat.colliders.hulls)["floor_false"]
    assert false.verdict != "pass" and false.value == pytest.approx(0.25, abs=0.1)
    assert judged(flat, into, with_hole(flat.colliders.hulls))["floor_false"].verdict == "pass"


@pytest.mark.parametrize("thick", [0.2, 0.03])
def test_a_doorway_that_closed_is_a_phantom(flat: GoodWorld, witness: Witness, thick: float) -> None:
    low, high = np.array(DOOR)
    low[0], high[0] = 4.06 - thick / 2, 4.06 + thick / 2
    door = box_hull("wall_099", "wall", low.tolist(), high.tolist())
    figures = judged(flat, witness, (*flat.colliders.hulls, door))
    assert figures["phantom"].verdict == "fail" and figures["phantom_patch"].value > 0.2
    fence = replace(door, name="unseen_099", label="unseen")
    fenced = judged(flat, witness, (*flat.colliders.hulls, fence))
    assert fenced["phantom"].value == 0 and "meet a fence" in fenced["phantom"].note


def test_matter_that_fences_keep_the_robot_from_harms_nobody(flat: GoodWorld, witness: Witness) -> None:
    """The table's hull is lost. With fences 0.2 m round its place nothing can touch it; one of them gone, the robot gets in."""
    left = tuple(hull for hull in flat.colliders.hulls if hull.name != "clutter_010")
    sides = (
        ([1.35, 0.0, 0.0], [1.4, 1.15, 1.0]),
        ([2.8, 0.0, 0.0], [2.85, 1.15, 1.0]),
        ([1.35, 1.1, 0.0], [2.85, 1.15, 1.0]),
    )
    fences = tuple(box_hull(f"unseen_{90 + number:03d}", "unseen", low, high) for number, (low, high) in enumerate(sides))
    fenced = judged(flat, witness, (*left, *fences))
    assert fenced["ghost"].verdict == fenced["ghost_patch"].verdict == "pass"
    open_side = judged(flat, witness, (*left, *fences[:2]))
    assert open_side["ghost_patch"].verdict == "fail"


def test_a_noisy_witness_grants_its_own_noise(flat: GoodWorld, witness: Witness) -> None:
    rng = np.random.default_rng(3)
    ray = witness.ends - witness.origins
    unit = ray / np.linalg.norm(ray, axis=1, keepdims=True)
    sigma = np.full(len(witness), 0.03)
    noisy = replace(witness, ends=witness.ends + unit * rng.normal(0, 0.03, (len(witness), 1)), sigma=sigma)
    figures = judged(flat, noisy, flat.colliders.hulls)
    assert figures["ghost"].verdict == figures["phantom"].verdict == "pass"
    unaware = judged(flat, replace(noisy, sigma=np.zeros(len(witness))), flat.colliders.hulls)
    assert unaware["ghost"].value > figures["ghost"].value


def test_a_world_without_a_witness_never_passes() -> None:
    metrics = witness_metrics(None, why="no view was held out")
    assert {metric.verdict for metric in metrics} == {"not-measured"}


def test_too_few_rays_neither_pass_nor_hide_a_fault(flat: GoodWorld, witness: Witness) -> None:
    """What fifty rays say of a hundredth is an interval that holds it; fifty that find nobody's matter are enough to fail."""
    judgement = judge(witness, Collision(colliders=flat.colliders, navigation=flat.navigation), flat.world.cameras.centres)
    few = witness.where(judgement.matter & (np.cumsum(judgement.matter) % (judgement.matter.sum() // 50) == 0))
    good = judged(flat, few, flat.colliders.hulls)
    assert {good[name].verdict for name in ("ghost", "ghost_patch", "phantom", "phantom_patch")} == {"not-measured"}
    assert good["rays"].value == len(few) and "0.00 to 7" in good["ghost"].note and "too few" in good["ghost"].note
    lost = tuple(hull for hull in flat.colliders.hulls if hull.label != "clutter")
    assert judged(flat, few, lost)["ghost"].verdict == "fail"


def test_photos_of_one_point_are_one_witness(flat: GoodWorld, witness: Witness) -> None:
    """However many photos show it: forty points seen by fifty photos each say no more than forty."""
    judgement = judge(witness, Collision(colliders=flat.colliders, navigation=flat.navigation), flat.world.cameras.centres)
    rows = np.repeat(np.flatnonzero(judgement.matter)[:40], 50)
    points = replace(
        witness, kind="kept-back points", origins=witness.origins[rows], ends=witness.ends[rows], sigma=witness.sigma[rows]
    )
    assert len(points) == 2000 and judged(flat, points, flat.colliders.hulls)["ghost"].verdict == "not-measured"
    assert judged(flat, replace(points, kind="held-out depth"), flat.colliders.hulls)["ghost"].verdict == "pass"
