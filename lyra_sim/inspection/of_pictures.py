"""Photos, videos and photos that another tool posed: opened as a build opens them; finding and proving cameras takes minutes
and is left to it."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from lyra_sim.capture.frame.provisional_frame import check_stated_scale
from lyra_sim.capture.frame.stated import Stated
from lyra_sim.capture.intake.colour_notes import notes_of_colours
from lyra_sim.capture.intake.panoramas import settled
from lyra_sim.capture.intake.photo_folder import check_count
from lyra_sim.capture.intake.photo_names import photo_names
from lyra_sim.capture.intake.video import require_pyav
from lyra_sim.capture.photos import given_cameras, not_in_model, refuse_remnant, take_in
from lyra_sim.data.given import LeftOut, ReadingNotes
from lyra_sim.data.posed import Photo, PhotoSet, PosedPhotos
from lyra_sim.data.scale import ASSUMED_SIGMA
from lyra_sim.errors import InputError
from lyra_sim.inspection.findings import Doubt, Frame, Reading
from lyra_sim.inspection.found import Found
from lyra_sim.scene.sources import ColmapSource, PhotosSource, TransformsSource, VideoSource
from lyra_sim.scene.spec import CaptureConfig

MOST_DECODED = 48
"""Photos that are decoded unless all are asked for, spread evenly over the set. Convention."""
SFM = "whether cameras can be found, and trusted: structure from motion takes minutes"
GIVEN = "whether the given cameras fit what the photos share: matching them takes minutes"

Item = TypeVar("Item")


def look_at_photos(
    source: PhotosSource | ColmapSource | TransformsSource,
    stated: Stated,
    limits: CaptureConfig,
    found: Found,
    *,
    whole: bool,
    scratch: Path,
) -> None:
    """Fill ``found`` from a set of photos, or from one.

    Args:
        source: The photos, and cameras where it brings them.
        stated: What the scene says of its frame.
        limits: Caps of what is read.
        found: To be filled.
        whole: Decode every photo, not some.
        scratch: An empty folder for photos that are decoded; the caller removes it.

    Raises:
        LyraSimError: A build would end with it.
    """
    files: list[Path] = []

    def some_of(all_files: list[Path]) -> list[Path]:
        check_count(all_files, limits)
        files.extend(all_files)
        found.facts["photos"] = len(all_files)
        return all_files if whole else spread(all_files, MOST_DECODED)

    photos = take_in(source, limits, scratch / "photos", choose=some_of)
    decoded = len(files) if whole else min(len(files), MOST_DECODED)
    found.readings = (_account(source, photos, len(files)),)
    _describe(photos, found)
    if decoded < len(files):
        found.facts["photos decoded"] = decoded
        found.unchecked += (f"{len(files) - decoded} of {len(files)} photos, which aren't decoded here: --all does",)
    given = given_cameras(source, photos)
    if given is None and len(photos.photos) == 1 and len(files) == decoded:
        refuse_remnant(photos, scene=stated.scene)
        _one_photo(photos, stated, limits, found, scratch)
        return
    names = given.names if given is not None and decoded == len(files) else photo_names(files)
    check_stated_scale(stated, names, found=given is None)
    if given is not None:
        _describe_cameras(source, given, photos, len(files), found)
    _tell_scale(stated, photos, found, of_cameras=given is not None)
    found.unchecked += (SFM if given is None else GIVEN,)


def look_at_video(source: VideoSource, stated: Stated, limits: CaptureConfig, found: Found) -> None:
    """Fill ``found`` from a video's packets and its first frame.

    Raises:
        EnvironmentNotReady: PyAV isn't installed.
        InputError: It holds one frame, or can't be read; any other error that a build would end with.
    """
    require_pyav(source.file)
    from lyra_sim.capture.intake.sharp_frames import first_look

    look = first_look(source, limits=limits)
    frames = min(source.frames, limits.max_views, look.facts.packet_count)
    found.facts |= {
        "seconds": round(look.facts.seconds, 2),
        "frames in it": look.facts.packet_count,
        "frames taken at most": frames,
        "image size [px]": f"{look.width}x{look.height}",
    }
    notes = ReadingNotes(
        file=source.file.name,
        format="video",
        held={"frames": look.facts.packet_count},
        taken={"frames": frames},
        remarks=look.doubts,
    )
    found.readings = (Reading.of(notes),)
    if look.facts.packet_count < 2:
        raise InputError(str(source.file), "one frame", expected="at least two", next_step="Give it as a photo.")
    frame = Photo(name="frame", file=source.file, width=look.width, height=look.height, panorama=look.panorama)
    settled(PhotoSet(photos=(frame,), skipped=()), source.projection, subject=str(source.file), key=source.key)
    check_stated_scale(stated, (), found=True)
    _tell_scale(stated, PhotoSet(photos=(), skipped=()), found, of_cameras=False)
    found.unchecked += ("damaged frames, and stretches on which the camera stands still", SFM)


def spread(items: Sequence[Item], most: int) -> list[Item]:
    """At most so many, evenly over all, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(index * (len(items) - 1) / (most - 1))] for index in range(most)]


