"""What to do about a figure that isn't a pass: one line by cause each, for console, report and ``metrics.json``."""

from lyra_sim.quality.figures.limits import LIMITS

_MORE_VIEWS = "Film what is missing too: slowly, from two heights, and back to where you began."
_FINER = "Build with a smaller mesh.voxel_size: what is thin or narrow is lost in coarse voxels."
_NOISE = "Look for noise or drift in the depth: nearer frames (capture.max_depth) and surer cameras mend it."
_HULLS = "Raise collide.max_hulls, or lower mesh.voxel_size: hulls are cut from that solid."
_BAND = "Check robot.radius, robot.band_low and robot.band_high against the robot that is meant."
_REPORT = "Open a bug with gate_<engine>.json: a sound world doesn't do this."
_ISAAC = "Compare the receipt's versions with docs/isaac.md, and make it again from this very world."
_TRUTH = "Look at the report's pictures for where it differs; check that truth and input share one frame and unit."
_POSES = "Check the cameras: overlap, a sharp walk without fast turns, and intrinsics that belong to these images."
_LOST = "Look at the place that is named: it isn't in the solid. A smaller mesh.voxel_size keeps thin things."
_MADE_UP = "Look at the place that is named: something moved while filming, or depth erred. Film it again at rest."
_MAP = "Look at the place that is named: hulls or map were edited. Take both from one build."
_PROBES = "Ask for more probes (navigate.probes); where there is no place for any, let more floor be seen."
_NEARER = "Keep the drawn walk nearer to the photos (generate.path), or draw fewer chunks."
_RESTATE = "State 'scale' from something measured: a marker (lyra-sim marker), a known distance, or a metric source."

