"""Splats for tests: random clouds, a small room, and PLY files with whatever columns a test asks for."""

from pathlib import Path

import numpy as np

from lyra_sim.conventions import SH_C0
from lyra_sim.data.splats import Splats

STEP = 0.1
WIDTH, DEPTH, HEIGHT = 3.0, 2.4, 2.3
BOX_LOW, BOX_HIGH = (2.2, 1.6, 0.0), (2.8, 2.2, 0.8)


def cloud(count: int, *, degree: int = 0, seed: int = 0, reach: float = 3.0) -> Splats:
    """Splats all over, within what every format can hold."""
    rng = np.random.default_rng(seed)
    quats = rng.normal(size=(count, 4))
    return Splats(
        means=rng.uniform(-reach, reach, (count, 3)).astype(np.float32),
        quats_wxyz=(quats / np.linalg.norm(quats, axis=1, keepdims=True)).astype(np.float32),
        log_scales=rng.uniform(-7, -1, (count, 3)).astype(np.float32),
        opacity_logits=rng.uniform(-4, 5, count).astype(np.float32),
        sh_coeffs=np.concatenate(
            [rng.uniform(-1.5, 1.5, (count, 1, 3)), rng.uniform(-0.5, 0.5, (count, (degree + 1) ** 2 - 1, 3))], axis=1
        ).astype(np.float32),
    )


def room() -> Splats:
    """A closed room with a box in it as flat opaque splats on a grid, z up; the floor at z = 0."""
    faces = []
    for low, high in (((0.0, 0.0, 0.0), (WIDTH, DEPTH, HEIGHT)), (BOX_LOW, BOX_HIGH)):
        for axis in range(3):
            a, b = (k for k in range(3) if k != axis)
            u, v = np.meshgrid(np.arange(low[a] + STEP / 2, high[a], STEP), np.arange(low[b] + STEP / 2, high[b], STEP))
            for side in (low[axis], high[axis]):
                points = np.zeros((u.size, 3))
                points[:, axis], points[:, a], points[:, b] = side, u.ravel(), v.ravel()
                faces.append((points, axis))
    means = np.concatenate([points for points, _ in faces])
    log_scales = np.full((len(means), 3), np.log(0.07))
    thin = np.concatenate([np.full(len(points), axis) for points, axis in faces])
    log_scales[np.arange(len(means)), thin] = np.log(0.01)
    dc = 0.5 * np.sin(3 * means)[:, None, :]
    return Splats(
        means=means.astype(np.float32),
        quats_wxyz=np.tile(np.float32([1, 0, 0, 0]), (len(means), 1)),
        log_scales=log_scales.astype(np.float32),
        opacity_logits=np.full(len(means), np.log(0.96 / 0.04), np.float32),
        sh_coeffs=dc.astype(np.float32),
    )


def joined(*parts: Splats) -> Splats:
    names = ("means", "quats_wxyz", "log_scales", "opacity_logits", "sh_coeffs")
    return Splats(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def columns_of(splats: Splats) -> dict[str, np.ndarray]:
    """Columns of a 3DGS PLY without harmonics, by name."""
    table = dict(zip("xyz", splats.means.T, strict=True))
    table |= {f"f_dc_{i}": splats.sh_coeffs[:, 0, i] for i in range(3)}
    table["opacity"] = splats.opacity_logits
    table |= {f"scale_{i}": splats.log_scales[:, i] for i in range(3)}
    return table | {f"rot_{i}": splats.quats_wxyz[:, i] for i in range(4)}


def byte_colours(splats: Splats) -> dict[str, np.ndarray]:
    rgb = np.clip(np.round((0.5 + SH_C0 * splats.sh_coeffs[:, 0]) * 255), 0, 255).astype(np.uint8)
    return dict(zip(("red", "green", "blue"), rgb.T, strict=True))


def write_columns(path: Path, columns: dict[str, np.ndarray], *, order: str = "<", comments: tuple[str, ...] = ()) -> Path:
    """A PLY of these columns; ``order`` ``<``, ``>`` or ``text``."""
    names = {"f4": "float", "f8": "double", "u1": "uchar", "i4": "int"}
    types = {name: np.asarray(values).dtype.str[1:] for name, values in columns.items()}
    count = len(next(iter(columns.values())))
    table = np.zeros(count, [(name, ("<" if order == "text" else order) + code) for name, code in types.items()])
    for name, values in columns.items():
        table[name] = values
    kind = {"<": "binary_little_endian", ">": "binary_big_endian", "text": "ascii"}[order]
    header = ["ply", f"format {kind} 1.0", *(f"comment {text}" for text in comments), f"element vertex {count}"]
    header += [f"property {names[code]} {name}" for name, code in types.items()] + ["end_header", ""]
    body = "\n".join(" ".join(map(repr, row.tolist())) for row in table).encode() if order == "text" else table.tobytes()
    path.write_bytes("\n".join(header).encode() + body)
    return path


def matched(a: Splats, b: Splats) -> np.ndarray:
    """For every splat of ``a`` the row of ``b`` that is nearest; formats may reorder."""
    from scipy.spatial import cKDTree

    rows = cKDTree(b.means).query(a.means)[1]
    assert len(a) == len(b) == len(set(rows.tolist()))
    return rows


def degrees_apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Angles between rotations; from the chord, for near 1 the cosine has no digits left."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    chord = np.minimum(np.linalg.norm(a - b, axis=1), np.linalg.norm(a + b, axis=1))
    return np.degrees(4 * np.arcsin(np.minimum(chord / 2, 1)))
