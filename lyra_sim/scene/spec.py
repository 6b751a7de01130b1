"""The scene file as frozen models: one per source kind, one per step section.

Unknown keys are errors that suggest the right one; every default is visible through ``lyra-sim schema``.
Values are layered: model defaults, then the preset, then ``defaults``, then the scene, then ``--set``.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

from lyra_sim.scene.generate import GenerateConfig
from lyra_sim.scene.plugin_choice import (
    DepthName,
    EngineName,
    ExporterName,
    Options,
    ReconstructorName,
    validated_options,
)
from lyra_sim.scene.sources import (
    BARE_PATH,
    SOURCES,
    ColmapSource,
    Model,
    PhotosSource,
    RgbdSource,
    Scale,
    Source,
    SplatsSource,
    SurfaceSource,
    TransformsSource,
    Up,
    VideoSource,
    ViewSource,
    with_named_surface,
)

SMALLEST_ROBOT = 0.138
"""Footprint radius [m] of the smallest robot in ``usd_templates/robots/``; a test keeps it equal to the physics room's.
Derived."""
SMALLEST_SKID_STEER = 0.23
"""The same of the smallest skid-steer robot. Derived."""


_Section = TypeVar("_Section", bound=Model)


def _ordered(section: _Section, low: str, high: str) -> _Section:
    """``section``, refused unless its field ``low`` lies below its field ``high``; either may have been left at its default."""
    values = getattr(section, low), getattr(section, high)
    if not values[0] < values[1]:
        raise ValueError(f"{low} ({values[0]:g}) below {high} ({values[1]:g})")
    return section


RGBD_MAX_DEPTH = 8.0
"""Depth cameras are trusted this far unless told otherwise [m]. Convention."""
GIVEN_MAX_DEPTH = 20.0
"""Views of given geometry reach this far unless told otherwise [m]: beyond, their pixels lie far apart. Convention."""


class CaptureConfig(Model):
    """capture: what is read and what is kept out."""

    max_depth: Annotated[float, Field(gt=0)] | Literal["auto"] = "auto"
    """Depth beyond this is treated as not measured [m]. auto: 8 m for RGB-D, 20 m for given
    geometry; for photos as far as parallax tells."""
    min_depth: float = Field(default=0.1, ge=0)
    """Depth nearer than this is treated as not measured [m]."""
    hold_out_every: Annotated[int, Field(ge=0)] | Literal["auto"] = "auto"
    """Every n-th view (0, n, 2n …) is kept out of all geometry and is its witness; 0 keeps none out. auto: every
    8th of 16 and more views with depth or of splats, and of 64 and more photos; none of given meshes, which are read again."""
    max_views: int = Field(default=5000, ge=1)
    """More frames than this are refused."""
    max_pixels: int = Field(default=50_000_000, ge=1)
    """A larger image is refused before it is decoded."""
    max_bytes: int = Field(default=200_000_000, ge=1)
    """A larger image file is refused before it is opened."""
    view_side: int = Field(default=1024, ge=64)
    """Longer side that photos are resampled to at the most, after poses were found in the originals [px]."""
    assumed_camera_height: float = Field(default=1.5, gt=0)
    """Used, and warned about, when nothing tells the scale [m]."""

    @property
    def rgbd_max_depth(self) -> float:
        """``max_depth`` of measured depth [m]."""
        return RGBD_MAX_DEPTH if self.max_depth == "auto" else self.max_depth

    @property
    def given_max_depth(self) -> float:
        """``max_depth`` of given geometry [m]."""
        return GIVEN_MAX_DEPTH if self.max_depth == "auto" else self.max_depth

    @model_validator(mode="after")
    def _depths_in_order(self) -> Self:
        if not self.min_depth < self.rgbd_max_depth:
            raise ValueError(f"min_depth ({self.min_depth:g}) below max_depth ({self.rgbd_max_depth:g})")
        return self


class PosesConfig(Model):
    """poses: cameras of photos that come without, and whether they can be trusted."""

    features: int = Field(default=8192, ge=128)
    """SIFT features per photo at most."""
    image_side: int = Field(default=1600, ge=256)
    """Photos are searched for features at this longer side at most [px]."""
    mappers: tuple[Literal["global", "incremental"], ...] = Field(default=("global", "incremental"), min_length=1)
    """Mappers tried on the same matches."""
    focal: Literal["auto", "exif", "free"] = "auto"
    """Focal length from EXIF, found from the photos, or whichever gives the model that can be trusted more."""
    min_registered: float = Field(default=0.5, gt=0, le=1)
    """Refuse when fewer than this share of the photos end in one trusted model."""


class DepthConfig(Model):
    """depth: depth of photos. Measured depth (RGB-D) passes through."""

    backend: DepthName = "auto"
    """A depth provider that ``lyra-sim plugins`` lists. auto: ``plane_sweep`` for two photos or more, ``layout`` for one."""
    options: Options = Field(default=None, validate_default=True)
    """What that provider needs to know beyond this section, by its own model; auto takes none."""
    side: int = Field(default=512, ge=64)
    """Longer side of the depth maps [px]; views get them resampled."""
    planes: int = Field(default=96, ge=16)
    """Depth hypotheses of the sweep, evenly spaced in inverse depth."""
    sources: int = Field(default=6, ge=1)
    """Neighbouring views each view is compared with."""
    min_views: int = Field(default=2, ge=1)
    """Other views that must confirm a depth."""
    planar_priors: bool = True
    """Fill blank surfaces from planes that their surroundings measured; marked with lower confidence."""
    masks: Literal["auto", "none"] = "auto"
    """Leave sky and moving things out."""

    @field_validator("options", mode="before")
    @classmethod
    def _by_the_plug_ins_model(cls, value: Any, info: ValidationInfo) -> Any:
        return validated_options("depth", info.data.get("backend"), value)


class ReconstructConfig(Model):
    """reconstruct: splats from the measured surface."""

    backend: ReconstructorName = "fuse"
    """A reconstructor that ``lyra-sim plugins`` lists."""
    options: Options = Field(default=None, validate_default=True)
    """What that reconstructor needs to know beyond this section, by its own model."""
    splat_spacing: float = Field(default=0.02, gt=0)
    """Edge of the cells that points are merged in before each becomes a splat [provisional m]."""
    max_splats: int = Field(default=400_000, ge=1)
    """The spacing grows until at most this many remain."""
    iterations: int = Field(default=600, ge=1)
    """Training steps of ``gsplat``, one image each."""
    train_side: int = Field(default=640, ge=32)
    """Longer side of its training images at the most [px]."""
    train_splats: int = Field(default=120_000, ge=1000)
    """Splats it trains at the most; densification stops there."""
    depth_weight: float = Field(default=0.2, ge=0)
    """Weight of the relative depth error beside the photo loss's 1."""

    @field_validator("options", mode="before")
    @classmethod
    def _by_the_plug_ins_model(cls, value: Any, info: ValidationInfo) -> Any:
        return validated_options("reconstruct", info.data.get("backend"), value)


