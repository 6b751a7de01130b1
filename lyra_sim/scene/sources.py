"""Where a scene's views come from and what tells their scale: one frozen model per kind, part of the scene file."""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class Model(BaseModel):
    """Frozen, closed to unknown keys, NaN-free."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PosedBy(Model):
    """How a camera file is to be read; shared by the sources that bring one."""

    axes: Literal["auto", "opencv", "opengl"] = "auto"
    """Camera axes of the file; auto takes the format's own convention."""
    pixel_centres: Literal["auto", "half", "integer"] = "auto"
    """Where the top-left pixel's centre lies: (0.5, 0.5) or (0, 0). auto: the format's own convention."""


class ViewSource(Model):
    """Where a scene's views come from."""

    key: ClassVar[str]
    """Its key in the scene file."""


class RgbdSource(ViewSource, PosedBy):
    """Posed RGB-D frames: a folder whose layout is known, or folders that are named. Paths are relative to the scene file."""

    key = "rgbd"

    folder: Path | None = None
    """Folder as a recorder or data set lays it out, or its one file; instead of ``frames`` and ``depth``."""
    layout: Literal["auto", "transforms", "tum", "scannet", "replica", "open3d", "polycam", "stray", "record3d", "rosbag"] = (
        "auto"
    )
    """Of ``folder``; auto: told by what lies in it."""
    frames: Path | None = None
    """Folder of JPEG or PNG images."""
    depth: Path | None = None
    """Folder of z-depth for them: 16-bit PNG, where 0 is no measurement, or ``.npy``, ``.tiff`` or ``.exr`` with floats; of the
    same stems, or else of the same numbers or times."""
    depth_unit: Literal["auto", "m", "cm", "mm"] | Annotated[float, Field(gt=0)] = "auto"
    """Unit of one depth count, by name or in metres (TUM: 0.0002). auto: the layout's; else metres of floats, millimetres of
    counts."""
    depth_kind: Literal["z", "ray"] = "z"
    """What a depth count measures: along the optical axis, or along the ray, as Isaac Sim's distance_to_camera does."""
    depth_unit_sigma: Annotated[float, Field(gt=0, lt=1)] | None = 0.02
    """How sure it is that this is metres, as a fraction (1-sigma). null: depth and cameras share a unit of their own, as
    renders of a model without scale do, and something else has to tell it."""
    cameras: Path | None = None
    """``transforms.json`` (nerfstudio), ``*.log`` or PinholeCameraTrajectory JSON (Open3D), ``*.txt`` (TUM, or 16 numbers a
    line as Replica), a folder of poses (ScanNet, Polycam), ``odometry.csv`` (Stray Scanner) or ``*.npz`` (Lyra,
    world-to-camera). None: the folder's own."""
    intrinsics: Path | None = None
    """JSON with width, height, fx, fy, cx, cy [px], or Open3D's, for formats that carry none."""

    @model_validator(mode="after")
    def _folder_or_parts(self) -> "RgbdSource":
        missing = [name for name in ("frames", "depth", "cameras") if getattr(self, name) is None]
        if self.folder is None and missing:
            raise ValueError(f"a folder, or frames, depth and cameras; {' and '.join(missing)} not given")
        if self.folder is not None and (self.frames is not None or self.depth is not None):
            raise ValueError("a folder, or frames, depth and cameras; both given")
        if self.folder is None and self.layout != "auto":
            raise ValueError("a folder beside layout")
        return self


class PhotosSource(ViewSource, PosedBy):
    """A folder of photos, or one photo. Paths are relative to the scene file."""

    key = "photos"

    images: Path
    """Folder of JPEG, PNG or WebP images, and of HEIC with the extra ``heic``, sorted by name; or one image file."""
    cameras: Path | None = None
    """Known poses: ``transforms.json``, ``*.log`` (Open3D), ``*.txt`` (TUM) or ``*.npz`` (Lyra). None: found."""
    intrinsics: Path | None = None
    """JSON with width, height, fx, fy, cx, cy [px] and optional k1, k2, p1, p2, for camera files that carry none."""
    unreadable: Literal["skip", "refuse"] = "skip"
    """A file that isn't a sound image: named and left out, or the scene refused."""
    projection: Literal["auto", "pinhole", "equirectangular"] = "auto"
    """equirectangular: all are 360° panoramas, and are cut into views. auto: told by their metadata; where pixels alone seem to
    show it, it is asked. pinhole: there are none."""


class VideoSource(ViewSource):
    """A video of a walk; the sharpest frames are taken as photos."""

    key = "video"

    file: Path
    """Anything FFmpeg reads by content: MP4, MOV, MKV, WebM, AVI."""
    frames: int = Field(default=80, ge=2, le=2000)
    """Frames to take at most, spread evenly over time, each the sharpest of its neighbourhood."""
    projection: Literal["auto", "pinhole", "equirectangular"] = "auto"
    """As of ``photos``."""


class ColmapSource(ViewSource):
    """A COLMAP reconstruction and its photos."""

    key = "colmap"

    model: Path
    """Folder with cameras, images and points3D, ``.bin`` or ``.txt``."""
    images: Path
    """Folder the image names of the model are relative to."""


class TransformsSource(ViewSource, PosedBy):
    """nerfstudio's transforms.json with its photos."""

    key = "transforms"

    file: Path
    """``file_path`` entries are relative to it."""


PhotoSource = PhotosSource | VideoSource | ColmapSource | TransformsSource
"""Sources of pictures without depth."""


