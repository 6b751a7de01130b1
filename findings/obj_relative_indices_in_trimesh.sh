#!/bin/sh
# One expects: an OBJ file whose faces count back from the end ("f -3 -2 -1", as the format allows and exporters that
# stream write) holds the same triangles as the one that counts from the start.
# What happens: with more than one material trimesh resolves relative indices against all vertices of the file, not against
# those read so far. Two unit squares 10 m apart become the second one twice: right triangle count, right area here, no
# message; with parts of different sizes, triangles span the parts. Open3D reads both files alike.
# Versions: trimesh 5.2.0, numpy 2.4.6 (PyPI), Python 3.11.
set -e
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q trimesh==5.2.0 numpy==2.4.6
"$work/v/bin/python" - "$work" <<'PY'
import sys
from pathlib import Path

import numpy
import trimesh

folder = Path(sys.argv[1])
squares = [[(x, y) for x, y in ((a, 0), (a + 1, 0), (a + 1, 1), (a, 1))] for a in (0, 10)]


def read(name: str, faces: list[str]) -> list:
    lines = []
    for number, (square, face) in enumerate(zip(squares, faces)):
        lines += [f"v {x} {y} 0" for x, y in square] + [f"usemtl m{number}", face]
    (folder / name).write_text("\n".join(lines) + "\n")
    found = trimesh.load_scene(folder / name, process=False).to_geometry()
    print(f"{name}: {len(found.faces)} triangles, area {found.area:g}, x from {found.bounds[0][0]:g} to {found.bounds[1][0]:g}")
    return found.bounds.tolist()


print("trimesh", trimesh.__version__, "numpy", numpy.__version__)
start = read("from_the_start.obj", ["f 1 2 3 4", "f 5 6 7 8"])
back = read("back_from_the_end.obj", ["f -4 -3 -2 -1", "f -4 -3 -2 -1"])
sys.exit(0 if start != back else 1)
PY
# Output seen:
# trimesh 5.2.0 numpy 2.4.6
# from_the_start.obj: 4 triangles, area 2, x from 0 to 11
# back_from_the_end.obj: 4 triangles, area 2, x from 10 to 11
