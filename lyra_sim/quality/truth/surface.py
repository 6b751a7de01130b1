"""Against a true surface: accuracy, completeness and F-score as Tanks and Temples defines them (Knapitsch et al. 2017)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int32

from lyra_sim.data.given import ReadingNotes
from lyra_sim.data.mesh import TriMesh
from lyra_sim.data.report import Metric
from lyra_sim.data.world import MetricWorld
from lyra_sim.errors import InputError
from lyra_sim.geometry.cameras import CameraPath, project
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.quality.figures.metrics import measured
from lyra_sim.rendering.ray_casting import RayCaster
from lyra_sim.usd.any_mesh import read_any_mesh

SAMPLES = 60_000
"""Points drawn from either surface. Convention."""
ASKED_WITHIN = 8.0
"""Photos are asked for surface nearer than this [m], as far as an indoor depth camera would see. Convention."""


@dataclass(frozen=True, kw_only=True)
class TrueSurface:
    """Triangles of the real thing; winding and closedness don't matter."""

    vertices: Float64[np.ndarray, "v 3"]
    faces: Int32[np.ndarray, "f 3"]

    notes: tuple[ReadingNotes, ...] = ()
    """What the files hold and what was taken of them: truth that was left out would be counted as ours in excess."""

    @classmethod
    def load(cls, paths: Sequence[Path], *, key: str = "truth.mesh") -> "TrueSurface":
        """All surface of some glTF, OBJ, PLY or USD files, node transforms applied, in the files' own frame and unit.

        Read as given meshes are, so that what a scene may be built from, and how, is what it may be measured against.

        Raises:
            InputError: A file is missing, can't be read, or has no whole triangles.
        """
        parts = []
        for path in paths:
            try:
                parts.append(read_any_mesh(path))
            except InputError as error:
                raise InputError(
                    error.subject,
                    f"{key}: {error.found}",
                    expected=error.expected,
                    likely=error.likely,
                    next_step=error.next_step or f"Fix {key} of this scene, or remove it.",
                ) from error
        starts = np.cumsum([0] + [len(part.mesh.vertices) for part in parts[:-1]])
        return cls(
            vertices=np.concatenate([part.mesh.vertices for part in parts]),
            faces=np.concatenate([part.mesh.faces + start for part, start in zip(parts, starts, strict=True)]).astype(np.int32),
            notes=tuple(part.notes for part in parts),
        )

    def moved(self, new_from_frame: Similarity) -> "TrueSurface":
        """The same surface in another frame."""
        return replace(self, vertices=new_from_frame.apply(self.vertices))


def sample_surface(triangles: Float[np.ndarray, "f 3 3"], count: int, rng: np.random.Generator) -> Float64[np.ndarray, "n 3"]:
    """Points drawn uniformly by area (Turk 1990)."""
    t = np.asarray(triangles, np.float64)
    areas = np.linalg.norm(np.cross(t[:, 1] - t[:, 0], t[:, 2] - t[:, 0]), axis=1)
    chosen = t[rng.choice(len(t), count, p=areas / areas.sum())]
    root, v = np.sqrt(rng.random((count, 1))), rng.random((count, 1))
    return (1 - root) * chosen[:, 0] + root * (1 - v) * chosen[:, 1] + root * v * chosen[:, 2]


def seen_by_depth(points: Float[np.ndarray, "n 3"], truth: RayCaster, world: MetricWorld) -> Bool[np.ndarray, "n"]:
    """Truth points that some camera measured: in view, within 2 % + 2 cm of the measured depth.

    The tolerance alone would let the far side of a thin wall pass, so nothing of the truth may lie before the point either.
    """
    seen = np.zeros(len(points), bool)
    cameras = world.cameras
    for index in range(len(cameras)):
        open_ids = np.flatnonzero(~seen)
        uv, z = project(points[open_ids], cameras.K[index], cameras.w2c[index])
        near = z > 0.05
        near &= (uv >= 0).all(1) & (uv < [cameras.width, cameras.height]).all(1)
        ids, uv, z = open_ids[near], uv[near].astype(int), z[near]
        with np.errstate(invalid="ignore"):
            agrees = np.abs(world.z_depth(index)[uv[:, 1], uv[:, 0]] - z) < 0.02 * z + 0.02
        ids = ids[agrees]
        if len(ids):
            centre = cameras.centres[index]
            t = truth.cast(centre, points[ids] - centre).t
            seen[ids] = ~(t < 0.998)
    return seen


