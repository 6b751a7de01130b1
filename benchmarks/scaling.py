"""What colliders and the USD package cost against the size of a scene: 50,000, 500,000 and 2 million triangles.

    python benchmarks/scaling.py [--rooms 1 10 44] [--edge 0.09] [--voxel 0.04]

The scenes are office buildings of 1, 10 and 44 furnished rooms (`office.py`), so triangles, voxels, floor, components and hulls
all grow together, as they do in larger places. Each size runs in a process of its own, through the steps `collide` and `author`
as a build calls them. CPU is what all cores worked, workers included, which a busy machine changes little. Memory is the
largest resident set of that process up to then, and of any worker it started.
"""

import argparse
import json
import math
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from office import office, splats_on

HULLS_A_ROOM = 60
SPLATS_A_TRIANGLE = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rooms", type=int, nargs="+", default=[1, 10, 44])
    parser.add_argument("--edge", type=float, default=0.09, help="longest edge of a triangle [m]")
    parser.add_argument("--voxel", type=float, default=0.04, help="edge of a voxel [m]")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        print(json.dumps(measure(options.one, options.edge, options.voxel)))
        return
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}\n")
    print("| rooms | triangles | voxels | splats | collide | CPU | hulls | peak | worker | author | CPU | package | peak |")
    print("|---|---|---|---|---|---|---|---|---|---|---|---|---|")
    for rooms in options.rooms:
        command = [sys.executable, __file__, "--one", str(rooms), "--edge", str(options.edge), "--voxel", str(options.voxel)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        print(row(json.loads(done.stdout.splitlines()[-1])), flush=True)


def row(found: dict[str, Any]) -> str:
    cells = [
        found["rooms"],
        f"{found['triangles']:,}",
        f"{found['voxels'] / 1e6:.1f} M",
        f"{found['splats']:,}",
        f"{found['collide_s']:.1f} s",
        f"{found['collide_cpu_s']:.1f} s",
        found["hulls"],
        f"{found['collide_gb']:.2f} GB",
        f"{found['worker_gb']:.2f} GB",
        f"{found['author_s']:.1f} s",
        f"{found['author_cpu_s']:.1f} s",
        f"{found['package_mb']:.1f} MB",
        f"{found['author_gb']:.2f} GB",
    ]
    return f"| {' | '.join(map(str, cells))} |"


def measure(rooms: int, edge: float, voxel: float) -> dict[str, Any]:
    """One building through both steps, in this process."""
    import numpy as np

    from lyra_sim.data.scale import ScaleEstimate
    from lyra_sim.data.solid import CarveFacts, Solid, SolidFacts, SurfaceFacts
    from lyra_sim.data.video import WorldVideo
    from lyra_sim.data.views import Views
    from lyra_sim.data.world import AlignEvidence, MetricWorld
    from lyra_sim.geometry.rigid import Similarity
    from lyra_sim.scene.sources import RgbdSource
    from lyra_sim.scene.spec import CollideConfig, SceneSpec
    from lyra_sim.steps.author import author
    from lyra_sim.steps.collide import collide

    columns = max(divisor for divisor in range(1, math.isqrt(rooms) + 1) if rooms % divisor == 0)
    building = office(rooms // columns, columns)
    mesh, cameras = building.mesh(edge), building.cameras()
    carve = CarveFacts(
        voxels=0,
        free_voxels=0,
        solid_voxels=0,
        pocket_voxels_closed=0,
        speck_voxels_dropped=0,
        camera_voxels_in_matter=0,
        free_components=1,
    )
    facts = SolidFacts(  # nothing was carved: the building is exact, and neither step reads this
        texel_size_m=None,
        voxel_size_m=voxel,
        voxel_size_wanted_m=voxel,
        extent_m=(0.0, 0.0, 0.0),
        seen_area_share=1.0,
        carve=carve,
        surface=SurfaceFacts(faces_marching_cubes=0, faces=len(mesh.faces), kept="exact", matter_change_m3=0.0),
    )
    solid = Solid(mesh=mesh, free_space=building.free_space(voxel), texture=None, facts=facts)
    world = MetricWorld(
        splats=splats_on(mesh, int(SPLATS_A_TRIANGLE * len(mesh.faces))),
        views=Views(folder=Path("none"), names=("0",), rgb_suffix=".png", units_per_depth_count=None),
        cameras=cameras,
        world_from_input=Similarity.identity(),
        scale=ScaleEstimate(metres_per_unit=1.0, sigma_relative=0.0, source="exact"),
        depth_kind="measured",
        evidence=AlignEvidence(
            up="exact",
            frame="exact",
            floor_area_m2=0.0,
            floor_rms_m=0.0,
            provisional_up_error_deg=0.0,
            floor_height_in_input=0.0,
            floor_slope_deg=0.0,
            wall_tilt_deg=None,
            camera_height_m=0.0,
            ceiling_height_m=None,
        ),
    )
    cfg = SceneSpec(
        name="office",
        rgbd=RgbdSource(frames=Path("none"), depth=Path("none"), cameras=Path("none")),
        collide=CollideConfig(max_hulls=HULLS_A_ROOM * rooms),
    )
    inputs: dict[str, Any] = {"generate": WorldVideo(frames=None, facts=None), "mesh": solid, "align": world}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        for name in ("collide", "author"):
            (out / name).mkdir()
        started, cpu = time.perf_counter(), cpu_seconds()
        inputs["collide"] = collide.run(cfg, inputs, out=out / "collide")
        between, cpu_between = time.perf_counter(), cpu_seconds()
        collide_gb, worker_gb = peak_gb(resource.RUSAGE_SELF), peak_gb(resource.RUSAGE_CHILDREN)
        bundle = author.run(cfg, inputs, out=out / "author")
        ended, cpu_ended = time.perf_counter(), cpu_seconds()
        package = sum(file.stat().st_size for file in bundle.world.rglob("*") if file.is_file())
    found = SimpleNamespace(
        rooms=rooms,
        triangles=len(mesh.faces),
        voxels=int(np.prod(solid.free_space.states.shape)),
        splats=len(world.splats),
        collide_s=between - started,
        collide_cpu_s=cpu_between - cpu,
        hulls=len(inputs["collide"].colliders.hulls),
        collide_gb=collide_gb,
        worker_gb=worker_gb,
        author_s=ended - between,
        author_cpu_s=cpu_ended - cpu_between,
        package_mb=package / 1e6,
        author_gb=peak_gb(resource.RUSAGE_SELF),
    )
    return vars(found)


def cpu_seconds() -> float:
    """Of this process and the workers it has waited for."""
    return sum(
        used.ru_utime + used.ru_stime for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def peak_gb(who: int) -> float:
    """Largest resident set so far; Linux counts in KiB, macOS in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(who).ru_maxrss * unit / 1e9


if __name__ == "__main__":
    main()
