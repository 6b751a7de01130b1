"""Photos, a video or another tool's posed photos to a Capture: taken in, posed, distrusted, undistorted once."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from jaxtyping import Float64

from lyra_sim.capture.cameras.camera_files import image_files_of_transforms, posed_by_file, posed_by_transforms
from lyra_sim.capture.cameras.colmap_model import image_files_of_colmap, posed_by_colmap
from lyra_sim.capture.cameras.structure_from_motion import pose_candidates, triangulate
from lyra_sim.capture.frame.geodesy import east_north_up
from lyra_sim.capture.frame.provisional_frame import check_stated_scale, provisional_frame_of_photos
from lyra_sim.capture.intake.photo_folder import IMAGE_SUFFIXES, take_in_files, take_in_folder
from lyra_sim.capture.intake.video import take_in_video
from lyra_sim.capture.one_photo import capture_one_photo
from lyra_sim.capture.trust.epipolar_check import check_given_cameras
from lyra_sim.capture.trust.photos_as_stored import misfits, read_as_stored
from lyra_sim.capture.trust.pose_choice import Chosen, checked, choose
from lyra_sim.capture.views_of_photos import write_views
from lyra_sim.data.capture import Capture
from lyra_sim.data.posed import PhotoSet, PosedPhotos
from lyra_sim.errors import InputError
from lyra_sim.scene.spec import SceneSpec


def capture_photos(cfg: SceneSpec, *, out: Path) -> Capture:
    """Read the scene's photos into ``out`` (``rgb/``, validity, cameras, sparse points), every one with a trusted camera.

    The capture frame is that of the given cameras, or structure-from-motion's own, whose unit nobody knows yet.
    """
    with TemporaryDirectory(prefix="lyra-sim-") as folder:
        work = Path(folder)
        photos = _take_in(cfg, work / "photos")
        given = _given_cameras(cfg, photos)
        if given is None and len(photos.photos) == 1:
            _refuse_remnant(cfg, photos)
            return capture_one_photo(cfg, photos.photos[0], out=out)
        check_stated_scale(cfg, [photo.name for photo in photos.photos] if given is None else given.names)
        chosen = _found(cfg, photos, work / "poses") if given is None else _given(cfg, photos, given, work / "poses")
        posed = chosen.posed
        views, cameras = write_views(posed, photos, view_side=cfg.capture.view_side, out=out)
    geo = _geo(photos, posed.names)
    world_from_capture, scale, up_source = provisional_frame_of_photos(cfg, cameras, posed.sparse, geo, posed)
    return Capture(
        views=views,
        cameras=cameras,
        world_from_capture=world_from_capture,
        scale=scale,
        held_out=_held_out(len(views), cfg.capture.hold_out_every),
        frame_agreement=None,
        up_source=up_source,
        depth=None,
        sparse=posed.sparse,
        poses=_facts(cfg, chosen, photos),
        geo=geo,
    )


def _take_in(cfg: SceneSpec, work: Path) -> PhotoSet:
    limits = cfg.capture
    if cfg.video is not None:
        return take_in_video(cfg.video, limits=limits, work=work)
    if cfg.colmap is not None:
        return take_in_files(image_files_of_colmap(cfg.colmap), unreadable="skip", limits=limits, work=work)
    if cfg.transforms is not None:
        return take_in_files(image_files_of_transforms(cfg.transforms.file), unreadable="skip", limits=limits, work=work)
    if cfg.photos is not None:
        return take_in_folder(cfg.photos.images, unreadable=cfg.photos.unreadable, limits=limits, work=work)
    raise InputError(f"scene '{cfg.name}'", "no source of photos", expected="photos, video, colmap or transforms")


def _refuse_remnant(cfg: SceneSpec, photos: PhotoSet) -> None:
    """One photo left of several isn't what was asked for: its world would be a guess, and nobody would be told why."""
    if not photos.skipped:
        return
    file, reason = photos.skipped[0]
    more = f" and {len(photos.skipped) - 1} more" if len(photos.skipped) > 1 else ""
    raise InputError(
        f"scene '{cfg.name}'",
        f"of {1 + len(photos.skipped)} files only '{photos.photos[0].name}' can be used; left out: {file} ({reason}){more}",
        expected="at least two different photos",
        likely="The same photo was copied several times, or the others are of a kind that isn't read.",
        next_step="Add photos taken a step apart; or, for a guessed room, set photos.images to that one file.",
    )


