"""What NVIDIA asks of scenes in public, as far as it applies to environments: the rule group ``isaac-rubric``.

IR.1xx come from the validator rubric in the Isaac Sim repository (``skills/isaac-sim-validator/SKILL.md``, v6.0.1), which
is prose; IR.2xx from the rules of ``isaacsim.asset.validation`` there (v5.1.0 and v6.0.1), which are checks for the running
application. Both are written anew here, on OpenUSD alone. Left out: what concerns scripts, renders, training and robots,
the rubric's unit rule (NE.002 is stricter), and the rule about clashing colliders, which needs an engine (the physics gate
is one). docs/isaac.md has the table.
"""

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from pxr import Sdf, Usd, UsdGeom, UsdLux, UsdPhysics, UsdShade, UsdUtils

from lyra_sim.usd.rules.issues import Issue
from lyra_sim.usd.rules.rule import Rule, run_rules
from lyra_sim.usd.rules.stage_view import Finding, View

TOOL = "isaac-rubric"

DOME_INTENSITY, DISTANT_INTENSITY = 100.0, 500.0
"""What the rubric asks for at least; exposure counts. Convention."""

REMOTE = re.compile(r"^[a-z][a-z0-9+.-]+://", re.IGNORECASE)
SOMEBODYS = re.compile(r"/(?:home|Users)/[^/\s]+|[A-Za-z]:[\\/]Users[\\/]")
"""A path into one person's folder."""
ADDRESS = re.compile(r"(?<![\d.])(?:10|192\.168|172\.(?:1[6-9]|2\d|3[01]))(?:\.\d{1,3}){2,3}(?![\d.])")
"""A bare address of a private network."""
TEXT_TYPES = ("string", "asset", "token")


def lights(view: View) -> Iterator[Finding]:
    """Summed up over the stage: several weak lights of a kind do."""
    for schema, least, name in (
        (UsdLux.DomeLight, DOME_INTENSITY, "DomeLight"),
        (UsdLux.DistantLight, DISTANT_INTENSITY, "DistantLight"),
    ):
        found = [UsdLux.LightAPI(prim) for prim in view.prims if prim.IsA(schema)]
        strength = sum(light.GetIntensityAttr().Get() * 2.0 ** light.GetExposureAttr().Get() for light in found)
        if not strength >= least:
            seen = f"of intensity {strength:g}" if found else "at all"
            yield "", f"no {name} {seen} as the stage opens; the rubric asks for {least:g}, or renders are black"


def preview_surface(view: View) -> Iterator[Finding]:
    shown = (UsdGeom.Tokens.default_, UsdGeom.Tokens.render)
    for mesh in view.meshes:
        prim = mesh.GetPrim()
        if prim.HasAPI(UsdPhysics.CollisionAPI) or UsdGeom.Imageable(prim).ComputePurpose() not in shown:
            continue
        subsets = UsdShade.MaterialBindingAPI(prim).GetMaterialBindSubsets()
        parts = [subset.GetPrim() for subset in subsets] or [prim]
        missing = [part for part in parts if not _has_preview_surface(part)]
        for part in missing:
            yield str(part.GetPath()), "its surface has no UsdPreviewSurface: renderers without MDL show it black"


def _has_preview_surface(prim: Usd.Prim) -> bool:
    material, _ = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial()
    if not material:
        return False
    shader, _, _ = material.ComputeSurfaceSource()
    return bool(shader) and shader.GetShaderId() == "UsdPreviewSurface"


def remote_assets(view: View) -> Iterator[Finding]:
    for layer in _layers(view):
        for reference in sorted({asset for group in UsdUtils.ExtractExternalReferences(layer.identifier) for asset in group}):
            if REMOTE.match(reference):
                yield reference, f"{Path(layer.realPath).name} names an asset on the network: deliver it with the stage"


def persons_paths(view: View) -> Iterator[Finding]:
    yield from _texts_that(view, SOMEBODYS, "a path into one person's folder")


def addresses(view: View) -> Iterator[Finding]:
    yield from _texts_that(view, ADDRESS, "a bare network address")


def no_convex_decomposition(view: View) -> Iterator[Finding]:
    for collider in view.collider_meshes:
        if collider.approximation == UsdPhysics.Tokens.convexDecomposition:
            yield collider.path, "convexDecomposition is decided by the engine at load; the rubric advises against it"


def mass_of_bodies(view: View) -> Iterator[Finding]:
    """Asked attribute by attribute, as authored: an engine's own guess of inertia differs between engines."""
    for prim in view.prims:
        if not prim.HasAPI(UsdPhysics.RigidBodyAPI):
            continue
        path, api = str(prim.GetPath()), UsdPhysics.MassAPI(prim)
        if not prim.HasAPI(UsdPhysics.MassAPI):
            yield path, "a rigid body without MassAPI"
            continue
        wanted = {"mass": api.GetMassAttr(), "diagonalInertia": api.GetDiagonalInertiaAttr()}
        absent = [name for name, attribute in wanted.items() if not attribute.HasAuthoredValue()]
        if absent:
            yield path, f"a rigid body without authored {' and '.join(absent)}"
            continue
        inertia = np.sort(np.array(wanted["diagonalInertia"].Get(), np.float64))
        if inertia[0] + inertia[1] < inertia[2]:
            yield path, f"inertia {inertia.tolist()} of no body: the two smaller are less than the largest together"
        axes = api.GetPrincipalAxesAttr()
        length = axes.Get().GetLength() if axes.HasAuthoredValue() else 1.0
        if length > 1e-4 and abs(length - 1.0) > 1e-4:
            yield path, f"principal axes of length {length:g}, not 1"


