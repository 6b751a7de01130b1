"""The whole line on one photo, with every kind of provider: whatever the robot does in the guess, nobody calls it a pass."""

from pathlib import Path

import pytest
from PIL import Image

from lyra_sim import plugins
from lyra_sim.data.files import read_json
from lyra_sim.data.report import Report
from lyra_sim.plugins import PluginSpec
from lyra_sim.quality.guessed import WHY
from tests.command_line import lyra_sim
from tests.depth.plain_room import PlainRoom

pytestmark = pytest.mark.timeout(900)

SCENE = """version: 1
scenes:
  - name: one
    photos: in.png
    scale: {camera_height: 1.4}
    depth: {backend: BACKEND}
    mesh: {voxel_size: 0.1}
    reconstruct: {splat_spacing: 0.1}
    navigate: {probes: 6, routes: 2, min_route_length: 0.5}
    assess: {pictures: 1, engines: [newton]}
"""
STRANGER = PluginSpec(kind="depth", name="sure", target="tests.line.one_photo_provider:estimate", version="1")


def built(folder: Path, backend: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code and what a shell shows."""
    room = PlainRoom(pitch=-0.25, ahead=2.6, left=1.1, right=1.2, width=320, height=240, focal=240.0)
    Image.fromarray(room.render()[0]).save(folder / "in.png")
    (folder / "scenes.yaml").write_text(SCENE.replace("BACKEND", backend), encoding="utf-8")
    return lyra_sim(["build", str(folder / "scenes.yaml"), "--out", str(folder / "out"), "--debug"], capsys)


@pytest.mark.parametrize("backend", ["auto", pytest.param("sure", marks=pytest.mark.nightly)])
def test_a_guessed_world_is_not_assessed(
    backend: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugins, "BUILT_IN", (*plugins.BUILT_IN, STRANGER))
    code, printed = built(tmp_path, backend, capsys)
    scene = tmp_path / "out" / "one"
    stored = read_json(scene / "metrics.json")
    report = Report.load(scene)
    assert code == 0 and stored["fit_for_driving"] == report.fit_for_driving == "not-assessed" and stored["verdict"] == "warn"
    assert (
        "fit for driving   NOT ASSESSED" in printed
        and "routes in newton" not in printed
        and "reachable" not in printed.split(WHY)[0]
    )
    page = (scene / "report.html").read_text(encoding="utf-8")
    assert ">not assessed</span>" in page and "map and routes show the guess" in page
    gate = read_json(next((scene / "steps").glob("*_assess")) / "gate_newton.json")
    assert gate["route_count"] > 0 and all(route["arrived"] for route in gate["routes"]), "the robot does drive there"
    for name in ("navigation.routes", "navigation.reachable_area", "physics.newton.routes_driven", "physics.robot_share"):
        assert (report[name].verdict, report[name].note) == ("not-measured", WHY)
    assert report["photo_depth.guessed"].verdict == "warn" and "more than one photo" in report["photo_depth.guessed"].advice
    for part in ("median", "p90", "completeness", "behind_unseen"):
        assert (
            report[f"depth.estimated.{part}"].verdict == "not-measured"
            and "made of it" in report[f"depth.estimated.{part}"].note
        )
    assert report["physics.newton.probes_fell"].value == 0, "what the package is in itself is measured"
    assert "one photo" in read_json(scene / "world" / "manifest.json")["provenance"]["source"]


def test_a_plane_sweep_of_one_photo_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, printed = built(tmp_path, "plane_sweep", capsys)
    assert code != 0 and "plane_sweep for one photo" in printed and "depth.backend: auto" in printed
