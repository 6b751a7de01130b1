"""Given geometry to a Capture: surveyed by virtual posed RGB-D cameras, so that everything after is as for any other source."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Float32, Int32, UInt8
from PIL import Image

from lyra_sim.capture.cameras.camera_files import read_cameras
from lyra_sim.capture.frame.given_frame_check import AxisSigns, axis_signs, check_stated_up
from lyra_sim.capture.frame.stated import Stated
from lyra_sim.capture.frame.stated_frame import axes_of_file, given_frame
from lyra_sim.capture.kept_apart import DEPTH_FROM, kept_apart
from lyra_sim.capture.survey.dense_samples import face_normals, surface_samples
from lyra_sim.capture.survey.given_floor_check import check_floor, check_not_on_a_roof
from lyra_sim.capture.survey.main_part import main_faces
from lyra_sim.capture.survey.painting import ReadMesh
from lyra_sim.capture.survey.standing_room import CELL, Standing, cell_for, find_standing
from lyra_sim.capture.survey.virtual_cameras import plan_survey
from lyra_sim.data.capture import GIVEN_SPLATS, Capture, DepthFacts, DepthKind, GivenFacts
from lyra_sim.data.given import LeftOut, PaintedMesh, ReadingNotes, told_on_failure
from lyra_sim.data.scale import ScaleEstimate
from lyra_sim.data.views import Views
from lyra_sim.errors import GeometryError, InputError, SpecError
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.rendering.ray_casting import RayCaster
from lyra_sim.scene.sources import SplatsSource, SurfaceSource, Surveyed
from lyra_sim.scene.spec import CaptureConfig
from lyra_sim.splat_files.sound import Reading

FARTHEST_ORIGIN = 10_000.0
"""Geometry lies within this of its origin [m]: 32-bit positions are a millimetre apart there. Derived."""
COUNTS = 65000
"""The depth images' unit is the deepest depth that counts over this. Convention."""
JPEG_QUALITY = 95
"""Of the rendered views. Convention."""
LEAST_SEEN = 0.1
"""Share of the pixels that have to show something. Convention."""
MOST_CAMERA_PIXELS = 2_100_000
"""Of a camera that a user states. Convention."""

Shot = tuple[UInt8[np.ndarray, "h w 3"], Float32[np.ndarray, "h w"]]


@runtime_checkable
class Sight(Protocol):
    """Given geometry as a camera sees it, metres, z up."""

    def view(self, cameras: CameraPath, index: int, *, near: float = 0.0) -> Shot:
        """Colours, and z-depth with NaN where nothing is."""
        ...


@dataclass(frozen=True, kw_only=True)
class GivenPlace:
    """Given geometry in the provisional frame [metres, z up], read but not yet looked at: what its doubts go by."""

    source: Surveyed
    scene: str
    frame: tuple[Similarity, ScaleEstimate, str]
    """``world_from_capture``, the scale behind it, and where up comes from."""
    kind: DepthKind
    sight: Callable[[], Sight]
    """Made when it is first looked at."""
    caster: RayCaster
    vertices: Float[np.ndarray, "v 3"]
    faces: Int32[np.ndarray, "f 3"]
    """Of the part that is surveyed."""
    samples: Float[np.ndarray, "m 3"]
    """Points of that part, no farther apart than half a cell."""
    normals: Float[np.ndarray, "g 3"]
    """Of every face of ``caster``."""
    facts: GivenFacts
    seed: int
    """Of the points by which the up axis is doubted."""

    def axes(self) -> dict[str, AxisSigns]:
        """What each of the six axes would mean as up, by its name in this frame."""
        return axis_signs(self.vertices, self.faces, self.caster, seed=self.seed)

    def doubt_up(self) -> None:
        """Refuse an up axis that another fits clearly better than; a stated ``start`` is the user's word on where the floor is.

        Raises:
            FrameError: One does.
        """
        if self.source.start is None:
            check_stated_up(self.axes(), stated="z", names=axes_of_file(self.frame[0]), said=self.frame[2], scene=self.scene)


def capture_surface(
    source: SurfaceSource,
    stated: Stated,
    limits: CaptureConfig,
    *,
    read: Callable[[Path], ReadMesh],
    seed: int,
    out: Path,
) -> Capture:
    """Survey a mesh into ``out`` (``rgb/``, ``z_depth/``, ``valid.png``, cameras).

    Args:
        source: The files.
        stated: What the scene file says of scale and up.
        limits: How far and how many views.
        read: Reads a file of any kind, USD too; given from outside because only the usd room knows pxr.
        seed: Of the points by which the up axis is doubted.
        out: Folder of the step.

    Raises:
        SpecError: The scene has no such source, or its files state different units or up axes.
        InputError: A file can't be read or holds no surface.
    """
    files = [read(path) for path in source.files]
    with told_on_failure([one.notes for one in files]):
        return _captured(place_of_meshes(files, source, stated, seed=seed), limits, out=out)