class AlignConfig(Model):
    """align: gravity, floor, scale, origin."""

    max_tilt_deg: float = Field(default=1.0, gt=0)
    """An input declared z-up is kept as it is when its floor tilts less than this."""
    max_floor_offset: float = Field(default=0.02, ge=0)
    """… and lies within this of z = 0 [m]."""


class MeshConfig(Model):
    """mesh: free-space carving, solid, closed surface."""

    voxel_size: Annotated[float, Field(gt=0)] | Literal["auto"] = "auto"
    """Edge [m]; auto takes ``min_voxel_size`` or what ``max_voxels`` allows over the scene's extent. A stated edge that
    needs more voxels is an error, not a coarser grid."""
    min_voxel_size: float = Field(default=0.02, gt=0)
    """Finest edge auto takes, however small the scene [m]."""
    max_voxels: int = Field(default=12_000_000, ge=1000)
    target_faces: int = Field(default=60_000, ge=100)
    """Faces aimed at after simplification."""
    texel_size: float = Field(default=0.02, gt=0)
    """Edge of a texel of the photo texture on the surface [m]; grows when the atlas would exceed 4096 texels."""


class RobotConfig(Model):
    """robot: the profile that map and routes keep to, and the kind of stock robot that physics drives."""

    kind: Literal["auto", "diff_drive", "skid_steer"] = "auto"
    """Of the robot in ``usd_templates/robots/`` that drives; auto takes a differential drive."""
    radius: float = Field(default=0.25, ge=SMALLEST_ROBOT)
    """Of the disc that must stay clear [m]; the physics gate drives the largest robot that fits it."""
    band_low: float = Field(default=0.1, gt=0)
    """Lower edge of the height band that blocks the robot, above the floor [m] (MobilityGen's default)."""
    band_high: float = Field(default=0.62, gt=0)
    """Upper edge [m]."""
    map_resolution: float = Field(default=0.05, gt=0)
    """Cell edge of the occupancy map [m]."""

    @model_validator(mode="after")
    def _band_in_order(self) -> Self:
        return _ordered(self, "band_low", "band_high")

    @model_validator(mode="after")
    def _kind_fits(self) -> Self:
        if self.kind == "skid_steer" and self.radius < SMALLEST_SKID_STEER:
            raise ValueError(
                f"radius of at least {SMALLEST_SKID_STEER:g}, which the skid-steer robot takes; not {self.radius:g}"
            )
        return self


