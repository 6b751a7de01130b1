"""Where a frame stood at a time, by the transforms of /tf and /tf_static (REP 105), and by odometry that nothing else tells."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float64
from scipy.spatial.transform import Rotation, Slerp

MOST_FRAMES = 64
"""Between a camera and the world; more is a circle. Convention."""
LONGEST_GAP = 0.1
"""Between two samples of a transform, for what lies between to be believed [s] … Convention."""
SMALL_STEP_M, SMALL_STEP_RAD = 0.02, 0.02
"""… unless it moves by less than this from one to the other [m, rad]. Convention."""


@dataclass(kw_only=True)
class Edge:
    """A child frame in its parent's, over time."""

    parent: str
    fixed: bool
    source: str = "/tf"
    times: list[float] = field(default_factory=list)
    positions: list[tuple[float, float, float]] = field(default_factory=list)
    quats_xyzw: list[tuple[float, float, float, float]] = field(default_factory=list)


@dataclass(kw_only=True)
class TfTree:
    """Frames by their child's name; each has one parent."""

    edges: dict[str, Edge] = field(default_factory=dict)
    odd: int = 0
    """Transforms left out: not finite, without a direction, or of a second parent."""

    def add(
        self,
        child: str,
        parent: str,
        *,
        seconds: float,
        position: tuple[float, float, float],
        quat_xyzw: tuple[float, float, float, float],
        fixed: bool,
        source: str = "/tf",
    ) -> None:
        """One transform.

        Args:
            child: Frame that is placed.
            parent: Frame that it is placed in.
            seconds: When.
            position: Of the child's origin in its parent [m].
            quat_xyzw: Parent from child.
            fixed: It never changes.
            source: Topic that told it.
        """
        child, parent = child.lstrip("/"), parent.lstrip("/")
        length = float(np.linalg.norm(quat_xyzw))
        edge = self.edges.setdefault(child, Edge(parent=parent, fixed=fixed, source=source))
        if not np.isfinite([*position, length]).all() or abs(length - 1) > 0.01 or edge.parent != parent or child == parent:
            self.odd += 1
            return
        edge.fixed &= fixed
        edge.times.append(seconds)
        edge.positions.append(position)
        edge.quats_xyzw.append(quat_xyzw)

    def chain(self, frame: str) -> list[str]:
        """The frame and its ancestors, the world last."""
        found = [frame.lstrip("/")]
        while found[-1] in self.edges and self.edges[found[-1]].times and len(found) <= MOST_FRAMES:
            found.append(self.edges[found[-1]].parent)
        return found

    def moves(self, frame: str) -> bool:
        """Whether anything between the frame and the world changes."""
        return any(not self.edges[name].fixed for name in self.chain(frame)[:-1])

    def fixed_from(self, to: str, frame: str) -> Float64[np.ndarray, "4 4"] | None:
        """``to`` from ``frame``, where both hang on one thing by transforms that never change; else None."""
        ours, theirs = self._fixed_part(frame), self._fixed_part(to)
        joint = next((name for name in ours if name in theirs), None)
        if joint is None:
            return None
        up = self._down(ours[: ours.index(joint)])
        down = self._down(theirs[: theirs.index(joint)])
        return np.asarray(np.linalg.inv(down) @ up)

    def _fixed_part(self, frame: str) -> list[str]:
        chain = self.chain(frame)
        stop = next((index for index, name in enumerate(chain[:-1]) if not self.edges[name].fixed), len(chain) - 1)
        return chain[: stop + 1]

    def _down(self, names: list[str]) -> Float64[np.ndarray, "4 4"]:
        """The last one's parent from the first."""
        matrix = np.eye(4)
        for name in names:
            edge = self.edges[name]
            matrix = _matrix(np.array(edge.quats_xyzw[-1:]), np.array(edge.positions[-1:]))[0] @ matrix
        return matrix

    def world_from(
        self, frame: str, times: Float64[np.ndarray, "n"]
    ) -> tuple[Float64[np.ndarray, "n 4 4"], Bool[np.ndarray, "n"]]:
        """Where the frame stood in its outermost ancestor, and which times are covered."""
        matrix = np.tile(np.eye(4), (len(times), 1, 1))
        covered = np.ones(len(times), bool)
        for name in self.chain(frame)[:-1]:
            step, known = _at(self.edges[name], times)
            matrix, covered = step @ matrix, covered & known
        return matrix, covered


def _at(edge: Edge, times: Float64[np.ndarray, "n"]) -> tuple[Float64[np.ndarray, "n 4 4"], Bool[np.ndarray, "n"]]:
    """Between the samples before and after; where there is none on one side, or they are too far apart, nothing is known."""
    moments, first = np.unique(np.array(edge.times), return_index=True)
    positions, quats = np.array(edge.positions)[first], np.array(edge.quats_xyzw)[first]
    if edge.fixed:
        return np.tile(_matrix(quats[-1:], positions[-1:]), (len(times), 1, 1)), np.ones(len(times), bool)
    if len(moments) == 1:
        return np.tile(_matrix(quats, positions), (len(times), 1, 1)), np.abs(times - moments[0]) < 1e-6
    after = np.clip(np.searchsorted(moments, times, side="left"), 1, len(moments) - 1)
    before = after - 1
    share = np.clip((times - moments[before]) / (moments[after] - moments[before]), 0, 1)
    turned = Slerp(moments, Rotation.from_quat(quats))(np.clip(times, moments[0], moments[-1]))
    angle = (Rotation.from_quat(quats[before]).inv() * Rotation.from_quat(quats[after])).magnitude()
    apart = np.linalg.norm(positions[after] - positions[before], axis=1)
    near = (moments[after] - moments[before] <= LONGEST_GAP) | ((apart <= SMALL_STEP_M) & (angle <= SMALL_STEP_RAD))
    exact = np.minimum(np.abs(times - moments[before]), np.abs(times - moments[after])) < 1e-6
    inside = (times >= moments[0] - 1e-6) & (times <= moments[-1] + 1e-6)
    at = positions[before] + share[:, None] * (positions[after] - positions[before])
    return _matrix(turned.as_quat(), at), inside & (near | exact)


def _matrix(quats_xyzw: Float64[np.ndarray, "n 4"], positions: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 4 4"]:
    matrix = np.tile(np.eye(4), (len(positions), 1, 1))
    matrix[:, :3, :3] = Rotation.from_quat(quats_xyzw).as_matrix()
    matrix[:, :3, 3] = positions
    return matrix
