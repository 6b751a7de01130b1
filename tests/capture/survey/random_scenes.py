"""Random scenes for the differ: the same surface written as GLB, USD, PLY or OBJ, with what each format can say of it.

Every scene is made of solids of known vertices that stand at random places; ``truth`` is computed here, from the matrices
alone, so that neither reader is the judge of the other.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.capture.survey.glb_writer import CUBE, CUBE_FACES, Glb

PALETTE = np.array([[0.8, 0.05, 0.05], [0.05, 0.7, 0.1], [0.1, 0.2, 0.9], [0.7, 0.7, 0.1], [0.2, 0.2, 0.2]])
WEDGE = np.array([[0, 0, 0], [2, 0, 0], [2, 1, 0], [0, 1, 0], [0, 0, 1], [0, 1, 1]], np.float64)
WEDGE_FACES = np.array([[0, 2, 1], [0, 3, 2], [0, 1, 4], [3, 5, 2], [0, 4, 5], [0, 5, 3], [1, 2, 5], [1, 5, 4]])
SOLIDS = ((CUBE - 0.5, CUBE_FACES), (WEDGE, WEDGE_FACES))


@dataclass(frozen=True)
class Standing:
    solid: int
    colour: int
    matrix: np.ndarray


@dataclass
class Truth:
    triangles: int = 0
    area: float = 0.0
    low: np.ndarray = field(default_factory=lambda: np.full(3, np.inf))
    high: np.ndarray = field(default_factory=lambda: np.full(3, -np.inf))
    volume: float = 0.0
    by_colour: dict[int, float] = field(default_factory=dict)


def matrices(rng: np.random.Generator, count: int, *, skew: bool) -> list[np.ndarray]:
    found = []
    for _ in range(count):
        quaternion = rng.normal(size=4)
        x, y, z, w = quaternion / np.linalg.norm(quaternion)
        turn = np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
            ]
        )
        scale = rng.uniform(0.3, 2.5, 3) * rng.choice([-1, 1], 3, p=[0.25, 0.75])
        matrix = np.eye(4)
        matrix[:3, :3] = turn * scale
        if skew and rng.random() < 0.3:
            matrix[:3, :3] = matrix[:3, :3] @ (np.eye(3) + np.triu(rng.uniform(-0.5, 0.5, (3, 3)), 1))
        matrix[:3, 3] = rng.uniform(-8, 8, 3)
        found.append(matrix)
    return found


def truth_of(standing: list[Standing], unit: float = 1.0) -> Truth:
    truth = Truth()
    for one in standing:
        vertices, faces = SOLIDS[one.solid]
        points = (vertices @ one.matrix[:3, :3].T + one.matrix[:3, 3])[faces] * unit
        normals = np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0])
        area = float(np.linalg.norm(normals, axis=1).sum() / 2)
        truth.triangles += len(faces)
        truth.area += area
        truth.low, truth.high = np.minimum(truth.low, points.min((0, 1))), np.maximum(truth.high, points.max((0, 1)))
        truth.volume += abs(float(np.einsum("fk,fk->f", points[:, 0], normals).sum() / 6))
        truth.by_colour[one.colour] = truth.by_colour.get(one.colour, 0.0) + area
    return truth


def standing_at_random(rng: np.random.Generator, *, skew: bool = True) -> list[Standing]:
    count = int(rng.integers(2, 14))
    return [
        Standing(int(rng.integers(len(SOLIDS))), int(rng.integers(len(PALETTE))), matrix)
        for matrix in matrices(rng, count, skew=skew)
    ]


def write_glb(rng: np.random.Generator, path: Path, *, shear: bool = True) -> tuple[list[Standing], set[str]]:
    """A GLB, and the extensions that it takes to read it. Parents, instances, quantized positions, textures.

    Without ``shear`` every node is a shift, a turn and a scale, which is all that Blender's objects can be.
    """
    standing = standing_at_random(rng, skew=shear)
    glb, used = Glb(), set()
    quantized, instanced, textured = rng.random(3) < [0.35, 0.4, 0.4]
    looks = []
    for rgb in PALETTE:
        if textured:
            size = 8
            pixels = np.full((size, size, 3), 255, np.uint8)
            pixels[: size // 2, size // 2 :] = _srgb(rgb)
            info = {
                "index": glb.texture(pixels),
                "extensions": {"KHR_texture_transform": {"offset": [0.5, 0], "scale": [0.5, 0.5]}},
            }
            looks.append(glb.material(texture=info))
            used.add("KHR_texture_transform")
        else:
            looks.append(glb.material(tuple(rgb)))
    meshes: dict[tuple[int, int], tuple[int, np.ndarray]] = {}
    for one in standing:
        key = (one.solid, one.colour)
        if key in meshes:
            continue
        vertices, faces = SOLIDS[one.solid]
        undo = np.eye(4)
        positions: np.ndarray | int = vertices
        if quantized:
            low, size = vertices.min(0), float(np.ptp(vertices, axis=0).max())
            stored = np.round((vertices - low) / size * 65535).astype("<u2")
            positions = glb.accessor(stored, normalized=True, min=stored.min(0).tolist(), max=stored.max(0).tolist())
            undo = np.diag([size, size, size, 1.0])
            undo[:3, 3] = low
            used.add("KHR_mesh_quantization")
        extra = {}
        if textured:
            extra["TEXCOORD_0"] = glb.accessor(np.full((len(vertices), 2), 0.5, "<f4"))
        meshes[key] = (glb.mesh(glb.primitive(positions, faces, looks[one.colour], **extra)), undo)
    groups: dict[tuple[int, int], list[np.ndarray]] = {}
    for one in standing:
        groups.setdefault((one.solid, one.colour), []).append(one.matrix)
    for key, held in groups.items():
        mesh, undo = meshes[key]
        for matrix in held:
            matrix = matrix @ undo
            if shear and rng.random() < 0.5:
                parent = matrices(rng, 1, skew=False)[0]
                inner = np.linalg.inv(parent) @ matrix
                child = glb.node(root=False, mesh=mesh, matrix=inner.T.reshape(-1).tolist())
                glb.node(children=[child], matrix=parent.T.reshape(-1).tolist())
            else:
                glb.node(mesh=mesh, matrix=matrix.T.reshape(-1).tolist())
    if instanced:  # a row of copies: shifts in the mesh's own frame
        one = standing[0]
        mesh, undo = meshes[(one.solid, one.colour)]
        shifts = np.concatenate([np.zeros((1, 3)), rng.uniform(-3, 3, (3, 3))]).astype("<f4")
        turns = np.tile([0, 0, 0, 1.0], (4, 1)).astype("<f4")
        told = {"TRANSLATION": glb.accessor(shifts), "ROTATION": glb.accessor(turns)}
        for shift in shifts:
            move = np.eye(4)
            move[:3, 3] = shift
            # instance matrices come before the mesh's own frame is undone, so they shift in stored units
            standing = [*standing, Standing(one.solid, one.colour, one.matrix @ undo @ move @ np.linalg.inv(undo))]
        glb.node(
            mesh=mesh,
            matrix=(one.matrix @ undo).T.reshape(-1).tolist(),
            extensions={"EXT_mesh_gpu_instancing": {"attributes": told}},
        )
        used.add("EXT_mesh_gpu_instancing")
    if used:
        glb.uses(*used)
    glb.save(path)
    return standing, used


def write_usd(rng: np.random.Generator, path: Path) -> tuple[list[Standing], float]:
    """A stage of meshes, references, point instancers and subsets in a random unit; its own frame is the truth's."""
    from pxr import Gf, Usd, UsdGeom, UsdShade, Vt

    unit = float(rng.choice([1.0, 0.01, 0.0254]))
    standing = standing_at_random(rng)
    stage = Usd.Stage.CreateNew(str(path))
    UsdGeom.SetStageMetersPerUnit(stage, unit)
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.z if rng.random() < 0.5 else UsdGeom.Tokens.y)
    looks = [_usd_look(stage, f"/Looks/m{k}", rgb) for k, rgb in enumerate(PALETTE)]

    def mesh(at: str, solid: int, colour: int, *, by_subset: bool) -> None:
        vertices, faces = SOLIDS[solid]
        left = rng.random() < 0.3
        made = UsdGeom.Mesh.Define(stage, at)
        made.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(vertices.astype(np.float32)))
        made.CreateFaceVertexCountsAttr([3] * len(faces))
        made.CreateFaceVertexIndicesAttr((faces[:, ::-1] if left else faces).ravel().tolist())
        made.CreateSubdivisionSchemeAttr("none")
        if left:
            made.CreateOrientationAttr(UsdGeom.Tokens.leftHanded)
        if not by_subset:
            UsdShade.MaterialBindingAPI.Apply(made.GetPrim()).Bind(looks[colour])
            return
        UsdShade.MaterialBindingAPI.Apply(made.GetPrim()).Bind(looks[(colour + 1) % len(looks)])
        subset = UsdGeom.Subset.CreateGeomSubset(made, "s", UsdGeom.Tokens.face, list(range(len(faces))), "materialBind")
        UsdShade.MaterialBindingAPI.Apply(subset.GetPrim()).Bind(looks[colour])

    def gf(matrix: np.ndarray) -> Gf.Matrix4d:
        return Gf.Matrix4d(*matrix.T.reshape(-1).tolist())

    extra = []
    for number, one in enumerate(standing):
        at = f"/World/t{number}"
        UsdGeom.Xform.Define(stage, at).AddTransformOp().Set(gf(one.matrix))
        mesh(f"{at}/m", one.solid, one.colour, by_subset=bool(rng.random() < 0.3))
        if rng.random() < 0.25:
            copy = matrices(rng, 1, skew=False)[0]
            prim = stage.DefinePrim(f"/World/copy{number}")
            prim.GetReferences().AddInternalReference(at)
            prim.SetInstanceable(bool(rng.random() < 0.5))
            outer = UsdGeom.Xform.Define(stage, f"/World/outer{number}")
            outer.AddTransformOp().Set(gf(copy))
            inner = stage.DefinePrim(f"/World/outer{number}/in")
            inner.GetReferences().AddInternalReference(at)
            extra += [Standing(one.solid, one.colour, one.matrix), Standing(one.solid, one.colour, copy @ one.matrix)]
    if rng.random() < 0.6:
        _instancer(rng, stage, mesh, extra)
    for k, (purpose, hidden) in enumerate(((UsdGeom.Tokens.guide, False), (UsdGeom.Tokens.proxy, False), ("default", True))):
        mesh(f"/World/out{k}", 0, 0, by_subset=False)
        out = UsdGeom.Imageable(stage.GetPrimAtPath(f"/World/out{k}"))
        out.CreatePurposeAttr(purpose)
        if hidden:
            out.MakeInvisible()
    stage.GetRootLayer().Save()
    return [*standing, *extra], unit


