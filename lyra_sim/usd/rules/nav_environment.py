"""The Nav-Environment rules as one table: what a stage needs so that a robot can be put into it and driven.

``docs/nav_environment.md`` gives each rule's reason. They complement UsdValidation, which knows nothing of physics
scenes, winding or map files, and NVIDIA's rules, whose profiles cover props and robots but no environments.
"""

from collections.abc import Callable, Collection, Iterable, Iterator

from lyra_sim.usd.rules import nav_colliders, nav_map, nav_package, nav_stage, nav_visuals
from lyra_sim.usd.rules.issues import Issue, Severity
from lyra_sim.usd.rules.rule import Rule, run_rules
from lyra_sim.usd.rules.stage_view import Finding, View

TOOL = "nav-environment"


def _rule(
    id: str, title: str, check: Callable[[View], Iterable[Finding]], *, severity: Severity = "error", once: bool = False
) -> Rule:
    return Rule(id=id, title=title, check=check, severity=severity, once=once)


RULES: tuple[Rule, ...] = (
    _rule("NE.001", "z is up", nav_stage.up_axis, once=True),
    _rule("NE.002", "one unit is one metre", nav_stage.metres, once=True),
    _rule("NE.003", "one mass unit is one kilogram", nav_stage.kilograms, once=True),
    _rule("NE.004", "the default prim is an Xform", nav_stage.default_prim, once=True),
    _rule("NE.005", "exactly one PhysicsScene", nav_stage.one_scene),
    _rule("NE.006", "the PhysicsScene is outside the default prim", nav_stage.scene_outside),
    _rule("NE.007", "gravity is 9.81 m/s^2, downward", nav_stage.gravity),
    _rule("NE.008", "no prim takes a name that hosts create", nav_stage.reserved_names),
    _rule("NE.009", "lights only in the lighting variant", nav_stage.lights),
    _rule("NE.010", "something is visible", nav_stage.something_visible),
    _rule("NE.101", "colliders in every collision variant but none", nav_colliders.presence),
    _rule("NE.102", "every mesh collider states its approximation", nav_colliders.approximation),
    _rule("NE.103", "hulls are convex", nav_colliders.convex),
    _rule("NE.104", "hulls are closed", nav_colliders.closed_hulls),
    _rule("NE.105", "hulls are wound outward", nav_colliders.outward_hulls),
    _rule("NE.106", "hulls have at most 64 faces and 64 vertices", nav_colliders.engine_limits),
    _rule("NE.107", "no hull is thinner than 1:60", nav_colliders.slenderness),
    _rule("NE.108", "floor hulls are at least 0.3 m thick", nav_colliders.floor_thickness),
    _rule("NE.109", "a level collider surface at z = 0", nav_colliders.floor_height),
    _rule("NE.110", "colliders have a physics material with sane friction", nav_colliders.contact_material),
    _rule("NE.111", "triangle colliders are closed and wound outward", nav_colliders.closed_trimesh),
    _rule("NE.112", "the floor is made of hulls when the stage opens", nav_colliders.floor_of_hulls, once=True),
    _rule("NE.201", "visual meshes have a semantic label", nav_visuals.labels),
    _rule("NE.202", "extents are authored and hold the points", nav_visuals.extents),
    _rule("NE.203", "points are finite", nav_visuals.finite_points),
    _rule("NE.204", "topology is sound", nav_visuals.topology),
    _rule("NE.205", "normals are there, fit and are unit vectors", nav_visuals.normals),
    _rule("NE.206", "primvars have the length their interpolation wants", nav_visuals.primvars),
    _rule("NE.207", "meshes aren't subdivided", nav_visuals.polygons),
    _rule("NE.208", "textures are read in the right colour space", nav_visuals.texture_color_spaces),
    _rule("NE.209", "visible meshes have a material", nav_visuals.materials),
    _rule("NE.301", "splat arrays fit together", nav_visuals.splat_lengths),
    _rule("NE.302", "splat values are finite", nav_visuals.splat_finite),
    _rule("NE.303", "opacities are activated: 0..1", nav_visuals.splat_opacities),
    _rule("NE.304", "scales are activated: > 0", nav_visuals.splat_scales),
    _rule("NE.305", "orientations are unit quaternions", nav_visuals.splat_quats),
    _rule("NE.306", "SH degree is 0 or 3", nav_visuals.splat_degree),
    _rule("NE.307", "splats state their colour space", nav_visuals.splat_color_space),
    _rule("NE.401", "every asset resolves", nav_package.unresolved, once=True),
    _rule("NE.402", "no asset lies outside the package", nav_package.outside, once=True),
    _rule("NE.403", "an occupancy map with free cells is beside the stage", nav_package.map_present, once=True),
    _rule("NE.404", "the map lies over the colliders", nav_package.map_fits),
    _rule("NE.405", "the manifest's spawn poses are on free cells", nav_package.spawns_free, once=True),
    _rule("NE.406", "no file is 4 GiB or larger", nav_package.too_large, once=True),
    _rule("NE.407", "the map agrees with the hulls", nav_map.map_agrees, once=True),
    _rule("NE.408", "the manifest's routes run over free cells", nav_map.routes_free, once=True),
)


def nav_environment_rules() -> dict[str, str]:
    """Id and title of every rule."""
    return {rule.id: rule.title for rule in RULES}


def nav_environment_issues(view: View, rules: Collection[str]) -> Iterator[Issue]:
    """Run the rules with these ids on a stage under one variant selection."""
    return run_rules(TOOL, RULES, view, rules)