def place_of_meshes(read: list[ReadMesh], source: SurfaceSource, stated: Stated, *, seed: int) -> GivenPlace:
    """Meshes that were read, as one surface in the provisional frame.

    Raises:
        SpecError: Nothing says how long their unit is or which way is up, or they state different ones.
        InputError: They lie too far from their origin.
        GeometryError: They are larger than is surveyed.
    """
    from lyra_sim.rendering.painted_view import PaintedScene

    units = {(one.metres_per_unit, one.up) for one in read}
    first = read[0]
    if len(units) > 1 and (stated.scale == "auto" or stated.up == "auto"):
        raise SpecError(
            stated.subject("surface.files"),
            "files whose formats state different units or up axes",
            expected="files of one frame",
            next_step="State 'scale' and 'up' if they share a frame nevertheless; export them alike if they don't.",
        )
    frame = given_frame(stated, metres_per_unit=first.metres_per_unit, up=first.up, source=first.source)
    mesh = PaintedMesh.joined([one.mesh for one in read])
    metric = mesh.moved(frame[0])
    _near_origin(metric.vertices, subject=source.files[0])
    scene = PaintedScene(metric)
    inside, beyond = main_faces(metric.vertices, metric.faces)
    cell = cell_for(metric.vertices[np.unique(metric.faces[inside])], subject=f"scene '{stated.scene}'")
    return GivenPlace(
        source=source,
        scene=stated.scene,
        frame=frame,
        kind="given mesh",
        sight=lambda: scene,
        caster=scene.caster,
        vertices=metric.vertices,
        faces=metric.faces[inside],
        samples=surface_samples(metric.vertices, metric.faces[inside], cell / 2),
        normals=face_normals(metric.vertices, metric.faces),
        facts=GivenFacts(
            kind="mesh",
            files=tuple(path.name for path in source.files),
            format=first.source,
            triangles=len(mesh.faces),
            triangles_dropped=sum(one.dropped for one in read),
            images=len(mesh.images),
            reading=_accounts([one.notes for one in read], beyond),
        ),
        seed=seed,
    )


def capture_splats(source: SplatsSource, stated: Stated, limits: CaptureConfig, *, seed: int, out: Path) -> Capture:
    """Survey splats into ``out``; the splats themselves are kept beside, as they came.

    Raises:
        InputError: The file can't be read, or its splats form no surface.
    """
    from lyra_sim.capture.survey.splat_surface import read_given_splats

    reading = read_given_splats(source.file)
    place = place_of_splats(reading, source, stated, seed=seed)
    with told_on_failure(place.facts.reading):
        capture = _captured(place, limits, out=out)
    reading.splats.save_ply(out / GIVEN_SPLATS)
    return capture


def place_of_splats(reading: Reading, source: SplatsSource, stated: Stated, *, seed: int) -> GivenPlace:
    """Splats that were read, as a shell in the provisional frame.

    Raises:
        SpecError: Nothing says how long their unit is or which way is up.
        InputError: They lie too far from their origin, or form no surface.
    """
    from lyra_sim.capture.survey.splat_surface import SplatSight, opaque_surface, surveyed

    frame = given_frame(stated, metres_per_unit=None, up=None, source=reading.kind)
    metric = reading.splats.moved(frame[0])
    _near_origin(metric.means, subject=source.file)
    near, notes = surveyed(metric, reading.notes)
    with told_on_failure([notes]):
        shell = opaque_surface(near, CELL, subject=str(source.file))
    count, files = len(reading.splats), (source.file.name,)
    return GivenPlace(
        source=source,
        scene=stated.scene,
        frame=frame,
        kind="given splats",
        sight=lambda: SplatSight(metric),
        caster=RayCaster(shell.vertices, shell.faces),
        vertices=shell.vertices,
        faces=shell.faces,
        samples=shell.samples,
        normals=face_normals(shell.vertices, shell.faces),
        facts=GivenFacts(kind="splats", files=files, format=reading.kind, splats=count, reading=(notes,)),
        seed=seed,
    )


def find_footing(place: GivenPlace) -> Standing | None:
    """Where the survey would stand, once the frame was doubted; None where the scene states cameras.

    Raises:
        FrameError: Another axis than the stated one is up.
        GeometryError: There is nothing to stand on inside.
    """
    source, subject = place.source, f"scene '{place.scene}'"
    if source.cameras is not None:
        place.doubt_up()
        return None
    start = None if source.start is None else place.frame[0].apply(np.array(source.start, np.float64))
    try:
        standing = find_standing(place.samples, place.caster, start=start, subject=subject)
    except GeometryError:
        place.doubt_up()  # where it can name the axis, it says more
        raise
    low, high = place.samples.min(axis=0), place.samples.max(axis=0)
    check_floor(standing, place.caster, low, high, scene=place.scene)
    place.doubt_up()
    if start is None:
        check_not_on_a_roof(standing, place.caster, float(low[2]), scene=place.scene)
    return standing


