"""A small world with everything a package holds, from a boxy room whose every figure is known."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pxr import Usd

from lyra_sim.data.colliders import LABELS, Colliders, Hull, Label
from lyra_sim.data.mesh import Texture, TriMesh
from lyra_sim.data.navigation import Navigation, Route
from lyra_sim.data.occupancy import FREE_CELL, OCCUPIED, OccupancyMap
from lyra_sim.data.scale import ScaleEstimate
from lyra_sim.data.splats import Splats
from lyra_sim.data.stage import StageBundle
from lyra_sim.data.views import Views
from lyra_sim.data.world import MetricWorld
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.usd.rules.examine import issues_of
from lyra_sim.usd.rules.issues import Issue
from lyra_sim.usd.rules.rule_groups import choose
from lyra_sim.usd.splats import read_splats
from lyra_sim.usd.world import select_variant
from tests.boxes import box_mesh
from tests.facts import ALIGNED
from tests.rooms import camera_path, look

AIR = (np.array([-2.0, -1.5, 0.0]), np.array([2.0, 1.5, 2.4]))
TABLE = (np.array([0.5, 0.2, 0.0]), np.array([1.3, 0.8, 0.7]))
MATTER = 0.1
"""Thickness of the closed mesh around the air [m]."""


@dataclass(frozen=True, kw_only=True)
class World:
    """The inputs of the author step."""

    world: MetricWorld
    mesh: TriMesh
    texture: Texture
    colliders: Colliders
    navigation: Navigation

    def write(self, out: Path, *, name: str = "box_room", half_splats: bool = False, usdz: bool = False) -> StageBundle:
        from lyra_sim.exporters.isaac import export

        return export(
            self.world,
            self.mesh,
            self.colliders,
            self.navigation,
            name=name,
            out=out,
            texture=self.texture,
            half_splats=half_splats,
            usdz=usdz,
        )


def box_world(*, splat_count: int = 300, sh_degree: int = 3) -> World:
    """A 4 × 3 × 2.4 m room with a table; one wall was never seen beyond x = 1."""
    mesh, face_labels = _room_mesh()
    return World(
        world=MetricWorld(
            splats=random_splats(splat_count, sh_degree),
            views=Views(folder=Path("nowhere"), names=("0",), rgb_suffix=".png", units_per_depth_count=None),
            cameras=camera_path([look(np.array([0, 0, 1.2]), 0.0, 0.0)]),
            world_from_input=Similarity(scale=0.5, rotation=np.eye(3), translation=np.array([1.0, 2.0, 3.0])),
            scale=ScaleEstimate(metres_per_unit=0.5, sigma_relative=0.03, source="camera height 1.2 m"),
            depth_kind="measured",
            evidence=ALIGNED,
        ),
        mesh=mesh,
        texture=seen_texture(mesh),
        colliders=Colliders(hulls=_hulls(), face_labels=face_labels, facts=None),
        navigation=_navigation(),
    )


def random_splats(count: int, sh_degree: int, *, seed: int = 5) -> Splats:
    rng = np.random.default_rng(seed)
    quats = rng.normal(size=(count, 4))
    return Splats(
        means=rng.uniform(*AIR, (count, 3)).astype(np.float32),
        quats_wxyz=(quats / np.linalg.norm(quats, axis=1, keepdims=True)).astype(np.float32),
        log_scales=rng.normal(-4, 0.4, (count, 3)).astype(np.float32),
        opacity_logits=rng.normal(1, 1, count).astype(np.float32),
        sh_coeffs=rng.normal(0, 0.4, (count, (sh_degree + 1) ** 2, 3)).astype(np.float32),
    )


def seen_texture(mesh: TriMesh) -> Texture:
    """Two triangles a texture cell, over the seen faces."""
    seen = np.flatnonzero(mesh.face_seen).astype(np.int32)
    side = int(np.ceil(np.sqrt(len(seen))))
    cell = np.stack([np.arange(len(seen)) % side, np.arange(len(seen)) // side], axis=1)[:, None]
    uv = (cell + np.array([[0.1, 0.1], [0.9, 0.1], [0.1, 0.9]])) / side
    image = np.random.default_rng(2).integers(0, 255, (4 * side, 4 * side, 3)).astype(np.uint8)
    return Texture(image=image, face_index=seen, uv=uv.astype(np.float32), metres_per_texel=0.1)


def _room_mesh() -> tuple[TriMesh, np.ndarray]:
    import manifold3d

    def box(low: np.ndarray, high: np.ndarray) -> manifold3d.Manifold:
        return manifold3d.Manifold.cube((high - low).tolist()).translate(low.tolist())

    air = box(*AIR) - box(TABLE[0] - [0, 0, 0.05], TABLE[1])
    solid = (box(AIR[0] - MATTER, AIR[1] + MATTER) - air).refine(6).to_mesh()
    vertices, faces = np.array(solid.vert_properties[:, :3], np.float32), np.array(solid.tri_verts, np.int32)
    middles = vertices[faces].mean(axis=1)
    t = vertices[faces].astype(np.float64)
    normals = np.cross(t[:, 1] - t[:, 0], t[:, 2] - t[:, 0])
    outside = ((middles < AIR[0] - 0.05) | (middles > AIR[1] + 0.05)).any(axis=1)
    unseen = outside | ((np.abs(middles[:, 1] - AIR[1][1]) < 0.01) & (middles[:, 0] > 1.0))
    labels = np.full(len(faces), LABELS.index("wall"), np.uint8)
    labels[middles[:, 2] < 0.01] = LABELS.index("floor")
    labels[middles[:, 2] > AIR[1][2] - 0.01] = LABELS.index("ceiling")
    by_table = ((middles > TABLE[0] - 0.01) & (middles < TABLE[1] + 0.01)).all(axis=1) & (np.abs(normals[:, 2]) < 1e-9)
    labels[by_table | (np.abs(middles[:, 2] - TABLE[1][2]) < 0.01) & ((np.abs(normals[:, :2]) < 1e-9).all(axis=1))] = (
        LABELS.index("clutter")
    )
    labels[unseen] = LABELS.index("unseen")
    shade = (vertices - vertices.min(axis=0)) / np.ptp(vertices, axis=0)
    mesh = TriMesh(vertices=vertices, faces=faces, colors=(30 + 200 * shade).astype(np.uint8), face_seen=~unseen)
    return mesh, labels


def _hulls() -> tuple[Hull, ...]:
    (x0, y0, z0), (x1, y1, z1) = AIR
    t = 0.3
    boxes: dict[str, tuple[Label, list[float], list[float]]] = {
        "floor_000": ("floor", [x0 - t, y0 - t, z0 - t], [x1 + t, y1 + t, z0]),
        "wall_000": ("wall", [x0 - t, y0 - t, z0], [x0, y1 + t, z1]),
        "wall_001": ("wall", [x1, y0 - t, z0], [x1 + t, y1 + t, z1]),
        "wall_002": ("wall", [x0, y0 - t, z0], [x1, y0, z1]),
        "unseen_000": ("unseen", [x0, y1, z0], [x1, y1 + t, z1]),
        "ceiling_000": ("ceiling", [x0 - t, y0 - t, z1], [x1 + t, y1 + t, z1 + t]),
        "clutter_000": ("clutter", TABLE[0].tolist(), TABLE[1].tolist()),
    }
    hulls = []
    for name, (label, low, high) in boxes.items():
        vertices, faces = box_mesh([(np.array(low), np.array(high))])
        hulls.append(Hull(name=name, label=label, vertices=vertices, faces=faces, seen=0.0 if label == "unseen" else 0.8))
    return tuple(hulls)


def _navigation() -> Navigation:
    resolution = 0.05
    low, high = AIR[0][:2] - 0.3, AIR[1][:2] + 0.3
    cells = np.full(np.round((high - low) / resolution).astype(int), OCCUPIED, np.uint8)
    empty = OccupancyMap(cells=cells, origin=low, resolution=resolution)
    grid = empty.centres(np.argwhere(np.ones(cells.shape, bool)))
    air = ((grid > AIR[0][:2]) & (grid < AIR[1][:2])).all(axis=1)
    table = ((grid > TABLE[0][:2]) & (grid < TABLE[1][:2])).all(axis=1)
    cells[(air & ~table).reshape(cells.shape)] = FREE_CELL
    return Navigation(
        occupancy=replace(empty, cells=cells),
        robot_radius=0.25,
        reachable_area=8.0,
        spawns=np.array([[-1.0, 0.0, 0.0], [-1.0, -1.0, 1.57]]),
        probes=np.array([[-1.0, 0.5, 0.0]]),
        probe_room=np.array([0.475]),
        routes=(Route(name="route_000", waypoints=np.array([[-1.5, -1.0], [1.5, -1.0]])),),
    )


def opened(path: Path, **selections: str) -> Usd.Stage:
    """Open a package's entry layer with variants of the default prim chosen in the session layer, so nothing is edited."""
    stage = Usd.Stage.Open(str(path))
    for name, choice in selections.items():
        select_variant(stage, name, choice)
    return stage


def all_issues(path: Path) -> list[Issue]:
    """All issues by all rules; every group has to be installed."""
    choice = choose(())
    for error in choice.missing.values():
        raise error
    return list(issues_of(path, choice))


def stored_splats(path: Path) -> Splats:
    """Splats of all fields in a layer or package, field after field, in their own coordinates."""
    stage = Usd.Stage.Open(str(path))
    fields = [read_splats(prim) for prim in stage.Traverse() if prim.GetTypeName() == "ParticleField3DGaussianSplat"]
    assert fields, f"no splats in {path}"
    parts = ("means", "quats_wxyz", "log_scales", "opacity_logits", "sh_coeffs")
    return Splats(**{name: np.concatenate([getattr(field, name) for field in fields]) for name in parts})