def _instancer(rng, stage, mesh, extra: list[Standing]) -> None:
    """Random copies of two prototypes, some of them switched off, perhaps within an instancer of instancers."""
    from pxr import Gf, UsdGeom, Vt

    def fill(at: str, targets: list[str], count: int) -> tuple[list[int], list[np.ndarray], list[bool]]:
        made = UsdGeom.PointInstancer.Define(stage, at)
        which = [int(k) for k in rng.integers(0, len(targets), count)]
        moves = rng.uniform(-5, 5, (count, 3))
        sizes = rng.uniform(0.5, 1.5, (count, 3)) * rng.choice([-1, 1], (count, 3), p=[0.2, 0.8])
        angles = rng.uniform(0, 6, count)
        made.CreatePrototypesRel().SetTargets(targets)
        made.CreateProtoIndicesAttr(which)
        made.CreatePositionsAttr(Vt.Vec3fArray.FromNumpy(moves.astype(np.float32)))
        made.CreateScalesAttr(Vt.Vec3fArray.FromNumpy(sizes.astype(np.float32)))
        turns = [Gf.Quatf(float(np.cos(a / 2)), Gf.Vec3f(0, 0, float(np.sin(a / 2)))) for a in angles]
        made.CreateOrientationsfAttr(turns)
        off = [int(k) for k in np.flatnonzero(rng.random(count) < 0.2)]
        made.CreateInvisibleIdsAttr(off)
        matrices_ = []
        for a, move, size in zip(angles, moves, sizes, strict=True):
            matrix = np.eye(4)
            c, s = np.cos(a), np.sin(a)
            matrix[:3, :3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) * size
            matrix[:3, 3] = move
            matrices_.append(matrix)
        return which, matrices_, [k not in off for k in range(count)]

    inner_at, outer_at = "/World/many", "/World/rows"
    for k in range(2):
        mesh(f"{inner_at}/Prototypes/p{k}", k, 1 + k, by_subset=False)
    which, inner, on = fill(inner_at, [f"{inner_at}/Prototypes/p{k}" for k in range(2)], int(rng.integers(2, 9)))
    shown = [(k, m) for k, m, yes in zip(which, inner, on, strict=True) if yes]
    extra += [Standing(k, 1 + k, m) for k, m in shown]
    if rng.random() < 0.5:
        _, outer, on = fill(outer_at, [inner_at], 3)
        extra += [Standing(k, 1 + k, o @ m) for o, yes in zip(outer, on, strict=True) if yes for k, m in shown]


