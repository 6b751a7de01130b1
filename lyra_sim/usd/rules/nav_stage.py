"""Nav-Environment rules NE.0xx: the stage as a whole."""

from collections.abc import Iterator

import numpy as np
from pxr import Usd, UsdGeom, UsdLux, UsdPhysics

from lyra_sim.conventions import GRAVITY_M_S2
from lyra_sim.usd.rules.stage_view import Finding, View

RESERVED = ("/World/robot", "/World/ground_plane")
"""Paths that Isaac Sim's MobilityGen creates itself."""


def up_axis(view: View) -> Iterator[Finding]:
    axis = UsdGeom.GetStageUpAxis(view.stage)
    if axis != UsdGeom.Tokens.z:
        yield "", f"upAxis is {axis}, not Z: robots would stand on a wall"


def metres(view: View) -> Iterator[Finding]:
    unit = UsdGeom.GetStageMetersPerUnit(view.stage)
    if abs(unit - 1.0) > 1e-9:
        yield "", f"metersPerUnit is {unit:g}, not 1"


def kilograms(view: View) -> Iterator[Finding]:
    unit = UsdPhysics.GetStageKilogramsPerUnit(view.stage)
    if abs(unit - 1.0) > 1e-9:
        yield "", f"kilogramsPerUnit is {unit:g}, not 1"


def default_prim(view: View) -> Iterator[Finding]:
    prim = view.stage.GetDefaultPrim()
    if not prim:
        yield "", "no defaultPrim, so the stage can't be referenced"
    elif not prim.IsA(UsdGeom.Xformable):
        yield str(prim.GetPath()), f"the defaultPrim is a {prim.GetTypeName() or 'typeless prim'}, not an Xform"


def one_scene(view: View) -> Iterator[Finding]:
    scenes = _scenes(view)
    if len(scenes) != 1:
        yield "", f"{len(scenes)} PhysicsScene prims, expected exactly one"


def scene_outside(view: View) -> Iterator[Finding]:
    root = view.stage.GetDefaultPrim()
    for scene in _scenes(view):
        if root and scene.GetPath().HasPrefix(root.GetPath()):
            yield (
                str(scene.GetPath()),
                "the PhysicsScene is below the defaultPrim: a host that references the stage gets a second one",
            )


def gravity(view: View) -> Iterator[Finding]:
    for scene in map(UsdPhysics.Scene, _scenes(view)):
        direction = view.world_from_stage @ np.array(scene.GetGravityDirectionAttr().Get(), np.float64)
        magnitude = float(scene.GetGravityMagnitudeAttr().Get()) * UsdGeom.GetStageMetersPerUnit(view.stage)
        # The schema's fallbacks (no direction, negative magnitude) mean down the up axis at standard gravity.
        if np.linalg.norm(direction) > 0 and not direction[2] / np.linalg.norm(direction) < -0.9999:
            yield str(scene.GetPath()), f"gravity points along {_rounded(direction)}, not down"
        if not (magnitude < 0 or abs(magnitude - GRAVITY_M_S2) < 0.02):
            yield str(scene.GetPath()), f"gravity is {magnitude:g} m/s^2, not {GRAVITY_M_S2}"


def reserved_names(view: View) -> Iterator[Finding]:
    for path in RESERVED:
        if view.stage.GetPrimAtPath(path):
            yield path, "the name is taken by MobilityGen, which will overwrite it"


def lights(view: View) -> Iterator[Finding]:
    if view.selection("lighting") in (None, "none"):
        for prim in view.prims:
            if prim.HasAPI(UsdLux.LightAPI):
                yield (
                    str(prim.GetPath()),
                    "a light outside the lighting variant: it can't be switched off by a host that brings its own",
                )


def something_visible(view: View) -> Iterator[Finding]:
    shown = (UsdGeom.Tokens.default_, UsdGeom.Tokens.render)
    if not any(prim.IsA(UsdGeom.Gprim) and UsdGeom.Imageable(prim).ComputePurpose() in shown for prim in view.prims):
        yield "", "nothing visible is composed"


def _rounded(direction: np.ndarray) -> tuple[float, ...]:
    return tuple(np.round(direction / np.linalg.norm(direction), 3).tolist())


def _scenes(view: View) -> list[Usd.Prim]:
    return [prim for prim in view.prims if prim.IsA(UsdPhysics.Scene)]
