"""Captures of the shared RGB-D scenes as if they were photos: points sampled from true depth stand in for matched features."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from lyra_sim.conventions import c2w_opengl_from_opencv
from lyra_sim.data.capture import Capture
from lyra_sim.data.scale import ScaleEstimate
from lyra_sim.data.sparse import SparsePoints
from lyra_sim.data.views import Views
from lyra_sim.geometry.cameras import CameraPath, pixel_rays
from lyra_sim.geometry.rigid import Similarity


def capture_of(folder: Path, *, every: int) -> Capture:
    """Every n-th frame of a posed RGB-D walk; the folder's own images are read in place."""
    facts = json.loads((folder / "transforms.json").read_text(encoding="utf-8"))
    frames = facts["frames"][::every]
    width, height = facts["w"], facts["h"]
    K = np.array([[facts["fl_x"], 0, facts["cx"]], [0, facts["fl_y"], facts["cy"]], [0, 0, 1.0]])
    c2w = c2w_opengl_from_opencv(np.array([frame["transform_matrix"] for frame in frames], np.float64))
    rays = pixel_rays(K, width, height)[20::40, 20::40].astype(np.float64).reshape(-1, 3)
    points, views = [], []
    for view, frame in enumerate(frames):
        with Image.open(folder / frame["depth_file_path"]) as image:
            z = np.asarray(image)[20::40, 20::40].ravel() * 0.001
        points.append((rays * z[:, None]) @ c2w[view, :3, :3].T + c2w[view, :3, 3])
        views.append(np.where(z > 0, view, -1))
    view_index = np.concatenate(views)
    seen = view_index >= 0
    return Capture(
        views=_Whole(
            folder=folder,
            names=tuple(Path(frame["file_path"]).stem for frame in frames),
            rgb_suffix=".jpg",
            units_per_depth_count=None,
        ),
        cameras=CameraPath(c2w=c2w, K=np.tile(K, (len(c2w), 1, 1)), width=width, height=height),
        world_from_capture=Similarity.identity(),
        scale=ScaleEstimate(metres_per_unit=1.0, sigma_relative=0.0, source="declared metric"),
        held_out=(),
        frame_agreement=None,
        up_source="declared z",
        depth=None,
        sparse=SparsePoints(
            points=np.concatenate(points)[seen],
            point_index=np.arange(int(seen.sum()), dtype=np.int32),
            view_index=view_index[seen].astype(np.int32),
            xy=np.tile(rays[:, :2], (len(c2w), 1))[seen],
        ),
    )


class _Whole(Views):
    """Views whose every pixel is valid: the folder brings no ``valid.png``."""

    def valid(self, index: int) -> np.ndarray:
        return np.ones(self.rgb(index).shape[:2], bool)
