"""Every figure we report: unit, limits, and why the limits are where they are. ``docs/metrics.md`` is the same table in prose.

A figure passes at ``good`` or better, warns until ``poor``, and fails beyond it. Without ``poor`` it can't fail, without
``good`` it is only recorded. Names with ``*`` stand for one figure per physics engine.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from lyra_sim.data.report import Subject, Verdict


@dataclass(frozen=True, kw_only=True)
class Limit:
    """How one figure is judged."""

    unit: str
    """SI, ``1`` for counts and ratios, ``flag`` (1 = yes), ``share`` for fractions 0..1, ``dB``."""
    better: Literal["higher", "lower", "neither"] = "neither"
    good: float | int | None = None
    poor: float | int | None = None
    reason: str = ""

    def judge(self, value: float) -> Verdict:
        """``pass`` at ``good`` or better, ``fail`` beyond ``poor``, else ``warn``; what is only recorded passes."""
        if self.good is None:
            return "pass"
        sign = 1.0 if self.better == "higher" else -1.0
        if sign * (value - self.good) >= 0:
            return "pass"
        return "fail" if self.poor is not None and sign * (value - self.poor) < 0 else "warn"

    def describe(self, number: Callable[[float], str] = "{:g}".format) -> str:
        """``≤ 0.01, fails above 0.03``; ``number`` writes the two bounds."""
        if self.good is None:
            return "recorded, not judged"
        sign, beyond = ("≥", "below") if self.better == "higher" else ("≤", "above")
        words = f"{sign} {number(self.good)}"
        if self.poor is None:
            return f"{words}, else warns"
        return f"{words}, fails {beyond} {number(self.poor)}" if self.poor != self.good else f"{words}, else fails"


def _least(unit: str, good: float | int, poor: float | int | None, reason: str) -> Limit:
    return Limit(unit=unit, better="higher", good=good, poor=poor, reason=reason)


def _most(unit: str, good: float | int, poor: float | int | None, reason: str) -> Limit:
    return Limit(unit=unit, better="lower", good=good, poor=poor, reason=reason)


def _recorded(unit: str, reason: str) -> Limit:
    return Limit(unit=unit, reason=reason)


LIMITS: dict[str, Limit] = {
    # scale
    "scale.metres_per_unit": _recorded("m", "Any positive value is possible; its trust is the next figure."),
    "scale.sigma_relative": _most(
        "share", 0.05, None, "A doorway of 0.9 m stays passable for a 0.7 m robot at 3 sigma; assumed scale warns."
    ),
    "scale.custom_sigmas": _most(
        "1", 3.0, None, "Neither ceiling nor camera height is what people build and hold: look at the unit, or at a hall."
    ),
    # gravity
    "gravity.tilt_sigma_deg": _most("deg", 1.0, None, "One degree over a 6 m room is 10 cm, and a ball rolls away."),
    "gravity.residual_deg": _most(
        "deg", 2.0, None, "Floors drain and walls lean by a degree; beyond two one of them is wrong, or the floor is a ramp."
    ),
    # photos
    "poses.registered": _least("share", 0.9, 0.5, "Photos without a trusted camera show what the world lacks."),
    "poses.reprojection": _most("px", 1.0, None, "Necessary, never enough: sub-pixel models have been metres wrong."),
    "poses.gps_rms": _most("m", 10.0, 30.0, "Phones are good for 5 to 10 m; beyond 30 m one of the two is in another street."),
    "poses.weakest_scale_points": _least(
        "1", 10, None, "Feature points that carry the scale across the weakest passage; a handful can be wrong together."
    ),
    "photo_depth.guessed": _most("flag", 0, None, "The room's shape is a guess: nothing but its looks was photographed."),
    "photo_depth.sigma_relative": _most("share", 0.02, None, "At 3 m 2 % are 6 cm, a voxel and a half of a preview."),
    "photo_depth.measured": _recorded("share", "Textured surface that several photos share; the rest is inferred or empty."),
    "photo_depth.planar_prior": _recorded("share", "Blank surface continued from planes around it."),
    "photo_depth.sky": _recorded("share", "Left out."),
    "photo_depth.moving": _recorded("share", "Left out."),
    # generated frames
    "generated.frames": _recorded("1", "1 + 80 a chunk."),
    "generated.black_frames": _most("1", 0, 0, "Nothing was known there and nothing was drawn: it shows no world."),
    "generated.known": _recorded("share", "Carried over from photos; the rest was drawn."),
    "generated.made_up": _most(
        "share", 0.5, 0.9, "Beyond half, most of what is watched was never photographed; with less than a tenth it's no place."
    ),
    "generated.new": _recorded("share", "Drawn where no photo looked: it may add surface, which stays labelled unseen."),
    "generated.depth_residual": _most("share", 0.02, None, "At 3 m 2 % are 6 cm: beyond, drawn surfaces tear off known ones."),
    "generated.depth_scale_conflicts": _most("1", 0, None, "The scale that rules is then in doubt, and the walk may bend."),
    "generated.revisit": _least("dB", 30.0, None, "Where a photo was taken the walk should show that photo."),
    # mesh
    "mesh.watertight": _least("flag", 1, 1, "Inside and outside must be defined everywhere."),
    "mesh.manifold": _least("flag", 1, 1, "Booleans, distance fields and hull makers need it."),
    "mesh.signed_volume": _least("m^3", 1e-6, 1e-6, "Negative: the surface is inside out."),
    "mesh.cameras_in_solid": _most(
        "share", 0.0, 0.02, "Where a camera was, there is air; a few may touch a wall in noisy data."
    ),
    "mesh.seen_share": _least(
        "share", 0.7, 0.3, "Below 70 % much of the room-side surface is a guess; below 30 % it isn't a measured world."
    ),
    "mesh.components": _recorded("1", "A room shell plus floating pieces; depends on the scene."),
    "mesh.faces": _most(
        "1", 150_000, 1_000_000, "Browsers and robots' simulators open it at once; a million takes seconds to cook."
    ),
    "mesh.extent": _recorded("m", "Longest side of the bounds."),
    # depth against the mesh
    "depth.held_out.median": _most("m", 0.01, 0.03, "The bar for clean depth is 1 cm; 3 cm is a voxel of the coarsest preset."),
    "depth.held_out.mean": _most("m", 0.05, None, "Edges dominate it; watched, not gated."),
    "depth.held_out.p90": _most("m", 0.05, None, "One view in ten pixels may sit on an edge."),
    "depth.held_out.completeness": _least(
        "share", 0.95, 0.6, "Edges cost a few percent; held-out ends of a sparse walk see what no other view did: 0.82."
    ),
    "depth.held_out.behind_unseen": _most(
        "share", 0.1, 0.4, "Space that is solid for want of a look; a tenth says the walk should be longer, 0.4 that it misses."
    ),
    "depth.input.median": _most("m", 0.01, 0.03, "As for held-out views, though these took part in the fusion."),
    "depth.input.mean": _most("m", 0.05, None, "Edges dominate it; watched, not gated."),
    "depth.input.p90": _most("m", 0.05, None, "One pixel in ten may sit on an edge."),
    "depth.input.completeness": _least(
        "share", 0.95, 0.6, "Edges cost a few percent; below 0.6 the views don't see the same world."
    ),
    "depth.input.behind_unseen": _most(
        "share", 0.1, 0.4, "As for held-out views; here only parallax between views can hide anything."
    ),
    "depth.estimated.median": _most(
        "share", 0.02, 0.05, "Relative, because depth from photos is; the surface should follow its depth within its noise."
    ),
    "depth.estimated.p90": _most("share", 0.1, None, "One pixel in ten may sit on an edge."),
    "depth.estimated.completeness": _least("share", 0.9, 0.6, "Below 0.6 the views don't see the same world."),
    "depth.estimated.behind_unseen": _most("share", 0.1, 0.4, "As for measured depth."),
    # splats against photos
    "image.held_out.psnr": _least("dB", 20.0, None, "The room is plainly recognisable; trained splats reach 25 and more."),
    "image.held_out.ssim": _least("1", 0.6, None, "As above, for structure."),
    "image.held_out.covered": _least("share", 0.95, None, "Pixels the splats cover at least half."),
    "image.input.psnr": _least("dB", 20.0, None, "As for held-out views, though these coloured the splats."),
    "image.input.ssim": _least("1", 0.6, None, "As above, for structure."),
    "image.input.covered": _least("share", 0.95, None, "Pixels the splats cover at least half."),
    "given.psnr": _least(
        "dB",
        20.0,
        10.0,
        "Given geometry is the truth of its views: placed splats reach 20 dB on the AWS scenes, 30 on plain rooms.",
    ),
    # against true cameras
    "truth.cameras.ate": _most("m", 0.06, None, "A doorway leaves a robot 10 cm on either side."),
    "truth.cameras.ate_worst": _most("m", 0.2, None, "One bad camera drags its depth along."),
    "truth.cameras.rotation": _most("deg", 1.0, None, "One degree is 5 cm at 3 m."),
    "truth.cameras.scale_error": _most("share", 0.05, None, "As for the claimed sigma."),
    "truth.cameras.scale_error_sigmas": _most(
        "1", 2.0, None, "A claim that is off by more than twice its 1σ was overconfident."
    ),
    # against a true surface
    "truth.accuracy": _most("m", 0.03, 0.1, "Mean distance of observed faces to the truth; a preview voxel is 4 cm."),
    "truth.completeness": _most("m", 0.03, 0.1, "Mean distance of seen truth to observed faces."),
    "truth.precision_2cm": _recorded("share", "Part of the next F-score."),
    "truth.recall_2cm": _recorded("share", "Part of the next F-score."),
    "truth.f_score_2cm": _recorded("share", "At 4 cm voxels 2 cm is half a voxel: a figure to compare presets by."),
    "truth.precision_5cm": _recorded("share", "Part of the next F-score."),
    "truth.recall_5cm": _recorded("share", "Part of the next F-score."),
    "truth.f_score_5cm": _least("share", 0.93, 0.85, "What the small house must reach at 4 cm voxels."),
    # against a true map
    "truth.map.free_precision": _least("share", 0.95, 0.9, "Free here, occupied there: a robot would bump."),
    "truth.map.occupied_recall": _least("share", 0.85, 0.75, "A lidar sees at one height, we in a band: not all can match."),
    "truth.map.navigable_iou": _least(
        "share", 0.9, 0.8, "Where a robot's middle can be: 0.9 is a rim of one cell about a furnished room, a lost room is 0.8."
    ),
    "truth.map.free_iou": _recorded("share", "The same before the robot's radius is taken off: thin things count less in it."),
    "truth.doorways": _recorded("1", "Depends on the scene."),
    "truth.doorways_open": _least("share", 1.0, None, "The surface on either side is known to a voxel; that much may go."),
    "truth.doorways_sealed": _most("1", 0, 0, "A doorway that closed is a room lost, whatever the areas say."),
    # colliders
    "collision.coverage": _least("share", 0.98, 0.95, "Measured surface without a hull: things fall through it."),
    "collision.largest_gap": _most(
        "m^2", 0.15, 0.5, "The smallest robot is 0.3 m wide and half a metre high: through more it drives, or falls."
    ),
    "collision.free_volume_blocked": _most("share", 0.01, 0.03, "Hulls in known-free space: invisible obstacles."),
    "collision.hulls_in_air": _most("share", 0.05, None, "The same plugged air as a part of the hulls' own volume."),
    "collision.path_recall": _least("share", 1.0, 1.0, "The cameras went there, so nothing may block the way."),
    "collision.hulls": _most("1", 250, 1000, "Stepping cost grows with them; the preset asks for at most 250."),
    "collision.max_vertices": _most("1", 64, 64, "Newton makes a hull of more corners smaller."),
    "collision.max_faces": _most("1", 64, 64, "PhysX makes a hull of more faces smaller, by up to centimetres."),
    "collision.doorways": _recorded("1", "Depends on the scene."),
    "collision.doorways_open": _least("share", 1.0, None, "A robot must fit through wherever it was seen to be open."),
    "collision.doorways_sealed": _most("1", 0, 0, "A doorway that closed is a room lost, whatever the areas say."),
    "collision.frontier_fenced": _least("share", 0.8, None, "Where the edge is open a robot can drive off into the unknown."),
    "collision.components_dropped": _most("1", 0, None, "Measured things that physics doesn't feel: raise collide.max_hulls."),
    "collision.coacd_fallbacks": _most("1", 0, None, "Straight cuts stand in for what CoACD failed on; they fit less well."),
    # what no step had seen
    "witness.rays": _recorded("1", "From where something was seen to what was seen, kept out of all geometry."),
    "witness.sigma": _recorded("m", "1σ along a ray, from how far the witness's own frames lie apart; twice it is granted."),
    "witness.reading_difference": _most(
        "share",
        0.005,
        0.02,
        "Triangle area at any height by two readers: what one lost is missing from all else.",
    ),
    "witness.footing": _most(
        "1",
        0,
        0,
        "Another axis fits better, the floor is missing, or it is a roof: all of it is there, and none of it the place.",
    ),
    "witness.ghost": _most("share", 0.01, 0.01, "Measured matter in the robot's way that no hull stands for within 5 cm."),
    "witness.ghost_patch": _most("m^2", 0.02, 0.02, "A chair's leg is less, a cabinet's side is ten times that."),
    "witness.phantom": _most("share", 0.01, 0.01, "Measured free rays that a hull stands in the way of by more than 5 cm."),
    "witness.phantom_patch": _most(
        "m^2", 0.02, 0.06, "Good worlds as recorded have up to 0.02 (docs/verdict.md), the one this alone finds 0.07."
    ),
    "witness.offset": _most("m", 0.01, 0.02, "All passages are narrower, or wider, by twice that."),
    "witness.floor_bare": _most("m^2", 0.02, 0.05, "Measured floor that no hull carries: a wheel sinks into 0.02 m²."),
    "witness.floor_false": _most("m^2", 0.02, 0.25, "A hull over a hole or a stair: on 0.25 m² a robot would stand on air."),
    # what is seen against what is hit
    "agreement.views": _least("1", 500, 100, "A hundred views spread over the floor are few; fewer prove little."),
    "agreement.splat.phantom": _recorded("share", "Grazing rays and edges are among them; those off the surface are judged."),
    "agreement.splat.ghost": _recorded("share", "Grazing rays and edges are among them; those off the surface are judged."),
    "agreement.splat.phantom_off_surface": _most("share", 0.01, None, "An obstacle that cameras don't see."),
    "agreement.splat.ghost_off_surface": _most("share", 0.01, None, "Something cameras see and nothing stops a robot at."),
    "agreement.splat.see_through": _recorded("share", "Backs nobody photographed: more photos, not other hulls, mend it."),
    "agreement.splat.judged": _least("share", 0.5, None, "Of less than half of the pixels the two figures say little."),
    "agreement.mesh.phantom": _recorded("share", "As for splats, for depth sensors and lidars."),
    "agreement.mesh.ghost": _recorded("share", "As for splats, for depth sensors and lidars."),
    "agreement.mesh.phantom_off_surface": _most("share", 0.01, 0.05, "As for splats."),
    "agreement.mesh.ghost_off_surface": _most("share", 0.01, 0.03, "As for splats."),
    "agreement.mesh.hollow": _recorded("share", "Guessed surface that depth sensors see and robots drive into."),
    "agreement.mesh.judged": _least("share", 0.5, None, "As for splats."),
    # map and routes
    "navigation.reachable_area": _recorded("m^2", "Judged in footprints of the robot, next."),
    "navigation.reachable_footprints": _least(
        "1", 20.0, 5.0, "4 m² for a robot of 0.25 m radius, a small room; below 1 m² for it there is nothing to drive."
    ),
    "navigation.reachable_share": _least(
        "share", 0.7, 0.2, "Rooms behind a door that closed are lost; of a hospital a robot once reached 0.8 %."
    ),
    "navigation.probes": _least("1", 200, 1, "Probes may lie close: 200 fit on half a square metre. None proves nothing."),
    "navigation.probe_gap": _most("m", 1.0, None, "A hole wider than twice this could lie between the probes."),
    "navigation.floor_error": _most("m", 0.01, 0.03, "Probes rest on hulls; this says that the hulls lie where the floor is."),
    "navigation.routes": _least("1", 20, 1, "Fewer leave chance; none proves nothing. On small floors they are shorter."),
    "navigation.route_length": _recorded("m", "Sum of all planned routes."),
    "navigation.route_coverage": _least("share", 0.9, None, "Where no route comes near, nobody has driven."),
    "navigation.doorways": _recorded("1", "Depends on the scene; whether routes go through them is judged next."),
    "navigation.doorways_missed": _most("1", 0, None, "Doorways are where robots get stuck: each is to be driven through."),
    "navigation.map_physics_disagreement": _most(
        "share", 0.01, 0.03, "Cells in which a box meets something the map calls free, or nothing it calls occupied."
    ),
    # engines
    "physics.engines": _least("1", 2, None, "One engine alone may be wrong in its own way."),
    "physics.engines_lost": _most("1", 0, 0, "What an engine was to prove is unproven when it isn't there or gives up."),
    "physics.robot_footprint": _recorded("m", "Judged as a share of robot.radius, next."),
    "physics.robot_share": _least("share", 0.8, None, "Below it the way is proven for a smaller robot than asked."),
    "physics.*.probes_fell": _most("1", 0, 0, "The floor holds everywhere or it doesn't hold."),
    "physics.*.probes_settled": _least("share", 0.95, None, "A ball may still roll on a slope; more than that jitters."),
    "physics.*.on_floor": _least("share", 0.99, 0.99, "A ball in a hundred may find a ledge that the map is too coarse for."),
    "physics.*.settle_error": _recorded("m", "Judged as a share of the probes, above: one on a ledge says how high it is."),
    "physics.*.penetration": _most("m", 0.01, 0.02, "Deepest rest below the expected height: contact offsets stay under 1 cm."),
    "physics.*.tunnelled_floor": _most("1", 0, 0, "A floor that lets anything through is no floor."),
    "physics.*.tunnelled_wall": _most(
        "1", 0, None, "At 10 m/s a wall thinner than a step's way may let a ball through; robots are fifteen times slower."
    ),
    "physics.*.routes_driven": _least("share", 1.0, 1.0, "A planned route that can't be driven is a wrong map or wrong hulls."),
    "physics.*.length_error": _most(
        "share", 0.05, 0.1, "Worst relative difference of driven from planned length; more means bumps or slipping."
    ),
    "physics.*.cross_track": _most("m", 0.1, None, "Farther off the plan the kept clearance is used up."),
    "physics.*.upright": _least("1", 0.97, 0.9, "14 degrees are a doorstep; at 26 a robot with a load tips over."),
    "physics.agreement": _most("share", 0.05, 0.1, "Two engines that differ more feel two different worlds."),
    # Isaac Sim, from a receipt
    "isaac.receipt": _least("flag", 1, None, "Only Isaac Sim itself tells what Isaac Sim makes of a world."),
    "isaac.simulated": _least("s", 3.0, None, "NVIDIA's validator rubric: in under 3 s physics hasn't settled."),
    "isaac.probes_fell": _most("1", 0, 0, "As for our own engines."),
    "isaac.on_floor": _least("share", 0.99, 0.99, "As for our own engines."),
    "isaac.settle_error": _recorded("m", "As for our own engines."),
    "isaac.routes_driven": _least("share", 1.0, 1.0, "As for our own engines; a route the receipt lacks counts as not driven."),
    "isaac.length_error": _most("share", 0.05, 0.1, "As for our own engines."),
    "isaac.upright": _least("1", 0.97, 0.9, "As for our own engines."),
    "isaac.agreement": _most("share", 0.05, 0.1, "The same engine outside and inside of Isaac Sim should drive alike."),
    "isaac.depth_median": _most("m", 0.02, 0.05, "The same triangles: more than 2 cm is another frame, scale or camera."),
    "isaac.depth_off": _most("share", 0.05, 0.2, "Thin parts between two samples differ; a fifth is another world."),
    "isaac.rgb_correlation": _least("1", 0.7, None, "Another tone curve keeps what is light and what is dark."),
    "isaac.rgb_level": _least(
        "1", 30.0, 20.0, "NVIDIA's validator rubric: below 30 of 255 it lacks light, below 20 it is dark."
    ),
    # a package that is measured anew
    "package.files_changed": _most("1", 0, None, "What was measured before says nothing of what was changed since."),
    "package.colliders_unread": _most("1", 0, 0, "They stand in the way and take part in no figure about hulls."),
    "package.map_blocked": _most("m^2", 0, 0.1, "The map is drawn from the hulls: 0.1 m² is a box to bump into."),
    "package.map_bare": _most("m^2", 0, 0.1, "An obstacle on the map without its hull was taken out, or was never one."),
    "package.map_without_floor": _most("m^2", 0, 0.1, "Free floor that no floor hull carries lets a robot fall."),
    # stage
    "usd.errors": _most("1", 0, 0, "A stage that violates rules opens differently everywhere."),
    "usd.warnings": _most("1", 0, None, "Advice of the validators; none is the aim."),
}


def limit_of(name: str) -> Limit:
    """The limit of a metric; ``physics.physx.x`` falls back to ``physics.*.x``."""
    if name in LIMITS:
        return LIMITS[name]
    group, _, rest = name.partition(".")
    return LIMITS[f"{group}.*.{rest.partition('.')[2]}"]


DRIVING = (
    "witness",
    "collision",
    "agreement",
    "navigation",
    "physics",
    "isaac",
    "package",
    "usd",
    "truth.map",
    "truth.doorways",
)
"""Groups that tell whether a robot in the world ends where it would in the place itself."""
DRIVING_TOO = ("mesh.watertight", "mesh.manifold", "mesh.signed_volume", "mesh.cameras_in_solid")
LOOKS_TOO = (
    "isaac.receipt",
    "isaac.depth_median",
    "isaac.depth_off",
    "isaac.rgb_correlation",
    "isaac.rgb_level",
    "usd.warnings",
)


def subject_of(name: str) -> Subject:
    """What a figure speaks of: whether the world is fit for driving, or how much was seen and how well it looks."""
    driving = name.startswith(tuple(f"{group}." for group in DRIVING)) or name.startswith("truth.doorways")
    return "driving" if (driving or name in DRIVING_TOO) and name not in LOOKS_TOO else "looks"
