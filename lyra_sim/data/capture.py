"""What capture hands on: undistorted views with cameras in a provisional frame, and what is known of its scale."""

from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float64

from lyra_sim.data.files import from_row, read_arrays, read_json, to_row, write_arrays, write_json
from lyra_sim.data.given import ReadingNotes
from lyra_sim.data.posed import OnePhotoFacts, PoseFacts, poses_from_json, poses_to_json
from lyra_sim.data.scale import ScaleEstimate
from lyra_sim.data.sparse import SparsePoints
from lyra_sim.data.views import Views
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.geometry.rigid import Similarity

UpAxis = Literal["x", "y", "z", "-x", "-y", "-z"]


DepthKind = Literal["measured", "plane sweep", "layout prior", "one photo", "given mesh", "given splats"]
"""Where depth comes from: a sensor; several photos; a guess about the room's shape from one photo, our own or another
provider's; or geometry that was given and looked at by virtual cameras."""

GUESSED: tuple[DepthKind, ...] = ("layout prior", "one photo")
"""Depth of one picture: whoever estimated it, no second one says where anything stands."""

NOT_ESTIMATED: tuple[DepthKind, ...] = ("measured", "given mesh", "given splats")
"""Depth that is taken as it is."""

GIVEN_SPLATS = "given_splats.ply"
"""Given splats in a capture's folder."""
LEAST_NOISE = 0.003
"""Estimated depth is never trusted to be better than this fraction. Tuned, unrecorded."""


UNPROVEN = "no two views lie far enough apart to tell whether depth, cameras and colour fit together: nothing was proven"
"""Told of measured depth that nothing could check. Convention."""


@dataclass(frozen=True, kw_only=True)
class DepthFacts:
    """What is known of the depth as a whole."""

    kind: DepthKind
    sigma_relative: float
    """Typical error as a fraction of the depth, from how well views agree; 0 for measured depth."""
    figures: dict[str, float]
    """Shares of pixels (0..1): ``measured``, ``planar_prior``, ``sky``, ``moving`` …, averaged over views."""

    @property
    def estimated(self) -> bool:
        """It was computed, or guessed; False where it is taken as it is."""
        return self.kind not in NOT_ESTIMATED

    @property
    def guessed(self) -> bool:
        """It comes from one picture: of what it shows, only the colours are known."""
        return self.kind in GUESSED

    @property
    def noise(self) -> float:
        """What depth scatters by from place to place, as a fraction of it: a guessed box is smooth however wrong it is."""
        if not self.estimated:
            return 0.0
        return LEAST_NOISE if self.kind == "layout prior" else max(LEAST_NOISE, self.sigma_relative)


@dataclass(frozen=True, kw_only=True)
class StandingFacts:
    """Where a person could stand in given geometry."""

    cell_m: float
    standing_area_m2: float
    places: int
    enclosed_share: float
    """Of level directions at head height in which something stands, mean over the places."""
    start_in_survey_frame: tuple[float, float, float]
    """[m]"""


@dataclass(frozen=True, kw_only=True)
class SurveyFacts:
    """How the virtual views were chosen, and how well they cover the surface."""

    surface_cells: int
    seen_once_share: float
    seen_twice_share: float
    """Of what any candidate sees."""
    candidates: int
    standing: StandingFacts


@dataclass(frozen=True, kw_only=True)
class GivenFacts:
    """What was given where the views are virtual, and what looked at it."""

    kind: Literal["mesh", "splats"]
    files: tuple[str, ...]
    format: str
    triangles: int | None = None
    triangles_dropped: int | None = None
    images: int | None = None
    """Of a mesh."""
    splats: int | None = None
    """Of splats."""
    views: int = 0
    cameras: str | None = None
    """File of the cameras that were stated; None: they were chosen, and ``survey`` tells how."""
    survey: SurveyFacts | None = None
    reading: tuple[ReadingNotes, ...] = ()
    """What each file holds, what was taken of it, and what was left out of it or of the survey."""

    @property
    def told(self) -> tuple[str, ...]:
        """What a user has to be told: one line for each thing left out or taken otherwise."""
        return tuple(line for one in self.reading for line in one.lines)

    def to_json(self) -> dict[str, Any]:
        """One flat object, without what doesn't apply."""
        row = to_row(self, optional=("triangles", "triangles_dropped", "images", "splats", "cameras"))
        del row["reading"]
        row |= {"reading": [one.to_json() for one in self.reading]} if self.reading else {}
        return row | (row.pop("survey") or {})

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> "GivenFacts":
        row = dict(row)
        reading = tuple(ReadingNotes.from_json(one) for one in row.pop("reading", ()))
        if "standing" not in row:
            return replace(from_row(cls, row), reading=reading)
        names = [field.name for field in fields(SurveyFacts)]
        standing = from_row(StandingFacts, row["standing"])
        survey = from_row(SurveyFacts, {name: row[name] for name in names if name in row} | {"standing": standing})
        plain = from_row(cls, {name: value for name, value in row.items() if name not in names})
        return replace(plain, survey=survey, reading=reading)


