"""Cameras found from photos against cameras that are known: how far off poses and scale are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from lyra_sim.capture.cameras.camera_files import CameraTable, match_frames
from lyra_sim.data.report import Metric
from lyra_sim.errors import InputError
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.geometry.similarity_fit import fit_similarity
from lyra_sim.quality.figures.metrics import measured


@dataclass(frozen=True, kw_only=True)
class TrueCameras:
    """Known camera-to-world matrices of the photos that were posed, in the truth's frame [m]."""

    c2w: Float64[np.ndarray, "n 4 4"]
    world_from_truth: Similarity
    """Fits the true camera centres to ours: where the other truths have to be moved."""

    @classmethod
    def matched(cls, table: CameraTable, names: Sequence[str], cameras: CameraPath, *, subject: str) -> "TrueCameras":
        """Match true cameras to ours by photo name.

        Args:
            table: The truth.
            names: Photo name of each of ``cameras``.
            cameras: Ours, in the metric world.
            subject: Named in errors.

        Raises:
            InputError: Fewer than three cameras have a match.
        """
        c2w = table.c2w[match_frames(table, list(names), subject=subject)]
        if len(c2w) < 3:
            raise InputError(
                subject, f"{len(c2w)} cameras to compare with", expected="at least 3", next_step="Remove truth.cameras."
            )
        return cls(c2w=c2w, world_from_truth=fit_similarity(c2w[:, :3, 3], cameras.centres))


def true_camera_metrics(truth: TrueCameras, ours: CameraPath, *, sigma_relative: float) -> list[Metric]:
    """Absolute trajectory error after a similarity (Sturm et al. 2012), rotation error, and how far off the metre is.

    Our world is metric by its own claim: what the similarity's scale differs from 1 by is the error of that claim, and it
    is also given in the claim's own standard deviations.
    """
    fit = truth.world_from_truth
    metres = 1 / fit.scale
    off = np.linalg.norm(fit.apply(truth.c2w[:, :3, 3]) - ours.centres, axis=1) * metres
    turned = np.swapaxes(fit.rotation @ truth.c2w[:, :3, :3], 1, 2) @ ours.c2w[:, :3, :3]
    cosines = (np.trace(turned, axis1=1, axis2=2) - 1) / 2
    degrees = np.degrees(np.arccos(np.clip(cosines, -1, 1)))
    scale_error = abs(fit.scale - 1)
    n = len(off)
    metrics = [
        measured("truth.cameras.ate", float(np.sqrt((off**2).mean())), n=n, note="after a similarity"),
        measured("truth.cameras.ate_worst", float(off.max()), n=n, note="after a similarity"),
        measured("truth.cameras.rotation", float(np.median(degrees)), n=n, note="median"),
        measured("truth.cameras.scale_error", scale_error, n=n, note=f"ours is {fit.scale:.4f} of the truth"),
    ]
    if sigma_relative > 0:  # a scale that was declared claims no error to compare with
        note = "scale error over the claimed 1σ"
        metrics.append(measured("truth.cameras.scale_error_sigmas", scale_error / sigma_relative, n=n, note=note))
    return metrics
