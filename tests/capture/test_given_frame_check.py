"""Six axes of many kinds of places: the right one passes everywhere, and wrong ones are refused by the right one's name."""

import re

import numpy as np
import pytest
import trimesh

from lyra_sim.capture.frame.given_frame_check import axis_signs, check_stated_up
from lyra_sim.capture.frame.stated_frame import AXES, axes_of_file
from lyra_sim.capture.survey.dense_samples import surface_samples
from lyra_sim.capture.survey.given_floor_check import check_floor, check_not_on_a_roof
from lyra_sim.capture.survey.standing_room import cell_for, find_standing
from lyra_sim.errors import FrameError, GeometryError
from lyra_sim.geometry.rigid import Similarity, rotation_between
from lyra_sim.rendering.ray_casting import RayCaster
from tests.capture.generated_scenes import KINDS

TELLING = (
    "room",
    "open_room",
    "flat",
    "open_flat",
    "sheet_room",
    "house",
    "open_warehouse",
    "courtyard",
    "table_scan",
    "garage",
)
"""Places that things show the way up in. Halls with beams, corridors and open ground look alike either way round."""


def refusals(mesh: trimesh.Trimesh, scene: str) -> dict[str, str | None]:
    """What the scene file is told to say in place of each axis; None where it passes."""
    vertices, faces = np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int32)
    signs = axis_signs(vertices, faces, RayCaster(vertices, faces), seed=7)
    told: dict[str, str | None] = {}
    for axis in AXES:
        try:
            check_stated_up(signs, stated=axis, names={name: name for name in AXES}, said=f"declared {axis}", scene=scene)
            told[axis] = None
        except FrameError as error:
            told[axis] = str(error.likely)
    return told


@pytest.fixture(scope="module")
def told() -> dict[tuple[str, int], dict[str, str | None]]:
    return {(kind, seed): refusals(make(seed), kind) for kind, make in KINDS.items() for seed in (1, 2, 3)}


def test_the_right_axis_is_refused_nowhere(told):
    assert [place for place, axes in told.items() if axes["z"] is not None] == []


def test_wrong_axes_are_refused_by_the_name_of_the_right_one(told):
    asked = [answer for (kind, _), axes in told.items() if kind in TELLING for axis, answer in axes.items() if axis != "z"]
    named = [answer for answer in asked if answer is not None and answer.startswith("Up is z")]
    wrong = [answer for answer in asked if answer is not None and not re.search(r"(?<!-)z", answer)]
    assert wrong == []
    assert len(named) >= 0.95 * len(asked), f"{len(named)} of {len(asked)}"


@pytest.mark.nightly
def test_sixty_more_places():
    answers = [(kind, refusals(make(seed), kind)) for kind, make in KINDS.items() for seed in range(10, 15)]
    assert [kind for kind, axes in answers if axes["z"] is not None] == []
    wrong = [answer for _, axes in answers for axis, answer in axes.items() if axis != "z"]
    assert sum(answer is not None for answer in wrong) >= 0.85 * len(wrong)


@pytest.mark.parametrize("axis", AXES)
def test_axes_are_called_what_the_file_calls_them(axis):
    up = np.array(AXES[axis], np.float64)
    frame = Similarity(scale=2.0, rotation=rotation_between(up, np.array([0.0, 0.0, 1.0])), translation=np.zeros(3))
    names = axes_of_file(frame)
    assert names["z"] == axis and sorted(names.values()) == sorted(AXES)


def standing_in(mesh: trimesh.Trimesh):
    vertices, faces = np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int32)
    caster = RayCaster(vertices, faces)
    samples = surface_samples(vertices, faces, cell_for(vertices, subject="a") / 2)
    return find_standing(samples, caster, start=None, subject="a"), caster, vertices.min(axis=0), vertices.max(axis=0)


@pytest.mark.parametrize("kind", KINDS)
def test_every_generated_place_has_a_floor_and_no_roof_to_stand_on(kind):
    standing, caster, low, high = standing_in(KINDS[kind](4))
    check_floor(standing, caster, low, high, scene="a")
    check_not_on_a_roof(standing, caster, float(low[2]), scene="a")


@pytest.mark.parametrize("kind", ["flat", "open_flat", "house"])
def test_walls_without_a_floor_are_said_to_be_that(kind):
    mesh = KINDS[kind](4)
    up = np.abs(mesh.face_normals[:, 2]) > 0.99
    wide = np.zeros(len(mesh.faces), bool)
    for part in trimesh.graph.connected_components(mesh.face_adjacency, nodes=np.arange(len(mesh.faces))):
        plan = np.ptp(mesh.vertices[np.unique(mesh.faces[part])], axis=0)
        wide[part] = plan[0] * plan[1] > 12 and plan[2] < 0.3
    mesh.update_faces(~(wide & up) & ~wide)
    standing, caster, low, high = standing_in(mesh)
    with pytest.raises(GeometryError, match=r"m² between walls that reach 0\.\d m below it: the floor is missing"):
        check_floor(standing, caster, low, high, scene="a")


def test_a_box_that_is_filled_up_has_nothing_but_a_roof():
    mesh = trimesh.creation.box(bounds=[[0, 0, 0], [5, 4, 2.5]])
    clutter = [
        trimesh.creation.box(bounds=[[x, y, 0.2], [x + 0.2, y + 0.2, 2.3]])
        for x in np.arange(0.2, 4.8, 0.5)
        for y in np.arange(0.2, 3.8, 0.5)
    ]
    standing, caster, low, _ = standing_in(trimesh.util.concatenate([mesh, *clutter]))
    with pytest.raises(GeometryError, match="on a roof"):
        check_not_on_a_roof(standing, caster, float(low[2]), scene="a")
