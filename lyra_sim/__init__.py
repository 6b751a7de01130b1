"""lyra-sim: from posed RGB-D frames to simulation worlds that carry their own proof.

Everything here is loaded when it is first used; ``import lyra_sim`` itself loads neither torch nor USD.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lyra_sim.data.mesh import TriMesh
    from lyra_sim.data.occupancy import OccupancyMap
    from lyra_sim.data.report import Report
    from lyra_sim.data.splats import Splats
    from lyra_sim.errors import LyraSimError
    from lyra_sim.runner import build, plan
    from lyra_sim.scene.scene_file import load_scenes
    from lyra_sim.scene.spec import SceneSpec
    from lyra_sim.usd.rules.validate import validate_stage

__version__ = "0.1.0"

__all__ = [
    "LyraSimError",
    "OccupancyMap",
    "Report",
    "SceneSpec",
    "Splats",
    "TriMesh",
    "__version__",
    "build",
    "load_scenes",
    "plan",
    "validate_stage",
]

_HOMES = {
    "LyraSimError": "lyra_sim.errors",
    "OccupancyMap": "lyra_sim.data.occupancy",
    "Report": "lyra_sim.data.report",
    "SceneSpec": "lyra_sim.scene.spec",
    "Splats": "lyra_sim.data.splats",
    "TriMesh": "lyra_sim.data.mesh",
    "build": "lyra_sim.runner",
    "load_scenes": "lyra_sim.scene.scene_file",
    "plan": "lyra_sim.runner",
    "validate_stage": "lyra_sim.usd.rules.validate",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = globals()[name] = getattr(import_module(_HOMES[name]), name)
        return value
    raise AttributeError(f"module 'lyra_sim' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
