"""What tests ask of a read mesh, computed from its arrays alone."""

import numpy as np

from lyra_sim.data.given import PaintedMesh


def corners(mesh: PaintedMesh) -> np.ndarray:
    return mesh.vertices[mesh.faces]


def normals(mesh: PaintedMesh) -> np.ndarray:
    """Twice the area long."""
    points = corners(mesh)
    return np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0])


def areas(mesh: PaintedMesh) -> np.ndarray:
    return np.linalg.norm(normals(mesh), axis=1) / 2


def bounds(mesh: PaintedMesh) -> np.ndarray:
    return np.stack([corners(mesh).min(axis=(0, 1)), corners(mesh).max(axis=(0, 1))])


def volume(mesh: PaintedMesh) -> float:
    """Of closed parts; positive where they are wound outward."""
    return float(np.einsum("fk,fk->f", corners(mesh)[:, 0], normals(mesh)).sum() / 6)


def colours(mesh: PaintedMesh) -> np.ndarray:
    """Display-referred colour in the middle of every face: (f, 3), 0..255."""
    rgb = mesh.corner_rgb.astype(np.float64).mean(axis=1)
    middle = mesh.uv.astype(np.float64).mean(axis=1)
    for index, image in enumerate(mesh.images):
        of_it = mesh.image_index == index
        height, width = image.shape[:2]
        column = np.floor(middle[of_it, 0] * width).astype(int) % width
        row = np.floor((1 - middle[of_it, 1]) * height).astype(int) % height
        rgb[of_it] *= image[row, column] / 255.0
    return rgb


def area_of(mesh: PaintedMesh, rgb: tuple[int, int, int], *, within: float = 3.0) -> float:
    """Area of the faces of one colour."""
    return float(areas(mesh)[(np.abs(colours(mesh) - rgb) <= within).all(axis=1)].sum())