def _usd_look(stage, at: str, rgb: np.ndarray):
    from pxr import Sdf, UsdShade

    material = UsdShade.Material.Define(stage, at)
    shader = UsdShade.Shader.Define(stage, f"{at}/s")
    shader.CreateIdAttr("UsdPreviewSurface")
    shader.CreateInput("diffuseColor", Sdf.ValueTypeNames.Color3f).Set(tuple(float(v) for v in rgb))
    material.CreateSurfaceOutput().ConnectToSource(shader.ConnectableAPI(), "surface")
    return material


def write_ply(rng: np.random.Generator, path: Path) -> list[Standing]:
    """One mesh of all solids with colours at the vertices, in one of the three encodings, faces as triangles or quads."""
    standing = standing_at_random(rng)
    vertices, faces, owner = _joined(standing)
    order = str(rng.choice(["ascii", "binary_little_endian", "binary_big_endian"]))
    mark = {"ascii": "=", "binary_little_endian": "<", "binary_big_endian": ">"}[order]
    double, counter = rng.random() < 0.5, str(rng.choice(["uchar", "int"]))
    head = ["ply", f"format {order} 1.0", "comment made by a test", f"element vertex {len(vertices)}"]
    head += [f"property {'double' if double else 'float'} {name}" for name in "xyz"]
    extra = rng.random() < 0.5
    head += ["property float quality"] if extra else []
    head += [f"property uchar {name}" for name in ("red", "green", "blue")]
    head += [f"element face {len(faces)}", f"property list {counter} int vertex_indices", "end_header"]
    rgb = _srgb(PALETTE)[owner]
    kinds = [("xyz", mark + ("f8" if double else "f4"), (3,))] + ([("q", mark + "f4")] if extra else []) + [("rgb", "u1", (3,))]
    rows = np.zeros(len(vertices), np.dtype(kinds))
    rows["xyz"], rows["rgb"] = vertices, rgb
    lists = np.zeros(len(faces), np.dtype([("n", mark + {"uchar": "u1", "int": "i4"}[counter]), ("i", mark + "i4", (3,))]))
    lists["n"], lists["i"] = 3, faces
    with path.open("wb") as stream:
        stream.write(("\n".join(head) + "\n").encode())
        if order == "ascii":
            middle = " 0.5" if extra else ""
            for p, c in zip(rows["xyz"].tolist(), rgb.tolist(), strict=True):
                stream.write((" ".join(f"{v:.9g}" for v in p) + middle + " " + " ".join(map(str, c)) + "\n").encode())
            stream.write(("".join(f"3 {a} {b} {c}\n" for a, b, c in faces.tolist())).encode())
        else:
            stream.write(rows.tobytes() + lists.tobytes())
    return standing


