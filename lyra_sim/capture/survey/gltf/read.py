"""A glTF scene as one painted mesh, with an account of everything in the file."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from lyra_sim.capture.survey.gltf.accessors import Accessors
from lyra_sim.capture.survey.gltf.extensions import check_required
from lyra_sim.capture.survey.gltf.file import GltfFile
from lyra_sim.capture.survey.gltf.looks import Look, Looks
from lyra_sim.capture.survey.gltf.nodes import Placed, Placement, placed
from lyra_sim.capture.survey.gltf.primitives import MODES, TRIANGLES, Shape, shape_of, triangle_count
from lyra_sim.capture.survey.gltf.skins import posed
from lyra_sim.capture.survey.painting import ReadMesh, check_count, finished, flipped, painted
from lyra_sim.conventions import srgb_bytes_from_linear
from lyra_sim.data.given import LeftOut, PaintedMesh, ReadingNotes
from lyra_sim.errors import InputError

MOST_NAMED = 3
"""Broken images that are named one by one. Convention."""


def read_gltf(path: Path) -> ReadMesh:
    """All triangles of the scene that the file opens with, in metres, y up (glTF 2.0, 3.4).

    Raises:
        InputError: The file is broken, requires what isn't known, or holds no triangle with an area.
    """
    return _Reader(path).read()


class _Reader:
    def __init__(self, path: Path) -> None:
        self.file = GltfFile(path)
        self.remarks = list(check_required(self.file))
        self.accessors = Accessors(self.file)
        self.looks = Looks(self.file, self.accessors)
        self.held: Counter[str] = Counter()
        self.taken: Counter[str] = Counter()
        self.modes: Counter[int] = Counter()
        self.unshown: Counter[str] = Counter()
        self.materials: set[Any] = set()
        self.shapes: dict[tuple[int, int], Shape] = {}
        self.mixed = self.unmapped = self.clamped = 0

    def read(self) -> ReadMesh:
        shown = placed(self.file, self.accessors)
        self._count(shown)
        parts: list[PaintedMesh] = []
        dropped = 0
        for placement in shown.placements:
            for part, lost in self._parts(placement, shown):
                dropped += lost
                parts += [part] if part is not None else []
        self.taken["triangles"] = sum(len(part.faces) for part in parts)
        notes = self._notes(shown, dropped)
        if not parts and notes.left_out:
            raise InputError(
                str(self.file.path),
                "no triangle to build from: " + "; ".join(map(str, notes.left_out)),
                expected="a triangle mesh",
            )
        mesh = finished(self.file.path, parts, dropped)
        return ReadMesh(mesh=mesh, metres_per_unit=1.0, up="y", source="glTF", dropped=dropped, notes=notes)

    def _primitives(self, mesh: Any, named_by: str) -> list[dict[str, Any]]:
        held = self.file.listed(self.file.item("meshes", mesh, named_by=named_by), "primitives", f"meshes[{mesh}]")
        if not all(isinstance(one, dict) for one in held):
            raise self.file.broken(f"meshes[{mesh}]", "a primitive isn't an object")
        return held

    def _mode(self, primitive: dict[str, Any], where: str) -> int:
        return self.file.whole(primitive, "mode", where, default=4, most=len(MODES) - 1)

    def _count(self, shown: Placed) -> None:
        """Count what the scene holds before any of it is unpacked: instances of instances are the cheapest bomb."""
        copies: Counter[Any] = Counter()
        named_by: dict[Any, str] = {}
        for placement in shown.placements:
            if not isinstance(placement.mesh, int):
                raise self.file.broken(f"nodes[{placement.node}]", f"its mesh is {placement.mesh!r}")
            copies[placement.mesh] += placement.count
            named_by.setdefault(placement.mesh, f"nodes[{placement.node}]")
        total = 0
        for mesh, count in copies.items():
            for number, primitive in enumerate(self._primitives(mesh, named_by[mesh])):
                where = f"meshes[{mesh}].primitives[{number}]"
                mode = self._mode(primitive, where)
                self.modes[mode] += count
                if mode in TRIANGLES:
                    total += count * triangle_count(self.file, self.accessors, primitive, mode, where)
        check_count(self.file.path, total)
        self.held["triangles"] = total
        self.held["nodes with geometry"] = len(shown.placements) + shown.invisible + shown.elsewhere
        self.taken["nodes with geometry"] = len(shown.placements)
        self.held["primitives"] = sum(self.modes.values())
        self.taken["primitives"] = sum(count for mode, count in self.modes.items() if mode in TRIANGLES)
        self.held["materials"], self.held["textures"] = len(self.file.items("materials")), len(self.file.items("textures"))
        self.held["instances"] = self.taken["instances"] = sum(one.count for one in shown.placements)

    def _parts(self, placement: Placement, shown: Placed) -> list[tuple[PaintedMesh | None, int]]:
        found = []
        for number, primitive in enumerate(self._primitives(placement.mesh, f"nodes[{placement.node}]")):
            where = f"meshes[{placement.mesh}].primitives[{number}]"
            mode = self._mode(primitive, where)
            if mode not in TRIANGLES:
                continue
            key = (placement.mesh, number)
            if key not in self.shapes:
                self.shapes[key] = shape_of(self.file, self.accessors, primitive, mode, where)
            material = primitive.get("material")
            self.materials.add(material)
            look = self.looks.of(material)
            vertices, matrices = posed(
                self.file, self.accessors, placement, primitive, self.shapes[key], shown.world_from_node, self.unshown, where
            )
            rgb, uv = self._colours(self.shapes[key], look)
            faces = self.shapes[key].faces
            for matrix in matrices:
                with np.errstate(over="ignore", invalid="ignore"):
                    world = vertices @ matrix[:3, :3].T + matrix[:3, 3]
                part, lost = painted(world, faces, corner_rgb=rgb, uv=uv, image=look.image if uv is not None else None)
                found.append((flipped(part) if part is not None and np.linalg.det(matrix[:3, :3]) < 0 else part, lost))
        return found

    def _colours(self, shape: Shape, look: Look) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Corner colours and texture coordinates (v up), each None where the file has none."""
        linear = None if look.linear is None else np.broadcast_to(look.linear, (len(shape.faces), 3, 3))
        if shape.linear_rgb is not None:
            corners = shape.linear_rgb[shape.faces]
            linear = corners if linear is None else linear * corners
        rgb = None if linear is None else srgb_bytes_from_linear(linear)
        if look.image is None:
            return rgb, None
        stored = shape.uv_sets.get(look.uv_set)
        if stored is None:
            self.unmapped += 1
            return rgb, None
        uv = stored[shape.faces]
        if look.uv_from_stored is not None:
            uv = uv @ look.uv_from_stored[:, :2].T + look.uv_from_stored[:, 2]
        self.clamped += not look.wraps and bool((np.abs(uv - 0.5) > 0.501).any())
        return rgb, np.stack([uv[..., 0], 1 - uv[..., 1]], axis=-1)

    def _notes(self, shown: Placed, dropped: int) -> ReadingNotes:
        file, looks = self.file, self.looks
        self.taken["materials"] = len(self.materials - {None})
        self.taken["textures"] = len(looks.taken)
        left = [
            LeftOut(what=f"{name} primitives", count=self.modes[mode], why="they have no surface")
            for mode, name in enumerate(MODES)
            if mode not in TRIANGLES and self.modes[mode]
        ]
        rest = (
            ("nodes with geometry", shown.invisible, "they are switched off (KHR_node_visibility)"),
            ("nodes with geometry", shown.elsewhere, "they are not in the scene that the file opens with"),
            ("triangles", dropped, "they have no area, or corners that aren't numbers"),
            ("base colour images", len(looks.unread), "; ".join(looks.unread[:MOST_NAMED])),
            ("textured primitives' images", self.unmapped, "they have no texture coordinates of the set that is named"),
            ("animations", len(file.items("animations")), "the scene stands as its nodes do"),
        )
        left += [LeftOut(what=what, count=count, why=why) for what, count, why in rest if count]
        other = self.held["textures"] - len(looks.taken) - len(looks.unread)
        if other > 0:
            left.append(LeftOut(what="textures", count=other, why="they are no base colour of what is shown"))
        said = list(self.remarks)
        for what, count in sorted(self.unshown.items()):
            said.append(f"{count} {what}")
        if looks.see_through:
            said.append(f"{len(looks.see_through)} materials let light pass; their surface is taken as solid")
        if self.clamped:
            said.append(f"{self.clamped} primitives leave an image that isn't to be repeated; it is repeated")
        return ReadingNotes(
            file=file.path.name,
            format="glTF 2.0, binary" if file.binary else "glTF 2.0",
            held=dict(self.held),
            taken=dict(self.taken),
            left_out=tuple(left),
            remarks=tuple(said),
        )
