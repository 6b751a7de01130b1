"""A MetricWorld made of an analytic room, and the room's closed surface: inputs of the quality tests."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from PIL import Image

from lyra_sim.conventions import sh_dc_from_rgb
from lyra_sim.data.capture import Capture, DepthFacts
from lyra_sim.data.colliders import Hull, Label
from lyra_sim.data.depth import DepthMap, write_depth_maps
from lyra_sim.data.grid import FREE, SOLID, FreeSpace
from lyra_sim.data.mesh import TriMesh
from lyra_sim.data.scale import ScaleEstimate
from lyra_sim.data.solid import Solid
from lyra_sim.data.splats import Splats
from lyra_sim.data.views import SKY, STATIC, Views
from lyra_sim.data.world import MetricWorld
from lyra_sim.geometry.cameras import unproject
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.geometry.up_evidence import combine_up, up_piece
from tests.boxes import box_mesh
from tests.facts import ALIGNED, POSES, SOLID_FACTS
from tests.rooms import Room

UP = np.array([0.0, 0.0, 1.0])
SHELL = 0.1
"""Matter around the air box [m]."""


def room_world(room: Room, folder: Path, *, metres_per_unit: float = 1.0) -> MetricWorld:
    """The room's exact views on disk, 1 mm depth steps; splats are one per 4th pixel of every third view."""
    images, depths = room.rendered
    (folder / "rgb").mkdir(parents=True)
    (folder / "z_depth").mkdir()
    names = tuple(f"{index:05d}" for index in range(len(images)))
    for name, rgb, z in zip(names, images, depths, strict=True):
        Image.fromarray(rgb).save(folder / "rgb" / f"{name}.png")
        Image.fromarray(np.round(z * 1000).astype(np.uint16)).save(folder / "z_depth" / f"{name}.png")
    Image.fromarray(np.full(depths.shape[1:], 255, np.uint8)).save(folder / "valid.png")
    path = room.cameras
    points = np.concatenate(
        [unproject(depths[i], path.K[i], path.c2w[i])[::2, ::2].reshape(-1, 3) for i in range(0, len(path), 3)]
    )
    colors = np.concatenate([images[i][::2, ::2].reshape(-1, 3) for i in range(0, len(path), 3)])
    n = len(points)
    return MetricWorld(
        splats=Splats(
            means=points.astype(np.float32),
            quats_wxyz=np.tile(np.float32([1, 0, 0, 0]), (n, 1)),
            log_scales=np.full((n, 3), np.log(0.02), np.float32),
            opacity_logits=np.full(n, 2.0, np.float32),
            sh_coeffs=sh_dc_from_rgb(colors / 255.0)[:, None],
        ),
        views=Views(folder=folder, names=names, rgb_suffix=".png", units_per_depth_count=0.001 / metres_per_unit),
        cameras=path,
        world_from_input=Similarity(scale=metres_per_unit, rotation=np.eye(3), translation=np.zeros(3)),
        scale=ScaleEstimate(metres_per_unit=metres_per_unit, sigma_relative=0.0, source="declared metric"),
        depth_kind="measured",
        evidence=ALIGNED,
        gravity=combine_up([up_piece(UP, 0.3, "floor plane"), up_piece(UP, 0.6, "plumb walls")], subject="room"),
    )


def capture_of(world: MetricWorld, **changes: Any) -> Capture:
    """A capture whose views are the world's, already metric."""
    facts: dict[str, Any] = {
        "views": world.views,
        "cameras": world.cameras.moved(world.world_from_input.inverse),
        "world_from_capture": Similarity.identity(),
        "scale": world.scale,
        "held_out": (),
        "frame_agreement": 1.0,
        "up_source": "declared z",
        "depth": DepthFacts(kind="measured", sigma_relative=0.0, figures={"measured": 1.0}),
    }
    return Capture(**{**facts, **changes})


