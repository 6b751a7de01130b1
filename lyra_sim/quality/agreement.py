"""Is what a robot sees what it hits? Depth of what is shown against a ray to the colliders, from where robots' cameras are.

A *phantom* is a collider at least 10 cm nearer than what is seen: an invisible obstacle. A *ghost* is something seen whose
collider lies at least 10 cm farther, or isn't there: a robot drives into what it sees. What is shown is asked twice: the
splats, which cameras see, and the measured part of the visual mesh, which depth sensors and lidars see.

Both are asked along the ray, as sensors look. Where a ray grazes a wall or passes an edge, a collider two centimetres before
the surface is easily ten before what is seen. So it is told apart how many are *off the surface*: phantoms whose collider is
10 cm from all measured surface, ghosts that are 10 cm from every collider.

What was never photographed is told apart. Splats have a hole there and the mesh a guess: a phantom that is seen through
such a hole is a *see-through*, a guess that nothing stands behind is *hollow*.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float32, UInt8

from lyra_sim.collision.convex.containment import HullSet
from lyra_sim.data.colliders import Collision, Hull
from lyra_sim.data.mesh import TriMesh
from lyra_sim.data.report import Metric
from lyra_sim.data.solid import Solid
from lyra_sim.data.splats import Splats
from lyra_sim.data.world import MetricWorld
from lyra_sim.geometry.cameras import CameraPath, pixel_rays
from lyra_sim.quality.figures.limits import LIMITS, limit_of
from lyra_sim.quality.figures.metrics import measured, not_measured
from lyra_sim.quality.viewpoints import robot_viewpoints
from lyra_sim.rendering.ray_casting import RayCaster
from lyra_sim.rendering.splat_depth import SplatDepth

Shown = Literal["splat", "mesh"]

APART_M = 0.10
"""Along the ray; more than two voxels of a preview [m]. Convention."""
POSES = 512
"""Views asked for. Convention."""
NEAR = 0.05
"""Nothing nearer than this is drawn or hit [m]. Convention."""

AGREE, PHANTOM, GHOST, NOTHING_SEEN, FENCE = range(5)
"""Kinds of pixels. NOTHING_SEEN: splats block less than half of the light, or the mesh there is a guess. FENCE: the first
collider stands for space nobody looked into; it is meant to be felt and not seen."""


@runtime_checkable
class WithMesh(Protocol):
    """A :class:`lyra_sim.data.solid.Solid`, or what is left of one."""

    @property
    def mesh(self) -> TriMesh:
        """What is shown, and which of its faces were seen."""
        ...


@dataclass(frozen=True, kw_only=True)
class Looks:
    """What all views saw and would hit."""

    cameras: CameraPath
    seen: Float32[np.ndarray, "n h w"]
    """Distance along the ray to what is shown [m]; NaN where nothing is."""
    hit: Float32[np.ndarray, "n h w"]
    """Distance along the ray to the first collider [m]; NaN where there is none."""
    kind: UInt8[np.ndarray, "n h w"]
    unmeasured: Bool[np.ndarray, "n h w"]
    """Of splats: phantoms that are see-through. Of the mesh: pixels that show a hollow guess."""
    off_surface: Bool[np.ndarray, "n h w"]
    """Phantoms and ghosts that are as far apart in every direction as along the ray."""

    def share(self, kind: int, *, off_surface: bool = False) -> float:
        """Share of the judged pixels that are of a kind, or of it and off the surface; NaN where none was judged."""
        which = (self.kind == kind) & self.off_surface if off_surface else self.kind == kind
        return float(which.sum() / self.judged) if self.judged else float("nan")

    @property
    def judged(self) -> int:
        """Pixels with something seen and no fence."""
        return int((self.kind <= GHOST).sum())

    def points(self, kind: int) -> np.ndarray:
        """Where pixels of a kind lie in the world (k, 3) [m]: phantoms where the collider is, others where they are seen."""
        distance = self.hit if kind == PHANTOM else self.seen
        rays = self._directions()
        index = np.argwhere(self.kind == kind)
        along = np.einsum("kij,kj->ki", self.cameras.c2w[index[:, 0], :3, :3], rays[index[:, 1], index[:, 2]])
        return self.cameras.centres[index[:, 0]] + distance[tuple(index.T)][:, None] * along

    def _directions(self) -> np.ndarray:
        """Unit rays of a camera (h, w, 3); all cameras share their intrinsics."""
        rays = pixel_rays(self.cameras.K[0], self.cameras.width, self.cameras.height).astype(np.float64)
        return rays / np.linalg.norm(rays, axis=-1, keepdims=True)


def robot_looks(
    collision: Collision, solid: Solid, world: MetricWorld, *, seed: int, count: int = POSES
) -> dict[Shown, Looks] | None:
    """What a robot's camera sees and would hit from up to ``count`` places all over the reachable floor; None where there is
    no place to look from."""
    cameras = robot_viewpoints(collision.navigation, solid.free_space, world.cameras.centres, count=count, seed=seed)
    return None if cameras is None else look_around(cameras, collision.colliders.hulls, solid, world.splats)


def look_around(cameras: CameraPath, hulls: Sequence[Hull], solid: WithMesh, splats: Splats) -> dict[Shown, Looks]:
    """Every view's splats and mesh against the hulls; ``cameras`` share their intrinsics."""
    colliders = HullCaster(hulls)
    visual, depth = RayCaster(solid.mesh.vertices, solid.mesh.faces), SplatDepth(splats)
    lengths = np.linalg.norm(pixel_rays(cameras.K[0], cameras.width, cameras.height), axis=-1)
    shape = (len(cameras), cameras.height, cameras.width)
    hit, fence = np.empty(shape, np.float32), np.empty(shape, bool)
    splat, mesh, guess = np.empty(shape, np.float32), np.empty(shape, np.float32), np.empty(shape, np.float32)
    for index in range(len(cameras)):
        hit[index], fence[index] = colliders.view(cameras, index)
        splat[index] = depth.view(cameras, index, near=NEAR)
        faces = visual.cast_camera(cameras, index, near=NEAR)
        known = faces.hit & solid.mesh.face_seen[np.maximum(faces.face, 0)]
        mesh[index] = np.where(known, faces.t, np.float32(np.nan))
        guess[index] = np.where(known, np.float32(np.nan), faces.t)
    for distances in (hit, splat, mesh, guess):
        distances *= lengths
    with np.errstate(invalid="ignore"):
        through = splat - guess >= APART_M
        hollow = np.isfinite(guess) & ~(hit - guess < APART_M)
    splat_kind, mesh_kind = _kinds(splat, hit, fence), _kinds(mesh, hit, fence)
    through &= splat_kind == PHANTOM
    nothing = np.zeros(shape, bool)
    looks: dict[Shown, Looks] = {
        "splat": Looks(cameras=cameras, seen=splat, hit=hit, kind=splat_kind, unmeasured=through, off_surface=nothing),
        "mesh": Looks(cameras=cameras, seen=mesh, hit=hit, kind=mesh_kind, unmeasured=hollow, off_surface=nothing),
    }
    bodies = HullSet.of(hulls)
    return {shown: replace(found, off_surface=_off_surface(found, solid.mesh, bodies)) for shown, found in looks.items()}


