"""The report: one file that needs nothing else, the same bytes every time, and nothing left out."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from lyra_sim.data.colliders import Colliders, Hull
from lyra_sim.data.navigation import Navigation, Route
from lyra_sim.data.occupancy import FREE_CELL, OCCUPIED, UNKNOWN, OccupancyMap
from lyra_sim.data.report import Metric, Report
from lyra_sim.data.video import WorldVideo
from lyra_sim.data.views import MOVING, SKY, STATIC
from lyra_sim.quality.figures.metrics import measured, not_measured
from lyra_sim.quality.report.page import note_text, page, value_text
from lyra_sim.quality.report.photos import FAR_RGB, MOVING_RGB, NEAR_RGB, NOTHING_RGB, SKY_RGB, depth_colours
from lyra_sim.quality.report.pictures import ERROR_RGB, NOT_MEASURED_RGB, error_colors
from lyra_sim.quality.report.plan_svg import PlanSvg
from lyra_sim.quality.report.world_report import DrivenPath, DroppedProbe, World, write_report
from tests.boxes import box_mesh
from tests.quality.worlds import as_photos, capture_of, room_solid, room_world
from tests.rooms import Room

VOID = {"meta", "img", "br", "input", "hr", "link"}


class Page(HTMLParser):
    """Collects every reference and text, and fails on tags that don't nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.references: list[str] = []
        self.tags: list[str] = []
        self.text: list[str] = []
        self.feed(text)
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.references += [
            value or "" for name, value in attrs if name in {"src", "href", "action", "data", "poster", "srcset"}
        ]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture
def world(tiny_room: Room, tmp_path: Path) -> World:
    cells = np.full((140, 80), FREE_CELL, np.uint8)
    cells[80:83, :28] = cells[80:83, 46:] = OCCUPIED
    cells[:24, 68:] = UNKNOWN
    floor, faces = box_mesh([(np.array([0, 0, -0.3]), np.array([7, 4, 0.0]))])
    route = Route(name="route_000", waypoints=np.array([[1.0, 1.0], [3.0, 2.0], [6.0, 2.0]]))
    metric = room_world(tiny_room, tmp_path / "views")
    return World(
        capture=capture_of(metric),
        video=WorldVideo(frames=None, facts=None),
        metric=metric,
        solid=room_solid(tiny_room, voxel_size=0.1),
        colliders=Colliders(
            hulls=(Hull(name="floor_000", label="floor", vertices=floor, faces=faces, seen=1.0),),
            face_labels=np.zeros(1, np.uint8),
            facts=None,
        ),
        navigation=Navigation(
            occupancy=OccupancyMap(cells=cells, origin=np.zeros(2), resolution=0.05),
            robot_radius=0.25,
            reachable_area=12.5,
            spawns=np.array([[1.0, 1.0, 0.5]]),
            probes=np.array([[2.0, 2.0, 0.0]]),
            probe_room=np.array([1.975]),
            routes=(route,),
        ),
        drives=(DrivenPath(engine="physx", route="route_000", xy=route.waypoints + 0.02, reached=True),),
        probes=(
            DroppedProbe(engine="newton", xy=np.array([2.0, 2.0]), fell=False),
            DroppedProbe(engine="newton", xy=np.array([5.0, 2.0]), fell=True),
        ),
        views=(0, 20),
    )


@pytest.fixture
def report() -> Report:
    metrics = (
        measured("mesh.watertight", True, n=12),
        measured("depth.input.median", 0.0123, n=1000, note="2 views"),
        measured("collision.coverage", 0.5, n=10),
        not_measured("usd.errors", "1", "<script>no stage</script>"),
    )
    return Report(scene="tiny_room", metrics=metrics)


