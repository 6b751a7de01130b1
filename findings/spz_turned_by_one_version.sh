#!/usr/bin/env bash
# An SPZ that splat-transform 2.7.1 wrote comes out of splat-transform 3.7.0 upside down.
#
# One expects: PLY -> SPZ -> PLY by the same converter gives the same splats back, whichever of its versions did either half. The
# file's version byte (4) and layout are the same.
# What happens: 2.7.1 turns splats by 180 degrees about x while it writes SPZ (right-down-forward to right-up-back, as the format's
# reference library describes) and back while it reads. 3.7.0 does neither. Each alone is consistent; across the two, y and z change
# sign, in both directions. Nothing is printed, and nothing in the file tells which it is: a room stands on its ceiling.
# 2.3.1 turns as 2.7.1 does; 3.4.2 and 3.6.1 copy as 3.7.0 does.
# Versions: @playcanvas/splat-transform 2.7.1 and 3.7.0 (npm), Node 20. Source: measured here.
#
# Output seen:
#   2.7.1 -> 2.7.1   (1, 2, 3) came back as (1.00, 2.00, 3.00)
#   3.7.0 -> 3.7.0   (1, 2, 3) came back as (1.00, 2.00, 3.00)
#   2.7.1 -> 3.7.0   (1, 2, 3) came back as (1.00, -2.00, -3.00)
#   3.7.0 -> 2.7.1   (1, 2, 3) came back as (1.00, -2.00, -3.00)
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for version in 2.7.1 3.7.0; do
    mkdir "$work/$version"
    (cd "$work/$version" && npm install --silent --no-audit --no-fund "@playcanvas/splat-transform@$version" >/dev/null 2>&1)
done
cat > "$work/check.py" <<'PYTHON'
import struct, subprocess, sys
from pathlib import Path

work = Path(sys.argv[1])
names = "x y z f_dc_0 f_dc_1 f_dc_2 opacity scale_0 scale_1 scale_2 rot_0 rot_1 rot_2 rot_3".split()
rows = [(1, 2, 3, 0.1, 0.2, 0.3, 2, -3, -3, -5, 1, 0, 0, 0), (1.5, 2.5, 3.5, 0, 0, 0, 1, -3, -4, -5, 0.6, 0, 0.8, 0)]
head = f"ply\nformat binary_little_endian 1.0\nelement vertex {len(rows)}\n" + "".join(f"property float {name}\n" for name in names)
(work / "in.ply").write_bytes((head + "end_header\n").encode() + b"".join(struct.pack("<14f", *row) for row in rows))


def run(version, *arguments):
    tool = work / version / "node_modules" / ".bin" / "splat-transform"
    subprocess.run([tool, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def nearest_to_first(path):
    head, _, body = path.read_bytes().partition(b"end_header\n")
    properties = [line.split()[-1] for line in head.decode().splitlines() if line.startswith("property float")]
    at = [properties.index(axis) for axis in "xyz"]
    found = [[row[i] for i in at] for row in struct.iter_unpack(f"<{len(properties)}f", body)]
    return min(found, key=lambda place: sum((abs(a) - b) ** 2 for a, b in zip(place, (1, 2, 3))))


seen = {}
for writer in ("2.7.1", "3.7.0"):
    run(writer, work / "in.ply", work / f"{writer}.spz")
for writer, reader in (("2.7.1", "2.7.1"), ("3.7.0", "3.7.0"), ("2.7.1", "3.7.0"), ("3.7.0", "2.7.1")):
    out = work / f"{writer}_{reader}.ply"
    run(reader, work / f"{writer}.spz", out)
    seen[writer, reader] = nearest_to_first(out)
    print(f"{writer} -> {reader}   (1, 2, 3) came back as ({', '.join(f'{value:.2f}' for value in seen[writer, reader])})")
for (writer, reader), place in seen.items():
    expected = (1, 2, 3) if writer == reader else (1, -2, -3)
    if any(abs(a - b) > 0.01 for a, b in zip(place, expected)):
        sys.exit(f"changed: {writer} -> {reader} gives {place}, recorded was {expected}")
PYTHON
python3 "$work/check.py" "$work"
