"""Every format that is read or written, where it comes from, and whether a file of that tool has confirmed the reader.

The one table of it: ``lyra-sim formats`` prints it, docs/formats.md is made from it, and a house test compares it with the
readers. A new format is a row in ``ROWS``; a tool that wrote a file which a test reads is a row in ``CONFIRMED``.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

UNCONFIRMED = "unconfirmed: files of our own only"

Way = Literal["wrote", "reads ours"]
"""Another's tool wrote what a test reads; or a test has it read what we wrote."""


class Format(NamedTuple):
    """One format or layout."""

    key: str
    """Group and name: the groups are what a scene file and its readers tell apart. What a reader does otherwise for some
    files, and who confirmed that, has a row of its own, with a comma after the name."""
    name: str
    comes_from: str
    """Apps and tools that write it."""
    reader: str
    """Function or module under ``lyra_sim``."""
    written_as: tuple[str, ...] = ()
    """How names end that ``lyra-sim convert`` writes it by."""


class Confirmation(NamedTuple):
    """A tool of others that a test holds a reader against, whenever the tests run (``reads ours``: nightly)."""

    key: str
    tool: str
    """With its version."""
    test: str
    """``file::function``, marked ``written_by`` with the tool's name."""
    recorded_in: str = "constraints.txt"
    """The file that says which version it was."""
    way: Way = "wrote"


