"""The surface of anybody's USD stage with its colours, as one mesh in the stage's own frame and unit."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from lyra_sim.capture.survey.mesh_files import USD_SUFFIXES, check_file, check_kind
from lyra_sim.capture.survey.painting import ReadMesh, check_count, finished, flipped, painted
from lyra_sim.data.given import LeftOut, PaintedMesh, ReadingNotes
from lyra_sim.errors import InputError
from lyra_sim.usd.given_looks import UsdLooks
from lyra_sim.usd.given_pieces import Piece, is_readable, pieces_of
from lyra_sim.usd.given_prims import Gathered, PrimWalk
from lyra_sim.usd.given_shapes import FINEST_RADIUS_M, TOLERANCE_M, is_shape

MISSING_PARTS = ("ErrorInvalidAssetPath", "ErrorInvalidSublayerPath", "ErrorUnresolvedPrimPath", "ErrorArcCycle")
"""Composition errors after which part of the scene isn't there."""
MOST_NESTED_TEXT = 512
"""Braces within braces of a USD text file; its parser takes the stack for each. Convention."""


def read_usd_mesh(path: Path) -> ReadMesh:
    """All surface that is shown when the stage is opened, instances, references and payloads included.

    Raises:
        InputError: The file is missing or broken, refers to what isn't there, or holds no triangle.
    """
    from pxr import Tf, Usd, UsdGeom

    check_file(path, USD_SUFFIXES, expected="a USD stage")
    check_kind(path)
    _check_nesting(path)
    try:
        stage = Usd.Stage.Open(str(path))
    except Tf.ErrorException as error:
        raise InputError(
            str(path),
            "it can't be opened as a USD stage",
            expected="usd, usda, usdc or usdz",
            likely="The file is truncated or of another type.",
        ) from error
    _check_composed(path, stage)
    unit = float(UsdGeom.GetStageMetersPerUnit(stage))
    if not (np.isfinite(unit) and unit > 0):
        raise InputError(str(path), f"its metersPerUnit is {unit:g}", expected="a length above 0")
    time = Usd.TimeCode.EarliestTime()
    found = PrimWalk(str(path), time, is_readable).stage(stage)
    looks, odd = UsdLooks(time), Counter[str]()
    parts, dropped, total = [], 0, 0
    for standing in found.standing:
        largest = float(np.linalg.norm(standing.world_from_prim[:, :3, :3], axis=1).max())
        pieces = pieces_of(standing.prim, time, looks, odd, metres_per_unit=unit * largest)
        total += len(standing.world_from_prim) * sum(len(piece.faces) for piece in pieces)
        check_count(path, total)
        for piece in pieces:
            for matrix in standing.world_from_prim:
                part, lost = _stood(piece, matrix)
                dropped += lost
                parts += [part] if part is not None else []
    notes = _notes(path, stage, found, looks, odd, dropped, triangles=total, taken=sum(len(part.faces) for part in parts))
    if not parts and notes.left_out:
        raise InputError(
            str(path), "no triangle to build from: " + "; ".join(map(str, notes.left_out)), expected="surface that is shown"
        )
    return ReadMesh(
        mesh=finished(path, parts, dropped),
        metres_per_unit=unit,
        up="z" if str(UsdGeom.GetStageUpAxis(stage)).lower() == "z" else "y",
        source="USD stage",
        dropped=dropped,
        notes=notes,
    )


def files_of_usd(path: Path) -> tuple[Path, ...]:
    """Layers and images that the stage draws on, where they are files."""
    from pxr import Tf, UsdUtils

    try:
        layers, assets, _ = UsdUtils.ComputeAllDependencies(str(path))
    except Tf.ErrorException:
        return ()  # reading it will say what is wrong
    named = [layer.realPath for layer in layers] + list(assets)
    files = {Path(name) for name in named if name and "[" not in name}
    return tuple(sorted(file for file in files if file.is_file()))


def _stood(piece: Piece, world_from_prim: np.ndarray) -> tuple[PaintedMesh | None, int]:
    with np.errstate(over="ignore", invalid="ignore"):
        vertices = piece.vertices @ world_from_prim[:3, :3].T + world_from_prim[:3, 3]
    part, lost = painted(vertices, piece.faces, corner_rgb=piece.corner_rgb, uv=piece.uv, image=piece.image)
    mirrored = np.linalg.det(world_from_prim[:3, :3]) < 0
    return flipped(part) if part is not None and mirrored != piece.left_handed else part, lost