@dataclass(frozen=True, kw_only=True)
class Capture:
    """Posed views in the capture frame (the input file's own world, in its own units)."""

    views: Views
    cameras: CameraPath
    """One camera per view; ``c2w`` is in the capture frame and units."""
    world_from_capture: Similarity
    """Provisional metric frame: metres and z-up as far as the input tells; align refines it."""
    scale: ScaleEstimate
    held_out: tuple[int, ...]
    """Indices of views that no geometry may use; they are there to measure it."""
    frame_agreement: float | None
    """Share of depth that lands on the depth of neighbouring views, 0..1; None for a single view, and where none
    lie far enough apart to tell."""
    up_source: str
    """Evidence for the provisional up direction (``declared z``, ``mean camera up``)."""
    depth: DepthFacts | None
    """None until the depth step has run; measured depth is known from the start."""
    sparse: SparsePoints | None = None
    """Shared feature points of photos; None for RGB-D."""
    kept_back: SparsePoints | None = None
    """Others of them, which no step but assess may look at."""
    poses: PoseFacts | OnePhotoFacts | None = None
    """How the cameras were found and why they are trusted; None when they were given with the depth."""
    geo: Float64[np.ndarray, "n 3"] | None = None
    """East, north, up of every view's GPS fix from their mean [m]; NaN rows without a fix; None without any."""
    given: GivenFacts | None = None
    """What was given where the views are virtual, and how well they cover it; None for views that somebody took."""
    given_splats: Path | None = None
    """PLY of given splats in the capture frame; they stay the world's."""
    reading: tuple[ReadingNotes, ...] = ()
    """What was left out of frames that somebody took, or guessed of them."""
    scale_notes: tuple[str, ...] = ()
    """Markers that were looked for and tell nothing of the scale, and why."""

    @property
    def accounts(self) -> tuple[ReadingNotes, ...]:
        """What readers say of every given file, and of frames that somebody took."""
        return (*(self.given.reading if self.given is not None else ()), *self.reading)

    @property
    def told(self) -> tuple[str, ...]:
        """What a user has to be told of the input: what was left out, taken otherwise than stated, or never proven."""
        return (*(line for one in self.accounts for line in one.lines), *self.told_of_views)

    @property
    def told_of_views(self) -> tuple[str, ...]:
        """That part of it which no reader's account has: of photos and their cameras, and of depth that nothing proves."""
        of_photos = self.poses.told if isinstance(self.poses, PoseFacts) else ()
        measured = self.depth is not None and self.depth.kind == "measured"
        unproven = measured and self.frame_agreement is None and len(self.views) > 1
        assumed = (self._told_of_assumed_scale,) if self.scale.assumed else ()
        return (*of_photos, *((UNPROVEN,) if unproven else ()), *self.scale_notes, *assumed)

    @property
    def _told_of_assumed_scale(self) -> str:
        """What helps where nothing told the scale; of given geometry it is never assumed."""
        several = "a known_distance between two points of the photos, or markers of a known size in them (lyra-sim marker)"
        if isinstance(self.poses, PoseFacts):
            helps = f"camera_height, {several}"
        else:
            helps = "camera_height" if self.poses is not None else "camera_height or metres_per_unit"
        return f"nothing tells the scale: {self.scale.source}, good to {self.scale.sigma_relative:.0%}. State 'scale': {helps}"

    @property
    def used(self) -> tuple[int, ...]:
        """Indices of the views geometry is made from."""
        return tuple(sorted(set(range(len(self.views))) - set(self.held_out)))

    def save(self, folder: Path) -> None:
        """Write cameras and facts; the images are already in ``folder``."""
        write_arrays(folder / "cameras.npz", c2w=self.cameras.c2w, K=self.cameras.K)
        if self.sparse is not None:
            self.sparse.save(folder / "sparse.npz")
        if self.kept_back is not None:
            self.kept_back.save(folder / "kept_back.npz")
        if self.geo is not None:
            write_arrays(folder / "geo.npz", east_north_up=self.geo)
        write_json(
            folder / "capture.json",
            {
                "names": list(self.views.names),
                "rgb_suffix": self.views.rgb_suffix,
                "units_per_depth_count": self.views.units_per_depth_count,
                "width": self.cameras.width,
                "height": self.cameras.height,
                "world_from_capture": self.world_from_capture.matrix.tolist(),
                "scale": self.scale.to_json(),
                "held_out": list(self.held_out),
                "frame_agreement": None if self.frame_agreement is None else round(self.frame_agreement, 5),
                "up_source": self.up_source,
                "depth": None if self.depth is None else asdict(self.depth),
                "poses": poses_to_json(self.poses),
                "given": {} if self.given is None else self.given.to_json(),
                "reading": [one.to_json() for one in self.reading],
                **({"scale_notes": list(self.scale_notes)} if self.scale_notes else {}),
            },
        )

    @classmethod
    def load(cls, folder: Path) -> "Capture":
        facts, arrays = read_json(folder / "capture.json"), read_arrays(folder / "cameras.npz")
        return cls(
            views=Views(
                folder=folder,
                names=tuple(facts["names"]),
                rgb_suffix=facts["rgb_suffix"],
                units_per_depth_count=facts["units_per_depth_count"],
            ),
            cameras=CameraPath(c2w=arrays["c2w"], K=arrays["K"], width=facts["width"], height=facts["height"]),
            world_from_capture=Similarity.from_matrix(np.array(facts["world_from_capture"])),
            scale=ScaleEstimate.from_json(facts["scale"]),
            held_out=tuple(facts["held_out"]),
            frame_agreement=facts["frame_agreement"],
            up_source=facts["up_source"],
            depth=None if facts["depth"] is None else DepthFacts(**facts["depth"]),
            sparse=SparsePoints.load(folder / "sparse.npz") if (folder / "sparse.npz").is_file() else None,
            kept_back=SparsePoints.load(folder / "kept_back.npz") if (folder / "kept_back.npz").is_file() else None,
            poses=poses_from_json(facts["poses"]),
            given=GivenFacts.from_json(facts["given"]) if facts.get("given") else None,
            reading=tuple(ReadingNotes.from_json(one) for one in facts.get("reading", [])),
            scale_notes=tuple(facts.get("scale_notes", [])),
            given_splats=folder / GIVEN_SPLATS if (folder / GIVEN_SPLATS).is_file() else None,
            geo=read_arrays(folder / "geo.npz")["east_north_up"] if (folder / "geo.npz").is_file() else None,
        )
