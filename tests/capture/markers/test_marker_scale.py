"""Markers in drawn photos, at true perspective: how near the scale comes, what its sigma says, and what isn't believed."""

import re
from pathlib import Path

import numpy as np
import pytest

from lyra_sim.capture.frame.provisional_frame import provisional_frame_of_photos
from lyra_sim.capture.frame.stated import Stated
from lyra_sim.capture.markers.marker_scale import read_markers
from lyra_sim.data.scale import MarkerReading
from lyra_sim.errors import FrameError
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.scene.sources import Markers, MarkersScale, MetricScale, Scale
from tests.capture.markers.marker_photos import Poster, arc, posed_set, toward

UNIT = 2.7
"""Metres in one unit of the cameras."""
AUTO = MarkersScale(markers="auto")


def read(tmp_path: Path, posters, cameras, *, stated: MarkersScale = AUTO, **how) -> MarkerReading:
    posed, photos = posed_set(tmp_path / "photos", posters, cameras, unit=UNIT, **how)
    return read_markers([stated], posed, photos, subject="scene 'wall': scale")


def off(reading: MarkerReading) -> float:
    (found,) = reading.evidence
    return float(np.log(found.metres_per_unit / UNIT))


@pytest.mark.parametrize("distance", [1.0, 2.0, 3.0, 4.0, 5.0])
@pytest.mark.parametrize("distortion", [(0, 0, 0, 0), (-0.12, 0.05, 0.001, -0.001)], ids=["pinhole", "barrel"])
def test_the_scale_is_good_to_one_percent(distance: float, distortion: tuple[float, ...], tmp_path: Path) -> None:
    """The printed sheet, five photos: within 1 % and within two of its own sigmas, which stay below 1 %."""
    reading = read(tmp_path, [Poster(marker=3, size=0.16, turn_deg=20)], arc(distance, 5), distortion=distortion)
    assert abs(off(reading)) < 0.01
    assert abs(off(reading)) < 2 * reading.evidence[0].sigma_relative < 0.02
    assert reading.notes == () and reading.evidence[0].source == "markers of 0.16 m (3; 5 sightings)"


def test_cameras_that_are_off_are_told_by_the_sigma(tmp_path: Path) -> None:
    """Found cameras turn by a pixel or so: the scale strays more, and its sigma grows with it."""
    rng, errors = np.random.default_rng(4), []
    exact, photos = posed_set(tmp_path / "photos", [Poster(marker=3, size=0.16)], arc(3.0, 6), unit=UNIT)
    sure = read_markers([AUTO], exact, photos, subject="s").evidence[0].sigma_relative
    for _ in range(12):
        c2w = exact.c2w.copy()
        c2w[:, :3, 3] += rng.normal(0, 0.004 / UNIT, (6, 3))
        moved = type(exact)(**{**vars(exact), "c2w": c2w})
        (found,) = read_markers([AUTO], moved, photos, subject="s").evidence
        assert found.sigma_relative > 1.2 * sure
        errors.append(np.log(found.metres_per_unit / UNIT) / found.sigma_relative)
    assert np.sqrt(np.mean(np.square(errors))) < 1.5


def test_several_markers_count_their_common_size_once(tmp_path: Path) -> None:
    posters = [Poster(marker=index, size=0.16, at=(0.3 * index - 0.3, 0.1)) for index in range(3)]
    reading = read(tmp_path, posters, arc(2.0, 4))
    assert abs(off(reading)) < 0.005 and reading.evidence[0].sigma_relative >= AUTO.sigma_relative
    assert reading.evidence[0].source == "markers of 0.16 m (0, 1, 2; 12 sightings)"


def test_one_that_is_printed_smaller_is_left_out_by_name(tmp_path: Path) -> None:
    posters = [Poster(marker=index, size=0.15 if index == 1 else 0.16, at=(0.3 * index - 0.3, 0.1)) for index in range(3)]
    reading = read(tmp_path, posters, arc(2.0, 4))
    assert abs(off(reading)) < 0.005 and "(0, 2; " in reading.evidence[0].source
    assert len(reading.notes) == 1 and "left out" in reading.notes[0] and "marker 1 of 0.16 m" in reading.notes[0]


