"""camera_info of ROS as a pinhole with Brown-Conrady distortion."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

from lyra_sim.conventions import K_from_integer_centres
from lyra_sim.errors import InputError

UNSEEN_PX = 0.25
"""What higher terms of a distortion may move the corner of an image by and still be left out [px]. Convention."""


@dataclass(frozen=True, kw_only=True)
class BagLens:
    """Of one camera."""

    frame_id: str
    K: Float64[np.ndarray, "3 3"]
    """The top-left pixel's centre is (0.5, 0.5) [px]."""
    distortion: Float64[np.ndarray, "4"]
    """k1, k2, p1, p2."""
    width: int
    height: int


def lens_of_info(info: Any, subject: str, *, rectified: bool) -> BagLens:
    """What a camera_info says of the images beside it.

    Args:
        info: The message.
        subject: For messages.
        rectified: The images were undistorted, and ``P`` is their pinhole.

    Raises:
        InputError: It isn't calibrated, or the lens is none that k1, k2, p1, p2 stand for.
    """
    old = hasattr(info, "K")  # ROS 1 writes capitals
    given, D, P = (np.asarray(getattr(info, name if old else name.lower()), np.float64) for name in ("K", "D", "P"))
    K = P.reshape(3, 4)[:, :3] if rectified else given.reshape(3, 3)
    width, height = int(info.width), int(info.height)
    if not np.isfinite(K).all() or K[0, 0] <= 0 or K[1, 1] <= 0 or width < 1 or height < 1:
        raise InputError(
            subject,
            f"focal lengths {K[0, 0]:g}, {K[1, 1]:g} for {width}x{height} pixels",
            expected="a calibrated camera",
            likely="The driver had no calibration.",
        )
    coefficients = np.zeros(4)
    if not rectified and D.any():
        coefficients = _brown(D, info.distortion_model, K, (width, height), subject)
    return BagLens(
        frame_id=info.header.frame_id.lstrip("/"),
        K=K_from_integer_centres(K),
        distortion=coefficients,
        width=width,
        height=height,
    )


def _brown(
    D: Float64[np.ndarray, "d"], model: str, K: Float64[np.ndarray, "3 3"], size: tuple[int, int], subject: str
) -> Float64[np.ndarray, "4"]:
    """k1, k2, p1, p2 of a lens whose other terms move nothing."""
    if model in ("plumb_bob", "rational_polynomial", "") and len(D) >= 4:
        corner = max(abs(K[0, 2]), abs(size[0] - K[0, 2])) / K[0, 0], max(abs(K[1, 2]), abs(size[1] - K[1, 2])) / K[1, 1]
        r2 = float(np.dot(corner, corner))
        higher = np.abs(D[4:8]) * r2 ** np.array([3.0, 1.0, 2.0, 3.0])[: len(D[4:8])]
        if not D[8:].any() and float(higher.sum()) * np.sqrt(r2) * K[0, 0] <= UNSEEN_PX:
            return np.asarray(D[:4], np.float64)
    raise InputError(
        subject,
        f"a lens of model '{model}' with {np.array2string(D, precision=3)}",
        expected="plumb_bob with k1, k2, p1, p2",
        next_step="Undistort colour and depth with image_proc (image_rect_color) and record these.",
    )