ADVICE: dict[str, str] = {
    "scale.sigma_relative": _RESTATE,
    "scale.custom_sigmas": "Check the stated unit or scale: rooms and carried cameras are rarely of this size.",
    "gravity.tilt_sigma_deg": "State 'up', or let more level floor and plumb walls be seen.",
    "gravity.residual_deg": "Compare the stated up with floor and walls: one of them leans.",
    "poses.registered": _POSES,
    "poses.reprojection": _POSES,
    "poses.gps_rms": "Leave GPS out (poses) where it was indoors or stale, or check which photos carry another place.",
    "poses.weakest_scale_points": "Take more photos through the passage that joins the two parts, turning slowly.",
    "photo_depth.guessed": "Take more than one photo: the shape of the room is a guess from one.",
    "photo_depth.sigma_relative": _POSES,
    "generated.black_frames": _NEARER,
    "generated.made_up": _NEARER,
    "generated.depth_residual": _NEARER,
    "generated.depth_scale_conflicts": _NEARER,
    "generated.revisit": _NEARER,
    "mesh.watertight": _REPORT,
    "mesh.manifold": _REPORT,
    "mesh.signed_volume": _REPORT,
    "mesh.cameras_in_solid": _NOISE,
    "mesh.seen_share": _MORE_VIEWS,
    "mesh.faces": "Lower mesh.target_faces, or raise mesh.voxel_size.",
    "depth.held_out.median": _NOISE,
    "depth.held_out.mean": _NOISE,
    "depth.held_out.p90": _NOISE,
    "depth.held_out.completeness": _MORE_VIEWS,
    "depth.held_out.behind_unseen": _MORE_VIEWS,
    "depth.input.median": _NOISE,
    "depth.input.mean": _NOISE,
    "depth.input.p90": _NOISE,
    "depth.input.completeness": _MORE_VIEWS,
    "depth.input.behind_unseen": _MORE_VIEWS,
    "depth.estimated.median": _POSES,
    "depth.estimated.p90": _POSES,
    "depth.estimated.completeness": _POSES,
    "depth.estimated.behind_unseen": _MORE_VIEWS,
    "image.held_out.psnr": "Train splats on the photos (reconstruct.backend: gsplat), and let exposure be fixed while filming.",
    "image.held_out.ssim": "Train splats on the photos (reconstruct.backend: gsplat), and film sharper.",
    "image.held_out.covered": _MORE_VIEWS,
    "image.input.psnr": "Train splats on the photos (reconstruct.backend: gsplat), and let exposure be fixed while filming.",
    "image.input.ssim": "Train splats on the photos (reconstruct.backend: gsplat), and film sharper.",
    "image.input.covered": _MORE_VIEWS,
    "given.psnr": "Check the file's colours and textures in a viewer, and the frame it is read in.",
    "truth.cameras.ate": _POSES,
    "truth.cameras.ate_worst": _POSES,
    "truth.cameras.rotation": _POSES,
    "truth.cameras.scale_error": _RESTATE,
    "truth.cameras.scale_error_sigmas": _RESTATE,
    "truth.accuracy": _TRUTH,
    "truth.completeness": _TRUTH,
    "truth.f_score_5cm": _TRUTH,
    "truth.map.free_precision": _TRUTH,
    "truth.map.occupied_recall": _TRUTH,
    "truth.map.navigable_iou": _TRUTH,
    "truth.doorways_open": _FINER,
    "truth.doorways_sealed": _FINER,
    "witness.reading_difference": "Look at the file in another viewer: a reader loses parts. Export it as plain .glb.",
    "witness.footing": "Set 'up' to the axis it is, export the floors too, or state 'surface.start' on the floor.",
    "witness.ghost": _LOST,
    "witness.ghost_patch": _LOST,
    "witness.phantom": _MADE_UP,
    "witness.phantom_patch": _MADE_UP,
    "collision.coverage": _HULLS,
    "collision.largest_gap": _HULLS,
    "collision.free_volume_blocked": _HULLS,
    "collision.hulls_in_air": _HULLS,
    "collision.path_recall": _NOISE,
    "collision.hulls": "Lower collide.max_hulls; what gets none is named in collision.components_dropped.",
    "collision.max_vertices": _REPORT,
    "collision.max_faces": _REPORT,
    "collision.doorways_open": _FINER,
    "collision.doorways_sealed": _FINER,
    "collision.frontier_fenced": _MORE_VIEWS,
    "collision.components_dropped": _HULLS,
    "collision.coacd_fallbacks": "Nothing where coverage holds; a smaller mesh.voxel_size often gives cleaner pieces.",
    "agreement.views": "Let more floor be seen: there is little room for a robot's camera.",
    "agreement.splat.phantom_off_surface": "Photograph it from more sides: hulls stand where no splat does.",
    "agreement.splat.ghost_off_surface": "Look for splats that float in the air: film slower, or lower capture.max_depth.",
    "agreement.splat.judged": _MORE_VIEWS,
    "agreement.mesh.phantom_off_surface": _HULLS,
    "agreement.mesh.ghost_off_surface": _HULLS,
    "agreement.mesh.judged": _MORE_VIEWS,
    "navigation.reachable_footprints": _BAND,
    "navigation.reachable_share": "Look for what closes the way: a door that was shut, a fence, a robot.radius too wide.",
    "navigation.probes": _PROBES,
    "navigation.probe_gap": _PROBES,
    "navigation.floor_error": _NOISE,
    "navigation.routes": _BAND,
    "navigation.route_coverage": "Ask for more routes (navigate.routes).",
    "navigation.doorways_missed": "Ask for more routes (navigate.routes).",
    "navigation.map_physics_disagreement": _HULLS,
    "physics.engines": "Install both engines: pip install 'lyra-sim[physics]'.",
    "physics.engines_lost": "Read its error in the note: the engine stopped, or was too slow for its time limit.",
    "physics.robot_share": "Give a robot.radius near that of a stock robot, or prove the world with your own in Isaac Sim.",
    "physics.*.probes_fell": "Look at the places that are named: the floor has a hole there. " + _MORE_VIEWS,
    "physics.*.probes_settled": "Look at the floor there: it slopes or is bumpy. " + _NOISE,
    "physics.*.on_floor": "Look at the floor there: it slopes or is bumpy. " + _NOISE,
    "physics.*.penetration": _REPORT,
    "physics.*.tunnelled_floor": _REPORT,
    "physics.*.tunnelled_wall": "Thicker walls stop faster balls; nothing has to be done for robots below 1 m/s.",
    "physics.*.routes_driven": _BAND,
    "physics.*.length_error": _NOISE,
    "physics.*.cross_track": _NOISE,
    "physics.*.upright": "Look at the floor along the route: raise robot.band_low's obstacle height only if it really is flat.",
    "physics.agreement": _NOISE,
    "isaac.receipt": "Run the package's receipt script in Isaac Sim (docs/isaac.md).",
    "isaac.simulated": _ISAAC,
    "isaac.probes_fell": _ISAAC,
    "isaac.on_floor": _ISAAC,
    "isaac.routes_driven": _ISAAC,
    "isaac.length_error": _ISAAC,
    "isaac.upright": _ISAAC,
    "isaac.agreement": _ISAAC,
    "isaac.depth_median": _ISAAC,
    "isaac.depth_off": _ISAAC,
    "isaac.rgb_correlation": _ISAAC,
    "isaac.rgb_level": "Raise the light of the stage: its lamps hang where ceilings were found.",
    "package.files_changed": "Keep the change and what is measured here, or take the package again from its step folder.",
    "package.colliders_unread": "Make convex hulls of the colliders that are named, or switch their collision off.",
    "package.map_blocked": _MAP,
    "package.map_bare": _MAP,
    "package.map_without_floor": _MAP,
    "usd.errors": _REPORT,
    "usd.warnings": "Read the rules that are named; each says what it asks for.",
}


def advice_on(name: str) -> str:
    """The line for a figure; ``physics.physx.x`` falls back to ``physics.*.x``; empty for what is only recorded."""
    if name not in LIMITS:
        group, _, rest = name.partition(".")
        name = f"{group}.*.{rest.partition('.')[2]}"
    return ADVICE.get(name, "")
