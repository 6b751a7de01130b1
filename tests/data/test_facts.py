"""Records of the making are stored as the flat JSON they always were, and read back as they were."""

import json
from dataclasses import replace

import numpy as np
import pytest

from lyra_sim.data.capture import GivenFacts, StandingFacts, SurveyFacts
from lyra_sim.data.colliders import ColliderFacts, Colliders
from lyra_sim.data.files import from_row, to_row, write_json
from lyra_sim.data.posed import OnePhotoFacts, poses_from_json, poses_to_json
from lyra_sim.data.solid import SolidFacts
from lyra_sim.data.video import WalkFacts, WorldVideo
from lyra_sim.data.world import AlignEvidence, KeptFacts, TrainingFacts
from lyra_sim.errors import StoreError
from tests.facts import ALIGNED, COLLIDERS, POSES, SOLID_FACTS, WALK

SURVEYED = GivenFacts(
    kind="mesh",
    files=("room.glb",),
    format="glTF",
    triangles=12,
    triangles_dropped=0,
    images=1,
    views=30,
    survey=SurveyFacts(
        surface_cells=900,
        seen_once_share=0.99,
        seen_twice_share=0.9,
        candidates=200,
        standing=StandingFacts(
            cell_m=0.1, standing_area_m2=9.5, places=20, enclosed_share=1.0, start_in_survey_frame=(0.0, 1.5, 0.0)
        ),
    ),
)


def stored(row: dict) -> dict:
    """Through the file's text."""
    return json.loads(json.dumps(row, allow_nan=False))


def test_solid_is_one_flat_object() -> None:
    row = stored(SOLID_FACTS.to_json())
    assert row == {
        "texel_size_m": None,
        "voxel_size_m": 0.04,
        "voxel_size_wanted_m": 0.03,
        "extent_m": [7.2, 4.2, 2.6],
        "seen_area_share": 0.9,
        "voxels": 1000,
        "free_voxels": 600,
        "solid_voxels": 150,
        "pocket_voxels_closed": 0,
        "speck_voxels_dropped": 3,
        "camera_voxels_in_matter": 0,
        "free_components": 1,
        "faces_marching_cubes": 9000,
        "faces": 3000,
        "kept": "thinned",
        "matter_change_m3": -1e-05,
    }
    assert SolidFacts.from_json(row) == SOLID_FACTS
    noisy = replace(SOLID_FACTS, depth_noise_m=0.01, carve=replace(SOLID_FACTS.carve, drawn_air_voxels=0))
    assert noisy.to_json() == SOLID_FACTS.to_json() | {"depth_noise_m": 0.01, "drawn_air_voxels": 0} | {
        "extent_m": (7.2, 4.2, 2.6)
    }
    assert SolidFacts.from_json(stored(noisy.to_json())) == noisy


def test_given_geometry_is_one_flat_object_without_what_does_not_apply() -> None:
    row = stored(SURVEYED.to_json())
    assert row == {
        "kind": "mesh",
        "files": ["room.glb"],
        "format": "glTF",
        "triangles": 12,
        "triangles_dropped": 0,
        "images": 1,
        "views": 30,
        "surface_cells": 900,
        "seen_once_share": 0.99,
        "seen_twice_share": 0.9,
        "candidates": 200,
        "standing": {
            "cell_m": 0.1,
            "standing_area_m2": 9.5,
            "places": 20,
            "enclosed_share": 1.0,
            "start_in_survey_frame": [0.0, 1.5, 0.0],
        },
    }
    assert GivenFacts.from_json(row) == SURVEYED
    stated = GivenFacts(kind="splats", files=("a.ply",), format="3DGS", splats=7, views=3, cameras="path.json")
    row = stored(stated.to_json())
    assert row == {"kind": "splats", "files": ["a.ply"], "format": "3DGS", "splats": 7, "views": 3, "cameras": "path.json"}
    assert GivenFacts.from_json(row) == stated


def test_poses_of_photos_of_one_photo_and_of_none() -> None:
    row = stored(poses_to_json(POSES))
    assert row["dropped"] == [["0040", "no feature in common"]] and row["candidates"][0]["reprojection_px"] is None
    assert poses_from_json(row) == POSES
    one = OnePhotoFacts(finding="a guess", focal_px=800.0, focal_source="EXIF", tilt_deg=-3.0)
    assert stored(poses_to_json(one)) == {
        "one_photo": True,
        "finding": "a guess",
        "focal_px": 800.0,
        "focal_source": "EXIF",
        "tilt_deg": -3.0,
    }
    assert poses_from_json(poses_to_json(one)) == one
    assert poses_to_json(None) == {} and poses_from_json({}) is None


def test_a_walk_leaves_out_what_its_path_does_not_have(tmp_path) -> None:
    row = stored(WALK.to_json())
    assert set(row) == {"backend", "path", "chunks"}
    assert set(row["path"]) == {
        "kind",
        "frames",
        "length_m",
        "largest_step_m",
        "largest_turn_deg",
        "clearance",
        "start",
        "turn_deg",
        "radius_m",
    }
    assert row["chunks"][0]["depth_residual"] is None
    assert WalkFacts.from_json(row) == WALK
    drawn = replace(WALK, path=replace(WALK.path, clearance=None), weights={"weights_licence": "x", "loras": None})
    assert stored(drawn.to_json())["path"]["clearance"] is None and WalkFacts.from_json(stored(drawn.to_json())) == drawn
    WorldVideo(frames=None, facts=None).save(tmp_path)
    write_json(tmp_path / "before.json", {"facts": {}, "frames": None})
    assert (tmp_path / "video.json").read_bytes() == (tmp_path / "before.json").read_bytes()


def test_colliders_tell_a_role_only_of_ways_between_levels(tmp_path) -> None:
    row = stored(COLLIDERS.to_json())
    assert "role" not in row["main_floor"] and [plane.get("role") for plane in row["planes"]] == [None, "step"]
    assert ColliderFacts.from_json(row) == COLLIDERS
    for facts in (COLLIDERS, None):
        Colliders(hulls=(), face_labels=np.zeros(0, np.uint8), facts=facts).save(tmp_path)
        assert Colliders.load(tmp_path).facts == facts


def test_evidence_keeps_its_nulls() -> None:
    row = stored(to_row(ALIGNED))
    assert row["wall_tilt_deg"] is None and from_row(AlignEvidence, row) == ALIGNED
    assert stored(to_row(KeptFacts(given=("a.ply",)))) == {"given": ["a.ply"]}
    trained = TrainingFacts(iterations=5, loss=None, seeds=3, splats=2, exposures=({"gain": (1.0,), "offset": (0.0,)},))
    assert stored(to_row(trained))["exposures"] == [{"gain": [1.0], "offset": [0.0]}]


@pytest.mark.parametrize(
    ("change", "told"), [({"colour": 1}, "unknown field colour"), ({"up": None}, "no field up")], ids=["unknown", "absent"]
)
def test_a_record_of_another_version_is_refused(change: dict, told: str) -> None:
    row = {**to_row(ALIGNED), **change}
    with pytest.raises(StoreError, match=told):
        from_row(AlignEvidence, {name: value for name, value in row.items() if value is not None or name != "up"})
