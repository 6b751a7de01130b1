"""From a scene file to a capture: a marker on the wall of a room whose cameras are found from its photos."""

from pathlib import Path

import numpy as np
import pytest

from lyra_sim.capture import photos as photos_room
from lyra_sim.data.capture import Capture
from lyra_sim.geometry.cameras import pixel_rays
from lyra_sim.geometry.similarity_fit import fit_similarity
from lyra_sim.runner import build
from lyra_sim.runner.events import Event
from lyra_sim.scene.spec import SceneSpec
from tests.capture.markers.marker_photos import FINER, Poster, posted
from tests.photo_rooms import PhotoRoom, photo_room

SIZE, MIDDLE, WALL_Y = 0.56, (3.72, 1.3), 3.8
"""Of the marker, where on the far wall it hangs (x, z), and that wall [m]."""


def with_marker(room: PhotoRoom) -> PhotoRoom:
    """The same photos with a poster on the far wall, where nothing hides it."""
    photos = []
    path = room.cameras.resized(FINER * room.cameras.width, FINER * room.cameras.height)
    for index, (photo, depth) in enumerate(zip(room.photos, room.depths, strict=True)):
        rays = pixel_rays(path.K[index], path.width, path.height).astype(np.float64)
        ahead = rays @ path.c2w[index, :3, :3].T
        z = (WALL_Y - path.c2w[index, 1, 3]) / np.where(np.abs(ahead[..., 1]) > 1e-6, ahead[..., 1], 1e-6)
        wall = (path.c2w[index, :3, 3] + z[..., None] * ahead)[..., [0, 2]]
        free = np.abs(z / np.repeat(np.repeat(depth, FINER, 0), FINER, 1) - 1) < 0.03
        light = posted(np.full(z.shape, -1.0), wall, Poster(marker=0, size=SIZE, at=MIDDLE))
        share = ((light >= 0) & free).reshape(*photo.shape[:1], FINER, photo.shape[1], FINER).mean(axis=(1, 3))
        seen = np.where((light >= 0) & free, light, 0.0).reshape(photo.shape[0], FINER, photo.shape[1], FINER).mean(axis=(1, 3))
        behind = (photo / 255.0) ** 2.2 * (1 - share[..., None])
        photos.append(
            np.where(share[..., None] > 0, 255 * (behind + seen[..., None]) ** (1 / 2.2) + 0.5, photo).astype(np.uint8)
        )
    return PhotoRoom(room=room.room, photos=tuple(photos), depths=room.depths)


@pytest.mark.nightly  # structure from motion: a minute
def test_a_marker_tells_the_scale_of_photos_alone_and_a_note_asks_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First nothing is stated, and the first step says what would help; then the marker is, and no camera is found again."""
    room = with_marker(photo_room())
    room.write(tmp_path / "in")
    said = {"name": "room", "photos": {"images": tmp_path / "in" / "photos"}, "up": "auto"}
    said["poses"] = {"features": 800, "mappers": ["global"], "focal": "free"}
    events: list[Event] = []
    first = build(
        [SceneSpec.model_validate(said)], tmp_path / "out", until="capture", isolate=False, listeners=(events.append,)
    )
    assert first.exit_code == 0
    (note,) = [event.reason for event in events if event.kind == "note" and "scale" in event.reason]
    assert note == (
        "nothing tells the scale: assumed camera height 1.5 m, good to 50%. State 'scale': camera_height, a known_distance "
        "between two points of the photos, or markers of a known size in them (lyra-sim marker)"
    )

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("cameras are found again")

    monkeypatch.setattr(photos_room, "pose_candidates", refuse)
    stated = SceneSpec.model_validate({**said, "scale": {"markers": {"size": SIZE}}})
    events.clear()
    again = build([stated], tmp_path / "out", until="capture", isolate=False, listeners=(events.append,))
    assert again.exit_code == 0, again.scenes[0].error
    assert not [event for event in events if event.kind == "note"]
    capture = Capture.load(tmp_path / "out" / "room" / "steps" / "01_capture")
    truth = [int(name) for name in capture.views.names]
    fit = fit_similarity(capture.cameras.centres, room.cameras.centres[truth])
    off = np.log(capture.scale.metres_per_unit / fit.scale)
    assert capture.scale.source.startswith("markers of 0.56 m (0; ")
    assert abs(off) < 0.015 and abs(off) < 3 * capture.scale.sigma_relative