def test_the_file_needs_nothing_else(world: World, report: Report, tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", report, world, seed=7)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    parsed = Page(text)
    assert len(parsed.references) >= 2 * 4 + 2 + 2  # four pictures a view, two plans, three of solids
    assert all(reference.startswith("data:image/") for reference in parsed.references)
    assert "http" not in re.sub(r"base64,[A-Za-z0-9+/=]+", "", text)
    assert not {"script", "iframe", "link", "object", "embed"} & set(parsed.tags)
    assert "url(" not in text and "@import" not in text
    assert len(text) < 6_000_000


def test_equal_worlds_give_equal_bytes(world: World, report: Report, tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        write_report(tmp_path / name, report, world, seed=7)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert str(tmp_path) not in (tmp_path / "a.html").read_text(encoding="utf-8")


def test_every_metric_and_its_trouble_is_shown(report: Report) -> None:
    parsed = Page(page(report, headline=("mesh.watertight", "truth.accuracy"), sections=(), provenance=[("scale", "1 m")]))
    text = " ".join(parsed.text)
    for metric in report.metrics:
        assert text.count(metric.name) == (1 if metric.verdict == "pass" else 2), "once in the table, once more if not passed"
        assert note_text(metric) in text
    assert "4 figures: 1 pass, 1 warn, 1 fail, 1 not measured" in text


def test_marks_of_the_world_are_drawn(world: World, report: Report, tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", report, world, seed=7)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert 'class="fell"' in text and 'class="probe"' in text and "2 drops over free cells, 1 fell" in text
    assert 'class="route"' in text and "route_000: planned 5.24 m" in text
    assert 'class="physx"' in text and "physx, route_000: reached the goal" in text
    assert "declared metric" in text and "12.5 m² reachable" in text


def test_plan_puts_metres_where_they_belong() -> None:
    plan = PlanSvg("data:,", low=np.array([-1.0, 2.0]), high=np.array([9.0, 7.0]))
    plan.dot(np.array([0.0, 3.0]), radius=0.5, style="probe", title="a < b")
    svg = plan.html(label="x")
    assert 'viewBox="0 0 10.000 5.000"' in svg
    assert 'cx="1.000" cy="4.000" r="0.5"' in svg and "a &lt; b" in svg
    assert ">2 m</text>" in svg


def test_depth_error_colours_run_from_exact_to_lost() -> None:
    colors = error_colors(np.array([[0.0, 0.1, np.inf, np.nan]], np.float32))[0]
    assert [tuple(color) for color in colors] == [ERROR_RGB[0], ERROR_RGB[-1], ERROR_RGB[-1], NOT_MEASURED_RGB]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.98765, "share", "98.77 %"),
        (1.0, "share", "100 %"),
        (0.0123, "m", "12.3 mm"),
        (19.13, "m", "19.13 m"),
        (58370, "1", "58,370"),
        (46.21, "m^2", "46.21 m²"),
        (1, "flag", "yes"),
        (None, "m", "–"),
    ],
)
def test_values_read_well(value: float | int | None, unit: str, text: str) -> None:
    assert value_text(Metric(name="x", value=value, unit=unit, n=1, verdict="pass")) == text


def test_limits_read_like_the_values_they_judge() -> None:
    assert note_text(measured("depth.input.median", 0.0123, n=5, note="2 views")) == "2 views; ≤ 10 mm, fails above 30 mm"
    assert note_text(measured("collision.coverage", 0.5, n=5)) == "≥ 98 %, fails below 95 %"
    assert note_text(measured("mesh.faces", 10, n=5)) == "≤ 150,000, fails above 1,000,000"
    assert note_text(not_measured("usd.errors", "1", "no stage")) == "no stage"


def test_photos_are_told_with_what_was_doubted_and_left_out(world: World, report: Report, tmp_path: Path) -> None:
    """Only a world from photos has the section; foreign text in it stays text."""
    metric, capture = as_photos(world.metric, tmp_path / "depth")
    write_report(tmp_path / "rgbd.html", report, world, seed=7)
    write_report(tmp_path / "photos.html", report, replace(world, metric=metric, capture=capture), seed=7)
    told = " ".join(Page((tmp_path / "photos.html").read_text(encoding="utf-8")).text)
    assert "Photos, cameras and depth" in told and "36 of 40 photos have a camera: global mapper" in told
    assert "the scale jumps <4.9x>" in told and "0040 (no feature in common)" in told and "notes.jpg" in told
    assert "Photos, cameras and depth" not in (tmp_path / "rgbd.html").read_text(encoding="utf-8")


def test_depth_colours_part_measured_inferred_and_masked() -> None:
    z = np.float32([[1.0, 4.0, 4.0, np.nan, np.nan, np.nan]])
    confidence = np.float32([[1.0, 1.0, 0.5, 0.0, 0.0, 0.0]])
    colours = depth_colours(z, confidence, np.uint8([[STATIC, STATIC, STATIC, STATIC, SKY, MOVING]]))[0]
    assert tuple(colours[0]) == NEAR_RGB and tuple(colours[1]) == FAR_RGB
    assert colours[2, 0] > colours[1, 0] + 50, "inferred depth is tinted"
    assert [tuple(colour) for colour in colours[3:]] == [NOTHING_RGB, SKY_RGB, MOVING_RGB]