ROWS = (
    Format("splats.3DGS PLY", "3DGS PLY", "3DGS, gsplat, Brush, Postshot", "splat_files.ply.read_ply", (".ply",)),
    Format(
        "splats.3DGS PLY, variants",
        "3DGS PLY with `filter_3D`, two scales or colours as bytes",
        "Mip-Splatting and GOF, 2DGS, nerfstudio",
        "splat_files.ply.read_ply",
    ),
    Format(
        "splats.compressed PLY",
        "compressed PLY",
        "SuperSplat, gsplat",
        "splat_files.compressed_ply.read_compressed_ply",
        (".compressed.ply",),
    ),
    Format("splats.SPZ", "SPZ 3, 4", "Scaniverse, splat-transform", "splat_files.spz.read_spz", (".spz",)),
    Format("splats.SPZ, version 2", "SPZ 2", "older Scaniverse", "splat_files.spz.read_spz"),
    Format(
        "splats.SOG",
        "SOG 2, one file or a folder",
        "splat-transform, SuperSplat",
        "splat_files.sog.read_sog",
        (".sog", "meta.json"),
    ),
    Format("splats..splat", ".splat", "viewers in browsers, gsplat", "splat_files.dot_splat.read_dot_splat", (".splat",)),
    Format(
        "mesh.glTF",
        "glTF 2.0 (.glb, .gltf)",
        "Blender, scan apps, gltf-transform, gltfpack, trimesh",
        "capture.survey.gltf.read.read_gltf",
    ),
    Format(
        "mesh.OBJ", "OBJ with MTL", "Blender, MeshLab, photogrammetry, trimesh, Open3D", "capture.survey.obj_mesh.read_obj_mesh"
    ),
    Format("mesh.PLY", "PLY mesh", "MeshLab, Open3D, CloudCompare, trimesh", "capture.survey.ply_mesh.read_ply_mesh"),
    Format(
        "mesh.USD", "USD (.usd, .usda, .usdc, .usdz)", "Isaac Sim, Omniverse, Blender, RoomPlan", "usd.given_mesh.read_usd_mesh"
    ),
    Format(
        "rgbd.transforms",
        "transforms.json with depth",
        "nerfstudio and its converters",
        "capture.rgbd_layouts.transforms.parts",
    ),
    Format("rgbd.tum", "TUM RGB-D", "the TUM data sets; ORB-SLAM's trajectories beside them", "capture.rgbd_layouts.tum.parts"),
    Format("rgbd.scannet", "ScanNet export", "ScanNet's SensReader", "capture.rgbd_layouts.scannet.parts"),
    Format("rgbd.replica", "Replica", "NICE-SLAM's renders", "capture.rgbd_layouts.replica.parts"),
    Format("rgbd.open3d", "Open3D reconstruction system", "Open3D", "capture.rgbd_layouts.open3d.parts"),
    Format("rgbd.polycam", "Polycam raw data", "Polycam", "capture.rgbd_layouts.polycam.parts"),
    Format("rgbd.stray", "Stray Scanner", "Stray Scanner", "capture.rgbd_layouts.stray.parts"),
    Format("rgbd.record3d", "Record3D (.r3d)", "Record3D", "capture.rgbd_layouts.record3d.parts"),
    Format(
        "rgbd.rosbag", "ROS 1 and ROS 2 bags (.bag, .mcap, .db3)", "rosbag, ros2 bag", "capture.rgbd_layouts.bags.layout.parts"
    ),
    Format("depth.png", "16-bit PNG depth", "most recorders, Open3D", "capture.intake.images.read_depth_counts"),
    Format("depth.npy", ".npy depth", "numpy", "capture.rgbd_layouts.depth_files.DepthReader"),
    Format("depth.tiff", ".tiff depth", "MATLAB, Pillow, tifffile", "capture.rgbd_layouts.depth_files.DepthReader"),
    Format("depth.exr", ".exr depth", "Blender, Isaac Sim, other renderers", "capture.rgbd_layouts.exr.read_exr"),
    Format("photos.JPEG", "JPEG", "cameras and phones", "capture.intake.photo_file.take_in_photo"),
    Format("photos.PNG", "PNG", "renderers, screenshots", "capture.intake.photo_file.take_in_photo"),
    Format("photos.WebP", "WebP", "the web", "capture.intake.photo_file.take_in_photo"),
    Format("photos.HEIC", "HEIC", "iPhones", "capture.intake.heic.heic_as_png"),
    Format("video.mov", "MP4, MOV", "phones, action cameras", "capture.intake.video_file.opened"),
    Format("video.matroska", "MKV, WebM", "browsers, screen recorders", "capture.intake.video_file.opened"),
    Format("video.avi", "AVI", "older cameras", "capture.intake.video_file.opened"),
    Format("posed.colmap", "COLMAP 4 model, binary or text", "COLMAP", "capture.cameras.colmap_model.posed_by_colmap"),
    Format(
        "posed.colmap, before 4",
        "the same without rigs and frames",
        "COLMAP 3, GLOMAP, RealityCapture's export",
        "capture.cameras.colmap_model.posed_by_colmap",
    ),
    Format(
        "posed.transforms",
        "transforms.json",
        "nerfstudio, instant-ngp, BlenderNeRF, NeRF-synthetic",
        "capture.cameras.camera_files.posed_by_transforms",
    ),
    Format(
        "cameras.transforms", "transforms.json", "nerfstudio, instant-ngp", "capture.cameras.camera_readers.read_transforms"
    ),
    Format("cameras.open3d_log", "trajectory.log", "Open3D", "capture.cameras.camera_readers.read_open3d_log"),
    Format(
        "cameras.open3d_json", "PinholeCameraTrajectory JSON", "Open3D", "capture.cameras.trajectory_readers.read_open3d_json"
    ),
    Format("cameras.tum", "TUM trajectory", "TUM RGB-D, ORB-SLAM, evo, Open3D", "capture.cameras.camera_readers.read_tum"),
    Format(
        "cameras.matrix_lines",
        "16 numbers a line",
        "Replica, NICE-SLAM",
        "capture.cameras.trajectory_readers.read_matrix_lines",
    ),
    Format("cameras.pose_folder", "a 4x4 matrix a file", "ScanNet", "capture.cameras.trajectory_readers.read_pose_folder"),
    Format("cameras.polycam", "a JSON an image", "Polycam", "capture.cameras.trajectory_readers.read_polycam"),
    Format("cameras.stray", "odometry.csv", "Stray Scanner", "capture.cameras.trajectory_readers.read_stray"),
    Format("cameras.lyra", ".npz with w2c", "Lyra", "capture.cameras.camera_readers.read_lyra"),
)
"""One line each, by group."""

