"""A stage under one variant selection, with its prims sorted by what rules ask about."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64
from pxr import Sdf, Usd, UsdGeom, UsdPhysics

from lyra_sim.conventions import GLTF_FROM_WORLD

Finding = tuple[str, str]
"""(prim path or file name, what is wrong there)."""


@dataclass(frozen=True, kw_only=True)
class View:
    """What rules look at. Never edited: variants are chosen in the session layer."""

    stage: Usd.Stage
    path: Path
    """File the stage was opened from."""
    variant: str
    """``default`` or ``set=choice``."""

    def selection(self, variant_set: str) -> str | None:
        """Choice of a variant set of the default prim under this view; None if it has no such set."""
        prim = self.stage.GetDefaultPrim()
        if not prim or variant_set not in prim.GetVariantSets().GetNames():
            return None
        return str(prim.GetVariantSet(variant_set).GetVariantSelection())

    @cached_property
    def prims(self) -> tuple[Usd.Prim, ...]:
        return tuple(Usd.PrimRange.Stage(self.stage, Usd.TraverseInstanceProxies()))

    @cached_property
    def meshes(self) -> tuple[UsdGeom.Mesh, ...]:
        return tuple(UsdGeom.Mesh(prim) for prim in self.prims if prim.IsA(UsdGeom.Mesh))

    @cached_property
    def world_from_stage(self) -> Float64[np.ndarray, "3 3"]:
        """Takes the stage's own coordinates to metres, z-up, so that a rule's limits mean the same on every stage."""
        turn = GLTF_FROM_WORLD[:3, :3].T if UsdGeom.GetStageUpAxis(self.stage) == UsdGeom.Tokens.y else np.eye(3)
        return turn * UsdGeom.GetStageMetersPerUnit(self.stage)

    @cached_property
    def colliders(self) -> tuple[Usd.Prim, ...]:
        """Prims that collide; those that are switched off don't."""
        able = (prim for prim in self.prims if prim.HasAPI(UsdPhysics.CollisionAPI))
        return tuple(prim for prim in able if UsdPhysics.CollisionAPI(prim).GetCollisionEnabledAttr().Get() is not False)

    @cached_property
    def collider_meshes(self) -> tuple["ColliderMesh", ...]:
        cache = UsdGeom.XformCache()
        meshes = (UsdGeom.Mesh(prim) for prim in self.colliders if prim.IsA(UsdGeom.Mesh))
        return tuple(ColliderMesh.read(mesh, cache, self.world_from_stage) for mesh in meshes)

    @cached_property
    def splat_fields(self) -> tuple[Usd.Prim, ...]:
        return tuple(prim for prim in self.prims if prim.GetTypeName() == "ParticleField3DGaussianSplat")


