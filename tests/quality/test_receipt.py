"""Receipts as figures: what a good one gives, and that no other can pass for it."""

import copy
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from lyra_sim.data.report import Metric
from lyra_sim.errors import InputError
from lyra_sim.quality.figures.limits import LIMITS
from lyra_sim.quality.receipt import receipt_metrics

MANIFEST = {"routes": [{"name": "route_000"}, {"name": "route_001"}]}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "world"
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps(MANIFEST))
    return folder


@pytest.fixture
def good(package: Path) -> dict[str, Any]:
    route = {"planned_length": 4.0, "driven_length": 4.04, "final_error": 0.01, "upright_cosine": 0.99}
    route |= {"stuck": False, "fell": False, "arrived": True, "ours": {"arrived": True, "driven_length": 4.0}}
    probe = {"name": "ball_000", "height_error": -0.004, "speed": 0.0, "fell": False}
    depth = [{"compared": 100, "off_by_5cm": 3, "median": 0.001}, {"compared": 300, "off_by_5cm": 1, "median": 0.004}]
    rgb = [{"correlation": value, "mean_level": 90.0, "deviation": 30.0} for value in (0.8, 0.9, 0.95)]
    return {
        "receipt_version": 1,
        "made_by": "isaac_receipt 1",
        "engine": {"name": "isaac-sim", "version": "6.0.1", "physics": "physx", "gpu": "L40"},
        "package": {
            "manifest_sha256": hashlib.sha256((package / "manifest.json").read_bytes()).hexdigest(),
            "damaged_files": [],
        },
        "simulated_s": 30.0,
        "items": {
            "probes": {"rows": [probe, probe | {"name": "box_001", "height_error": 0.002}]},
            "routes": {"rows": [route | {"name": "route_000"}, route | {"name": "route_001", "driven_length": 3.9}]},
            "depth": {"rows": depth},
            "rgb": {"rows": rgb, "visual": "splat"},
        },
        "verdict": "pass",
    }


def read(receipt: dict[str, Any], package: Path) -> dict[str, Metric]:
    file = package.parent / "receipt.json"
    file.write_text(json.dumps(receipt))
    return {metric.name: metric for metric in receipt_metrics(file, package)}


def test_figures_of_a_good_receipt(good: dict[str, Any], package: Path) -> None:
    found = read(good, package)
    assert {metric.verdict for metric in found.values()} == {"pass"}
    assert {name for name in LIMITS if name.startswith("isaac.")} == set(found)
    values = {name.removeprefix("isaac."): metric.value for name, metric in found.items()}
    assert values == {
        "receipt": 1,
        "simulated": 30.0,
        "probes_fell": 0,
        "on_floor": 1.0,
        "settle_error": 0.004,
        "routes_driven": 1.0,
        "length_error": pytest.approx(0.025),
        "upright": 0.99,
        "agreement": pytest.approx(0.025),
        "depth_median": 0.004,
        "depth_off": 0.01,
        "rgb_correlation": 0.9,
        "rgb_level": 90.0,
    }
    assert "Isaac Sim 6.0.1, physx, L40" in found["isaac.receipt"].note and found["isaac.depth_off"].n == 400


def test_none_is_not_measured(package: Path) -> None:
    for receipt in (None, package.parent / "receipt.json"):
        (metric,) = receipt_metrics(receipt, package)
        assert (metric.name, metric.verdict, metric.value) == ("isaac.receipt", "not-measured", None)


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("package.manifest_sha256", "0" * 64, "another build"),
        ("package.damaged_files", ["payload/geometry.usdc"], "files had changed .*geometry"),
        ("engine.name", "ovphysx", "made by ovphysx, not by Isaac Sim"),
    ],
)
def test_a_receipt_about_something_else_says_nothing(
    good: dict[str, Any], package: Path, path: str, value: object, why: str
) -> None:
    section, key = path.split(".")
    good[section][key] = value
    (metric,) = read(good, package).values()
    assert metric.verdict == "not-measured" and re.search(why, metric.note)


def test_an_edited_package_makes_its_receipt_stale(good: dict[str, Any], package: Path) -> None:
    (package / "manifest.json").write_text(json.dumps(MANIFEST) + "\n")
    (metric,) = read(good, package).values()
    assert metric.verdict == "not-measured" and metric.note.startswith("stale")


