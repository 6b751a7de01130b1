"""What each kind of splat file keeps: the table of docs/splat_files.md.

    python benchmarks/splat_files.py

20,000 splats of a room with walls 2 mm thin (1 sigma) and harmonics of degree 3, written and read again. Rotations are looked
at as the thin axis leans, which is what a wall shows. Equal on every machine but for the last digit.
"""

import tempfile
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from lyra_sim.conventions import SH_C0
from lyra_sim.data.splats import Splats
from lyra_sim.splat_files.reading import read_splats
from lyra_sim.splat_files.space_order import space_order
from lyra_sim.splat_files.writing import write_splats

COUNT = 20_000
FILES = (
    ("room.ply", 3),
    ("room.compressed.ply", 3),
    ("2.spz", 2),
    ("3.spz", 3),
    ("4.spz", 4),
    ("room.sog", 3),
    ("room.splat", 3),
)
HEAD = ("file", "bytes a splat", "position, worst", "thin axis leans, median", "worst", "log scale, worst")
HEAD += ("opacity, worst", "colour, worst of 255", "harmonics, rms of their own")


def thin_room() -> Splats:
    """Walls of a room of 6 x 5 x 2.6 m, turned anyhow in their own plane, harmonics of a few materials with noise."""
    rng = np.random.default_rng(0)
    size = np.array([6.0, 5.0, 2.6])
    axis = rng.integers(0, 3, COUNT)
    means = rng.uniform(0, 1, (COUNT, 3))
    means[np.arange(COUNT), axis] = rng.integers(0, 2, COUNT)
    towards = Rotation.from_rotvec(np.array([[0, np.pi / 2, 0], [-np.pi / 2, 0, 0], [0, 0, 0]])[axis])
    tilt = Rotation.from_rotvec(rng.normal(0, 0.05, (COUNT, 3)))
    turns = tilt * towards * Rotation.from_rotvec(rng.uniform(-np.pi, np.pi, COUNT)[:, None] * [0, 0, 1])
    scales = np.stack([rng.uniform(0.01, 0.08, COUNT), rng.uniform(0.01, 0.08, COUNT), np.full(COUNT, 0.002)], axis=1)
    materials = rng.normal(0, 0.15, (12, 15, 3))
    rest = materials[rng.integers(0, 12, COUNT)] + rng.normal(0, 0.04, (COUNT, 15, 3))
    dc = rng.uniform(-1.2, 1.2, (COUNT, 1, 3))
    return Splats(
        means=(means * size).astype(np.float32),
        quats_wxyz=turns.as_quat(scalar_first=True).astype(np.float32),
        log_scales=np.log(scales).astype(np.float32),
        opacity_logits=rng.uniform(-3, 5, COUNT).astype(np.float32),
        sh_coeffs=np.concatenate([dc, rest], axis=1).astype(np.float32),
    )


def row(splats: Splats, path: Path, version: int) -> tuple[str, ...]:
    """One row of the table."""
    write_splats(splats, path, spz_version=version)
    read = read_splats(path)
    back = read.splats
    if read.kind in ("compressed PLY", "SOG"):  # both are written in this order
        splats = splats.select(space_order(splats.means))
    elif read.kind == ".splat":  # whose positions are exact
        back = back.select(cKDTree(back.means).query(splats.means)[1])
    axes = [Rotation.from_quat(one.quats_wxyz, scalar_first=True).as_matrix()[:, :, 2] for one in (splats, back)]
    lean = np.degrees(np.arcsin(np.clip(np.linalg.norm(np.cross(*axes), axis=1), 0, 1)))
    colour = np.abs(back.sh_coeffs[:, 0] - splats.sh_coeffs[:, 0]).max() * SH_C0 * 255
    rest = splats.sh_coeffs[:, 1:]
    kept = np.zeros_like(rest)
    kept[:, : back.sh_coeffs.shape[1] - 1] = back.sh_coeffs[:, 1:]
    return (
        read.notes.format,
        f"{path.stat().st_size / len(splats):.0f}",
        f"{1000 * np.abs(back.means - splats.means).max():.2g} mm",
        f"{np.median(lean):.2f}°",
        f"{lean.max():.1f}°",
        f"{np.abs(back.log_scales - splats.log_scales).max():.3f}",
        f"{np.abs(back.opacities - splats.opacities).max():.3f}",
        f"{colour:.1f}",
        f"{100 * np.sqrt(((kept - rest) ** 2).mean() / (rest**2).mean()):.0f} %",
    )


def main() -> None:
    splats = thin_room()
    print("| " + " | ".join(HEAD) + " |\n" + "|---" * len(HEAD) + "|")
    with tempfile.TemporaryDirectory() as folder:
        for name, version in FILES:
            print("| " + " | ".join(row(splats, Path(folder) / name, version)) + " |")


if __name__ == "__main__":
    main()