@dataclass(frozen=True, kw_only=True)
class ColliderMesh:
    """A mesh collider as triangles in metres, z-up; polygons are fanned."""

    prim: Usd.Prim
    points: Float64[np.ndarray, "v 3"]
    triangles: Int64[np.ndarray, "t 3"]
    approximation: str | None
    """Authored ``physics:approximation``; None if there is none."""

    @classmethod
    def read(
        cls, mesh: UsdGeom.Mesh, cache: UsdGeom.XformCache, world_from_stage: Float64[np.ndarray, "3 3"]
    ) -> "ColliderMesh":
        prim = mesh.GetPrim()
        points = numpy_of(mesh.GetPointsAttr()).reshape(-1, 3)
        stage_from_local = np.array(cache.GetLocalToWorldTransform(prim))  # for row vectors, as USD has them
        counts, indices = numpy_of(mesh.GetFaceVertexCountsAttr()), numpy_of(mesh.GetFaceVertexIndicesAttr())
        triangles = _fan(counts.astype(np.int64), indices.astype(np.int64), len(points))
        mirrored = np.linalg.det(stage_from_local[:3, :3]) < 0
        if (mesh.GetOrientationAttr().Get() == UsdGeom.Tokens.leftHanded) != mirrored:
            triangles = triangles[:, ::-1]
        applied = prim.HasAPI(UsdPhysics.MeshCollisionAPI)
        chosen = prim.GetAttribute(UsdPhysics.Tokens.physicsApproximation) if applied else Usd.Attribute()
        return cls(
            prim=prim,
            points=(points @ stage_from_local[:3, :3] + stage_from_local[3, :3]) @ world_from_stage.T,
            triangles=triangles,
            approximation=str(chosen.Get()) if chosen and chosen.HasAuthoredValue() else None,
        )

    @property
    def path(self) -> str:
        return str(self.prim.GetPath())

    @property
    def is_hull(self) -> bool:
        return self.approximation == UsdPhysics.Tokens.convexHull

    @cached_property
    def area_vectors(self) -> Float64[np.ndarray, "t 3"]:
        """Normals scaled by twice the area [m^2]."""
        t = self.points[self.triangles]
        return np.cross(t[:, 1] - t[:, 0], t[:, 2] - t[:, 0])

    @cached_property
    def volume(self) -> float:
        """Signed: positive when wound outward [m^3]."""
        if len(self.triangles) == 0:
            return 0.0
        corner = self.points[self.triangles[:, 0]] - self.points.mean(axis=0)  # about the middle, for precision
        return float(np.einsum("ti,ti->", corner, self.area_vectors) / 6)

    @cached_property
    def open_edges(self) -> int:
        """Directed edges without exactly one opposite partner."""
        edges = np.concatenate([self.triangles[:, [0, 1]], self.triangles[:, [1, 2]], self.triangles[:, [2, 0]]])
        forward, counts = np.unique(edges @ [1 << 32, 1], return_counts=True)
        partnered = np.isin(forward, edges @ [1, 1 << 32]) & (counts == 1)
        return int(len(forward) - partnered.sum())

    def planes(self) -> Float64[np.ndarray, "p 4"]:
        """Outward unit normals and offsets of the faces that have an area: inside where ``n . x + d <= 0`` [m]."""
        size = np.linalg.norm(self.area_vectors, axis=1)
        real = size > 1e-12
        normals = self.area_vectors[real] / size[real, None]
        offsets = -np.einsum("pi,pi->p", normals, self.points[self.triangles[real, 0]])
        return np.concatenate([normals, offsets[:, None]], axis=1)


def variant_views(path: Path) -> Iterator[View]:
    """The stage as it opens, then under every single choice of the default prim's variant sets, one at a time.

    Not their product: sets are orthogonal here, and a product of three sets takes minutes.
    """
    stage = Usd.Stage.Open(str(path))
    yield View(stage=stage, path=path, variant="default")
    prim = stage.GetDefaultPrim()
    if not prim:
        return
    opened_with = {name: prim.GetVariantSet(name).GetVariantSelection() for name in prim.GetVariantSets().GetNames()}
    for name, default in opened_with.items():
        for choice in prim.GetVariantSet(name).GetVariantNames():
            if choice == default:
                continue
            other = Usd.Stage.Open(stage.GetRootLayer(), Sdf.Layer.CreateAnonymous())
            with Usd.EditContext(other, other.GetSessionLayer()):
                other.GetDefaultPrim().GetVariantSet(name).SetVariantSelection(choice)
            yield View(stage=other, path=path, variant=f"{name}={choice}")


def numpy_of(attribute: Usd.Attribute) -> np.ndarray:
    """Value at the earliest time as a numpy array; empty if there is none."""
    value = attribute.Get(Usd.TimeCode.EarliestTime()) if attribute else None
    return np.zeros(0) if value is None else np.array(value)


def _fan(counts: Int64[np.ndarray, "f"], indices: Int64[np.ndarray, "i"], point_count: int) -> Int64[np.ndarray, "t 3"]:
    """Triangles of polygons; none at all where the topology is broken, which NE.204 reports."""
    if (
        len(counts) == 0
        or counts.min() < 3
        or counts.sum() != len(indices)
        or indices.min() < 0
        or indices.max() >= point_count
    ):
        return np.zeros((0, 3), np.int64)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    per_face = counts - 2
    base = np.repeat(starts, per_face)
    step = np.arange(per_face.sum()) - np.repeat(np.cumsum(per_face) - per_face, per_face)
    return np.stack([indices[base], indices[base + step + 1], indices[base + step + 2]], axis=1)
