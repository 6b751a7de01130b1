"""READ FIRST. Frames, units and layouts of lyra-sim, and the only code that converts between conventions.

Inside lyra-sim, always:

- Camera axes are OpenCV's: x right, y down, z forward. ``c2w`` takes camera coordinates to world
  coordinates; it is stored, and ``w2c`` is derived.
- The world is right-handed, z-up, in metres, radians and seconds. Gravity is -z.
- ``K`` is in pixels and the centre of the top-left pixel is (0.5, 0.5).
- ``z_depth`` is measured along the optical axis, ``ray_distance`` along the ray. Invalid is NaN, never 0.
- Quaternions carry their layout in their name: ``quats_wxyz``.
- Splats are stored raw, as a 3DGS PLY stores them (``log_scales``, ``opacity_logits``, ``sh_coeffs``);
  ``scales`` and ``opacities`` are the activated values a renderer and USD want.

Anything else (OpenGL cameras, integer pixel centres, millimetres, xyzw) is converted at the border,
here and nowhere else.
"""

import numpy as np
from jaxtyping import Float, Float32, Float64, Shaped, UInt8

METRES_PER_UNIT = {"m": 1.0, "cm": 0.01, "mm": 0.001}
"""Length units accepted in a scene file."""

GRAVITY_M_S2 = 9.81
"""Standard gravity used by every physics scene we write. Convention."""

SH_C0 = 0.28209479177387814
"""Zeroth real spherical harmonic, 1/(2*sqrt(pi)): colour = 0.5 + SH_C0 * dc (Kerbl et al. 2023). Derived."""

GLTF_FROM_WORLD = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
"""Takes our z-up world to glTF's y-up one: (x, y, z) becomes (x, z, -y); metres either way. Derived."""

_FLIP_YZ = np.diag([1.0, -1.0, -1.0, 1.0])
"""Turns camera axes between OpenCV's and OpenGL's, either way. Convention."""


def c2w_opencv_from_opengl(c2w: Float[np.ndarray, "*n 4 4"]) -> Float[np.ndarray, "*n 4 4"]:
    """Re-express cameras given in OpenGL axes (x right, y up, z backward) in OpenCV axes.

    Only the camera side changes; the world stays. The conversion is its own inverse.
    """
    return c2w @ _FLIP_YZ


def c2w_opengl_from_opencv(c2w: Float[np.ndarray, "*n 4 4"]) -> Float[np.ndarray, "*n 4 4"]:
    """Re-express OpenCV cameras in OpenGL/USD camera axes (x right, y up, z backward)."""
    return c2w @ _FLIP_YZ


def K_from_integer_centres(K: Float[np.ndarray, "*n 3 3"]) -> Float[np.ndarray, "*n 3 3"]:
    """Shift intrinsics whose top-left pixel centre is (0, 0) to our (0.5, 0.5) convention.

    Open3D, OpenCV and TUM intrinsics count this way; COLMAP, nerfstudio and Lyra count as we do.
    """
    shifted = np.array(K, dtype=np.float64, copy=True)
    shifted[..., 0, 2] += 0.5
    shifted[..., 1, 2] += 0.5
    return shifted


def K_to_integer_centres(K: Float[np.ndarray, "*n 3 3"]) -> Float[np.ndarray, "*n 3 3"]:
    """Inverse of :func:`K_from_integer_centres`, for libraries that sample pixels at integers."""
    shifted = np.array(K, dtype=np.float64, copy=True)
    shifted[..., 0, 2] -= 0.5
    shifted[..., 1, 2] -= 0.5
    return shifted


def quats_xyzw_from_wxyz(quats_wxyz: Shaped[np.ndarray, "*n 4"]) -> Shaped[np.ndarray, "*n 4"]:
    """Reorder scalar-first quaternions to scalar-last (``Vt.QuatfArray.FromNumpy``, scipy, ROS)."""
    return np.ascontiguousarray(quats_wxyz[..., [1, 2, 3, 0]])


def quats_wxyz_from_xyzw(quats_xyzw: Shaped[np.ndarray, "*n 4"]) -> Shaped[np.ndarray, "*n 4"]:
    """Reorder scalar-last quaternions to scalar-first."""
    return np.ascontiguousarray(quats_xyzw[..., [3, 0, 1, 2]])


def sh_dc_from_rgb(rgb: Float[np.ndarray, "*n 3"]) -> Float32[np.ndarray, "*n 3"]:
    """Degree-0 SH coefficients of display-referred sRGB colours in 0..1."""
    return ((np.asarray(rgb, np.float32) - 0.5) / np.float32(SH_C0)).astype(np.float32)


def rgb_from_sh_dc(sh_dc: Float[np.ndarray, "*n 3"]) -> Float32[np.ndarray, "*n 3"]:
    """Display-referred sRGB colours of degree-0 SH coefficients (may leave 0..1)."""
    return (np.asarray(sh_dc, np.float32) * np.float32(SH_C0) + np.float32(0.5)).astype(np.float32)


def linear_from_srgb(rgb: Float[np.ndarray, "*n 3"]) -> Float32[np.ndarray, "*n 3"]:
    """Linear Rec. 709 of display-referred sRGB in 0..1 (IEC 61966-2-1), as USD displayColor and glTF COLOR_0 want it."""
    rgb = np.asarray(rgb, np.float64)
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4).astype(np.float32)


def srgb_from_linear(linear: Float[np.ndarray, "*n"]) -> Float64[np.ndarray, "*n"]:
    """Display-referred sRGB in 0..1 of linear Rec. 709 in 0..1 (IEC 61966-2-1): the inverse of :func:`linear_from_srgb`."""
    linear = np.asarray(linear, np.float64)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def srgb_bytes_from_linear(linear: Float[np.ndarray, "*n"]) -> UInt8[np.ndarray, "*n"]:
    """sRGB counts of linear Rec. 709, cut to 0..1 first: factors and vertex colours of glTF and USD are linear."""
    return (srgb_from_linear(np.clip(np.asarray(linear, np.float64), 0, 1)) * 255 + 0.5).astype(np.uint8)
