"""Spatial memory: every known frame with its own depth and camera, never fused, never pruned (Lyra 2.0, 2026).

Fusing frames averages their errors into one surface, and what is drawn from that inherits them; kept apart, a frame's
error stays its own. What grows with the world is a camera and a sixteenth of the depth a frame; pixels are read back.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection

import numpy as np
from jaxtyping import Float64

from lyra_sim.errors import GeometryError
from lyra_sim.generators.known_frame import KnownFrame
from lyra_sim.generators.lazy_search import lazy_search
from lyra_sim.generators.retrieval import RELATIVE, DepthTolerance, exhaustive_search, target_views
from lyra_sim.generators.visibility_index import SampledFrame, VisibilityIndex
from lyra_sim.geometry.cameras import CameraPath

BUDGET = 256
"""Frames projected in a query, at most: what bounds it where frames pile up in the same place. Convention."""


class SpatialMemory:
    """Known frames by their ids, and which of them show what some cameras will see.

    Args:
        load: Reads a frame back that was added, by its id.
        stride: Every stride-th row and column of the depth is kept in memory (Lyra 2.0's code: 4).
        tolerance: How far behind the nearest surface a point still counts as visible.
        cached: Whole frames kept in memory, those used last.
        budget: Frames a query projects at most.
    """

    def __init__(
        self,
        load: Callable[[int], KnownFrame],
        *,
        stride: int = 4,
        tolerance: DepthTolerance = RELATIVE,
        cached: int = 16,
        budget: int = BUDGET,
    ) -> None:
        self._load, self._stride, self._tolerance, self._cached, self._budget = load, stride, tolerance, cached, budget
        self._positions: dict[int, int] = {}
        self._frames: list[SampledFrame] = []
        self._index = VisibilityIndex()
        self._recent: OrderedDict[int, KnownFrame] = OrderedDict()

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def ids(self) -> tuple[int, ...]:
        """In the order of adding."""
        return tuple(self._positions)

    @property
    def nbytes(self) -> int:
        """Memory that grows with the world [bytes]; whole frames held for reuse aren't counted."""
        return self._index.nbytes + sum(
            f.z_depth.nbytes + f.lens.nbytes + f.c2w.nbytes + f.spheres.nbytes + f.held.nbytes for f in self._frames
        )

    def add(self, frame: KnownFrame) -> None:
        """Know one more frame, in any order of ids; each once.

        Raises:
            GeometryError: A frame of that id is known already.
        """
        if frame.id in self._positions:
            raise GeometryError(
                "spatial memory",
                f"frame {frame.id} was added before",
                expected="each id once",
                likely="A chunk was generated again without forgetting the first time.",
                next_step="Start a new memory and add the frames that are kept.",
            )
        sampled = SampledFrame.sample(frame.z_depth, frame.K, frame.c2w, stride=self._stride)
        self._positions[frame.id] = len(self._frames)
        self._frames.append(sampled)
        self._index.add(sampled)
        self._keep(frame)

    def frame(self, id: int) -> KnownFrame:
        """The whole frame, from the few held or read back.

        Raises:
            GeometryError: Another frame was read back.
        """
        self._position(id)
        if id in self._recent:
            self._recent.move_to_end(id)
            return self._recent[id]
        frame = self._load(id)
        if frame.id != id:
            raise GeometryError("spatial memory", f"reading frame {id} gave frame {frame.id}", expected="the frame asked for")
        self._keep(frame)
        return frame

    def c2w(self, id: int) -> Float64[np.ndarray, "4 4"]:
        """Camera-to-world of a frame, without reading it."""
        return self._frames[self._position(id)].c2w

    def retrieve(
        self,
        targets: CameraPath,
        *,
        count: int,
        covered_by: int | None = None,
        among: Collection[int] | None = None,
        exhaustive: bool = False,
    ) -> tuple[int, ...]:
        """Ids of the frames that show most of what the targets see, the best last.

        Args:
            targets: Cameras whose views are to be covered, all together; of any size.
            count: Frames wanted; fewer come back where nothing adds to those found.
            covered_by: Id of a frame that the generator is shown anyway; what it shows needs no second frame.
            among: Ids to choose from; the others are neither picked nor hide anything, as if never added. None: all.
            exhaustive: Project every frame: the reference, whose time grows with the world.
        """
        covered = None if covered_by is None else self._position(covered_by)
        eligible = np.full(len(self._frames), among is None)
        eligible[[self._position(id) for id in among or ()]] = True
        if not eligible.any() or count <= 0:
            return ()
        views = target_views(targets, stride=self._stride)
        if exhaustive:
            picks = exhaustive_search(self._frames, views, eligible, count=count, covered_by=covered, tolerance=self._tolerance)
        else:
            picks = lazy_search(
                self._frames,
                self._index,
                views,
                eligible,
                count=count,
                covered_by=covered,
                tolerance=self._tolerance,
                budget=self._budget,
            )
        ids = self.ids
        return tuple(ids[position] for position in reversed(picks))

    def _position(self, id: int) -> int:
        if id not in self._positions:
            known = f"{min(self._positions)} to {max(self._positions)}" if self._positions else "none yet"
            raise GeometryError("spatial memory", f"frame {id} was never added", expected=f"an id that was added ({known})")
        return self._positions[id]

    def _keep(self, frame: KnownFrame) -> None:
        self._recent[frame.id] = frame
        self._recent.move_to_end(frame.id)
        while len(self._recent) > self._cached:
            self._recent.popitem(last=False)