def test_two_that_disagree_are_a_doubt_with_both_figures(tmp_path: Path) -> None:
    posters = [Poster(marker=0, size=0.16, at=(-0.2, 0)), Poster(marker=1, size=0.14, at=(0.2, 0))]
    with pytest.raises(
        FrameError, match=r"marker 0 of 0\.16 m: 2\.\d+ m per unit .* but marker 1 of 0\.16 m: 3\.0\d+ m per unit"
    ):
        read(tmp_path, posters, arc(2.0, 4))


def test_ids_say_which_are_of_that_size(tmp_path: Path) -> None:
    posters = [Poster(marker=0, size=0.16, at=(-0.2, 0)), Poster(marker=1, size=0.1, at=(0.2, 0))]
    stated = MarkersScale(markers=Markers(size=0.1, ids=(1, 9)))
    reading = read(tmp_path, posters, arc(1.5, 4), stated=stated)
    assert abs(off(reading)) < 0.01
    assert reading.notes == ("marker 9 of DICT_APRILTAG_36h11 is in none of the 4 photos",)


LEFT, RIGHT = Poster(marker=5, size=0.16, at=(-0.5, 0)), Poster(marker=5, size=0.16, at=(0.5, 0.1))


@pytest.mark.parametrize(
    ("posters", "cameras", "reason"),
    [
        ([[LEFT], [], []], arc(2.0, 3), "only one photo shows it, '0000'"),
        ([LEFT], [toward((0.02 * index, 0, 3.0)) for index in range(3)], "taken from nearly one spot: rays to it part by 0."),
        ([LEFT, RIGHT], arc(2.5, 3), "'0000' shows it twice: two markers have this id"),
        ([[LEFT], [LEFT], [RIGHT], [RIGHT]], arc(2.5, 4), "in two places, by 2 photos and by 2: two markers have this id"),
        ([[LEFT], [RIGHT]], arc(2.5, 2), "no two of its 2 photos show it in one place: it was moved"),
        ([], arc(2.5, 2), "no marker of DICT_APRILTAG_36h11 is in any of the 2 photos"),
    ],
    ids=["once", "one spot", "twice in a photo", "two places", "moved", "none"],
)
def test_what_tells_nothing_says_why(posters, cameras, reason: str, tmp_path: Path) -> None:
    reading = read(tmp_path, posters, cameras)
    assert reading.evidence == ()
    (note,) = reading.notes
    assert reason in note and (not posters or note.startswith("marker 5 doesn't tell the scale: "))


def test_a_photo_that_shows_it_elsewhere_is_left_out(tmp_path: Path) -> None:
    reading = read(tmp_path, [[LEFT], [LEFT], [LEFT], [RIGHT]], arc(2.5, 4))
    assert abs(off(reading)) < 0.01
    assert reading.notes == ("marker 5 is left out in 1 photos that show it elsewhere",)


def framed(tmp_path: Path, scale: Scale, posters) -> float:
    """Metres in a unit, with given cameras."""
    posed, photos = posed_set(tmp_path / "photos", posters, arc(2.0, 4), unit=UNIT)
    stated = Stated(scene="wall", scale=scale, up="y", assumed_camera_height=1.5)
    asked = [one for one in stated.scales if isinstance(one, MarkersScale)]
    markers = read_markers(asked, posed, photos, subject=stated.subject("scale"))
    lens = posed.lenses[0]
    path = CameraPath(c2w=posed.c2w, K=np.tile(lens.K, (len(posed), 1, 1)), width=lens.width, height=lens.height)
    _, found, _ = provisional_frame_of_photos(stated, path, None, None, posed, found=False, seed=1, markers=markers)
    return found.metres_per_unit


def test_a_wrong_size_against_another_source_is_a_doubt_with_both_figures(tmp_path: Path) -> None:
    unit = MetricScale(metres_per_unit=UNIT, sigma_relative=0.02)
    right = framed(tmp_path / "right", (AUTO, unit), [LEFT])
    assert right == pytest.approx(UNIT, rel=0.01)
    twice = MarkersScale(markers=Markers(size=0.32))
    with pytest.raises(FrameError) as doubt:
        framed(tmp_path / "wrong", (twice, unit), [LEFT])
    said = str(doubt.value)
    assert "declared 2.7 m per unit: 2.7 m" in said and re.search(r"markers of 0\.32 m \(5; 4 sightings\): 5\.[34]", said)


def test_markers_that_tell_nothing_stop_the_build(tmp_path: Path) -> None:
    with pytest.raises(FrameError, match="no marker tells it: no marker of DICT_APRILTAG_36h11 is in any of the 4 photos"):
        framed(tmp_path, AUTO, [])
