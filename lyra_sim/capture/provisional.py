"""The provisional metric frame: what the input itself says of scale and up, before align looks at the geometry."""

import numpy as np

from lyra_sim.data.capture import ScaleEstimate
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.geometry.rigid import Similarity, rotation_between
from lyra_sim.spec import CameraHeightScale, MetricScale, SceneSpec

DEPTH_UNIT_SIGMA = 0.02
"""Relative 1-sigma granted to a depth camera's own unit when nobody declares it."""
ASSUMED_SIGMA = 0.5
"""Relative 1-sigma of a scale that rests on an assumed camera height."""
_AXES = {"x": [1, 0, 0], "y": [0, 1, 0], "z": [0, 0, 1], "-x": [-1, 0, 0], "-y": [0, -1, 0], "-z": [0, 0, -1]}


def provisional_frame(cfg: SceneSpec, cameras: CameraPath) -> tuple[Similarity, ScaleEstimate, str]:
    """``world_from_capture``, the scale behind it and where up comes from.

    A camera height tells the scale only once the floor is known: until align finds it, one input unit counts
    as one metre and the estimate says so.
    """
    scale = _provisional_scale(cfg)
    if cfg.up == "auto":
        up, up_source = -cameras.c2w[:, :3, 1].mean(axis=0), "mean camera up"
        if np.linalg.norm(up) < 0.2:  # cameras look every way: no common up
            up, up_source = np.array([0.0, 0.0, 1.0]), "assumed z"
    else:
        up, up_source = np.array(_AXES[cfg.up], np.float64), f"declared {cfg.up}"
    rotation = rotation_between(up, np.array([0.0, 0.0, 1.0]))
    return Similarity(scale=scale.metres_per_unit, rotation=rotation, translation=np.zeros(3)), scale, up_source


def _provisional_scale(cfg: SceneSpec) -> ScaleEstimate:
    match cfg.scale:
        case "metric":
            return ScaleEstimate(metres_per_unit=1.0, sigma_relative=0.0, source="declared metric")
        case MetricScale(metres_per_unit=value, sigma_relative=sigma):
            return ScaleEstimate(metres_per_unit=value, sigma_relative=sigma, source=f"declared {value:g} m per unit")
        case CameraHeightScale(camera_height=height, sigma_relative=sigma):
            return ScaleEstimate(metres_per_unit=1.0, sigma_relative=sigma, source=f"camera height {height:g} m")
        case "auto":
            return ScaleEstimate(
                metres_per_unit=1.0, sigma_relative=DEPTH_UNIT_SIGMA, source=f"depth unit {cfg.rgbd.depth_unit}"
            )
        case _:
            height = cfg.capture.assumed_camera_height
            return ScaleEstimate(
                metres_per_unit=1.0, sigma_relative=ASSUMED_SIGMA, source=f"assumed camera height {height:g} m"
            )