def write_obj(rng: np.random.Generator, path: Path) -> list[Standing]:
    """Groups with materials; indices from the start or back from the end, with or without the other parts of a corner."""
    standing = standing_at_random(rng)
    lines, start = [f"mtllib {path.stem}.mtl"], 1
    style = int(rng.integers(4))
    for number, one in enumerate(standing):
        vertices, faces = SOLIDS[one.solid]
        placed = vertices @ one.matrix[:3, :3].T + one.matrix[:3, 3]
        order = faces if np.linalg.det(one.matrix[:3, :3]) > 0 else faces[:, ::-1]
        lines += [f"o part{number}", *(f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in placed)]
        lines += ["vt 0.5 0.5", "vn 0 0 1"]
        lines.append(f"usemtl m{one.colour}")
        for face in order:
            names = [k - len(vertices) for k in face] if style == 1 else [k + start for k in face]
            corner = {0: "{}", 1: "{}", 2: "{}/1/1", 3: "{}//1"}[style]
            lines.append("f " + " ".join(corner.format(k) for k in names))
        start += len(vertices)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    looks = [f"newmtl m{k}\nKd {' '.join(f'{v / 255:.6f}' for v in _srgb(rgb))}\n" for k, rgb in enumerate(PALETTE)]
    path.with_suffix(".mtl").write_text("\n".join(looks), encoding="utf-8")
    return standing


def _joined(standing: list[Standing]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    vertices, faces, owner, start = [], [], [], 0
    for one in standing:
        points, corners = SOLIDS[one.solid]
        vertices.append(points @ one.matrix[:3, :3].T + one.matrix[:3, 3])
        faces.append((corners if np.linalg.det(one.matrix[:3, :3]) > 0 else corners[:, ::-1]) + start)
        owner.append(np.full(len(points), one.colour))
        start += len(points)
    return np.concatenate(vertices), np.concatenate(faces), np.concatenate(owner)


def _srgb(linear: np.ndarray) -> np.ndarray:
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.round(encoded * 255).astype(np.uint8)


def shown_palette() -> np.ndarray:
    """Bytes of the palette's colours."""
    return _srgb(PALETTE)
