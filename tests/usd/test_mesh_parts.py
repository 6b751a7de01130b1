"""Cutting the closed mesh: nothing lost, one fan a vertex, sharp corners, and the shell told from what is in the room."""

import numpy as np
import pytest

from lyra_sim.data.colliders import LABELS
from lyra_sim.data.mesh import TriMesh
from lyra_sim.errors import GeometryError
from lyra_sim.meshing.surface import is_closed_manifold, signed_volume
from lyra_sim.usd.degeneracies import NUDGE, with_parted_vertices, without_caps, without_needles
from lyra_sim.usd.mesh_parts import crease_normals, outer_shell, split_by_label
from tests.boxes import box_mesh
from tests.usd.worlds import World


def closed(boxes: list[tuple[list[float], list[float]]], inverted: list[bool], seen: list[bool]) -> TriMesh:
    vertices, faces = box_mesh([(np.array(low), np.array(high)) for low, high in boxes])
    faces = faces.reshape(len(boxes), -1, 3)
    turned = [rows[:, ::-1] if flip else rows for rows, flip in zip(faces, inverted, strict=True)]
    return TriMesh(
        vertices=vertices,
        faces=np.ascontiguousarray(np.concatenate(turned)),
        colors=np.full((len(vertices), 3), 128, np.uint8),
        face_seen=np.repeat(np.array(seen), 12),
    )


def test_shell_is_the_outside_around_a_cavity_and_nothing_else() -> None:
    """A flat with a lump in it and a room within the room: only the outermost surface is the shell, seen or not."""
    boxes = [
        ([-1, -1, -1], [9, 9, 4]),
        ([0, 0, 0], [8, 8, 3]),
        ([1, 1, 1], [2, 2, 2]),
        ([4, 4, 0.5], [7, 7, 2.5]),
        ([5, 5, 1], [6, 6, 2]),
    ]
    mesh = closed(boxes, inverted=[False, True, False, False, True], seen=[True, True, False, True, True])
    np.testing.assert_array_equal(outer_shell(mesh), np.repeat([True, False, False, False, False], 12))
    parts = {part.name: part for part in split_by_label(mesh, np.ones(60, np.uint8))}
    assert {name: len(part.faces) for name, part in parts.items()} == {"wall": 36, "unseen": 12, "outer_shell": 12}


def test_parts_are_edge_and_vertex_manifold(small_world: World) -> None:
    """Labels scattered at random leave fans that touch in points; none may remain, and no face may be lost."""
    from usd_validation_nvidia._mesh_tools import check_manifold_elements

    labels = np.random.default_rng(1).integers(0, len(LABELS), len(small_world.mesh.faces)).astype(np.uint8)
    parts = split_by_label(small_world.mesh, labels)
    assert sum(len(part.faces) for part in parts) == len(small_world.mesh.faces)
    torn = 0
    for part in parts:
        bad_vertices, bad_edges, consistent = check_manifold_elements(
            len(part.vertices), part.faces.ravel(), np.full(len(part.faces), 3)
        )
        assert (bad_vertices, bad_edges, consistent) == (0, 0, True)
        assert len(np.unique(part.vertices, axis=0)) == len(part.vertices)
        torn += len(part.vertices) - len(np.unique(np.round(part.vertices, 4), axis=0))
    assert torn > 50  # the case is there to be handled


def test_box_corners_stay_sharp_and_a_fine_sphere_is_smooth() -> None:
    import trimesh

    vertices, faces = box_mesh([(np.zeros(3), np.ones(3))])
    normals = crease_normals(vertices, faces)
    t = vertices[faces]
    flat = np.cross(t[:, 1] - t[:, 0], t[:, 2] - t[:, 0])
    np.testing.assert_allclose(normals, np.repeat(flat[:, None], 3, axis=1), atol=1e-6)
    ball = trimesh.creation.icosphere(subdivisions=4)
    smooth = crease_normals(ball.vertices.astype(np.float32), ball.faces.astype(np.int32))
    np.testing.assert_allclose(smooth, ball.vertices[ball.faces], atol=0.02)


def test_degenerate_faces_are_left_out() -> None:
    mesh = closed([([0, 0, 0], [1, 1, 1])], inverted=[False], seen=[True])
    faces = np.concatenate([mesh.faces, [[0, 0, 1]]]).astype(np.int32)
    with_sliver = TriMesh(vertices=mesh.vertices, faces=faces, colors=mesh.colors, face_seen=np.ones(13, bool))
    (part,) = split_by_label(with_sliver, np.zeros(13, np.uint8))
    assert len(part.faces) == 12
    assert np.isfinite(part.corner_normals).all()