def _captured(place: GivenPlace, limits: CaptureConfig, *, out: Path) -> Capture:
    source, facts, subject = place.source, place.facts, f"scene '{place.scene}'"
    world_from_capture, scale, up_source = place.frame
    standing = find_footing(place)
    if standing is None:
        assert source.cameras is not None
        cameras = _stated_cameras(source, limits).moved(world_from_capture)
        facts = replace(facts, views=len(cameras), cameras=source.cameras.name)
    else:
        survey = plan_survey(standing, place.caster, place.normals, most_views=min(source.views, limits.max_views))
        cameras = survey.cameras
        facts = replace(facts, views=len(cameras), survey=survey.facts)
    seen = _write_views(place.sight(), cameras, limits, metres_per_unit=scale.metres_per_unit, out=out)
    if seen < LEAST_SEEN:
        raise InputError(
            subject,
            f"{seen:.1%} of the pixels of {len(cameras)} virtual views show anything",
            expected=f"at least {LEAST_SEEN:.0%}",
            likely="The cameras stand outside, or the surface is full of holes.",
            next_step="State a 'start' on a floor inside.",
        )
    # A given mesh is read again by another library to testify; given splats have only their views.
    auto_from = None if place.kind == "given mesh" else DEPTH_FROM
    return Capture(
        views=Views(
            folder=out,
            names=tuple(f"{index:05d}" for index in range(len(cameras))),
            rgb_suffix=".jpg",
            units_per_depth_count=limits.given_max_depth / COUNTS / scale.metres_per_unit,
        ),
        cameras=cameras.moved(world_from_capture.inverse),
        world_from_capture=world_from_capture,
        scale=scale,
        held_out=kept_apart(len(cameras), limits.hold_out_every, auto_from=auto_from, left=1),
        frame_agreement=None,
        up_source=up_source,
        depth=DepthFacts(kind=place.kind, sigma_relative=0.0, figures={"measured": round(seen, 5)}),
        given=facts,
    )


def _write_views(sight: Sight, cameras: CameraPath, limits: CaptureConfig, *, metres_per_unit: float, out: Path) -> float:
    """Write every view; the share of pixels with depth, 0..1."""
    (out / "rgb").mkdir(parents=True)
    (out / "z_depth").mkdir()
    near, far = limits.min_depth, limits.given_max_depth
    seen = 0
    for index in range(len(cameras)):
        rgb, z_depth = sight.view(cameras, index, near=near)
        with np.errstate(invalid="ignore"):
            known = (z_depth >= near) & (z_depth <= far)
        counts = np.where(known, np.maximum(np.round(np.where(known, z_depth, 0) * (COUNTS / far)), 1), 0).astype(np.uint16)
        Image.fromarray(rgb).save(out / "rgb" / f"{index:05d}.jpg", quality=JPEG_QUALITY, subsampling=0)
        Image.fromarray(counts).save(out / "z_depth" / f"{index:05d}.png", compress_level=3)
        seen += int(known.sum())
    size = (cameras.height, cameras.width)
    Image.fromarray(np.full(size, 255, np.uint8)).save(out / "valid.png")
    return seen / (len(cameras) * size[0] * size[1])


def _stated_cameras(source: Surveyed, limits: CaptureConfig) -> CameraPath:
    assert source.cameras is not None
    table = read_cameras(source.cameras, intrinsics=source.intrinsics, axes=source.axes, pixel_centres=source.pixel_centres)
    if table.distortion.any():
        raise InputError(str(source.cameras), "a distorted lens", expected="pinholes: these cameras are virtual")
    if len(table.c2w) > limits.max_views:
        raise InputError(
            str(source.cameras),
            f"{len(table.c2w)} cameras",
            expected=f"at most {limits.max_views}",
            next_step="Raise capture.max_views, or thin the path.",
        )
    if table.width * table.height > MOST_CAMERA_PIXELS:
        raise InputError(
            str(source.cameras), f"{table.width}x{table.height} pixels", expected=f"at most {MOST_CAMERA_PIXELS} in all"
        )
    return CameraPath(c2w=table.c2w, K=table.K, width=table.width, height=table.height)


def _accounts(read: list[ReadingNotes], beyond: tuple[LeftOut, ...]) -> tuple[ReadingNotes, ...]:
    """The readers' accounts, with what the survey leaves out: of the one file, or of all together where several are joined."""
    if not beyond:
        return tuple(read)
    if len(read) == 1:
        return (replace(read[0], left_out=read[0].left_out + beyond),)
    return (*read, ReadingNotes(file=", ".join(one.file for one in read), format="as one surface", left_out=beyond))


def _near_origin(points: np.ndarray, *, subject: Path) -> None:
    away = float(np.abs(np.median(points, axis=0)).max())
    if away > FARTHEST_ORIGIN:
        raise InputError(
            str(subject),
            f"it lies {away / 1000:.0f} km from its origin",
            expected=f"at most {FARTHEST_ORIGIN / 1000:.0f} km",
            likely="Map coordinates: positions are kept in 32 bits, which are too coarse there.",
            next_step="Move it to the origin first.",
        )
