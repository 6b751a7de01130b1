"""The scene that other people's tools packed into ``packed/``.

``python -m tests.capture.survey.packed_source OUT.glb [strip|ball]`` writes it.

A bumpy sheet with a texture and two copies, one of them mirrored and one turned; two cubes with colours at their corners.
"""

import sys
from pathlib import Path

import numpy as np

from tests.capture.survey.glb_writer import CUBE, CUBE_FACES, Glb

SIDE = 10
TURN = [0.1830127, 0.5, 0.1830127, 0.8267947]


def sheet() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices, faces and texture coordinates."""
    u, v = np.meshgrid(np.linspace(0, 1, SIDE), np.linspace(0, 1, SIDE))
    height = 0.2 * np.sin(7 * u) * np.cos(5 * v)
    k = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    a, b, c, d = (part.ravel() for part in (k[:-1, :-1], k[:-1, 1:], k[1:, 1:], k[1:, :-1]))
    faces = np.concatenate([np.stack([a, c, b], 1), np.stack([a, d, c], 1)])
    return np.stack([3 * u, height, 2 * v], -1).reshape(-1, 3), faces, np.stack([u, v], -1).reshape(-1, 2)


def source() -> Glb:
    glb = Glb()
    vertices, faces, uv = sheet()
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[:8, :8], pixels[:8, 8:], pixels[8:, :8], pixels[8:, 8:] = (220, 30, 30), (30, 200, 30), (40, 60, 220), (230, 220, 40)
    look = glb.material(texture={"index": glb.texture(pixels)})
    bumpy = glb.mesh(glb.primitive(vertices, faces, look, TEXCOORD_0=glb.accessor(uv.astype("<f4"))))
    glb.node(mesh=bumpy)
    glb.node(mesh=bumpy, translation=[5, 0.5, 0], scale=[-1, 1, 1.5])
    glb.node(mesh=bumpy, translation=[0, 1, 6], rotation=TURN)
    colours = np.concatenate([CUBE, np.ones((8, 1))], axis=1).astype("<f4")
    cube = glb.mesh(glb.primitive(CUBE, CUBE_FACES, glb.material((0.9, 0.8, 0.7)), COLOR_0=glb.accessor(colours)))
    glb.node(mesh=cube, translation=[-2, 0, 0])
    glb.node(mesh=cube, translation=[-2, 0, 3], scale=[1, 2, 1])
    return glb


def strip_source() -> Glb:
    """One triangle strip: what isn't a list is packed as indices, not as triangles."""
    glb = Glb()
    n = 40
    u = np.repeat(np.linspace(0, 1, n), 2)
    vertices = np.stack([4 * u, 0.3 * np.sin(9 * u), np.tile([0.0, 1.0], n)], axis=1)
    entry = glb.primitive(vertices, glb.indices(np.arange(2 * n), "<u2"), glb.material((0.2, 0.5, 0.8)))
    glb.node(mesh=glb.mesh({**entry, "mode": 5}))
    return glb


def ball_source() -> Glb:
    """A ball of radius 1 with its normals, which point everywhere; packed, they go through the octahedral filter."""
    glb = Glb()
    rings, around = 9, 16
    polar, turn = np.meshgrid(np.linspace(0.1, np.pi - 0.1, rings), np.arange(around) * 2 * np.pi / around, indexing="ij")
    points = np.stack([np.sin(polar) * np.cos(turn), np.cos(polar), np.sin(polar) * np.sin(turn)], axis=-1).reshape(-1, 3)
    k = np.arange(rings * around).reshape(rings, around)
    a, b, c, d = (part.ravel() for part in (k[:-1], np.roll(k, -1, 1)[:-1], np.roll(k, -1, 1)[1:], k[1:]))
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    entry = glb.primitive(points, faces, glb.material((0.4, 0.4, 0.4)), NORMAL=glb.accessor(points.astype("<f4")))
    glb.node(mesh=glb.mesh(entry))
    return glb


SOURCES = {"strip": strip_source, "ball": ball_source}

if __name__ == "__main__":
    SOURCES.get("".join(sys.argv[2:3]), source)().save(Path(sys.argv[1]))