def test_caps_are_flipped_and_the_surface_stays_closed() -> None:
    """A box with a vertex on the middle of an edge, filled with a zero-area triangle, as coplanar merging leaves it."""
    mesh = closed([([0, 0, 0], [1, 1, 1])], inverted=[False], seen=[True])
    a, b, third = mesh.faces[0].tolist()  # split this face's first edge with a new vertex, but leave the neighbour whole
    vertices = np.concatenate([mesh.vertices, mesh.vertices[[a, b]].mean(axis=0, keepdims=True)])
    faces = np.concatenate([mesh.faces[1:], [[a, 8, third], [8, b, third], [a, b, 8]]]).astype(np.int32)
    capped = TriMesh(vertices=vertices, faces=faces, colors=np.zeros((9, 3), np.uint8), face_seen=np.arange(14) < 13)
    labels = np.full(14, LABELS.index("wall"), np.uint8)
    labels[13] = LABELS.index("clutter")
    assert (capped.face_areas() == 0).sum() == 1
    assert is_closed_manifold(capped.vertices, capped.faces)
    corner_uv = np.full((14, 3, 2), np.nan, np.float32)
    neighbour = next(i for i, face in enumerate(faces[:11].tolist()) if {a, b} <= set(face))
    corner_uv[neighbour] = vertices[faces[neighbour]] @ np.array([[1, 0], [0.5, 1], [0.25, 2]], np.float32)
    flat, new_labels, uv = without_caps(capped, labels, corner_uv)
    assert (flat.face_areas() > 0.1).all()
    assert is_closed_manifold(flat.vertices, flat.faces)
    assert signed_volume(flat.vertices, flat.faces) == pytest.approx(1.0)
    assert (new_labels == LABELS.index("wall")).all()
    assert flat.face_seen.all()
    mapped = flat.vertices[flat.faces[[neighbour, 13]]] @ np.array([[1, 0], [0.5, 1], [0.25, 2]], np.float32)
    np.testing.assert_allclose(uv[[neighbour, 13]], mapped, atol=1e-6)  # the neighbour's linear map, on both halves


def split_edge(offset: np.ndarray) -> TriMesh:
    """A box whose first edge runs through a vertex in its middle that is doubled, the twin ``offset`` away.

    Two slivers lie between the twins, as where a mesh made in double precision is rounded to single.
    """
    mesh = closed([([0, 0, 0], [1, 1, 1])], inverted=[False], seen=[True])
    a, b, tip = mesh.faces[0].tolist()
    other = next(i for i, face in enumerate(mesh.faces.tolist()) if i > 0 and {a, b} <= set(face))
    tip_2 = int(mesh.faces[other].sum()) - a - b
    middle = mesh.vertices[[a, b]].mean(axis=0)
    vertices = np.concatenate([mesh.vertices, [middle, middle + offset]]).astype(np.float32)
    whole = np.delete(mesh.faces, [0, other], axis=0)
    new = [[a, 8, tip], [8, 9, tip], [9, b, tip], [8, a, tip_2], [9, 8, tip_2], [b, 9, tip_2]]
    faces = np.concatenate([whole, new]).astype(np.int32)
    return TriMesh(
        vertices=vertices, faces=faces, colors=np.arange(30, dtype=np.uint8).reshape(10, 3), face_seen=np.ones(16, bool)
    )


def test_needles_are_collapsed_and_the_surface_stays_closed() -> None:
    mesh = split_edge(np.array([3e-7, 1e-7, 2e-7]))
    assert is_closed_manifold(mesh.vertices, mesh.faces)
    labels, uv = np.arange(16, dtype=np.uint8) % 3, np.arange(96, dtype=np.float32).reshape(16, 3, 2)
    clean, clean_labels, clean_uv = without_needles(mesh, labels, uv)
    assert (len(clean.vertices), len(clean.faces)) == (9, 14)
    assert is_closed_manifold(clean.vertices, clean.faces)
    assert signed_volume(clean.vertices, clean.faces) == pytest.approx(1.0, abs=1e-6)
    assert clean.face_areas().min() > 0.1
    kept = [*range(11), 12, 13, 15]  # all but the slivers, which were made second and fifth of the six
    np.testing.assert_array_equal(clean_labels, labels[kept])
    np.testing.assert_array_equal(clean_uv, uv[kept])
    np.testing.assert_array_equal(clean.colors, mesh.colors[:9])


def test_only_needles_are_collapsed() -> None:
    mesh = split_edge(np.array([1e-4, 0, 0]))
    labels, uv = np.zeros(16, np.uint8), np.zeros((16, 3, 2), np.float32)
    assert without_needles(mesh, labels, uv)[0] is mesh


def test_an_edge_whose_collapse_would_pinch_the_surface_stays() -> None:
    """A flat tetrahedron: without its short edge, two faces back to back would be left."""
    height = 4e-7
    vertices = np.array([[0, 0, 0], [0, 0, height], [1, 0, 0], [0, 1, 0]], np.float32)
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.int32)
    mesh = TriMesh(vertices=vertices, faces=faces, colors=np.zeros((4, 3), np.uint8), face_seen=np.ones(4, bool))
    assert is_closed_manifold(vertices, faces)
    kept, _, _ = without_needles(mesh, np.zeros(4, np.uint8), np.zeros((4, 3, 2), np.float32))
    assert kept is mesh


def test_boxes_that_touch_along_an_edge_are_parted() -> None:
    mesh = closed([([0, 0, 0], [1, 1, 1]), ([1, 1, 0], [2, 2, 1])], inverted=[False, False], seen=[True, True])
    assert len(np.unique(mesh.vertices, axis=0)) == 14
    parted = with_parted_vertices(mesh)
    assert len(np.unique(parted.vertices, axis=0)) == 16
    moves = np.linalg.norm(parted.vertices - mesh.vertices, axis=1)
    np.testing.assert_allclose(np.sort(moves), [0] * 12 + [NUDGE] * 4, rtol=0.05)
    assert signed_volume(parted.vertices, parted.faces) == pytest.approx(2.0, abs=1e-4)
    untouched = closed([([0, 0, 0], [1, 1, 1])], inverted=[False], seen=[True])
    assert with_parted_vertices(untouched) is untouched


def test_labels_must_fit_the_mesh(small_world: World) -> None:
    with pytest.raises(GeometryError, match="one a face"):
        split_by_label(small_world.mesh, np.zeros(3, np.uint8))
    with pytest.raises(GeometryError, match="label 9"):
        split_by_label(small_world.mesh, np.full(len(small_world.mesh.faces), 9, np.uint8))
