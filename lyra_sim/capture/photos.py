"""Photos, a video or another tool's posed photos to a Capture: taken in, posed, distrusted, undistorted once."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from jaxtyping import Float64

from lyra_sim.capture.cameras.camera_files import image_files_of_transforms, posed_by_file, posed_by_transforms
from lyra_sim.capture.cameras.colmap_model import image_files_of_colmap, posed_by_colmap
from lyra_sim.capture.cameras.panorama_rig import panorama_candidates
from lyra_sim.capture.cameras.structure_from_motion import SMALLEST_MODEL, pose_candidates, triangulate
from lyra_sim.capture.frame.geodesy import east_north_up
from lyra_sim.capture.frame.provisional_frame import check_stated_scale, provisional_frame_of_photos
from lyra_sim.capture.frame.stated import Stated
from lyra_sim.capture.intake.colour_notes import notes_of_colours
from lyra_sim.capture.intake.panorama_cuts import cut_panoramas
from lyra_sim.capture.intake.panoramas import settled
from lyra_sim.capture.intake.photo_folder import IMAGE_SUFFIXES, Choice, take_in_files, take_in_folder
from lyra_sim.capture.intake.photo_names import photo_names
from lyra_sim.capture.intake.video import take_in_video
from lyra_sim.capture.kept_apart import KEPT_BACK_EVERY, PHOTOS_FROM, kept_apart
from lyra_sim.capture.markers.marker_scale import read_markers
from lyra_sim.capture.masks import masks_beside, masks_of_transforms, with_masks
from lyra_sim.capture.one_photo import capture_one_photo
from lyra_sim.capture.trust.epipolar_check import check_given_cameras
from lyra_sim.capture.trust.kept_cameras import kept_cameras, key_of_cameras
from lyra_sim.capture.trust.photos_as_stored import misfits, read_as_stored
from lyra_sim.capture.trust.pose_choice import Chosen, checked, choose
from lyra_sim.capture.views_of_photos import write_views
from lyra_sim.data.capture import Capture
from lyra_sim.data.posed import PhotoSet, PosedPhotos, PoseFacts
from lyra_sim.errors import InputError
from lyra_sim.scene.sources import ColmapSource, MarkersScale, PhotoSource, PhotosSource, TransformsSource, VideoSource
from lyra_sim.scene.spec import CaptureConfig, PosesConfig


def capture_photos(
    source: PhotoSource,
    stated: Stated,
    limits: CaptureConfig,
    poses: PosesConfig,
    *,
    seed: int,
    out: Path,
    kept: Path | None = None,
) -> Capture:
    """Read the source's photos into ``out`` (``rgb/``, validity, cameras, sparse points), every one with a trusted camera.

    The capture frame is that of the given cameras, or structure-from-motion's own, whose unit nobody knows yet.

    Args:
        source: The photos, and cameras where it brings them.
        stated: What the scene file says of scale and up.
        limits: What is read and what is kept out.
        poses: How cameras are found where the source brings none.
        seed: The scene's.
        out: Folder of the step.
        kept: Folder in which trusted cameras outlive the step; None: they are found each time.
    """
    with TemporaryDirectory(prefix="lyra-sim-") as folder:
        work = Path(folder)
        photos = take_in(source, limits, work / "photos")
        notes = notes_of_colours(photos, _subject(source).name)
        notes = replace(notes, remarks=(*notes.remarks, *photos.remarks))
        around = len(photos.photos) if photos.photos[0].panorama == "stated" and _may_look_around(source) else 0
        if around:
            photos = _cut(source, photos, work / "views")
            notes = replace(
                notes, remarks=(*notes.remarks, f"{around} panoramas were cut into {len(photos.photos)} views of 90°")
            )
        reading = (notes,) if notes.remarks else ()
        given = given_cameras(source, photos)
        if given is None and len(photos.photos) == 1:
            refuse_remnant(photos, scene=stated.scene)
            alone = capture_one_photo(photos.photos[0], stated, view_side=limits.view_side, out=out)
            return replace(alone, reading=reading)
        names = [photo.name for photo in photos.photos] if given is None else given.names
        check_stated_scale(stated, names, found=given is None)

        def find() -> Chosen:
            how: dict[str, Any] = {"work": work / "poses", "seed": seed, "scene": stated.scene}
            return _found(photos, poses, **how) if given is None else _given(photos, given, poses, **how)

        chosen = kept_cameras(kept, key_of_cameras(photos, given, poses, seed=seed), find)
        posed = chosen.posed
        views, cameras = write_views(posed, photos, view_side=limits.view_side, out=out)
        asked = [one for one in stated.scales if isinstance(one, MarkersScale)]
        markers = read_markers(asked, posed, photos, subject=stated.subject("scale"))
    geo = _geo(photos, posed.names)
    world_from_capture, scale, up_source = provisional_frame_of_photos(
        stated, cameras, posed.sparse, geo, posed, found=given is None, seed=seed, markers=markers
    )
    sparse, kept_back = (posed.sparse, None) if limits.hold_out_every == 0 else posed.sparse.parted(KEPT_BACK_EVERY)
    return Capture(
        views=views,
        cameras=cameras,
        world_from_capture=world_from_capture,
        scale=scale,
        held_out=kept_apart(len(views), limits.hold_out_every, auto_from=PHOTOS_FROM, left=2),
        frame_agreement=None,
        up_source=up_source,
        depth=None,
        sparse=sparse,
        kept_back=kept_back,
        poses=_facts(source, chosen, photos),
        geo=geo,
        reading=reading,
        scale_notes=markers.notes,
    )


def _may_look_around(source: PhotoSource) -> bool:
    return isinstance(source, PhotosSource | VideoSource)


def _cut(source: PhotoSource, photos: PhotoSet, work: Path) -> PhotoSet:
    """Views of panoramas.

    Raises:
        InputError: There are too few of them, or cameras are given for them.
    """
    if isinstance(source, PhotosSource) and source.cameras is not None:
        raise InputError(
            str(source.cameras),
            "cameras of 360° panoramas, which aren't read",
            expected="no cameras: they are found",
            next_step="Leave photos.cameras out.",
        )
    if len(photos.photos) < SMALLEST_MODEL:
        raise InputError(
            str(_subject(source)),
            f"{len(photos.photos)} panoramas",
            expected=f"at least {SMALLEST_MODEL}, each a step from the one before",
            likely="From one place no depth shows.",
        )
    return cut_panoramas(photos, work)


def _subject(source: PhotoSource) -> Path:
    """What the photos of a source are told by."""
    match source:
        case VideoSource() | TransformsSource():
            return source.file
    return source.images


def take_in(source: PhotoSource, limits: CaptureConfig, work: Path, *, choose: Choice = list) -> PhotoSet:
    """Sound photos of a source.

    Args:
        source: Photos, or what they come from.
        limits: Caps.
        work: Folder for upright copies; made when missing.
        choose: Which of the photos' files; a video has none.
    """
    match source:
        case VideoSource():
            frames = take_in_video(source, limits=limits, work=work)
            return settled(frames, source.projection, subject=str(source.file), key=source.key)
        case ColmapSource():
            files = choose(image_files_of_colmap(source))
            photos = take_in_files(files, unreadable="skip", limits=limits, work=work)
            return _masked(photos, files, masks_beside(files, source.images), limits, work)
        case TransformsSource():
            files = choose(image_files_of_transforms(source.file))
            photos = take_in_files(files, unreadable="skip", limits=limits, work=work)
            masks, said = masks_of_transforms(source.file)
            return _masked(replace(photos, remarks=said), files, masks, limits, work)
        case PhotosSource():
            return _of_folder(source, limits, work, choose)


def _of_folder(source: PhotosSource, limits: CaptureConfig, work: Path, choose: Choice) -> PhotoSet:
    files: list[Path] = []

    def kept(all_files: list[Path]) -> list[Path]:
        files.extend(choose(all_files))
        return files

    photos = take_in_folder(source.images, unreadable=source.unreadable, limits=limits, work=work, choose=kept)
    photos = settled(photos, source.projection, subject=str(source.images), key=source.key)
    masks = masks_beside(files, source.images) if len(files) > 1 else {}
    if masks and photos.photos[0].panorama == "stated":
        said = f"masks of {len(masks)} panoramas aren't applied: they are looked at whole"
        return replace(photos, remarks=(*photos.remarks, said))
    return _masked(photos, files, masks, limits, work)


def _masked(photos: PhotoSet, files: list[Path], masks: dict[Path, Path], limits: CaptureConfig, work: Path) -> PhotoSet:
    names = dict(zip(files, photo_names(files), strict=True))
    of_photos = {names[file]: mask for file, mask in masks.items() if file in names}
    return with_masks(photos, of_photos, max_pixels=limits.max_pixels, work=work / "masks")


def refuse_remnant(photos: PhotoSet, *, scene: str) -> None:
    """One photo left of several isn't what was asked for: its world would be a guess, and nobody would be told why.

    Raises:
        InputError: That is all there is.
    """
    if not photos.skipped:
        return
    file, reason = photos.skipped[0]
    more = f" and {len(photos.skipped) - 1} more" if len(photos.skipped) > 1 else ""
    raise InputError(
        f"scene '{scene}'",
        f"of {1 + len(photos.skipped)} files only '{photos.photos[0].name}' can be used; left out: {file} ({reason}){more}",
        expected="at least two different photos",
        likely="The same photo was copied several times, or the others are of a kind that isn't read.",
        next_step="Add photos taken a step apart; or, for a guessed room, set photos.images to that one file.",
    )


def given_cameras(source: PhotoSource, photos: PhotoSet) -> PosedPhotos | None:
    """Cameras the source brings; None when they have to be found."""
    match source:
        case ColmapSource():
            return posed_by_colmap(source, photos)
        case TransformsSource():
            return posed_by_transforms(source, photos)
        case PhotosSource(cameras=Path() as file):
            return posed_by_file(
                file, photos, intrinsics=source.intrinsics, axes=source.axes, pixel_centres=source.pixel_centres
            )
    return None


def _found(photos: PhotoSet, poses: PosesConfig, *, work: Path, seed: int, scene: str) -> Chosen:
    find = panorama_candidates if photos.photos[0].cut_from else pose_candidates
    candidates = find(photos, poses, work=work, seed=seed)
    geo = _geo(photos, tuple(photo.name for photo in photos.photos))
    return choose(candidates, photos, poses, geo=geo, subject=f"scene '{scene}'")


def _given(photos: PhotoSet, given: PosedPhotos, poses: PosesConfig, *, work: Path, seed: int, scene: str) -> Chosen:
    """Given cameras stay as they are; points are triangulated from them, which is also how they are doubted."""
    posed = triangulate(given, photos, poses, work=work, seed=seed)
    meant, as_stored = read_as_stored(given, photos, work=work)
    unfit = misfits(meant, work=work)
    if as_stored or unfit:
        kept = tuple(index for index, name in enumerate(meant.names) if name not in unfit)
        work = work / "again"
        posed = triangulate(meant.select(kept), photos, poses, work=work, seed=seed)
    check_given_cameras(posed, photos, work=work, scene=scene)
    chosen = checked(posed, geo=_geo(photos, posed.names), subject=f"scene '{scene}'")
    without = [photo.name for photo in photos.photos if photo.name not in given.names]
    dropped = tuple(unfit.items()) + tuple((name, "no camera was given for it") for name in without)
    return replace(chosen, facts=replace(chosen.facts, read_as_stored=as_stored), dropped=chosen.dropped + dropped)


def _geo(photos: PhotoSet, names: tuple[str, ...]) -> Float64[np.ndarray, "n 3"] | None:
    """Fixes of some of the photos [m], NaN without one; None when none has one.

    All photos are asked first: a stale fix shows by repeating that of a photo which may have no camera.
    """
    every = east_north_up([photo.gps for photo in photos.photos])
    if every is None:
        return None
    row = {photo.name: index for index, photo in enumerate(photos.photos)}
    geo = every[[row[name] for name in names]]
    return geo if np.isfinite(geo).any() else None


def _facts(source: PhotoSource, chosen: Chosen, photos: PhotoSet) -> PoseFacts:
    """With what became of every file."""
    beside = not_in_model(source, len(photos.photos) + len(photos.skipped))
    return replace(chosen.facts, photos=len(photos.photos), skipped=photos.skipped, dropped=chosen.dropped, not_in_model=beside)


def not_in_model(source: PhotoSource, named: int) -> int:
    """How many photos lie beside those that a COLMAP model registers: a model may be one of several pieces.

    Args:
        source: Any; 0 for all but a model.
        named: Photos that the model registers.
    """
    if not isinstance(source, ColmapSource):
        return 0
    beside = sum(path.suffix.lower() in IMAGE_SUFFIXES for path in source.images.rglob("*") if path.is_file())
    return max(beside - named, 0)