def _off_surface(found: Looks, mesh: TriMesh, hulls: HullSet) -> Bool[np.ndarray, "n h w"]:
    """Phantoms whose collider is ``APART_M`` from all measured surface, and ghosts that are as far from every collider."""
    apart = np.zeros(found.kind.shape, bool)
    apart[found.kind == GHOST] = ~hulls.contains(found.points(GHOST), margin=APART_M)
    measured_faces = mesh.faces[mesh.face_seen]
    if len(measured_faces) and (found.kind == PHANTOM).any():
        surface = RayCaster(mesh.vertices, measured_faces)
        apart[found.kind == PHANTOM] = surface.distances(found.points(PHANTOM)) >= APART_M
    else:
        apart[found.kind == PHANTOM] = True
    return apart


class HullCaster:
    """Rays against hulls, with whether the one that is hit first stands for unseen space."""

    def __init__(self, hulls: Sequence[Hull]) -> None:
        starts = np.cumsum([0] + [len(hull.vertices) for hull in hulls[:-1]])
        self.owner = np.repeat(np.arange(len(hulls)), [len(hull.faces) for hull in hulls])
        self._unseen = np.array([hull.label == "unseen" for hull in hulls], bool)
        self._caster = None
        if hulls:
            vertices = np.concatenate([hull.vertices for hull in hulls])
            faces = np.concatenate([hull.faces + start for hull, start in zip(hulls, starts, strict=True)])
            self._caster = RayCaster(vertices, faces.astype(np.int32))

    def view(self, cameras: CameraPath, index: int) -> tuple[Float32[np.ndarray, "h w"], np.ndarray]:
        """z-depth of the first hull, NaN where there is none, and whether it is a fence."""
        if self._caster is None:
            shape = (cameras.height, cameras.width)
            return np.full(shape, np.nan, np.float32), np.zeros(shape, bool)
        hits = self._caster.cast_camera(cameras, index, near=NEAR)
        return hits.t, hits.hit & self._unseen[self.owner[np.maximum(hits.face, 0)]]


def _kinds(seen: np.ndarray, hit: np.ndarray, fence: np.ndarray) -> UInt8[np.ndarray, "n h w"]:
    kind = np.full(seen.shape, AGREE, np.uint8)
    with np.errstate(invalid="ignore"):
        kind[seen - hit >= APART_M] = PHANTOM
        kind[~(hit - seen < APART_M)] = GHOST
    kind[fence & (kind != GHOST)] = FENCE  # what is seen before a fence, and has nothing behind it, is driven into all the same
    kind[np.isnan(seen)] = NOTHING_SEEN
    return kind


def agreement_metrics(looks: Mapping[Shown, Looks] | None) -> list[Metric]:
    """Phantoms and ghosts of splats and mesh, and how much could be judged; None where there was no place to look from."""
    if looks is None:
        why = "no reachable place with measured air at camera height"
        names = [name for name in LIMITS if name.startswith("agreement.")]
        return [not_measured(name, limit_of(name).unit, why) for name in names]
    metrics = [measured("agreement.views", len(looks["splat"].cameras), n=1)]
    for shown, found in looks.items():
        every = found.kind.size
        fenced, bare = float((found.kind == FENCE).mean()), float((found.kind == NOTHING_SEEN).mean())
        apart = f"{100 * bare:.1f} % show nothing measured, {100 * fenced:.1f} % meet a fence"
        name, of = ("see_through", found.judged) if shown == "splat" else ("hollow", every)
        metrics += [
            measured(f"agreement.{shown}.phantom", found.share(PHANTOM), n=found.judged),
            measured(f"agreement.{shown}.ghost", found.share(GHOST), n=found.judged),
            measured(f"agreement.{shown}.phantom_off_surface", found.share(PHANTOM, off_surface=True), n=found.judged),
            measured(f"agreement.{shown}.ghost_off_surface", found.share(GHOST, off_surface=True), n=found.judged),
            measured(f"agreement.{shown}.{name}", float(found.unmeasured.sum() / of) if of else np.nan, n=of),
            measured(f"agreement.{shown}.judged", found.judged / every, n=every, note=apart),
        ]
    return metrics