def as_photos(world: MetricWorld, folder: Path, *, inferred_from_row: int = 60) -> tuple[MetricWorld, Capture]:
    """The same world as if its depth came from photos: exact, inferred below a row, sky in the top rows."""
    maps = []
    for index in range(len(world.cameras)):
        z = world.views.z_depth(index)
        z[:4] = np.nan
        confidence = np.where(np.arange(z.shape[0])[:, None] < inferred_from_row, 0.9, 0.5) * np.isfinite(z)
        mask = np.full(z.shape, STATIC, np.uint8)
        mask[:4] = SKY
        maps.append(DepthMap(z_depth=z, confidence=confidence.astype(np.float32), mask=mask))
    per_count = write_depth_maps(folder, world.views.names, maps)
    views = replace(world.views, depth_folder=folder, units_per_depth_count=per_count)
    world = replace(world, views=views)
    figures = {"measured": 0.5, "planar_prior": 0.46, "sky": 0.033, "moving": 0.0}
    poses = replace(POSES, posed=len(world.cameras))
    capture = capture_of(world, depth=DepthFacts(kind="plane sweep", sigma_relative=0.011, figures=figures), poses=poses)
    return world, capture


def room_surface(room: Room, *, shift: tuple[float, float, float] = (0, 0, 0)) -> TriMesh:
    """Boxes, walls and an outer skin as one closed triangle set; the skin counts as unseen. Overlapping pieces stay apart."""
    inner, inner_faces = box_mesh([(room.air_low, room.air_high)])
    outer, outer_faces = box_mesh([(room.air_low - SHELL, room.air_high + SHELL)])
    things, thing_faces = box_mesh(list(room.boxes.values()))
    vertices = np.concatenate([inner, outer, things]) + np.float32(shift)
    faces = np.concatenate([inner_faces[:, ::-1], outer_faces + 8, thing_faces + 16])
    seen = np.ones(len(faces), bool)
    seen[12:24] = False
    return TriMesh(
        vertices=vertices.astype(np.float32),
        faces=np.ascontiguousarray(faces, np.int32),
        colors=np.full((len(vertices), 3), 140, np.uint8),
        face_seen=seen,
    )


def room_grid(room: Room, *, voxel_size: float = 0.05) -> FreeSpace:
    """Exact states at voxel centres, one voxel beyond the shell."""
    low = room.air_low - SHELL - voxel_size
    shape = np.ceil((room.air_high + SHELL + voxel_size - low) / voxel_size).astype(int)
    centres = low + (np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1) + 0.5) * voxel_size
    states = np.where(room.solid(centres), SOLID, FREE).astype(np.uint8)
    return FreeSpace(states=states, origin=low, voxel_size=voxel_size)


def room_hulls(room: Room, *, left_out: tuple[str, ...] = ()) -> tuple[Hull, ...]:
    """Exact colliders of the room: six slabs of 0.3 m and one box a thing."""
    low, high, t = room.air_low, room.air_high, 0.3
    boxes: list[tuple[Label, np.ndarray, np.ndarray]] = []
    for axis in range(3):
        for side, (corner, label) in enumerate(
            zip((low, high), ("floor", "ceiling") if axis == 2 else ("wall", "wall"), strict=True)
        ):
            start, end = low - t, high + t
            start[axis], end[axis] = (corner[axis] - t, corner[axis]) if side == 0 else (corner[axis], corner[axis] + t)
            boxes.append((cast(Label, label), start, end))
    boxes += [("clutter", *corners) for name, corners in room.boxes.items() if name not in left_out]
    hulls = []
    for number, (label, start, end) in enumerate(boxes):
        vertices, faces = box_mesh([(start, end)])
        hulls.append(Hull(name=f"{label}_{number:03d}", label=label, vertices=vertices, faces=faces, seen=1.0))
    return tuple(hulls)


def room_solid(room: Room, *, voxel_size: float = 0.05) -> Solid:
    """Surface and grid of the room, untextured."""
    return Solid(mesh=room_surface(room), free_space=room_grid(room, voxel_size=voxel_size), texture=None, facts=SOLID_FACTS)