def _given_cameras(cfg: SceneSpec, photos: PhotoSet) -> PosedPhotos | None:
    """Cameras the source brings; None when they have to be found."""
    if cfg.colmap is not None:
        return posed_by_colmap(cfg.colmap, photos)
    if cfg.transforms is not None:
        return posed_by_transforms(cfg.transforms, photos)
    source = cfg.photos
    if source is None or source.cameras is None:
        return None
    return posed_by_file(
        source.cameras, photos, intrinsics=source.intrinsics, axes=source.axes, pixel_centres=source.pixel_centres
    )


def _found(cfg: SceneSpec, photos: PhotoSet, work: Path) -> Chosen:
    candidates = pose_candidates(photos, cfg.poses, work=work, seed=cfg.seed)
    geo = _geo(photos, tuple(photo.name for photo in photos.photos))
    return choose(candidates, photos, cfg.poses, geo=geo, subject=f"scene '{cfg.name}'")


def _given(cfg: SceneSpec, photos: PhotoSet, given: PosedPhotos, work: Path) -> Chosen:
    """Given cameras stay as they are; points are triangulated from them, which is also how they are doubted."""
    posed = triangulate(given, photos, cfg.poses, work=work, seed=cfg.seed)
    meant, as_stored = read_as_stored(given, photos, work=work)
    unfit = misfits(meant, work=work)
    if as_stored or unfit:
        kept = tuple(index for index, name in enumerate(meant.names) if name not in unfit)
        posed = triangulate(meant.select(kept), photos, cfg.poses, work=work / "again", seed=cfg.seed)
        work = work / "again"
    check_given_cameras(posed, photos, work=work, scene=cfg.name)
    chosen = checked(posed, geo=_geo(photos, posed.names), subject=f"scene '{cfg.name}'")
    without = [photo.name for photo in photos.photos if photo.name not in given.names]
    dropped = tuple(unfit.items()) + tuple((name, "no camera was given for it") for name in without)
    facts = {**chosen.facts, **({"read_as_stored": list(as_stored)} if as_stored else {})}
    return replace(chosen, facts=facts, dropped=chosen.dropped + dropped)


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


def _held_out(count: int, every: int) -> tuple[int, ...]:
    held_out = tuple(range(0, count, every)) if every else ()
    if count - len(held_out) < 2:
        raise InputError(
            "capture.hold_out_every",
            f"{len(held_out)} of {count} posed photos are held out",
            expected="at least two photos left to build from",
        )
    return held_out


def _facts(cfg: SceneSpec, chosen: Chosen, photos: PhotoSet) -> dict[str, object]:
    """What became of every file, for the report."""
    return {
        **chosen.facts,
        "photos": len(photos.photos),
        "posed": len(chosen.posed),
        "reprojection_px": round(float(chosen.posed.reprojection_px), 4),
        "recipe": chosen.posed.recipe,
        "skipped": [list(entry) for entry in photos.skipped],
        "dropped": [list(entry) for entry in chosen.dropped],
        **_not_in_model(cfg, photos),
    }


def _not_in_model(cfg: SceneSpec, photos: PhotoSet) -> dict[str, int]:
    """How many photos lie beside those that a COLMAP model registers, if any do: a model may be one of several pieces."""
    if cfg.colmap is None:
        return {}
    beside = sum(path.suffix.lower() in IMAGE_SUFFIXES for path in cfg.colmap.images.rglob("*") if path.is_file())
    more = beside - len(photos.photos) - len(photos.skipped)
    return {"not_in_model": more} if more > 0 else {}
