"""Where a camera looks, as yaw, pitch and roll: angles that can be smoothed without tilting the horizon."""

import numpy as np
from jaxtyping import Float, Float64

from lyra_sim.trajectories.smooth_motion import smoother_step

MAX_TURN = np.radians(3.0)
"""A gaze is smoothed until it turns by no more than this from frame to frame: at 16 frames/s, one turn in 7.5 s. Convention."""
BLEND_FRAMES = 24
"""Frames over which the start photo's own gaze gives way to the path's, at least. Convention."""
_VERTICAL = 1e-6
"""A gaze nearer to the vertical than this has no heading. Convention."""


def angles_of(rotations: Float[np.ndarray, "n 3 3"]) -> Float64[np.ndarray, "n 3"]:
    """Yaw (about z, from x), pitch (up positive) and roll (right side down positive) [rad] of OpenCV cameras, z up.

    Looking straight up or down leaves yaw free: then roll is 0.
    """
    right, forward = rotations[:, :, 0], rotations[:, :, 2]
    vertical = np.hypot(forward[:, 0], forward[:, 1]) < _VERTICAL
    yaw = np.where(vertical, np.arctan2(right[:, 0], -right[:, 1]), np.arctan2(forward[:, 1], forward[:, 0]))
    pitch = np.arctan2(forward[:, 2], np.hypot(forward[:, 0], forward[:, 1]))
    level_right = np.stack([np.sin(yaw), -np.cos(yaw), np.zeros_like(yaw)], axis=1)
    level_down = np.cross(forward, level_right)
    roll = np.arctan2((right * level_down).sum(axis=1), (right * level_right).sum(axis=1))
    return np.stack([yaw, pitch, roll], axis=1)


def rotations_of(angles: Float[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 3 3"]:
    """Camera-to-world rotations (OpenCV axes, z up) of yaw, pitch and roll [rad]."""
    yaw, pitch, roll = np.asarray(angles, np.float64).T
    forward = np.stack([np.cos(yaw) * np.cos(pitch), np.sin(yaw) * np.cos(pitch), np.sin(pitch)], axis=1)
    level_right = np.stack([np.sin(yaw), -np.cos(yaw), np.zeros_like(yaw)], axis=1)
    level_down = np.cross(forward, level_right)
    c, s = np.cos(roll)[:, None], np.sin(roll)[:, None]
    return np.stack([c * level_right + s * level_down, c * level_down - s * level_right, forward], axis=2)


def angles_towards(directions: Float[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 3"]:
    """Upright angles that look along directions of any length; yaw is continuous from one to the next."""
    yaw = np.unwrap(np.arctan2(directions[:, 1], directions[:, 0]))
    pitch = np.arctan2(directions[:, 2], np.hypot(directions[:, 0], directions[:, 1]))
    return np.stack([yaw, pitch, np.zeros_like(yaw)], axis=1)


def turns(rotations: Float[np.ndarray, "n 3 3"]) -> Float64[np.ndarray, "m"]:
    """Angle from each camera to the next [rad], one fewer than cameras."""
    apart = np.linalg.norm(rotations[1:] - rotations[:-1], axis=(1, 2)) / np.sqrt(8.0)
    return 2 * np.arcsin(np.clip(apart, 0.0, 1.0))


def begun_as(angles: Float[np.ndarray, "n 3"], first: Float[np.ndarray, "3"]) -> Float64[np.ndarray, "n 3"]:
    """The same gaze, but starting out exactly as ``first`` and blending from there: a photo's roll and pitch fade out."""
    off = (first - angles[0] + np.pi) % (2 * np.pi) - np.pi
    largest = float(np.abs(off).max())
    frames = min(max(BLEND_FRAMES, int(np.ceil(1.875 * largest / (MAX_TURN / 2)))), len(angles) - 1)  # 1.875: steepest slope
    fading = 1 - smoother_step(np.arange(len(angles)) / frames)
    return angles + fading[:, None] * off
