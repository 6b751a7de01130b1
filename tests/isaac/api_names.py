"""Every name that tools/isaac_receipt.py and docs/isaac.md take from NVIDIA, and where it was looked up.

``5.1.0`` and ``6.0.1`` are the tags of github.com/isaac-sim/IsaacSim that were read; a name that a release lacks has None
there. Kit's own modules (carb, omni.*) have no public source: their evidence is a file of that repository that uses them
in the same way. IsaacLab's names were read in the main branch of mid-2026, the terrain configuration at v2.3.2 too.
"""

from dataclasses import dataclass

EXTENSIONS = "source/extensions/"
MANAGER = EXTENSIONS + "isaacsim.core.simulation_manager/python/impl/simulation_manager.py"
PRIMS = EXTENSIONS + "isaacsim.core.experimental.prims/python/impl/"
APP = EXTENSIONS + "isaacsim.simulation_app/isaacsim/simulation_app/simulation_app.py"
SDG = "source/standalone_examples/api/isaacsim.replicator.examples/"


@dataclass(frozen=True)
class Name:
    """A module, a symbol in it (with an attribute after a dot), and the file that has it, by release."""

    module: str
    symbol: str
    in_5_1_0: str | None
    in_6_0_1: str | None


def _same(module: str, symbol: str, file: str) -> Name:
    return Name(module, symbol, file, file)


SCRIPT_NAMES = (
    _same("isaacsim", "SimulationApp", "source/python_packages/isaacsim/__init__.py"),
    _same("isaacsim", "SimulationApp.update", APP),
    _same("isaacsim", "SimulationApp.close", APP),
    _same("isaacsim.core.version", "get_version", EXTENSIONS + "isaacsim.core.version/isaacsim/core/version/extension.py"),
    _same(
        "isaacsim.core.experimental.utils.stage",
        "open_stage",
        EXTENSIONS + "isaacsim.core.experimental.utils/python/impl/stage.py",
    ),
    _same("isaacsim.core.experimental.prims", "RigidPrim", PRIMS + "rigid_prim.py"),
    _same("isaacsim.core.experimental.prims", "RigidPrim.get_world_poses", PRIMS + "rigid_prim.py"),
    _same("isaacsim.core.experimental.prims", "Articulation", PRIMS + "articulation.py"),
    _same("isaacsim.core.experimental.prims", "Articulation.get_dof_indices", PRIMS + "articulation.py"),
    _same("isaacsim.core.experimental.prims", "Articulation.set_dof_velocity_targets", PRIMS + "articulation.py"),
    _same("isaacsim.core.simulation_manager", "SimulationManager", MANAGER),
    _same("isaacsim.core.simulation_manager", "SimulationManager.set_physics_sim_device", MANAGER),
    _same("isaacsim.core.simulation_manager", "SimulationManager.initialize_physics", MANAGER),
    _same("isaacsim.core.simulation_manager", "SimulationManager.get_physics_dt", MANAGER),
    _same("isaacsim.core.simulation_manager", "SimulationManager.step", MANAGER),
    Name("isaacsim.core.simulation_manager", "SimulationManager.switch_physics_engine", None, MANAGER),
    Name("isaacsim.core.simulation_manager", "SimulationManager.get_active_physics_engine", None, MANAGER),
    Name("omni.physx", "get_physx_simulation_interface", MANAGER, None),
    _same("omni.usd", "get_context", EXTENSIONS + "isaacsim.core.experimental.utils/python/impl/stage.py"),
    _same("carb", "settings.get_settings", SDG + "simulation_get_data.py"),
    _same("omni.replicator.core", "create.render_product", SDG + "simulation_get_data.py"),
    _same("omni.replicator.core", "AnnotatorRegistry.get_annotator", SDG + "simulation_get_data.py"),
    _same("omni.replicator.core", "orchestrator.set_capture_on_play", SDG + "cosmos_writer_simple.py"),
    _same("omni.replicator.core", "orchestrator.step", SDG + "simulation_get_data.py"),
    Name(
        "warp",
        "get_cuda_devices",
        "https://github.com/NVIDIA/warp, which both releases carry",
        EXTENSIONS + "isaacsim.benchmark.services/isaacsim/benchmark/services/datarecorders/hardware.py",
    ),
)
"""Of tools/isaac_receipt.py; ``pxr`` is OpenUSD's."""

OLD_MOBILITY_GEN = EXTENSIONS + "isaacsim.replicator.mobility_gen/python/impl/"
NEW_MOBILITY_GEN = EXTENSIONS + "isaacsim.replicator.experimental.mobility_gen/python/impl/"

PAGE_NAMES = (
    Name("isaacsim.replicator.mobility_gen", "", OLD_MOBILITY_GEN, "source/deprecated/isaacsim.replicator.mobility_gen/"),
    Name("isaacsim.replicator.mobility_gen.impl.occupancy_map", "OccupancyMap", OLD_MOBILITY_GEN + "occupancy_map.py", None),
    Name("isaacsim.replicator.experimental.mobility_gen", "", None, NEW_MOBILITY_GEN),
    Name("isaacsim.replicator.experimental.mobility_gen", "OccupancyMap", None, NEW_MOBILITY_GEN + "occupancy_map.py"),
    _same("isaacsim.replicator.mobility_gen.examples", "", EXTENSIONS + "isaacsim.replicator.mobility_gen.examples/"),
    _same("isaacsim.replicator.mobility_gen.ui", "", EXTENSIONS + "isaacsim.replicator.mobility_gen.ui/"),
    _same("isaacsim.asset.validation", "", EXTENSIONS + "isaacsim.asset.validation/"),
    Name("isaacsim.replicator.nurec_utils", "", None, EXTENSIONS + "isaacsim.replicator.nurec_utils/"),
)
"""Of docs/isaac.md, besides those of the script."""

LAB_NAMES = (
    ("isaaclab.sim", "UsdFileCfg", "source/isaaclab/isaaclab/sim/spawners/from_files/from_files_cfg.py"),
    ("isaaclab.terrains", "TerrainImporterCfg", "source/isaaclab/isaaclab/terrains/terrain_importer_cfg.py"),
    ("isaaclab.assets", "AssetBaseCfg", "source/isaaclab/isaaclab/assets/asset_base_cfg.py"),
)
"""Of github.com/isaac-sim/IsaacLab."""