def colliders_of_bodies(view: View) -> Iterator[Finding]:
    for prim in view.prims:
        if not prim.HasAPI(UsdPhysics.RigidBodyAPI) or not UsdPhysics.RigidBodyAPI(prim).GetRigidBodyEnabledAttr().Get():
            continue
        below = Usd.PrimRange(prim, Usd.TraverseInstanceProxies())
        if view.selection("collision") != "none" and not any(child.HasAPI(UsdPhysics.CollisionAPI) for child in below):
            yield str(prim.GetPath()), "a rigid body without a collider falls through everything"


def invisible_colliders(view: View) -> Iterator[Finding]:
    for prim in view.colliders:
        image = UsdGeom.Imageable(prim)
        hidden = image.ComputeVisibility() == UsdGeom.Tokens.invisible
        if hidden and image.ComputePurpose() != UsdGeom.Tokens.guide:
            yield str(prim.GetPath()), f"an invisible collider of purpose {image.ComputePurpose()}, not guide"


def articulation_root(view: View) -> Iterator[Finding]:
    joints = [prim for prim in view.prims if prim.IsA(UsdPhysics.Joint)]
    if joints and not any(prim.HasAPI(UsdPhysics.ArticulationRootAPI) for prim in view.prims):
        yield str(joints[0].GetPath()), f"{len(joints)} joints but no ArticulationRootAPI anywhere"


def nested_materials(view: View) -> Iterator[Finding]:
    for prim in view.prims:
        if prim.IsA(UsdShade.Material) and any(parent.IsA(UsdShade.Material) for parent in _ancestors(prim)):
            yield str(prim.GetPath()), "a material inside a material"


def materials_in_looks(view: View) -> Iterator[Finding]:
    """Asked only where ``<defaultPrim>/Looks`` is; what comes by reference or payload keeps its own order."""
    root = view.stage.GetDefaultPrim()
    looks = root.GetChild("Looks") if root else Usd.Prim()
    if not looks:
        return
    inside = iter(Usd.PrimRange(root))
    for prim in inside:
        if prim != root and (prim.HasAuthoredReferences() or prim.HasAuthoredPayloads()):
            inside.PruneChildren()
        elif prim.IsA(UsdShade.Material) and prim.GetParent() != looks:
            yield str(prim.GetPath()), f"a material outside {looks.GetPath()}"


RULES: tuple[Rule, ...] = (
    Rule(id="IR.101", title="a dome light and a distant light are on when the stage opens", check=lights, once=True),
    Rule(id="IR.102", title="every visible surface has a UsdPreviewSurface", check=preview_surface),
    Rule(id="IR.103", title="no asset lies on the network", check=remote_assets),
    Rule(id="IR.104", title="nothing names a person's folder", check=persons_paths),
    Rule(id="IR.105", title="nothing names a bare network address", check=addresses),
    Rule(
        id="IR.106",
        title="colliders aren't left to convexDecomposition",
        check=no_convex_decomposition,
        severity="warning",
        once=True,
    ),
    Rule(id="IR.201", title="rigid bodies state mass and inertia that a body can have", check=mass_of_bodies),
    Rule(id="IR.202", title="rigid bodies have a collider", check=colliders_of_bodies),
    Rule(id="IR.203", title="invisible colliders have purpose guide", check=invisible_colliders, severity="warning"),
    Rule(id="IR.204", title="joints belong to an articulation", check=articulation_root),
    Rule(id="IR.205", title="no material inside a material", check=nested_materials, severity="warning"),
    Rule(id="IR.206", title="materials are in the top-level Looks, where there is one", check=materials_in_looks),
)


def isaac_rubric_rules() -> dict[str, str]:
    """Id and title of every rule."""
    return {rule.id: rule.title for rule in RULES}


def isaac_rubric_issues(view: View, rules: Collection[str]) -> Iterator[Issue]:
    """Run the rules with these ids on a stage under one variant selection."""
    return run_rules(TOOL, RULES, view, rules)


def _layers(view: View) -> list[Sdf.Layer]:
    """What the view is composed of, without what only lives in memory."""
    used = [layer for layer in view.stage.GetUsedLayers() if layer.realPath]
    return sorted(used, key=lambda layer: layer.realPath)


def _ancestors(prim: Usd.Prim) -> Iterator[Usd.Prim]:
    while prim := prim.GetParent():
        yield prim


def _texts_that(view: View, pattern: re.Pattern[str], what: str) -> Iterator[Finding]:
    for place, text in _texts(view):
        if found := pattern.search(text):
            yield place, f"{what}: {found[0]}"


def _texts(view: View) -> Iterator[tuple[str, str]]:
    """Words a stage carries: of layers their documentation and custom data, of prims their metadata and text attributes."""
    for layer in _layers(view):
        name = Path(layer.realPath).name
        for value in (layer.documentation, layer.comment, layer.customLayerData):
            yield from ((name, text) for text in _strings(value))
        for asset in {asset for group in UsdUtils.ExtractExternalReferences(layer.identifier) for asset in group}:
            yield name, asset
    for prim in view.prims:
        place = str(prim.GetPath())
        for value in (prim.GetDocumentation(), prim.GetCustomData(), prim.GetAssetInfo()):
            yield from ((place, text) for text in _strings(value))
        for attribute in prim.GetAuthoredAttributes():
            if str(attribute.GetTypeName()).removesuffix("[]") in TEXT_TYPES:
                yield from ((str(attribute.GetPath()), text) for text in _strings(attribute.Get()))


def _strings(value: Any) -> Iterator[str]:
    """Every string within a value of scene description, keys of dictionaries left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Sdf.AssetPath):
        yield value.path
    elif isinstance(value, dict):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list | tuple) or type(value).__name__.endswith(("StringArray", "TokenArray", "AssetArray")):
        for part in value:
            yield from _strings(part)