def _account(source: PhotosSource | ColmapSource | TransformsSource, photos: PhotoSet, files: int) -> Reading:
    reasons = Counter(reason for _, reason in photos.skipped)
    names = {reason: next(name for name, other in photos.skipped if other == reason) for reason in reasons}
    left_out = tuple(
        LeftOut(what="photos" if count > 1 else "photo", count=count, why=f"{reason} ({names[reason]})")
        for reason, count in sorted(reasons.items())
    )
    turned = sum(photo.orientation != 1 for photo in photos.photos)
    match source:
        case ColmapSource():
            name, kind = source.model.name, "COLMAP model with its photos"
        case TransformsSource():
            name, kind = source.file.name, "transforms.json with its photos"
        case PhotosSource():
            name, kind = source.images.name, "photos"
    upright = (f"{turned} photos are turned upright by their EXIF orientation",) if turned else ()
    notes = ReadingNotes(
        file=name or kind,
        format=kind,
        held={"photos": files},
        taken={"photos": files - len(photos.skipped)},
        left_out=left_out,
        remarks=(*upright, *notes_of_colours(photos, name).remarks, *photos.remarks),
    )
    return Reading.of(notes)


def _describe(photos: PhotoSet, found: Found) -> None:
    """What the decoded photos say of themselves; a set of several cameras shows here."""
    sizes = Counter((photo.width, photo.height) for photo in photos.photos)
    listed = [f"{width}x{height} ({count})" for (width, height), count in sizes.most_common(4)]
    found.facts["image sizes [px]"] = ", ".join(listed) + (" and more" if len(sizes) > 4 else "")
    focal = [photo.focal_px for photo in photos.photos if photo.focal_px is not None]
    found.facts["with a focal length (EXIF)"] = len(focal)
    if focal:
        found.facts["focal length [px]"] = f"{min(focal):.0f}" if np.ptp(focal) < 1 else f"{min(focal):.0f} to {max(focal):.0f}"
    found.facts["with a GPS fix"] = sum(photo.gps is not None for photo in photos.photos)


def _describe_cameras(
    source: PhotosSource | ColmapSource | TransformsSource, given: PosedPhotos, photos: PhotoSet, files: int, found: Found
) -> None:
    posed = files - (len(photos.photos) - len(given)) - len(photos.skipped)
    found.facts |= {"photos with a camera": posed, "lenses": len(given.lenses), "cameras": given.recipe}
    without = len(photos.photos) - len(given)
    if without:
        found.told += (f"{without} photos left out: no camera was given for them",)
    if beside := not_in_model(source, files):
        found.told += (f"{beside} more photos lie in the folder and aren't in the model",)
    if len(given.sparse.points):
        found.facts["points of the model"] = len(given.sparse.points)


def _tell_scale(stated: Stated, photos: PhotoSet, found: Found, *, of_cameras: bool) -> None:
    """Whether anything may tell the scale; how well it does comes out once cameras are there."""
    fixes = sum(photo.gps is not None for photo in photos.photos)
    height = f"a camera height of {stated.assumed_camera_height:g} m"
    if stated.scale not in ("auto", "unknown"):
        found.doubts += (Doubt(about="scale", outcome="held", said="what the scene states fits this kind of input"),)
        return
    if fixes and stated.scale == "auto":
        found.told += (f"{fixes} GPS fixes may tell the scale; where they are too coarse {height} is assumed",)
    else:
        said = f"{height} would be assumed (± {ASSUMED_SIGMA:.0%})"
        found.doubts += (Doubt(about="scale", outcome="nothing to tell by", said=said),)
    if of_cameras:
        found.told += ("how long the cameras' unit is nobody says: state scale: metric if it is the metre",)


def _one_photo(photos: PhotoSet, stated: Stated, limits: CaptureConfig, found: Found, scratch: Path) -> None:
    """A photo alone is read to the end: there is nothing to find."""
    from lyra_sim.capture.one_photo import capture_one_photo

    capture = capture_one_photo(photos.photos[0], stated, view_side=limits.view_side, out=scratch / "one")
    found.frame = Frame.of(capture.up_source, capture.scale)
    finding = getattr(capture.poses, "finding", "")
    found.facts["focal length from"] = getattr(capture.poses, "focal_source", "")
    found.told += (finding,)