class CollideConfig(Model):
    """collide: planes to slabs, clutter to convex pieces."""

    slab_thickness: float = Field(default=0.3, gt=0)
    """Floor and outer walls are extruded outward by at least this [m]."""
    concavity: float = Field(default=0.05, gt=0)
    """CoACD threshold in metres (``real_metric``)."""
    max_hulls_per_component: int = Field(default=24, ge=1)
    mcts_iterations: int = Field(default=10, ge=1)
    """CoACD's search budget per cut."""
    max_hulls: int = Field(default=250, ge=1)
    max_vertices_per_hull: int = Field(default=60, ge=4, le=64)


class NavigateConfig(Model):
    """navigate: what is planned on the map, for the physics gate to prove."""

    probes: int = Field(default=200, ge=1)
    """Floor points that balls and boxes are dropped on, spread over all free cells."""
    routes: int = Field(default=20, ge=1)
    """Routes planned and driven; as many more as it takes to go through every doorway."""
    min_route_length: float = Field(default=3.0, gt=0)
    """Shortest that counts [m]; where the floor is too small for it, half of the longest way there is."""


class AuthorConfig(Model):
    """author: the USD package."""

    exporter: ExporterName = "isaac"
    """An exporter that ``lyra-sim plugins`` lists."""
    options: Options = Field(default=None, validate_default=True)
    """What that exporter needs to know beyond this section, by its own model."""
    half_splats: bool = False
    """Also store splat fields in half precision; positions stay float."""
    usdz: bool = False
    """Also write the world as one file, world.usdz, which takes its size once more; it can hold less than 2 GiB."""

    @field_validator("options", mode="before")
    @classmethod
    def _by_the_plug_ins_model(cls, value: Any, info: ValidationInfo) -> Any:
        return validated_options("author", info.data.get("exporter"), value)


class AssessConfig(Model):
    """assess: metrics, report, the physics gate."""

    engines: tuple[EngineName, ...] = Field(default=("physx", "newton"), min_length=1)
    """Engines that ``lyra-sim plugins`` lists and that must agree; at least one, or nothing would be proven."""
    pictures: int = Field(default=4, ge=1)
    """Input views shown beside their re-render."""
    receipt: Path | None = None
    """What ``tools/isaac_receipt.py`` wrote about this world under Isaac Sim; may be missing."""

    @field_validator("engines")
    @classmethod
    def _each_engine_once(cls, engines: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(engines)) < len(engines):
            raise ValueError("each engine once: one that runs twice agrees with itself")
        return engines


