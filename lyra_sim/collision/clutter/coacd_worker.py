"""One process that decomposes meshes with CoACD: ``python -m lyra_sim.collision.clutter.coacd_worker FOLDER JOB JOB …``.

A process of its own, because CoACD is native code: if it crashes on one mesh, the caller knows which (its result is
missing) and goes on with the rest. One thread each, so that results don't depend on the machine.
"""

import json
import sys
from pathlib import Path

import numpy as np


def main(arguments: list[str]) -> None:
    """Read ``<job>.npz`` (vertices, faces) and ``options.json``; write ``<job>.out.npz`` with points ``p0, p1 …``."""
    import coacd

    folder = Path(arguments[0])
    options = json.loads((folder / "options.json").read_text(encoding="utf-8"))
    coacd.set_log_level("error")
    for job in arguments[1:]:
        with np.load(folder / f"{job}.npz") as stored:
            mesh = coacd.Mesh(stored["vertices"].astype(np.float64), stored["faces"].astype(np.int32))
            limit = int(stored["max_hulls"])
        parts = coacd.run_coacd(mesh, max_convex_hull=limit, **options)
        points = {f"p{i}": np.asarray(part[0], np.float64) for i, part in enumerate(parts)}
        partial = folder / f"{job}.partial.npz"
        np.savez(partial, **points)  # type: ignore[arg-type]
        partial.replace(folder / f"{job}.out.npz")


if __name__ == "__main__":
    main(sys.argv[1:])