def _check_nesting(path: Path) -> None:
    """Count braces before USD's parser does, which ends the process where they nest too deep."""
    with path.open("rb") as stream:
        if not stream.read(5) == b"#usda":
            return
        data = np.frombuffer(stream.read(), np.uint8)
    step = (data == ord("{")).astype(np.int64) - (data == ord("}"))
    deepest = int(np.cumsum(step).max(initial=0))
    if deepest > MOST_NESTED_TEXT:
        raise InputError(str(path), f"prims nested {deepest} deep", expected=f"at most {MOST_NESTED_TEXT}")


def _check_composed(path: Path, stage: Any) -> None:
    errors = [error for error in stage.GetCompositionErrors() if type(error).__name__ in MISSING_PARTS]
    if errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise InputError(
            str(path),
            f"part of the scene isn't there: {' '.join(str(errors[0]).split())[:300]}{more}",
            expected="all layers, references and payloads",
            next_step="Copy them along, or pack the scene where they are: usdzip -r scene.usdz --arkitAsset IN",
        )


def _notes(
    path: Path, stage: Any, found: Gathered, looks: UsdLooks, odd: Counter[str], dropped: int, *, triangles: int, taken: int
) -> ReadingNotes:
    left = [LeftOut(what="prims", count=count, why=why) for why, count in sorted(found.hidden.items())]
    left += [
        LeftOut(what=f"{kind} prims", count=count, why="the type isn't read") for kind, count in sorted(found.unread.items())
    ]
    left += [
        LeftOut(what=f"{kind} prims", count=count, why="USD has no schema of that type here")
        for kind, count in sorted(found.unknown.items())
    ]
    rest = (
        ("instances", found.masked, "they are switched off (invisibleIds or inactiveIds)"),
        ("materials", len(looks.unread_materials), "their base colour isn't stated in a way that is read"),
        ("images", len(looks.unread_images), ", ".join(looks.unread_images[:3])),
        ("triangles", dropped, "they have no area, or corners that aren't numbers or not there"),
        *((what, count, "the mesh contradicts itself") for what, count in sorted(odd.items()) if not what.startswith("+")),
    )
    left += [LeftOut(what=what, count=count, why=why) for what, count, why in rest if count]
    said = [f"{count} {what[1:]}" for what, count in sorted(odd.items()) if what.startswith("+")]
    shapes = sum(is_shape(one.prim) for one in found.standing)
    if shapes:
        within = f"{1000 * TOLERANCE_M:g} mm up to {FINEST_RADIUS_M:g} m of radius"
        said.append(f"{shapes} analytic shapes stand as polyhedra, within {within}")
    return ReadingNotes(
        file=path.name,
        format="USD",
        held={**found.held, "triangles": triangles},
        taken={"instances": found.instances, "triangles": taken, "materials": len(looks.taken)},
        left_out=tuple(left),
        remarks=(*said, *_remarks_of_stage(stage)),
    )


def _remarks_of_stage(stage: Any) -> list[str]:
    """What a viewer of the stage takes for granted and another tool may not."""
    from pxr import Sdf, UsdGeom

    said = []
    if not stage.HasAuthoredMetadata(UsdGeom.Tokens.metersPerUnit):
        said.append("metersPerUnit isn't stated; USD's fallback, 0.01, is taken")
    if not stage.HasAuthoredMetadata(UsdGeom.Tokens.upAxis):
        said.append("upAxis isn't stated; USD's fallback, Y, is taken")
    unit = UsdGeom.GetStageMetersPerUnit(stage)
    others = {}
    for layer in stage.GetUsedLayers():
        if layer in (stage.GetRootLayer(), stage.GetSessionLayer()) or not layer.pseudoRoot.HasInfo(
            UsdGeom.Tokens.metersPerUnit
        ):
            continue
        value = layer.pseudoRoot.GetInfo(UsdGeom.Tokens.metersPerUnit)
        if abs(value - unit) > 1e-9 * unit:
            others[Sdf.Layer.GetDisplayNameFromIdentifier(layer.identifier)] = value
    if others:
        name, value = min(others.items())
        said.append(f"{len(others)} layers have another unit ({name}: {value:g} m, stage: {unit:g} m); USD converts nothing")
    variants = [
        f"{prim.GetPath()} {{{name}={prim.GetVariantSets().GetVariantSelection(name)}}}"
        for prim in stage.Traverse()
        for name in prim.GetVariantSets().GetNames()
    ]
    if variants:
        said.append(f"{len(variants)} variant sets stand as selected: {', '.join(variants[:3])}")
    return said