class Truth(Model):
    """Optional ground truth of a test scene, in the input's frame; only measured against, never used."""

    mesh: tuple[Path, ...] = ()
    """glTF, OBJ, PLY or USD files that together are the true surface."""
    collision: tuple[Path, ...] = ()
    """glTF, OBJ, PLY or USD files that together are what truly blocks a robot; floors may be among them."""
    occupancy_map: Path | None = None
    """Folder with a map_server ``map.yaml`` and image."""
    cameras: Path | None = None
    """True cameras of photos, in the truth's frame and a format that carries intrinsics: poses and scale are measured
    against them, and the other truths are brought to the world by the similarity that fits them."""


class _Scene(Model):
    """What a scene says beside where its views come from."""

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")
    preset: Literal["preview", "standard", "production"] = "preview"
    seed: int = Field(default=7, ge=0, lt=2**31)
    scale: Scale = "auto"
    """``metric``: the input is in metres, by declaration. ``auto``: whatever tells it (depth unit, GPS), else a camera height
    is assumed. ``unknown``: a camera height is assumed and warned about. Otherwise one or several things that tell it."""
    up: Up = "auto"
    """Up axis of the input's world; auto finds it from floor, walls and the cameras."""
    truth: Truth | None = None
    capture: CaptureConfig = CaptureConfig()
    poses: PosesConfig = PosesConfig()
    depth: DepthConfig = DepthConfig()
    generate: GenerateConfig = GenerateConfig()
    reconstruct: ReconstructConfig = ReconstructConfig()
    align: AlignConfig = AlignConfig()
    mesh: MeshConfig = MeshConfig()
    robot: RobotConfig = RobotConfig()
    collide: CollideConfig = CollideConfig()
    navigate: NavigateConfig = NavigateConfig()
    author: AuthorConfig = AuthorConfig()
    assess: AssessConfig = AssessConfig()


class WrittenScene(_Scene):
    """One scene as the file writes it, after all layers are merged: its source under the key of the source's kind."""

    rgbd: RgbdSource | None = None
    photos: PhotosSource | None = None
    video: VideoSource | None = None
    colmap: ColmapSource | None = None
    transforms: TransformsSource | None = None
    surface: SurfaceSource | None = None
    splats: SplatsSource | None = None

    @model_validator(mode="before")
    @classmethod
    def _mesh_may_be_a_path(cls, value: Any) -> Any:
        return with_named_surface(value)

    @field_validator(*BARE_PATH, mode="before")
    @classmethod
    def _bare_path(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, str | Path) or (info.field_name == "surface" and isinstance(value, list | tuple)):
            return {BARE_PATH[str(info.field_name)]: value}
        if value is not None and not isinstance(value, dict | Model):
            raise ValueError("a path, or a mapping of keys to values")
        return value

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [name for name in SOURCES if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"exactly one of {', '.join(SOURCES)}; {' and '.join(given) or 'none'} given")
        return self

    @property
    def source(self) -> Source:
        """The one source that is given."""
        given: Source = next(source for name in SOURCES if (source := getattr(self, name)) is not None)
        return given


class SceneSpec(_Scene):
    """One scene. It can be made, and is stored, as a scene file writes it, with ``rgbd: …`` or ``photos: …`` for ``source``."""

    source: Source

    @model_validator(mode="before")
    @classmethod
    def _from_written(cls, value: Any) -> Any:
        if not isinstance(value, dict) or isinstance(value.get("source"), ViewSource):
            return value
        written = WrittenScene.model_validate(value)
        return {name: getattr(written, name) for name in cls.model_fields}

    @model_serializer(mode="wrap")
    def _to_written(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        values: dict[str, Any] = plain(self)
        if "source" in values:
            values[self.source.key] = values.pop("source")
        return values

    @model_validator(mode="after")
    def _given_splats_stay(self) -> Self:
        if isinstance(self.source, SplatsSource) and self.generate.path is not None:
            raise ValueError("no generate.path with splats: they stay as given, so nothing drawn could join them")
        return self
