"""Records of the making, as the steps write them, for worlds that tests put together by hand."""

from lyra_sim.data.colliders import ClutterFacts, ColliderFacts, FrontierFacts, PlaneFacts, StructureFacts
from lyra_sim.data.posed import ModelFacts, PoseFacts
from lyra_sim.data.solid import CarveFacts, SolidFacts, SurfaceFacts
from lyra_sim.data.video import ChunkFacts, ClearanceFacts, PathFacts, WalkFacts
from lyra_sim.data.world import AlignEvidence

FLOOR = PlaneFacts(kind="floor", normal=(0.0, 0.0, 1.0), offset=0.0, area=24.5, rms=0.002)
COLLIDERS = ColliderFacts(
    planes=(FLOOR, PlaneFacts(kind="floor", role="step", normal=(0.0, 0.0, 1.0), offset=0.2, area=0.4, rms=0.003)),
    main_floor=FLOOR,
    structure=StructureFacts(lasting=6, loose=1),
    clutter=ClutterFacts(
        components=8,
        dropped_specks=2,
        dropped_specks_litres=0.31,
        dropped_hidden=0,
        dropped_hidden_litres=0.0,
        speck_limit_litres=0.5,
        clutter_lumps=9,
        coacd_lumps=0,
        coacd_taken=0,
        coacd_fallbacks=(),
        cuts_after_coacd=0,
        components_merged=0,
        lattices=0,
        clutter_hulls=9,
        components_over_budget=0,
        area_over_budget=0.0,
        joins=0,
        cuts=1,
    ),
    frontier=FrontierFacts(frontier_length=0.0, frontier_stretches=0, frontier_fenced=1.0, fences=0, fences_cut=0),
    cut_for_camera_path=0,
    hulls={"clutter": 9, "floor": 1, "wall": 5},
)
CARVED = CarveFacts(
    voxels=1000,
    free_voxels=600,
    solid_voxels=150,
    pocket_voxels_closed=0,
    speck_voxels_dropped=3,
    camera_voxels_in_matter=0,
    free_components=1,
)
SOLID_FACTS = SolidFacts(
    texel_size_m=None,
    voxel_size_m=0.04,
    voxel_size_wanted_m=0.03,
    extent_m=(7.2, 4.2, 2.6),
    seen_area_share=0.9,
    carve=CARVED,
    surface=SurfaceFacts(faces_marching_cubes=9000, faces=3000, kept="thinned", matter_change_m3=-1e-05),
)
ALIGNED = AlignEvidence(
    up="floor plane (812 samples), from declared z",
    frame="kept: z-up with its floor at z = 0",
    floor_area_m2=20.5,
    floor_rms_m=0.002,
    provisional_up_error_deg=0.1,
    floor_height_in_input=0.0,
    floor_slope_deg=0.0,
    wall_tilt_deg=None,
    camera_height_m=1.3,
    ceiling_height_m=2.4,
)
POSES = PoseFacts(
    chosen="global mapper, free focal",
    why="36 photos hang together, in the next best model 20",
    photos=40,
    registered=38,
    trusted=36,
    posed=36,
    recipe="global mapper, free focal",
    reprojection_px=0.61,
    findings=("between 0012 and 0013 the scale jumps <4.9x>",),
    figures={"gps_rms_m": 4.8, "weakest_scale_points": 17.0},
    agreement=(),
    candidates=(
        ModelFacts(
            recipe="global mapper, free focal",
            registered=38,
            trusted=36,
            parts=(36, 2),
            reprojection_px=None,
            focal_px=812.5,
            findings=("between 0012 and 0013 the scale jumps <4.9x>",),
            figures={"gps_rms_m": 4.8},
        ),
    ),
    dropped=(("0040", "no feature in common"),),
    skipped=(("notes.jpg", "not an image"),),
)
WALK = WalkFacts(
    backend="reproject",
    path=PathFacts(
        kind="orbit",
        frames=81,
        length_m=2.5,
        largest_step_m=0.04,
        largest_turn_deg=1.2,
        clearance=ClearanceFacts(
            asked_m=0.2,
            least_before_m=0.15,
            least_m=0.2,
            least_required_m=0.2,
            narrow_photos=0,
            frames_moved=4,
            largest_shift_m=0.05,
            way_kept=1.0,
            frames_behind=0,
        ),
        start="00000",
        turn_deg=90.0,
        radius_m=1.5,
    ),
    chunks=(
        ChunkFacts(
            first=0,
            last=80,
            known_share=0.9,
            new_share=0.02,
            depth_scale=1.0,
            depth_residual=None,
            depth_overlap=0.0,
        ),
    ),
)