_HERE = "tests/inspection/test_confirmed.py"
_PACKED = "tests/capture/survey/gltf/test_packed.py"
_PACKED_RECORD = "tests/capture/survey/packed/make.sh"
_MADE = "tests/splat_files/test_splat_transform.py::test_its_files_are_read_as_meant"
_JUDGE = "tests/splat_files/test_splat_transform.py::test_it_reads_our_files_as_we_do"
_MADE_RECORD = "tests/splat_files/made_by_splat_transform/README.md"
_PHOTOS = "tests/capture/intake/test_photo_folder.py::test_three_formats_arrive_with_their_pixels"
_HEIC = "tests/capture/intake/test_heic.py::test_a_phones_photo_arrives_upright_with_its_colours"
_HEIC_RECORD = "tests/capture/intake/test_heic.py"
_VIDEO = "tests/capture/intake/test_video.py::test_the_sharp_frame_of_every_part_is_taken"
_COLMAP = "tests/capture/cameras/test_colmap_models.py::test_a_model_of_colmap_4_is_read"

CONFIRMED = (
    Confirmation("splats.3DGS PLY", "gsplat 1.5.3", f"{_HERE}::test_splats_of_gsplat"),
    Confirmation("splats.compressed PLY", "gsplat 1.5.3", f"{_HERE}::test_splats_of_gsplat"),
    Confirmation("splats..splat", "gsplat 1.5.3", f"{_HERE}::test_splats_of_gsplat"),
    Confirmation("splats.compressed PLY", "splat-transform 3.7.0", _MADE, _MADE_RECORD),
    Confirmation("splats.SPZ", "splat-transform 3.7.0", _MADE, _MADE_RECORD),
    Confirmation("splats.SOG", "splat-transform 3.7.0", _MADE, _MADE_RECORD),
    Confirmation("splats.3DGS PLY", "splat-transform 3.7.0", _JUDGE, _MADE_RECORD, "reads ours"),
    Confirmation("splats.compressed PLY", "splat-transform 3.7.0", _JUDGE, _MADE_RECORD, "reads ours"),
    Confirmation("splats.SPZ", "splat-transform 3.7.0", _JUDGE, _MADE_RECORD, "reads ours"),
    Confirmation("splats.SOG", "splat-transform 3.7.0", _JUDGE, _MADE_RECORD, "reads ours"),
    Confirmation("splats..splat", "splat-transform 3.7.0", _JUDGE, _MADE_RECORD, "reads ours"),
    Confirmation("mesh.glTF", "Blender 5.0.1", f"{_PACKED}::test_what_blender_wrote", _PACKED_RECORD),
    Confirmation("mesh.glTF", "gltf-transform 4.5.1", f"{_PACKED}::test_a_packed_scene_is_the_scene", _PACKED_RECORD),
    Confirmation("mesh.glTF", "gltfpack 1.3.0", f"{_PACKED}::test_a_packed_scene_is_the_scene", _PACKED_RECORD),
    Confirmation("mesh.glTF", "trimesh 5.2.0", f"{_HERE}::test_meshes_of_trimesh"),
    Confirmation("mesh.OBJ", "Blender 5.0.1", f"{_PACKED}::test_what_blender_wrote", _PACKED_RECORD),
    Confirmation("mesh.OBJ", "trimesh 5.2.0", f"{_HERE}::test_meshes_of_trimesh"),
    Confirmation("mesh.OBJ", "Open3D 0.20.0", f"{_HERE}::test_meshes_of_open3d"),
    Confirmation("mesh.PLY", "trimesh 5.2.0", f"{_HERE}::test_meshes_of_trimesh"),
    Confirmation("mesh.PLY", "Open3D 0.20.0", f"{_HERE}::test_meshes_of_open3d"),
    Confirmation("mesh.USD", "Blender 5.0.1", "tests/usd/test_given_mesh.py::test_what_blender_wrote", _PACKED_RECORD),
    Confirmation("mesh.USD", "usd-core 26.11", f"{_HERE}::test_stages_of_usd_core"),
    Confirmation("rgbd.open3d", "Open3D 0.20.0", f"{_HERE}::test_a_recording_of_open3d"),
    Confirmation("cameras.open3d_log", "Open3D 0.20.0", f"{_HERE}::test_trajectories_of_open3d"),
    Confirmation("cameras.open3d_json", "Open3D 0.20.0", f"{_HERE}::test_trajectories_of_open3d"),
    Confirmation("cameras.tum", "Open3D 0.20.0", f"{_HERE}::test_trajectories_of_open3d"),
    Confirmation("depth.png", "Open3D 0.20.0", f"{_HERE}::test_a_recording_of_open3d"),
    Confirmation("depth.npy", "numpy 2.4.6", f"{_HERE}::test_depth_files"),
    Confirmation("depth.tiff", "Pillow 13.0.0", f"{_HERE}::test_depth_files"),
    Confirmation("depth.exr", "OpenEXR 3.5.3", "tests/capture/test_exr.py::test_depth_of_the_formats_own_library"),
    Confirmation("photos.JPEG", "Pillow 13.0.0", _PHOTOS),
    Confirmation("photos.PNG", "Pillow 13.0.0", _PHOTOS),
    Confirmation("photos.WebP", "Pillow 13.0.0", _PHOTOS),
    Confirmation("photos.HEIC", "pillow-heif 1.8.1", _HEIC, _HEIC_RECORD),
    Confirmation("video.mov", "PyAV 18.1.0", _VIDEO),
    Confirmation("video.matroska", "PyAV 18.1.0", _VIDEO),
    Confirmation("video.avi", "PyAV 18.1.0", _VIDEO),
    Confirmation("posed.colmap", "pycolmap 4.2.1", _COLMAP),
)
"""Whose files a test reads. What is a file of our own, written after a description, isn't here."""


