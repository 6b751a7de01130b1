"""CoACD in worker processes: results in order, a crash is named, and CoACD that can't run is an error."""

from pathlib import Path

import numpy as np
import pytest

from lyra_sim.collision.clutter.convex_decomposition import Decomposition, decompose
from lyra_sim.data.grid import FREE, SOLID, FreeSpace
from lyra_sim.errors import PluginError
from tests.boxes import box_mesh
from tests.collision.spending import spend

OPTIONS = {"concavity": 0.05, "mcts_iterations": 10, "max_vertices": 60, "seed": 7}
CUBE = box_mesh([(np.zeros(3), np.ones(3))])


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """A module ``coacd`` for the worker processes alone."""
    lines = ["class Mesh:", "    def __init__(self, vertices, faces): self.vertices = vertices"]
    lines += ["def set_log_level(level): pass", "def run_coacd(mesh, **options):"]
    lines += [f"    {line}" for line in body.splitlines()]
    (folder / "coacd.py").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(folder))


def test_real_coacd_keeps_the_order() -> None:
    meshes = [box_mesh([(np.zeros(3), np.full(3, size))]) for size in (1.0, 0.5, 2.0)]
    found = decompose(meshes, [2, 2, 2], **OPTIONS)
    assert [result.failure for result in found] == ["", "", ""]
    assert [round(float(max(p.max() for p in result.pieces)), 3) for result in found] == [1.0, 0.5, 2.0]


def test_a_mesh_that_kills_its_worker_is_named_and_the_rest_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = "import os, sys\nif mesh.vertices.max() > 1.5:\n    print('bad mesh', file=sys.stderr, flush=True)\n    os.abort()"
    stand_in(tmp_path, monkeypatch, body + "\nreturn [(mesh.vertices, None)]")
    big = box_mesh([(np.zeros(3), np.full(3, 2.0))])
    found = decompose([CUBE, big, CUBE, CUBE], [2] * 4, **OPTIONS)
    assert [len(result.pieces) for result in found] == [1, 0, 1, 1]
    assert found[1].failure == "killed by signal 6: bad mesh"


def test_coacd_that_never_works_is_an_error_with_its_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, "raise OSError('lib_coacd.so: cannot open shared object file')")
    with pytest.raises(PluginError, match=r"(?s)CoACD: it failed on all 3 meshes.*exit code 1.*cannot open shared object"):
        decompose([CUBE] * 3, [2] * 3, **OPTIONS)


@pytest.mark.parametrize(
    ("result", "why"),
    [
        (Decomposition(failure="killed by signal 11"), "killed by signal 11"),
        (Decomposition(pieces=(CUBE[0].astype(np.float64) * 0.01,)), "slivers only"),
    ],
)
def test_a_lump_coacd_lost_is_cut_straight(result: Decomposition, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An L of 4 cm voxels whose single hull takes air: whatever CoACD does, its matter keeps its hulls."""
    states = np.full((30, 30, 20), FREE, np.uint8)
    states[5:20, 5:9, 4:12] = states[5:9, 5:20, 4:12] = SOLID
    grid = FreeSpace(states=states, origin=np.zeros(3), voxel_size=0.04)
    indices = np.argwhere(states == SOLID)
    monkeypatch.setattr(
        "lyra_sim.collision.clutter.clutter_hulls.LATTICE_SHARES", ()
    )  # or the L is two boxes before CoACD is asked
    monkeypatch.setattr("lyra_sim.collision.clutter.clutter_hulls.decompose", lambda meshes, *a, **k: [result] * len(meshes))
    hulls, facts, spending = spend([indices], grid, budget=10, max_hulls_per_component=4)
    assert facts["coacd_lumps"] == 1 and facts["coacd_taken"] == 0
    assert len(facts["coacd_fallbacks"]) == 1 and why in facts["coacd_fallbacks"][0]
    assert len(spending.parts) == 2 and hulls.contains(grid.centres(indices)).all()