def seen_by_cameras(points: Float[np.ndarray, "n 3"], truth: RayCaster, cameras: CameraPath) -> Bool[np.ndarray, "n"]:
    """Truth points in view of some camera, within 8 m and with nothing of the truth before them.

    What estimated depth is asked for: to ask only where the estimate itself found something would grade it on its own choice.
    """
    seen = np.zeros(len(points), bool)
    for index in range(len(cameras)):
        uv, z = project(points, cameras.K[index], cameras.w2c[index])
        near = ~seen & (z > 0.05) & (z < ASKED_WITHIN)
        near[near] = (uv[near] >= 0).all(1) & (uv[near] < [cameras.width, cameras.height]).all(1)
        ids = np.flatnonzero(near)
        if len(ids):
            centre = cameras.centres[index]
            seen[ids] = ~(truth.cast(centre, points[ids] - centre).t < 0.998)
    return seen


def surface_distances(
    mesh: TriMesh,
    judged: Bool[np.ndarray, "f"],
    truth: TrueSurface,
    world: MetricWorld,
    *,
    seed: int,
    samples: int = SAMPLES,
    estimated: bool = False,
) -> tuple[Float32[np.ndarray, "p"], Float32[np.ndarray, "g"]]:
    """Distances [m] of samples on ``judged`` faces to the truth, and of seen truth samples to ``judged`` faces.

    Measured depth tells what was seen; with ``estimated`` depth it is what stood before the cameras.

    ``truth`` is in the metric world. Unseen truth is left out of the second set: nobody could have rebuilt it. So are
    unseen faces: a guess that happens to lie right hasn't been reconstructed. Without a judged face all is endlessly far.
    ``samples`` points are drawn on the judged faces, and at most as many are kept on the truth.

    Args:
        mesh: In the metric world.
        judged: Faces that are asked about.
        truth: In the metric world.
        world: Cameras and depth.
        seed: Of the samples.
        samples: Points on either surface.
        estimated: Depth was computed from photos.
    """
    rng = np.random.default_rng(seed)
    truth_caster = RayCaster(truth.vertices, truth.faces)
    ours = sample_surface(mesh.triangles[judged], samples, rng) if judged.any() else np.zeros((0, 3))
    theirs = sample_surface(truth.vertices[truth.faces], 4 * samples, rng)
    seen = seen_by_cameras(theirs, truth_caster, world.cameras) if estimated else seen_by_depth(theirs, truth_caster, world)
    theirs = theirs[seen][:samples]
    if not judged.any():
        return np.zeros(0, np.float32), np.full(len(theirs), np.inf, np.float32)
    return truth_caster.distances(ours), RayCaster(mesh.vertices, mesh.faces[judged]).distances(theirs)


def truth_metrics(to_truth: Float32[np.ndarray, "p"], to_mesh: Float32[np.ndarray, "g"]) -> list[Metric]:
    """Accuracy, completeness, precision, recall and F-score at 2 and 5 cm."""
    p, g = len(to_truth), len(to_mesh)
    mean = lambda distances: float(distances.mean(dtype=np.float64)) if len(distances) else np.nan  # noqa: E731
    metrics = [
        measured("truth.accuracy", mean(to_truth), n=p, note="observed faces to truth"),
        measured("truth.completeness", mean(to_mesh), n=g, note="truth that some depth image saw, to observed faces"),
    ]
    for centimetres in (2, 5):
        precision, recall = mean(to_truth < centimetres / 100), mean(to_mesh < centimetres / 100)
        score = 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0
        metrics += [
            measured(f"truth.precision_{centimetres}cm", precision, n=p),
            measured(f"truth.recall_{centimetres}cm", recall, n=g),
            measured(f"truth.f_score_{centimetres}cm", score if p and g else np.nan, n=min(p, g)),
        ]
    return metrics