def variant_of(key: str, told: Iterable[str]) -> str:
    """The row that a file truly is of, once it was read.

    Args:
        key: As it was told before.
        told: The format's name as its reader gives it, and its remarks.
    """
    said = " ".join(told)
    if key == "splats.SPZ" and "SPZ 2" in said:
        return "splats.SPZ, version 2"
    changed = any(word in said for word in ("filter_3D", "2DGS", "red, green, blue"))
    return "splats.3DGS PLY, variants" if key == "splats.3DGS PLY" and changed else key


def confirmations_of(key: str) -> tuple[Confirmation, ...]:
    """Of one row."""
    return tuple(one for one in CONFIRMED if one.key == key)


def confirmation_of(key: str) -> str:
    """In words, of reading: ``confirmed by trimesh 5.2.0``."""
    tools = [one.tool for one in confirmations_of(key) if one.way == "wrote"]
    return f"confirmed by {', '.join(tools)}" if tools else UNCONFIRMED


def written(row: Format) -> str:
    """In words: what names it is written under, and who read what was written."""
    judges = [one.tool for one in confirmations_of(row.key) if one.way == "reads ours"]
    return ", ".join(row.written_as) + (f" (read by {', '.join(judges)})" if judges else "")


GROUPS = {
    "splats": "Splats, under `splats`",
    "mesh": "Meshes, under `mesh` or `surface`",
    "rgbd": "Frames with depth, under `rgbd`",
    "depth": "Depth images in them",
    "photos": "Photos, under `photos`",
    "video": "Video, under `video`",
    "posed": "Photos another tool has posed, under `colmap` and `transforms`",
    "cameras": "Camera files beside frames, photos and given geometry",
}
"""By the first part of a key, in the order told."""


def group_of(row: Format) -> str:
    """The first part of its key."""
    return row.key.partition(".")[0]


def as_json() -> list[dict[str, object]]:
    """Every row with plain values, for programs."""
    return [
        {
            "key": row.key,
            "group": group_of(row),
            "name": row.name,
            "comes_from": row.comes_from,
            "reader": f"lyra_sim.{row.reader}",
            "written_as": list(row.written_as),
            "confirmed": [{"tool": one.tool, "way": one.way, "test": one.test} for one in confirmations_of(row.key)],
        }
        for row in ROWS
    ]


def as_markdown(rows: Sequence[Format] = ROWS) -> str:
    """The tables of docs/formats.md."""
    parts = []
    for group, title in GROUPS.items():
        header = "| format | comes from | reading | written by `convert` as |\n|---|---|---|---|"
        lines = [
            f"| {row.name} | {row.comes_from} | {confirmation_of(row.key)} | {written(row)} |"
            for row in rows
            if group_of(row) == group
        ]
        parts.append("\n".join([f"## {title}", "", header, *lines]))
    return "\n\n".join(parts) + "\n"