class Surveyed(ViewSource, PosedBy):
    """Geometry that is there already, looked at by virtual cameras that stand in its free air."""

    start: tuple[float, float, float] | None = None
    """A point on a floor inside, in the file's own frame and unit; None: where most stands around over the largest area."""
    views: int = Field(default=320, ge=8, le=2000)
    """Views taken at most."""
    cameras: Path | None = None
    """Pinholes to look from instead, as ``rgbd.cameras``, in the file's own frame and unit."""
    intrinsics: Path | None = None
    """As ``rgbd.intrinsics``."""


class SurfaceSource(Surveyed):
    """A triangle mesh of any tool. Paths are relative to the scene file."""

    key = "surface"

    files: tuple[Path, ...] = Field(min_length=1)
    """GLB, OBJ, PLY or USD files of one frame that together are the surface."""

    @field_validator("files", mode="before")
    @classmethod
    def _one_file(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str | Path) else value


class SplatsSource(Surveyed):
    """Gaussian splats of any trainer; they stay the world's splats."""

    key = "splats"

    file: Path
    """A PLY of 3DGS, 2DGS or Mip-Splatting, SuperSplat's compressed PLY, SPZ, SOG or ``.splat``, told by content; for a SOG in
    parts its ``meta.json`` or its folder. None of them says which way is up, SPZ included: its writers differ."""


Source = RgbdSource | PhotoSource | SurfaceSource | SplatsSource
"""The one source of a scene."""


class MetricScale(Model):
    """A stated length of one input unit."""

    metres_per_unit: float = Field(gt=0)
    sigma_relative: float = Field(default=0.0, ge=0)


class CameraHeightScale(Model):
    """Scale from the median height of the cameras above the main floor."""

    camera_height: float = Field(gt=0)
    """[m]"""
    sigma_relative: float = Field(default=0.03, ge=0)


class PhotoPoint(Model):
    """A point of the scene as it is seen in one photo."""

    photo: str
    """File stem."""
    pixel: tuple[float, float]
    """(u, v) in the photo as the camera made it, upright; the top-left pixel's centre is (0.5, 0.5)."""


class KnownDistance(Model):
    """Two points of the scene and how far apart they are."""

    a: PhotoPoint
    b: PhotoPoint
    metres: float = Field(gt=0)


class KnownDistanceScale(Model):
    """Scale from a length somebody measured in the scene."""

    known_distance: KnownDistance
    sigma_relative: float = Field(default=0.02, ge=0)


MarkerDictionary = Literal[
    "DICT_4X4_50", "DICT_4X4_100", "DICT_4X4_250", "DICT_4X4_1000", "DICT_5X5_50", "DICT_5X5_100", "DICT_5X5_250",
    "DICT_5X5_1000", "DICT_6X6_50", "DICT_6X6_100", "DICT_6X6_250", "DICT_6X6_1000", "DICT_7X7_50", "DICT_7X7_100",
    "DICT_7X7_250", "DICT_7X7_1000", "DICT_ARUCO_ORIGINAL", "DICT_ARUCO_MIP_36h12", "DICT_APRILTAG_16h5", "DICT_APRILTAG_25h9",
    "DICT_APRILTAG_36h10", "DICT_APRILTAG_36h11",
]  # fmt: skip
"""Of markers, by OpenCV's names."""


class Markers(Model):
    """Square markers (ArUco, AprilTag) in the scene; by default those of the sheet that ``lyra-sim marker`` prints."""

    size: float = Field(default=0.16, gt=0)
    """Edge of the black square, its border included [m]."""
    dictionary: MarkerDictionary = "DICT_APRILTAG_36h11"
    ids: tuple[Annotated[int, Field(ge=0)], ...] | None = Field(default=None, min_length=1)
    """Only these are of that size and count; null: all of the dictionary."""


class MarkersScale(Model):
    """Scale from markers of a stated size that photos show."""

    markers: Literal["auto"] | Markers
    """auto: as the sheet is printed at 100 %."""
    sigma_relative: float = Field(default=0.003, ge=0)

    @property
    def stated(self) -> Markers:
        """The markers that are looked for."""
        return Markers() if self.markers == "auto" else self.markers


ScaleSource = MetricScale | CameraHeightScale | KnownDistanceScale | MarkersScale
Scale = Literal["auto", "metric", "unknown"] | ScaleSource | tuple[ScaleSource, ...]
"""What a scene says of its scale."""
Up = Literal["auto", "x", "y", "z", "-x", "-y", "-z"]
"""What a scene says of the up axis of its input."""


def stated_scales(scale: Scale) -> tuple[ScaleSource, ...]:
    """What is said of the scale, one by one; empty for a word."""
    if isinstance(scale, str):
        return ()
    return scale if isinstance(scale, tuple) else (scale,)


SOURCES: tuple[str, ...] = tuple(source.key for source in get_args(Source))
"""Scene keys of which exactly one says where the views come from."""
BARE_PATH = {"rgbd": "folder", "photos": "images", "video": "file", "transforms": "file", "surface": "files", "splats": "file"}
"""Sources that may be written as a bare path, with the field it stands for."""


def with_named_surface(layer: Any) -> Any:
    """A layer of the scene file whose ``mesh`` is a path, or several, with that path under ``surface``, where it belongs.

    ``mesh`` with keys stays what it is: the section of the step that makes the solid.
    """
    if not isinstance(layer, dict) or not isinstance(layer.get("mesh"), str | Path | list | tuple):
        return layer
    if layer.get("surface") is not None:
        raise ValueError("a path in 'mesh' or in 'surface', not in both")
    return {**{key: value for key, value in layer.items() if key != "mesh"}, "surface": layer["mesh"]}
