"""Panoramas of a papered room: their views are what a camera there sees, and a rig of them stands where it was rendered."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lyra_sim.capture.cameras.panorama_rig import panorama_candidates
from lyra_sim.capture.intake.panorama_cuts import PITCHES_DEG, YAWS_DEG, cut_panoramas, views_from_panorama
from lyra_sim.capture.trust.panorama_parts import whole_panoramas
from lyra_sim.capture.trust.pose_trust import PoseTrust
from lyra_sim.data.posed import Lens, Photo, PhotoSet, PosedPhotos
from lyra_sim.data.sparse import SparsePoints
from lyra_sim.geometry.similarity_fit import fit_similarity
from lyra_sim.scene.sources import PhotosSource
from lyra_sim.scene.spec import PosesConfig, SceneSpec
from tests.capture.panoramas import panorama, papered
from tests.rooms import camera_path, furnished_room, look
from tests.scene_parts import captured

STOPS = ((0.9, 1.6), (1.4, 2.0), (2.0, 2.2), (2.6, 2.0), (3.2, 1.8), (3.7, 1.85))


def places(count: int) -> list[np.ndarray]:
    """A walk, the panorama turned at every stop as a camera on a stick is."""
    walk = enumerate(STOPS[:count])
    return [look(np.array([x, y, 1.3 + 0.05 * np.sin(index)]), 0.7 * index, 0.03 * np.cos(index)) for index, (x, y) in walk]


def taken(folder: Path, count: int, *, width: int = 768) -> PhotoSet:
    room = papered(furnished_room(views=2))
    photos = []
    for index, c2w in enumerate(places(count)):
        file = folder / f"p{index}.png"
        Image.fromarray(panorama(room, c2w, width=width)).save(file)
        photos.append(Photo(name=f"p{index}", file=file, width=width, height=width // 2, panorama="stated"))
    return PhotoSet(photos=tuple(photos), skipped=())


def true_views(names: tuple[str, ...]) -> np.ndarray:
    """Cameras of views by their names."""
    rotations, c2w = views_from_panorama(), places(len(STOPS))
    found = []
    for name in names:
        stop, _, number = name.partition("_")
        matrix = c2w[int(stop[1:])].copy()
        matrix[:3, :3] = matrix[:3, :3] @ rotations[int(number)].T
        found.append(matrix)
    return np.array(found)


def test_a_view_is_what_a_camera_there_sees(tmp_path: Path) -> None:
    """All eight, across the seam too."""
    cut = cut_panoramas(taken(tmp_path, 1, width=1024), tmp_path / "cuts")
    assert [photo.name for photo in cut.photos] == [f"p0_{number}" for number in range(8)]
    side = cut.photos[0].width
    cameras = camera_path(list(true_views(tuple(photo.name for photo in cut.photos))), width=side, height=side, focal=side / 2)
    seen = replace(papered(furnished_room(views=2)), cameras=cameras).rendered[0]
    for photo, truth in zip(cut.photos, seen, strict=True):
        assert (photo.focal_px, photo.cut_from) == (side / 2, "p0")
        with Image.open(photo.file) as image:
            apart = np.abs(np.asarray(image).astype(int) - truth)
        assert (
            apart.mean() < 6
            and np.abs(np.asarray(Image.open(photo.file)).mean(axis=(0, 1)) - truth.mean(axis=(0, 1))).max() < 1
        )


def test_views_look_where_they_say() -> None:
    for rotation, yaw, pitch in zip(views_from_panorama(), np.radians(YAWS_DEG), np.radians(PITCHES_DEG), strict=True):
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(rotation) == pytest.approx(1)
        np.testing.assert_allclose(
            rotation[2], [np.sin(yaw) * np.cos(pitch), -np.sin(pitch), np.cos(yaw) * np.cos(pitch)], atol=1e-12
        )
        assert rotation[1, 1] > 0.9, "upright"


@pytest.mark.nightly  # structure from motion: half a minute
def test_panoramas_stand_where_they_were_rendered(tmp_path: Path) -> None:
    cut = cut_panoramas(taken(tmp_path, 4), tmp_path / "cuts")
    config = PosesConfig(features=768, image_side=256, mappers=("global",))
    found = panorama_candidates(cut, config, work=tmp_path / "poses", seed=7)[0]
    assert len(found) == 32 and {(lens.K[0, 0], lens.width) for lens in found.lenses} == {(122.0, 244)}
    truth = true_views(found.names)
    moved = found.moved(fit_similarity(found.centres, truth[:, :3, 3]))
    assert np.linalg.norm(moved.centres - truth[:, :3, 3], axis=1).max() < 0.01
    np.testing.assert_allclose(moved.c2w[:, :3, :3], truth[:, :3, :3], atol=0.005)
    for stop in range(4):
        assert np.ptp(found.centres[8 * stop : 8 * stop + 8], axis=0).max() < 1e-6 * np.ptp(found.centres, axis=0).max()


@pytest.mark.nightly
def test_a_scene_of_panoramas_is_captured(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    photos = taken(tmp_path / "set", 6)
    assert len(photos.photos) == 6
    source = PhotosSource(images=tmp_path / "set", projection="equirectangular")
    capture = captured(
        SceneSpec(name="room", photos=source, poses=PosesConfig(features=1024, image_side=256)), tmp_path / "out"
    )
    assert len(capture.views) == 48
    assert "set: 6 panoramas were cut into 48 views of 90°" in capture.told
    truth = true_views(capture.views.names)
    fitted = fit_similarity(capture.cameras.centres, truth[:, :3, 3])
    assert np.linalg.norm(fitted.apply(capture.cameras.centres) - truth[:, :3, 3], axis=1).max() < 0.01


def test_a_panorama_is_in_one_part_as_a_whole(tmp_path: Path) -> None:
    """Views that hang on too little go with the others, and nothing between two of one panorama is a finding."""
    views = [
        Photo(name=f"{stop}_{number}", file=tmp_path, width=8, height=8, cut_from=stop) for stop in "ab" for number in range(4)
    ]
    photos = PhotoSet(photos=tuple(views), skipped=())
    names = tuple(photo.name for photo in views)
    posed = PosedPhotos(
        names=names,
        c2w=np.tile(np.eye(4), (8, 1, 1)),
        lens_index=np.zeros(8, np.int32),
        lenses=(Lens(K=np.eye(3), distortion=np.zeros(4), width=8, height=8),),
        sparse=SparsePoints(
            points=np.empty((0, 3)), point_index=np.empty(0, np.int32), view_index=np.empty(0, np.int32), xy=np.empty((0, 2))
        ),
        recipe="made up",
        reprojection_px=0.0,
    )
    trust = PoseTrust(
        photos=8,
        parts=((0, 1, 2, 4), (3, 5, 6, 7)),
        findings=("between a_2 and a_3 the scale jumps 2.4x", "between a_3 and b_0 the scale jumps 1.6x"),
        figures={"largest_part": 4.0},
        contradicted=False,
    )
    whole = whole_panoramas(trust, posed, photos)
    assert whole.parts == ((0, 1, 2, 3), (4, 5, 6, 7))
    assert whole.findings == ("between a_3 and b_0 the scale jumps 1.6x",)
    plain = PhotoSet(photos=tuple(replace(photo, cut_from="") for photo in views), skipped=())
    assert whole_panoramas(trust, posed, plain) is trust
