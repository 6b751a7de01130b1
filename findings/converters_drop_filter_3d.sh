#!/usr/bin/env bash
# A Mip-Splatting PLY loses filter_3D on its way to SPZ, SOG or compressed PLY: sheets that hardly show become walls.
#
# One expects: a converter keeps what a splat looks like, bakes filter_3D in, or says that it dropped a property. Mip-Splatting (and
# GOF) keep raw scales and opacities beside filter_3D; what they draw is scale sqrt(s^2 + f^2) and opacity times
# sqrt(prod s^2 / prod(s^2 + f^2)).
# What happens: splat-transform copies the property from PLY to PLY, and drops it without a word into every packed kind; gsply reads
# such a PLY without it and writes SPZ from the raw values. A sheet drawn at 3 % opacity comes out at 97 %.
# Export by the trainer's own create_fused_ply, or fold the property in, before converting.
# Versions: @playcanvas/splat-transform 3.7.0 (npm), Node 20; gsply 0.4.6, numpy 2.4.6 (PyPI), Python 3.11. Source: measured here.
#
# Output seen:
#   as Mip-Splatting draws it                    opacity 0.029, thickness 0.0100
#   splat-transform in.ply out.spz               opacity 0.969, thickness 0.0003, printed: nothing of it
#   splat-transform in.ply out.sog               opacity 0.969, thickness 0.0003, printed: nothing of it
#   splat-transform in.ply out.compressed.ply    opacity 0.969, thickness 0.0003, printed: nothing of it
#   gsply plyread, write_spz, read_spz           opacity 0.969, thickness 0.0003
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund "@playcanvas/splat-transform@3.7.0" >/dev/null 2>&1
python3.11 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check "gsply==0.4.6" "numpy==2.4.6" 2>/dev/null
cat > check.py <<'PYTHON'
import subprocess, sys
import numpy as np
import gsply

names = "x y z f_dc_0 f_dc_1 f_dc_2 opacity scale_0 scale_1 scale_2 rot_0 rot_1 rot_2 rot_3 filter_3D".split()
size, filtered, opacity = np.array([0.09, 0.09, 0.0003]), 0.01, 0.97
rows = np.zeros((300, len(names)), "<f4")
rows[:, :3] = np.random.default_rng(0).uniform(-1, 1, (300, 3))
rows[:, 6], rows[:, 7:10], rows[:, 10], rows[:, 14] = np.log(opacity / (1 - opacity)), np.log(size), 1, filtered
head = f"ply\nformat binary_little_endian 1.0\nelement vertex {len(rows)}\n" + "".join(f"property float {name}\n" for name in names)
open("in.ply", "wb").write((head + "end_header\n").encode() + rows.tobytes())


def told(what, found, thickness, printed=""):
    print(f"{what:<44} opacity {found:.3f}, thickness {thickness:.4f}" + printed)
    return found


def first_of(path):
    head, _, body = open(path, "rb").read().partition(b"end_header\n")
    columns = [line.split()[-1] for line in head.decode().splitlines() if line.startswith("property float")]
    row = dict(zip(columns, np.frombuffer(body, "<f4").reshape(-1, len(columns))[0]))
    return 1 / (1 + np.exp(-row["opacity"])), np.exp(row["scale_2"])


wide = np.sqrt(size**2 + filtered**2)
told("as Mip-Splatting draws it", opacity * np.sqrt((size**2).prod() / (wide**2).prod()), wide[2])
tool, wrong = "node_modules/.bin/splat-transform", []
for name in ("out.spz", "out.sog", "out.compressed.ply"):
    done = subprocess.run([tool, "-g", "cpu", "in.ply", name], check=True, capture_output=True, text=True)
    subprocess.run([tool, "-q", "-w", name, "back.ply"], check=True)
    said = "filter" in (done.stdout + done.stderr).lower()
    printed = ", printed: " + ("a word on the filter" if said else "nothing of it")
    wrong.append(not said and told(f"splat-transform in.ply {name}", *first_of("back.ply"), printed) > 0.9)
gsply.write_spz("gsply.spz", gsply.plyread("in.ply"))
back = gsply.read_spz("gsply.spz")
shown = 1 / (1 + np.exp(-float(np.ravel(back.opacities)[0]))), float(np.exp(back.scales[0, 2]))
wrong.append(told("gsply plyread, write_spz, read_spz", *shown) > 0.9)
if not all(wrong):
    sys.exit("changed: one of them keeps the filter, or speaks of it")
PYTHON
venv/bin/python check.py