def test_the_receipts_own_verdict_is_not_believed(good: dict[str, Any], package: Path) -> None:
    good["items"]["probes"]["rows"][0]["fell"] = True
    assert read(good, package)["isaac.probes_fell"].verdict == "fail"


@pytest.mark.parametrize("fault", [{"arrived": False}, {"fell": True}, {"stuck": True}])
def test_a_route_counts_only_when_driven(good: dict[str, Any], package: Path, fault: dict[str, bool]) -> None:
    good["items"]["routes"]["rows"][1] |= fault
    metric = read(good, package)["isaac.routes_driven"]
    assert (metric.value, metric.verdict) == (0.5, "fail") and "route_001" in metric.note


def test_a_route_left_out_counts_as_not_driven(good: dict[str, Any], package: Path) -> None:
    del good["items"]["routes"]["rows"][0]
    metric = read(good, package)["isaac.routes_driven"]
    assert (metric.value, metric.n) == (0.5, 2)


def test_engines_that_disagree_on_an_arrival_disagree_wholly(good: dict[str, Any], package: Path) -> None:
    good["items"]["routes"]["rows"][0]["ours"]["arrived"] = False
    assert read(good, package)["isaac.agreement"].value == 1.0
    for row in good["items"]["routes"]["rows"]:
        row["ours"] = None
    assert read(good, package)["isaac.agreement"].verdict == "not-measured"


def test_a_black_picture_is_no_missing_one(good: dict[str, Any], package: Path) -> None:
    for row in good["items"]["rgb"]["rows"]:
        row |= {"correlation": None, "mean_level": 1.0}
    found = read(good, package)
    assert (found["isaac.rgb_correlation"].value, found["isaac.rgb_correlation"].verdict) == (0.0, "warn")
    assert found["isaac.rgb_level"].verdict == "fail"


def test_depth_of_another_world_fails(good: dict[str, Any], package: Path) -> None:
    good["items"]["depth"]["rows"] = [{"compared": 100, "off_by_5cm": 60, "median": 0.4}]
    found = read(good, package)
    assert found["isaac.depth_median"].verdict == found["isaac.depth_off"].verdict == "fail"
    blind = {"compared": 100, "off_by_5cm": 100, "median": None}  # nothing was hit at all
    good["items"]["depth"]["rows"] = [{"compared": 100, "off_by_5cm": 0, "median": 0.001}, blind]
    found = read(good, package)
    assert found["isaac.depth_median"].verdict == "not-measured" and found["isaac.depth_off"].verdict == "fail"


@pytest.mark.parametrize("item", ["probes", "routes", "depth", "rgb"])
def test_what_was_not_measured_stays_so(good: dict[str, Any], package: Path, item: str) -> None:
    whole = read(copy.deepcopy(good), package)
    good["items"][item] = {"why": "its pictures came back empty"}
    found = read(good, package)
    changed = {name for name in found if found[name] != whole[name]}
    assert changed and all(found[name].verdict == "not-measured" for name in changed)
    assert all(found[name].note == "its pictures came back empty" for name in changed)


def test_rubbish_is_named(good: dict[str, Any], package: Path) -> None:
    file = package.parent / "receipt.json"
    file.write_text("{")
    with pytest.raises(InputError, match="not JSON"):
        receipt_metrics(file, package)
    for broken in (
        [],
        {"receipt_version": 1},
        good | {"items": {}},
        good | {"items": good["items"] | {"probes": {"rows": [1]}}},
    ):
        file.write_text(json.dumps(broken))
        with pytest.raises(InputError, match="not a whole receipt"):
            receipt_metrics(file, package)
    file.write_text(json.dumps(good | {"receipt_version": 2}))
    with pytest.raises(InputError, match="of version 2"):
        receipt_metrics(file, package)


def test_a_receipt_that_arrives_makes_the_report_anew(tmp_path: Path) -> None:
    """The step's key knows the file once it is there, and doesn't mind while it isn't."""
    from lyra_sim.scene.spec import SceneSpec
    from lyra_sim.steps.assess import assess

    scene = {"name": "attic", "rgbd": {"frames": "rgb", "depth": "depth", "cameras": "transforms.json"}}
    receipt = tmp_path / "receipt.json"
    cfg = SceneSpec.model_validate(scene | {"assess": {"receipt": str(receipt)}})
    assert receipt not in assess.sources_of(cfg)
    receipt.write_text("{}")
    assert receipt in assess.sources_of(cfg)
