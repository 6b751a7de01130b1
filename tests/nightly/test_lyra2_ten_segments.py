"""801 frames by the command line on random weights: memory stays flat, a kill in the sixth segment costs that one alone."""

import os
import re
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pytest

from lyra_sim_lyra2.weights.random_folder import write_random
from tests.house.files import ROOT
from tests.lyra2.tiny_network import write_tiny_network
from tests.rooms import furnished_room

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1800)]

SEGMENTS, KILLED_IN = 10, 6
SCENES = f"""version: 1
scenes:
  - name: room
    rgbd: {{frames: rgb, depth: depth_mm, cameras: transforms.json}}
    scale: metric
    up: z
    generate:
      path: there_and_back
      backend: lyra2
      chunks: {SEGMENTS}
      side: 64
      lyra2:
        weights: weights
        sampler: distilled
        caption: a furnished room
        depth: transformers
        depth_weights: depth
"""


def start(folder: Path, out: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "lyra_sim.command.cli", "build", str(folder / "scenes.yaml"), "--out", str(folder / out)]
    return subprocess.Popen([*command, "--until", "generate"], cwd=ROOT, start_new_session=True)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("segments")
    furnished_room(views=36).write_rgbd(folder)
    write_random(folder / "weights", size="tiny", seed=1)
    write_tiny_network(folder / "depth")
    (folder / "scenes.yaml").write_text(SCENES, encoding="utf-8")
    return folder


def test_memory_is_flat_and_a_kill_costs_one_segment(scene: Path) -> None:
    whole = start(scene, "out_whole")
    assert whole.wait() == 0
    peaks = _peaks(scene / "out_whole")
    assert len(peaks) == SEGMENTS
    # The largest a process ever was, so it can't fall: what grew after the second segment is the loop's own growth.
    assert peaks[-1] <= 1.05 * peaks[1], peaks

    killed = start(scene, "out_killed")
    records = scene / "out_killed"
    while len(list(records.glob("room/steps/*generate*/chunks/*.json"))) < KILLED_IN - 1:
        assert killed.poll() is None
        time.sleep(0.05)
    time.sleep(1.0)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    done = {path: path.stat().st_mtime_ns for path in records.glob("room/steps/*generate*/chunks/*.json")}
    assert len(done) == KILLED_IN - 1
    assert start(scene, "out_killed").wait() == 0
    again = {path.name: path.stat().st_mtime_ns for path in records.glob("room/steps/*generate/chunks/*.json")}
    assert {path.name: time for path, time in done.items()} == {name: again[name] for name in sorted(again)[: len(done)]}
    one, other = (
        {file.name: sha256(file.read_bytes()).hexdigest() for file in (scene / out).glob("room/steps/*generate/rgb/*.png")}
        for out in ("out_whole", "out_killed")
    )
    assert len(one) == 1 + 80 * SEGMENTS and one == other


def _peaks(out: Path) -> list[int]:
    """Largest memory of the process up to the end of each chunk [MB], as its log tells."""
    (log,) = out.glob("room/logs/*generate*")
    return [int(peak) for peak in re.findall(r"peak (\d+) MB", log.read_text(encoding="utf-8"))]
